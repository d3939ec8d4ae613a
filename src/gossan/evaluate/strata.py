"""Break down what intervals cover: by distance, estimate, exposure and masked features."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.arrays.array_type import Array
from gossan.arrays.conformal import normal_quantile
from gossan.evaluate.calibration import Calibration, bootstrap_mean, crps
from gossan.fusion.features.sources import LayerFeatures
from gossan.fusion.protocol import Features, Points
from gossan.geo.layer import MappedLayer
from gossan.io.contract import Stratum
from gossan.io.tables import Column

__all__ = ["coverage_strata", "ground_at", "thirds"]

LEVEL = 0.9
"""Nominal coverage that is broken down."""
FEWEST = 5
"""Samples that a class must have."""
EXPOSURE_PIXELS = 11
"""Least side, in pixels, of the square around a sample whose exposure is measured."""

_FILLED: WeakKeyDictionary[Features, LayerFeatures] = WeakKeyDictionary()


def thirds(values: Array) -> NDArray[np.int_]:
    """Class values into thirds of about equal count; equal values stay together.

    Parameters
    ----------
    values
        (n,) finite values.

    Returns
    -------
    (n,) class 0, 1 or 2; fewer classes where few values differ.

    Examples
    --------
    >>> thirds(np.array([5.0, 1.0, 9.0, 2.0, 6.0, 8.0]))
    array([1, 0, 2, 0, 1, 2])
    >>> thirds(np.array([0.0, 0.0, 0.0, 0.0, 3.0]))
    array([0, 0, 0, 0, 1])
    """
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) == 1:
        return np.zeros(len(values), int)
    share = np.cumsum(counts)[:-1] / len(values)
    cuts = {int(np.abs(share - part).argmin()) for part in (1 / 3, 2 / 3)}
    return np.searchsorted(distinct[sorted(cuts)], values, side="left")


def ground_at(points: Points, features: Features) -> dict[str, Array]:
    """Measure what the imagery shows of the ground around each sample.

    Parameters
    ----------
    points
        n samples.
    features
        Features of the imagery; without a layer nothing is known of the ground.

    Returns
    -------
    ``exposure`` (n,): share of pixels that no mask hides, over the sample's support and at least
    11 x 11 pixels; ``masked_features`` (n,): number of features that are empty at the sample.
    """
    layer = features.layer
    if layer is None:
        return {}
    if features not in _FILLED:
        _FILLED[features] = LayerFeatures(MappedLayer(layer, _filled, (str(Column.EXPOSURE),)))
    side = EXPOSURE_PIXELS * max(features.grid.pixel_width, features.grid.pixel_height)
    around = Points(points.coordinates, max(points.support_m, side))
    return {
        Stratum.EXPOSURE: _FILLED[features].at(around)[:, 0],
        Stratum.MASKED: np.isnan(features.at(points)).sum(axis=1).astype(np.float64),
    }


def _filled(block: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.isfinite(block).all(axis=0, keepdims=True), np.float32)


def coverage_strata(table: pd.DataFrame, calibration: Calibration | None = None) -> pd.DataFrame:
    """Measure the coverage of 90 % intervals in classes of held-out samples.

    Parameters
    ----------
    table
        Held-out predictions on the working scale: ``observed``, ``estimate``, ``standard_error``,
        ``group`` (spatial blocks), and a column for each ``Stratum`` that is known.
    calibration
        Scaling of the intervals as delivered, if any.

    Returns
    -------
    One row for each stratum and class: ``by, from, to, n, nominal, achieved`` (the model's own
    intervals), ``achieved_scaled`` (as delivered) with its 95 % block-bootstrap interval
    ``achieved_low, achieved_high``, ``mean_width, crps``. A stratum whose samples are all alike,
    or a class with fewer than 5 samples, has no row.
    """
    rows = []
    for stratum in (one for one in Stratum if one in table.columns):
        needed = [Column.OBSERVED, Column.ESTIMATE, Column.STANDARD_ERROR, stratum]
        known = table[np.isfinite(table[needed].to_numpy(float)).all(axis=1)]
        classes = thirds(known[stratum].to_numpy(float)) if len(known) else np.zeros(0, int)
        parts = [known[classes == k] for k in np.unique(classes)]
        if len(parts) > 1:
            rows += [_row(p, stratum, calibration) for p in parts if len(p) >= FEWEST]
    return pd.DataFrame(rows)


def _row(part: pd.DataFrame, by: Stratum, calibration: Calibration | None) -> dict[str, object]:
    names = (Column.OBSERVED, Column.ESTIMATE, Column.STANDARD_ERROR, by)
    y, m, s, d = (part[name].to_numpy(float) for name in names)
    factor = 1.0 if calibration is None else calibration.factor(LEVEL)
    half = normal_quantile(LEVEL) * factor * s
    inside = (np.abs(y - m) <= half).astype(np.float64)
    low, high = bootstrap_mean(inside, part[Column.GROUP].to_numpy(), 0)
    return {
        Column.BY: str(by),
        Column.FROM: d.min(),
        Column.TO: d.max(),
        Column.N: len(part),
        Column.NOMINAL: LEVEL,
        Column.ACHIEVED: float(np.mean(np.abs(y - m) <= normal_quantile(LEVEL) * s)),
        Column.ACHIEVED_SCALED: inside.mean(),
        Column.ACHIEVED_LOW: low,
        Column.ACHIEVED_HIGH: high,
        Column.MEAN_WIDTH: 2.0 * half.mean(),
        Column.CRPS: crps(y, m, factor * s),
    }
