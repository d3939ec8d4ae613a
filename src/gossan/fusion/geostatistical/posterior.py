"""Posterior of the geostatistical model given hyperparameters: coefficients, field, targets.

With the weights ``l = V^-1 c(x)`` of the samples at a target x, ``A = [Phi S, 1]``,
``a = [phi(x) S, 1]`` and ``w = A' l``:

    ``mean = a' g + l' (y - A g)``
    ``variance = sigma2 c(0) - c' l + (a - w)' H^-1 (a - w) + eta2``

the universal kriging equations, with coefficients that are shrunk instead of free.

Source: Chiles and Delfiner 2012, Geostatistics, sec. 3.4; Rasmussen and Williams 2006, sec. 2.7.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.array_type import Array
from gossan.fusion.geostatistical.hyperparameters import Hyperparameters, Problem
from gossan.geo.grounds import Support
from gossan.geochem.covariance.dense import FieldAt
from gossan.geochem.covariance.model import CovarianceModel
from gossan.geochem.covariance.restricted_likelihood import (
    Coefficients,
    coefficients,
    one_left_out,
)

__all__ = ["Field", "Member", "Mixture", "SampledField", "make_member"]


class Field(Protocol):
    """What samples say of the spatial term at any place."""

    @property
    def gram(self) -> Array:
        """``X' V^-1 X`` (c, c)."""
        ...

    @property
    def solved(self) -> Array:
        """``V^-1 X`` (n, c)."""
        ...

    def precision(self, one: NDArray[np.int_], two: NDArray[np.int_]) -> Array:
        """Elements (one[k], two[k]) of ``V^-1``."""
        ...

    def precision_blocks(self, groups: Sequence[NDArray[np.int_]]) -> Iterator[Array]:
        """Yield the block of ``V^-1`` of each group of samples."""
        ...

    def at(self, targets: Array, support: Support = 0.0) -> FieldAt:
        """Return sums and explained variance at targets (t, 2)."""
        ...

    def within(self, support: Support) -> Array | float:
        """Return the mean covariance within the support of targets: (t,) or one number."""
        ...

    def at_nodes(
        self, targets: Array, rows: NDArray[np.int_], samples: NDArray[np.int_]
    ) -> tuple[FieldAt, Array]:
        """Return the same, and the weights of some samples at some targets."""
        ...


class SampledField(Protocol):
    """Samples from which a field can be fixed."""

    def fix(self, covariance: CovarianceModel, noise: Array, columns: Array) -> Field:
        """Prepare prediction."""
        ...


