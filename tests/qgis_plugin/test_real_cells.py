"""The 24 cells with the real uv and the real gossan: the right map or the right message in each.

Real are: uv, the index that it installs from and the proxy that refuses (both servers of this
computer), the wheelhouse, gossan and the map that it lists. Not real is the weight: the wheel of
gossan that is installed leads to the packages of this Python instead of bringing 300 MB of them.
"""

from __future__ import annotations

import http.server
import importlib.util
import json
import os
import re
import shutil
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path

import pytest
from gossan_qgis.core import install as installation
from gossan_qgis.core.environment import Proxy, child_environment
from gossan_qgis.core.install import InstallError, Plan, find_or_install, system_word
from gossan_qgis.core.locate import candidates, data_folder
from gossan_qgis.core.process import run

from ..conftest import ROOT
from ..presence import missing_program
from .test_installation import KINDS, SURROUNDINGS, no_download
from .test_process import HOSTILE

pytestmark = pytest.mark.skipif(os.name == "nt", reason="gossan is put in place by scripts with #!")
NEEDED = "gossan-needs"
"""A package that gossan's wheel requires, so that uv has to ask an index for it."""
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture(scope="module")
def uv() -> Path:
    """The real uv: its package, or one on the path."""
    found = shutil.which("uv")
    if importlib.util.find_spec("uv") is not None:
        import uv as package

        found = package.find_uv_bin()
    if found is None:
        missing_program("uv is not installed: pip install uv")
    return Path(found)


def write_wheel(folder: Path, name: str, release: str, *, needs: str = "", paths: str = "") -> Path:
    """Write a wheel that adds folders to Python's path."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = name.replace("-", "_")
    info, path = f"{stem}-{release}.dist-info", folder / f"{stem}-{release}-py3-none-any.whl"
    needed = f"Requires-Dist: {needs}\n" if needs else ""
    files = {
        f"{stem}_here.pth": paths,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {release}\n{needed}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }  # fmt: skip
    files[f"{info}/RECORD"] = "".join(f"{one},,\n" for one in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for inner, text in files.items():
            archive.writestr(inner, text)
    return path


def write_wheels(folder: Path) -> tuple[Path, Path]:
    """Write gossan's wheel, which leads to this source and its packages, and what it needs."""
    import numpy

    paths = "\n".join([str(ROOT / "src"), str(Path(numpy.__file__).parents[1])]) + "\n"
    own = write_wheel(folder, "gossan", version("gossan"), needs=NEEDED, paths=paths)
    return own, write_wheel(folder, NEEDED, "1.0")


class Index(http.server.SimpleHTTPRequestHandler):
    """A folder of packages, as an index serves it."""

    def log_message(self, *_: object) -> None:
        pass


class Refusing(http.server.BaseHTTPRequestHandler):
    """A proxy that wants a name and a password."""

    def refuse(self) -> None:
        self.send_response(407, "Proxy Authentication Required")
        self.send_header("Proxy-Authenticate", 'Basic realm="office"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_CONNECT = do_HEAD = refuse

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(handler: object) -> Iterator[int]:
    """Serve on a port of this computer."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:  # type: ignore[arg-type]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@contextmanager
def plan_for(base: Path, surrounding: str, uv: Path) -> Iterator[tuple[Plan, dict[str, str]]]:
    """What the plugin would install in some surroundings, and the environment of QGIS."""
    home = base / ("with blank 河流 Медь" if surrounding == "blanks" else "home")
    home.mkdir()
    parent = {"HOME": str(home), "PATH": str(home / "path")}
    parent = {**HOSTILE, **parent} if surrounding == "hostile" else parent
    parent.pop("https_proxy", None)
    own, needed = write_wheels(base / "wheels of the plugin")
    place = base / "index" / "packages" / NEEDED
    place.mkdir(parents=True)
    shutil.move(needed, place / needed.name)
    house = base / "house.zip" if surrounding == "wheelhouse" else None
    if house:
        manifest = {"gossan": version("gossan"), "python": PYTHON, "system": system_word()}
        with zipfile.ZipFile(house, "w") as archive:
            archive.writestr("wheelhouse.json", json.dumps(manifest))
            for wheel in (own, place / needed.name):
                archive.write(wheel, f"wheels/{wheel.name}")
    index = partial(Index, directory=str(base / "index"))
    with served(index) as port, served(Refusing) as refusing:
        proxy = Proxy("127.0.0.1", refusing) if surrounding == "proxy" else None
        environment = child_environment(parent, proxy, windows=False)
        host = "packages.test" if surrounding in ("proxy", "wheelhouse") else "127.0.0.1"
        environment["UV_DEFAULT_INDEX"] = f"http://{host}:{port}/packages"
        folder = data_folder(parent)
        yield Plan(folder, version("gossan"), environment, own.parent, house, str(uv)), parent


def write_gossan(path: Path, kind: str) -> None:
    """Put the real gossan in place: as it is, with an older version, or without its packages."""
    path.parent.mkdir(parents=True, exist_ok=True)
    older = path.parent / "older"
    if kind == "older":
        (older / "gossan-0.0.9.dist-info").mkdir(parents=True)
        metadata = older / "gossan-0.0.9.dist-info" / "METADATA"
        metadata.write_text("Metadata-Version: 2.1\nName: gossan\nVersion: 0.0.9\n", "utf-8")
    options = "-I -S" if kind == "broken" else "-I"
    path.write_text(
        f'#!/bin/sh\nexec "{sys.executable}" {options} -c "import sys; '
        f"sys.path[:0] = {[str(older), str(ROOT / 'src')]}; "
        'from gossan.cli import main; main()" "$@"\n',
        encoding="utf-8",
    )
    path.chmod(0o755)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("surrounding", SURROUNDINGS)
def test_real_programs_give_the_right_map_or_the_right_message(
    tmp_path: Path,
    surrounding: str,
    kind: str,
    uv: Path,
    finished_run: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(installation, "PYTHON", sys.executable)
    profile = tmp_path / "profile"
    profile.mkdir(mode=0o555)
    with plan_for(tmp_path, surrounding, uv) as (plan, parent):
        if kind != "none":
            write_gossan(Path(parent["PATH"]) / "gossan", kind)
        commands = candidates("", plan.folder, parent)
        if surrounding == "proxy" and kind != "right":
            with pytest.raises(InstallError, match="user name and a password") as caught:
                find_or_install(commands, plan, no_download)
            assert caught.value.diagnosis.cause == "proxy"
            assert not list(plan.folder.glob("env-*[0-9]"))
            return
        engine, probes = find_or_install(commands, plan, no_download)
    assert [probe.kind for probe in probes] == [kind] * (kind != "none")
    assert (plan.folder / f"env-{plan.version}").exists() == (kind != "right")
    found = run(engine, ["results", str(finished_run)])
    maps = [Path(layer["path"]) for layer in found.layers if layer["kind"] == "raster"]
    assert maps and all(path.is_file() for path in maps)
    assert re.search(r"[Kk]rig", " ".join(found.text) + json.dumps(found.tables)), found
    assert not list(profile.iterdir())
