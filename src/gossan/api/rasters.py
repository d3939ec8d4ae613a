"""Rasters of the Python API: named bands on a grid, whatever they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS

from gossan.errors import ImageryError, must
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer, Layer, LikeSource, SelectedLayer, StackedLayer
from gossan.geo.raster import open_raster
from gossan.geo.warp import to_grid

if TYPE_CHECKING:
    import xarray

    from gossan.geo.grid import Window
    from gossan.imagery.components import Scaling

__all__ = ["Raster", "RasterLike", "as_raster", "from_array"]

RasterLike: TypeAlias = "Raster | Layer | xarray.DataArray | xarray.Dataset | str | Path"
"""What is taken wherever a raster is wanted; a list of them is stacked on the grid of the first."""


@runtime_checkable
class Selects(Protocol):
    """A layer that can leave bands out itself."""

    def select(self, bands: tuple[str, ...]) -> Layer:
        """Keep some bands."""
        ...


@dataclass(frozen=True, eq=False, repr=False)
class Raster(LikeSource):
    """Named bands on a grid; pixels are computed or read when they are needed.

    Parameters
    ----------
    source
        Any layer: a file, an array, or a chain of computations.
    sensor
        "aster", "sentinel2", or "bands" where the bands are not those of a known sensor.
    component_source
        What principal components are taken of; default: the bands themselves.
    component_scaling
        How they are scaled for it.
    tables
        Tables that say how the bands were made.

    Examples
    --------
    >>> grid = Grid.from_bounds(32638, (0, 0, 30, 20), 10)
    >>> raster = Raster(ArrayLayer(grid, ("clay", "iron"), np.ones((2, 2, 3))))
    >>> raster
    Raster(clay, iron: 2 x 3 pixels of 10 m, EPSG:32638)
    >>> raster["iron"].values.shape
    (1, 2, 3)
    """

    source: Layer
    sensor: str = "bands"
    component_source: Layer | None = None
    component_scaling: Scaling = "correlation"
    tables: Mapping[str, Any] = field(default_factory=dict)

    @property
    def crs(self) -> CRS:
        """Coordinate system of the pixels."""
        return self.grid.crs

    @property
    def shape(self) -> tuple[int, int, int]:
        """Bands, rows and columns."""
        return len(self.bands), *self.grid.shape

    @property
    def values(self) -> NDArray[np.float32]:
        """(band, row, column) of all pixels, read anew each time; NaN is empty."""
        return self.source.read(self.grid.whole)

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read (band, row, column) of a window of pixels; NaN is empty."""
        return self.source.read(window)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self.values, dtype)

    def __getitem__(self, names: str | Sequence[str]) -> Raster:
        chosen = (names,) if isinstance(names, str) else tuple(names)
        rest = self.component_source
        if rest is not None:
            rest = _selected(rest, tuple(name for name in chosen if name in rest.bands))
        return replace(self, source=_selected(self.source, chosen), component_source=rest)

    def to_grid(self, grid: Grid | RasterLike) -> Raster:
        """Bring the bands to another grid, or to that of another raster.

        Finer pixels are averaged, coarser ones interpolated by cubic convolution.
        """
        target = grid if isinstance(grid, Grid) else as_raster(grid).grid
        return Raster(to_grid(self.source, target), self.sensor)

    def to_xarray(self) -> xarray.DataArray:
        """Read all pixels into a labelled array (band, y, x) with its coordinate system."""
        from gossan.geo.labelled import to_xarray

        return to_xarray(self.source)

    def to_cog(self, path: Path | str) -> Path:
        """Stream the bands to a cloud-optimised GeoTIFF, in bounded memory.

        Returns
        -------
        The path; the file appears whole or not at all.
        """
        Blocks().write(self.source, Path(path))
        return Path(path)

    def __repr__(self) -> str:
        return f"Raster({_some(self.bands)}: {grid_words(self.grid)})"

    def _repr_html_(self) -> str:
        from gossan.api.notebook import card

        facts = {"bands": ", ".join(self.bands), "pixels": grid_words(self.grid)}
        return card(f"Raster ({self.sensor})", facts, self.picture())

    def picture(self) -> NDArray[np.float32] | None:
        """Read the first band; None where that is too much to be read for a picture."""
        from gossan.api.notebook import MOST_PIXELS

        if self.grid.height * self.grid.width > MOST_PIXELS:
            return None
        return self[self.bands[0]].values[0]


def _selected(layer: Layer, names: tuple[str, ...]) -> Layer:
    """Keep some bands; components that are not asked for are then not computed."""
    return layer.select(names) if isinstance(layer, Selects) else SelectedLayer(layer, names)


def _some(names: Sequence[str], most: int = 6) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def grid_words(grid: Grid) -> str:
    """Describe a grid in a few words.

    >>> grid_words(Grid.from_bounds(32638, (0, 0, 30, 20), 10))
    '2 x 3 pixels of 10 m, EPSG:32638'
    """
    authority = grid.crs.to_authority()
    system = ":".join(authority) if authority else grid.crs.name
    wide, high = grid.pixel_width, grid.pixel_height
    size = f"{wide:g}" if np.isclose(wide, high) else f"{wide:g} x {high:g}"
    return f"{grid.height} x {grid.width} pixels of {size} m, {system}"


def as_raster(source: RasterLike | Sequence[RasterLike]) -> Raster:
    """Take anything that holds pixels as a raster; a list is stacked on the grid of its first.

    Raises
    ------
    ImageryError
        The object is none of those; a plain array, for example, lacks its place
        (use ``open_raster(array, crs=..., transform=...)``).
    """
    if isinstance(source, Raster):
        return source
    if isinstance(source, str | Path):
        return Raster(open_raster(source))
    if type(source).__module__.startswith("xarray."):
        from gossan.geo.labelled import from_xarray

        return Raster(from_xarray(source))  # type: ignore[arg-type]
    if isinstance(source, list | tuple) and source:
        return _stacked([as_raster(one) for one in source])
    if isinstance(source, Layer):
        return Raster(source)
    allowed = "a raster, an xarray.DataArray, a layer, a path, or a list of these"
    cure = "Place an array with open_raster(array, crs=..., transform=...)"
    raise ImageryError(must("imagery", allowed, type(source).__name__, cure))


def _stacked(rasters: Sequence[Raster]) -> Raster:
    """Stack rasters on the grid of the first; bands that share a name are numbered."""
    first, *others = rasters
    sources = [first.source, *(to_grid(one.source, first.grid) for one in others)]
    return Raster(StackedLayer(tuple(sources)), first.sensor)


def from_array(
    array: NDArray[Any], crs: Any, transform: Affine | Sequence[float], bands: Sequence[str] = ()
) -> Raster:
    """Place an array (row, column) or (band, row, column) on the ground."""
    values = np.asarray(array)
    values = values[None] if values.ndim == 2 else values
    names = tuple(bands) or tuple(f"b{i + 1}" for i in range(len(values)))
    grid = Grid(CRS.from_user_input(crs), Affine(*tuple(transform)[:6]), *values.shape[1:])
    return Raster(ArrayLayer(grid, names, values))
