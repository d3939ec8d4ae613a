"""Anomalies of a map: outlined by probability, described by evidence, ranked by a stated score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator
from pyproj import CRS

from gossan.errors import InputError, must
from gossan.geo.layer import Layer
from gossan.io.geometry_tables import GeoTable, degrees_at, geometry_table
from gossan.io.tables import Column
from gossan.settings import Settings
from gossan.targets.evidence import (
    Evidence,
    at_peaks,
    coincident_columns,
    means_of,
    occurrence_columns,
    sample_columns,
)
from gossan.targets.patches import Drawn, Patches, patches_and_zones
from gossan.targets.reasons import reasons

SCORE = (
    "contrast_area x probability x applicable x exposure x sample_share x (1 - unsupported) "
    "x (1 - unsampled) x (1 + coincident elements); what is unknown is 1"
)
LEVELS = 8
"""Levels of probability, from the widest outline to the narrowest, that outlines are tried at."""


class AnomalySettings(Settings):
    """What counts as an anomaly.

    >>> AnomalySettings().zones
    (1.0, 2.0, 4.0)
    """

    probability: Annotated[float, Field(gt=0, lt=1)] = 0.6
    """Least mean probability, over an anomaly, that the threshold is exceeded."""

    grow_to: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """An outline takes in neighbours down to this probability while its mean stays as above."""

    minimum_area_km2: Annotated[float, Field(ge=0)] | None = None
    """Smaller anomalies are left out; default: half the square of the distance between samples,
    times the share of the variance that the map leaves open."""

    minimum_pixels: Annotated[int, Field(ge=1)] = 4
    """Smaller anomalies are left out, whatever their area."""

    zones: Annotated[tuple[float, ...], Field(min_length=1)] = (1.0, 2.0, 4.0)
    """Lower limits of the zones, in multiples of the threshold; the first is 1."""

    known_probability: Annotated[float, Field(gt=0, le=1)] = 0.4
    """An anomaly is known where kriging's mean probability reaches this, or a sample inside it
    reaches the threshold."""

    new_probability: Annotated[float, Field(ge=0, lt=1)] = 0.2
    """It is new where kriging's mean probability is less than this and no sample near it reaches
    the threshold; else it extends what was known."""

    coincident_share: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Another element coincides where it is anomalous in this share of the area or more."""

    @field_validator("zones")
    @classmethod
    def _rising(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if value[0] != 1.0 or list(value) != sorted(set(value)):
            raise ValueError(must("zones", "rising from 1", str(value), "Use [1, 2, 4]"))
        return value

    @model_validator(mode="after")
    def _outline_below_mean(self) -> AnomalySettings:
        if self.grow_to > self.probability:
            raise ValueError(
                must("grow_to", f"at most probability ({self.probability:g})", self.grow_to,
                     "Lower it")
            )  # fmt: skip
        return self


@dataclass(frozen=True, eq=False)
class Anomalies:
    """The anomalies of one element in one product.

    ``table``: one polygon per anomaly, best first; ``zones``: the parts at or above each multiple
    of the threshold, with the anomaly they belong to; ``smallest_km2``: smaller ones were left out.
    """

    element: str
    threshold: float
    unit: str
    smallest_km2: float
    table: GeoTable = field(repr=False)
    zones: GeoTable = field(repr=False)

    def __len__(self) -> int:
        return len(self.table)


def find_anomalies(
    layer: Layer,
    threshold: float,
    *,
    element: str,
    unit: str = "ppm",
    evidence: Evidence | None = None,
    settings: AnomalySettings | None = None,
) -> Anomalies:
    """Outline and rank the anomalies of a map.

    With a probability of exceedance among the evidence, an anomaly is the widest connected outline
    at probabilities between ``grow_to`` and ``probability`` whose mean is at least
    ``probability``; without one, it is a patch at or above the threshold. Anomalies whose
    supported part is smaller than the least area are left out.

    Parameters
    ----------
    layer : map of contents; its first band counts.
    threshold : in ``unit``, above 0; the lower limit of an anomaly.
    evidence : maps on the same grid, samples and occurrences; see :class:`Evidence`.

    Returns
    -------
    Anomalies. docs/targets.md lists the columns of its table. Unknown numbers are NaN.

    Raises
    ------
    InputError : a threshold that is not above 0. GridError : evidence on another grid.

    Source: contrast and contrast times area as in Chinese regional geochemical
    surveys, where the anomaly's lower limit is the denominator.

    >>> from affine import Affine
    >>> from pyproj import CRS
    >>> from gossan.geo.grid import Grid
    >>> from gossan.geo.layer import ArrayLayer
    >>> grid = Grid(CRS.from_epsg(32645), Affine(100.0, 0, 5e5, 0, -100.0, 4.4e6), 6, 8)
    >>> cu = np.ones((1, 6, 8)); cu[0, 1:4, 2:6] = 90.0; cu[0, 2, 3] = 250.0
    >>> found = find_anomalies(ArrayLayer(grid, ("Cu",), cu), 60.0, element="Cu")
    >>> found.table[["anomaly", "area_km2", "peak", "zone"]].to_numpy().tolist()
    [['Cu-1', 0.12, 250.0, 4.0]]
    """
    options, known = settings or AnomalySettings(), evidence or Evidence()
    if not (np.isfinite(threshold) and threshold > 0):
        raise InputError(
            must("threshold", "a number above 0", threshold, "Use another rule or give a number")
        )
    averaged = known.averaged(options.grow_to)
    patches, higher = _outlined(layer, threshold, known, averaged, options)
    columns = _measures(patches, threshold, options.zones)
    columns |= {Column.ELEMENT: element, Column.UNIT: unit, Column.THRESHOLD: threshold}
    shares = means_of(patches, averaged)
    columns |= {name: shares[name] for name in shares if not name.startswith("other ")}
    columns[Column.RESIDUAL] = columns[Column.MEAN] - shares[Column.BACKGROUND]
    columns |= at_peaks(patches, known)
    columns |= sample_columns(patches, known.samples, threshold)
    columns |= coincident_columns(shares, known.others, options.coincident_share, len(patches))
    columns |= occurrence_columns(patches, known.occurrences)
    columns[Column.STATUS] = _status(columns, known, options)
    order, table = _ranked(columns, patches, element)
    zones = _zones(threshold, higher, patches.take(order), table)
    return Anomalies(element, threshold, unit, options.minimum_area_km2 or 0.0, table, zones)


def _outlined(
    layer: Layer,
    threshold: float,
    evidence: Evidence,
    averaged: Layer | None,
    options: AnomalySettings,
) -> tuple[Patches, dict[float, Drawn]]:
    """Find the widest outlines that are probable enough, from the lowest level up.

    Returns them, and what draws the parts of the map at or above each further zone.
    """
    grid = layer.grid
    pixel_km2 = grid.pixel_width * grid.pixel_height / 1e6
    least = max(options.minimum_pixels, int(np.ceil((options.minimum_area_km2 or 0) / pixel_km2)))
    counted = [threshold * zone for zone in options.zones[1:]]
    rising = np.linspace(options.grow_to, options.probability, LEVELS).tolist()
    levels = [threshold] if evidence.probability is None else rising
    drawn, zones = patches_and_zones(
        layer, levels, counted, within=evidence.probability, levels=counted, overlays=averaged,
        minimum_pixels=least,
    )  # fmt: skip
    higher = dict(zip(options.zones[1:], zones, strict=True))

    def supported(patches: Patches) -> NDArray[np.bool_]:
        shares = means_of(patches, averaged)[Column.UNSUPPORTED]
        return patches.pixels * (1 - np.nan_to_num(shares)) >= least

    if evidence.probability is None:
        found = drawn[0]()
        return found.take(supported(found)), higher
    taken: list[Patches] = []
    for draw in drawn:
        found = draw()
        found = found.take(supported(found) & ~_inside(found, taken))
        enough = means_of(found, averaged)[Column.PROBABILITY] >= options.probability
        taken.append(found.take(enough))
        if enough.all():
            break
    return Patches.joined(taken), higher


def _inside(patches: Patches, taken: Sequence[Patches]) -> NDArray[np.bool_]:
    """Return which patches lie within outlines that were found at a lower level."""
    wider = np.concatenate([part.geometry for part in taken]) if taken else np.empty(0, object)
    hits = shapely.STRtree(wider).query(shapely.points(patches.first_coordinates), "within")
    return np.isin(np.arange(len(patches)), hits[0])


def _measures(patches: Patches, threshold: float, zones: Sequence[float]) -> dict[str, Any]:
    """Measure every patch from the map alone."""
    pixel_km2 = patches.grid.pixel_width * patches.grid.pixel_height / 1e6
    reached = 1 + (patches.above > 0).sum(axis=1)
    columns: dict[str, Any] = {Column.ZONE: np.asarray(zones)[reached - 1]}
    columns[Column.AREA_KM2] = patches.area_km2
    for zone, pixels in zip(zones[1:], patches.above.T, strict=True):
        columns[f"area_{zone:g}x_km2"] = pixels * pixel_km2
    easting, northing = patches.peak_coordinates.T
    longitude, latitude = degrees_at(easting, northing, patches.grid.crs)
    return columns | {
        Column.PEAK: patches.peak,
        Column.PEAK_EASTING: easting,
        Column.PEAK_NORTHING: northing,
        Column.PEAK_LONGITUDE: longitude,
        Column.PEAK_LATITUDE: latitude,
        Column.MEAN: patches.mean,
        Column.CONTRAST: patches.mean / threshold,
        Column.CONTRAST_AREA: patches.mean / threshold * patches.area_km2,
    }


def _status(
    columns: Mapping[str, Any], evidence: Evidence, options: AnomalySettings
) -> NDArray[np.str_]:
    """Return what was known before: by the coarse layer's probability and by the samples."""
    before = columns[Column.COARSE_PROBABILITY]
    known = (before >= options.known_probability) | (columns[Column.SAMPLES_ABOVE_INSIDE] > 0)
    quiet = np.nan_to_num(before) < options.new_probability
    new = quiet & (columns[Column.SAMPLES_ABOVE] == 0)
    if evidence.coarse is None and evidence.samples is None:
        return np.full(len(before), "")
    return np.select([known, new], ["known", "new"], "extended")


def anomaly_score(columns: Mapping[str, Any]) -> NDArray[np.float64]:
    """Score anomalies by :data:`SCORE`; a factor that is unknown (NaN) or missing is 1.

    >>> anomaly_score({"contrast_area": [2.0], "probability": [0.5], "exposure": [np.nan],
    ...                "coincident_n": [1]}).tolist()
    [2.0]
    """
    score = np.asarray(columns[Column.CONTRAST_AREA], float)
    score = score * (1 + np.asarray(columns[Column.COINCIDENT_N], float))
    for name in (Column.PROBABILITY, Column.APPLICABLE, Column.EXPOSURE, Column.SAMPLE_SHARE):
        factor = np.asarray(columns.get(name, np.nan), float)
        score = score * np.where(np.isnan(factor), 1.0, factor)
    for name in (Column.UNSUPPORTED, Column.UNSAMPLED):
        score = score * (1 - np.nan_to_num(np.asarray(columns.get(name, 0.0), float)))
    return score


_FIRST = (
    Column.RANK, Column.ANOMALY, Column.ELEMENT, Column.UNIT, Column.THRESHOLD, Column.STATUS,
    Column.SCORE,
)  # fmt: skip


def _ranked(
    columns: dict[str, Any], patches: Patches, element: str
) -> tuple[NDArray[np.int64], GeoTable]:
    frame = pd.DataFrame(columns, index=np.arange(len(patches)))
    frame[Column.SCORE] = anomaly_score(columns)
    order = np.argsort(-frame[Column.SCORE].to_numpy(), kind="stable")
    frame = frame.iloc[order].reset_index(drop=True)
    frame[Column.RANK] = np.arange(1, len(frame) + 1)
    frame[Column.ANOMALY] = [f"{element}-{rank}" for rank in frame[Column.RANK]]
    frame = frame.join(reasons(frame))
    frame = frame[[*_FIRST, *(name for name in frame if name not in _FIRST)]]
    return order, geometry_table(
        {str(name): frame[name] for name in frame}, patches.geometry[order], patches.grid.crs
    )


def _zones(
    threshold: float, higher: Mapping[float, Drawn], patches: Patches, table: GeoTable
) -> GeoTable:
    """Outline the parts at or above each multiple of the threshold; the first is the anomaly.

    ``higher`` draws what the map shows at or above each further multiple.
    """
    names = table[Column.ANOMALY].to_numpy(dtype=object)
    parts = [
        pd.DataFrame({Column.ANOMALY: names, Column.ZONE: 1.0, "geometry": list(patches.geometry)})
    ]
    tree = shapely.STRtree(patches.geometry)
    highest = patches.peak.max(initial=-np.inf)
    for zone in (zone for zone in higher if threshold * zone <= highest):
        above = higher[zone]()
        part, owner = tree.query(above.geometry, predicate="intersects")
        part, owner = part[np.lexsort((part, owner))], np.sort(owner)
        shapes = _common(above.geometry[part], patches.geometry[owner])
        found = pd.DataFrame(
            {Column.ANOMALY: names[owner], Column.ZONE: zone, "geometry": list(shapes)}
        )
        parts.append(found[shapely.area(shapes) > 0])
    whole = pd.concat(parts, ignore_index=True)
    shapes = whole.pop("geometry").to_numpy(dtype=object)
    whole["lower_limit"] = threshold * whole[Column.ZONE].astype(float)
    whole[Column.AREA_KM2] = shapely.area(shapes) / 1e6
    kinds = {Column.ANOMALY: str, Column.ZONE: float, "lower_limit": float, Column.AREA_KM2: float}
    columns = {str(name): whole[name].astype(kind) for name, kind in kinds.items()}
    return geometry_table(columns, shapes, CRS.from_user_input(table.crs))


def _common(shapes: NDArray[np.object_], owners: NDArray[np.object_]) -> NDArray[np.object_]:
    """Cut shapes (n,) to their owners (n,); most lie inside and are left as they are.

    >>> box = shapely.box([0, 2, 6], [0, 2, 6], [4, 3, 9], [4, 3, 9])
    >>> shapely.area(_common(box, np.full(3, shapely.box(0, 0, 7, 7)))).tolist()
    [16.0, 1.0, 1.0]
    """
    shapely.prepare(owners)
    found = shapes.copy()
    across = np.flatnonzero(~shapely.covers(owners, shapes))
    found[across] = shapely.intersection(shapes[across], owners[across])
    return found
