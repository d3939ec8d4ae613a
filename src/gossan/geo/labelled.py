"""Layers as labelled arrays (xarray) and back, with the coordinate system as CF and rioxarray
write it."""

from __future__ import annotations

from typing import Any

import numpy as np
import rioxarray  # noqa: F401 - gives arrays their ``rio`` accessor
import xarray
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS

from gossan.errors import GridError, must
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer, Layer

__all__ = ["from_xarray", "to_xarray", "with_grid"]


def to_xarray(layer: Layer) -> xarray.DataArray:
    """Read a whole layer into a labelled array.

    Returns
    -------
    DataArray (band, y, x) of pixel centres, its coordinate system and transform in ``spatial_ref``
    as rioxarray, QGIS and GDAL's netCDF driver read them. NaN is empty.

    Examples
    --------
    >>> grid = Grid.from_bounds(32638, (0, 0, 30, 20), 10)
    >>> array = to_xarray(ArrayLayer(grid, ("b1",), np.ones((1, 2, 3))))
    >>> array.rio.crs.to_epsg(), dict(array.sizes)
    (32638, {'band': 1, 'y': 2, 'x': 3})
    """
    values = layer.read(layer.grid.whole)
    easting, northing = layer.grid.coordinates()
    coords = {"band": list(layer.bands), "y": northing, "x": easting}
    return with_grid(xarray.DataArray(values, coords, ("band", "y", "x")), layer.grid)


def with_grid(labelled: Any, grid: Grid) -> Any:
    """Attach the coordinate system and the transform of a grid to an array or a data set."""
    return labelled.rio.write_crs(grid.crs.to_wkt()).rio.write_transform(grid.transform)


def from_xarray(array: xarray.DataArray | xarray.Dataset, crs: Any = None) -> ArrayLayer:
    """Take a labelled array of evenly spaced pixel centres as a layer.

    Parameters
    ----------
    array
        (y, x) or (band, y, x), in any order and under any names that rioxarray recognises (x and
        y, longitude and latitude, or axes marked as CF has it); or a data set, whose variables are
        the bands. Values equal to its nodata value are empty. A south-up array is turned.
    crs
        Coordinate system; default: that of the array.

    Raises
    ------
    GridError
        The array states no coordinate system, has more than three dimensions, or its pixels are
        not evenly spaced.
    """
    system = crs or array.rio.crs or array.attrs.get("crs")
    if isinstance(array, xarray.Dataset):
        array = array[[name for name, one in array.data_vars.items() if one.ndim]].to_array("band")
    if system is None:
        cure = "Pass crs, or set it: array.rio.write_crs('EPSG:...')"
        raise GridError(must("the array", "given with a CRS", "none", cure))
    array = _three_dimensional(array)
    values = np.asarray(array.values, np.float32)
    nodata = array.rio.nodata
    if nodata is not None and np.isfinite(nodata):
        values = np.where(values == np.float32(nodata), np.float32("nan"), values)
    grid = Grid(CRS.from_user_input(system), _transform(array), *values.shape[1:])
    return ArrayLayer(grid, _names(array), values)


def _three_dimensional(array: xarray.DataArray) -> xarray.DataArray:
    """Bring an array to (band, y, x), north up and west first."""
    array = array.rename({array.rio.y_dim: "y", array.rio.x_dim: "x"})
    others = [dim for dim in array.dims if dim not in ("y", "x")]
    if len(others) > 1:
        cure = "Choose one of each, for example array.isel(time=0)"
        got = ", ".join(map(str, others))
        raise GridError(must("the array", "of one dimension beside x and y", got, cure))
    array = array.rename({others[0]: "band"}) if others else array.expand_dims("band")
    return array.transpose("band", "y", "x").sortby("y", ascending=False).sortby("x")


def _names(array: xarray.DataArray) -> tuple[str, ...]:
    """Name the bands: by their labels, the file's descriptions, or the array's own name."""
    described = array.attrs.get("long_name")
    if isinstance(described, tuple | list) and len(described) == len(array):
        return tuple(map(str, described))
    labels = array["band"].values if "band" in array.coords else np.arange(1, len(array) + 1)
    if len(array) == 1 and array.name is not None and np.issubdtype(labels.dtype, np.number):
        return (str(array.name),)
    return tuple(f"b{v}" if np.issubdtype(labels.dtype, np.number) else str(v) for v in labels)


def _transform(array: xarray.DataArray) -> Affine:
    x, y = np.asarray(array["x"], float), np.asarray(array["y"], float)
    stored = array.rio.transform()
    wide = _spacing(x, "x", abs(stored.a))
    high = -_spacing(y, "y", -abs(stored.e))
    return Affine(wide, 0.0, x[0] - wide / 2, 0.0, -high, y[0] + high / 2)


def _spacing(centres: NDArray[np.float64], axis: str, stored: float) -> float:
    """Return the even spacing of pixel centres; that of the stored transform for a single one."""
    if len(centres) < 2:
        return stored
    steps = np.diff(centres)
    if np.ptp(steps) > 1e-3 * abs(steps.mean()):
        raise GridError(must(axis, "evenly spaced", "uneven steps", "Regrid the array first"))
    return float(steps.mean())
