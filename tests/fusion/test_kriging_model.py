"""The baseline is held against kriging done directly, and against a field that is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import truncnorm

from gossan.errors import FitError
from gossan.fusion.features.sources import LayerFeatures, NoFeatures
from gossan.fusion.kriging_model import KrigingModel, KrigingSettings
from gossan.fusion.lattice import lattice_over, lattice_step
from gossan.fusion.protocol import FusionModel, Observations, Points
from gossan.fusion.registry import make_model
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import ArrayLayer
from gossan.geochem.kriging.estimator import Kriging
from gossan.geochem.kriging.settings import KrigeSettings
from gossan.geochem.variogram.fitting import CovarianceModel, Structure

GRID = Grid.from_bounds(32638, (400_130.0, 2_700_070.0, 412_130.0, 2_706_070.0), (60.0, 40.0))
VARIOGRAM = CovarianceModel(0.02, (Structure("exponential", 1.0, 1500.0),))


def _observations(n: int = 120, seed: int = 3) -> Observations:
    rng = np.random.default_rng(seed)
    left, bottom, right, top = GRID.bounds
    xy = np.column_stack([rng.uniform(left, right, n), rng.uniform(bottom, top, n)])
    values = np.sin((xy[:, 0] - left) / 2000.0) + (xy[:, 1] - bottom) / 3000.0
    return Observations(Points(xy), values)


def test_it_serves_the_protocol() -> None:
    assert isinstance(KrigingModel(), FusionModel)


def test_points_agree_with_kriging_done_directly() -> None:
    observations = _observations()
    model = KrigingModel(variogram=VARIOGRAM).fit(observations, NoFeatures(GRID))
    targets = _observations(seed=9).points
    found = model.predict(targets, NoFeatures(GRID))
    kriging = Kriging(VARIOGRAM).fit(observations.points.coordinates, observations.values)
    estimate, variance = kriging.predict(targets.coordinates)
    np.testing.assert_allclose(found.mean, estimate, rtol=1e-12)
    np.testing.assert_allclose(found.standard_error, np.sqrt(variance), rtol=1e-12)


def test_the_map_agrees_with_the_points_at_pixel_centres() -> None:
    observations, features = _observations(), NoFeatures(GRID)
    model = KrigingModel(KrigingSettings(lattice_m=100.0), VARIOGRAM).fit(observations, features)
    layer = model.layer(features)
    assert layer.bands == ("estimate", "standard_error")
    whole = layer.read(GRID.whole)
    easting, northing = GRID.coordinates()
    rows, cols = np.array([0, 70, 149, 33]), np.array([0, 110, 199, 7])
    xy = np.column_stack([easting[cols], northing[rows]])
    found = model.predict(Points(xy), features)
    np.testing.assert_allclose(whole[0, rows, cols], found.mean, atol=0.02)
    np.testing.assert_allclose(whole[1, rows, cols], found.standard_error, atol=0.02)
    part = layer.read(Window(60, 90, 20, 50))
    np.testing.assert_allclose(part, whole[:, 60:80, 90:140], atol=1e-6)


def test_it_takes_every_key_of_the_section_of_kriging() -> None:
    outputs = {"also", "alternatives", "simulation"}
    assert set(KrigingSettings.model_fields) == set(KrigeSettings.model_fields) - outputs


def test_a_plane_is_kriged_exactly_with_a_linear_drift_but_not_without() -> None:
    points, far = _observations().points, Points(np.array([[430_000.0, 2_720_000.0]]))
    plane = Observations(points, points.coordinates @ [1e-4, -2e-4])
    given = {"nugget": 0.02, "structures": [{"kind": "spherical", "sill": 1, "range_m": 1500}]}
    for method, exact in (("universal", True), ("ordinary", False)):
        settings = KrigingSettings.model_validate({"method": method, "variogram": given})
        found = KrigingModel(settings).fit(plane, NoFeatures(GRID)).predict(far, NoFeatures(GRID))
        expected = (far.coordinates @ [1e-4, -2e-4])[0]
        assert bool(abs(found.mean[0] - expected) < 1e-6) is exact


def test_far_from_all_samples_simple_kriging_gives_the_known_mean() -> None:
    far = Points(np.array([[800_000.0, 2_900_000.0]]))
    settings = KrigingSettings(method="simple", mean={"Cu": 7.5}).for_element("Cu")
    model = KrigingModel(settings, VARIOGRAM).fit(_observations(), NoFeatures(GRID))
    assert model.predict(far, NoFeatures(GRID)).mean[0] == pytest.approx(7.5)


def test_a_map_of_blocks_is_smoother_but_a_held_out_sample_stays_a_point() -> None:
    features = NoFeatures(GRID)
    fits = [
        KrigingModel(KrigingSettings(block_m=block, lattice_m="pixels"), VARIOGRAM).fit(
            _observations(), features
        )
        for block in (None, 900.0)
    ]
    target = _observations(seed=9).points
    errors = [model.predict(target, features).standard_error for model in fits]
    np.testing.assert_array_equal(*errors)
    point, block = (model.layer(features).read(Window(0, 0, 20, 20))[1] for model in fits)
    assert np.median(block / point) < 0.9


def test_a_gradient_in_northing_comes_out_right_way_up_and_in_place() -> None:
    observations, features = _observations(), NoFeatures(GRID)
    values = observations.points.coordinates[:, 1] / 1000.0
    smooth = CovarianceModel(0.0, (Structure("gaussian", 1.0, 4000.0),))
    plane = Observations(observations.points, values)
    layer = KrigingModel(variogram=smooth).fit(plane, features).layer(features)
    _, northing = GRID.coordinates()
    error = layer.read(GRID.whole)[0, :, 100] - northing / 1000.0
    assert np.abs(error).max() < 0.02  # half a pixel would be 0.02


def test_the_lattice_covers_the_grid_with_room_for_the_kernel() -> None:
    lattice = lattice_over(GRID, 700.0)
    own, outer = GRID.bounds, lattice.bounds
    assert outer[0] <= own[0] - 1400 and outer[1] <= own[1] - 1400
    assert outer[2] >= own[2] + 1400 and outer[3] >= own[3] + 1400
    easting, northing = lattice.coordinates()
    nodes = lattice.centres().reshape(*lattice.shape, 2)
    assert nodes[2, 5].tolist() == [easting[5], northing[2]]


def test_the_lattice_resolves_range_and_spacing_but_not_less_than_a_pixel() -> None:
    xy = _observations(n=100).points.coordinates
    assert lattice_step(xy, 8000.0, GRID) < 1000.0
    assert lattice_step(xy, 1600.0, GRID) == 200.0
    assert lattice_step(xy, 80.0, GRID) == 40.0


@pytest.mark.parametrize(
    ("values", "words"), [(np.ones(30), "at least two sizes"), (np.arange(5.0), "at least 10")]
)
def test_what_cannot_be_kriged_is_refused_in_one_line(values: np.ndarray, words: str) -> None:
    points = _observations(len(values)).points
    with pytest.raises(FitError, match=words):
        KrigingModel().fit(Observations(points, values), NoFeatures(GRID))


def test_its_variogram_is_laid_out_as_a_table() -> None:
    model = KrigingModel(variogram=VARIOGRAM).fit(_observations(), NoFeatures(GRID))
    table = model.tables_["variograms"]
    assert table["sill"].sum() == pytest.approx(VARIOGRAM.sill)
    assert table["kind"].tolist() == ["nugget", "exponential"]


def _below(observations: Observations, share: float) -> Observations:
    """Make the lowest samples known only to lie below a limit; half of it stands in."""
    limit = np.quantile(observations.values, share)
    low = observations.values < limit
    values = np.where(low, limit - 0.7, observations.values)
    return replace(observations, values=values, limits=np.where(low, limit, np.nan))


def test_one_censored_sample_agrees_with_the_truncated_normal_law() -> None:
    rng = np.random.default_rng(5)
    xy = np.array(GRID.bounds[:2]) + rng.uniform(0, 4000, (12, 2))
    values, limits = rng.normal(size=12), np.full(12, np.nan)
    limits[4] = 0.3
    values[4] = 0.0
    model = KrigingModel(variogram=VARIOGRAM).fit(
        Observations(Points(xy), values, limits=limits), NoFeatures(GRID)
    )
    targets = xy[:6] + 200.0
    others = np.arange(12) != 4
    plain = Kriging(VARIOGRAM, neighbours=None).fit(xy[others], values[others])
    centre, spread = (part[0] for part in plain.predict(xy[4:5]))
    law = truncnorm(-np.inf, (0.3 - centre) / np.sqrt(spread), centre, np.sqrt(spread))
    # given the others, kriging is linear in the censored sample: mixed over its law
    weight = Kriging(VARIOGRAM, neighbours=None)
    ends = [weight.fit(xy, np.where(others, values, v)).predict(targets) for v in (0.0, 1.0)]
    gain = ends[1][0] - ends[0][0]
    found = model.predict(Points(targets), NoFeatures(GRID))
    np.testing.assert_allclose(found.mean, ends[0][0] + gain * law.mean(), atol=1e-4)
    np.testing.assert_allclose(found.standard_error**2, ends[0][1] + gain**2 * law.var(), rtol=1e-3)


@pytest.mark.parametrize("seed", [1, 2])
def test_half_of_the_samples_censored_are_better_as_limits_than_as_half_of_them(seed) -> None:
    rng = np.random.default_rng(seed)
    xy = np.array(GRID.bounds[:2]) + rng.uniform(0, 6000, (400, 2))
    spread = VARIOGRAM.between(xy, xy) + 0.02 * np.eye(400)
    values = np.linalg.cholesky(spread) @ rng.normal(size=400)
    sampled = Observations(Points(xy[:250]), values[:250])
    features, held_out = NoFeatures(GRID), Points(xy[250:])
    censored = _below(sampled, 0.5)
    off, covered = {}, {}
    for name, known in (("limits", censored), ("half", replace(censored, limits=None))):
        found = KrigingModel().fit(known, features).predict(held_out, features)
        off[name] = np.mean((found.mean - values[250:]) ** 2)
        inside = np.abs(found.mean - values[250:]) < 1.645 * found.standard_error
        covered[name] = inside.mean()
    assert off["limits"] < off["half"]
    assert covered["limits"] > 0.85


@pytest.mark.parametrize(
    "word", ["kriging", "regression_kriging", "forest", "boosting", "kriging_prior", "gwr", "atprk",
             "pyramid", "guarded_pyramid"],
)  # fmt: skip
def test_every_model_knows_limits_and_errors(word: str) -> None:
    rng = np.random.default_rng(7)
    image = rng.normal(size=(1, *GRID.shape)).astype(np.float32)
    features = LayerFeatures(ArrayLayer(GRID, ("index",), image))
    plain = _observations(120, 4)
    plain = replace(plain, values=plain.values + 0.5 * features.at(plain.points)[:, 0])
    equal = replace(plain, error_variance=np.zeros(120))
    targets = _observations(40, 8).points
    made = {}
    for name, observed in (
        ("plain", plain), ("equal", equal), ("limits", _below(plain, 0.3)),
        ("errors", replace(plain, error_variance=np.where(np.arange(120) % 2, 1.0, 0.0))),
    ):  # fmt: skip
        made[name] = make_model(word).fit(observed, features).predict(targets, features).mean
    np.testing.assert_allclose(made["equal"], made["plain"], rtol=1e-6, atol=1e-6)
    for name in ("limits", "errors"):
        assert np.isfinite(made[name]).all()
        assert np.abs(made[name] - made["plain"]).max() > 1e-3
