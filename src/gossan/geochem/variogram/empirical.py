"""Measure how semivariance grows with distance, from pairs of samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gossan.arrays.array_type import Array
from gossan.errors import FitError, InputError, must
from gossan.geochem.variogram.pairs import pair_differences, pair_sums

Estimator = Literal["matheron", "cressie_hawkins", "dowd"]
MIN_SAMPLES = 10
MOST_FOR_MEDIANS = 6000
MOST_PAIRS = 400_000_000
"""Pairs visited at most: all of them up to 28,000 samples."""
_POWER = {"matheron": 2.0, "cressie_hawkins": 0.5, "dowd": 2.0}


@dataclass(frozen=True, eq=False)
class EmpiricalVariogram:
    """Semivariance by class of distance (and direction); empty classes are left out.

    Parameters
    ----------
    distance
        (k,) mean distance of the pairs of each class, metres.
    semivariance
        (k,) in squared units of the values.
    pairs
        (k,) number of pairs.
    azimuth_deg
        (k,) centre of the class of direction, degrees clockwise from north; NaN where all
        directions are pooled.
    estimator
        How the semivariance was estimated.
    cutoff_m
        Longest distance used, metres.
    """

    distance: Array
    semivariance: Array
    pairs: NDArray[np.int64]
    azimuth_deg: Array
    estimator: str
    cutoff_m: float


def empirical_variogram(
    coordinates: ArrayLike,
    values: ArrayLike,
    *,
    estimator: Estimator = "matheron",
    cutoff_m: float | None = None,
    width_m: float | None = None,
    sectors: int = 1,
) -> EmpiricalVariogram:
    """Estimate the semivariance of classes of distance.

    With N pairs in a class and differences d:

    - matheron: ``sum(d^2) / (2 N)``
    - cressie_hawkins: ``(sum(|d|^0.5) / N)^4 / (2 (0.457 + 0.494 / N + 0.045 / N^2))``
    - dowd: ``2.198 median(|d|)^2 / 2``, from 6,000 samples at random where there are more
      (medians need every pair at once)

    Above 28,000 samples the pairs of a random subset of samples with all others stand for all
    pairs, so that time is bounded and every class, near or far, keeps its share.

    Parameters
    ----------
    coordinates
        (n, 2) easting and northing in metres.
    values
        (n,) on the working scale; NaN is left out.
    estimator
        "matheron", or one of the robust "cressie_hawkins" and "dowd".
    cutoff_m
        Longest distance in metres; default: a third of the diagonal of the samples' extent.
    width_m
        Width of a class in metres; default: ``cutoff_m / 15``.
    sectors
        Number of classes of direction over 180 degrees; 1 pools all.

    Returns
    -------
    EmpiricalVariogram
        Classes with at least one pair, ordered by direction, then distance.

    Raises
    ------
    FitError
        Fewer than 10 samples, or all values equal, or all at one place.

    Examples
    --------
    >>> e = np.arange(12.0) * 100
    >>> variogram = empirical_variogram(np.c_[e, 0 * e], np.arange(12.0) % 2, cutoff_m=200,
    ...                                 width_m=100)
    >>> variogram.distance, variogram.semivariance, variogram.pairs
    (array([100., 200.]), array([0.5, 0. ]), array([11, 10]))

    Source: Matheron (1962); Cressie and Hawkins (1980), Math. Geol. 12, eq. 12; Dowd (1984).
    """
    xy, z, _ = usable(coordinates, values)
    cutoff, width, bins = _classes(xy, cutoff_m, width_m)
    if estimator not in get_args(Estimator):
        allowed = " | ".join(get_args(Estimator))
        raise InputError(must("estimator", allowed, repr(estimator), "Use one of these"))
    if estimator == "dowd" and len(z) > MOST_FOR_MEDIANS:
        few = np.random.default_rng(0).choice(len(z), MOST_FOR_MEDIANS, replace=False)
        xy, z = np.ascontiguousarray(xy[few]), z[few]
    order = np.argsort(xy[:, 0], kind="stable")
    args = (xy, z, order)
    count, distance, total = pair_sums(
        *args, _first_members(len(z)), width, bins, sectors, _POWER[estimator]
    )
    if count.sum() == 0:
        raise FitError(
            must("cutoff_m", "longer than the sample spacing", f"{cutoff:g}", "Raise it")
        )
    with np.errstate(invalid="ignore", divide="ignore"):
        if estimator == "matheron":
            gamma = total / count / 2
        elif estimator == "cressie_hawkins":
            gamma = (total / count) ** 4 / (0.457 + 0.494 / count + 0.045 / count**2) / 2
        else:
            gamma = _dowd(pair_differences(*args, width, bins, sectors, count), count)
        distance = distance / count
    used = count > 0
    centre = np.repeat(np.arange(sectors)[:, None] * 180.0 / sectors, bins, axis=1)
    azimuth = centre if sectors > 1 else np.full_like(centre, np.nan)
    return EmpiricalVariogram(
        distance[used],
        gamma[used],
        count[used].astype(np.int64),
        azimuth[used],
        estimator,
        cutoff,
    )


def usable(
    coordinates: ArrayLike, values: ArrayLike, errors: ArrayLike | None = None
) -> tuple[Array, Array, Array]:
    """Keep the samples that have a place and a value: (n, 2), (n,), and their errors (n,).

    Raises
    ------
    InputError
        The arrays do not fit together.
    FitError
        There are too few samples, or all have one value.
    """
    xy = np.ascontiguousarray(coordinates, dtype=np.float64)
    z = np.ascontiguousarray(values, dtype=np.float64)
    if xy.ndim != 2 or xy.shape[1] != 2 or z.shape != xy.shape[:1]:
        raise InputError(
            must(
                "coordinates and values",
                "(n, 2) and (n,)",
                f"{xy.shape} and {z.shape}",
                "Pass easting and northing as two columns",
            )
        )
    keep = np.isfinite(z) & np.isfinite(xy).all(axis=1)
    known = np.zeros(len(z)) if errors is None else np.asarray(errors, np.float64)
    xy, z, known = xy[keep], z[keep], known[keep]
    if len(z) < MIN_SAMPLES:
        raise FitError(
            must(
                "samples for a variogram",
                f"at least {MIN_SAMPLES} with a value",
                len(z),
                "Add samples or give the variogram yourself",
            )
        )
    if np.ptp(z) <= 1e-12 * max(abs(z[0]), 1e-300):
        raise FitError(
            must(
                "values for a variogram",
                "at least two different ones",
                f"{z[0]:g} in all {len(z)} samples",
                "Leave this element out",
            )
        )
    return xy, z, known


def _classes(xy: Array, cutoff_m: float | None, width_m: float | None) -> tuple[float, float, int]:
    extent = float(np.hypot(*np.ptp(xy, axis=0)))
    if extent == 0:
        raise FitError(
            must("samples for a variogram", "at several places", "one place", "Check x and y")
        )
    cutoff = extent / 3 if cutoff_m is None else float(cutoff_m)
    width = cutoff / 15 if width_m is None else float(width_m)
    if not (cutoff > 0 and 0 < width <= cutoff):
        raise InputError(
            must("cutoff_m and width_m", "0 < width <= cutoff", f"{cutoff} and {width}", "Swap")
        )
    bins = max(int(np.ceil(cutoff / width - 1e-9)), 1)
    return cutoff, width, bins


def _first_members(samples: int) -> NDArray[np.int64]:
    """Ranks (by easting) of the samples whose pairs with all later ones are visited."""
    most = 2 * MOST_PAIRS // samples
    if samples <= most:
        return np.arange(samples)
    return np.sort(np.random.default_rng(0).choice(samples, most, replace=False))


def _dowd(differences: Array, count: Array) -> Array:
    ends = np.cumsum(count.ravel()).astype(np.int64)[:-1]
    groups = np.split(differences, ends)
    median = [np.median(g) if len(g) else np.nan for g in groups]
    return 2.198 / 2 * np.asarray(median).reshape(count.shape) ** 2
