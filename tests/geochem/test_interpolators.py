"""Simple interpolators against gstat, planes and a counted natural neighbour."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from gossan.errors import FitError, InputError
from gossan.geo.grid import Grid
from gossan.geochem.interpolators import (
    InterpolatorWord,
    InverseDistance,
    Linear,
    NaturalNeighbour,
    Nearest,
    ThinPlate,
    interpolator,
)

WORDS = get_args(InterpolatorWord)
GRID = Grid.from_bounds("EPSG:32638", (430_013, 2_700_007, 433_013, 2_702_107), (60, 35))


def scattered(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 1, (n, 2)) * [3000, 2100] + [430_013, 2_700_007]


def test_inverse_distance_equals_gstat(test_data: Path, reference: Path) -> None:
    table = pd.read_csv(test_data / "meuse" / "meuse_points.csv")
    gstat = json.loads((reference / "kriging_gstat.json").read_text())
    found = InverseDistance(neighbours=12).fit(table[["x", "y"]], np.log(table["zinc"]))
    np.testing.assert_allclose(
        found.estimate(gstat["targets"]), gstat["inverse_distance"], rtol=0, atol=1e-10
    )


@pytest.mark.parametrize("word", WORDS)
def test_samples_are_honoured_and_constants_stay(word: str) -> None:
    xy, z = scattered(150), np.random.default_rng(0).normal(size=150)
    np.testing.assert_allclose(interpolator(word).fit(xy, z).estimate(xy), z, atol=1e-7)
    np.testing.assert_allclose(interpolator(word).fit(xy, z).estimate(xy), z, atol=1e-7)
    flat = interpolator(word).fit(xy, np.full(150, 7.0)).estimate_lattice(GRID)
    np.testing.assert_allclose(flat[np.isfinite(flat)], 7.0, atol=1e-7)


@pytest.mark.parametrize("word", ["linear", "natural_neighbour", "spline"])
def test_a_gradient_in_northing_comes_out_the_right_way_up_and_in_place(word: str) -> None:
    xy = scattered(300)
    found = interpolator(word).fit(xy, xy[:, 1] - 2_700_000).estimate_lattice(GRID)
    _, northing = GRID.coordinates()
    truth = np.broadcast_to((northing - 2_700_000)[:, None], GRID.shape)
    inside = np.isfinite(found)
    assert inside.mean() > 0.9
    np.testing.assert_allclose(found[inside], truth[inside], atol=1e-4)


@pytest.mark.parametrize("word", ["idw", "nearest"])
def test_estimates_stay_within_the_samples(word: str) -> None:
    z = np.random.default_rng(0).normal(size=100)
    found = interpolator(word).fit(scattered(100), z).estimate_lattice(GRID)
    assert z.min() <= found.min() <= found.max() <= z.max()


def test_natural_neighbour_weights_are_stolen_areas() -> None:
    # truth by counting: fine cells that are nearer to the target than to any sample
    xy, z = scattered(60, 4), np.random.default_rng(0).normal(size=60)
    targets = np.array([[431_400.0, 2_701_000.0], [431_900.0, 2_701_200.0]])
    side = np.arange(0, 1, 1 / 1500)
    easting, northing = np.meshgrid(430_013 + side * 3000, 2_700_007 + side * 2100)
    cells = np.column_stack([easting.ravel(), northing.ravel()])
    gap, owner = cKDTree(xy).query(cells)
    found = NaturalNeighbour().fit(xy, z).estimate(targets)
    for target, estimate in zip(targets, found):
        stolen = np.hypot(*(cells - target).T) < gap
        assert estimate == pytest.approx(z[owner[stolen]].mean(), abs=0.01)


@given(seed=st.integers(0, 500))
def test_natural_neighbour_is_exact_on_planes_even_on_a_lattice_of_samples(seed: int) -> None:
    rng = np.random.default_rng(seed)
    slope = rng.normal(size=2)
    lattice = np.array([[x, y] for x in range(0, 60, 10) for y in range(0, 50, 10)], float)
    targets = np.vstack([rng.uniform(1, 39, (20, 2)), [[10.0, 5.0], [15.0, 15.0], [20.0, 20.0]]])
    found = NaturalNeighbour(workers=1).fit(lattice, lattice @ slope).estimate(targets)
    np.testing.assert_allclose(found, targets @ slope, atol=1e-4)


def test_outside_the_hull_is_empty_where_the_method_ends_there() -> None:
    corners = [[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]]
    outside = [[20.0, 5.0], [np.nan, 5.0]]
    for kind in (Linear, NaturalNeighbour):
        assert np.isnan(kind().fit(corners, [1.0, 2.0, 3.0, 4.0]).estimate(outside)).all()
    found = Nearest().fit(corners, [1.0, 2.0, 3.0, 4.0]).estimate(outside)
    assert found[0] in (2.0, 4.0)
    assert np.isnan(found[1])


def test_smoothing_lets_a_thin_plate_miss_its_samples() -> None:
    xy, z = scattered(80), np.random.default_rng(0).normal(size=80)
    found = ThinPlate(smoothing=1.0).fit(xy, z).estimate(xy)
    assert np.var(found) < np.var(z)


def test_mistakes_are_refused_in_one_line() -> None:
    line = np.c_[np.arange(9.0), np.arange(9.0)]
    for kind in (Linear, NaturalNeighbour, ThinPlate):
        with pytest.raises(FitError, match="9 on a line"):
            kind().fit(line, np.arange(9.0))
        with pytest.raises(FitError, match="at 3 places or more; got 2"):
            kind().fit(line[:2], np.arange(2.0))
    with pytest.raises(InputError, match=r"idw \| nearest"):
        interpolator("cubic")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="power and neighbours"):
        InverseDistance(power=-1.0).fit(line, np.arange(9.0))
    with pytest.raises(FitError, match="fitted first"):
        Nearest().estimate([[0.0, 0.0]])


def test_a_spline_may_be_empty_outside_the_outline_and_is_the_same_inside() -> None:
    rng = np.random.default_rng(3)
    xy, z = rng.uniform(0, 1000, (60, 2)) * [1.0, 0.4], rng.normal(size=60)
    places = np.array([[500.0, 200.0], [450.0, 150.0], [-900.0, 200.0], [500.0, 3000.0]])
    free = ThinPlate(smoothing=0.001).fit(xy, z).estimate(places)
    kept = ThinPlate(smoothing=0.001, outside="empty").fit(xy, z).estimate(places)
    assert np.isfinite(free).all()
    np.testing.assert_allclose(kept[:2], free[:2])
    assert np.isnan(kept[2:]).all()