@dataclass(frozen=True, eq=False)
class Member:
    """The posterior under one set of hyperparameters.

    ``slopes`` (d,) and ``level`` are the coefficients of standardised features and the constant;
    ``covariance`` (d + 1, d + 1) theirs; ``scales`` (d + 1,) prior deviations, 1 for the constant.
    """

    hyperparameters: Hyperparameters
    scales: Array = field(repr=False)
    found: Coefficients = field(repr=False)
    field_: Field = field(repr=False)

    @property
    def slopes(self) -> Array:
        """Posterior mean (d,) of the coefficients of standardised features."""
        return (self.found.mean * self.scales)[:-1]

    @property
    def level(self) -> float:
        """Posterior mean of the constant."""
        return float(self.found.mean[-1])

    @property
    def covariance(self) -> Array:
        """Posterior covariance (d + 1, d + 1) of coefficients and constant."""
        return self.found.covariance * self.scales[:, None] * self.scales

    @property
    def all_coefficients(self) -> Array:
        """Coefficients and constant (d + 1,)."""
        return self.found.mean * self.scales

    def predict(
        self, targets: Array, features: Array, support: Support, survey: int = 0
    ) -> tuple[Array, Array]:
        """Return mean and variance (t,) of new samples at targets (t, 2) with features (t, d)."""
        h = self.hyperparameters
        field = self.field_.at(targets, support)
        trend, _ = self.split(field)
        mean = features @ self.slopes + trend
        off = np.column_stack([features, np.ones(len(features))]) - field.sums[:, :-1]
        variance = (
            self.field_.within(support)
            - field.explained
            + np.einsum("ti,ij,tj->t", off, self.covariance, off)
        )
        return mean, np.maximum(variance, 0.0) + h.nuggets[min(survey, len(h.further))]

    def left_out(self, folds: Sequence[NDArray[np.int_]]) -> Array:
        """Return what each sample (n,) differs from its estimate by the samples of other folds.

        With ``Q = V^-1 - V^-1 A H^-1 A' V^-1`` the residuals of a fold f are ``Q_ff^-1 (Q y)_f``:
        nothing is factorised again (Dubrule 1983, Mathematical Geology 15).
        """
        solved = self.field_.solved
        scaled = solved[:, :-1] * self.scales
        turned = scaled @ self.found.covariance
        weighted = solved[:, -1] - scaled @ self.found.mean
        found = np.empty(len(solved))
        for fold, own in zip(folds, self.field_.precision_blocks(folds)):
            found[fold] = np.linalg.solve(own - turned[fold] @ scaled[fold].T, weighted[fold])
        return found

    def one_left_out(self, rows: NDArray[np.int_]) -> tuple[Array, Array]:
        """Return what samples (k,) differ from their estimate by all others, and its variance.

        The variance includes the noise of the sample itself.
        """
        return one_left_out(self.field_, self.found, self.scales, rows)

    def split(self, field: FieldAt) -> tuple[Array, Array]:
        """Return constant plus field (t,), and the field's own part of it."""
        own = field.sums[:, -1] - field.sums[:, :-1] @ self.all_coefficients
        return self.level + own, own


def make_member(problem: Problem, samples: SampledField, h: Hyperparameters) -> Member:
    """Condition on the samples under one set of hyperparameters."""
    noise, scales = problem.noise(h), problem.scales(h)
    fixed = samples.fix(h.covariance, noise, problem.columns)
    return Member(h, np.append(scales, 1.0), coefficients(fixed.gram, scales), fixed)


@dataclass(frozen=True, eq=False)
class Mixture:
    """Members with weights: the posterior averaged over hyperparameters and models."""

    members: Sequence[Member]
    weights: Array

    def predict(
        self, targets: Array, features: Array, support: Support, survey: int = 0
    ) -> tuple[Array, Array]:
        """Return mean and variance (t,) of new samples; ``variance = E[v + m^2] - E[m]^2``."""
        mean, square = np.zeros(len(targets)), np.zeros(len(targets))
        shift = self.level
        for weight, member in zip(self.weights, self.members):
            m, v = member.predict(targets, features, support, survey)
            mean += weight * (m - shift)
            square += weight * (v + (m - shift) ** 2)
        return mean + shift, np.maximum(square - mean**2, 0.0)

    def left_out(self, folds: NDArray[np.int_]) -> Array:
        """Return the residuals (n,) of samples left out by fold (n,), hyperparameters kept."""
        rows = [np.flatnonzero(folds == fold) for fold in np.unique(folds)]
        parts = [w * m.left_out(rows) for w, m in zip(self.weights, self.members)]
        return np.sum(parts, axis=0)

    @property
    def level(self) -> float:
        """Mean constant."""
        return float(sum(w * m.level for w, m in zip(self.weights, self.members)))

    @property
    def slopes(self) -> Array:
        """Mean coefficients (d,) of standardised features."""
        return np.sum([w * m.slopes for w, m in zip(self.weights, self.members)], axis=0)

    @property
    def second_moment(self) -> Array:
        """``E[beta beta']`` (d, d) over members and their posteriors."""
        parts = [
            w * (m.covariance[:-1, :-1] + np.outer(m.slopes, m.slopes))
            for w, m in zip(self.weights, self.members)
        ]
        return np.sum(parts, axis=0)
