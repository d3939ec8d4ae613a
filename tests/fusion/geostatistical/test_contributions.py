"""The parts of an estimate add up to it, and are those of the simulated truth."""

from __future__ import annotations

import numpy as np
import pytest

from gossan.fusion.features.sources import LayerFeatures
from gossan.fusion.geostatistical.contributions import (
    FOREST,
    NEIGHBOURS,
    parts_of,
    smooth_part,
    with_adjustment,
)
from gossan.fusion.geostatistical.forest import GeostatisticalForest
from gossan.fusion.geostatistical.model import Geostatistical
from gossan.fusion.protocol import Observations, Points
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer


@pytest.fixture(scope="module")
def case() -> tuple[Observations, LayerFeatures, Points]:
    """Clay with slope 2 and iron without any effect, at 90 samples; 20 new places."""
    rng = np.random.default_rng(0)
    grid = Grid.from_bounds(32638, (0, 0, 6000, 4000), 100)
    features = LayerFeatures(ArrayLayer(grid, ("clay", "iron"), rng.normal(size=(2, 40, 60))))
    points = Points(rng.uniform(0, 1, (90, 2)) * [6000, 4000])
    values = 3 + 2.0 * features.at(points)[:, 0] + 0.1 * rng.normal(size=90)
    return Observations(points, values), features, Points(rng.uniform(0, 1, (20, 2)) * [6000, 4000])


def test_the_parts_add_up_to_the_estimate(
    case: tuple[Observations, LayerFeatures, Points],
) -> None:
    observations, features, places = case
    model = Geostatistical().fit(observations, features)
    parts = parts_of(model, places, features)
    np.testing.assert_allclose(parts.estimate, model.predict(places, features).mean, atol=1e-9)
    clay = features.at(places)[:, 0]
    assert np.polyfit(clay, parts.table["clay"], 1)[0] == pytest.approx(2.0, abs=0.1)
    assert parts.table["iron"].abs().max() < 0.3
    assert parts.table[NEIGHBOURS].abs().max() < 0.5
    assert parts.nugget == pytest.approx(0.01, rel=0.6)


def test_what_a_forest_adds_is_a_part_of_its_own(
    case: tuple[Observations, LayerFeatures, Points],
) -> None:
    observations, features, places = case
    bent = Observations(observations.points, np.abs(observations.values))
    model = GeostatisticalForest().fit(bent, features)
    smooth = smooth_part(model)
    assert smooth is model.smooth_
    estimate = model.predict(places, features).mean
    parts = with_adjustment(parts_of(smooth, places, features), estimate)
    np.testing.assert_allclose(parts.estimate, estimate, atol=1e-12)
    assert FOREST in parts.table
