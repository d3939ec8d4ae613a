"""Average the geostatistical model over hyperparameters, and over models by their evidence."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.arrays.array_type import Array
from gossan.fusion.geostatistical.hyperparameters import (
    Draws,
    Hyperparameters,
    Problem,
    average,
    find_mode,
)
from gossan.fusion.geostatistical.posterior import Mixture, make_member
from gossan.geochem.covariance.dense import ExactSamples
from gossan.geochem.covariance.ground_samples import GroundSamples
from gossan.geochem.covariance.mixed_supports import MixedSamples
from gossan.geochem.covariance.vecchia import NearestSamples

__all__ = ["Candidate", "Learnt", "draws_for", "learn"]

_FIRST_BY_NEIGHBOURS = 400
_FEWEST_DRAWS = 8
_MOST_DRAWS = 60
_MOST_KEPT, _FEWEST_KEPT = 10, 3
_WORK = 1.5e7
_ROUGH_NEIGHBOURS, _FINE_NEIGHBOURS, _POLISH = 12, 30, 6
_RULED_OUT, _HOPELESS = 12.0, 40.0
_MOST_TERMS = 10_000


@dataclass(frozen=True, eq=False)
class Candidate:
    """A model to be weighed: which of the groups of features it knows."""

    label: str
    groups: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Learnt:
    """The averaged posterior, and the table of the models that were weighed."""

    mixture: Mixture
    models: pd.DataFrame


def draws_for(samples: int) -> int:
    """Choose how many sets of hyperparameters to draw: fewer where samples are many.

    Many samples pin the hyperparameters down, and each draw costs n^3.

    >>> draws_for(150), draws_for(1000), draws_for(3000)
    (60, 15, 0)
    """
    count = int(min(_MOST_DRAWS, _WORK / samples**2))
    return count if count >= _FEWEST_DRAWS else 0


def learn(
    problem: Problem, candidates: list[Candidate], samples: ExactSamples | NearestSamples,
    averaged: bool = True,
) -> Learnt:  # fmt: skip
    """Fit each candidate, weigh them by their evidence, and condition on the samples.

    Each candidate has the same prior weight, so imagery that explains nothing leaves kriging.
    Where samples are many, nearest neighbours find the modes first, and only candidates that
    they do not rule out are fitted closely: by all samples where hyperparameters are averaged over,
    by more neighbours where the mode alone is taken. Above 10,000 samples the likelihood counts so
    many of the conditional densities, half of them of samples whose neighbours are far; slopes and
    spatial term are conditioned on all samples.
    """
    draws = draws_for(len(problem.columns)) if averaged else 0
    found = _explore(problem, candidates, samples, draws)
    evidence = np.array([d.log_evidence for d in found])
    share = np.exp(evidence - evidence.max())
    share /= share.sum()
    sets: list[Hyperparameters] = []
    weights: list[float] = []
    for part, own, candidate in zip(share, found, candidates):
        of_candidate = _only(problem, candidate.groups)
        for theta, weight in zip(own.theta, own.weights):
            sets.append(_whole(of_candidate.read(theta), candidate, problem.groups))
            weights.append(float(part * weight))
    chosen, kept = _thin(np.array(weights), max(_FEWEST_KEPT, draws * _MOST_KEPT // _MOST_DRAWS))
    members = [make_member(problem, samples, sets[k]) for k in chosen]
    return Learnt(Mixture(members, kept), _models(candidates, evidence, share))


def _thin(weights: Array, keep: int) -> tuple[NDArray[np.int_], Array]:
    """Resample systematically to at most ``keep`` distinct members: which, and their weights."""
    ticks = (np.arange(keep) + 0.5) / keep
    total = np.cumsum(weights)
    chosen = np.minimum(np.searchsorted(total / total[-1], ticks), len(weights) - 1)
    index, count = np.unique(chosen, return_counts=True)
    return index, count / keep


def _models(candidates: list[Candidate], evidence: Array, share: Array) -> pd.DataFrame:
    """Say the models that were weighed: ln evidence and posterior weight."""
    labels = [c.label for c in candidates]
    return pd.DataFrame({"model": labels, "log_evidence": evidence, "weight": share})


def _explore(
    problem: Problem, candidates: list[Candidate], samples: ExactSamples | NearestSamples,
    draws: int,
) -> list[Draws]:  # fmt: skip
    """Find the draws of each candidate; those that are ruled out early keep their rough ones."""
    problems = [_only(problem, c.groups) for c in candidates]
    alone = len(problems) == 1 and not draws
    if isinstance(samples, NearestSamples) and samples.count > _MOST_TERMS:
        places, near = samples.places, samples.neighbours.shape[1]
        samples = NearestSamples.of(places, samples.support_m, near, _MOST_TERMS)
    if len(problem.columns) <= _FIRST_BY_NEIGHBOURS or isinstance(samples, NearestSamples):
        modes = [find_mode(p, samples) for p in problems]
        if alone:
            return [_point(*modes[0])]
        return [average(p, samples, m, draws) for p, (m, _) in zip(problems, modes)]
    rough = NearestSamples.of(samples.coordinates, samples.support_m, _ROUGH_NEIGHBOURS)
    modes = [find_mode(p, rough, p.starts()[:1]) for p in problems]
    least = min(value for _, value in modes)
    found = [
        _point(mode, value) if value > least + _HOPELESS or alone else average(p, rough, mode, 0)
        for p, (mode, value) in zip(problems, modes)
    ]
    best = max(d.log_evidence for d in found)
    likely = [k for k, d in enumerate(found) if d.log_evidence > best - _RULED_OUT]
    fine = (
        samples
        if draws or isinstance(samples, (MixedSamples, GroundSamples))
        else NearestSamples.of(samples.coordinates, samples.support_m, _FINE_NEIGHBOURS)
    )
    for k in likely:
        mode, _ = find_mode(problems[k], fine, [found[k].theta[0]], _POLISH)
        if draws or len(likely) > 1:
            found[k] = average(problems[k], fine, mode, draws)
        else:
            found[k] = replace(found[k], theta=mode[None])
    return found


def _point(mode: Array, value: float) -> Draws:
    """Take the mode alone; its evidence is only good for ruling it out."""
    return Draws(mode[None], np.ones(1), -value)


def _only(problem: Problem, groups: tuple[int, ...]) -> Problem:
    """Leave the features of the other groups out."""
    if len(groups) == problem.groups:
        return problem
    kept = np.flatnonzero(np.isin(problem.group, groups))
    renumber = np.full(problem.groups, -1)
    renumber[list(groups)] = np.arange(len(groups))
    columns = problem.columns[:, [*kept, -2, -1]]
    missing = problem.missing[:, list(groups)]
    return replace(problem, columns=columns, group=renumber[problem.group[kept]], missing=missing)


def _whole(h: Hyperparameters, candidate: Candidate, groups: int) -> Hyperparameters:
    """Return the groups that a candidate does not know the variance 0."""
    variances = np.zeros(groups)
    variances[list(candidate.groups)] = h.group_variances
    return replace(h, group_variances=variances)
