"""Check where samples lie: degrees or kilometres for metres, swapped axes, wrong zones, scale."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Proj, Transformer
from pyproj.exceptions import CRSError
from scipy.spatial import cKDTree

from gossan.errors import SurveyError, must
from gossan.geo.samples import Samples
from gossan.geochem.findings import Finding, Findings, rows_where

Bounds = tuple[float, float, float, float]


def read_crs(crs: str | CRS | None, survey: str) -> CRS:
    """Read the CRS that a survey states.

    Raises
    ------
    SurveyError
        If it is missing or unknown.
    """
    if crs is None:
        cure = 'Add crs = "EPSG:4326" for degrees (WGS 84), or the code of the grid of the table'
        raise SurveyError(must(f"survey {survey!r}: crs", "stated", "none", cure))
    try:
        return CRS.from_user_input(crs)
    except CRSError as error:
        cure = 'Write crs = "EPSG:<code>", such as "EPSG:32638" for zone 38 north of UTM'
        raise SurveyError(
            must(f"survey {survey!r}: crs", "a known coordinate system", repr(crs), cure)
        ) from error


def check_axes(coordinates: NDArray[np.float64], rows: NDArray[np.int_], crs: CRS) -> list[Finding]:
    """Check that coordinates can be those of their CRS.

    Parameters
    ----------
    coordinates
        (n, 2) x and y as the table gives them, NaN where there is no position.
    rows
        (n,) rows of the file.
    crs
        CRS that the survey states.

    Returns
    -------
    Errors with the codes "degrees", "metres", "swapped" (most points fit the CRS after exchanging
    x and y) and "zone" (most points fit no better that way), and "position" for single points that
    lie outside the CRS's area of use.

    Examples
    --------
    >>> xy = np.array([[43.77, 23.98], [43.79, 23.97]])
    >>> print(check_axes(xy, np.array([2, 3]), CRS.from_epsg(32638))[0].message)
    x and y must be in metres of WGS 84 / UTM zone 38N; got degrees such as 43.77, 23.98. Set ...
    """
    known = np.isfinite(coordinates).all(axis=1)
    if not known.any():
        return [Finding("error", "no-position", "no row has a position")]
    x, y = coordinates[known].T
    in_degrees = (np.abs(x) <= 360) & (np.abs(y) <= 360)
    example = f"{coordinates[known][0, 0]:g}, {coordinates[known][0, 1]:g}"
    if crs.is_projected and in_degrees.mean() > 0.9:
        name = f"in metres of {crs.name}"
        message = must("x and y", name, f"degrees such as {example}", 'Set crs = "EPSG:4326"')
        return [Finding("error", "degrees", message, rows_where(rows[known], in_degrees))]
    if crs.is_projected and in_degrees.any():
        cure = 'Convert these rows, or set drop = ["degrees"] to leave them out'
        message = must("x and y", f"in metres of {crs.name} in all rows", "degrees in some", cure)
        return [Finding("error", "degrees", message, rows_where(rows[known], in_degrees))]
    if crs.is_geographic and 0 < (~in_degrees).mean() <= 0.5:
        cure = 'Convert these rows, or set drop = ["metres"] to leave them out'
        message = must("x and y", f"in degrees of {crs.name} in all rows", "metres in some", cure)
        return [Finding("error", "metres", message, rows_where(rows[known], ~in_degrees))]
    if crs.is_geographic and not in_degrees.all():
        cure = "Set crs to the projected system of the table, such as its UTM zone"
        message = must("x and y", f"in degrees of {crs.name}", f"{example}", cure)
        return [Finding("error", "metres", message, rows_where(rows[known], ~in_degrees))]
    return _check_area(coordinates, rows, crs)


def _check_area(
    coordinates: NDArray[np.float64], rows: NDArray[np.int_], crs: CRS
) -> list[Finding]:
    inside = within_area_of_use(coordinates, crs)
    known = np.isfinite(coordinates).all(axis=1)
    lost = known & ~inside
    if not lost.any():
        return []
    swapped = within_area_of_use(coordinates[:, ::-1], crs)
    if swapped[lost].mean() > 0.5:
        where = rows_where(rows, lost & swapped)
        whole = lost.sum() > 0.5 * known.sum()
        cure = "Exchange the names of x and y" if whole else "Correct the rows"
        message = must("x and y", "easting and northing", "them swapped", cure)
        return [Finding("error", "swapped", message, where)]
    wide = lost & _beside_zone(coordinates, crs) & ~_isolated(coordinates, lost)
    found = [_wide(coordinates[wide], rows_where(rows, wide), crs)] if wide.any() else []
    lost &= ~wide
    if lost.sum() > 0.5 * known.sum():
        message = must(
            "positions", f"inside the area of {crs.name}", "most outside of it",
            _explain_outside(coordinates[lost], crs),
        )  # fmt: skip
        return [*found, Finding("error", "zone", message, rows_where(rows, lost))]
    if not lost.any():
        return found
    cure = 'Correct the rows; accept = ["position"] keeps them, drop = ["position"] leaves them out'
    message = must("positions", f"in the area of {crs.name}", "some outside of it", cure)
    return [*found, Finding("error", "position", message, rows_where(rows, lost))]


def _beside_zone(coordinates: NDArray[np.float64], crs: CRS) -> NDArray[np.bool_]:
    """Recognise points beside a zone, where a national survey that is kept in one zone reaches."""
    area = crs.area_of_use
    if area is None or not crs.is_projected or (area.east - area.west) % 360 > 8:
        return np.zeros(len(coordinates), bool)
    return within_area_of_use(coordinates, crs, 9.0)


def _isolated(coordinates: NDArray[np.float64], lost: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Recognise points that lie far from all others, as a wrong digit leaves them."""
    known = np.isfinite(coordinates).all(axis=1)
    alone = np.zeros(len(coordinates), bool)
    if known.sum() < 4:
        return lost
    near = cKDTree(coordinates[known]).query(coordinates[known], k=2)[0][:, 1]
    alone[known] = near > 20 * max(float(np.median(near)), 1.0)
    return alone & lost


