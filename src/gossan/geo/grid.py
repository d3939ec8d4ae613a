"""Where the pixels are: the only place that multiplies an affine."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from affine import Affine
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS

from gossan.errors import GridError, must

MOST_PIXELS = 10**7
"""Pixels of one side of a grid: half a metre around the equator takes eight times as many."""


class Window(NamedTuple):
    """A rectangle of pixels: first row, first column, height and width (all in pixels).

    >>> Window(4, 2, 3, 5).padded(1)
    Window(row=3, col=1, height=5, width=7)
    """

    row: int
    col: int
    height: int
    width: int

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.height, self.width

    @property
    def slices(self) -> tuple[slice, slice]:
        """Row and column slices into an array that covers the whole grid."""
        return slice(self.row, self.row + self.height), slice(self.col, self.col + self.width)

    def padded(self, pixels: int) -> Window:
        """Grow by ``pixels`` on every side (may reach outside the grid)."""
        return Window(
            self.row - pixels,
            self.col - pixels,
            self.height + 2 * pixels,
            self.width + 2 * pixels,
        )

    def clipped(self, shape: tuple[int, int]) -> Window:
        """Cut to a grid of ``shape`` (height, width); may become empty."""
        top, left = max(self.row, 0), max(self.col, 0)
        bottom = min(self.row + self.height, shape[0])
        right = min(self.col + self.width, shape[1])
        return Window(top, left, max(bottom - top, 0), max(right - left, 0))

    def shared(self, other: Window) -> Window:
        """Cut to another window; may become empty.

        >>> Window(0, 0, 4, 4).shared(Window(2, 3, 9, 9))
        Window(row=2, col=3, height=2, width=1)
        """
        top, left = max(self.row, other.row), max(self.col, other.col)
        bottom = min(self.row + self.height, other.row + other.height)
        right = min(self.col + self.width, other.col + other.width)
        return Window(top, left, max(bottom - top, 0), max(right - left, 0))

    def within(self, outer: Window) -> tuple[slice, slice]:
        """Slices of this window inside an array that covers ``outer``."""
        row, col = self.row - outer.row, self.col - outer.col
        return slice(row, row + self.height), slice(col, col + self.width)


@dataclass(frozen=True)
class Grid:
    """Place pixels on the ground: coordinate system, transform and shape, no values.

    The grid is north-up: ``transform`` has a positive pixel width, a negative pixel height
    and no rotation. The value of a pixel belongs to its centre.

    Parameters
    ----------
    crs
        Coordinate reference system.
    transform
        Affine from (column, row) of pixel corners to (easting, northing).
    height, width
        Number of rows and columns.

    Examples
    --------
    >>> grid = Grid(CRS.from_epsg(32638), Affine(30, 0, 500000, 0, -20, 2700000), 4, 6)
    >>> grid.bounds
    (500000.0, 2699920.0, 500180.0, 2700000.0)
    >>> easting, northing = grid.coordinates()
    >>> float(easting[0]), float(northing[0])
    (500015.0, 2699990.0)
    >>> row, col = grid.index_of(500015.0, 2699990.0)
    >>> float(row), float(col)
    (0.0, 0.0)
    """

    crs: CRS
    transform: Affine
    height: int
    width: int

    def __post_init__(self) -> None:
        t = self.transform
        if not all(map(math.isfinite, t[:6])):
            got = f"transform {tuple(t[:6])}"
            raise GridError(must("a grid", "of finite numbers", got, "Check extent and pixel size"))
        if t.b or t.d or t.a <= 0 or t.e >= 0:
            raise GridError(
                must(
                    "a grid",
                    "north-up without rotation",
                    f"transform {tuple(round(v, 6) for v in t[:6])}",
                    "Warp the raster first, for example with gdalwarp",
                )
            )
        if self.height < 1 or self.width < 1:
            raise GridError(
                must(
                    "a grid",
                    "at least 1 x 1 pixels",
                    f"{self.height} x {self.width}",
                    "Check the extent",
                )
            )

        if max(self.height, self.width) > MOST_PIXELS:
            got = f"{self.height:.3g} x {self.width:.3g}"
            cure = (
                "Choose larger pixels (pixel_m, or pixel_size_m of the imagery) or a smaller extent"
            )
            raise GridError(must("a grid", f"at most {MOST_PIXELS} pixels a side", got, cure))

    @classmethod
    def from_bounds(
        cls,
        crs: CRS | str | int,
        bounds: tuple[float, float, float, float],
        pixel_size: float | tuple[float, float],
    ) -> Grid:
        """Cover ``bounds`` (left, bottom, right, top) with pixels of ``pixel_size``.

        ``pixel_size`` is one number or (width, height), in units of the CRS. The upper left
        corner is kept; the last row and column may reach over the lower right corner.

        Raises
        ------
        GridError
            Bounds must be left < right and bottom < top with a positive pixel size.
        """
        wide, high = pixel_size if isinstance(pixel_size, tuple) else (pixel_size, pixel_size)
        left, bottom, right, top = bounds
        finite = all(map(math.isfinite, (*bounds, wide, high)))
        if not (finite and right > left and top > bottom and wide > 0 and high > 0):
            raise GridError(
                must(
                    "bounds",
                    "left < right and bottom < top with a positive pixel size",
                    f"{bounds}, pixel {wide} x {high}",
                    "Check the extent",
                )
            )
        columns, rows = (
            max(math.ceil(min(span / size, 2.0 * MOST_PIXELS) - 1e-6), 1)
            for span, size in ((right - left, wide), (top - bottom, high))
        )
        transform = Affine(float(wide), 0.0, float(left), 0.0, -float(high), float(top))
        return cls(CRS.from_user_input(crs), transform, rows, columns)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.height, self.width

    @property
    def pixel_width(self) -> float:
        """Pixel width in units of the CRS, positive."""
        return float(self.transform.a)

    @property
    def pixel_height(self) -> float:
        """Pixel height in units of the CRS, positive."""
        return float(-self.transform.e)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Outer edges: left, bottom, right, top."""
        left, top = float(self.transform.c), float(self.transform.f)
        return (
            left,
            top - self.height * self.pixel_height,
            left + self.width * self.pixel_width,
            top,
        )

    @property
    def whole(self) -> Window:
        """The window that covers every pixel."""
        return Window(0, 0, self.height, self.width)

    def coordinates(
        self, window: Window | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return eastings (width,) and northings (height,) of the pixel centres of a window."""
        row, col, height, width = window or self.whole
        columns = col + 0.5 + np.arange(width, dtype=np.float64)
        rows = row + 0.5 + np.arange(height, dtype=np.float64)
        easting: NDArray[np.float64] = self.transform.c + columns * self.transform.a
        northing: NDArray[np.float64] = self.transform.f + rows * self.transform.e
        return easting, northing

    def centres(self) -> NDArray[np.float64]:
        """Easting and northing (height * width, 2) of all pixel centres, row by row."""
        easting, northing = self.coordinates()
        places = np.empty((self.height, self.width, 2))
        places[..., 0] = easting
        places[..., 1] = northing[:, None]
        return places.reshape(-1, 2)

    def index_of(
        self, easting: ArrayLike, northing: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return fractional (row, column); the centre of the first pixel is (0.0, 0.0)."""
        x, y = np.asarray(easting, np.float64), np.asarray(northing, np.float64)
        col: NDArray[np.float64] = (x - self.transform.c) / self.transform.a - 0.5
        row: NDArray[np.float64] = (y - self.transform.f) / self.transform.e - 0.5
        return row, col

    def contains(self, easting: ArrayLike, northing: ArrayLike) -> NDArray[np.bool_]:
        """Return which positions lie on the grid."""
        row, col = self.index_of(easting, northing)
        inside = (row >= -0.5) & (row < self.height - 0.5)
        return inside & (col >= -0.5) & (col < self.width - 0.5)

    def crop(self, window: Window) -> Grid:
        """Return the grid of a window."""
        t = self.transform
        left, top = t.c + window.col * t.a, t.f + window.row * t.e
        return Grid(self.crs, Affine(t.a, 0.0, left, 0.0, t.e, top), window.height, window.width)

    def coarsen(self, factor: int) -> Grid:
        """Return the grid whose pixels hold ``factor`` x ``factor`` of these (last ones partly)."""
        t = self.transform
        transform = Affine(t.a * factor, 0.0, t.c, 0.0, t.e * factor, t.f)
        return Grid(
            self.crs, transform, math.ceil(self.height / factor), math.ceil(self.width / factor)
        )

    def covering(self, bounds: tuple[float, float, float, float], margin: int = 0) -> Window:
        """Return the window that covers ``bounds``, grown by ``margin`` pixels, cut to the grid."""
        left, bottom, right, top = bounds
        row0, col0 = self.index_of(left, top)
        row1, col1 = self.index_of(right, bottom)
        first_row, first_col = math.floor(row0 + 0.5 + 1e-6), math.floor(col0 + 0.5 + 1e-6)
        last_row, last_col = math.ceil(row1 + 0.5 - 1e-6), math.ceil(col1 + 0.5 - 1e-6)
        window = Window(first_row, first_col, last_row - first_row, last_col - first_col)
        return window.padded(margin).clipped(self.shape)

    def aligned_with(self, other: Grid) -> bool:
        """Return whether both place the very same pixels (to a thousandth of a pixel)."""
        if self.shape != other.shape or not same_crs(self.crs, other.crs):
            return False
        scale = min(self.pixel_width, self.pixel_height)
        pairs = zip(self.transform[:6], other.transform[:6])
        return all(abs(a - b) <= 1e-3 * scale for a, b in pairs)


def same_crs(first: CRS, second: CRS) -> bool:
    """Return whether two coordinate systems are the same, whatever their spelling.

    >>> same_crs(CRS.from_epsg(32638), CRS.from_user_input("EPSG:32638").to_wkt())
    True
    >>> same_crs("EPSG:32638", CRS.from_epsg(32638).to_wkt("WKT1_ESRI"))
    True
    >>> same_crs("EPSG:32638", "EPSG:32639"), same_crs("EPSG:32638", "EPSG:32238")
    (False, False)
    """
    first, second = CRS.from_user_input(first), CRS.from_user_input(second)
    if first == second or first.equals(second, ignore_axis_order=True):
        return True
    meant = _meaning(first.to_wkt())
    return meant is not None and meant == _meaning(second.to_wkt())


@lru_cache(maxsize=64)
def _meaning(wkt: str) -> tuple[object, ...] | None:
    """Return what a projected system is made of; None for others.

    Programs write one system under several names: NUTM45 of ER Mapper is zone 45 north of UTM.
    """
    crs = CRS.from_wkt(wkt)
    if crs.is_bound and not _shifts(crs) and crs.source_crs is not None:
        crs = crs.source_crs
    operation, datum, ellipsoid = crs.coordinate_operation, crs.datum, crs.ellipsoid
    if not crs.is_projected or operation is None or datum is None or ellipsoid is None:
        return None
    numbers = {p.name: _number(p.value, p.unit_conversion_factor) for p in operation.params}
    name = re.sub(r"[^a-z0-9]", "", datum.name.lower().replace("ensemble", ""))
    units = tuple(axis.unit_conversion_factor for axis in crs.axis_info)
    size = (ellipsoid.semi_major_metre, round(ellipsoid.inverse_flattening, 6))
    return operation.method_name, tuple(sorted(numbers.items())), name, size, units


def _number(value: float | str, factor: float) -> float | str:
    """Return a parameter in its base unit; some are names of files."""
    return value if isinstance(value, str) else round(float(value) * (factor or 1.0), 9)


def _shifts(crs: CRS) -> bool:
    """Whether a system that states a shift of its datum states one that is not zero."""
    operation = crs.coordinate_operation
    return operation is not None and any(p.value for p in operation.params)
