"""The area of applicability is held against brute force on a small oblong grid."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from pyproj import CRS
from scipy.spatial.distance import cdist, pdist

from gossan.arrays.folds import random_folds
from gossan.errors import FitError
from gossan.evaluate.applicability import ApplicabilityLayer, fit_applicability
from gossan.fusion.features.sources import LayerFeatures
from gossan.fusion.protocol import Observations, Points
from gossan.geo.grid import Grid, Window
from gossan.geo.grounds import Basins, Grounds
from gossan.geo.layer import ArrayLayer


def _case() -> tuple[Observations, LayerFeatures, np.ndarray]:
    rng = np.random.default_rng(4)
    grid = Grid(CRS.from_epsg(32638), Affine(30, 0, 4e5, 0, -20, 2.7e6), 25, 60)
    image = rng.normal(size=(3, 25, 60)) * np.array([1.0, 50.0, 0.01])[:, None, None]
    image[:, :, 50:] += np.array([8.0, 400.0, 0.08])[:, None, None]
    easting, northing = grid.coordinates()
    xy = np.column_stack([rng.choice(easting[:45], 80), rng.choice(northing, 80)])
    points = Points(xy)
    return (
        Observations(points, rng.normal(size=80)),
        LayerFeatures(ArrayLayer(grid, ("a", "b", "c"), image)),
        image,
    )


def test_the_index_agrees_with_brute_force() -> None:
    observations, features, image = _case()
    weights = np.array([2.0, 1.0, 0.5])
    found = fit_applicability(observations, features, random_folds(80, 5), weights)
    x = features.at(observations.points)
    z = (x - x.mean(0)) / x.std(0) * weights
    pixels = (image.reshape(3, -1).T - x.mean(0)) / x.std(0) * weights
    expected = cdist(pixels, z).min(axis=1) / pdist(z).mean()
    np.testing.assert_allclose(found.index(image.reshape(3, -1).T), expected, atol=2e-3)


def test_the_threshold_is_the_upper_whisker_of_other_folds() -> None:
    observations, features, _ = _case()
    folds = random_folds(80, 5)
    found = fit_applicability(observations, features, folds)
    x = features.at(observations.points)
    z = (x - x.mean(0)) / x.std(0)
    apart = cdist(z, z)
    apart[folds[:, None] == folds[None, :]] = np.inf
    held = apart.min(axis=1) / pdist(z).mean()
    low, high = np.quantile(held, [0.25, 0.75])
    assert found.threshold == pytest.approx(held[held <= high + 1.5 * (high - low)].max(), rel=1e-5)


def test_ground_unlike_every_sample_is_flagged_and_blocks_do_not_matter() -> None:
    observations, features, _ = _case()
    layer = ApplicabilityLayer(
        features.layer, fit_applicability(observations, features, random_folds(80, 5))
    )
    whole = layer.read(layer.grid.whole)
    assert whole[1, :, 50:].mean() < 0.05 and whole[1, :, :45].mean() > 0.75
    part = layer.read(Window(3, 40, 9, 15))
    np.testing.assert_allclose(part, whole[:, 3:12, 40:55], atol=1e-5)


def test_a_feature_of_weight_zero_has_no_effect_and_a_constant_one_does_no_harm() -> None:
    observations, features, image = _case()
    image[2] = 7.0
    constant = LayerFeatures(ArrayLayer(features.grid, ("a", "b", "c"), image))
    found = fit_applicability(observations, constant, random_folds(80, 5), np.array([1.0, 0, 1]))
    x = image.reshape(3, -1).T.copy()
    x[:, 1] += 1e6
    assert np.isfinite(found.index(x)).all() and np.median(found.index(x)) < 1


def test_a_class_that_no_sample_touches_is_unlike_all_of_them() -> None:
    observations, features, image = _case()
    places = observations.points.coordinates
    rows, columns = (np.floor(i + 0.5).astype(int) for i in features.grid.index_of(*places.T))
    new = np.ones(image.shape[1:], bool)
    new[rows, columns] = False
    new[:, : new.shape[1] // 2] = False
    image[2] = np.where(new, 1.0, 0.0)
    with_class = LayerFeatures(ArrayLayer(features.grid, ("a", "b", "rock"), image))
    folds = random_folds(80, 5)
    found = fit_applicability(observations, with_class, folds)
    inside = ApplicabilityLayer(with_class.layer, found).read(features.grid.whole)[1] == 1
    assert not inside[new].any()
    known = np.array([1.0, 1.0, 0.0])
    before = fit_applicability(observations, with_class, folds, known)
    same = ApplicabilityLayer(with_class.layer, before).read(features.grid.whole)[1] == 1
    np.testing.assert_array_equal(inside[~new], same[~new])
    assert same[new].any()


def test_empty_features_give_empty_answers_and_too_few_samples_are_refused() -> None:
    observations, features, image = _case()
    image[1, 0, 0] = np.nan
    layer = ApplicabilityLayer(
        features.layer, fit_applicability(observations, features, random_folds(80, 5))
    )
    assert np.isnan(layer.read(Window(0, 0, 1, 2))[:, 0, 0]).all()
    image[:] = np.nan
    empty = LayerFeatures(ArrayLayer(features.grid, ("a", "b", "c"), image))
    with pytest.raises(FitError, match="at least 3"):
        fit_applicability(observations, empty, random_folds(80, 5))


def test_very_many_samples_are_thinned_and_the_index_hardly_moves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    observations, features, image = _case()
    pixels = image.reshape(3, -1).T
    every = fit_applicability(observations, features, random_folds(80, 5))
    monkeypatch.setattr("gossan.evaluate.applicability.SAMPLES_LIMIT", 60)
    some = fit_applicability(observations, features, random_folds(80, 5))
    assert len(every.samples) == 80 and len(some.samples) == 60
    assert np.corrcoef(every.index(pixels), some.index(pixels))[0, 1] > 0.95


def test_pixels_of_sampled_catchments_look_like_sampled_ground() -> None:
    """Texture averages out in catchments, and a pixel is not told by means: like with like."""
    rng = np.random.default_rng(0)
    grid = Grid.from_bounds(32638, (0, 0, 8000, 4000), 50)
    owner = (np.arange(80)[:, None] // 10 * 8 + np.arange(160) // 10).astype(np.int32)
    owner[:, 80:] = -1  # the east drains past all samples
    image = rng.normal(size=(3, 80, 160))
    image[:, :, 120:] += 12.0  # and half of it is another rock
    layer = ArrayLayer(grid, ("a", "b", "c"), image.astype(np.float32))
    grounds = Grounds.of(Basins(grid, owner, 64), np.eye(64, dtype=int))
    places = np.column_stack([owner[:, 5::10][::10, :8].ravel() % 8, np.arange(64) // 8]) * 500.0
    points = Points(places + 250.0, 500.0, grounds=grounds)
    folds = np.arange(64) // 8 % 4
    seen = Observations(points, rng.normal(size=64))
    found = fit_applicability(seen, LayerFeatures(layer), folds)
    inside = ApplicabilityLayer(layer, found).read(grid.whole)[1]
    assert inside[:, :80].mean() > 0.9 and inside[:, 80:120].mean() > 0.9
    assert inside[:, 120:].mean() < 0.01
    half = Observations(points.subset(folds < 2), np.zeros(32))  # another element's samples
    places, sample = half.points.grounds.drawn(4)  # type: ignore[union-attr]
    assert len(places) == 4 * 32
    under = grounds.basins.under(places[:, 0], places[:, 1]).diagonal()
    np.testing.assert_array_equal(np.flatnonzero(folds < 2)[sample], under)
