"""Install gossan for this plugin: an environment made by uv, from the network or a wheelhouse."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import platform
import queue
import shutil
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .diagnosis import Diagnosis, diagnose
from .locate import Probe, environment_command, environment_python, first_usable, probe
from .process import Engine, Listener, kill_tree
from .protocol import STOPPED, CancelledError, GossanError
from .translations import tr

PYTHON = "3.12"
"""The Python that uv gets where no wheelhouse says another."""
UV_VERSION = "0.13.9"
UV_PLACE = "https://github.com/astral-sh/uv/releases/download"
MANIFEST = "wheelhouse.json"
ATTEMPTS = 4
"""Tries where another program holds a file, with growing pauses."""
UV = "uv.exe" if os.name == "nt" else "uv"
TAIL = 40

Download = Callable[[str], bytes]
"""Fetches an address through the proxy of QGIS."""


class InstallError(GossanError):
    """The installation failed: ``diagnosis`` says why, ``output`` is what programs said."""

    kind = "install"

    def __init__(self, diagnosis: Diagnosis, output: str) -> None:
        super().__init__(diagnosis.text)
        self.diagnosis, self.output = diagnosis, output


@dataclass(frozen=True)
class Plan:
    """What to install, where, and from what.

    Parameters
    ----------
    folder
        Folder of the plugin's own gossan, outside of QGIS's profile.
    version
        Version of gossan that belongs to this plugin.
    environment
        Environment for uv and gossan.
    wheels
        Folder of the plugin with its wheel of gossan and ``constraints.txt``; either may be absent.
    wheelhouse
        Zip of ``make wheelhouse``; None to use the network.
    uv
        uv to use; "" to find or to download one.
    pythons
        Interpreters to try beside those that uv finds.
    """

    folder: Path
    version: str
    environment: Mapping[str, str]
    wheels: Path
    wheelhouse: Path | None = None
    uv: str = ""
    pythons: Sequence[str] = ()


def find_or_install(
    commands: Iterator[tuple[str, ...]],
    plan: Plan,
    download: Download,
    listener: Listener | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[Engine, list[Probe]]:
    """Return the first gossan that can be used, else install one; and every gossan that was asked.

    Raises
    ------
    InstallError
        There is none and it cannot be installed; the message names those that cannot be used.
    CancelledError
        The user stopped it; the next try continues.
    """
    listener = listener or Listener()
    engine, probes = first_usable(commands, plan.environment)
    if engine is None:
        for one in probes:
            listener.note(one.shown)
        listener.note(tr("gossan is being installed, which happens once and takes a few minutes."))
        engine = install(plan, download, listener, cancelled)
    return engine, probes


def install(
    plan: Plan,
    download: Download,
    listener: Listener | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Engine:
    """Make the environment; what an earlier try has finished is kept.

    Raises
    ------
    InstallError
        It failed; the message says why and what to do.
    CancelledError
        The user stopped it; the next try continues.
    """
    try:
        return _Installation(plan, download, listener or Listener(), cancelled).run()
    except (OSError, zipfile.BadZipFile, tarfile.TarError, ValueError) as error:
        raise InstallError(diagnose(f"{type(error).__name__}: {error}"), str(error)) from error


@dataclass
class _Installation:
    plan: Plan
    download: Download
    listener: Listener
    cancelled: Callable[[], bool]
    said: list[str] = field(default_factory=list)

    def run(self) -> Engine:
        folder = self.plan.folder
        folder.mkdir(parents=True, exist_ok=True)
        _check_writable(folder)
        done = folder / f"env-{self.plan.version}"
        partial = folder / f"{done.name}.partial"
        house = self._wheelhouse()
        uv = self._uv(house)
        self._environment(uv, partial, house)
        self._packages(uv, partial, house)
        self.listener.step(tr("Checking the installation"))
        found = probe(environment_command(partial), self.plan.environment)
        if found.engine is None:
            shutil.rmtree(partial, ignore_errors=True)
            raise InstallError(diagnose(found.reason), found.reason)
        _retried(lambda: _replace(partial, done))
        return Engine(environment_command(done), self.plan.environment, found.engine.version)

    def _wheelhouse(self) -> _House | None:
        """Unpack the wheelhouse; files that are there already are kept."""
        if self.plan.wheelhouse is None:
            return None
        self.listener.step(tr("Unpacking the wheelhouse"))
        target = self.plan.folder / "wheelhouse"
        with zipfile.ZipFile(self.plan.wheelhouse) as archive:
            manifest = json.loads(archive.read(MANIFEST))
            for member in archive.infolist():
                self._stop_if_asked()
                _unpack(archive, member, target)
        _check_fits(manifest)
        return _House(target, str(manifest["python"]), str(manifest["gossan"]))

    def _uv(self, house: _House | None) -> str:
        own = self.plan.folder / "bin" / UV
        for path in (self.plan.uv, str(own), *_usual_uv(self.plan.environment)):
            if path and os.access(path, os.X_OK) and Path(path).is_file():
                return path
        self.listener.step(tr("Getting uv"))
        content = house.uv() if house else None
        if content is None and house is None:
            content = _download_uv(self.download)
        if content is None:
            raise ValueError(f"{self.plan.wheelhouse} holds no uv")
        own.parent.mkdir(parents=True, exist_ok=True)
        _retried(lambda: _write_program(own, content))
        return str(own)

    def _environment(self, uv: str, partial: Path, house: _House | None) -> None:
        """Make the virtual environment, unless an earlier try has left a working one."""
        python = environment_python(partial)
        if python.exists() and _works(python, self.plan.environment):
            return
        self.listener.step(tr("Making an environment with Python"))
        shutil.rmtree(partial, ignore_errors=True)
        wanted = house.python if house else PYTHON
        tries = [
            *([str(found)] if house and (found := house.interpreter(self.plan.folder)) else []),
            wanted,
            *(
                path
                for path in self.plan.pythons
                if _is_python(path, wanted, self.plan.environment)
            ),
        ]
        for number, interpreter in enumerate(tries, 1):
            try:
                return self._call([uv, "venv", "--python", interpreter, str(partial)], house)
            except InstallError:
                if number == len(tries):
                    raise
        return None

    def _packages(self, uv: str, partial: Path, house: _House | None) -> None:
        self.listener.step(tr("Installing gossan and what it needs"))
        target = ["--python", str(environment_python(partial))]
        constraints = self.plan.wheels / "constraints.txt"
        if house is not None:
            source = ["--no-index", "--find-links", str(house.folder / "wheels")]
            wanted = f"gossan=={house.gossan}"
        else:
            source = ["--constraint", str(constraints)] if constraints.exists() else []
            own = sorted(self.plan.wheels.glob("gossan-*.whl"))
            wanted = str(own[-1]) if own else f"gossan=={self.plan.version}"
        self._call([uv, "pip", "install", *target, *source, wanted], house)

    def _call(self, command: Sequence[str], house: _House | None) -> None:
        """Run a program to its end; once more where another program holds a file."""
        environment = {**self.plan.environment, **self._uv_settings(house)}
        for attempt in range(1, ATTEMPTS + 1):
            code, output = self._follow(command, environment)
            if code == 0:
                return
            diagnosis = diagnose(output)
            if not diagnosis.retry or attempt == ATTEMPTS:
                raise InstallError(diagnosis, output)
            self.listener.log(f"Another program holds a file; trying again ({attempt})")
            time.sleep(attempt)

    def _uv_settings(self, house: _House | None) -> dict[str, str]:
        offline = {"UV_OFFLINE": "1", "UV_PYTHON_DOWNLOADS": "never"} if house else {}
        return {
            "UV_CACHE_DIR": str(self.plan.folder / "cache"),
            "UV_PYTHON_INSTALL_DIR": str(self.plan.folder / "python"),
            "UV_NO_CONFIG": "1", "UV_NO_PROGRESS": "1", "UV_NATIVE_TLS": "1",
            "UV_SYSTEM_CERTS": "1", "UV_HTTP_TIMEOUT": "120", **offline,
        }  # fmt: skip

    def _follow(self, command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
        options = {} if os.name == "nt" else {"start_new_session": True}
        lines: queue.Queue[str | None] = queue.Queue()
        said: list[str] = []
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=dict(environment), creationflags=0x08000000 if os.name == "nt" else 0, **options,
        ) as process:  # fmt: skip
            assert process.stdout is not None
            reader = threading.Thread(target=_read_lines, args=(process.stdout, lines), daemon=True)
            reader.start()
            while True:
                if self.cancelled():
                    kill_tree(process)
                    raise CancelledError(STOPPED)
                with contextlib.suppress(queue.Empty):
                    line = lines.get(timeout=0.1)
                    if line is None:
                        break
                    said.append(line)
                    self.listener.log(line)
        return process.returncode, "\n".join(said[-TAIL:])

    def _stop_if_asked(self) -> None:
        if self.cancelled():
            raise CancelledError(STOPPED)


@dataclass(frozen=True)
class _House:
    """An unpacked wheelhouse."""

    folder: Path
    python: str
    gossan: str

    def uv(self) -> bytes | None:
        """Take uv out of its wheel."""
        for wheel in sorted((self.folder / "wheels").glob("uv-*.whl")):
            with zipfile.ZipFile(wheel) as archive:
                for name in archive.namelist():
                    if name.endswith(f"/scripts/{UV}"):
                        return archive.read(name)
        return None

    def interpreter(self, folder: Path) -> Path | None:
        """Unpack the Python of the wheelhouse, where it holds one."""
        archives = sorted((self.folder / "python").glob("*.tar.gz"))
        target = folder / "python" / f"wheelhouse-{self.python}"
        found = (
            target / "python" / ("python.exe" if os.name == "nt" else f"bin/python{self.python}")
        )
        if archives and not found.exists():
            with tarfile.open(archives[-1]) as archive:
                archive.extractall(target, members=_safe(archive, target))
        return found if found.exists() else None


def _safe(archive: tarfile.TarFile, target: Path) -> list[tarfile.TarInfo]:
    """List the members that stay in the folder."""
    root = target.resolve()
    return [
        member
        for member in archive.getmembers()
        if root in (root / member.name).resolve().parents and not member.isdev()
    ]


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    path = (target / member.filename).resolve()
    if member.is_dir() or target.resolve() not in path.parents:
        return
    if path.exists() and path.stat().st_size == member.file_size:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    with archive.open(member) as source, partial.open("wb") as copy:
        shutil.copyfileobj(source, copy)
    partial.replace(path)


def _check_fits(manifest: Mapping[str, object]) -> None:
    """Refuse a wheelhouse of another system."""
    own = system_word()
    if manifest.get("system") != own:
        raise ValueError(
            f"no wheels with a matching platform: the wheelhouse is for {manifest.get('system')}, "
            f"this system is {own}"
        )


def system_word() -> str:
    """Return the system and processor, such as "linux-x86_64"."""
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(
        platform.machine().lower(), platform.machine().lower()
    )
    return f"{sys.platform}-{machine}"


def _usual_uv(environment: Mapping[str, str]) -> list[str]:
    home = Path(environment.get("HOME") or environment.get("USERPROFILE") or Path.home())
    return [str(home / part / UV) for part in (".local/bin", ".cargo/bin")]


_UV_TARGETS = {
    "linux-x86_64": "x86_64-unknown-linux-gnu.tar.gz",
    "linux-aarch64": "aarch64-unknown-linux-gnu.tar.gz",
    "darwin-x86_64": "x86_64-apple-darwin.tar.gz",
    "darwin-aarch64": "aarch64-apple-darwin.tar.gz",
    "win32-x86_64": "x86_64-pc-windows-msvc.zip",
    "win32-aarch64": "aarch64-pc-windows-msvc.zip",
}


def uv_address(system: str) -> str:
    """Return the address of uv for a system.

    >>> uv_address("win32-x86_64").rpartition("/")[2]
    'uv-x86_64-pc-windows-msvc.zip'
    """
    try:
        return f"{UV_PLACE}/{UV_VERSION}/uv-{_UV_TARGETS[system]}"
    except KeyError:
        raise ValueError(f"no wheels with a matching platform for {system}") from None


def _download_uv(download: Download) -> bytes:
    """Fetch uv and check it against the sum that is published with it."""
    address = uv_address(system_word())
    content = download(address)
    published = download(f"{address}.sha256").decode("ascii", "replace").split()
    if hashlib.sha256(content).hexdigest() not in published:
        raise ValueError("network: uv arrived damaged; its checksum differs")
    if address.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            name = next(name for name in archive.namelist() if Path(name).name == UV)
            return archive.read(name)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        member = next(one for one in archive.getmembers() if Path(one.name).name == UV)
        stream = archive.extractfile(member)
        assert stream is not None
        return stream.read()


def _write_program(path: Path, content: bytes) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    partial.chmod(0o755)
    partial.replace(path)


def _check_writable(folder: Path) -> None:
    probe_file = folder / f".write-{os.getpid()}"
    probe_file.write_bytes(b"")
    probe_file.unlink()


def _replace(partial: Path, done: Path) -> None:
    """Put the finished environment in its place, and drop those of older versions."""
    for old in done.parent.glob("env-*"):
        if old != partial:
            shutil.rmtree(old, ignore_errors=True)
    partial.replace(done)


def _retried(work: Callable[[], None]) -> None:
    """Do what an antivirus may refuse for a moment."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return work()
        except PermissionError:
            if attempt == ATTEMPTS:
                raise
            time.sleep(attempt)
    return None


def _works(python: Path, environment: Mapping[str, str]) -> bool:
    return _said_by([str(python), "-I", "-c", "print(1)"], environment) == "1"


def _is_python(path: str, wanted: str, environment: Mapping[str, str]) -> bool:
    """Return whether an interpreter is of the version wanted."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    return _said_by([path, "-I", "-c", code], environment) == wanted


def _said_by(command: Sequence[str], environment: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=60, env=dict(environment), check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace").strip()


def _read_lines(stream: io.BufferedReader, lines: queue.Queue[str | None]) -> None:
    with contextlib.suppress(OSError, ValueError):
        for line in stream:
            lines.put(line.decode("utf-8", "replace").rstrip())
    lines.put(None)
