"""Covariances between grounds of any shape against means over points, squares and each other."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from gossan.geo.grid import Grid
from gossan.geo.grounds import Basins, Grounds, Mixing, Transport
from gossan.geochem.covariance.dense import ExactSamples
from gossan.geochem.covariance.ground_samples import GroundSamples, covariances_of_basins
from gossan.geochem.covariance.model import Anisotropy, CovarianceModel, Structure

GRID = Grid.from_bounds(32638, (0, 0, 3000, 2000), 100)
COVARIANCE = CovarianceModel(0.1, (Structure("stable", 0.8, 700.0, 1.2),), Anisotropy(30.0, 0.6))


def blotches(seed: int = 0, count: int = 6) -> np.ndarray:
    """Sub-basins of the nearest of some places; some ground belongs to none."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, 1, (count + 2, 2)) * [3000, 2000]
    nearest = np.hypot(*(GRID.centres()[:, None] - places).transpose(2, 0, 1)).argmin(axis=1)
    return np.where(nearest < count, nearest, -1).reshape(GRID.shape).astype(np.int32)


def test_covariances_are_the_means_over_all_pairs_of_points() -> None:
    """Brute force: 16 points a cell, every pair."""
    owner = blotches()
    found = covariances_of_basins(Basins(GRID, owner, 6, step=1), COVARIANCE)[0]
    off = (np.arange(4) + 0.5) / 4 * 100 - 50
    fine = np.stack(np.meshgrid(off, off), -1).reshape(-1, 2)
    points = [(GRID.centres()[owner.ravel() == k][:, None] + fine).reshape(-1, 2) for k in range(6)]
    for one, two in [(0, 0), (0, 1), (2, 5), (4, 3)]:
        mean = COVARIANCE.between(points[one], points[two]).mean()
        assert found[one, two] == pytest.approx(mean, rel=2e-3)


def test_weighted_ground_has_the_weighted_covariances_of_its_cells() -> None:
    """Nested samples by slope and distance: every pair of cells, by brute force."""
    owner, rng = blotches(3, 2), np.random.default_rng(0)
    distance = rng.uniform(500, 4000, owner.shape).astype(np.float32)
    slope = rng.uniform(0.01, 1.0, owner.shape).astype(np.float32)
    transport = Transport(slope, distance, np.array([500.0, 200.0]), (900.0,))
    basins = Basins(GRID, owner, 2, step=1, transport=transport)
    plain = Grounds.of(basins, np.array([[1, 0], [1, 1]]), None, np.array([500.0, 200.0]))
    grounds = plain.mixed(Mixing(True, 900.0))
    found = GroundSamples(np.zeros((2, 2)), 500.0, grounds).covariances(COVARIANCE)
    weights = []
    for outlet, members in ((500.0, (0,)), (200.0, (0, 1))):
        away = np.exp(-(distance - outlet) / 900.0)
        one = np.where(np.isin(owner, members), slope * away, 0.0).ravel()
        weights.append(one / one.sum())
    square = ExactSamples(GRID.centres(), 100.0).covariances(COVARIANCE)
    np.testing.assert_allclose(found, np.array(weights) @ square @ np.transpose(weights), rtol=1e-4)


def test_coarser_blocks_change_little() -> None:
    owner = blotches()
    fine, coarse = (
        covariances_of_basins(Basins(GRID, owner, 6, step=side), COVARIANCE)[0] for side in (1, 2)
    )
    np.testing.assert_allclose(coarse, fine, rtol=0.15)


def test_a_catchment_that_is_one_square_is_a_square() -> None:
    """Identity: blocks that are whole catchments give the covariances of squares of that side."""
    owner = (np.arange(20)[:, None] // 5 * 6 + np.arange(30) // 5).astype(np.int32)
    basins = Basins(GRID, owner, 24, step=5)
    grounds = Grounds.of(basins, np.eye(24, dtype=int))
    columns, rows = np.meshgrid(np.arange(6), np.arange(4))
    centres = np.column_stack([columns.ravel() * 500 + 250, 2000 - rows.ravel() * 500 - 250.0])
    squares = ExactSamples(centres, 500.0)
    samples = GroundSamples(centres, 500.0, grounds)
    np.testing.assert_allclose(samples.covariances(COVARIANCE), squares.covariances(COVARIANCE))
    targets = np.random.default_rng(1).uniform(0, 2000, (40, 2))
    for support in (0.0, 300.0):
        np.testing.assert_allclose(
            samples.across(COVARIANCE, targets, support),
            squares.across(COVARIANCE, targets, support),
        )
    own = samples.within(COVARIANCE, grounds)
    np.testing.assert_allclose(own, squares.within(COVARIANCE, 500.0))


def test_nested_samples_share_what_they_share() -> None:
    """The lower sample is the area-weighted sum of both sub-basins: K = A S A'."""
    basins = Basins(GRID, blotches(3, 2), 2, step=1)
    grounds = Grounds.of(basins, np.array([[1, 0], [1, 1]]))
    samples = GroundSamples(np.zeros((2, 2)), 500.0, grounds)
    whole = covariances_of_basins(basins, COVARIANCE)[0]
    share = basins.cells / basins.cells.sum()
    found = samples.covariances(COVARIANCE)
    assert found[1, 1] == pytest.approx(share @ whole @ share)
    assert found[0, 1] == pytest.approx(share @ whole[:, 0])
    point = np.array([[1500.0, 1000.0]])
    parts = samples.across(COVARIANCE, point, 0.0)[0]
    alone = GroundSamples(np.zeros((2, 2)), 500.0, Grounds.of(basins, np.eye(2, dtype=int))).across(
        COVARIANCE, point, 0.0
    )[0]
    assert parts[1] == pytest.approx(share @ alone)


def test_derivatives_are_differences() -> None:
    basins = Basins(GRID, blotches(5), 6, step=2)
    metric = np.array([[-2.0, 0.0, -2.0]])

    def model(log_range: float, smoothness: float) -> CovarianceModel:
        return CovarianceModel(0.0, (Structure("stable", 1.0, np.exp(log_range), smoothness),))

    found = covariances_of_basins(basins, model(6.5, 1.2), metric)
    step = 1e-4
    up, down = (covariances_of_basins(basins, model(6.5 + s, 1.2))[0] for s in (step, -step))
    np.testing.assert_allclose(found[1], (up - down) / (2 * step), rtol=1e-4, atol=1e-7)
    up, down = (
        covariances_of_basins(basins, model(6.5, 1.2 * np.exp(s)))[0] for s in (step, -step)
    )
    np.testing.assert_allclose(found[2], (up - down) / (2 * step), rtol=1e-4, atol=1e-7)


def test_blocks_are_as_many_as_asked_for_and_add_up() -> None:
    basins = Basins(GRID, blotches(), 6)
    assert basins.side == 1
    shares = basins.shares
    assert isinstance(shares, sparse.csr_matrix)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    places, numbers = basins.drawn(4)
    row, column = (np.floor(i + 0.5).astype(int) for i in GRID.index_of(*places.T))
    assert (basins.owner[row, column] == numbers).all() and len(places) == 24
