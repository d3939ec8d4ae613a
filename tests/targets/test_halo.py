from __future__ import annotations

import pickle

import numpy as np
import pytest
from affine import Affine
from pyproj import CRS
from sklearn.covariance import MinCovDet
from sklearn.decomposition import PCA

from gossan.errors import FitError, InputError
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import ArrayLayer
from gossan.targets.halo import CHUNK, fit_halo, halo_layer

NAMES = ("Cu", "Zn", "Au", "Ni")


@pytest.fixture(scope="module")
def contents() -> np.ndarray:
    rng = np.random.default_rng(4)
    halo = rng.normal(size=(300, 1)) * [1.0, 0.6, 1.4, -0.1]
    return np.exp(halo + 0.4 * rng.normal(size=(300, 4)) + [3.0, 4.0, -6.0, 3.0])


def test_clr_components_are_scikit_learns(contents: np.ndarray) -> None:
    score = fit_halo(contents, NAMES, "clr_pca", towards="Au")
    logs = np.log(contents)
    clr = logs - logs.mean(axis=1, keepdims=True)
    pca = PCA().fit(clr)
    axis = pca.components_[0] * np.sign(pca.components_[0][2])
    assert score.weights == pytest.approx(axis, abs=1e-9)
    assert score.explained == pytest.approx(pca.explained_variance_ratio_[0])
    assert score(contents.T) == pytest.approx((clr - clr.mean(axis=0)) @ axis)


def test_clr_scores_do_not_see_dilution_and_distances_do(contents: np.ndarray) -> None:
    component = fit_halo(contents, NAMES, "clr_pca")
    assert component(0.3 * contents.T) == pytest.approx(component(contents.T))
    distance = fit_halo(contents, NAMES, "mahalanobis")
    assert not np.allclose(distance(0.3 * contents.T), distance(contents.T))


def test_robust_distances_are_scikit_learns_and_survive_outliers(contents: np.ndarray) -> None:
    spoilt = contents.copy()
    spoilt[:40, 2] *= 1e4
    score = fit_halo(spoilt, NAMES, "mahalanobis", seed=3)
    robust = MinCovDet(random_state=3).fit(np.log(spoilt))
    assert score(spoilt.T) ** 2 == pytest.approx(robust.mahalanobis(np.log(spoilt)))
    assert score(spoilt[:40].T).min() > np.quantile(score(spoilt[40:].T), 0.99)


def test_indices_follow_their_formulas(contents: np.ndarray) -> None:
    background = np.median(np.log(contents), axis=0)
    additive = fit_halo(contents, NAMES, "additive")
    expected = (contents / np.exp(background)).mean(axis=1)
    assert additive(contents.T) == pytest.approx(expected)
    ratio = fit_halo(contents, NAMES, "multiplicative", numerator=["Cu", "Au"], denominator=["Zn"])
    z = np.log(contents) - background
    assert ratio(contents.T) == pytest.approx((z[:, 0] + z[:, 2]) / 2 - z[:, 1])
    assert ratio.loadings["element"].tolist() == list(NAMES)


def test_a_score_works_as_a_layer_and_pickles(contents: np.ndarray) -> None:
    array = contents[:20].T.reshape(4, 4, 5).astype(np.float32)
    array[1, 2, 3] = np.nan
    array[0, 0, 0] = -1.0
    grid = Grid(CRS.from_epsg(32645), Affine(30.0, 0, 100.0, 0, -20.0, 900.0), 4, 5)
    elements = ArrayLayer(grid, ("Ni", "Cu", "Zn", "Au"), array[[3, 0, 1, 2]])
    for method in ("clr_pca", "mahalanobis", "additive", "multiplicative"):
        score = fit_halo(contents, NAMES, method)  # type: ignore[arg-type]
        layer = pickle.loads(pickle.dumps(halo_layer(score, elements)))
        found = layer.read(Window(0, 0, 4, 5))
        assert layer.bands == (method,) and np.isnan(found[0, 2, 3]) and np.isnan(found[0, 0, 0])
        assert found[0, 1, 1] == pytest.approx(float(score(array[:, 1, 1])), rel=1e-5)


def test_several_scores_are_the_bands_of_one_layer(contents: np.ndarray) -> None:
    grid = Grid(CRS.from_epsg(32645), Affine(30.0, 0, 100.0, 0, -20.0, 900.0), 4, 5)
    elements = ArrayLayer(grid, NAMES, contents[:20].T.reshape(4, 4, 5))
    methods = ("clr_pca", "mahalanobis", "additive", "multiplicative")
    scores = [fit_halo(contents, NAMES, method) for method in methods]  # type: ignore[arg-type]
    layer = halo_layer(scores, elements)
    alone = [halo_layer(score, elements).read(grid.whole)[0] for score in scores]
    assert layer.bands == methods
    assert np.array_equal(layer.read(grid.whole), np.stack(alone))


def test_a_score_does_not_depend_on_the_pixels_beside_it(contents: np.ndarray) -> None:
    rng = np.random.default_rng(5)
    grid = Grid(CRS.from_epsg(32645), Affine(30.0, 0, 100.0, 0, -20.0, 4000.0), 90, 110)
    elements = ArrayLayer(grid, NAMES, np.exp(rng.normal(size=(4, 90, 110))))
    methods = ("clr_pca", "mahalanobis", "additive", "multiplicative")
    layer = halo_layer([fit_halo(contents, NAMES, m) for m in methods], elements)  # type: ignore[arg-type]
    whole = layer.read(grid.whole)
    assert whole[0].size > 2 * CHUNK
    np.testing.assert_array_equal(layer.read(Window(7, 13, 70, 90)), whole[:, 7:77, 13:103])


def test_unknown_elements_and_few_samples_are_refused(contents: np.ndarray) -> None:
    with pytest.raises(InputError):
        fit_halo(contents, NAMES, "clr_pca", towards="Pb")
    with pytest.raises(InputError):
        fit_halo(contents, NAMES, "clr_pca", component=4)
    with pytest.raises(InputError):
        fit_halo(contents, NAMES, "sum")  # type: ignore[arg-type]
    with pytest.raises(FitError):
        fit_halo(contents[:10], NAMES)
