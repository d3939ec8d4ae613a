"""Pairs of samples that many neighbourhoods share are computed once, with the same result."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from gossan.geochem.covariance import vecchia
from gossan.geochem.covariance.model import Anisotropy, CovarianceModel, Structure
from gossan.geochem.covariance.supports import lag_rule
from gossan.geochem.covariance.vecchia import NearestSamples, SharedPairs

RNG = np.random.default_rng(8)
XY = RNG.uniform(0, 1, (300, 2)) * [9000, 4000]
COLUMNS = RNG.normal(size=(300, 4))
NOISE = RNG.uniform(0.1, 0.3, 300)
MODEL = CovarianceModel(0.0, (Structure("stable", 0.7, 1500.0, 1.2),), Anisotropy(70.0, 0.8))


def test_every_pair_is_numbered_once_and_its_covariance_is_that_of_the_samples() -> None:
    samples = NearestSamples.of(XY, 400.0, 12)
    index = np.column_stack([samples.neighbours, samples.terms])
    pairs, rule = SharedPairs.of(samples.coordinates, index), lag_rule(400.0, 400.0)
    value = pairs.covariances(MODEL.supported(rule))
    whole = MODEL.among(samples.coordinates, rule)
    for row, which in zip(index, pairs.which):
        own = row[row >= 0]
        one, two = np.triu_indices(len(own))
        expected = whole[own[one], own[two]]
        np.testing.assert_allclose(value[which[: len(one)]], expected, rtol=1e-10)
    told_apart = np.unique(np.column_stack([pairs.x, pairs.y]), axis=0)
    asked = sum(n * (n - 1) // 2 for n in (index >= 0).sum(axis=1))
    assert len(told_apart) == len(pairs.x) < asked / 2


@pytest.mark.parametrize("block", [1, 7, 100])
def test_sums_do_not_depend_on_which_terms_share_their_pairs(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    metric_slopes, noise_slopes = RNG.normal(size=(3, 3)) * 1e-7, np.ones((1, 300))
    asked = MODEL, NOISE, COLUMNS, metric_slopes, noise_slopes
    whole = NearestSamples.of(XY, 400.0, 12)
    expected, plain = whole.sums(*asked), whole.plain_sums(MODEL, NOISE, COLUMNS)
    monkeypatch.setattr(vecchia, "_BLOCK", block)
    parted = NearestSamples.of(XY, 400.0, 12)
    found = parted.sums(*asked)
    for name in ("gram", "logdet", "gram_slopes", "logdet_slopes"):
        one, two = (np.asarray(getattr(part, name)) for part in (found, expected))
        np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-12, err_msg=name)
    for one, two in zip(parted.plain_sums(MODEL, NOISE, COLUMNS), plain):
        np.testing.assert_allclose(one, two, rtol=1e-10)


def test_pairs_neither_travel_nor_stay_where_samples_are_very_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    samples = NearestSamples.of(XY, 400.0, 12)
    small = len(pickle.dumps(samples))
    expected = samples.plain_sums(MODEL, NOISE, COLUMNS)
    assert "_held" in vars(samples) and len(pickle.dumps(samples)) == small
    again = pickle.loads(pickle.dumps(samples)).plain_sums(MODEL, NOISE, COLUMNS)
    monkeypatch.setattr(vecchia, "_KEPT", 299)
    many = NearestSamples.of(XY, 400.0, 12)
    for found in (again, many.plain_sums(MODEL, NOISE, COLUMNS)):
        for one, two in zip(found, expected):
            np.testing.assert_array_equal(one, two)
    assert "_held" not in vars(many)
