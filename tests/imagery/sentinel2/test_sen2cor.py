"""Sen2Cor through the real thing's interface: a program of that name that writes a product."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gossan.demo.write_sentinel2 import SimulatedSentinel2, write_sentinel2
from gossan.errors import ImageryError, MissingDependencyError
from gossan.geo.grid import Grid
from gossan.imagery.scenes import open_scenes
from gossan.imagery.settings import ImagerySettings

BOUNDS = (563040.0, 4391640.0, 563640.0, 4392240.0)
GRIDS = {p: Grid.from_bounds(32645, BOUNDS, p) for p in (10, 20, 60)}


def scene(level: str, value: float) -> SimulatedSentinel2:
    bands = {"b04": np.full(GRIDS[10].shape, value), "b08": np.full(GRIDS[10].shape, value + 0.1)}
    classes = np.full(GRIDS[20].shape, 5) if level == "L2A" else None
    return SimulatedSentinel2(GRIDS, bands, classes, level=level)  # type: ignore[arg-type]


@pytest.fixture
def product(tmp_path: Path) -> Path:
    return write_sentinel2(scene("L1C", 0.3), tmp_path)


def install(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "bin" / "L2A_Process"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\n{script}")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")


def words(product: Path) -> ImagerySettings:
    return ImagerySettings(
        name="s2", sensor="sentinel2", paths=[product], atmosphere="sen2cor", indices=[]
    )


def test_the_product_that_sen2cor_makes_is_taken_and_made_once(
    product: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = write_sentinel2(scene("L2A", 0.2), tmp_path / "template")
    script = (
        "import shutil, sys, pathlib\n"
        "assert sys.argv[1] == '--output_dir' and pathlib.Path(sys.argv[3]).is_dir()\n"
        f"shutil.copytree({str(made)!r}, pathlib.Path(sys.argv[2]) / {made.name!r})\n"
        f"open({str(tmp_path / 'calls')!r}, 'a').write('x')\n"
    )
    install(tmp_path, script, monkeypatch)
    for _ in range(2):
        found = open_scenes(words(product), tmp_path, tmp_path / "store")
    assert (tmp_path / "calls").read_text() == "x"
    values = found.bands.read(found.bands.grid.whole)
    np.testing.assert_allclose(values[0], 0.2, atol=1e-4)
    assert found.scenes[0].scene.quantity == "surface reflectance (L2A)"


def test_without_sen2cor_the_cure_is_named(
    product: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingDependencyError, match=r"L2A_Process.*Install Sen2Cor"):
        open_scenes(words(product), tmp_path, tmp_path / "store")


def test_a_failure_of_sen2cor_is_one_line(
    product: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "import sys; sys.exit('no auxiliary data')", monkeypatch)
    with pytest.raises(ImageryError, match="got no auxiliary data"):
        open_scenes(words(product), tmp_path, tmp_path / "store")


def test_a_product_of_level_2a_is_taken_as_it_is(tmp_path: Path) -> None:
    done = write_sentinel2(replace(scene("L2A", 0.2), tile="45SXC"), tmp_path)
    found = open_scenes(words(done), tmp_path, tmp_path / "store")
    assert found.bands.bands == ("b04", "b08")
