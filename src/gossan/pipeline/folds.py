"""Divide the samples of a run into folds, the same for every product of an element."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.arrays.folds import block_labels, knndm_folds, random_folds
from gossan.errors import FitError, must
from gossan.fusion.cross_validation import spatial_folds, spatial_side
from gossan.fusion.protocol import Observations
from gossan.geo.grid import Grid
from gossan.geochem.variogram import fit_variogram
from gossan.pipeline.make import Folds
from gossan.pipeline.project import ValidationSettings

SPATIAL = "spatial folds"
KNNDM = "kNNDM folds"
COLUMN = "own folds"
RANDOM = "random folds (optimistic)"
FEWEST = 20
"""Samples below which cross-validation says nothing."""


def folds_of(
    observations: Observations, grid: Grid, settings: ValidationSettings, seed: int
) -> dict[str, Folds]:
    """Give the ways to divide the samples, the trusted one first.

    The side of a spatial block is the practical range of the variogram (or ``block_km``).
    """
    if settings.folds == "none" or len(observations) < FEWEST:
        return {}
    coordinates = observations.points.coordinates
    side = 1000.0 * settings.block_km if settings.block_km else _range_m(observations)
    reached, _ = spatial_side(coordinates, side, settings.number)
    groups = block_labels(coordinates, reached, seed)
    random = {RANDOM: Folds(random_folds(len(observations), settings.number, seed), groups)}
    if settings.folds == "random":
        return random
    if settings.folds == "knndm":
        labels = knndm_folds(coordinates, _pixels(grid, seed), settings.number, seed)
        return {KNNDM: Folds(labels, groups), **random}
    if settings.folds == "column":
        return {COLUMN: Folds(_column(observations, settings.column), groups), **random}
    labels, groups = spatial_folds(observations, side, settings.number, seed)
    return {SPATIAL: Folds(labels, np.asarray(groups)), **random}


def _pixels(grid: Grid, seed: int, count: int = 1000) -> NDArray[np.float64]:
    """Draw pixel centres at random."""
    rng = np.random.default_rng(seed)
    easting, northing = grid.coordinates()
    return np.column_stack([rng.choice(easting, count), rng.choice(northing, count)])


def _column(observations: Observations, column: str | None) -> NDArray[np.int_]:
    """Take the user's own folds from a numeric column of the survey."""
    if column is None or column not in observations.points.columns:
        known = ", ".join(observations.points.columns) or "none"
        cure = "Name a numeric column in [validation] column and list it in covariates"
        raise FitError(must("[validation] column", f"one of {known}", repr(column), cure))
    return pd.factorize(observations.points.columns[column])[0]


def _range_m(observations: Observations) -> float:
    fitted = fit_variogram(observations.points.coordinates, observations.values).model
    return float(fitted.practical_range_m)
