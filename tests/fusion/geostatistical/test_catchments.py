"""The geostatistical model at catchment support: which support wins, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Literal, cast

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from gossan.errors import FitError
from gossan.fusion.features.sources import LayerFeatures
from gossan.fusion.geostatistical.ground_composite import GroundComposite
from gossan.fusion.geostatistical.model import Geostatistical, GeostatisticalSettings
from gossan.fusion.geostatistical.posterior import Mixture
from gossan.fusion.protocol import Observations, Points
from gossan.fusion.selection.recipe import Recipe
from gossan.geo.grid import Grid
from gossan.geo.grounds import Basins, Grounds, Mixing, Transport
from gossan.geo.layer import ArrayLayer


@dataclass(frozen=True, eq=False)
class Valleys:
    """Twelve parallel valleys, samples down each of them, and the truth of the ground."""

    grid: Grid
    points: Points
    features: LayerFeatures
    truth: np.ndarray

    def mixed(self) -> np.ndarray:
        """Logarithm of the mean content of each catchment."""
        grounds = self.points.grounds
        assert grounds is not None
        content = np.exp(self.truth).ravel()
        owner = grounds.basins.owner.ravel()
        sums = np.bincount(owner, content, grounds.basins.count)
        return np.log(grounds.members @ sums / (grounds.members @ grounds.basins.cells))

    def squares(self) -> np.ndarray:
        """Logarithm of the mean content of 900 m about each sample."""
        at = np.floor(np.column_stack(self.grid.index_of(*self.points.coordinates.T)) + 0.5)
        around = [
            self.truth[max(r - 4, 0) : r + 5, max(c - 4, 0) : c + 5] for r, c in at.astype(int)
        ]
        return np.log([np.exp(one).mean() for one in around])


@pytest.fixture(scope="module")
def valleys() -> Valleys:
    rng = np.random.default_rng(0)
    grid = Grid.from_bounds(32638, (0, 0, 7200, 7200), 100)
    down, across = np.arange(72)[:, None] // 9, np.arange(72)[None] // 6
    owner = (across * 8 + down).astype(np.int32)
    members = np.kron(np.eye(12, dtype=int), np.tril(np.ones((8, 8), int)))
    grounds = Grounds.of(Basins(grid, owner, 96), members, np.repeat(np.arange(12), 8))
    places = [(v * 600 + 300, 7200 - (s + 1) * 900 + 50) for v in range(12) for s in range(8)]
    image, field = (gaussian_filter(rng.normal(size=grid.shape), s) for s in (1.5, 8.0))
    truth = 0.5 * image / image.std() + 0.3 * field / field.std()
    points = Points(np.array(places, float), grounds.side_m, grounds=grounds)
    layer = ArrayLayer(grid, ("a",), (image / image.std())[None].astype(np.float32))
    return Valleys(grid, points, LayerFeatures(layer), truth)


def test_sediment_of_catchments_shows_the_ground_that_squares_blur(valleys: Valleys) -> None:
    values = valleys.mixed() + 0.03 * np.random.default_rng(1).normal(size=96)
    model = Geostatistical().fit(Observations(valleys.points, values), valleys.features)
    assert model.verdict_ is not None and model.verdict_.startswith("Catchments explain")
    weights = model.tables_["models"].set_index("model")["weight"]
    assert weights.filter(like="catchments").sum() > 0.99
    squares = Geostatistical(GeostatisticalSettings(support="square")).fit(
        Observations(valleys.points, values), valleys.features
    )
    maps = [one.layer(valleys.features).read(valleys.grid.whole) for one in (model, squares)]
    skill = [np.corrcoef(one[0].ravel(), valleys.truth.ravel())[0, 1] ** 2 for one in maps]
    assert skill[0] > 0.6 > 0.4 > skill[1]
    assert abs((maps[0][0] - valleys.truth).mean()) < 0.1
    inside = np.abs(maps[0][0] - valleys.truth) < 1.645 * maps[0][1]
    assert inside.mean() > 0.85


@pytest.mark.parametrize("kind", ["catchment", "square"])
def test_features_that_average_out_within_the_samples_do_no_harm_at_pixels(
    valleys: Valleys, kind: Literal["catchment", "square"]
) -> None:
    """Bands of fine noise hardly differ between catchments, and differ much between pixels."""
    exact = valleys.mixed() if kind == "catchment" else valleys.squares()
    values = exact + 0.03 * np.random.default_rng(1).normal(size=96)
    points = valleys.points if kind == "catchment" else replace(valleys.points, support_m=900.0)
    image = valleys.features.layer.read(valleys.grid.whole)
    noise = np.random.default_rng(2).normal(size=(12, *valleys.grid.shape))
    noise -= gaussian_filter(noise, (0, 2, 2))
    names = ("a", *(f"n{k}" for k in range(12)))
    layer = ArrayLayer(valleys.grid, names, np.concatenate([image, noise]).astype(np.float32))
    model = Geostatistical(GeostatisticalSettings(support=kind, averaging="mode"))
    features = LayerFeatures(layer)
    model.fit(Observations(points, values), features)
    estimate, error = model.layer(features).read(valleys.grid.whole)
    off = estimate - valleys.truth
    assert (off**2).mean() < valleys.truth.var()  # no worse than a map of one colour
    assert abs(off.mean()) < 0.3
    assert (np.abs(off) < 1.645 * error).mean() > 0.85


@pytest.mark.parametrize(
    "mixing", [Mixing(), Mixing(True), Mixing(False, 900.0), Mixing(True, 900.0)], ids=str
)
def test_the_evidence_finds_what_ground_counts(valleys: Valleys, mixing: Mixing) -> None:
    """Sediment that slope and distance mix, by cells and not by what the model sums."""
    grounds, shape = valleys.points.grounds, valleys.grid.shape
    assert grounds is not None
    slope = np.exp(gaussian_filter(np.random.default_rng(3).normal(size=shape), 1.5) * 6.0)
    distance = np.repeat((71.0 - np.arange(72.0))[:, None] * 100.0, 72, axis=1)
    outlet = distance[np.tile(np.arange(8) * 9 + 8, 12), 0]
    transport = Transport(slope.astype(np.float32), distance.astype(np.float32), outlet, (900.0,))
    basins = replace(grounds.basins, transport=transport)
    grounds = replace(grounds, basins=basins, outlet_m=outlet)
    content, mixed = np.exp(valleys.truth), []
    for members, own in zip(grounds.members.toarray() > 0, outlet):
        weight = np.exp(-(distance - own) / mixing.decay_m) * (slope if mixing.by_slope else 1.0)
        weight = np.where(members[basins.owner], weight, 0.0)
        mixed.append((content * weight).sum() / weight.sum())
    values = np.log(mixed) + 0.03 * np.random.default_rng(1).normal(size=96)
    points = replace(valleys.points, grounds=grounds)
    model = Geostatistical(GeostatisticalSettings(support="catchment", averaging="mode"))
    model.fit(Observations(points, values), valleys.features)
    table = model.tables_["mixings"]
    best = table.loc[table["weight"].idxmax()]
    assert (best["ground"], best["decay_m"]) == (
        "slope" if mixing.by_slope else "area",
        mixing.decay_m,
    )
    seen = model.seen(points).grounds
    assert seen is not None and seen.basins.mixing == mixing
    assert model.verdict_ is not None and model.verdict_.startswith("Ground counts by its")


def test_features_that_no_member_uses_do_not_vary_within_the_ground(valleys: Valleys) -> None:
    grounds = valleys.points.grounds
    assert grounds is not None
    drawn = np.random.default_rng(3).normal(size=(960, 2))
    composite = GroundComposite(grounds, True, drawn, np.repeat(np.arange(96), 10))
    for moment, varied in ((np.zeros((2, 2)), False), (np.diag([0.0, 1.0]), True)):
        mixture = SimpleNamespace(members=(), weights=(), second_moment=moment)
        found = composite.parts(cast(Mixture, mixture), grounds)["features"]
        assert (found > 0).all() == varied and np.isfinite(found).all()


def test_where_drainage_means_nothing_squares_win(valleys: Valleys) -> None:
    """Samples of the ground at their place, such as soil, with catchments given all the same."""
    points = replace(valleys.points, support_m=900.0)
    values = valleys.squares() + 0.03 * np.random.default_rng(1).normal(size=96)
    model = Geostatistical().fit(Observations(points, values), valleys.features)
    assert model.verdict_ == (
        "Squares of 900 m explain the samples better than catchments (weight 1.00)."
    )
    assert model.tables_["models"].set_index("model").loc["imagery, squares", "weight"] > 0.99


def test_held_out_networks_are_predicted_at_their_catchments(valleys: Valleys) -> None:
    values = valleys.mixed() + 0.03 * np.random.default_rng(1).normal(size=96)
    assert valleys.points.grounds is not None
    out = valleys.points.grounds.network % 4 == 0
    seen = Observations(valleys.points.subset(~out), values[~out])
    for model in (Geostatistical(), Recipe()):
        found = model.fit(seen, valleys.features).predict(
            valleys.points.subset(out), valleys.features
        )
        assert found.standard_error is not None
        error = found.mean - values[out]
        assert 1 - (error**2).mean() / values[out].var() > 0.5
        assert abs(error.mean()) < 0.1
        assert (np.abs(error) < 1.645 * found.standard_error).mean() > 0.75


def test_too_many_samples_for_exact_covariances_are_refused(valleys: Valleys) -> None:
    model = Geostatistical(GeostatisticalSettings(exact_samples=100, support="catchment"))
    model.settings = model.settings.model_copy(update={"exact_samples": 50})
    with pytest.raises(FitError, match="stand for catchments must be at most 50; got 96"):
        model.fit(Observations(valleys.points, valleys.mixed()), valleys.features)


def test_a_model_that_is_fitted_again_forgets_what_it_found(valleys: Valleys) -> None:
    seen = Observations(valleys.points, valleys.mixed())
    model = Geostatistical(GeostatisticalSettings(support="square")).fit(seen, valleys.features)
    assert model.seen(valleys.points).grounds is None
    model.fit(replace(seen, points=replace(valleys.points, grounds=None)), valleys.features)
    assert model.seen(valleys.points).grounds is valleys.points.grounds
