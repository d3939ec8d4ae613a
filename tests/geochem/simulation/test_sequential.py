"""Conditional simulation: histogram, variogram, samples and kriging come back."""

from __future__ import annotations

import numpy as np
import pytest

from gossan.errors import FitError, InputError
from gossan.geo.grid import Grid, Window
from gossan.geochem.kriging.estimator import Kriging
from gossan.geochem.simulation.sequential import Simulation
from gossan.geochem.transforms import Log, fit_transform_by_word
from gossan.geochem.variogram.fitting import Anisotropy, CovarianceModel, Structure

# oblong, unequal pixels, off the origin
GRID = Grid.from_bounds("EPSG:32638", (430_013, 2_700_007, 434_513, 2_705_607), (30, 50))
SMALL = Grid.from_bounds("EPSG:32638", (430_013, 2_700_007, 431_213, 2_701_507), (30, 50))
FAR = ([[0.0, 0.0]], [0.0])
MODELS = {
    "spherical": CovarianceModel(0.0, (Structure("spherical", 1.0, 900.0),)),
    "turned": CovarianceModel(0.2, (Structure("exponential", 0.8, 300.0),), Anisotropy(60.0, 0.5)),
    "smooth": CovarianceModel(0.02, (Structure("gaussian", 0.98, 400.0),)),
}


def scattered(n: int, grid: Grid, seed: int = 0) -> np.ndarray:
    left, bottom, right, top = grid.bounds
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 1, (n, 2)) * [right - left, top - bottom] + [left, bottom]


def semivariance(maps: np.ndarray, rows: int, cols: int) -> float:
    """Half the mean squared difference between nodes some rows south and columns east."""
    height, width = maps.shape[1:]
    top = max(-rows, 0), min(height, height - rows)
    first = maps[:, top[0] : top[1], : width - cols].astype(float)
    second = maps[:, top[0] + rows : top[1] + rows, cols:].astype(float)
    return float(np.mean((first - second) ** 2) / 2)


@pytest.mark.parametrize("name", MODELS)
def test_the_variogram_is_reproduced_in_every_direction(name: str) -> None:
    """Tolerance 5 % (Gaussian 8 %) of the model, over 40 maps of 112 x 150 nodes."""
    model, tolerance = MODELS[name], 0.08 if name == "smooth" else 0.05
    maps = Simulation(model, mean=0.0, realisations=40, seed=3).fit(*FAR).lattice(GRID).array
    assert abs(maps.mean()) < 0.05
    assert maps.var() == pytest.approx(1.0, abs=0.05)
    for rows, cols in ((0, 1), (0, 4), (0, 12), (1, 0), (3, 0), (6, 0), (-3, 5), (3, 5)):
        step = model.turn([[30.0 * cols, -50.0 * rows]])
        expected = model.semivariance(np.hypot(*step.T))[0]
        assert semivariance(maps, rows, cols) == pytest.approx(expected, rel=tolerance)


def test_the_histogram_of_skewed_samples_is_reproduced() -> None:
    """Tolerance 7 % of each decile, pooled over 60 maps."""
    model = MODELS["spherical"]
    truth = Simulation(model, transform=Log(), mean=3.0, realisations=1, seed=8)
    ground = truth.fit([[0.0, 0.0]], [20.0]).lattice(GRID)
    rng = np.random.default_rng(0)
    rows, cols = rng.integers(0, GRID.height, 500), rng.integers(0, GRID.width, 500)
    easting, northing = GRID.coordinates()
    places = np.column_stack([easting[cols], northing[rows]])
    values = ground.array[0, rows, cols].astype(float)
    score = fit_transform_by_word("normal-score", values)
    maps = Simulation(model, transform=score, mean=0.0, realisations=60, seed=1)
    pooled = maps.fit(places, values).lattice(GRID).array
    deciles = np.arange(0.1, 0.95, 0.1)
    np.testing.assert_allclose(
        np.quantile(pooled, deciles), np.quantile(values, deciles), rtol=0.07
    )
    assert pooled.min() > 0


def test_samples_at_nodes_are_honoured_in_every_map() -> None:
    easting, northing = SMALL.coordinates()
    places = [[easting[3], northing[20]], [easting[31], northing[5]], [easting[8], northing[9]]]
    values = [1.0, 20.0, 300.0]
    for model in MODELS.values():
        maps = Simulation(model, transform=Log(), realisations=5).fit(places, values)
        array = maps.lattice(SMALL).array
        np.testing.assert_allclose(array[:, 20, 3], 1.0, rtol=1e-5)
        np.testing.assert_allclose(array[:, 5, 31], 20.0, rtol=1e-5)
        np.testing.assert_allclose(array[:, 9, 8], 300.0, rtol=1e-5)


