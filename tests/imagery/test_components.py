"""Principal components: against scikit-learn in float64, over blocks of any size."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from affine import Affine
from pyproj import CRS
from sklearn.decomposition import PCA
from sklearn.preprocessing import RobustScaler

from gossan.errors import ImageryError
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import ArrayLayer
from gossan.imagery.component_contrasts import readings
from gossan.imagery.components import Components, Scaling, fit_components

GRID = Grid(CRS.from_epsg(32638), Affine(15.0, 0, 512_345, 0, -20.0, 2_712_345), 61, 83)
NAMES = ("b1", "b2", "b3", "b4", "b5")


def bands(holes: bool = True, seed: int = 0) -> ArrayLayer:
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(5, 5)) * (0.5 ** np.arange(5))[:, None]
    pixels = rng.standard_normal((*GRID.shape, 5)) @ mixing * [300, 200, 100, 400, 50] + 2000
    array = np.moveaxis(pixels, -1, 0).astype(np.float32)
    array += np.linspace(0, 500, GRID.height, dtype=np.float32)[:, None]
    if holes:
        array[2, 10:20, 30:60] = np.nan
        array[:, :, -2:] = np.nan
    return ArrayLayer(GRID, NAMES, array)


def filled(layer: ArrayLayer) -> np.ndarray:
    flat = layer.array.reshape(len(layer.bands), -1).astype(float)
    return flat[:, np.isfinite(flat).all(axis=0)].T


def same_up_to_sign(found: np.ndarray, wanted: np.ndarray) -> None:
    sign = np.sign((found * wanted).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(found, wanted * sign, atol=1e-8)


def test_covariance_components_are_those_of_scikit_learn() -> None:
    layer = bands()
    found = fit_components(layer).components
    wanted = PCA(5).fit(filled(layer))
    np.testing.assert_allclose(found.variances, wanted.explained_variance_, rtol=1e-9)
    np.testing.assert_allclose(found.shares, wanted.explained_variance_ratio_, rtol=1e-9)
    same_up_to_sign(found.loadings, wanted.components_)
    assert found.pixels == len(filled(layer))


def test_correlation_components_are_those_of_standardised_bands() -> None:
    layer = bands()
    pixels = filled(layer)
    wanted = PCA(5).fit((pixels - pixels.mean(axis=0)) / pixels.std(axis=0, ddof=1))
    found = fit_components(layer, "correlation").components
    np.testing.assert_allclose(found.variances, wanted.explained_variance_, rtol=1e-9)
    same_up_to_sign(found.loadings, wanted.components_)


def test_robust_scaling_is_that_of_median_and_spread_and_outliers_hardly_count() -> None:
    layer = bands(holes=False)
    rough = ArrayLayer(GRID, NAMES, layer.array.copy())
    rough.array[1, 5, 6:10] = 1e7
    clean, found = (fit_components(part, "robust").components for part in (layer, rough))
    every_second = layer.array[:, :, ::2].reshape(5, -1).T.astype(float)
    np.testing.assert_allclose(clean.centre, RobustScaler().fit(every_second).center_)
    assert np.abs((clean.loadings * found.loadings).sum(axis=1)).min() > 0.99
    plain = fit_components(rough).components
    assert np.abs(plain.loadings[0, 1]) > 0.999  # without it, one band takes the component


def test_the_layer_gives_uncorrelated_bands_with_the_variances_it_states() -> None:
    layer = fit_components(bands(), "correlation")
    pixels = layer.read(GRID.whole).reshape(5, -1).astype(float)
    pixels = pixels[:, np.isfinite(pixels).all(axis=0)]
    np.testing.assert_allclose(np.cov(pixels), np.diag(layer.components.variances), atol=2e-4)


@pytest.mark.parametrize("scaling", ["covariance", "correlation", "robust"])
@pytest.mark.parametrize(("size", "workers"), [(7, 1), (16, 3), (1000, 1)])
def test_blocks_of_any_size_and_workers_give_the_same(
    scaling: Scaling, size: int, workers: int
) -> None:
    whole = fit_components(bands(), scaling, blocks=Blocks(64, 1))
    found = fit_components(bands(), scaling, blocks=Blocks(size, workers))
    np.testing.assert_allclose(found.components.loadings, whole.components.loadings, atol=1e-10)
    window = Window(9, 31, 22, 17)
    np.testing.assert_allclose(
        found.read(window), whole.read(GRID.whole)[:, 9:31, 31:48], rtol=1e-5, atol=1e-3
    )


def test_a_selected_component_is_that_of_all_and_pickles() -> None:
    layer = fit_components(bands())
    second = pickle.loads(pickle.dumps(layer.select(("pc2",))))
    assert second.bands == ("pc2",)
    np.testing.assert_array_equal(second.read(GRID.whole)[0], layer.read(GRID.whole)[1])


def test_the_named_band_or_else_the_largest_loads_positively() -> None:
    named = fit_components(bands(), positive="b3").components
    assert (named.loadings[:, 2] > 0).all()
    free = fit_components(bands()).components.loadings
    assert (free[np.arange(5), np.abs(free).argmax(axis=1)] > 0).all()


def test_a_flipped_band_flips_its_loading_only() -> None:
    layer = bands()
    flipped = ArrayLayer(GRID, NAMES, layer.array * np.array([1, 1, -1, 1, 1])[:, None, None])
    first, second = (fit_components(part, positive="b1").components for part in (layer, flipped))
    np.testing.assert_allclose(second.loadings[:, 2], -first.loadings[:, 2], atol=1e-10)


def test_the_table_holds_a_row_for_each_component_and_band() -> None:
    layer = fit_components(bands())
    table = layer.table()
    assert len(table) == 25
    row = table[(table.component == "pc2") & (table.band == "b4")].iloc[0]
    assert row.loading == layer.components.loadings[1, 3]
    assert table.groupby("component").share.first().sum() == pytest.approx(1.0)


def test_bands_that_no_component_can_be_had_from_are_refused_in_one_line() -> None:
    empty = ArrayLayer(GRID, ("b1",), np.full((1, *GRID.shape), np.nan))
    constant = ArrayLayer(GRID, ("b1", "b2"), np.stack([bands().array[0], np.zeros(GRID.shape)]))
    for layer, options, says in (
        (empty, {}, "filled together"),
        (constant, {"scaling": "correlation"}, "'b2' must be of more than one value"),
        (constant, {"scaling": "robust"}, "'b2' must be of more than one value"),
        (constant, {"positive": "b9"}, "positive must be one of b1, b2"),
    ):
        with pytest.raises(ImageryError, match=says):
            fit_components(layer, **options)


def test_a_component_of_one_band_alone_is_read_as_that_band() -> None:
    loadings = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
    alone = Components(
        ("a", "b", "c"), "correlation", np.zeros(3), np.ones(3), loadings, np.ones(3), 9
    )
    assert list(readings(alone).values()) == [
        "PC1 rises with b",
        "PC2 rises with a",
        "PC3 falls with c",
    ]
