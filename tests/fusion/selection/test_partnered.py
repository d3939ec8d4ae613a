"""An element with few samples and its partner: R gstat cokriging, direct algebra, simulations."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gossan.errors import FitError
from gossan.fusion.features.sources import LayerFeatures, NoFeatures
from gossan.fusion.kriging_model import KrigingModel, KrigingSettings
from gossan.fusion.protocol import Observations, Points
from gossan.fusion.selection.partnered import (
    Link,
    Linked,
    Partnered,
    PartneredSettings,
    find_link,
)
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import ArrayLayer
from gossan.geochem.covariance.model import CovarianceModel, Structure
from gossan.testing import check_layer

GRID = Grid.from_bounds(32638, (0, 0, 10_000, 10_000), 200)
NONE = NoFeatures(GRID)
COMMON = CovarianceModel(0.2, (Structure("exponential", 0.9, 400.0),))
OWN = CovarianceModel(0.04, (Structure("spherical", 0.15, 700.0),))


def kriging(variogram: CovarianceModel) -> KrigingModel:
    return KrigingModel(KrigingSettings(neighbours="all"), variogram)


def linked(rho: float, partner: Observations, own: Observations) -> Linked:
    """The link with everything given: its slope is sure."""
    fitted = kriging(COMMON).fit(partner, NONE)
    return Linked(Link(rho, 0.0, 0.0, 1), fitted, kriging(OWN), partner).fit(own, NONE)


def test_estimates_and_variances_equal_gstats_cokriging(test_data: Path, reference: Path) -> None:
    gstat = json.loads((reference / "cokriging_gstat.json").read_text())
    table = pd.read_csv(test_data / "meuse" / "meuse_points.csv")
    xy, few = table[["x", "y"]].to_numpy(float), np.array(gstat["few"])
    partner = Observations(Points(xy), np.log(table.cadmium.to_numpy(float)))
    own = Observations(Points(xy[few]), np.log(table.zinc.to_numpy(float)[few]))
    found = linked(gstat["rho"], partner, own).predict(Points(np.array(gstat["targets"])), NONE)
    np.testing.assert_allclose(found.mean, gstat["estimate"], atol=1e-6)
    np.testing.assert_allclose(found.standard_error**2, gstat["variance"], atol=1e-6)


def test_nested_samples_are_cokriged_as_one_system_would(rho: float = -0.7) -> None:
    rng = np.random.default_rng(2)
    xy, few = rng.uniform(0, 3000, (30, 2)), np.arange(12)
    p, y = rng.normal(size=30), rng.normal(size=12)
    places = np.vstack([xy, xy[few]])
    same = (places[:, None] == places[None]).all(axis=2)
    factor = np.where(np.arange(42) < 30, 1.0, rho)
    of_own = np.arange(42) >= 30
    inner = factor[:, None] * factor * (COMMON.between(places, places) + 0.2 * same)
    inner += np.outer(of_own, of_own) * (OWN.between(places, places) + 0.04 * same)
    targets = rng.uniform(0, 3000, (7, 2))
    across = rho * factor * COMMON.between(targets, places) + of_own * OWN.between(targets, places)
    drift = np.column_stack([~of_own, of_own]).astype(float)  # a mean of each
    inverse, z = np.linalg.inv(inner), np.concatenate([p, y])
    gram = np.linalg.inv(drift.T @ inverse @ drift)
    beta = gram @ drift.T @ inverse @ z
    off = np.array([0.0, 1.0]) - across @ inverse @ drift
    expected = beta[1] + across @ inverse @ (z - drift @ beta)
    spread = rho**2 * COMMON.sill + OWN.sill - np.einsum("ti,ij,tj->t", across, inverse, across)
    spread += np.einsum("ti,ij,tj->t", off, gram, off)
    model = linked(rho, Observations(Points(xy), p), Observations(Points(xy[few]), y))
    found = model.predict(Points(targets), NONE)
    np.testing.assert_allclose(found.mean, expected, rtol=1e-8)
    np.testing.assert_allclose(found.standard_error**2, spread, rtol=1e-8)


def test_the_slope_is_that_of_generalised_least_squares() -> None:
    rng = np.random.default_rng(4)
    slopes, errors = [], []
    model = CovarianceModel(0.1, (Structure("exponential", 0.5, 2000.0),))
    for _ in range(40):
        xy = rng.uniform(0, 10_000, (80, 2))
        spread = np.linalg.cholesky(model.between(xy, xy) + 0.1 * np.eye(80))
        partner = spread @ rng.normal(size=80)
        own = Observations(Points(xy), 1.0 + 0.8 * partner + spread @ rng.normal(size=80))
        found = find_link(own, partner)
        slopes.append(found.slope)
        errors.append(found.error)
    assert np.mean(slopes) == pytest.approx(0.8, abs=3 * np.std(slopes) / 40**0.5)
    assert np.mean(errors) == pytest.approx(np.std(slopes), rel=0.3)


def district(rho: float, seed: int) -> tuple[Observations, Points, np.ndarray]:
    """An element at 60 places, its partner at 400, the element's truth at 300 new ones."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, 10_000, (700, 2))
    model = CovarianceModel(0.05, (Structure("exponential", 1.0, 2500.0),))
    root = np.linalg.cholesky(model.between(xy, xy) + 0.05 * np.eye(700))
    partner, rest = root @ rng.normal(size=700), 0.5 * root @ rng.normal(size=700)
    element = rho * partner + rest
    other = Observations(Points(xy[:400]), partner[:400])
    own = Observations(Points(xy[:60]), element[:60], partners={"As": other})
    return own, Points(xy[400:]), element[400:]


