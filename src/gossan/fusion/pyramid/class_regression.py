"""Regress coarse layers on low frequencies per class, from sums (Ding et al. 2023, Eq. 1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.clusters import ClusterSums
from gossan.arrays.moments import least_squares
from gossan.errors import FitError, must

__all__ = ["Lines", "fit_lines", "shrink"]


@dataclass(frozen=True, eq=False)
class Lines:
    """One linear function per class: ``constants[c] + slopes[c] . x``.

    Parameters
    ----------
    constants
        (classes,); NaN for a class without pixels.
    slopes
        (classes, d).
    ranks
        (classes,) directions in which the features vary, at most d.
    """

    constants: NDArray[np.float64]
    slopes: NDArray[np.float64]
    ranks: NDArray[np.int_]

    def of(self, labels: NDArray[np.integer], values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n,) values for n pixels of classes (n,) with features (d, n)."""
        return self.constants[labels] + (self.slopes[labels] * values.T).sum(axis=1)


def fit_lines(sums: ClusterSums, cross: NDArray[np.float64]) -> Lines:
    """Fit least squares per class.

    Parameters
    ----------
    sums
        Counts, sums and products of the features less ``sums.shift``.
    cross
        (classes, d + 1) sums of y and of (x - shift) y.

    Returns
    -------
    Lines, exact; directions without variance get no slope.

    Source: Ding et al. 2023, sec. 4.3.4, Eq. 1.
    """
    count = np.maximum(sums.count, 1.0)
    mean, level = sums.sums / count[:, None], cross[:, 0] / count
    slopes, ranks = np.zeros_like(mean), np.zeros(len(mean), int)
    for c, (products, centre) in enumerate(zip(sums.products, mean)):
        centred = products - count[c] * np.outer(centre, centre)
        # rounding leaves about 1e-12 of the squares behind where there is no variance
        noise = 1e-12 * np.diag(products)
        centred[np.diag_indices_from(centred)] = np.where(
            np.diag(centred) > noise, np.diag(centred), 0.0
        )
        slopes[c], ranks[c] = least_squares(centred, cross[c, 1:] - centre * cross[c, 0])
    constants = level - ((mean + sums.shift) * slopes).sum(axis=1)
    return Lines(np.where(sums.count > 0, constants, np.nan), slopes, ranks)


def shrink(
    own: Lines, whole: Lines, sums: ClusterSums, cross: NDArray[np.float64],
    samples: NDArray[np.float64], half: float,
) -> Lines:  # fmt: skip
    """Draw the slopes of classes with few samples to those of the whole ground.

    ``slope = w own + (1 - w) whole, w = samples / (samples + half)``; the constant then makes the
    class's mean right again.

    Parameters
    ----------
    own, whole
        Lines of each class, and of all classes as one.
    sums, cross
        What ``own`` was fitted to.
    samples
        (classes,) samples in each class: pixels are many, but not independent.
    half
        Number of samples at which both weigh the same; 0: no shrinkage.
    """
    weight = np.where(samples > 0, samples / np.maximum(samples + half, 1e-300), float(half == 0))
    weight = np.where(own.ranks < whole.ranks[0], 0.0, weight)[:, None]
    slopes = weight * own.slopes + (1 - weight) * whole.slopes
    count = np.maximum(sums.count, 1.0)
    mean = sums.sums / count[:, None] + sums.shift
    constants = cross[:, 0] / count - (mean * slopes).sum(axis=1)
    return Lines(np.where(sums.count > 0, constants, np.nan), slopes, own.ranks)


def check_ranks(lines: Lines, sums: ClusterSums, names: tuple[str, ...], cure: str) -> None:
    """Refuse a class whose features do not vary, or repeat each other.

    Raises
    ------
    FitError
        Features are constant or repeat each other within a class.
    """
    short = (lines.ranks < lines.slopes.shape[1]) & (sums.count > 0)
    if short.any():
        c = int(np.flatnonzero(short)[0])
        where = f" in cluster {c}" if len(short) > 1 else ""
        got = f"{int(lines.ranks[c])} of {len(names)} over {int(sums.count[c])} pixels"
        allowed = f"independent and of more than one value{where}"
        raise FitError(must(f"features {', '.join(names)}", allowed, got, cure))
