"""The pyramid model: Eq. 1-3 done directly, and its identities."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from affine import Affine
from pyproj import CRS
from scipy.ndimage import correlate1d, gaussian_filter

from gossan.arrays.clusters import EMPTY
from gossan.arrays.pyramid import low_pass
from gossan.errors import FitError, GossanWarning
from gossan.fusion.features.sources import LayerFeatures, NoFeatures
from gossan.fusion.lattice_layer import cubic_pair
from gossan.fusion.protocol import FusionModel, Observations, Points
from gossan.fusion.pyramid.model import PyramidLayer, PyramidModel, PyramidSettings
from gossan.fusion.registry import make_model
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import ArrayLayer
from gossan.geochem.variogram.fitting import CovarianceModel, Structure

GRID = Grid(CRS.from_epsg(32638), Affine(15.0, 0, 512_340, 0, -20.0, 2_712_340), 118, 174)
VARIOGRAM = CovarianceModel(0.05, (Structure("spherical", 1.0, 1100.0),))
KERNEL = np.array([1, 4, 6, 4, 1]) / 16


def image(d: int = 1, seed: int = 0, holes: bool = True) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rough = rng.normal(size=(d, *GRID.shape))
    smooth = np.stack([gaussian_filter(part, 12) for part in rng.normal(size=(d, *GRID.shape))])
    array = (rough + 40 * smooth + 3 + 0.01 * np.arange(GRID.width)).astype(np.float32)
    if holes:
        array[0, 30:52, 90:120] = np.nan
        array[:, :, -5:] = np.nan
    return array


def features_of(array: np.ndarray) -> LayerFeatures:
    names = tuple(f"f{k + 1}" for k in range(len(array)))
    return LayerFeatures(ArrayLayer(GRID, names, array))


def observations(array: np.ndarray, n: int = 70, seed: int = 1) -> Observations:
    rng = np.random.default_rng(seed)
    rows, cols = rng.integers(0, GRID.height, n), rng.integers(0, GRID.width, n)
    easting, northing = GRID.coordinates()
    xy = np.column_stack([easting[cols] + rng.uniform(-7, 7, n), northing[rows]])
    trend = (xy[:, 1] - northing[-1]) / 900 + np.sin((xy[:, 0] - easting[0]) / 500)
    signal = np.nan_to_num(array[0, rows, cols], nan=3.0)
    return Observations(Points(xy), trend + 0.3 * signal + 0.2 * rng.normal(size=n) + 20)


def fitted(array: np.ndarray, data: Observations | None = None, **options: Any) -> PyramidModel:
    model = PyramidModel(PyramidSettings(**options), VARIOGRAM, Blocks(64, 1))
    return model.fit(data or observations(array), features_of(array))


def fused(model: PyramidModel) -> np.ndarray:
    layer = PyramidLayer(model.decomposition_, model.lattice_, model.lines_, model.settings.variant)
    return layer.read(GRID.whole)[0].astype(float)


def kriged(model: PyramidModel) -> np.ndarray:
    pair = cubic_pair(model.decomposition_.lattice, GRID)
    return pair.window(model.lattice_, GRID.whole).astype(float)


def direct_low(field: np.ndarray, levels: int) -> np.ndarray:
    """Reduce and expand step by step, empty pixels by normalised convolution."""

    def there_and_back(part: np.ndarray) -> np.ndarray:
        shapes = []
        for _ in range(levels):
            shapes.append(part.shape)
            for axis in (0, 1):
                part = correlate1d(part, KERNEL, axis=axis, mode="constant")
            part = part[::2, ::2]
        for shape in reversed(shapes):
            wide = np.zeros(shape)
            wide[::2, ::2] = part
            for axis in (0, 1):
                wide = correlate1d(wide, 2 * KERNEL, axis=axis, mode="constant")
            part = wide
        return part

    mask = np.isfinite(field).astype(float)
    with np.errstate(invalid="ignore"):
        return there_and_back(np.nan_to_num(field)) / there_and_back(mask)


@pytest.mark.parametrize("scope", ["global", "local"])
def test_the_literal_map_is_equations_1_to_3_done_directly(scope: str) -> None:
    array = image(2)
    model = fitted(array, variant="literal", scope=scope, clusters=3)
    assert model.decomposition_.levels == 1
    geo, ms = kriged(model), array.astype(float)
    empty = ~np.isfinite(ms).all(axis=0)
    ms[:, empty] = np.nan
    ms_low = np.stack([direct_low(part, 1) for part in ms])
    geo_low = direct_low(geo, 1)
    labels = model.decomposition_.clusters.labels(array)
    wanted = np.full(GRID.shape, np.nan)
    for c in range(labels[~empty].max() + 1):
        own = labels == c
        design = np.column_stack([np.ones(own.sum()), *ms_low[:, own]])
        a, *b = np.linalg.lstsq(design, geo_low[own], rcond=None)[0]
        geo_low_fused = a + b @ ms_low[:, own]  # Eq. 1
        geo_high_fused = (geo - geo_low)[own] + a + b @ (ms - ms_low)[:, own]  # Eq. 2
        wanted[own] = geo_low_fused + geo_high_fused  # Eq. 3
    np.testing.assert_allclose(fused(model), wanted, atol=2e-4)


@pytest.mark.parametrize("levels", [2, 4])
def test_the_sound_map_is_the_kriged_one_plus_regressed_detail_done_directly(levels: int) -> None:
    array = image(2)
    model = fitted(array, clusters=3, levels=levels, shrinkage=0.0)
    geo, ms = kriged(model), array.astype(float)
    empty = ~np.isfinite(ms).all(axis=0)
    ms[:, empty] = np.nan
    ms_low, geo_low = np.stack([direct_low(part, levels) for part in ms]), direct_low(geo, levels)
    labels = model.decomposition_.clusters.labels(array)
    wanted = geo.copy()  # where the image is empty
    for c in range(3):
        own = labels == c
        design = np.column_stack([np.ones(own.sum()), *ms_low[:, own]])
        _, *b = np.linalg.lstsq(design, geo_low[own], rcond=None)[0]
        wanted[own] = geo[own] + b @ (ms - ms_low)[:, own]
    np.testing.assert_allclose(fused(model), wanted, atol=2e-4)


def test_global_literal_with_one_feature_is_2a_plus_b_ms_plus_geo_high() -> None:
    array = image()
    model = fitted(array, variant="literal", scope="global")
    a, b = model.lines_.constants[0], model.lines_.slopes[0, 0]
    geo = kriged(model)
    wanted = 2 * a + b * array[0] + (geo - low_pass(geo[None], 1)[0])
    np.testing.assert_allclose(fused(model), wanted, atol=1e-4)


def test_the_literal_map_is_lifted_by_the_constant() -> None:
    array = image(holes=False)
    array -= array.mean(dtype=float)
    model = fitted(array, variant="literal", scope="global")
    a, b = model.lines_.constants[0], model.lines_.slopes[0, 0]
    high = array - low_pass(array, 1)
    lift = fused(model).mean() - kriged(model).mean()
    np.testing.assert_allclose(lift, a + b * high.mean(dtype=float), rtol=1e-3)
    assert abs(lift - a) < 0.01 * abs(a)
    assert a > 15  # about the mean of the element: the map is about twice too high


@pytest.mark.parametrize("variant", ["literal", "sound"])
def test_one_cluster_is_the_global_fit(variant: str) -> None:
    array = image(2)
    model = fitted(array, variant=variant, scope="global")
    parts = fitted(array, variant=variant, clusters=4, levels=model.decomposition_.levels)
    merged = parts.decomposition_.sums.merged()
    np.testing.assert_allclose(merged.count, model.decomposition_.sums.count)
    data = model.decomposition_.smooth.inner(model.lattice_)
    np.testing.assert_allclose(
        parts.decomposition_.cross(data).sum(axis=0)[0],
        model.decomposition_.cross(data)[0][0],
        rtol=1e-9,
    )
    np.testing.assert_allclose(
        fitted(array, variant="sound", clusters=4, shrinkage=1e12).lines_.slopes,
        np.repeat(fitted(array, variant="sound", scope="global").lines_.slopes, 4, axis=0),
        rtol=1e-6,
    )


@pytest.mark.parametrize("variant", ["literal", "sound"])
@pytest.mark.parametrize("scope", ["global", "local"])
def test_flipping_and_scaling_a_feature_changes_nothing(variant: str, scope: str) -> None:
    array = image()
    first = fitted(array, variant=variant, scope=scope, clusters=3)
    second = fitted(-7 * array, observations(array), variant=variant, scope=scope, clusters=3)
    labels = [m.decomposition_.clusters.labels(s * array) for m, s in ((first, 1), (second, -7))]
    filled = labels[0] != EMPTY
    if scope == "local":  # classes are sorted by the feature: numbered the other way round
        np.testing.assert_array_equal(labels[0][filled], 2 - labels[1][filled])
    np.testing.assert_allclose(fused(first), fused(second), atol=2e-4)


@pytest.mark.parametrize("variant", ["literal", "sound"])
def test_shifting_and_scaling_the_element_carries_through(variant: str) -> None:
    array = image()
    data = observations(array)
    scaled = Observations(data.points, 1000 + 5 * data.values)
    first = fitted(array, data, variant=variant, clusters=3)
    second = fitted(array, scaled, variant=variant, clusters=3)
    shift = 2000 if variant == "literal" else 1000  # the literal constant enters twice
    np.testing.assert_allclose(fused(second), shift + 5 * fused(first), rtol=2e-6)


@pytest.mark.parametrize("variant", ["literal", "sound"])
@pytest.mark.parametrize(("size", "workers"), [(37, 1), (50, 3), (512, 1)])
def test_blocks_of_any_size_and_workers_give_the_same_map(
    variant: str, size: int, workers: int
) -> None:
    array = image(2)
    options = PyramidSettings(variant=variant, clusters=3)
    data = observations(array)
    whole = fitted(array, data, variant=variant, clusters=3)
    blocks = Blocks(size, workers)
    other = PyramidModel(options, VARIOGRAM, blocks).fit(data, features_of(array))
    wanted = fused(whole)
    np.testing.assert_allclose(fused(other), wanted, rtol=1e-5)
    layer = PyramidLayer(other.decomposition_, other.lattice_, other.lines_, variant)
    for window, values in blocks.map(layer.read, GRID):
        np.testing.assert_allclose(values[0], wanted[window.slices], rtol=1e-5)
    for name, table in whole.tables_.items():
        found = other.tables_[name].select_dtypes("number")
        np.testing.assert_allclose(found, table.select_dtypes("number"), rtol=1e-5, err_msg=name)


def test_a_coarse_level_too_large_to_hold_gives_the_same_map(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    array = image(2)
    wanted = fused(fitted(array, clusters=3, levels=2))
    monkeypatch.setattr("gossan.fusion.pyramid.lowpass.HELD_BYTES", 0)
    model = fitted(array, clusters=3, levels=2)
    assert model.decomposition_.low_pass.sums is None
    np.testing.assert_allclose(fused(model), wanted, atol=1e-5)


@pytest.mark.parametrize("variant", ["literal", "sound"])
def test_points_agree_with_the_map(variant: str) -> None:
    array = image(2)
    model = fitted(array, variant=variant, clusters=3)
    data = observations(array, 200, seed=5)
    row, col = GRID.index_of(*data.points.coordinates.T)
    on_map = fused(model)[row.round().astype(int), col.round().astype(int)]
    found = model.predict(data.points, features_of(array))
    assert found.standard_error is None
    np.testing.assert_allclose(found.mean, on_map, atol=2e-4)
    literal = variant == "literal"
    assert np.isnan(found.mean).any() == np.isnan(on_map).any() == literal
    off = Points(np.array([[0.0, 0.0], [512_341.0, 2_712_339.0]]))
    assert np.isnan(model.predict(off, features_of(array)).mean).tolist() == [literal, False]


def test_the_mean_over_a_support_is_that_of_the_map() -> None:
    array = image(2, holes=False)
    model = fitted(array, clusters=3)
    data = observations(array, 40, seed=6)
    inner = Points(data.points.coordinates, support_m=105.0)
    row, col = GRID.index_of(*inner.coordinates.T)
    row, col = row.round().astype(int), col.round().astype(int)
    keep = (row > 3) & (row < GRID.height - 3) & (col > 4) & (col < GRID.width - 4)
    fused_map = fused(model)
    means = [fused_map[r - 2 : r + 3, c - 3 : c + 4].mean() for r, c in zip(row[keep], col[keep])]
    found = model.predict(inner, features_of(array)).mean[keep]
    # the kriged part is taken at the point: it hardly bends within the support
    np.testing.assert_allclose(found, means, atol=0.03)
    point = model.predict(data.points, features_of(array)).mean[keep]
    assert np.abs(found - means).std() < 0.1 * np.abs(point - means).std()


def test_the_sound_map_keeps_the_kriged_one_where_the_image_is_flat() -> None:
    array = image(holes=False)
    array[:, :, :60] = 3.0
    model = fitted(array, scope="global", levels=2)
    np.testing.assert_allclose(fused(model)[:, :48], kriged(model)[:, :48], atol=1e-4)


@pytest.mark.parametrize("scope", ["global", "local"])
def test_the_sound_map_is_the_kriged_one_where_imagery_is_masked(scope: str) -> None:
    array = image(2)
    model = fitted(array, scope=scope, clusters=3)
    empty = ~np.isfinite(array).all(axis=0)
    found, geo = fused(model), kriged(model)
    np.testing.assert_array_equal(found[empty], geo[empty])
    assert np.abs(found - geo)[~empty].mean() > 1e-3
    rows, cols = np.nonzero(empty)
    easting, northing = GRID.coordinates()
    hidden = Points(np.column_stack([easting[cols], northing[rows]])[::50])
    predicted = model.predict(hidden, features_of(array)).mean
    np.testing.assert_allclose(predicted, geo[empty][::50], rtol=1e-5)
    beyond = Points(np.array([[easting[0] - 400.0, northing[0] + 90.0]]))
    at_point = model.kriging_.predict(beyond.coordinates)[0]
    np.testing.assert_array_equal(model.predict(beyond, features_of(array)).mean, at_point)


def test_the_literal_map_is_empty_where_imagery_is_masked_and_says_so() -> None:
    array = image(2)
    model = fitted(array, variant="literal", scope="global")
    empty = ~np.isfinite(array).all(axis=0)
    share = f"{100 * empty.mean():.3g} %"
    with pytest.warns(GossanWarning, match=f"empty on {share} of its pixels"):
        layer = model.layer(features_of(array))
    np.testing.assert_array_equal(np.isnan(layer.read(GRID.whole)[0]), empty)


def test_one_decomposition_serves_all_elements_and_folds() -> None:
    array = image()
    features, data = features_of(array), observations(array)
    first = PyramidModel(PyramidSettings(clusters=3), VARIOGRAM).fit(data, features)
    other = Observations(data.points, data.values**2)
    second = PyramidModel(PyramidSettings(clusters=3), VARIOGRAM).fit(other, features)
    fold = PyramidModel(PyramidSettings(clusters=3), VARIOGRAM).fit(
        data.subset(np.arange(3, 70)), features
    )
    assert second.decomposition_ is first.decomposition_
    assert fold.decomposition_ is first.decomposition_
    apart = PyramidModel(PyramidSettings(clusters=3), VARIOGRAM).fit(other, features_of(array))
    np.testing.assert_array_equal(apart.lines_.slopes, second.lines_.slopes)


def test_few_samples_draw_a_class_to_the_global_slopes() -> None:
    array = image()
    free, drawn = (fitted(array, clusters=5, shrinkage=s) for s in (0.0, 10.0))
    whole = fitted(array, scope="global").lines_.slopes[0]
    off, rest = np.abs(free.lines_.slopes - whole), np.abs(drawn.lines_.slopes - whole)
    share = rest[:, 0] / off[:, 0]
    np.testing.assert_allclose(share, drawn.samples_ / (drawn.samples_ + 10), rtol=1e-6)


def test_the_tables_hold_the_regressions_and_what_the_map_is_like() -> None:
    array = image(2)
    model = fitted(array, variant="literal", clusters=3)
    table = model.tables_["regressions"]
    assert list(table.columns) == ["cluster", "feature", "coefficient", "r2", "pixels", "samples"]
    assert len(table) == 9
    assert table.groupby("cluster").pixels.first().sum() == np.isfinite(array).all(axis=0).sum()
    filled = np.isfinite(features_of(array).at(observations(array).points)).all(axis=1)
    assert table.groupby("cluster").samples.first().sum() == pytest.approx(filled.sum())
    # R2 is that of lstsq over the picked pixels: every second column of so small a map
    labels = model.decomposition_.clusters.labels(array)[:, ::2]
    low = np.stack([direct_low(np.where(np.isfinite(array).all(axis=0), p, np.nan), 1)
                    for p in array.astype(float)])[:, :, ::2]  # fmt: skip
    target = direct_low(kriged(model), 1)[:, ::2]
    own = labels == 1
    estimate = model.lines_.constants[1] + model.lines_.slopes[1] @ low[:, own]
    wanted = 1 - np.var(target[own] - estimate) / np.var(target[own])
    assert table[table.cluster == 1].r2.iloc[0] == pytest.approx(wanted, abs=1e-3)
    found = model.tables_["pyramid"].set_index("quantity").value
    assert 0 < found["border_share"] < 1 and found["border_step"] > 0
    assert (model.tables_["clusters"].f1.diff().dropna() > 0).all()


def test_the_step_at_borders_is_that_of_the_coefficients() -> None:
    array = image(holes=False)
    model = fitted(array, variant="literal", clusters=2)
    labels = model.decomposition_.clusters.labels(array)[:, :-1:2]
    right = model.decomposition_.clusters.labels(array)[:, 1::2]
    differ = labels != right
    middle = ((array[0, :, :-1:2] + array[0, :, 1::2]) / 2)[differ]
    a, b = model.lines_.constants, model.lines_.slopes[:, 0]
    jump = 2 * (a[1] - a[0]) + (b[1] - b[0]) * middle
    found = model.tables_["pyramid"].set_index("quantity").value
    assert found["border_step"] == pytest.approx(np.sqrt(np.mean(jump**2)), rel=1e-4)
    assert found["border_share"] == pytest.approx(differ.mean(), rel=1e-6)
    assert fitted(array, scope="global").tables_["pyramid"].set_index("quantity").value[
        "border_share"
    ] == 0  # fmt: skip


def test_a_map_that_is_a_feature_in_other_colours_is_warned_of() -> None:
    # samples that follow the image make Eq. 1-3 a recoloured image
    array = image(holes=False)
    array[0] = gaussian_filter(array[0].astype(float), 3)
    data = observations(array)
    row, col = GRID.index_of(*data.points.coordinates.T)
    exact = Observations(data.points, array[0, row.round().astype(int), col.round().astype(int)])
    model = fitted(array, exact, variant="literal", scope="global")
    with pytest.warns(GossanWarning, match="f1 in other colours: r = 0.99"):
        model.layer(features_of(array))
    r = np.corrcoef(fused(model).ravel(), array[0].ravel())[0, 1]
    found = model.tables_["pyramid"].set_index("quantity").value["r_map_feature"]
    assert found == pytest.approx(r, abs=1e-3)


def test_data_that_it_cannot_be_fitted_to_are_refused_in_one_line() -> None:
    array, flat = image(), np.full((1, *GRID.shape), 2.0, np.float32)
    data = observations(array)
    twice = np.concatenate([array, array])
    for cube, options, says in (
        (flat, {}, "clusters must be 1 to 1"),
        (flat, {"scope": "global"}, "features f1 must be independent and of more than one value"),
        (np.full_like(flat, np.nan), {"scope": "global"}, "clusters must be 1 to 0"),
        (twice, {"scope": "global"}, "features f1, f2 must be independent"),
        (array.round(), {"clusters": 200}, "number of pixels that differ; got 200"),
    ):
        with pytest.raises(FitError, match=says):
            fitted(cube, data, **options)
    with pytest.raises(FitError, match="features of a pyramid must be a layer"):
        PyramidModel(variogram=VARIOGRAM).fit(data, NoFeatures(GRID))
    with pytest.raises(FitError, match="at least 10"):
        fitted(array, data.subset(np.arange(5)))


def test_a_class_without_variance_is_refused_literally_and_shrunk_soundly() -> None:
    array = image(holes=False)
    array[:, :, :80] = -500.0
    array[:, :, 80:90] = np.nan
    data = observations(array)
    with pytest.raises(FitError, match="of more than one value in cluster 0"):
        fitted(array, data, variant="literal", clusters=2)
    model = fitted(array, data, clusters=2, shrinkage=0.0, levels=1)
    whole = fitted(array, data, scope="global", levels=1)
    np.testing.assert_allclose(model.lines_.slopes[0], whole.lines_.slopes[0], rtol=1e-6)


def test_it_serves_the_protocol_and_its_map_pickles() -> None:
    assert isinstance(make_model("pyramid"), FusionModel)
    array = image()
    layer = fitted(array, clusters=3).layer(features_of(array))
    again = pickle.loads(pickle.dumps(layer))
    window = Window(11, 60, 40, 77)
    np.testing.assert_array_equal(again.read(window), layer.read(window))