def test_a_partner_with_many_samples_makes_a_better_map_and_true_intervals() -> None:
    gains, covered = [], []
    for seed in range(4):
        own, targets, truth = district(0.9, seed)
        settings = PartneredSettings(base="kriging")
        both = Partnered(settings).fit(own, NONE)
        assert both.tables_["partners"].chosen.tolist() == [True]
        found = both.predict(targets, NONE)
        alone = KrigingModel().fit(own, NONE).predict(targets, NONE)
        gains.append(1 - np.mean((found.mean - truth) ** 2) / np.mean((alone.mean - truth) ** 2))
        covered.append(np.mean(np.abs(found.mean - truth) < 1.645 * found.standard_error))
    assert min(gains) > 0.15
    assert 0.84 < np.mean(covered) < 0.95


def test_a_partner_that_tells_nothing_is_not_taken() -> None:
    taken = []
    for seed in range(6):
        own, targets, _ = district(0.0, seed)
        model = Partnered(PartneredSettings(base="kriging")).fit(own, NONE)
        taken.append(bool(model.tables_["partners"].chosen.any()))
        if not taken[-1]:
            alone = KrigingModel().fit(own, NONE).predict(targets, NONE)
            np.testing.assert_array_equal(model.predict(targets, NONE).mean, alone.mean)
    assert sum(taken) <= 1


def test_partners_without_enough_samples_are_left_and_unknown_ones_refused() -> None:
    own, _, _ = district(0.9, 1)
    few = {"As": own.partners["As"].subset(np.arange(70))}
    model = Partnered(PartneredSettings(base="kriging")).fit(replace(own, partners=few), NONE)
    assert model.tables_["partners"].empty
    with pytest.raises(FitError, match=r"partners must be among As; got Sb\."):
        Partnered(PartneredSettings(base="kriging", partners=("Sb",))).fit(own, NONE)


def test_held_out_places_are_held_out_of_the_partner_too() -> None:
    own, _, _ = district(0.9, 2)
    part = own.subset(np.arange(45))
    left = part.partners["As"].points.coordinates
    assert len(left) == 385
    assert not (left[:, None] == own.points.coordinates[None, 45:]).all(axis=2).any()


def test_the_map_joins_both_maps_and_is_a_sound_layer() -> None:
    own, _, _ = district(0.9, 3)
    image = np.random.default_rng(1).normal(size=(1, *GRID.shape)).astype(np.float32)
    features = LayerFeatures(ArrayLayer(GRID, ("index",), image))
    model = Partnered(PartneredSettings(base="geostatistical")).fit(own, features)
    layer = model.layer(features)
    check_layer(lambda: layer)
    rows, cols = np.array([3, 20, 44]), np.array([7, 31, 12])
    easting, northing = GRID.coordinates()
    places = Points(np.column_stack([easting[cols], northing[rows]]))
    found, whole = model.predict(places, features), layer.read(Window(0, 0, *GRID.shape))
    np.testing.assert_allclose(whole[0, rows, cols], found.mean, atol=0.05)
    np.testing.assert_allclose(whole[1, rows, cols], found.standard_error, rtol=0.1)
