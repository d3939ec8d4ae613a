"""The frame lies about the best anomaly, within the map, and shows the pixels of the files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gossan.geo.raster import open_raster
from gossan.report.figures import element_scale
from gossan.report.magnify import around, cut, magnified, strongest_place
from gossan.report.read import Results, open_results

KRIGING = "Kriging: your samples only"
"""Title of kriging for people."""


@pytest.fixture(scope="module")
def results(finished_run: Path) -> Results:
    return open_results(finished_run)


def test_the_best_anomaly_of_the_product_is_looked_at(results: Results, finished_run: Path) -> None:
    table = pd.read_csv(finished_run / "tables" / "anomalies.csv")
    own = table[(table["product"] == "kriging") & (table["element"] == "Cu")]
    best = own.sort_values("rank").iloc[0]
    easting, northing, label = strongest_place(results, "Cu", "kriging")
    assert (easting, northing) == (best["peak_easting"], best["peak_northing"])
    assert label == f"anomaly {best['anomaly']} ({KRIGING})"


def test_without_an_anomaly_it_is_the_highest_value(run_copy: Path) -> None:
    for path in (run_copy / "tables").glob("anomalies.csv"):
        pd.read_csv(path).head(0).to_csv(path, index=False)
    results = open_results(run_copy)
    easting, northing, label = strongest_place(results, "Cu", "kriging")
    one = results.maps["kriging", "Cu"]
    row, col = np.rint(one.grid.index_of(easting, northing)).astype(int)
    assert one.values[row, col] == np.nanmax(one.values)
    assert label == f"highest value ({KRIGING})"


@pytest.mark.parametrize("corner", [0, 1])
def test_a_frame_at_the_rim_is_moved_inside(corner: int, results: Results) -> None:
    one = results.maps["kriging", "Cu"]
    bounds = one.grid.bounds
    place = bounds[2 * corner], bounds[2 * corner + 1]
    left, bottom, right, top = around(one, *place)
    assert left >= bounds[0] and bottom >= bounds[1] and right <= bounds[2] and top <= bounds[3]
    assert left in (pytest.approx(bounds[0]), pytest.approx(bounds[2] - (right - left)))


def test_the_pixels_of_a_frame_are_those_of_the_file(results: Results) -> None:
    one = results.maps["sound", "Cu"]
    frame = around(one, *np.reshape(one.grid.bounds, (2, 2)).mean(axis=0))
    values, grid = cut(one, frame)
    layer = open_raster(one.path)
    row, col = np.rint(layer.grid.index_of(*(c[0] for c in grid.coordinates()))).astype(int)
    whole = layer.read(layer.grid.whole)[0]
    height, width = values.shape
    np.testing.assert_array_equal(values, whole[row : row + height, col : col + width])


def test_every_product_is_shown_the_trusted_one_first(results: Results) -> None:
    best = str(results.best("Cu"))
    found = magnified(results, "Cu", best, element_scale(results, "Cu"))
    assert found is not None
    titles = [t for axes in found[0].axes if (t := axes.get_title(loc="left"))]
    assert len(titles) == 1 + len(results.of("Cu"))
    assert titles[0].startswith("(a) where") and results.title(best, "Cu") in titles[1]
    assert magnified(results, "Cu", "no product", element_scale(results, "Cu")) is None
