"""Average the geostatistical model over hyperparameters, and over models by their evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.arrays.array_type import Array
from gossan.fusion.geostatistical.hyperparameters import (
    Curvature,
    Draws,
    Hyperparameters,
    Problem,
    average,
    curvature_at,
    find_mode,
    nearby_mode,
)
from gossan.fusion.geostatistical.posterior import Mixture, make_member
from gossan.geochem.covariance.dense import ExactSamples
from gossan.geochem.covariance.ground_samples import GroundSamples
from gossan.geochem.covariance.mixed_supports import MixedSamples
from gossan.geochem.covariance.vecchia import NearestSamples

__all__ = ["Candidate", "Learnt", "Start", "draws_for", "learn"]

_FIRST_BY_NEIGHBOURS = 400
_FEWEST_DRAWS = 8
_MOST_DRAWS = 60
_MOST_KEPT, _FEWEST_KEPT = 10, 3
_WORK = 1.5e7
_ROUGH_NEIGHBOURS, _FINE_NEIGHBOURS = 12, 30
_RULED_OUT, _HOPELESS = 12.0, 40.0
_MOST_TERMS = 10_000


@dataclass(frozen=True, eq=False)
class Candidate:
    """A model to be weighed: which of the groups of features it knows."""

    label: str
    groups: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Start:
    """Where the fit to most of the same samples may begin: where that to all of them ended.

    Parameters
    ----------
    modes, curvatures
        Most probable theta of each candidate, and what the posterior looks like there.
    draws
        Sets of hyperparameters that were drawn.
    """

    modes: tuple[Array, ...]
    curvatures: tuple[Curvature | None, ...]
    draws: int


@dataclass(frozen=True, eq=False)
class Learnt:
    """The averaged posterior, the table of the models that were weighed, and a start for others."""

    mixture: Mixture
    models: pd.DataFrame
    start: Start


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
    averaged: bool = True, start: Start | None = None,
) -> Learnt:  # fmt: skip
    """Fit each candidate, weigh them by their evidence, and condition on the samples.

    Each candidate has the same prior weight, so imagery that explains nothing leaves kriging.
    Where samples are many, nearest neighbours find the modes first, and only candidates that
    they do not rule out are fitted closely: by all samples where hyperparameters are averaged over,
    by more neighbours where the mode alone is taken. Above 10,000 samples the likelihood counts so
    many of the conditional densities, half of them of samples whose neighbours are far; slopes and
    spatial term are conditioned on all samples.

    With a ``start`` the search begins at its modes, draws are as wide and as many as they were
    there; modes, weights and evidences are those of the samples given.
    """
    problems = [_only(problem, candidate.groups) for candidate in candidates]
    if start and [len(m) for m in start.modes] != [len(p.bounds()) for p in problems]:
        start = None  # other groups of features
    draws = (start.draws if start else draws_for(len(problem.columns))) if averaged else 0
    found = _explore(problems, samples, draws, start)
    evidence = np.array([d.log_evidence for d in found])
    share = np.exp(evidence - evidence.max())
    share /= share.sum()
    sets: list[Hyperparameters] = []
    weights: list[float] = []
    for part, own, candidate, of_candidate in zip(share, found, candidates, problems):
        for theta, weight in zip(own.theta, own.weights):
            sets.append(_whole(of_candidate.read(theta), candidate, problem.groups))
            weights.append(float(part * weight))
    chosen, kept = _thin(np.array(weights), max(_FEWEST_KEPT, draws * _MOST_KEPT // _MOST_DRAWS))
    members = [make_member(problem, samples, sets[k]) for k in chosen]
    modes, curvatures = tuple(d.mode for d in found), tuple(d.curvature for d in found)
    models = _models(candidates, evidence, share)
    return Learnt(Mixture(members, kept), models, Start(modes, curvatures, draws))


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
    problems: Sequence[Problem], samples: ExactSamples | NearestSamples, draws: int,
    start: Start | None,
) -> list[Draws]:  # fmt: skip
    """Find the draws of each candidate; those that are ruled out early keep their rough ones."""
    alone = len(problems) == 1 and not draws and isinstance(samples, NearestSamples)
    if isinstance(samples, NearestSamples) and samples.count > _MOST_TERMS:
        places, near = samples.places, samples.neighbours.shape[1]
        samples = NearestSamples.of(places, samples.support_m, near, _MOST_TERMS)
    small = samples.count <= _FIRST_BY_NEIGHBOURS or _few_neighbours(samples)
    rough = (
        samples
        if small
        else NearestSamples.of(samples.places, samples.support_m, _ROUGH_NEIGHBOURS, samples.count)
    )
    modes = _modes(problems, rough, start, 2 if small else 1)
    least = min(value for _, value in modes)
    found = []
    for k, (problem, (mode, value)) in enumerate(zip(problems, modes)):
        if alone if small else value > least + _HOPELESS:
            found.append(_point(mode, value))  # its curvature is not needed
            continue
        known = start.curvatures[k] if start else None
        curvature = known or curvature_at(problem, rough, mode)
        found.append(average(problem, rough, mode, draws if small else 0, curvature))
    return found if small else _refined(problems, found, samples, draws)


def _few_neighbours(samples: ExactSamples | NearestSamples) -> bool:
    """Say whether the likelihood is as cheap as the rough one already."""
    return isinstance(samples, NearestSamples) and samples.neighbours.shape[1] <= _ROUGH_NEIGHBOURS


def _refined(
    problems: Sequence[Problem], rough: list[Draws], samples: ExactSamples | NearestSamples,
    draws: int,
) -> list[Draws]:  # fmt: skip
    """Look closer at the candidates that nearest neighbours do not rule out.

    The curvature that these found serves for the draws, as they are weighed by all samples.
    """
    found = rough.copy()
    best = max(d.log_evidence for d in found)
    likely = [k for k, d in enumerate(found) if d.log_evidence > best - _RULED_OUT]
    fine = (
        samples
        if draws or isinstance(samples, (MixedSamples, GroundSamples, NearestSamples))
        else NearestSamples.of(samples.coordinates, samples.support_m, _FINE_NEIGHBOURS)
    )
    for k in likely:
        near = rough[k].curvature
        assert near is not None
        mode, _ = nearby_mode(problems[k], fine, rough[k].mode, near)
        if draws or len(likely) > 1:
            found[k] = average(problems[k], fine, mode, draws, near)
        else:
            found[k] = replace(rough[k], theta=mode[None], mode=mode)
    return found


def _modes(
    problems: Sequence[Problem], samples: NearestSamples | ExactSamples, start: Start | None,
    most: int,
) -> list[tuple[Array, float]]:  # fmt: skip
    """Find the mode of each candidate: from afar, or from where another search ended.

    A candidate that was hopeless there, and is at the same theta here, is not looked at closer.
    """
    if start is None:
        return [find_mode(p, samples, p.starts()[:most]) for p in problems]
    given = list(zip(problems, start.modes, start.curvatures))
    found = [
        (mode, problem.value(mode, samples))
        if known is None
        else nearby_mode(problem, samples, mode, known)
        for problem, mode, known in given
    ]
    least = min(value for _, value in found)
    return [
        find_mode(problem, samples, [mode])
        if known is None and value <= least + _HOPELESS
        else (mode, value)
        for (problem, _, known), (mode, value) in zip(given, found)
    ]


def _point(mode: Array, value: float) -> Draws:
    """Take the mode alone; its evidence is only good for ruling it out."""
    return Draws(mode[None], np.ones(1), -value, mode, None)


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
