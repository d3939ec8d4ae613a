"""Where to sample next: the places that take most doubt or error out of a map."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, Protocol

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pydantic import Field
from pyproj import CRS
from scipy.linalg import cho_factor, cho_solve

from gossan.arrays.array_type import Array
from gossan.errors import FitError, InputError, must
from gossan.geo.grid import Grid
from gossan.geo.layer import Layer, values_at
from gossan.io.field_files import write_gpx
from gossan.io.finished_run import SAMPLING_PLAN
from gossan.io.geometry_tables import (
    GeoTable,
    degrees_at,
    geometry_table,
    write_csv,
    write_geopackage,
)
from gossan.io.qgis_styles import point_style
from gossan.io.tables import Column
from gossan.settings import Settings

Goal = Literal["doubt", "variance"]
MOST_PROPOSED = 500
_MOST_SAMPLES = 8000
_VAGUE_MEAN = 1e4  # variance of the unknown mean over that of the field: ordinary kriging


class Covariance(Protocol):
    """What a plan needs of a variogram model (``geochem.variogram.model.CovarianceModel``)."""

    @property
    def nugget(self) -> float:
        """Variance of a sample's own error."""
        ...

    @property
    def structured_sill(self) -> float:
        """Variance without the nugget."""
        ...

    def between(self, first: Array, second: Array) -> Array:
        """Covariances (n, m) between places (n, 2) and (m, 2), without the nugget."""
        ...


class SamplingSettings(Settings):
    """How many samples to propose, what for, and where they may lie.

    >>> SamplingSettings(number=5).goal
    'doubt'
    """

    number: Annotated[int, Field(ge=1, le=MOST_PROPOSED)] = 20
    """New samples to propose."""

    goal: Goal = "doubt"
    """Reduce kriging variance where the map may or may not be anomalous, or everywhere."""

    apart_m: Annotated[float, Field(ge=0)] = 0.0
    """Least distance between proposed samples, and from old ones."""

    inside_m: Annotated[float, Field(ge=0)] = 0.0
    """Least distance from the edge of the area and of the map."""

    track_m: Annotated[float, Field(gt=0)] = 500.0
    """Distance from a track at which a sample costs twice as much as beside it."""

    candidates: Annotated[int, Field(ge=10, le=4000)] = 1500
    """About how many places are tried."""

    targets: Annotated[int, Field(ge=10, le=8000)] = 2500
    """About how many places of the area are judged."""


@dataclass(frozen=True, eq=False)
class Access:
    """How new samples are reached: along ``tracks`` (lines), not in ``avoid`` (polygons)."""

    tracks: shapely.Geometry | None = None
    avoid: shapely.Geometry | None = None

    def distance(self, places: Array) -> Array:
        """Return the distance to the nearest track in metres; NaN without tracks."""
        if self.tracks is None:
            return np.full(len(places), np.nan)
        return shapely.distance(shapely.points(places), self.tracks)

    def open(self, places: Array) -> NDArray[np.bool_]:
        """Return which places may be sampled."""
        if self.avoid is None:
            return np.ones(len(places), bool)
        return ~shapely.intersects_xy(self.avoid, places[:, 0], places[:, 1])


@dataclass(frozen=True, eq=False)
class SamplePlan:
    """Proposed samples, in the order in which they were chosen.

    ``table``: order, name, easting, northing, longitude, latitude, standard_error (of kriging
    there, before), gain (share of the first error that this sample takes out), error_left (share
    left after it), track_m (distance to the nearest track). ``before``, ``after``: weighted mean
    kriging variance of the judged places.
    """

    goal: str
    before: float
    after: float
    table: GeoTable = field(repr=False)


