"""What else is known where a map is anomalous: samples, other maps, occurrences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gossan.arrays.array_type import Array
from gossan.geo.grid import Window
from gossan.geo.layer import (
    Layer,
    OnSourceGrid,
    RenamedLayer,
    SelectedLayer,
    StackedLayer,
    values_at,
)
from gossan.geochem.kriging.extrapolation import hull_of, outside
from gossan.io.tables import Column
from gossan.targets.above import AboveLayer
from gossan.targets.patches import Patches


@dataclass(frozen=True, eq=False)
class SampledGround:
    """Samples of one element: ``places`` (n, 2), ``values`` (n,) in the map's unit.

    ``spacing_m``: typical distance between neighbouring samples, or the side of the square that
    one sample stands for if that is larger. A sample within this distance counts as near.
    """

    places: Array
    values: Array
    spacing_m: float

    @property
    def hull(self) -> shapely.Geometry:
        """Convex hull of the samples, half a spacing wider."""
        return hull_of(self.places, self.spacing_m / 2)

    @property
    def highest(self) -> float:
        """Highest sample."""
        return float(np.max(self.values))


@dataclass(frozen=True)
class UnsupportedLayer(OnSourceGrid):
    """Where nothing vouches for an estimate: beyond the samples and above the highest of them.

    1 where the estimate exceeds ``highest`` outside ``hull``, else 0; NaN where it is empty.
    """

    source: Layer
    hull: shapely.Geometry
    highest: float

    @property
    def bands(self) -> tuple[str, ...]:
        """The one band."""
        return ("unsupported",)

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read and compare."""
        values = self.source.read(window)[:1]
        found = np.where(np.isnan(values), np.nan, 0.0).astype(np.float32)
        high = np.nonzero(values[0] > self.highest)
        easting, northing = self.grid.coordinates(window)
        off = outside(self.hull, easting[high[1]], northing[high[0]])
        found[0, high[0][off], high[1][off]] = 1.0
        return found


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known beside the map, on the map's grid; every part may be missing.

    Attributes
    ----------
    probability
        Probability that the threshold is exceeded; anomalies are outlined by it.
    interval
        Lower and upper bound of the content's 90 % interval.
    coarse
        Probability of exceedance by the coarse layer (kriging), from which an anomaly is known,
        extended or new.
    applicable
        1 where imagery looks like that of some sample, 0 elsewhere.
    exposure
        Share of bare ground.
    unsupported
        1 where an estimate exceeds every sample beyond the samples.
    unsampled
        1 on ground of no sample's catchment, where samples stand for catchments.
    background
        Content that the classes of ground, such as rocks, lead to expect.
    others
        Anomalies of other elements (1 or 0) by name.
    occurrences
        (n, 2) easting, northing of known mines and outcrops.
    samples
        The samples behind the map.
    """

    probability: Layer | None = None
    interval: Layer | None = None
    coarse: Layer | None = None
    applicable: Layer | None = None
    exposure: Layer | None = None
    unsupported: Layer | None = None
    unsampled: Layer | None = None
    background: Layer | None = None
    others: Mapping[str, Layer] = field(default_factory=dict)
    occurrences: Array | None = None
    samples: SampledGround | None = None

    def averaged(self, outline_at: float) -> Layer | None:
        """Stack what is averaged over each anomaly; ``overlap``: coarse P at this or above."""
        named = {
            Column.PROBABILITY: self.probability,
            Column.COARSE_PROBABILITY: self.coarse,
            Column.OVERLAP: AboveLayer(self.coarse, outline_at) if self.coarse else None,
            Column.APPLICABLE: self.applicable,
            Column.EXPOSURE: self.exposure,
            Column.UNSUPPORTED: self.unsupported,
            Column.UNSAMPLED: self.unsampled,
            Column.BACKGROUND: self.background,
            **{_other(name): layer for name, layer in self.others.items()},
        }
        found = tuple(
            RenamedLayer(SelectedLayer(layer, layer.bands[:1]), (name,))
            for name, layer in named.items()
            if layer is not None
        )
        return StackedLayer(found) if found else None


def _other(element: str) -> str:
    return f"other {element}"


MEANS = (
    Column.PROBABILITY, Column.COARSE_PROBABILITY, Column.OVERLAP, Column.APPLICABLE,
    Column.EXPOSURE, Column.UNSUPPORTED, Column.UNSAMPLED, Column.BACKGROUND,
)  # fmt: skip
"""Columns that are means of a layer over the anomaly."""


def means_of(patches: Patches, averaged: Layer | None) -> dict[str, Array]:
    """Return the mean of every averaged layer over every patch; NaN for what is unknown."""
    bands = averaged.bands if averaged else ()
    found = dict(zip(bands, patches.overlays.T, strict=True))
    return {name: np.full(len(patches), np.nan) for name in MEANS} | found


def at_peaks(patches: Patches, evidence: Evidence) -> dict[str, Array]:
    """Return the probability of exceedance and the 90 % interval at every peak."""
    unknown = np.full(len(patches), np.nan)
    names = (Column.PEAK_PROBABILITY, Column.PEAK_LOWER90, Column.PEAK_UPPER90)
    columns: dict[str, Array] = dict.fromkeys(names, unknown)
    peaks = patches.peak_coordinates
    if evidence.probability is not None and len(patches):
        columns[Column.PEAK_PROBABILITY] = values_at(evidence.probability, peaks)[:, 0]
    if evidence.interval is not None and len(patches):
        lower, upper = values_at(evidence.interval, peaks).T
        columns |= {Column.PEAK_LOWER90: lower, Column.PEAK_UPPER90: upper}
    return columns


def sample_columns(
    patches: Patches, samples: SampledGround | None, threshold: float
) -> dict[str, Any]:
    """Say what the samples say of every patch.

    Returns
    -------
    Columns ``samples`` (number inside), ``samples_near`` (inside, or nearer than the spacing),
    ``samples_above`` (of those near, at or above the threshold), ``samples_above_inside``,
    ``highest_sample`` (of those near; NaN without any), ``sample_m`` (from the peak to the nearest
    sample) and ``sample_share``: the share of samples above the threshold to be expected there by
    the rule of succession, (above + 1) / (near + 2); without samples all are unknown.
    """
    count = len(patches)
    whole = (Column.SAMPLES, Column.SAMPLES_NEAR, Column.SAMPLES_ABOVE, Column.SAMPLES_ABOVE_INSIDE)
    columns: dict[str, Any] = {name: np.zeros(count, int) for name in whole}
    unknown = np.full(count, np.nan)
    columns |= dict.fromkeys((Column.HIGHEST_SAMPLE, Column.SAMPLE_M, Column.SAMPLE_SHARE), unknown)
    if samples is None or not len(samples.values) or not count:
        return columns
    points = shapely.points(samples.places)
    tree = shapely.STRtree(points)
    inside = tree.query(patches.geometry, predicate="intersects")
    near = tree.query(patches.geometry, predicate="dwithin", distance=samples.spacing_m)
    peaks = shapely.points(patches.peak_coordinates)
    highest = np.full(count, -np.inf)
    np.maximum.at(highest, near[0], samples.values[near[1]])
    above = samples.values >= threshold

    def number(pairs: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.bincount(pairs[0], minlength=count)

    columns[Column.SAMPLES], columns[Column.SAMPLES_NEAR] = number(inside), number(near)
    columns[Column.SAMPLES_ABOVE] = number(near[:, above[near[1]]])
    columns[Column.SAMPLES_ABOVE_INSIDE] = number(inside[:, above[inside[1]]])
    columns[Column.HIGHEST_SAMPLE] = np.where(np.isfinite(highest), highest, np.nan)
    columns[Column.SAMPLE_M] = shapely.distance(peaks, points[tree.nearest(peaks)])
    above_near, near_all = columns[Column.SAMPLES_ABOVE], columns[Column.SAMPLES_NEAR]
    columns[Column.SAMPLE_SHARE] = (above_near + 1) / (near_all + 2)
    return columns


def occurrence_columns(patches: Patches, occurrences: Array | None) -> dict[str, Any]:
    """Return the distance to the nearest occurrence and the number inside of every patch."""
    count = len(patches)
    if occurrences is None or not len(occurrences) or not count:
        return {
            Column.OCCURRENCE_M: np.full(count, np.nan),
            Column.OCCURRENCES: np.zeros(count, int),
        }
    points = shapely.points(occurrences)
    tree = shapely.STRtree(points)
    hits = tree.query(patches.geometry, predicate="intersects")[0]
    return {
        Column.OCCURRENCE_M: shapely.distance(
            patches.geometry, points[tree.nearest(patches.geometry)]
        ),
        Column.OCCURRENCES: np.bincount(hits, minlength=count),
    }


def coincident_columns(
    shares: Mapping[str, Array], others: Mapping[str, Layer], least: float, count: int
) -> dict[str, Any]:
    """Return names and number of the other elements anomalous in a large enough share."""
    coincide = {name: np.nan_to_num(shares[_other(name)]) >= least for name in others}
    names = [[name for name, mask in coincide.items() if mask[i]] for i in range(count)]
    return {
        Column.COINCIDENT: [", ".join(found) for found in names],
        Column.COINCIDENT_N: np.array([len(found) for found in names], int),
    }
