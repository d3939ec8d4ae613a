"""The variogram, the kriging and its leave-one-out test of one element."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gossan.fusion.protocol import Observations, Points
from gossan.geochem.declustering import CellWeights
from gossan.geochem.kriging.estimator import Kriging
from gossan.geochem.kriging.settings import KrigeSettings
from gossan.geochem.transforms import Log
from gossan.pipeline.kriging.fit import find_variogram, fit_kriging
from gossan.pipeline.surveys import Working


@pytest.fixture(scope="module")
def data() -> Working:
    rng = np.random.default_rng(6)
    xy = rng.uniform(0, 6000, (45, 2))
    values = np.sin(xy[:, 0] / 300) + 0.5 * np.cos(xy[:, 1] / 250) + 0.5 * rng.normal(size=45)
    return Working("Cu", "ppm", Log(), Observations(Points(xy), values), {}, 0)


def test_leaving_out_is_what_kriging_of_the_others_gives(data: Working) -> None:
    found = fit_kriging(data, KrigeSettings(neighbours=44))
    xy, z = data.observations.points.coordinates, data.observations.values
    for row in (0, 17, 44):
        rest = np.arange(len(z)) != row
        alone = Kriging(found.variogram.model, neighbours=44).fit(xy[rest], z[rest])
        estimate, variance = alone.predict(xy[[row]])[:2]
        held = found.held_out.iloc[row]
        assert np.log(held["estimate"]) == pytest.approx(float(estimate[0]), abs=1e-6)
        assert held["standard_error"] == pytest.approx(float(variance[0]) ** 0.5, rel=1e-5)
        assert np.log(held["observed"]) == pytest.approx(z[row])


def test_a_given_variogram_is_used_as_it_is(data: Working) -> None:
    settings = KrigeSettings.model_validate(
        {
            "variogram": {
                "nugget": 0.1,
                "structures": [{"kind": "spherical", "sill": 0.7, "range_m": 1500.0}],
            }
        }
    ).variogram
    xy, z = data.observations.points.coordinates, data.observations.values
    found = find_variogram(xy, z, settings)
    assert found.model == settings.model
    assert [row["model"] for row in found.rows] == ["given"]


def test_simple_kriging_takes_the_mean_of_the_declustered_samples(data: Working) -> None:
    xy, z = data.observations.points.coordinates, data.observations.values
    weights = CellWeights(1500.0)(xy, z)
    weighed = replace(data, weights=weights)
    settings = KrigeSettings(method="simple")
    assert fit_kriging(weighed, settings).kriging.mean == pytest.approx(
        np.average(z, weights=weights)
    )
    stated = KrigeSettings(method="simple", mean={"Cu": 0.25})
    assert fit_kriging(data, stated).kriging.mean == 0.25