def plan_samples(
    grid: Grid,
    existing: Array,
    model: Covariance,
    area: shapely.Geometry,
    *,
    probability: Layer | None = None,
    access: Access | None = None,
    settings: SamplingSettings | None = None,
) -> SamplePlan:
    """Choose new samples one after the other, each where it helps the map most for its cost.

    With C the covariance given all samples so far, a sample at c lowers the weighted variance by
    ``sum_t w_t C(t, c)^2 / (C(c, c) + nugget)``; the best is taken, C is updated, and so on
    (greedy; the variance does not depend on the values, so this needs no guess of them). Weights
    are 1, or 4 P (1 - P) for the goal "doubt", P the probability of exceedance. The mean is
    unknown, as in ordinary kriging. With tracks the gain is divided by ``1 + distance / track_m``.

    Parameters
    ----------
    grid : of the map.
    existing : (n, 2) easting, northing of the samples there are.
    model : variogram of the working scale; its nugget is the error of a sample.
    area : polygon in the grid's CRS; the map is judged, and new samples are proposed, inside it.
    probability : map of P on any grid of the same CRS; needed for "doubt". Empty pixels of it are
        not judged and not proposed.
    access : tracks to stay near and ground to stay out of.

    Raises
    ------
    InputError : the area holds no place on the grid, or "doubt" without a probability.
    FitError : nothing left to take out.

    Source: greedy D- and A-designs of kriging networks, as in Cressie 1993, sec. 4.6.
    """
    options = settings or SamplingSettings()
    _check(existing, probability, options)
    reach = _on_map(grid, area)
    access = access or Access()
    targets, weights = _judged(_lattice(reach, options.targets), probability, options)
    candidates = _reachable(reach, existing, probability, access, options)
    cross, among, noise = _given_samples(model, existing, targets, candidates)
    start = _target_variance(model, existing, targets)
    before = float(weights @ start)
    if not before > 0:
        raise FitError(
            must("the map's error", "above 0", f"{before:.3g}", "Nothing is gained by sampling")
        )
    away = access.distance(candidates)
    cost = 1 + np.nan_to_num(away) / options.track_m
    chosen, gains = _greedy(candidates, cross, among, noise, weights / before, cost, options)
    errors = np.sqrt(np.diag(among))[chosen]
    table = _table(grid.crs, candidates[chosen], errors, np.array(gains), away[chosen])
    return SamplePlan(options.goal, before, before * (1 - float(sum(gains))), table)


def write_plan(plan: SamplePlan, folder: Path | str, stem: str = SAMPLING_PLAN) -> dict[str, Path]:
    """Write ``<stem>.gpkg`` (styled), ``.gpx`` for the receiver and ``.csv``; return the paths."""
    folder = Path(folder)
    paths = {ending: folder / f"{stem}.{ending}" for ending in ("gpkg", "gpx", "csv")}
    write_geopackage(paths["gpkg"], {"samples": plan.table}, {"samples": point_style()})
    write_gpx(paths["gpx"], plan.table, "name", f"Where to sample next ({plan.goal})")
    write_csv(paths["csv"], pd.DataFrame(plan.table.drop(columns="geometry")))
    return paths


def _check(existing: Array, probability: Layer | None, options: SamplingSettings) -> None:
    if not 1 <= len(existing) <= _MOST_SAMPLES:
        allowed = f"1 to {_MOST_SAMPLES}"
        raise InputError(must("existing samples", allowed, len(existing), "Keep those near by"))
    if options.goal == "doubt" and probability is None:
        raise InputError(
            must("probability", "given for the goal 'doubt'", "none", "Use the goal 'variance'")
        )


def _on_map(grid: Grid, area: shapely.Geometry) -> shapely.Geometry:
    """Cut the area to the map."""
    reach = shapely.intersection(area, shapely.box(*grid.bounds))
    if reach.is_empty or not reach.area > 0:
        raise InputError(
            must("the area", "a polygon over the map", "outside of it", "Check its CRS and place")
        )
    return reach


def _lattice(reach: shapely.Geometry, number: int) -> Array:
    """Lay about ``number`` even places over the area: (n, 2); at least one inside it."""
    left, bottom, right, top = reach.bounds
    step = max(np.sqrt(reach.area / number), 1e-9)
    columns, rows = max(1, round((right - left) / step)), max(1, round((top - bottom) / step))
    # A long thin area at an angle would ask for millions of places of which few lie inside.
    thin = max(1.0, np.sqrt(columns * rows / (50 * number)))
    columns, rows = max(1, int(columns / thin)), max(1, int(rows / thin))
    step_x, step_y = (right - left) / columns, (top - bottom) / rows
    easting = left + (np.arange(columns) + 0.5) * step_x
    northing = bottom + (np.arange(rows) + 0.5) * step_y
    places = np.stack(np.meshgrid(easting, northing), axis=-1).reshape(-1, 2)
    places = places[shapely.contains_xy(reach, places[:, 0], places[:, 1])]
    if len(places):
        return places
    inside = shapely.point_on_surface(reach)
    return np.array([[inside.x, inside.y]])


