"""What a fitted pyramid model says of itself: regressions, steps at borders, likeness."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.arrays.clusters import EMPTY
from gossan.fusion.pyramid.class_regression import Lines
from gossan.fusion.pyramid.decomposition import Decomposition

__all__ = ["diagnose", "regression_table"]


def regression_table(
    parts: Decomposition,
    lattice: NDArray[np.float64],
    lines: Lines,
    samples: NDArray[np.float64],
) -> pd.DataFrame:
    """Lay out the regressions: one row a class and coefficient, the constant first.

    Columns ``cluster, feature, coefficient, r2, pixels, samples``; ``feature`` is "constant" or a
    name; ``r2`` is the share of the variance of Geo_L that a + b . MS_L explains, over the picked
    pixels of the class; ``samples`` may be fractions, where a sample's support spans classes.
    """
    r2 = _explained(parts, lattice, lines)
    rows = []
    for c in range(len(lines.constants)):
        coefficients = (lines.constants[c], *lines.slopes[c])
        for name, coefficient in zip(("constant", *parts.names), coefficients):
            rows.append((c, name, coefficient, r2[c], int(parts.sums.count[c]), samples[c]))
    columns = ["cluster", "feature", "coefficient", "r2", "pixels", "samples"]
    return pd.DataFrame(rows, columns=columns)


def _explained(
    parts: Decomposition, lattice: NDArray[np.float64], lines: Lines
) -> NDArray[np.float64]:
    """Return R2 of each class over the picked pixels; NaN where there is no variance."""
    sample = parts.sample
    target = parts.smooth.at(parts.smooth.inner(lattice), sample.rows, sample.cols)
    result = np.full(len(lines.constants), np.nan)
    for c in range(len(result)):
        own = sample.labels[0] == c
        if own.sum() > 1 and np.ptp(target[own]) > 0:
            left = target[own] - lines.of(sample.labels[0][own], sample.low[0][:, own])
            centred = target[own] - target[own].mean()
            result[c] = 1.0 - (left @ left) / (centred @ centred)
    return result


def diagnose(
    parts: Decomposition,
    lattice: NDArray[np.float64],
    lines: Lines,
    variant: Literal["literal", "sound"],
) -> pd.DataFrame:
    """Measure the map on the picked pixels: rows of ``quantity, feature, value``.

    - ``levels``, ``lattice_m``: depth of the pyramid and spacing of the kriged lattice;
    - ``r_map_feature``: correlation of the map with each feature;
    - ``detail``: standard deviation of what the map has beyond the kriged layer;
    - ``border_share``: share of neighbouring pixels that belong to different classes;
    - ``border_step``: root mean square of the jump between them that comes from the change of
      coefficients alone;
    - ``inner_difference``: root mean square difference of neighbours of one class.
    """
    sample = parts.sample
    good = (sample.labels != EMPTY).all(axis=0)
    rows, cols, labels = sample.rows[good], sample.cols[good], sample.labels[:, good]
    values, low = sample.values[:, :, good], sample.low[:, :, good]
    pair = []
    for k in range(2):
        place = (rows, cols + k)
        background = _background(parts, lattice, variant, *place)
        pair.append(background + _image_part(lines, labels[k], values[k], low[k], variant))
    here = pair[0]
    geo = parts.cubic.at(lattice, rows, cols)
    found: list[tuple[str, str, float]] = [
        ("levels", "", float(parts.levels)),
        ("lattice_m", "", parts.lattice.pixel_width),
    ]
    for name, feature in zip(parts.names, values[0]):
        found.append(("r_map_feature", name, _correlation(here, feature)))
    found.append(("detail", "", _spread(here - geo)))
    differ = labels[0] != labels[1]
    middle, middle_low = values.mean(axis=0), low.mean(axis=0)
    sides = [
        _image_part(lines, side[differ], middle[:, differ], middle_low[:, differ], variant)
        for side in labels
    ]
    found.append(("border_share", "", float(differ.mean()) if len(differ) else np.nan))
    found.append(("border_step", "", _root_mean_square(sides[1] - sides[0])))
    found.append(("inner_difference", "", _root_mean_square((pair[1] - pair[0])[~differ])))
    return pd.DataFrame(found, columns=["quantity", "feature", "value"])


def _background(
    parts: Decomposition,
    lattice: NDArray[np.float64],
    variant: str,
    rows: NDArray[np.int64],
    cols: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return the part of the map that does not come from the image: Geo, or Geo_H if literal."""
    geo = parts.cubic.at(lattice, rows, cols)
    if variant == "sound":
        return geo
    return geo - parts.smooth.at(parts.smooth.inner(lattice), rows, cols)


def _image_part(
    lines: Lines,
    labels: NDArray[np.uint8],
    values: NDArray[np.float64],
    low: NDArray[np.float64],
    variant: str,
) -> NDArray[np.float64]:
    """Return the part of the map that comes from the image: b . MS_H, or 2a + b . MS if literal."""
    if variant == "sound":
        return np.asarray((lines.slopes[labels] * (values - low).T).sum(axis=1))
    return lines.of(labels, values) + lines.constants[labels]


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    a, b = first - first.mean(), second - second.mean()
    size = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / size) if size > 0 else np.nan


def _spread(values: NDArray[np.float64]) -> float:
    return float(values.std()) if values.size else np.nan


def _root_mean_square(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(np.square(values)))) if values.size else np.nan
