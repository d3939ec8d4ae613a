"""Build the plugin's zip, or the wheelhouse for closed networks; the same input, the same bytes."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLUGIN = ROOT / "qgis" / "gossan_qgis"
MOMENT = (1980, 1, 1, 0, 0, 0)
"""Time of every file in a zip, so that only content matters."""
ENDINGS = (".py", ".txt", ".svg", ".json", ".html", ".png")
EPOCH = "315532800"


def main() -> None:
    """Build what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("plugin", "wheelhouse"))
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    parser.add_argument("--python-archive", type=Path, help="tar.gz of a standalone Python")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    if given.what == "plugin":
        path = build_plugin(given.out)
    else:
        path = build_wheelhouse(given.out, given.python_archive)
    sys.stdout.write(f"{path} ({path.stat().st_size / 2**20:.1f} MiB)\n")


def build_plugin(out: Path) -> Path:
    """Zip the plugin with the wheel of this gossan, which it installs."""
    with tempfile.TemporaryDirectory() as folder:
        wheel = build_wheel(Path(folder))
        version = wheel.name.split("-")[1]
        parts = dict(_sources())
        metadata = parts["gossan_qgis/metadata.txt"].decode("utf-8")
        parts["gossan_qgis/metadata.txt"] = _with_version(metadata, version).encode("utf-8")
        parts[f"gossan_qgis/wheels/{wheel.name}"] = wheel.read_bytes()
        parts["gossan_qgis/wheels/constraints.txt"] = (ROOT / "constraints.txt").read_bytes()
        parts["gossan_qgis/LICENSE"] = (ROOT / "LICENSE").read_bytes()
        return _zip(out / f"gossan_qgis-{version}.zip", sorted(parts.items()))


def _sources() -> Iterable[tuple[str, bytes]]:
    for path in sorted(PLUGIN.rglob("*")):
        if (
            path.suffix in ENDINGS
            and "__pycache__" not in path.parts
            and "wheels" not in path.parts
        ):
            yield path.relative_to(PLUGIN.parent).as_posix(), path.read_bytes()


def _with_version(metadata: str, version: str) -> str:
    lines = metadata.splitlines()
    return "\n".join(f"version={version}" if one.startswith("version=") else one for one in lines)


def build_wheel(folder: Path) -> Path:
    """Build the wheel of gossan."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir"]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH}
    environment.pop("PYTHONPATH", None)
    subprocess.run([*command, str(folder), str(ROOT)], check=True, env=environment)
    return next(folder.glob("gossan-*.whl"))


def build_wheelhouse(out: Path, python_archive: Path | None) -> Path:
    """Zip gossan, all that it needs and uv, for this system and this Python."""
    sys.path.insert(0, str(PLUGIN.parent))
    from gossan_qgis.core.install import MANIFEST, system_word

    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    with tempfile.TemporaryDirectory() as folder:
        wheels = Path(folder)
        own = build_wheel(wheels)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary", ":all:"]
        command += ["--dest", str(wheels), "--constraint", str(ROOT / "constraints.txt")]
        subprocess.run([*command, str(own), "uv"], check=True)
        version = own.name.split("-")[1]
        manifest = {"gossan": version, "python": python, "system": system_word()}
        parts = [(MANIFEST, json.dumps(manifest, indent=1).encode("ascii"))]
        parts += [(f"wheels/{one.name}", one.read_bytes()) for one in sorted(wheels.glob("*.whl"))]
        if python_archive is not None:
            parts.append((f"python/{python_archive.name}", python_archive.read_bytes()))
        name = f"gossan-wheelhouse-{version}-{system_word()}-py{python}.zip"
        return _zip(out / name, parts)


def _zip(path: Path, parts: Iterable[tuple[str, bytes]]) -> Path:
    partial = path.with_name(path.name + ".partial")
    with zipfile.ZipFile(partial, "w") as archive:
        for name, content in parts:
            info = zipfile.ZipInfo(name, MOMENT)
            info.external_attr = 0o644 << 16
            kind = zipfile.ZIP_STORED if name.endswith((".whl", ".gz")) else zipfile.ZIP_DEFLATED
            info.compress_type = kind
            archive.writestr(info, content)
    partial.replace(path)
    return path


if __name__ == "__main__":
    main()
