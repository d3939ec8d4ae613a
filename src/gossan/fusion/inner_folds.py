"""Folds that models of models use inside a fit."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gossan.arrays.folds import block_folds, block_labels, knndm_folds
from gossan.arrays.spacing import mean_spacing
from gossan.fusion.protocol import Features, Observations
from gossan.settings import Settings

__all__ = ["InnerFolds", "inner_folds"]

_TARGETS = 1000
_SPACINGS = 2.0


class InnerFolds(Settings):
    """Options of the folds inside a fit.

    ``folds`` "knndm": held-out samples lie as far from the fitted ones as the map's pixels do
    (for evenly spread samples that is nearly random; for clusters, whole clusters); "blocks":
    spatial blocks of two sample spacings.
    """

    folds: Literal["knndm", "blocks"] = "knndm"
    """How the samples are divided inside each fit."""
    number: int = Field(default=10, ge=3, le=50)
    """Number of these folds."""
    seed: int = 0
    """Of these folds."""

    @property
    def fitted_in_folds(self) -> int:
        """Number of models that are fitted in each fold."""
        return 2


def inner_folds(
    observations: Observations, features: Features, settings: InnerFolds
) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Divide observations into folds, and into blocks for the bootstrap.

    Blocks have a side of two mean sample spacings.

    Returns
    -------
    (n,) fold and (n,) block of each observation.
    """
    xy = observations.points.coordinates
    side = _SPACINGS * mean_spacing(xy)
    groups = block_labels(xy, side, settings.seed)
    number = min(settings.number, len(xy) // 5)
    if settings.folds == "blocks":
        return block_folds(xy, side, number, settings.seed), groups
    left, bottom, right, top = features.grid.bounds
    low = np.maximum(xy.min(axis=0), [left, bottom])
    high = np.minimum(xy.max(axis=0), [right, top])
    if not (high > low).all():
        low, high = xy.min(axis=0), xy.max(axis=0)
    targets = np.random.default_rng(settings.seed).uniform(low, high, (_TARGETS, 2))
    return knndm_folds(xy, targets, number, settings.seed), groups