def _wide(coordinates: NDArray[np.float64], rows: tuple[int, ...], crs: CRS) -> Finding:
    error = scale_error(coordinates, crs)
    message = (
        f"{len(rows)} samples lie beside the zone of {crs.name}, where its distances are up to "
        f"{100 * error:.2g} % off: a national grid as [project] crs avoids that"
    )
    return Finding("warning", "wide", message, rows)


def _explain_outside(coordinates: NDArray[np.float64], crs: CRS) -> str:
    """Look for a reading that fits the area: without or with the zone's number before x."""
    millions = np.floor(coordinates[:, 0] / 1e6)
    bare = coordinates - np.column_stack([millions * 1e6, np.zeros(len(coordinates))])
    if millions.min() > 0 and within_area_of_use(bare, crs).mean() > 0.5:
        zone = f"{millions[0]:.0f}"
        return f"x begins with the zone number {zone}: set crs to the system with that prefix"
    prefix = next((p.value for p in _parameters(crs) if p.name == "False easting"), 0.0) // 1e6
    moved = coordinates + np.array([prefix * 1e6, 0.0])
    if prefix > 0 and within_area_of_use(moved, crs).mean() > 0.5:
        return f"x lacks the zone number {prefix:.0f}: set crs to the system without that prefix"
    return "Check the zone and hemisphere of crs"


def _parameters(crs: CRS) -> list[Any]:
    operation = crs.coordinate_operation
    return [] if operation is None else list(operation.params)


