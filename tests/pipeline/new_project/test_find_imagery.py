"""Files are sorted by sensor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from pyproj import CRS

from gossan.errors import ImageryError
from gossan.geo.grid import Grid
from gossan.geo.raster import write_array
from gossan.pipeline.new_project.find_imagery import find_imagery, sensor_of

GRID = Grid(CRS(32638), Affine(30.0, 0, 411_000.0, 0, -30.0, 2_700_000.0), 4, 4)


@pytest.mark.parametrize(
    ("name", "sensor"),
    [
        ("S2B_MSIL1C_20200101T075231_N0208_R135_T38QKJ_20200101T100000.SAFE", "sentinel2"),
        ("S2B_MSIL1C_20200101T075231_N0208_R135_T38QKJ_20200101T100000.zip", "sentinel2"),
        ("T38QKJ_20200101T075231_B04_10m.jp2", "sentinel2"),
        ("AST_L1T_00307152004075231_20150505_1234.hdf", "aster"),
        ("AST_07XT_00307152004075231_20150505_1234_SRF_VNIR_B01.tif", "aster"),
        ("clay_index.TIF", "bands"),
        ("metadata.xml", None),
    ],
)
def test_the_sensor_shows_in_the_name(name: str, sensor: str | None) -> None:
    assert sensor_of(Path(name)) == sensor


def test_a_folder_of_many_sensors_becomes_one_imagery_each(tmp_path: Path) -> None:
    for name in ("clay", "iron"):
        write_array(tmp_path / f"{name}.tif", GRID, (name,), np.ones((1, 4, 4), np.float32))
    (tmp_path / "AST_L1T_00307152004075231_20150505_1234.hdf").touch()
    (tmp_path / "readme.txt").touch()
    found = {one.name: one for one in find_imagery([str(tmp_path), str(tmp_path / "c*.tif")])}
    assert set(found) == {"aster", "rasters"}
    assert [path.name for path in found["rasters"].paths] == ["clay.tif", "iron.tif"]
    assert found["rasters"].grids == (GRID, GRID)


def test_a_pattern_without_rasters_is_refused(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").touch()
    with pytest.raises(ImageryError, match="must be the path or pattern"):
        find_imagery([str(tmp_path / "*")])
