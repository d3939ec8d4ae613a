"""Choose the grid of the maps: the finest imagery's pixels over the surveyed ground."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

from gossan.arrays.spacing import sample_spacing
from gossan.errors import GridError, must
from gossan.geo.grid import Grid, same_crs
from gossan.geo.layer import Layer
from gossan.geo.warp import transformed_bounds

Bounds = tuple[float, float, float, float]
MARGIN_SPACINGS = 2.0


def project_crs(wanted: str | None, layers: list[Layer]) -> CRS:
    """Choose the CRS of the maps, in metres: the one stated, else that of the imagery.

    Raises
    ------
    GridError
        [project] crs must be a projected system in metres.
        [project] crs must be given where there is no imagery.
    """
    if wanted is not None:
        crs = CRS.from_user_input(wanted)
    elif layers:
        crs = layers[0].grid.crs
    else:
        raise GridError(
            must("[project] crs", "given where there is no imagery", "none", 'Add crs = "EPSG:..."')
        )
    if crs.is_geographic:
        raise GridError(
            must(
                "[project] crs",
                "a projected system in metres",
                f"{crs.name} (degrees)",
                f"Set crs to {_utm_hint(layers)}",
            )
        )
    return crs


def choose_grid(
    crs: CRS,
    layers: list[Layer],
    coordinates: NDArray[np.float64],
    pixel_m: float | str = "finest",
    extent: str = "survey",
) -> Grid:
    """Choose the output grid.

    Parameters
    ----------
    crs
        CRS of the maps.
    layers
        Every imagery's bands.
    coordinates
        (n, 2) samples to be fitted, in ``crs``.
    pixel_m
        "finest" (pixels of the finest imagery, unmoved where its CRS is that of the maps) or
        metres.
    extent
        "survey" (the samples and two spacings around them) or "imagery".

    Raises
    ------
    GridError
        The imagery does not touch the survey.
    """
    survey = survey_bounds(coordinates)
    if not layers:
        size = float(pixel_m) if pixel_m != "finest" else sample_spacing(coordinates) / 10
        return Grid.from_bounds(crs, on_multiples(survey, size), size)
    bounds = _union([transformed_bounds(layer.grid, crs) for layer in layers])
    shared = _intersection(bounds, survey)
    if shared[0] >= shared[2] or shared[1] >= shared[3]:
        raise GridError(no_overlap(bounds, survey))
    if extent == "imagery":
        shared = bounds
    finest = min(layers, key=lambda layer: _pixel_m(layer.grid, crs)).grid
    if pixel_m == "finest" and same_crs(finest.crs, crs) and _holds(finest.bounds, shared):
        return finest.crop(finest.covering(shared))
    size = _pixel_m(finest, crs) if pixel_m == "finest" else float(pixel_m)
    if same_crs(finest.crs, crs):
        return _snapped(finest, shared, size)
    return Grid.from_bounds(crs, on_multiples(shared, size), size)


def on_multiples(bounds: Bounds, size: float) -> Bounds:
    """Grow a rectangle to multiples of the pixel size, so that maps of one size share pixels.

    >>> on_multiples((105.0, 12.0, 390.0, 299.0), 100.0)
    (100.0, 0.0, 400.0, 300.0)
    """
    left, bottom, right, top = (edge / size for edge in bounds)
    return (
        math.floor(left + 1e-6) * size,
        math.floor(bottom + 1e-6) * size,
        math.ceil(right - 1e-6) * size,
        math.ceil(top - 1e-6) * size,
    )


def survey_bounds(coordinates: NDArray[np.float64]) -> Bounds:
    """Return the rectangle of the samples, grown by two spacings."""
    margin = MARGIN_SPACINGS * sample_spacing(coordinates)
    low, high = coordinates.min(axis=0) - margin, coordinates.max(axis=0) + margin
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def no_overlap(imagery: Bounds, survey: Bounds) -> str:
    """Word the error for imagery that does not touch the survey."""
    return must(
        "the imagery",
        "over the surveyed ground",
        f"imagery {_in_words(imagery)}, survey {_in_words(survey)}",
        "Check both CRS, and whether x and y are swapped",
    )


def _in_words(bounds: Bounds) -> str:
    left, bottom, right, top = bounds
    return f"E {left:.0f} to {right:.0f}, N {bottom:.0f} to {top:.0f}"


def _pixel_m(grid: Grid, crs: CRS) -> float:
    """Side of the square of a pixel's area, in units of ``crs``."""
    left, bottom, right, top = transformed_bounds(grid, crs)
    return float(np.sqrt((right - left) * (top - bottom) / (grid.width * grid.height)))


def _snapped(finest: Grid, bounds: Bounds, size: float) -> Grid:
    """Keep the pixel lattice's origin where pixels have another size than the imagery's."""
    origin_x, origin_y = finest.bounds[0], finest.bounds[3]
    left = origin_x + np.floor((bounds[0] - origin_x) / size + 1e-6) * size
    top = origin_y + np.ceil((bounds[3] - origin_y) / size - 1e-6) * size
    return Grid.from_bounds(finest.crs, (left, bounds[1], bounds[2], top), size)


def _holds(outer: Bounds, inner: Bounds) -> bool:
    return (
        outer[0] <= inner[0] + 1e-6
        and outer[1] <= inner[1] + 1e-6
        and outer[2] >= inner[2] - 1e-6
        and outer[3] >= inner[3] - 1e-6
    )


def _union(many: list[Bounds]) -> Bounds:
    table = np.array(many)
    low, high = table[:, :2].min(axis=0), table[:, 2:].max(axis=0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _intersection(first: Bounds, second: Bounds) -> Bounds:
    return (
        max(first[0], second[0]),
        max(first[1], second[1]),
        min(first[2], second[2]),
        min(first[3], second[3]),
    )


def _utm_hint(layers: list[Layer]) -> str:
    if not layers:
        return "the area's UTM zone"
    left, bottom, right, top = transformed_bounds(layers[0].grid, CRS.from_epsg(4326))
    zone = int(((left + right) / 2 + 180) // 6) + 1
    return f'"EPSG:{(32600 if bottom + top > 0 else 32700) + zone}" (the UTM zone of the imagery)'
