"""Levelling at a border: the laboratory's step is found, the ground's differences stay."""

from __future__ import annotations

from collections.abc import Callable

import geopandas
import numpy as np
import pytest

from gossan.errors import SurveyError
from gossan.geo.samples import Samples
from gossan.geochem.border_levelling import border_shift, level_at_borders

STEP = 0.5


def ground(xy: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Ln z: twice as rich in the east by a gradual change, belts along the border, and noise."""
    rise = np.log(2.0) / (1 + np.exp(-(xy[:, 0] - 50_000) / 12_000))
    belts = 0.6 * np.sin(xy[:, 1] / 7000)
    return rise + belts + 0.3 * rng.standard_normal(len(xy))


def two_sides(seed: int, step: float = STEP) -> tuple[tuple, tuple]:
    rng = np.random.default_rng(seed)
    places = tuple(rng.uniform([x, 0], [x + 50_000, 100_000], (1500, 2)) for x in (0, 50_000))
    logs = tuple(ground(p, rng) + k * step for k, p in enumerate(places))
    return places, logs


def survey(name: str, places: np.ndarray, logs: np.ndarray, **more: object) -> Samples:
    points = geopandas.points_from_xy(*places.T, crs="EPSG:29902")
    frame = geopandas.GeoDataFrame({"Cu": np.exp(logs), **more}, geometry=points)
    return Samples(name, frame, ("Cu",), {"Cu": "ppm"})


def test_the_step_of_the_laboratory_is_found_and_the_regional_difference_stays() -> None:
    found, medians = [], []
    for seed in range(10):
        places, logs = two_sides(seed)
        shift = border_shift(places, logs)
        assert shift is not None
        found.append((shift.step - STEP, shift.standard_error))
        medians.append(np.median(logs[1]) - np.median(logs[0]) - STEP)
    errors, claimed = np.array(found).T
    assert np.sqrt(np.mean(errors**2)) < 0.1
    assert np.mean(medians) > 0.4  # whole-group medians remove the true difference
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(claimed.mean(), rel=0.6)


def test_outliers_beside_the_border_do_not_move_it() -> None:
    places, logs = two_sides(0)
    plain = border_shift(places, logs)
    rich = logs[1] + 4.0 * (np.random.default_rng(1).uniform(size=1500) < 0.05)
    dirty = border_shift(places, (logs[0], rich))
    assert plain is not None and dirty is not None
    assert abs(dirty.step - plain.step) < 0.1


def test_surveys_are_levelled_in_a_chain_with_limits_and_errors() -> None:
    rng = np.random.default_rng(2)
    places = [rng.uniform([x, 0], [x + 50_000, 100_000], (1500, 2)) for x in (0, 50_000, 100_000)]
    logs = [ground(p, rng) + s for p, s in zip(places, (0.0, 0.5, -0.7))]
    more = {"Cu_censored": np.zeros(1500, bool), "Cu_limit": np.full(1500, 2.0),
            "Cu_error": np.full(1500, 0.3)}  # fmt: skip
    surveys = [survey(n, p, z, **more) for n, p, z in zip("abc", places, logs)]
    turned, table = level_at_borders([surveys[0], surveys[2], surveys[1]])  # c meets only b
    assert [one.name for one in turned] == ["a", "c", "b"]
    factors = table.set_index("survey")["factor"]
    assert np.log(factors["b"]) == pytest.approx(-0.5, abs=0.2)
    assert np.log(factors["c"]) == pytest.approx(0.7, abs=0.3)
    assert (table["factor_low"] < table["factor"]).all()
    own = turned[2]
    np.testing.assert_allclose(own.values("Cu"), surveys[1].values("Cu") * factors["b"])
    np.testing.assert_allclose(own.frame["Cu_limit"], 2.0 * factors["b"])
    np.testing.assert_allclose(own.standard_error("Cu"), 0.3 * factors["b"])
    np.testing.assert_array_equal(turned[0].values("Cu"), surveys[0].values("Cu"))


def test_surveys_that_do_not_meet_are_refused(near: Callable[[float], list[Samples]]) -> None:
    with pytest.raises(SurveyError, match=r"survey 'b' .*no border.*border_band_m"):
        level_at_borders(near(400_000.0))
    assert len(level_at_borders(near(0.0))[1]) == 1


@pytest.fixture
def near() -> Callable[[float], list[Samples]]:
    """Two surveys with a gap between them."""

    def made(gap: float) -> list[Samples]:
        places, logs = two_sides(3)
        return [survey("a", places[0], logs[0]), survey("b", places[1] + [gap, 0], logs[1])]

    return made
