"""Draw anomalies: zones, polygons with their attributes, ranked by a stated score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pydantic import Field, field_validator
from pyproj import CRS

from gossan.errors import InputError, must
from gossan.geo.layer import Layer, RenamedLayer, SelectedLayer, StackedLayer
from gossan.io.geometry_tables import GeoTable, geometry_table
from gossan.settings import Settings
from gossan.targets.above import AboveLayer
from gossan.targets.patches import Patches, find_patches

SCORE = "contrast_area x probability x exposure x (1 + coincident elements); what is unknown is 1"


class AnomalySettings(Settings):
    """Say what counts as an anomaly.

    >>> AnomalySettings().zones
    (1.0, 2.0, 4.0)
    """

    zones: Annotated[tuple[float, ...], Field(min_length=1)] = (1.0, 2.0, 4.0)
    """Lower limits of the zones, in multiples of the threshold; the first is 1."""

    minimum_pixels: Annotated[int, Field(ge=1)] = 4
    """Smaller anomalies are left out."""

    minimum_area_km2: Annotated[float, Field(ge=0)] = 0.0
    """Smaller anomalies are left out."""

    known_share: Annotated[float, Field(gt=0, le=1)] = 0.8
    """An anomaly that overlaps the coarse layer's by this share or more is known."""

    new_share: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """One that overlaps by less is new; what lies between is extended."""

    coincident_share: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Another element coincides where it is anomalous in this share of the area or more."""

    @field_validator("zones")
    @classmethod
    def _rising(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if value[0] != 1.0 or list(value) != sorted(set(value)):
            raise ValueError(must("zones", "rising from 1", str(value), "Use [1, 2, 4]"))
        return value


@dataclass(frozen=True)
class Evidence:
    """Hold what else is known on the map's grid; every part may be missing.

    ``coarse``: the old anomalies (1 or 0), as an :class:`AboveLayer` of the coarse layer;
    ``probability`` of exceedance and ``exposure`` (share of bare ground), 0 to 1: first band;
    ``others``: anomalies of other elements (1 or 0) by name; ``occurrences``: (n, 2) easting,
    northing of known mines and outcrops.
    """

    coarse: Layer | None = None
    probability: Layer | None = None
    exposure: Layer | None = None
    others: Mapping[str, Layer] = field(default_factory=dict)
    occurrences: NDArray[np.float64] | None = None

    def stacked(self) -> Layer | None:
        """Stack the maps as bands called coarse, probability, exposure and ``other <element>``."""
        named = {
            "coarse": self.coarse, "probability": self.probability, "exposure": self.exposure,
            **{f"other {name}": layer for name, layer in self.others.items()},
        }  # fmt: skip
        found = tuple(
            RenamedLayer(SelectedLayer(layer, layer.bands[:1]), (name,))
            for name, layer in named.items()
            if layer is not None
        )
        return StackedLayer(found) if found else None


@dataclass(frozen=True, eq=False)
class Anomalies:
    """Hold the anomalies of one element in one product.

    ``table``: one polygon per anomaly, best first; ``zones``: the parts at or above each multiple
    of the threshold, with the anomaly they belong to.
    """

    element: str
    threshold: float
    unit: str
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
    band: str | None = None,
    evidence: Evidence | None = None,
    settings: AnomalySettings | None = None,
) -> Anomalies:
    """Draw and rank the anomalies of a map.

    Parameters
    ----------
    layer : map of contents; ``band`` its band, None the first.
    threshold : in ``unit``, above 0; the lower limit of an anomaly.
    evidence : maps on the same grid and occurrences; see :class:`Evidence`.

    Returns
    -------
    Anomalies. Columns of its table: rank, anomaly, element, unit, threshold, zone (highest
    multiple reached), area_km2, area_2x_km2, area_4x_km2 (one per zone), peak, peak_easting,
    peak_northing, mean, contrast (mean / threshold), contrast_area (contrast x km2), probability
    (mean), coincident (names), coincident_n, overlap (share in old anomalies), status (known,
    extended, new; empty without a coarse layer), occurrence_m (distance to the nearest),
    occurrences (number inside), exposure, score. Unknown numbers are NaN.

    Raises
    ------
    InputError : a threshold that is not above 0. GridError : evidence on another grid.

    Source: contrast and contrast times area as in Chinese regional geochemical
    surveys, where the anomaly's lower limit is the denominator.

    >>> from affine import Affine
    >>> from pyproj import CRS
    >>> from gossan.geo.grid import Grid
    >>> from gossan.geo.layer import ArrayLayer
    >>> grid = Grid(CRS.from_epsg(32645), Affine(100.0, 0, 0, 0, -100.0, 600.0), 6, 8)
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
    grid, overlays = layer.grid, known.stacked()
    least = max(
        options.minimum_pixels,
        int(np.ceil(options.minimum_area_km2 * 1e6 / (grid.pixel_width * grid.pixel_height))),
    )
    levels = [threshold * zone for zone in options.zones[1:]]
    patches = find_patches(
        layer, threshold, band=band, levels=levels, overlays=overlays, minimum_pixels=least
    )
    columns = _measures(patches, threshold, options.zones)
    columns |= {"element": element, "unit": unit, "threshold": threshold}
    shares = dict(zip(overlays.bands, patches.overlays.T, strict=True)) if overlays else {}
    columns |= _evidence_columns(patches, shares, known, options)
    order, table = _ranked(columns, patches, element)
    zones = _zones(layer, threshold, band, options, patches, order, table)
    return Anomalies(element, threshold, unit, table, zones)


