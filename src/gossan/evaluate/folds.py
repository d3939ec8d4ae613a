"""Choose folds by word: spatial blocks, kNNDM, a column of the survey, or random."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from gossan.arrays.folds import (
    block_folds,
    block_labels,
    distance_to_fit,
    knndm_folds,
    network_folds,
    random_folds,
)
from gossan.arrays.spacing import mean_spacing
from gossan.errors import FitError, GossanError, SettingsError, must
from gossan.fusion.cross_validation import spatial_side
from gossan.fusion.features.sources import NoFeatures
from gossan.fusion.protocol import Features, Observations, Points
from gossan.geo.grid import Grid
from gossan.geochem.variogram.fitting import fit_variogram
from gossan.io.contract import Comparison, ComparisonKind, FoldWord
from gossan.settings import Settings

__all__ = ["Division", "Folds", "ValidationSettings", "divide", "make_folds", "residual_range"]

FEWEST_TO_VALIDATE = 20
"""Samples below which cross-validation says nothing."""
_TARGETS = 1000


class ValidationSettings(Settings):
    """How products are tested at samples that they have not seen.

    ``kinds`` of folds: "blocks", "drainage" (blocks of whole drainage networks; the default where
    samples stand for catchments), "knndm" and "column" (needs ``column``, a column of the survey)
    keep neighbours together: the first of them calibrates the intervals and gives the skill.
    "random" is shown beside them, labelled optimistic. ``block_km`` is the side of the blocks;
    default: the range of the residual.
    """

    kinds: tuple[FoldWord, ...] = ("blocks", "random")
    folds: int = Field(default=10, ge=2, le=50)
    """Number of folds."""
    block_km: float | None = Field(default=None, gt=0)
    column: str | None = None
    """Column of the survey that holds the folds, for ``kinds = ["column"]``."""

    @field_validator("kinds")
    @classmethod
    def _spatial(cls, kinds: tuple[FoldWord, ...]) -> tuple[FoldWord, ...]:
        if kinds and not any(_comparison(kind).is_spatial for kind in kinds):
            cure = 'Add "blocks": random folds are too optimistic to calibrate intervals by'
            raise ValueError(must("kinds", "spatial in at least one", ", ".join(kinds), cure))
        return kinds

    def kinds_for(self, points: Points) -> tuple[FoldWord, ...]:
        """Kinds of folds of some samples: those asked for, else what suits their support."""
        usual: tuple[FoldWord, ...] = ("drainage", "random")
        asked = "kinds" in self.model_fields_set or points.grounds is None
        return self.kinds if asked else usual


def _comparison(kind: FoldWord) -> Comparison:
    return Comparison(ComparisonKind(kind))


@dataclass(frozen=True, eq=False)
class Folds:
    """One division of the samples.

    ``labels`` (n,) fold of each sample; ``groups`` (n,) spatial block, for the bootstrap; ``note``
    says how they were made.
    """

    kind: FoldWord
    labels: NDArray[np.int_]
    groups: NDArray[np.int_]
    note: str

    @property
    def comparison(self) -> Comparison:
        """What tables call the tests by these folds."""
        return _comparison(self.kind)


@dataclass(frozen=True, eq=False)
class Division:
    """All ways to divide the samples of an element, and the range of the residual in metres."""

    folds: Mapping[FoldWord, Folds]
    range_m: float

    @property
    def spatial(self) -> Folds | None:
        """The first spatial folds, whatever the order; None where no sample is held out."""
        return next((one for one in self.folds.values() if one.comparison.is_spatial), None)

    def note(self, comparison: Comparison) -> str:
        """Describe how the samples of a comparison were chosen."""
        if comparison.is_check:
            return f"independent samples of {comparison.survey}"
        notes = [one.note for one in self.folds.values() if one.comparison == comparison]
        return notes[0] if notes else ""


def divide(
    observations: Observations, settings: ValidationSettings, grid: Grid, seed: int
) -> Division:
    """Divide samples in every way asked for; fewer than 20 samples are not divided."""
    range_m = residual_range(observations, NoFeatures(grid))
    enough = len(observations) >= FEWEST_TO_VALIDATE
    folds = {
        kind: make_folds(kind, observations, settings, range_m, grid, seed)
        for kind in (settings.kinds_for(observations.points) if enough else ())
    }
    return Division(folds, range_m)


def residual_range(observations: Observations, features: Features) -> float:
    """Measure how far what the features leave unexplained is alike, in metres.

    Practical range of the variogram of the residual of a ridge regression on the features (of the
    values themselves where there are no features); 0 for a pure nugget.
    """
    values = observations.values
    x = features.at(observations.points)
    filled = np.isfinite(x).all(axis=1) if x.shape[1] else np.zeros(len(values), dtype=bool)
    if filled.sum() >= max(20, 2 * x.shape[1]):
        kept = x[filled]
        spread = kept.std(axis=0)
        z = (kept[:, spread > 0] - kept[:, spread > 0].mean(axis=0)) / spread[spread > 0]
        centred = values[filled] - values[filled].mean()
        gram = z.T @ z + max(z.shape[1], 1) * np.eye(z.shape[1])
        residual = centred - z @ np.linalg.solve(gram, z.T @ centred)
        places = observations.points.coordinates[filled]
    else:
        residual, places = values, observations.points.coordinates
    try:
        return fit_variogram(places, residual, method="wls").model.practical_range_m
    except GossanError:
        return 0.0


def make_folds(
    kind: FoldWord,
    observations: Observations,
    settings: ValidationSettings,
    range_m: float,
    grid: Grid | None = None,
    seed: int = 0,
) -> Folds:
    """Divide observations into folds of one kind.

    Parameters
    ----------
    kind
        "blocks", "drainage", "knndm", "random" or "column".
    observations
        n samples; for "column" their points carry ``settings.column``, for "drainage" their ground.
    settings
        number of folds, side of blocks, column.
    range_m
        range of the residual in metres: least side of a block.
    grid
        ground to be mapped, for "knndm" (the samples' rectangle if None).
    seed
        of everything random.

    Raises
    ------
    SettingsError
        a column or catchments are needed.
    FitError
        the samples fall into fewer than two folds.
    """
    xy = observations.points.coordinates
    side, reaches = _side(xy, settings, range_m)
    groups = block_labels(xy, side, seed)
    if kind == "random":
        labels = random_folds(len(xy), min(settings.folds, len(xy)), seed)
        note = "random folds: neighbours help each other, scores are optimistic"
    elif kind == "column":
        labels, note = _from_column(observations, settings), f"folds of column {settings.column!r}"
    elif kind == "drainage":
        labels, groups = network_folds(xy, _networks(observations), side, settings.folds, seed)
        note = f"whole drainage networks, by blocks of {side / 1000:.2g} km"
    elif kind == "knndm":
        labels = knndm_folds(xy, _targets(xy, grid, seed), settings.folds, seed)
        away = np.median(distance_to_fit(xy, labels))
        note = f"kNNDM folds, held-out samples {away / 1000:.2g} km from fitted ones (median)"
    else:
        labels = block_folds(xy, side, settings.folds, seed)
        note = f"spatial blocks of {side / 1000:.2g} km"
        if not reaches:
            note += f", less than the residual's range of {range_m / 1000:.2g} km"
    if np.unique(labels).size < 2:
        cure = "Set a smaller block_km, or add samples"
        raise FitError(must(f"{kind} folds", "at least two", "one", cure))
    return Folds(kind, labels, groups, note)


def _side(
    xy: NDArray[np.float64], settings: ValidationSettings, range_m: float
) -> tuple[float, bool]:
    """Choose the side of the blocks in metres and tell whether it reaches the range."""
    if settings.block_km is not None:
        return settings.block_km * 1000.0, settings.block_km * 1000.0 >= range_m
    wanted = max(range_m, 2.0 * mean_spacing(xy))
    side, reaches = spatial_side(xy, wanted, settings.folds)
    return side, reaches or side >= range_m


def _from_column(observations: Observations, settings: ValidationSettings) -> NDArray[np.int_]:
    if settings.column is None:
        raise SettingsError(
            must("column", "named for folds of kind column", "none", 'Add column = "..."')
        )
    if settings.column not in observations.points.columns:
        have = ", ".join(observations.points.columns) or "no columns"
        raise SettingsError(
            must("column", "a column of the survey", repr(settings.column), f"It has {have}")
        )
    values = np.asarray(observations.points.columns[settings.column])
    return np.unique(values, return_inverse=True)[1].ravel()


def _networks(observations: Observations) -> NDArray[np.int_]:
    """Return the drainage network (n,) of each sample."""
    grounds = observations.points.grounds
    if grounds is None:
        cure = 'Set support = "catchment" in the [[survey]], or use blocks'
        got = "squares or points"
        raise SettingsError(must("samples for folds of kind drainage", "catchments", got, cure))
    return grounds.network


def _targets(xy: NDArray[np.float64], grid: Grid | None, seed: int) -> NDArray[np.float64]:
    """Choose about a thousand places, evenly at random, of the ground to be mapped."""
    rng = np.random.default_rng(seed)
    if grid is not None and grid.height * grid.width <= 4 * _TARGETS:
        return grid.centres()
    if grid is not None:
        left, bottom, right, top = grid.bounds
        low, high = np.array([left, bottom]), np.array([right, top])
    else:
        low, high = xy.min(axis=0), xy.max(axis=0)
    return rng.uniform(low, high, (_TARGETS, 2))
