"""A key that a sensor does not read is an error, not a silence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gossan.geo.raster import open_raster, write_array
from gossan.imagery.sensors import RASTERS, SENSORS, SensorEntry, readers_of
from gossan.imagery.settings import ImagerySettings

UNREAD = {
    'tile = "T38RMP"': "tile (for sentinel2)",
    'faults = "faults.gpkg"': "faults (for classes)",
    'column = "rock"\nrare = 0.05': "column (for classes), rare (for classes)",
    'atmosphere = "dos"': "atmosphere (for aster, sentinel2)",
    'aster = { crosstalk = "fitted" }': "aster (for aster)",
}


@pytest.mark.parametrize("keys", UNREAD)
def test_the_command_names_keys_that_plain_rasters_do_not_read(
    keys: str, changed: Callable[[str, str], Path], command: Callable[..., tuple[int, str, str]]
) -> None:
    project = changed('sensor = "bands"', f'sensor = "bands"\n{keys}')
    code, _, error = command("check", project)
    assert code == 2 and len(error.strip().splitlines()) == 1
    wanted = f"[[imagery]] 'indices': keys must be those of sensor = 'bands'; got {UNREAD[keys]}. "
    assert wanted + "Leave" in error


def test_a_product_as_rasters_reads_the_keys_of_rasters_alone(
    changed: Callable[[str, str], Path], command: Callable[..., tuple[int, str, str]]
) -> None:
    project = changed('sensor = "bands"', 'sensor = "sentinel2"\ntile = "T38RMP"')
    code, said, _ = command("check", project)
    assert code == 2
    assert "keys must be those of plain rasters; got tile (for sentinel2)" in said


def test_a_product_does_not_read_the_keys_of_rasters(
    changed: Callable[[str, str], Path], command: Callable[..., tuple[int, str, str]]
) -> None:
    project = changed('sensor = "bands"', 'sensor = "aster"\nnodata = -1')
    names = {
        f"{name}.tif": f"AST_L1T_00307152004075231_20240101000000_12345_ImageData{number}.tif"
        for number, name in (("1", "clay"), ("2", "iron"))
    }
    text = project.read_text(encoding="utf-8")
    for old, new in names.items():
        layer = open_raster(project.parent / old)
        values = np.nan_to_num(layer.read(layer.grid.whole)).clip(1, 200).astype(np.uint8)
        write_array(project.parent / new, layer.grid, layer.bands, values)
        text = text.replace(old, new)
    project.write_text(text, encoding="utf-8")
    code, said, _ = command("check", project)
    assert code == 2
    assert "keys must be those of a product of aster; got nodata (for bands, plain rasters" in said


def test_every_reader_of_a_key_exists() -> None:
    for field in ImagerySettings.model_fields.values():
        assert {*readers_of(field)} <= {*SENSORS, RASTERS}


def test_a_sensor_of_ones_own_reads_every_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SENSORS, "counts", SensorEntry("counts", "open_counts", "counts"))
    row = {"name": "own", "sensor": "counts", "paths": ["a.tif"], "tile": "T38RMP", "scale": 2.0}
    assert ImagerySettings.model_validate(row).tile == "T38RMP"