def _measures(patches: Patches, threshold: float, zones: Sequence[float]) -> dict[str, Any]:
    """Measure every patch from the map alone."""
    easting, northing = patches.grid.coordinates()
    pixel_km2 = patches.grid.pixel_width * patches.grid.pixel_height / 1e6
    reached = 1 + (patches.above > 0).sum(axis=1)
    columns: dict[str, Any] = {"zone": np.asarray(zones)[reached - 1]}
    columns["area_km2"] = patches.area_km2
    for zone, pixels in zip(zones[1:], patches.above.T, strict=True):
        columns[f"area_{zone:g}x_km2"] = pixels * pixel_km2
    columns |= {
        "peak": patches.peak,
        "peak_easting": easting[patches.peak_place[:, 1]],
        "peak_northing": northing[patches.peak_place[:, 0]],
        "mean": patches.mean,
        "contrast": patches.mean / threshold,
        "contrast_area": patches.mean / threshold * patches.area_km2,
    }
    return columns


def _evidence_columns(
    patches: Patches,
    shares: Mapping[str, NDArray[np.float64]],
    evidence: Evidence,
    options: AnomalySettings,
) -> dict[str, Any]:
    """Add what the evidence says about every patch."""
    unknown = np.full(len(patches), np.nan)
    coincide = {
        name: np.nan_to_num(shares[f"other {name}"]) >= options.coincident_share
        for name in evidence.others
    }
    names = [[n for n, mask in coincide.items() if mask[i]] for i in range(len(patches))]
    overlap = shares.get("coarse", unknown)
    status = np.select(
        [np.isnan(overlap), overlap >= options.known_share, overlap >= options.new_share],
        ["", "known", "extended"],
        "new",
    )
    distance, inside = unknown, np.zeros(len(patches), int)
    if evidence.occurrences is not None and len(evidence.occurrences) and len(patches):
        points = shapely.points(evidence.occurrences)
        tree = shapely.STRtree(points)
        nearest = tree.nearest(patches.geometry)
        distance = shapely.distance(patches.geometry, points[nearest])
        hits = tree.query(patches.geometry, predicate="intersects")[0]
        inside = np.bincount(hits, minlength=len(patches))
    return {
        "probability": shares.get("probability", unknown),
        "coincident": [", ".join(found) for found in names],
        "coincident_n": np.array([len(found) for found in names], int),
        "overlap": overlap,
        "status": status,
        "occurrence_m": distance,
        "occurrences": inside,
        "exposure": shares.get("exposure", unknown),
    }


def anomaly_score(columns: Mapping[str, Any]) -> NDArray[np.float64]:
    """Score anomalies: contrast x area x probability x exposure x (1 + coincident elements).

    A factor that is unknown (NaN) is 1.

    >>> anomaly_score({"contrast_area": [2.0], "probability": [0.5], "exposure": [np.nan],
    ...                "coincident_n": [1]}).tolist()
    [2.0]
    """
    factors = [np.asarray(columns[name], float) for name in ("probability", "exposure")]
    known = [np.where(np.isnan(factor), 1.0, factor) for factor in factors]
    area = np.asarray(columns["contrast_area"], float)
    return area * known[0] * known[1] * (1 + np.asarray(columns["coincident_n"], float))


_FIRST = ("rank", "anomaly", "element", "unit", "threshold")


def _ranked(
    columns: dict[str, Any], patches: Patches, element: str
) -> tuple[NDArray[np.int64], GeoTable]:
    frame = pd.DataFrame(columns, index=np.arange(len(patches)))
    frame["score"] = anomaly_score(columns)
    order = np.argsort(-frame["score"].to_numpy(), kind="stable")
    frame = frame.iloc[order].reset_index(drop=True)
    frame["rank"] = np.arange(1, len(frame) + 1)
    frame["anomaly"] = [f"{element}-{rank}" for rank in frame["rank"]]
    frame = frame[[*_FIRST, *(name for name in frame if name not in _FIRST)]]
    return order, geometry_table(
        {str(name): frame[name] for name in frame}, patches.geometry[order], patches.grid.crs
    )


def _zones(
    layer: Layer,
    threshold: float,
    band: str | None,
    options: AnomalySettings,
    patches: Patches,
    order: NDArray[np.int64],
    table: GeoTable,
) -> GeoTable:
    """Draw the parts above each multiple of the threshold, inside the anomalies that were kept."""
    names = table["anomaly"].to_numpy(dtype=object)
    tree = shapely.STRtree(patches.geometry[order])
    rows: list[tuple[str, float, float, float, Any]] = []
    top = patches.peak.max(initial=-np.inf)
    for zone in options.zones:
        if threshold * zone > top:
            break
        parts = patches if zone == 1.0 else find_patches(layer, threshold * zone, band=band)
        easting, northing = parts.grid.coordinates()
        first = shapely.points(easting[parts.first_place[:, 1]], northing[parts.first_place[:, 0]])
        part, owner = tree.query(first, predicate="within") if len(parts) else ([], [])
        for i, j in sorted(zip(part, owner, strict=True), key=lambda pair: (pair[1], pair[0])):
            row = (names[j], zone, threshold * zone, parts.area_km2[i], parts.geometry[i])
            rows.append(row)
    titles = ("anomaly", "zone", "lower_limit", "area_km2", "geometry")
    columns = dict(zip(titles, zip(*rows, strict=True), strict=True)) if rows else {}
    kinds = {"anomaly": str, "zone": float, "lower_limit": float, "area_km2": float}
    plain = {k: pd.Series(columns.get(k, ()), dtype=kind) for k, kind in kinds.items()}
    return geometry_table(plain, columns.get("geometry", ()), CRS.from_user_input(table.crs))


def old_anomalies(coarse: Layer, threshold: float, band: str | None = None) -> AboveLayer:
    """Mark the coarse layer's anomalies, for :class:`Evidence`."""
    return AboveLayer(coarse, threshold, band, "coarse")
