"""Install the zip into an empty QGIS, gossan from the wheelhouse, and do the demo's whole job.

    python qgis/try_installed.py                       the zips in dist/, as make test-plugin does
    python qgis/try_installed.py --gossan .venv/bin/gossan   an existing gossan instead
    python qgis/try_installed.py --gossan .venv/bin/gossan --demo demo --pictures FOLDER
                                                       pictures alone, of a demo that has run

No network is used, the profile is read-only, and the folder of gossan has blanks and Chinese in it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from PIL import Image

COLOURS = 96
ROOT = Path(__file__).resolve().parent.parent
HOSTILE = {
    "GDAL_DRIVER_PATH": "/nowhere", "LD_PRELOAD": "", "CONDA_PREFIX": "/nowhere",
    "VIRTUAL_ENV": "/nowhere", "PYTHONUSERBASE": "/nowhere", "HTTPS_PROXY": "http://127.0.0.1:9",
}  # fmt: skip


def main() -> None:
    """Run everything in a temporary folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--qgis-python", default="/usr/bin/python3")
    parser.add_argument("--dist", type=Path, default=ROOT / "dist")
    parser.add_argument("--gossan", help="an existing gossan instead of the wheelhouse")
    parser.add_argument("--demo", type=Path, help="a demo folder that exists")
    parser.add_argument("--pictures", type=Path, help="take pictures alone, into this folder")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        facts = _facts(base, given)
        path = base / "facts.json"
        path.write_text(json.dumps(facts), encoding="utf-8")
        script = str(ROOT / "qgis" / "whole_job.py")
        done = subprocess.run(
            [given.qgis_python, script, str(path)], env=_environment(base), check=False
        )
        for picture in sorted(Path(str(facts["pictures"])).glob("qgis_*.png")):
            _make_small(picture)
    sys.exit(done.returncode)


def _make_small(picture: Path) -> None:
    """Reduce the colours of a picture, so that the documentation stays light."""
    with Image.open(picture) as image:
        small = image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    small.save(picture, optimize=True)


def _facts(base: Path, given: argparse.Namespace) -> dict[str, object]:
    """Lay out the profile, the plugin and the demo; return what the script in QGIS reads."""
    pictures = given.pictures or base / "pictures"
    for one in (base / "home", base / "runtime", base / "config", pictures):
        one.mkdir(parents=True, exist_ok=True, mode=0o700)
    plugins = base / "profile" / "python" / "plugins"
    if given.pictures:
        shutil.copytree(ROOT / "qgis" / "gossan_qgis", plugins / "gossan_qgis")
    else:
        with zipfile.ZipFile(next(given.dist.glob("gossan_qgis-*.zip"))) as archive:
            archive.extractall(plugins)
    plugins.chmod(0o555)
    demo = given.demo.absolute() if given.demo else _write_demo(base / "demo")
    out = base / ("demo" if given.pictures else "Cu of the district")
    if given.pictures:
        shutil.copytree(demo, out, ignore=shutil.ignore_patterns("scenes", "truth", "store"))
    settings = {"folder": str(base / "own gossan 河流")}
    if given.gossan:
        settings["command"] = str(Path(given.gossan).absolute())
    else:
        settings["wheelhouse"] = str(next(given.dist.glob("gossan-wheelhouse-*.zip")))
    return {
        "plugins": str(plugins), "profile": str(base / "profile"), "demo": str(demo),
        "out": str(out), "pictures": str(pictures), "settings": settings,
        "whole": not given.pictures,
    }  # fmt: skip


def _write_demo(folder: Path) -> Path:
    code = (
        "import sys; from gossan.demo.district import simulate_district; "
        "from gossan.demo.folder import write_district; "
        "write_district(simulate_district(), sys.argv[1], 'raw')"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True)
    return folder


def _environment(base: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("LANG",) if name in os.environ}
    return {
        **kept, **HOSTILE, "PATH": "/usr/bin:/bin", "HOME": str(base / "home"),
        "XDG_CONFIG_HOME": str(base / "config"), "XDG_RUNTIME_DIR": str(base / "runtime"),
        "QT_QPA_PLATFORM": "offscreen",
    }  # fmt: skip


if __name__ == "__main__":
    main()