def test_mean_and_variance_of_many_maps_are_those_of_simple_kriging() -> None:
    model = MODELS["turned"]
    places = scattered(60, SMALL)
    values = np.random.default_rng(1).normal(size=60)
    count = 400
    maps = Simulation(model, mean=0.2, realisations=count, seed=5).fit(places, values)
    array = maps.lattice(SMALL).array.astype(float)
    kriging = Kriging(model, "simple", mean=0.2, neighbours=None).fit(places, values)
    estimate, variance = kriging.lattice(SMALL)
    z_score = (array.mean(axis=0) - estimate) / np.sqrt(variance / count + 1e-12)
    assert np.sqrt(np.mean(z_score**2)) < 1.6
    assert np.mean(array.var(axis=0)) == pytest.approx(variance.mean(), rel=0.03)


def test_exceedance_is_the_share_of_maps_above_a_threshold() -> None:
    maps = Simulation(MODELS["turned"], mean=0.0, realisations=30).fit(*FAR).lattice(SMALL)
    share = maps.exceedance(0.5)
    assert share.shape == SMALL.shape
    np.testing.assert_allclose(share, (maps.array > 0.5).sum(axis=0) / 30, rtol=1e-6)
    assert share.mean() == pytest.approx(0.3085, abs=0.12)  # 1 - Phi(0.5)
    assert np.all(maps.quantile(0.9) >= maps.quantile(0.5))


def test_a_filtered_nugget_is_left_out_of_the_maps() -> None:
    model = CovarianceModel(0.5, (Structure("spherical", 0.5, 600.0),))
    exact = Simulation(model, mean=0.0, realisations=20).fit(*FAR).lattice(SMALL).array
    smooth = Simulation(model, mean=0.0, realisations=20, nugget="filtered")
    array = smooth.fit(*FAR).lattice(SMALL).array
    step = model.semivariance([30.0])[0]
    assert semivariance(exact, 0, 1) == pytest.approx(step, rel=0.1)
    assert semivariance(array, 0, 1) == pytest.approx(step - model.nugget, rel=0.1)


def test_the_seed_fixes_the_maps_whatever_the_threads() -> None:
    places, values = scattered(30, SMALL), np.arange(30.0)
    model = MODELS["turned"]

    def maps(seed: int, workers: int) -> np.ndarray:
        simulation = Simulation(model, realisations=33, seed=seed, workers=workers)
        return simulation.fit(places, values).lattice(SMALL).array

    np.testing.assert_array_equal(maps(4, 1), maps(4, 3))
    assert not np.array_equal(maps(4, 1), maps(5, 1))


def test_a_trend_in_the_samples_lies_the_right_way_in_the_maps() -> None:
    places = scattered(300, SMALL)
    values = (places[:, 1] - SMALL.bounds[1]) / 500
    model = CovarianceModel(0.0, (Structure("spherical", 1.0, 3000.0),))
    maps = Simulation(model, realisations=20).fit(places, values).lattice(SMALL).array
    _, northing = SMALL.coordinates()
    truth = (northing - SMALL.bounds[1]) / 500
    np.testing.assert_allclose(maps.mean(axis=(0, 2))[2:-2], truth[2:-2], atol=0.05)


def test_realisations_are_a_layer() -> None:
    maps = Simulation(MODELS["turned"], realisations=3).fit(*FAR).lattice(SMALL)
    layer = maps.layer()
    assert layer.bands == ("r001", "r002", "r003")
    np.testing.assert_array_equal(layer.read(Window(2, 3, 4, 5)), maps.array[:, 2:6, 3:8])


def test_mistakes_are_refused() -> None:
    model = MODELS["turned"]
    with pytest.raises(InputError, match="at least 1"):
        Simulation(model, realisations=0)
    with pytest.raises(InputError, match="at least 4"):
        Simulation(model, neighbours=2)
    with pytest.raises(FitError, match="fitted first"):
        Simulation(model).lattice(SMALL)
    with pytest.raises(InputError, match=r"above 0|positive"):
        Simulation(model, transform=Log()).fit([[0.0, 0.0], [9.0, 9.0]], [1.0, -1.0])
