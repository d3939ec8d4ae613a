"""The answer: where to go, what to expect there, and ground that no sample speaks for."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.path import Path as MplPath
from pyproj import Transformer

from gossan.geo.raster import open_raster, write_array
from gossan.report.answer import TARGETS, answer_figure, edge_of_sampling, shade_outside, targets_of
from gossan.report.figures import element_scale
from gossan.report.read import Results, open_results


@pytest.fixture(scope="module")
def results(finished_run: Path) -> Results:
    return open_results(finished_run)


def test_targets_are_numbered_by_rank_and_at_most_five(results: Results) -> None:
    found = targets_of(results, "Cu")
    assert 0 < len(found) <= TARGETS
    assert [one.rank for one in found] == sorted(one.rank for one in found)
    assert len(targets_of(results, "Cu", 1)) == 1


def test_both_ways_of_writing_a_place_mean_the_same(results: Results) -> None:
    turn = Transformer.from_crs(4326, 32638, always_xy=True)
    for one in targets_of(results, "Cu"):
        found = re.fullmatch(r"([\d.]+)° (N|S), ([\d.]+)° (E|W)", one.degrees)
        assert found is not None
        latitude = float(found[1]) * (1 if found[2] == "N" else -1)
        longitude = float(found[3]) * (1 if found[4] == "E" else -1)
        there = turn.transform(longitude, latitude)
        assert np.hypot(there[0] - one.easting, there[1] - one.northing) < 2
        assert one.place == f"{one.easting:.0f} E, {one.northing:.0f} N (EPSG:32638)"


def test_the_expected_content_is_that_of_the_map_at_the_peak(results: Results) -> None:
    one = targets_of(results, "Cu")[0]
    best = results.maps[str(results.best("Cu")), "Cu"]
    row, col = np.rint(best.grid.index_of(one.easting, one.northing)).astype(int)
    assert float(one.expected.split()[0]) == pytest.approx(best.values[row, col], rel=0.01)
    assert " ppm (" in one.expected and one.probability.endswith("%")


def test_the_best_map_stands_beside_the_kriged_one_with_the_same_numbers(results: Results) -> None:
    drawn = answer_figure(results, "Cu", element_scale(results, "Cu"))
    assert drawn is not None
    numbers = [str(one.rank) for one in targets_of(results, "Cu")]
    shown = [axes for axes in drawn[0].axes if axes.get_title(loc="left")]
    assert len(shown) == 2
    for axes in shown:
        texts = [one.get_text() for one in axes.texts]
        assert all(number in texts for number in numbers)


def test_an_element_without_anomalies_has_no_targets_and_a_map(run_copy: Path) -> None:
    path = run_copy / "tables" / "anomalies.csv"
    pd.read_csv(path).head(0).to_csv(path, index=False)
    results = open_results(run_copy)
    assert targets_of(results, "Cu") == []
    assert answer_figure(results, "Cu", element_scale(results, "Cu")) is not None


def test_ground_like_no_sample_is_hatched_and_the_frame_stays(results: Results) -> None:
    assert results.applicability is not None
    _, inside = results.applicability
    axes = Figure().add_subplot()
    axes.set(xlim=(0, 1), ylim=(0, 2))
    shade_outside(axes, results)
    assert bool(axes.collections) == bool((inside.values == 0).any())
    assert axes.get_xlim() == (0, 1) and axes.get_ylim() == (0, 2)


def test_the_edge_of_the_sampled_ground_goes_round_every_sample(results: Results) -> None:
    axes = Figure().add_subplot()
    axes.set(xlim=(0, 1), ylim=(0, 2))
    edge_of_sampling(axes, results, "Cu")
    dashed = next(line for line in axes.lines if line.get_linestyle() == "--")
    fitted = results.run.samples.dropna(subset=["Cu"])[["easting", "northing"]]
    assert MplPath(dashed.get_xydata()).contains_points(fitted.to_numpy()).all()
    assert axes.get_xlim() == (0, 1) and axes.get_ylim() == (0, 2)


def test_ground_that_drains_past_all_samples_is_hatched(run_copy: Path) -> None:
    before = open_results(run_copy)
    assert before.unsampled is None
    grid = open_raster(next((run_copy / "layers").glob("*_Cu.tif"))).grid
    nowhere = np.zeros((1, *grid.shape), np.uint8)
    nowhere[:, : grid.height // 2] = 1
    write_array(run_copy / "layers" / "unsampled.tif", grid, ("unsampled",), nowhere)
    results = open_results(run_copy)
    hatched = []
    for one in (before, results):
        axes = Figure().add_subplot()
        shade_outside(axes, one)
        hatched.append(len(axes.collections))
    assert hatched[1] > hatched[0]
