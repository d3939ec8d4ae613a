"""Word the metadata of a simulated ASTER scene in the archive's language (ODL)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pyproj import CRS, Transformer

from gossan.catalogue.sensors import aster_band, unit_conversion
from gossan.demo.overpass import Overpass
from gossan.geo.grid import Grid

Corner = tuple[float, float]


def product_texts(overpass: Overpass, grids: Mapping, name: str) -> dict[str, str]:
    """Return the global text attributes of an L1T file."""
    return {
        "coremetadata.0": _document(_core(overpass, grids, name)),
        "productmetadata.0": _document(_scene(overpass, grids)),
        "productmetadata.1": _document(_place(grids)),
    }


def met_text(overpass: Overpass, grids: Mapping, name: str) -> str:
    """Return the companion ``.met`` file of a granule."""
    sun = [
        _attribute("SOLAR_AZIMUTH_ANGLE", f"{overpass.sun_azimuth:.6f}"),
        _attribute("SOLAR_ELEVATION_ANGLE", f"{overpass.sun_elevation:.6f}"),
    ]
    return _document([*_core(overpass, grids, name), *_scene(overpass, grids)[1:], *sun])


def _document(objects: list[str]) -> str:
    body = "\n".join(objects)
    return f"GROUP = METADATA\n  GROUPTYPE = MASTERGROUP\n{body}\nEND_GROUP = METADATA\nEND\n"


def _object(name: str, *values: str | float) -> str:
    words = [f'"{v}"' if isinstance(v, str) else repr(v) for v in values]
    value = words[0] if len(words) == 1 else f"({', '.join(words)})"
    return (
        f"  OBJECT = {name}\n    NUM_VAL = {len(words)}\n    VALUE = {value}\n"
        f"  END_OBJECT = {name}\n"
    )


def _attribute(name: str, value: str) -> str:
    return (
        '  OBJECT = ADDITIONALATTRIBUTESCONTAINER\n    CLASS = "1"\n'
        f'    OBJECT = ADDITIONALATTRIBUTENAME\n      CLASS = "1"\n      VALUE = "{name}"\n'
        "    END_OBJECT = ADDITIONALATTRIBUTENAME\n"
        f'    OBJECT = PARAMETERVALUE\n      CLASS = "1"\n      VALUE = "{value}"\n'
        "    END_OBJECT = PARAMETERVALUE\n"
        "  END_OBJECT = ADDITIONALATTRIBUTESCONTAINER\n"
    )


def _core(overpass: Overpass, grids: Mapping, name: str) -> list[str]:
    corners = _corners(_finest(grids), overpass.track_azimuth)
    latitudes, longitudes = [c[0] for c in corners], [c[1] for c in corners]
    return [
        _object("SHORTNAME", "AST_L1T"),
        _object("LOCALGRANULEID", f"{name}.hdf"),
        _object("CALENDARDATE", f"{overpass.time:%Y%m%d}"),
        _object("TIMEOFDAY", f"{overpass.time:%H%M%S}000000Z"),
        _object("NORTHBOUNDINGCOORDINATE", max(latitudes)),
        _object("SOUTHBOUNDINGCOORDINATE", min(latitudes)),
        _object("EASTBOUNDINGCOORDINATE", max(longitudes)),
        _object("WESTBOUNDINGCOORDINATE", min(longitudes)),
    ]


def _scene(overpass: Overpass, grids: Mapping) -> list[str]:
    upper_left, upper_right, lower_left, lower_right = _corners(
        _finest(grids), overpass.track_azimuth
    )
    lines = [
        _object("SOLARDIRECTION", overpass.sun_azimuth, overpass.sun_elevation),
        _object("POINTINGANGLE.1", overpass.pointing_angle),
        _object("POINTINGANGLE.2", overpass.pointing_angle),
        _object("UPPERLEFT", *upper_left),
        _object("UPPERRIGHT", *upper_right),
        _object("LOWERLEFT", *lower_left),
        _object("LOWERRIGHT", *lower_right),
    ]
    for name, gain in overpass.gains.items():
        label = aster_band(name).label
        lines.append(_object(f"GAIN.{label}", label.zfill(2), gain))
        if gain != "OFF":
            per_dn = unit_conversion(name, gain).per_dn
            lines += [_object(f"INCL{label}", per_dn), _object(f"OFFSET{label}", -per_dn)]
    return lines


def _place(grids: Mapping) -> list[str]:
    grid = _finest(grids)
    zone = int(grid.crs.to_epsg() or 0) % 100
    south = (grid.crs.to_epsg() or 0) // 100 == 327
    easting, northing = grid.coordinates()
    shift = 1e7 if south else 0.0
    return [
        _object("UTMZONENUMBER", zone),
        _object("UPPERLEFTM", float(northing[0]) - shift, float(easting[0])),
        _object("LOWERRIGHTM", float(northing[-1]) - shift, float(easting[-1])),
    ]


def _finest(grids: Mapping) -> Grid:
    found: Grid = min(grids.values(), key=lambda grid: grid.pixel_width)
    return found


def _corners(grid: Grid, track_azimuth: float) -> list[Corner]:
    """Return latitude, longitude of a scene's corners, leaning with the track."""
    left, bottom, right, top = grid.bounds
    lean = (top - bottom) * np.tan(np.radians(track_azimuth - 180.0))
    to_degrees = Transformer.from_crs(grid.crs, CRS.from_epsg(4326), always_xy=True)
    corners = [(left, top), (right, top), (left - lean, bottom), (right - lean, bottom)]
    points = [to_degrees.transform(e, n) for e, n in corners]
    return [(float(latitude), float(longitude)) for longitude, latitude in points]
