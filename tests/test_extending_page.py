"""The page on extending gossan: each file and its line make a model, and a sensor, that work."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from gossan.errors import SettingsError
from gossan.fusion.registry import MODELS
from gossan.geo.raster import write_array
from gossan.imagery.sensors import SENSORS
from gossan.pipeline.commands.check import check_project
from gossan.pipeline.commands.prepare import prepare_project
from gossan.pipeline.options.project import load_project

from .pipeline.conftest import GRID, write_small

PAGE = Path(__file__).resolve().parents[1] / "docs" / "extending.md"


@pytest.fixture
def blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Code of the page: file and line of a model, file and line of a sensor."""
    found = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    for name, text in (("nearest", found[0]), ("counts", found[2])):
        assert text.startswith(f"# {name}.py")
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("gossan.fusion.registry.MODELS", dict(MODELS))
    known = dict(SENSORS)
    yield found
    SENSORS.clear()
    SENSORS.update(known)
    for name in ("nearest", "counts"):
        sys.modules.pop(name, None)


def run(code: str) -> None:
    exec(compile(code, "extending.md", "exec"), {})


def test_one_file_and_one_line_make_a_model(blocks: list[str]) -> None:
    before = set(MODELS)
    run(blocks[1])
    from gossan.fusion import registry

    assert set(registry.MODELS) - before == {"nearest"}


def test_one_file_and_one_line_make_a_sensor(blocks: list[str], tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    red, nir = rng.integers(500, 3000, (2, *GRID.shape)).astype(np.uint16)
    write_array(tmp_path / "scene.tif", GRID, ("1", "2"), np.stack([red, nir]).astype(np.float32))
    path = write_small(tmp_path)
    text = path.read_text(encoding="utf-8")
    text = text.replace('sensor = "bands"\npaths = ["clay.tif", "iron.tif"]',
                        'sensor = "counts"\npaths = ["scene.tif"]\nmasks = ["vegetation"]\n'
                        'formulas = { ndvi = "(nir - red) / (nir + red)" }')  # fmt: skip
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"'bands' \| 'aster' \| 'sentinel2'.*'counts'"):
        load_project(path)
    run(blocks[3])
    project = load_project(path)
    assert not check_project(project).blocked
    prepare_project(project, tmp_path / "out")
    from gossan.geo.raster import open_raster

    layers = tmp_path / "out" / "layers"
    ndvi = (nir.astype(float) - red) / (nir.astype(float) + red)
    bands = open_raster(layers / "indices_bands.tif")
    values = bands.read(bands.grid.whole)
    kept = np.isfinite(values[0])
    assert 0 < kept.mean() < 1  # the mask of vegetation found its bands by wavelength
    np.testing.assert_allclose(values[0][kept], red[kept] / 1e4, atol=1e-6)
    made = open_raster(layers / "indices_indices.tif")
    own = made.read(made.grid.whole)[made.bands.index("ndvi")]
    np.testing.assert_allclose(own[kept], ndvi[kept], atol=1e-4)