def scale_error(coordinates: NDArray[np.float64], crs: CRS) -> float:
    """Return the largest relative error of distances on the map at places of a projected CRS.

    >>> round(scale_error(np.array([[5_000_000.0, 2_700_000.0]]), CRS("EPSG:3857")), 2)
    0.09
    >>> scale_error(np.array([[500_000.0, 2_600_000.0]]), CRS("EPSG:32638")) < 0.001
    True
    """
    if not crs.is_projected or not len(coordinates):
        return 0.0
    some = coordinates[:: max(1, len(coordinates) // 200)]
    lon, lat = Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True).transform(*some.T)
    factors = Proj(crs).get_factors(lon, lat)
    scales = np.concatenate([factors.meridional_scale, factors.parallel_scale], axis=None)
    error = np.abs(scales[np.isfinite(scales)] - 1.0)
    return float(error.max()) if len(error) else 0.0


def check_scale(coordinates: NDArray[np.float64], crs: CRS) -> list[Finding]:
    """Check that metres on the map are metres on the ground.

    Returns
    -------
    An error "scale" above 5 % (Web Mercator away from the equator), a warning above 1 %.
    """
    error = scale_error(coordinates, crs)
    if error <= 0.01:
        return []
    lon, lat = Transformer.from_crs(crs, 4326, always_xy=True).transform(*coordinates.mean(axis=0))
    zone = int((lon + 180) // 6) % 60 + 1
    code = (32600 if lat >= 0 else 32700) + zone
    message = must(
        "[project] crs",
        "true to scale",
        f"{crs.name}, whose metres differ from those on the ground by {100 * error:.2g} % here",
        f'Set [project] crs = "EPSG:{code}" (UTM), or a national grid',
    )
    return [Finding("error" if error > 0.05 else "warning", "scale", message)]


def in_kilometres(coordinates: NDArray[np.float64], crs: CRS) -> bool:
    """Return whether coordinates are kilometres: only a thousandfold fits the area of the CRS.

    >>> in_kilometres(np.array([[479.48, 2639.999]]), CRS("EPSG:32638"))
    True
    """
    known = coordinates[np.isfinite(coordinates).all(axis=1)]
    if not crs.is_projected or crs.area_of_use is None or not len(known):
        return False
    small = (np.abs(known) < 20_000).all()
    geodetic = crs.geodetic_crs
    if small and geodetic is not None and (np.abs(known) <= 180).all():
        degrees = project(known, geodetic, crs), project(known[:, ::-1], geodetic, crs)
        if any(within_area_of_use(one, crs).mean() > 0.5 for one in degrees):
            return False
    return bool(
        small
        and within_area_of_use(1000.0 * known, crs).mean() > 0.9
        and within_area_of_use(known, crs, 0.5).mean() < 0.1
    )


def within_area_of_use(
    coordinates: NDArray[np.float64], crs: CRS, margin_degrees: float = 3.0
) -> NDArray[np.bool_]:
    """Return which points lie in the area that a CRS is made for, with a margin.

    All are taken as inside where the CRS does not tell its area.
    """
    if crs.area_of_use is None:
        return np.asarray(np.isfinite(coordinates).all(axis=1), bool)
    lon, lat = Transformer.from_crs(crs, 4326, always_xy=True).transform(*coordinates.T)
    west, south, east, north = crs.area_of_use.bounds
    with np.errstate(invalid="ignore"):
        finite = np.isfinite(lon) & np.isfinite(lat) & (np.abs(lat) <= 90)
        width = (east - west) % 360 or 360.0
        along = (lon - west + margin_degrees) % 360 <= width + 2 * margin_degrees
        across = (lat >= south - margin_degrees) & (lat <= north + margin_degrees)
    return np.asarray(finite & along & across, bool)


def project(coordinates: NDArray[np.float64], source: CRS, target: CRS) -> NDArray[np.float64]:
    """Bring (n, 2) positions from one CRS to another; NaN where that is impossible."""
    if source == target:
        return coordinates
    transformer = Transformer.from_crs(source, target, always_xy=True)
    moved = np.column_stack(transformer.transform(*coordinates.T))
    return np.where(np.isfinite(moved).all(axis=1, keepdims=True), moved, np.nan)


def lone_points(
    coordinates: NDArray[np.float64], rows: NDArray[np.int_], factor: float = 3.5
) -> list[Finding]:
    """Find points far from all others, as a mistyped digit leaves them.

    A point is alone when its distance to the nearest other place exceeds ``factor`` times the 90 %
    quantile of these distances (real surveys stay below 3.2).

    >>> xy = np.array([[i % 5, i // 5] for i in range(25)] + [[60.0, 2.0]]) * 1000.0
    >>> lone_points(xy, np.arange(2, 28))[0].rows
    (27,)
    """
    places = np.unique(coordinates, axis=0)
    if len(places) < 8:
        return []
    near = cKDTree(places).query(places, k=2)[0][:, 1]
    distance = cKDTree(places).query(coordinates, k=2)[0][:, 1]
    limit = factor * np.quantile(near, 0.9)
    alone = distance > limit
    if not alone.any():
        return []
    far = distance[alone].max() / 1000.0
    message = (
        f"points lie up to {far:.1f} km from every other, spacing being "
        f"{np.median(near) / 1000:.2f} km: check their coordinates, or set "
        'drop = ["lone"] to leave them out'
    )
    return [Finding("warning", "lone", message, rows_where(rows, alone))]


def check_extent(samples: Samples, bounds: Bounds, bounds_crs: CRS) -> Findings:
    """Report samples outside the imagery and tell whether swapping or another zone explains it.

    Parameters
    ----------
    samples
        Samples of ``read_survey``.
    bounds, bounds_crs
        left, bottom, right, top of the imagery, and their CRS.

    Returns
    -------
    An error "outside" where no sample lies inside, a warning "outside" where some do not.
    """
    xy, crs = samples.coordinates, samples.crs
    inside = points_inside(xy, crs, bounds, bounds_crs)
    if inside.all():
        return Findings()
    frame = samples.frame
    rows = np.asarray(frame["row"]) if "row" in frame.columns else np.arange(1, len(xy) + 1)
    if inside.any():
        outside = rows_where(rows, ~inside)
        share = f"{len(outside)} of {len(rows)} samples of {samples.name}"
        message = f"{share} lie outside the imagery: nothing is learnt from the imagery there"
        return Findings((Finding("warning", "outside", message, outside),))
    source = CRS.from_user_input(frame.attrs.get("source_crs", crs))
    stated = project(xy, crs, source)
    got = f"none of {len(rows)} ({_box_words(stated, source)})"
    cure = _explain(stated, source, bounds, bounds_crs)
    message = must(f"samples of {samples.name}", "inside the imagery", got, cure)
    return Findings((Finding("error", "outside", message),))


def points_inside(
    coordinates: NDArray[np.float64], crs: CRS, bounds: Bounds, bounds_crs: CRS
) -> NDArray[np.bool_]:
    """Return which points lie inside bounds of another CRS."""
    x, y = project(coordinates, crs, bounds_crs).T
    left, bottom, right, top = bounds
    with np.errstate(invalid="ignore"):
        return np.asarray((x >= left) & (x <= right) & (y >= bottom) & (y <= top), bool)


def _explain(coordinates: NDArray[np.float64], crs: CRS, bounds: Bounds, bounds_crs: CRS) -> str:
    if points_inside(coordinates[:, ::-1], crs, bounds, bounds_crs).mean() > 0.5:
        return "x and y look swapped: exchange their names"
    for code in _other_zones(crs):
        if points_inside(coordinates, CRS.from_epsg(code), bounds, bounds_crs).mean() > 0.5:
            return f'They fit with crs = "EPSG:{code}": check the zone'
    return "Check the crs of the survey and that both cover the same area"


def _other_zones(crs: CRS) -> list[int]:
    """List the EPSG codes of the WGS 84 zones, nearest to the zone of ``crs`` first."""
    zone = crs.utm_zone
    if zone is None:
        return []
    number, north = int(zone[:-1]), zone[-1] == "N"
    order = sorted(range(1, 61), key=lambda z: abs(z - number))
    sides = (32600, 32700) if north else (32700, 32600)
    codes = [side + z for z in order for side in sides]
    return [code for code in codes if CRS.from_epsg(code) != crs]


def _box_words(coordinates: NDArray[np.float64], crs: CRS) -> str:
    west, south = np.nanmin(coordinates, axis=0)
    east, north = np.nanmax(coordinates, axis=0)
    digits = 4 if crs.is_geographic else 0
    return f"{west:.{digits}f} to {east:.{digits}f}, {south:.{digits}f} to {north:.{digits}f}"
