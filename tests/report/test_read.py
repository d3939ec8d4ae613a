"""The report reads the maps as they are, thinned, and says what is not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio

from gossan.errors import InputError
from gossan.geo.raster import open_raster
from gossan.report.read import Results, full_grid, open_results, stretched


@pytest.fixture(scope="module")
def results(finished_run: Path) -> Results:
    return open_results(finished_run)


def test_maps_are_those_of_the_files_with_the_baseline_first(results: Results) -> None:
    names = [one.product for one in results.of("Cu")]
    assert names[0] == "kriging" and set(names) == {"kriging", "sound", "literal", "geostatistical"}
    for one in (*results.maps.values(), *results.errors.values()):
        with rasterio.open(one.path) as source:
            wanted = source.read(1, masked=True).filled(np.nan)
            assert source.bounds == pytest.approx(one.grid.bounds)
        np.testing.assert_array_equal(one.values, wanted)
        assert not one.empty and full_grid(one).shape == one.grid.shape


def test_errors_are_in_the_unit_of_their_scale(results: Results) -> None:
    assert results.maps["kriging", "Cu"].unit == "ppm"
    assert results.errors["kriging", "Cu"].unit == "ln ppm"


def test_a_map_that_was_deleted_is_left_out_and_the_next_is_trusted(run_copy: Path) -> None:
    best = open_results(run_copy).best("Cu")
    (run_copy / "layers" / f"{best}_Cu.tif").unlink()
    results = open_results(run_copy)
    assert (best, "Cu") not in results.maps
    assert results.best("Cu") == results.of("Cu")[0].product != best


def test_outlines_are_those_of_the_anomalies_within_the_map(
    results: Results, finished_run: Path
) -> None:
    rings = results.outlines("kriging", "Cu")
    table = pd.read_csv(finished_run / "tables" / "anomalies.csv")
    own = table[(table["product"] == "kriging") & (table["element"] == "Cu")]
    assert len(rings) >= len(own) > 0
    left, bottom, right, top = results.maps["kriging", "Cu"].grid.bounds
    every = np.vstack(rings)
    assert (every > [left - 1, bottom - 1]).all() and (every < [right + 1, top + 1]).all()
    assert results.outlines("no product", "Cu") == []


def test_where_imagery_was_used_names_the_features_of_its_bands(results: Results) -> None:
    assert results.imagery_used is not None
    path, features = results.imagery_used
    assert features == open_raster(path).bands and len(features) >= 1


def test_samples_are_all_those_of_the_surveys(results: Results, finished_run: Path) -> None:
    counts = results.samples["survey"].value_counts()
    for survey, name in (("regional", "samples.csv"), ("detailed", "detailed.csv")):
        assert counts[survey] == len(pd.read_csv(finished_run.parent / name))


def test_pictures_are_stretched_between_percentiles_and_keep_empty_ground() -> None:
    band = np.linspace(0, 100, 101, dtype=np.float32).reshape(1, 101)
    bands = np.stack([band, 2 * band, np.full_like(band, np.nan)])
    found = stretched(bands)
    assert found.shape == (1, 101, 3)
    assert found[0, 2, 0] == pytest.approx(0) and found[0, 98, 0] == pytest.approx(1)
    assert found[0, 50, 0] == pytest.approx(0.5) == found[0, 50, 1]
    assert np.isnan(found[..., 2]).all()


def test_a_folder_that_is_no_run_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gossan run"):
        open_results(tmp_path)
