"""Simulated maps go through the samples and keep their histogram; what is too large is refused."""

from __future__ import annotations

import numpy as np
import pytest

from gossan.errors import SettingsError
from gossan.fusion.protocol import Observations, Points
from gossan.geo.grid import Grid
from gossan.geochem.kriging.settings import KrigeSettings
from gossan.geochem.transforms import fit_transform_by_word
from gossan.pipeline.kriging.simulation import Simulated, simulate_element, simulation_check
from gossan.pipeline.surveys import Working

GRID = Grid.from_bounds(32638, (0, 0, 2000, 2000), 100)
CONTENTS = np.random.default_rng(4).lognormal(3, 0.6, 70)


def asked(**simulation: object) -> KrigeSettings:
    variogram = {"nugget": 0.0, "structures": [{"kind": "spherical", "sill": 1.0, "range_m": 700}]}
    return KrigeSettings.model_validate({"variogram": variogram, "simulation": simulation})


def data() -> Working:
    transform = fit_transform_by_word("normal-score", CONTENTS)
    cells = np.random.default_rng(8).choice(400, 70, replace=False)
    xy = GRID.centres()[cells]
    return Working(
        "Cu", "ppm", transform, Observations(Points(xy), transform.forward(CONTENTS)), {}, 0
    )


@pytest.fixture(scope="module")
def simulated() -> Simulated:
    return simulate_element(data(), asked(realisations=30), GRID, 2, (20.0,), workers=1)


def test_every_realisation_goes_through_the_samples(simulated: Simulated) -> None:
    xy = simulated.data.observations.points.coordinates
    rows, cols = np.rint(GRID.index_of(*xy.T)).astype(int)
    for one in simulated.realisations.array:
        np.testing.assert_allclose(one[rows, cols], CONTENTS, rtol=1e-3)
    apart = np.ptp(simulated.realisations.array, axis=0)
    assert np.median(apart) > 5


def test_realisations_keep_the_histogram_of_the_samples(simulated: Simulated) -> None:
    table = simulation_check(simulated).query("check == 'quantile'").set_index("at")
    np.testing.assert_allclose(table["expected"][0.5], np.median(CONTENTS), rtol=0.03)
    np.testing.assert_allclose(table["found"], table["expected"], rtol=0.25)


def test_the_same_seed_gives_the_same_maps(simulated: Simulated) -> None:
    again = simulate_element(data(), asked(realisations=30), GRID, 2, (20.0,), workers=2)
    np.testing.assert_array_equal(again.realisations.array, simulated.realisations.array)
    other = simulate_element(data(), asked(realisations=30, seed=5), GRID, 2, (), workers=1)
    assert other.seed == 5 and (other.realisations.array != simulated.realisations.array).any()


def test_more_than_the_memory_allows_is_refused_before_anything_is_drawn() -> None:
    with pytest.raises(SettingsError, match="Set pixel_m"):
        simulate_element(data(), asked(realisations=100, pixel_m=0.1), GRID, 1, (), workers=1)
