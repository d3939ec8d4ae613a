"""Additive curves: a smooth function of each feature, kept linear in its coefficients.

``sum_j c_j(z_j)`` over the standardised features z, each c_j piecewise linear between ``KNOTS``
equally spaced knots, with a Gaussian process prior (squared exponential, length 1) on its values
there. All curves share one prior variance, so the likelihood decides whether they are worth
having. Of the many columns that this takes, the leading ``COMPONENTS`` over the samples are kept.
Curves change support only approximately: they are taken of the mean features of a sample's
support.

Source: Eilers and Marx 1996, Statistical Science 11 (penalised splines); Wood 2017, Generalized
Additive Models, sec. 4.2 (curves as random effects).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import svds

from gossan.arrays.array_type import Array
from gossan.arrays.compiled import compiled

__all__ = ["KNOTS", "REACH", "Curves", "add_terms"]

KNOTS = 8
REACH = 2.5
"""Standard deviations from the mean feature to the outer knots; a curve is flat beyond."""
STEP = 2 * REACH / (KNOTS - 1)
COMPONENTS = 20
_BLOCK = 512
_JITTER = 1e-6


@dataclass(frozen=True, eq=False)
class Curves:
    """The leading components of the curves of d standardised features.

    Parameters
    ----------
    loadings
        (d, KNOTS, m) value at each feature's knots that one unit of each of m columns stands for.
    mean
        (m,) means over the samples, taken off.
    """

    loadings: Array = field(repr=False)
    mean: Array = field(repr=False)

    @classmethod
    def of(cls, design: Array, components: int = COMPONENTS) -> Curves:
        """Find the leading components over the samples' standardised features (n, d).

        >>> design = np.random.default_rng(0).normal(size=(40, 3))
        >>> Curves.of(design, 4)(design).shape
        (40, 4)
        """
        count = design.shape[1]
        knots = np.linspace(-REACH, REACH, KNOTS)
        prior = np.exp(-0.5 * (knots[:, None] - knots) ** 2) + _JITTER * np.eye(KNOTS)
        root = np.linalg.cholesky(prior) / np.sqrt(count)
        every = (_hats(design) @ root).reshape(len(design), -1)
        _, size, axes = _leading(every - every.mean(axis=0), components)
        kept = int(min(components, (size > 1e-6 * size[0]).sum()))
        turned = axes[:kept].T.reshape(count, KNOTS, kept) * np.sqrt(kept)
        loadings = np.einsum("ab,jbm->jam", root, turned)
        return cls(loadings, np.einsum("ija,jam->im", _hats(design), loadings).mean(axis=0))

    def __call__(self, design: Array) -> Array:
        """Return the columns (n, m) at standardised features (n, d)."""
        return np.einsum("ija,jam->im", _hats(design), self.loadings) - self.mean

    def of_pixels(self, z: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the columns (m, pixels) at standardised features (d, pixels)."""
        columns = [_look_up(z, self.at_knots(one)) for one in np.eye(len(self.mean))]
        return np.stack(columns) - self.mean.astype(np.float32)[:, None]

    def at_knots(self, coefficients: Array) -> NDArray[np.float32]:
        """Return the values (d, KNOTS) of the curves for coefficients (m,) of the columns."""
        return np.asarray(self.loadings @ coefficients, np.float32)

    def bends(self, coefficients: Array) -> tuple[NDArray[np.float32], np.float32]:
        """Return how much steeper each curve gets at each knot but the last, and the sum's level.

        A curve of a feature z is ``value + sum_i bends[i] max(z - knot_i, 0)`` up to the last knot;
        the level is the sum of the values of all curves at their first knots.
        """
        values = self.loadings @ coefficients
        steeper = np.diff(np.diff(values, axis=1) / STEP, axis=1, prepend=0.0)
        return steeper.astype(np.float32), np.float32(values[:, 0].sum() - self.mean @ coefficients)


def _leading(columns: Array, count: int) -> tuple[Array, Array, Array]:
    """Return the leading singular vectors and values of columns (n, k), the largest first."""
    least = min(columns.shape)
    if count >= least // 4:
        return np.linalg.svd(columns, full_matrices=False)
    left, size, axes = svds(columns, k=count, v0=np.ones(least))
    order = np.argsort(-size)
    return left[:, order], size[order], axes[order]


def _hats(design: Array) -> Array:
    """Return the weights (n, d, KNOTS) of linear interpolation between the knots."""
    place = np.clip((design + REACH) * (KNOTS - 1) / (2 * REACH), 0.0, KNOTS - 1.0)
    return np.maximum(0.0, 1.0 - np.abs(place[:, :, None] - np.arange(KNOTS)))


@compiled()
def _look_up(z, values):  # type: ignore[no-untyped-def]
    """Add up piecewise linear functions (d, KNOTS) of features (d, pixels)."""
    total = np.zeros(z.shape[1], np.float32)
    last = np.float32(KNOTS - 1)
    scale = np.float32((KNOTS - 1) / (2 * REACH))
    for j in range(z.shape[0]):
        own, line = values[j], z[j]
        for k in range(line.size):
            place = min(max((line[k] + np.float32(REACH)) * scale, np.float32(0.0)), last)
            first = min(int(place), KNOTS - 2)
            share = place - np.float32(first)
            total[k] += own[first] + share * (own[first + 1] - own[first])
    return total


@compiled()
def add_terms(raw, features, slopes, bends, level, result):  # type: ignore[no-untyped-def]
    """Add slopes and curves of features (f, pixels) to ``result`` (pixels,).

    An empty feature counts as its mean, and the curves are left out of a pixel that has one.

    Parameters
    ----------
    features : numbers, means and 1 / deviations (d,) of the features that are standardised.
    slopes, bends, level : of the standardised features; see ``Curves.bends``.
    """
    used, mean, scale = features
    low, high, step = np.float32(-REACH), np.float32(REACH), np.float32(STEP)
    nothing = np.float32(0.0)
    straight, bent = np.empty(_BLOCK, np.float32), np.empty(_BLOCK, np.float32)
    for start in range(0, result.size, _BLOCK):
        own = result[start : start + _BLOCK]
        straight[:] = nothing
        bent[:] = level
        for j in range(used.size):
            line, steeper = raw[used[j], start : start + _BLOCK], bends[j]
            m, f, slope = mean[j], scale[j], slopes[j]
            for k in range(own.size):
                z = (line[k] - m) * f
                straight[k] += slope * (z if z == z else nothing)
                place = (low if z < low else (high if z > high else z)) - low
                for i in range(KNOTS - 1):
                    past = place - np.float32(i) * step
                    bent[k] += steeper[i] * (nothing if past < nothing else past)
        for k in range(own.size):
            own[k] += straight[k] + (bent[k] if bent[k] == bent[k] else nothing)
