"""Maps as xarray data sets, and the accessor that writes them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import xarray

from gossan.api.rasters import Raster
from gossan.geo.blocks import Blocks
from gossan.geo.labelled import from_xarray, with_grid

__all__ = ["GossanAccessor", "dataset_of"]

LONG_NAMES = {
    "median": "median",
    "mean": "mean",
    "standard_error": "standard error",
    "lower90": "lower bound of the 90 % interval",
    "upper90": "upper bound of the 90 % interval",
}


def dataset_of(raster: Raster, unit: str, facts: Mapping[str, str]) -> xarray.Dataset:
    """Read a raster into a data set of one variable for each band, named as CF asks."""
    array = raster.to_xarray()
    variables = {
        band: array.sel(band=band, drop=True).assign_attrs(
            units=unit, long_name=f"{facts['element']}, {LONG_NAMES.get(band, band)}"
        )
        for band in raster.bands
    }
    about = {"Conventions": "CF-1.11", **facts}
    return with_grid(xarray.Dataset(variables, attrs=about), raster.grid)


@xarray.register_dataset_accessor("gossan")
class GossanAccessor:
    """What gossan adds to data sets: ``ds.gossan.to_cog("cu.tif")``."""

    def __init__(self, dataset: xarray.Dataset) -> None:
        self._dataset = dataset

    @property
    def raster(self) -> Raster:
        """The variables as the bands of a raster."""
        return Raster(from_xarray(self._dataset))

    def to_cog(self, path: Path | str) -> Path:
        """Write the variables as bands of one cloud-optimised GeoTIFF, whole or not at all."""
        units = {one.attrs.get("units", "") for one in self._dataset.data_vars.values()}
        tags = {f"gossan_{name}": str(value) for name, value in self._dataset.attrs.items()}
        Blocks().write(self.raster.source, Path(path), tags, units.pop() if len(units) == 1 else "")
        return Path(path)
