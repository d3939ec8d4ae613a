"""The geostatistical model against other programs, brute force and known truth."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, DotProduct, Kernel, Matern

from gossan.errors import FitError, SettingsError
from gossan.fusion.features.sources import ColumnFeatures, LayerFeatures, NoFeatures
from gossan.fusion.geostatistical import averaging
from gossan.fusion.geostatistical.hyperparameters import Hyperparameters, Problem
from gossan.fusion.geostatistical.map_layer import PosteriorLayer, lattice_taps
from gossan.fusion.geostatistical.map_strip import Strip
from gossan.fusion.geostatistical.model import Geostatistical, GeostatisticalSettings
from gossan.fusion.geostatistical.posterior import Member, make_member
from gossan.fusion.geostatistical.spatial_shape import Family, Shape
from gossan.fusion.protocol import Observations, Points
from gossan.fusion.registry import make_model, options_of
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import ArrayLayer
from gossan.geochem.covariance.dense import ExactSamples
from gossan.geochem.covariance.model import Anisotropy, CovarianceModel, Structure
from gossan.geochem.covariance.vecchia import NearestSamples
from gossan.geochem.kriging.estimator import Kriging

GRID = Grid.from_bounds(
    32638, (401_000, 2_602_000, 401_000 + 90 * 160, 2_602_000 + 130 * 60), (90, 60)
)


def imagery(seed: int = 0, holes: bool = False) -> np.ndarray:
    rng = np.random.default_rng(seed)
    bands = np.array([gaussian_filter(rng.normal(size=GRID.shape), s) for s in (0.6, 2.0, 5.0)])
    bands /= bands.std(axis=(1, 2), keepdims=True)
    if holes:
        bands[:, 60:95, 40:90] = np.nan
        bands[1, 5:12, 100:130] = np.nan
    return bands


def features(seed: int = 0, holes: bool = False) -> LayerFeatures:
    return LayerFeatures(ArrayLayer(GRID, ("ndvi", "clay", "iron"), imagery(seed, holes)))


def survey(count: int, seed: int = 1, support_m: float = 0.0) -> Points:
    left, bottom, right, top = GRID.bounds
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, 1, (count, 2)) * [right - left, top - bottom] + [left, bottom]
    return Points(xy, support_m)


def observe(
    points: Points, known: LayerFeatures, slopes: tuple[float, ...] = (0.5, 0.3, 0.0)
) -> Observations:
    rng = np.random.default_rng(9)
    seen = np.nan_to_num(known.at(points)) @ np.array(slopes)
    x, y = points.coordinates.T
    u = 0.5 * np.sin(x / 2500.0) * np.cos(y / 1800.0)
    return Observations(points, 3.0 + seen + u + 0.2 * rng.normal(size=len(points)))


def member(columns: np.ndarray, xy: np.ndarray, tau2: float, c: CovarianceModel) -> Member:
    d = columns.shape[1] - 2
    problem = Problem(columns, np.zeros(d, int), np.zeros((len(xy), 1)), Shape(), 1e4, 100.0)
    return make_member(problem, ExactSamples(xy), Hyperparameters(np.array([tau2]), c))


@pytest.fixture(scope="module")
def gstat(reference: Path) -> dict:
    return json.loads((reference / "gstat_external_drift.json").read_text(encoding="utf-8"))


PLAIN = CovarianceModel(0.07, (Structure("exponential", 0.6, 1800.0),))
TURNED = CovarianceModel(0.07, PLAIN.structures, Anisotropy(30.0, 0.5))


@pytest.mark.parametrize(
    ("case", "tau2", "covariance"),
    [("ordinary", 0.0, PLAIN), ("external_drift", 1e9, PLAIN), ("anisotropic", 0.0, TURNED)],
)
def test_without_and_with_free_slopes_it_is_the_kriging_of_gstat(
    gstat: dict, case: str, tau2: float, covariance: CovarianceModel
) -> None:
    s, t = gstat["samples"], gstat["targets"]
    xy, spots = np.column_stack([s["x"], s["y"]]), np.column_stack([t["x"], t["y"]])
    columns = np.column_stack([s["f"], np.ones(len(xy)), s["z"]])
    found = member(columns, xy, tau2, covariance)
    mean, variance = found.predict(spots, np.array(t["f"])[:, None], 0.0)
    np.testing.assert_allclose(mean, gstat[case]["estimate"], atol=1e-6)
    np.testing.assert_allclose(variance, gstat[case]["variance"], atol=1e-6)


def test_without_imagery_it_is_ordinary_kriging() -> None:
    points = survey(70)
    observed = observe(points, features())
    settings = GeostatisticalSettings(averaging="mode", correlation="exponential")
    model = Geostatistical(settings).fit(observed, NoFeatures(GRID))
    h = model.mixture_.members[0].hyperparameters
    kriged = Kriging(h.covariance, neighbours=None).fit(points.coordinates, observed.values)
    targets = survey(25, seed=4)
    estimate, variance = kriged.predict(targets.coordinates)
    found = model.predict(targets, NoFeatures(GRID))
    np.testing.assert_allclose(found.mean, estimate, atol=1e-7)
    np.testing.assert_allclose(found.standard_error**2, variance, atol=1e-7)


class OnColumns(Kernel):
    """Let a kernel of scikit-learn see some columns of its input."""

    def __init__(self, kernel: Kernel, columns: tuple[int, ...]) -> None:
        self.kernel, self.columns = kernel, columns

    def __call__(self, X, Y=None, eval_gradient=False):  # type: ignore[no-untyped-def]
        own = list(self.columns)
        return self.kernel(X[:, own], None if Y is None else Y[:, own])

    def diag(self, X):  # type: ignore[no-untyped-def]
        return self.kernel.diag(X[:, list(self.columns)])

    def is_stationary(self) -> bool:
        return False


@pytest.mark.parametrize(("family", "nu"), [("exponential", 0.5), ("matern32", 1.5)])
def test_it_is_the_gaussian_process_of_scikit_learn(family: Family, nu: float) -> None:
    points, spots = survey(40), survey(15, seed=3)
    z, at = features().at(points), features().at(spots)
    y = observe(points, features()).values
    tau2, sill, r, noise = 0.9, 0.4, 2100.0, 0.05
    columns = np.column_stack([z, np.ones(40), y])
    covariance = Shape(family).covariance(noise, sill, np.log([r]))
    found = member(columns, points.coordinates, tau2, covariance)
    mean, variance = found.predict(spots.coordinates, at, 0.0)
    kernel = (
        ConstantKernel(tau2 / 3) * OnColumns(DotProduct(0.0), (0, 1, 2))
        + ConstantKernel(sill) * OnColumns(Matern(r, nu=nu), (3, 4))
        + ConstantKernel(1e5)
    )
    process = GaussianProcessRegressor(kernel, alpha=noise, optimizer=None)
    process.fit(np.column_stack([z, points.coordinates]), y)
    wanted, error = process.predict(np.column_stack([at, spots.coordinates]), return_std=True)
    np.testing.assert_allclose(mean, wanted, atol=2e-4)
    np.testing.assert_allclose(variance - noise, error**2, atol=2e-4)


def everywhere() -> Points:
    """Every seventh pixel, row by row."""
    easting, northing = GRID.coordinates()
    x, y = np.meshgrid(easting, northing)
    return Points(np.column_stack([x.ravel(), y.ravel()])[::7])


def thinned(layer: PosteriorLayer) -> np.ndarray:
    """The map at the same pixels: (2, pixels)."""
    return layer.read(GRID.whole).reshape(2, -1)[:, ::7]


@pytest.mark.parametrize("support_m", [0.0, 700.0])
@pytest.mark.parametrize("holes", [False, True])
def test_the_map_is_the_brute_force_formula_at_every_pixel(support_m: float, holes: bool) -> None:
    points = survey(60, support_m=support_m)
    settings = GeostatisticalSettings(composite="none")
    model = Geostatistical(settings).fit(observe(points, features()), features())
    known = features(holes=holes)
    mapped = thinned(model.layer(known))
    brute = model.predict(everywhere(), known)
    assert np.abs(mapped[0] - brute.mean).max() < 0.01 * mapped[0].std()
    ratio = mapped[1] / brute.standard_error
    assert np.abs(ratio - 1).max() < 0.06
    assert np.sqrt(np.mean((ratio - 1) ** 2)) < 0.003


def test_the_map_is_right_next_to_pairs_of_close_samples() -> None:
    points = survey(50)
    close = points.coordinates[:10] + np.array([18.0, 9.0])
    points = Points(np.concatenate([points.coordinates, close]))
    settings = GeostatisticalSettings(averaging="mode", correlation="exponential")
    model = Geostatistical(settings).fit(observe(points, features()), features())
    mapped = thinned(model.layer(features()))
    brute = model.predict(everywhere(), features())
    assert np.abs(mapped[0] - brute.mean).max() < 0.01 * mapped[0].std()
    assert np.abs(mapped[1] / brute.standard_error - 1).max() < 0.03


def test_wide_means_at_their_nodes_give_the_map_that_they_give_at_the_pixels() -> None:
    points, known = survey(60), features()
    settings = GeostatisticalSettings(averaging="mode", windows_px=(1, 4, 16))
    layer = Geostatistical(settings).fit(observe(points, known), known).layer(known)
    (element,), source = layer.elements, known.layer
    window = Window(0, 37, GRID.height, 90)
    strips = [
        Strip.of(
            layer.features.layer, source.read(window), GRID, window, element.standard, finest_m
        )
        for finest_m in (0.0, np.inf)
    ]
    assert [strip.wide is None for strip in strips] == [True, False]
    taps = lattice_taps(element.posterior.lattice, *GRID.coordinates(window))
    one, two = (element.fill(strip, *taps) for strip in strips)
    np.testing.assert_allclose(two[0], one[0], atol=2e-5 * float(one[0].std()))
    np.testing.assert_allclose(two[1], one[1], rtol=2e-3)
    assert np.abs(two[1] / one[1] - 1).mean() < 1e-4


def test_windows_are_parts_of_the_whole_map() -> None:
    points = survey(60)
    known = features(holes=True)
    layer = Geostatistical().fit(observe(points, features()), features()).layer(known)
    whole = layer.read(GRID.whole)
    for window in (Window(0, 0, 7, 160), Window(57, 31, 73, 66), Window(129, 159, 1, 1)):
        rows, cols = window.slices
        np.testing.assert_allclose(layer.read(window), whole[:, rows, cols], rtol=2e-5)


def test_hidden_pixels_fall_back_to_the_samples_with_a_larger_error() -> None:
    points = survey(80)
    model = Geostatistical().fit(observe(points, features()), features())
    seen, hidden = features(), features(holes=True)
    one, two = (model.layer(f).read(GRID.whole) for f in (seen, hidden))
    hole = np.isnan(imagery(holes=True)[0])
    deep = np.zeros_like(hole)
    deep[72:83, 52:78] = True
    assert np.isfinite(two).all()
    assert (two[1][deep] > 1.2 * one[1][deep].min()).all()
    assert two[0][deep].std() < 0.6 * one[0][deep].std()
    np.testing.assert_allclose(two[0][:20, :60], one[0][:20, :60], atol=0.02)


def test_intervals_of_hidden_pixels_cover_the_truth() -> None:
    rng = np.random.default_rng(3)
    bands = imagery(5)
    truth = 1.0 * bands[0] + 0.6 * bands[1]
    known = LayerFeatures(ArrayLayer(GRID, ("a", "b", "c"), bands))
    points = survey(150)
    z = known.at(points)
    values = z[:, 0] + 0.6 * z[:, 1] + 0.1 * rng.normal(size=150)
    model = Geostatistical().fit(Observations(points, values), known)
    gone = LayerFeatures(ArrayLayer(GRID, ("a", "b", "c"), np.full_like(bands, np.nan)))
    estimate, error = model.layer(gone).read(GRID.whole)
    inside = np.abs(estimate - truth) < 1.645 * error
    assert 0.84 < inside.mean() < 0.97


def test_the_mean_of_the_linear_part_is_the_prediction_from_mean_features() -> None:
    points = survey(80)
    settings = GeostatisticalSettings(windows="survey", composite="none")
    model = Geostatistical(settings).fit(observe(points, features()), features())
    window = Window(31, 44, 15, 9)
    rows, cols = window.slices
    easting, northing = GRID.coordinates(window)
    centre = Points(np.array([[easting.mean(), northing.mean()]]))
    block = imagery()[:, rows, cols].reshape(3, -1).T
    slopes, standard = model.mixture_.slopes, model.standard_
    pixels = standard(block)[0] @ slopes
    mean = standard(block.mean(axis=0)[None])[0] @ slopes
    assert pixels.mean() == pytest.approx(mean[0], abs=1e-10)
    square = Points(centre.coordinates, 15 * 60.0 - 1)
    assert np.isfinite(model.predict(square, features()).mean).all()


def test_blocks_of_the_map_add_up_to_predictions_for_blocks() -> None:
    points = survey(80)
    settings = GeostatisticalSettings(windows="survey", composite="none", averaging="mode")
    model = Geostatistical(settings).fit(observe(points, features()), features())
    estimate = model.layer(features()).read(GRID.whole)[0]
    easting, northing = GRID.coordinates()
    row, col = 60, 80
    block = estimate[row - 4 : row + 5, col - 3 : col + 4].mean()
    wide = GRID.pixel_height * 9
    asked = Points(np.array([[easting[col], northing[row]]]), wide)
    at_block = features().at(asked)
    z = model.standard_(at_block)[0]
    found = model.mixture_.predict(asked.coordinates, z, wide)[0][0]
    assert found == pytest.approx(block, abs=0.05 * float(estimate.std()))


def test_true_slopes_lie_in_their_intervals_and_useless_bands_have_no_share() -> None:
    points = survey(250)
    settings = GeostatisticalSettings(windows="survey")
    model = Geostatistical(settings).fit(observe(points, features()), features())
    table = model.tables_["features"].set_index("feature")
    deviation = features().at(points).std(axis=0)
    for name, slope, scale in zip(("ndvi", "clay", "iron"), (0.5, 0.3, 0.0), deviation):
        assert table.lower90[name] - 0.03 < slope * scale < table.upper90[name] + 0.03
    assert abs(table.share["iron"]) < 0.03 < table.share["ndvi"]


def test_useless_imagery_leaves_kriging() -> None:
    points = survey(120)
    observed = observe(points, features(), (0.0, 0.0, 0.0))
    model = Geostatistical().fit(observed, features())
    weights = model.tables_["models"].set_index("model").weight
    assert weights["kriging"] > 0.5
    alone = Geostatistical().fit(observed, NoFeatures(GRID))
    targets = survey(200, seed=8)
    one, two = model.predict(targets, features()), alone.predict(targets, NoFeatures(GRID))
    assert np.sqrt(np.mean((one.mean - two.mean) ** 2)) < 0.25 * two.standard_error.mean()


def test_new_samples_lie_in_their_intervals() -> None:
    covered = []
    for seed in range(4):
        points, new = survey(130, seed=seed), survey(300, seed=50 + seed)
        model = Geostatistical().fit(observe(points, features()), features())
        found, truth = model.predict(new, features()), observe(new, features()).values
        covered.append(np.abs(found.mean - truth) < 1.645 * found.standard_error)
    assert 0.85 < np.mean(covered) < 0.95


def test_many_samples_go_by_nearest_neighbours() -> None:
    points, new = survey(900), survey(100, seed=7)
    observed = observe(points, features())
    exact = Geostatistical(GeostatisticalSettings(averaging="mode")).fit(observed, features())
    settings = GeostatisticalSettings(averaging="mode", exact_samples=500)
    local = Geostatistical(settings).fit(observed, features())
    assert isinstance(local.samples_, NearestSamples)
    one, two = exact.predict(new, features()), local.predict(new, features())
    assert np.corrcoef(one.mean, two.mean)[0, 1] > 0.999
    assert np.abs(one.standard_error / two.standard_error - 1).max() < 0.05
    mapped = thinned(local.layer(features()))
    brute = local.predict(everywhere(), features())
    assert np.sqrt(np.mean((mapped[0] - brute.mean) ** 2)) < 0.02 * mapped[0].std()
    assert np.abs(mapped[1] / brute.standard_error - 1).max() < 0.05


def test_part_of_the_conditionals_finds_nearly_the_hyperparameters_of_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    points, new = survey(900), survey(100, seed=7)
    observed = observe(points, features())
    settings = GeostatisticalSettings(averaging="mode", exact_samples=500)
    every = Geostatistical(settings).fit(observed, features())
    monkeypatch.setattr(averaging, "_MOST_TERMS", 450)
    part = Geostatistical(settings).fit(observed, features())
    assert part.samples_.count == 900
    one, two = every.predict(new, features()), part.predict(new, features())
    assert 0.999 < np.corrcoef(one.mean, two.mean)[0, 1] < 1.0 - 1e-12
    assert np.abs(one.standard_error / two.standard_error - 1).max() < 0.15


def test_elements_of_one_run_share_the_imagery() -> None:
    points, known = survey(60), features()
    first = Geostatistical().fit(observe(points, known), known).layer(known)
    second = Geostatistical().fit(observe(points, known, (0.0, 0.5, 0.5)), known).layer(known)
    joined = first.join([second])
    assert joined.bands[1:3] == ("1.standard_error", "2.estimate")
    np.testing.assert_array_equal(joined.read(GRID.whole)[2:], second.read(GRID.whole))


def test_composites_are_corrected_for_the_mean_of_logarithms() -> None:
    rng = np.random.default_rng(2)
    bands = imagery(3)
    logarithm = 0.8 * bands[0] + 0.3 * bands[1]
    known = LayerFeatures(ArrayLayer(GRID, ("a", "b", "c"), bands))
    points = survey(150, support_m=900.0)
    contents = LayerFeatures(ArrayLayer(GRID, ("c",), np.exp(logarithm)[None])).at(points)[:, 0]
    observed = Observations(points, np.log(contents) + 0.05 * rng.normal(size=150))
    corrected, plain = (
        Geostatistical(GeostatisticalSettings(composite=word)).fit(observed, known)
        for word in ("lognormal", "none")
    )
    one, two = (m.layer(known).read(GRID.whole)[0].mean() for m in (corrected, plain))
    assert two - logarithm.mean() > 0.15
    assert abs(one - logarithm.mean()) < 0.5 * (two - logarithm.mean())
    assert corrected.tables_["supports"]["shift"][0] == pytest.approx(one - two, abs=1e-4)
    new = survey(20, seed=6, support_m=900.0)
    same = corrected.predict(new, known).mean - plain.predict(new, known).mean
    np.testing.assert_allclose(same, 0.0, atol=1e-12)


def test_a_stated_variance_below_the_support_widens_points_only() -> None:
    points, known = survey(60, support_m=900.0), features()
    observed = observe(points, known)
    plain, told = (
        Geostatistical(GeostatisticalSettings(sub_support_variance=v)).fit(observed, known)
        for v in (0.0, 0.2)
    )
    spot, square = survey(5, seed=3), survey(5, seed=3, support_m=900.0)
    for asked, wider in ((spot, 0.2), (square, 0.0)):
        one, two = (m.predict(asked, known).standard_error for m in (plain, told))
        np.testing.assert_allclose(two**2 - one**2, wider, atol=1e-9)


def test_covariates_of_the_samples_serve_without_a_raster() -> None:
    points = survey(90)
    rng = np.random.default_rng(1)
    gamma = rng.normal(size=90)
    carrying = Points(points.coordinates, 0.0, {"k_gamma": gamma})
    known = ColumnFeatures(("k_gamma",), GRID)
    observed = Observations(carrying, gamma + 0.1 * rng.normal(size=90))
    model = Geostatistical().fit(observed, known)
    assert model.tables_["features"].per_unit[0] == pytest.approx(1.0, abs=0.1)
    assert np.corrcoef(model.predict(carrying, known).mean, gamma)[0, 1] > 0.98


def test_a_flat_band_and_a_shifted_scaled_band_change_nothing() -> None:
    points, known = survey(70), features()
    observed = observe(points, known)
    bands = imagery()
    other = np.concatenate([bands * 1000.0 - 40.0, np.full((1, *GRID.shape), 7.0)])
    turned = LayerFeatures(ArrayLayer(GRID, ("ndvi", "clay", "iron", "flat"), other))
    one, two = (
        Geostatistical().fit(observed, f).layer(f).read(GRID.whole) for f in (known, turned)
    )
    np.testing.assert_allclose(one, two, atol=2e-3)


def test_options_by_word_are_checked() -> None:
    assert isinstance(make_model("geostatistical"), Geostatistical)
    with pytest.raises(SettingsError, match="correlation"):
        options_of("geostatistical", {"correlation": "cubic"})
    with pytest.raises(FitError, match="windows_px"):
        settings = GeostatisticalSettings(windows_px=(1, 5))
        Geostatistical(settings).fit(observe(survey(40), features()), features())
    with pytest.raises(FitError, match="samples with a value"):
        Geostatistical().fit(observe(survey(5), features()), features())


@pytest.mark.parametrize("windows", ["nested", "likelihood", "survey"])
def test_every_way_to_choose_windows_finds_the_imagery(windows: str) -> None:
    points = survey(120)
    model = Geostatistical(GeostatisticalSettings(windows=windows)).fit(  # type: ignore[arg-type]
        observe(points, features()), features()
    )
    new = survey(200, seed=30)
    truth = observe(new, features()).values
    alone = Geostatistical().fit(observe(points, features()), NoFeatures(GRID))
    one = np.mean((model.predict(new, features()).mean - truth) ** 2)
    two = np.mean((alone.predict(new, NoFeatures(GRID)).mean - truth) ** 2)
    assert one < 0.7 * two


def test_curves_find_what_is_not_linear_and_shrink_to_nothing_where_all_is_linear() -> None:
    points, known = survey(220), features()
    rng = np.random.default_rng(4)
    z = known.at(points)
    curved = np.where(np.abs(z[:, 1]) > 1.0, 1.0, -0.5) + 0.3 * z[:, 0]
    observed = Observations(points, curved + 0.1 * rng.normal(size=220))
    settings = GeostatisticalSettings(nonlinear="curves", windows="survey")
    bent = Geostatistical(settings).fit(observed, known)
    weights = bent.tables_["models"].set_index("model").weight
    assert weights["imagery with curves"] > 0.9
    mapped, brute = thinned(bent.layer(known)), bent.predict(everywhere(), known)
    assert np.abs(mapped[0] - brute.mean).max() < 0.02 * mapped[0].std()
    assert np.abs(mapped[1] / brute.standard_error - 1).max() < 0.06
    straight = Geostatistical(settings).fit(observe(points, known), known)
    found = straight.tables_["hyperparameters"].set_index("name")["mean"]
    share = found["variance of features as curves"] / found["variance of features at the pixel"]
    assert share < 0.02
    weights = straight.tables_["models"].set_index("model").weight
    assert weights["imagery with curves"] < 0.6  # 0.32 by adaptive importance sampling


def test_pixels_with_some_gaps_are_mapped_as_points_with_gaps_are_predicted() -> None:
    points = survey(80)
    settings = GeostatisticalSettings(nonlinear="curves", windows_px=(4,))
    model = Geostatistical(settings).fit(observe(points, features()), features())
    holes = features(holes=True)
    mapped, brute = thinned(model.layer(holes)), model.predict(everywhere(), holes)
    assert np.isfinite(mapped).all()
    assert np.abs(mapped[0] - brute.mean).max() < 0.02 * mapped[0].std()
    assert np.abs(mapped[1] / brute.standard_error - 1).max() < 0.06


def test_imagery_that_is_empty_at_every_sample_leaves_kriging() -> None:
    empty = LayerFeatures(ArrayLayer(GRID, ("a", "b"), np.full((2, *GRID.shape), np.nan)))
    points = survey(40)
    model = Geostatistical().fit(observe(points, features()), empty)
    assert model.tables_["models"].model.tolist() == ["kriging"]
    mapped, brute = thinned(model.layer(empty)), model.predict(everywhere(), empty)
    assert np.abs(mapped[0] - brute.mean).max() < 0.01 * mapped[0].std()


def test_samples_at_one_place_and_few_samples_are_no_trouble() -> None:
    points = survey(30)
    twice = Points(np.concatenate([points.coordinates, points.coordinates[:6]]))
    for asked in (twice, survey(11)):
        model = Geostatistical().fit(observe(asked, features()), features())
        assert np.isfinite(model.layer(features()).read(GRID.whole)).all()


def test_maps_pickle() -> None:
    points = survey(50)
    layer = Geostatistical().fit(observe(points, features()), features()).layer(features())
    again = pickle.loads(pickle.dumps(layer))
    np.testing.assert_array_equal(again.read(GRID.whole), layer.read(GRID.whole))
