"""ASTER granules of one GeoTIFF per band, as the archive has them since version 4."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gossan.catalogue.sensors import aster_bands
from gossan.demo.aster_metadata_text import met_text
from gossan.demo.overpass import Overpass
from gossan.demo.write_aster import SimulatedAster, granule_name, telescope_grid
from gossan.geo.grid import Grid
from gossan.geo.layer import Layer, SelectedLayer
from gossan.geo.raster import RasterWriter, atomic_path
from gossan.geo.warp import to_grid


def write_aster_geotiffs(folder: Path, scene: SimulatedAster) -> Path:
    """Write a scene as a V004 granule: a folder of one GeoTIFF per band and a ``.met`` file.

    Background is 0 and not declared, as in the archive. Returns the folder of the granule.
    """
    name = granule_name(scene.overpass, "004")
    granule = Path(folder) / name
    granule.mkdir(parents=True, exist_ok=True)
    for group, grid in scene.grids.items():
        for band in scene.bands(group):
            _write_band(granule / f"{name}_{band.suffix}.tif", grid, scene.numbers[band.name])
    text = met_text(scene.overpass, scene.grids, name)
    with atomic_path(granule / f"{name}.met") as temporary:
        temporary.write_text(text, encoding="ascii")
    return granule


def write_surface_reflectance(folder: Path, surface: Layer, overpass: Overpass) -> Path:
    """Write surface reflectance as an AST_07XT granule (int16, 0.001); returns its folder."""
    name = granule_name(overpass, "004", "AST_07XT")
    granule = Path(folder) / name
    granule.mkdir(parents=True, exist_ok=True)
    for band in (b for b in aster_bands() if b.name in surface.bands):
        grid = telescope_grid(surface.grid, band.pixel_m)
        values = to_grid(SelectedLayer(surface, (band.name,)), grid).read(grid.whole)[0]
        stored = np.rint(np.nan_to_num(values * 1000.0, nan=-9999.0)).astype(np.int16)
        _write_band(granule / f"{name}_SRF_{band.suffix}.tif", grid, stored)
    return granule


def _write_band(path: Path, grid: Grid, values: NDArray[np.integer]) -> None:
    with atomic_path(path) as temporary:
        writer = RasterWriter(temporary, grid, (path.stem[-8:],), str(values.dtype), None)
        try:
            writer.write(grid.whole, values[None])
        finally:
            writer.close()
