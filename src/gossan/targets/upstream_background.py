"""Background of sediment by the rocks upstream: contents of classes, and what they predict."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from gossan.arrays.array_type import Array

__all__ = ["Background", "background_of_classes", "hawkes"]

_LEVEL_Z = 1.645
_FEWEST = 3.0


@dataclass(frozen=True, eq=False)
class Background:
    """What samples are expected to hold by the classes of their ground.

    Attributes
    ----------
    table
        A row for each class: ``class``, ``n`` (effective number of samples), ``mean``,
        ``lower90``, ``upper90``; NaN where fewer than 3 samples tell of a class.
    expected
        (n,) background of each sample.
    """

    table: pd.DataFrame
    expected: Array = field(repr=False)


def background_of_classes(
    content: Array, shares: Array, names: tuple[str, ...], areas: Array | None = None
) -> Background:
    """Find the content of each class of ground as an area-weighted mean, and mix it upstream.

    ``B_j = sum_i C_i X_ij A_i / sum_i X_ij A_i`` with the shares X of classes j in the ground of
    samples i and its areas A; the background of a sample is ``sum_j X_ij B_j / sum_j X_ij``. A
    class that too few samples tell of takes no part. The effective number of samples is
    ``(sum w)^2 / sum w^2``; the interval is that of a weighted mean.

    Parameters
    ----------
    content
        (n,) contents; NaN where not analysed.
    shares
        (n, k) share of each class; NaN where unknown.
    names
        Of the k classes.
    areas
        (n,) areas of the ground; alike by default.

    Examples
    --------
    >>> shares = np.repeat(np.eye(2), 4, axis=0)
    >>> content = np.array([9.0, 11.0, 10.0, 10.0, 30.0, 30.0, 29.0, 31.0])
    >>> found = background_of_classes(content, shares, ("basalt", "granite"))
    >>> found.table["mean"].tolist(), found.expected[[0, 7]].tolist()
    ([10.0, 30.0], [10.0, 30.0])

    Source: Bonham-Carter and Goodfellow 1986, J. Geochem. Explor. 25.
    """
    known = np.isfinite(content) & np.isfinite(shares).all(axis=1)
    size = np.ones(len(content)) if areas is None else areas
    weights = np.where(known[:, None], np.nan_to_num(shares) * size[:, None], 0.0)
    total = weights.sum(axis=0)
    held = np.where(known, content, 0.0)[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        count = total**2 / (weights**2).sum(axis=0)
        mean = np.where(count >= _FEWEST, (weights * held).sum(axis=0) / total, np.nan)
        spread = (weights * (held - np.nan_to_num(mean)) ** 2).sum(axis=0) / total
        half = _LEVEL_Z * np.sqrt(spread / np.maximum(count - 1.0, 1.0))
        told = np.where(np.isfinite(mean), np.nan_to_num(shares), 0.0)
        expected = told @ np.nan_to_num(mean) / told.sum(axis=1)
    columns = {"class": names, "n": count, "mean": mean, "lower90": mean - half}
    table = pd.DataFrame({**columns, "upper90": mean + half})
    return Background(table, np.where(np.isfinite(shares).all(axis=1), expected, np.nan))


def hawkes(residual: Array, background: Array, area_km2: Array, source_km2: float) -> Array:
    """Content of a source of known size that would give a sample's residual, undiluted.

    ``C_s = C_b + (C - C_b) A / A_s``; the background alone where the residual is not positive or
    the catchment is smaller than the source.

    >>> hawkes(np.array([2.0, -1.0]), np.array([10.0, 10.0]), np.array([50.0, 50.0]), 1.0).tolist()
    [110.0, 10.0]

    Source: Hawkes 1976, J. Geochem. Explor. 6.
    """
    factor = np.maximum(area_km2 / source_km2, 1.0)
    return background + np.maximum(residual, 0.0) * factor
