from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from pyproj import CRS
from pyproj.aoi import AreaOfInterest
from pyproj.database import query_utm_crs_info

from gossan.arrays.spacing import sample_spacing
from gossan.errors import GridError
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer
from gossan.pipeline.output_grid import choose_grid, project_crs, survey_bounds

UTM = CRS.from_epsg(32638)
SAMPLES = np.stack(np.meshgrid(np.arange(4) * 500.0, np.arange(5) * 500.0), -1).reshape(-1, 2)
SAMPLES += np.array([402_600.0, 2_694_300.0])


def layer(pixel: float, crs: CRS = UTM, left: float = 400_007.0, top: float = 2_700_011.0):
    side = int(8000 / pixel)
    grid = Grid(crs, Affine(pixel, 0, left, 0, -pixel, top), side, side)
    return ArrayLayer(grid, ("b",), np.zeros((1, *grid.shape), np.float32))


def test_the_finest_imagery_gives_its_own_pixels_over_the_survey() -> None:
    coarse, fine = layer(50.0), layer(20.0)
    grid = choose_grid(UTM, [coarse, fine], SAMPLES)
    assert (grid.pixel_width, grid.pixel_height) == (20.0, 20.0)
    for edge, origin in zip(grid.bounds, fine.grid.bounds):
        assert (edge - origin) % 20.0 == pytest.approx(0.0, abs=1e-6)
    left, bottom, right, top = survey_bounds(SAMPLES)
    covered = grid.bounds
    assert covered[0] <= left and covered[1] <= bottom and covered[2] >= right
    assert covered[3] >= top
    assert max(left - covered[0], covered[3] - top) < 20.0


def test_pixels_of_another_size_keep_the_origin_of_the_imagery() -> None:
    grid = choose_grid(UTM, [layer(20.0)], SAMPLES, pixel_m=100.0)
    assert grid.pixel_width == 100.0
    assert (grid.bounds[0] - 400_007.0) % 100.0 == pytest.approx(0.0, abs=1e-6)
    assert (grid.bounds[3] - 2_700_011.0) % 100.0 == pytest.approx(0.0, abs=1e-6)


def test_all_of_the_imagery_can_be_mapped() -> None:
    one = layer(20.0)
    assert choose_grid(UTM, [one], SAMPLES, extent="imagery").bounds == one.grid.bounds


def test_without_imagery_there_are_ten_pixels_between_samples() -> None:
    grid = choose_grid(UTM, [], SAMPLES)
    assert grid.pixel_width == pytest.approx(sample_spacing(SAMPLES) / 10)


def test_imagery_off_the_survey_is_refused_with_both_extents() -> None:
    with pytest.raises(GridError, match=r"E 400007 to 408007.*survey E 901"):
        choose_grid(UTM, [layer(20.0)], SAMPLES + np.array([500_000.0, 0.0]))


@pytest.mark.parametrize(("longitude", "latitude"), [(45.0, 24.0), (-70.3, -33.0), (179.0, 1.0)])
def test_degrees_are_refused_with_the_utm_zone_that_the_registry_names(
    longitude: float, latitude: float
) -> None:
    place = Grid(CRS.from_epsg(4326), Affine(0.01, 0, longitude, 0, -0.01, latitude), 20, 20)
    one = ArrayLayer(place, ("b",), np.zeros((1, 20, 20), np.float32))
    area = AreaOfInterest(longitude, latitude, longitude, latitude)
    (zone,) = query_utm_crs_info(datum_name="WGS 84", area_of_interest=area)
    with pytest.raises(GridError, match=f"EPSG:{zone.code}"):
        project_crs(None, [one])


def test_without_imagery_the_project_names_its_system() -> None:
    with pytest.raises(GridError, match='Add crs = "EPSG'):
        project_crs(None, [])
    assert project_crs("EPSG:32638", []) == UTM