def _judged(
    targets: Array, probability: Layer | None, options: SamplingSettings
) -> tuple[Array, Array]:
    """Keep the places that have a map, with their weights (sum 1)."""
    weights = np.ones(len(targets))
    if probability is not None:
        p = values_at(probability, targets)[:, 0]
        targets, p = targets[np.isfinite(p)], p[np.isfinite(p)]
        weights = 4 * p * (1 - p) if options.goal == "doubt" else np.ones(len(p))
    if not weights.sum() > 0:
        raise FitError(
            must("the map", "doubtful somewhere", "certain or empty everywhere",
                 "Use the goal 'variance' or another threshold")
        )  # fmt: skip
    return targets, weights / weights.sum()


def _reachable(
    reach: shapely.Geometry,
    existing: Array,
    probability: Layer | None,
    access: Access,
    options: SamplingSettings,
) -> Array:
    """Lay candidates inside the area, off its edge and old samples, where the map has values."""
    inner = shapely.buffer(reach, -options.inside_m)
    places = _lattice(reach if inner.is_empty else inner, options.candidates)
    places = places[access.open(places)]
    if probability is not None:
        places = places[np.isfinite(values_at(probability, places)[:, 0])]
    if options.apart_m > 0:
        old = shapely.STRtree(shapely.points(existing))
        near = old.query(shapely.points(places), predicate="dwithin", distance=options.apart_m)
        places = np.delete(places, np.unique(near[0]), axis=0)
    if not len(places):
        raise InputError(
            must("the area", "one with places to sample", "all empty, closed or beside old samples",
                 "Enlarge it, or lower the distance between samples")
        )  # fmt: skip
    return places


def _weights(model: Covariance, existing: Array, places: Array) -> tuple[Array, Array]:
    """Covariances of samples with places, and the kriging weights of each place."""
    mean = _VAGUE_MEAN * model.structured_sill
    own = model.between(existing, existing) + mean
    noise = max(model.nugget, 1e-9 * model.structured_sill)
    own[np.diag_indices_from(own)] += noise
    to = model.between(existing, places) + mean
    return to, cho_solve(cho_factor(own, lower=True), to)


def _given_samples(
    model: Covariance, existing: Array, targets: Array, candidates: Array
) -> tuple[Array, Array, float]:
    """Covariances (target, candidate) and (candidate, candidate) given the samples."""
    mean = _VAGUE_MEAN * model.structured_sill
    to_candidates, solved = _weights(model, existing, candidates)
    to_targets = model.between(existing, targets) + mean
    cross = model.between(targets, candidates) + mean - to_targets.T @ solved
    among = model.between(candidates, candidates) + mean - to_candidates.T @ solved
    return cross, among, max(model.nugget, 1e-9 * model.structured_sill)


def _target_variance(model: Covariance, existing: Array, targets: Array) -> Array:
    """Kriging variance of the targets before any new sample."""
    to, solved = _weights(model, existing, targets)
    total = model.structured_sill * (1 + _VAGUE_MEAN)
    return np.maximum(total - np.einsum("ij,ij->j", to, solved), 0.0)


def _greedy(
    candidates: Array,
    cross: Array,
    among: Array,
    noise: float,
    weights: Array,
    cost: Array,
    options: SamplingSettings,
) -> tuple[list[int], list[float]]:
    """Take the candidate of most gain for its cost, update the covariances by it, and again."""
    cross, among = cross.copy(), among.copy()
    open_ = np.ones(len(candidates), bool)
    chosen: list[int] = []
    gains: list[float] = []
    for _ in range(min(options.number, len(candidates))):
        gain = (weights @ cross**2) / (np.maximum(np.diag(among), 0.0) + noise)
        best = int(np.argmax(np.where(open_, gain / cost, -np.inf)))
        if not open_[best]:
            break
        chosen.append(best)
        gains.append(float(gain[best]))
        scale = among[best, best] + noise
        cross -= np.outer(cross[:, best], among[best]) / scale
        among -= np.outer(among[best], among[best]) / scale
        open_ &= np.hypot(*(candidates - candidates[best]).T) > max(options.apart_m, 0.0)
    return chosen, gains


def _table(crs: CRS, places: Array, errors: Array, gains: Array, track_m: Array) -> GeoTable:
    order = np.arange(1, len(places) + 1)
    longitude, latitude = degrees_at(places[:, 0], places[:, 1], crs)
    return geometry_table(
        {
            "order": order, "name": [f"N{i:03d}" for i in order],
            Column.EASTING: places[:, 0].round(1), Column.NORTHING: places[:, 1].round(1),
            "longitude": longitude, "latitude": latitude,
            "standard_error": errors, "gain": gains, "error_left": 1 - np.cumsum(gains),
            "track_m": track_m,
        },
        shapely.points(places), crs,
    )  # fmt: skip
