"""Find a gossan that can be used: chosen by the user, made by this plugin, or installed before."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .process import Engine, run
from .protocol import CancelledError, GossanError, UnusableError, version_key

PROBE_SECONDS = 120.0
"""How long a gossan may take to say its version: the first start after an installation is slow."""
EXECUTABLE = "gossan.exe" if os.name == "nt" else "gossan"


@dataclass(frozen=True)
class Probe:
    """What came of asking a gossan for its version: an engine, or why it cannot be used."""

    command: tuple[str, ...]
    engine: Engine | None = None
    kind: str = "right"
    reason: str = ""

    @property
    def shown(self) -> str:
        """One line for the report."""
        state = f"{self.engine.version}, usable" if self.engine else f"{self.kind}: {self.reason}"
        return f"{' '.join(self.command)}: {state}"


def data_folder(environment: Mapping[str, str], system: str = sys.platform) -> Path:
    """Return the folder for the plugin's own gossan: of the user, outside of QGIS's profile.

    >>> data_folder({"HOME": "/u/ann"}, "linux").as_posix()
    '/u/ann/.local/share/gossan'
    >>> data_folder({"HOME": "/Users/ann"}, "darwin").as_posix()
    '/Users/ann/Library/Application Support/gossan'
    """
    home = Path(environment.get("HOME") or environment.get("USERPROFILE") or Path.home())
    if system.startswith("win"):
        return Path(environment.get("LOCALAPPDATA") or home / "AppData" / "Local") / "gossan"
    if system == "darwin":
        return home / "Library" / "Application Support" / "gossan"
    return Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share") / "gossan"


def environment_python(folder: Path) -> Path:
    """Return the Python of a virtual environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def environment_command(folder: Path) -> tuple[str, ...]:
    """Return the command of the gossan in a virtual environment, whatever else is installed."""
    return (str(environment_python(folder)), "-I", "-X", "utf8", "-m", "gossan")


def candidates(
    chosen: str, folder: Path, environment: Mapping[str, str]
) -> Iterator[tuple[str, ...]]:
    """List the commands that may be a gossan, the chosen one first; each only once."""
    found: dict[tuple[str, ...], None] = {}
    if chosen:
        found[_command_of(Path(chosen))] = None
    made = sorted(folder.glob("env-*"), key=lambda path: version_key(path.name), reverse=True)
    for path in made:
        if not path.name.endswith(".partial") and environment_python(path).exists():
            found[environment_command(path)] = None
    for path in _installed(environment):
        found[(str(path),)] = None
    yield from found


def _command_of(path: Path) -> tuple[str, ...]:
    """Return the command of what the user chose: an executable, or the folder of an environment."""
    return environment_command(path) if path.is_dir() else (str(path),)


def _installed(environment: Mapping[str, str]) -> Iterator[Path]:
    """List executables called gossan where installers put them, and on the search path."""
    home = Path(environment.get("HOME") or environment.get("USERPROFILE") or Path.home())
    scripts = "Scripts" if os.name == "nt" else "bin"
    folders = [
        home / ".local" / "bin",
        home / ".local" / "share" / "uv" / "tools" / "gossan" / scripts,
        home / ".local" / "share" / "pipx" / "venvs" / "gossan" / scripts,
        home / ".local" / "pipx" / "venvs" / "gossan" / scripts,
        *(Path(part) for part in environment.get("PATH", "").split(os.pathsep) if part),
    ]
    for folder in folders:
        path = folder / EXECUTABLE
        if os.access(path, os.X_OK) and path.is_file():
            yield path


def probe(command: Sequence[str], environment: Mapping[str, str]) -> Probe:
    """Ask a gossan for its version and protocol."""
    engine = Engine(tuple(command), environment)
    end = time.monotonic() + PROBE_SECONDS
    try:
        found = run(engine, ["--version"], cancelled=lambda: time.monotonic() > end, grace=1)
    except CancelledError:
        return Probe(engine.command, None, "broken", "it gives no answer")
    except UnusableError as error:
        return Probe(engine.command, None, error.kind, str(error))
    except GossanError as error:
        return Probe(engine.command, None, "broken", str(error))
    return Probe(engine.command, Engine(engine.command, environment, found.version))


def first_usable(
    commands: Iterator[tuple[str, ...]], environment: Mapping[str, str]
) -> tuple[Engine | None, list[Probe]]:
    """Return the first gossan that can be used, and every probe until then."""
    probes: list[Probe] = []
    for command in commands:
        probes.append(probe(command, environment))
        if probes[-1].engine is not None:
            return probes[-1].engine, probes
    return None, probes
