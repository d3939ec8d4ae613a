"""Open the drainage of a project: where water runs, from heights or from flow directions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pyproj import CRS

from gossan.errors import ImageryError, SettingsError, must
from gossan.geo.grid import Grid, same_crs
from gossan.geo.layer import Layer, RenamedLayer
from gossan.geo.raster import open_raster
from gossan.geo.warp import WarpedLayer, transformed_bounds
from gossan.imagery.mosaic import mosaic
from gossan.imagery.radiometric_normalisation import Dated
from gossan.imagery.rasters.open_rasters import open_rasters
from gossan.imagery.rasters.paths import resolve, resolve_all
from gossan.imagery.settings import ImagerySettings
from gossan.imagery.terrain.drainage import (
    Drainage,
    drainage_of_directions,
    drainage_of_heights,
)
from gossan.imagery.terrain.settings import TerrainSettings

__all__ = ["open_drainage", "terrain_paths"]


def open_drainage(settings: TerrainSettings, base: Path, crs: CRS | None = None) -> Drainage:
    """Open the drainage that ``[terrain]`` names, in a CRS in metres.

    Parameters
    ----------
    settings
        Heights, as one raster or several tiles, or flow directions.
    base
        Folder that paths start from.
    crs
        CRS of the maps: heights are brought to it by cubic convolution; directions must be in it.
        By default that of the raster.

    Raises
    ------
    SettingsError
        Neither heights nor directions are named.
    ImageryError
        A raster cannot be read, or directions are in another CRS.
    """
    if settings.flow is not None:
        return _of_directions(settings.flow, base, crs)
    if settings.dem is None:
        cure = 'Add [terrain] with dem = "heights.tif", or flow = "d8.tif"'
        raise SettingsError(must("[terrain]", "in the project file", "none", cure))
    heights = _heights(settings.dem, base, crs)
    if crs is None and heights.grid.crs.is_geographic:
        cure = "Set [project] crs, such as the area's UTM zone"
        raise ImageryError(must("[terrain] dem", "in metres", heights.grid.crs.name, cure))
    return drainage_of_heights(heights if crs is None else _in_crs(heights, crs))


def terrain_paths(settings: TerrainSettings, base: Path) -> list[Path]:
    """List the files of ``[terrain]``."""
    dem = settings.dem if isinstance(settings.dem, tuple) else (settings.dem,)
    return [base / path for path in (*dem, settings.flow) if path is not None]


def _heights(dem: tuple[Path, ...] | Path, base: Path, crs: CRS | None) -> Layer:
    """Open heights; several tiles are joined, the first one winning where they overlap."""
    paths = resolve_all(dem if isinstance(dem, tuple) else (dem,), base, "[terrain]")
    tiles = [_tile(path) for path in paths]
    return tiles[0].layer if len(tiles) == 1 else mosaic(tiles, crs=crs)[0]


def _tile(path: Path) -> Dated:
    found = open_rasters(ImagerySettings(name="terrain", paths=(path,))).tiles[0]
    if len(found.layer.bands) != 1:
        got = f"bands {', '.join(found.layer.bands)} in {path.name}"
        raise ImageryError(must("[terrain] dem", "of one band, heights", got, "Name that raster"))
    return Dated(path.name, found.time, RenamedLayer(found.layer, ("height",)))


def _of_directions(path: Path, base: Path, crs: CRS | None) -> Drainage:
    layer = open_raster(resolve(path, base, "[terrain]"))
    if crs is not None and not same_crs(layer.grid.crs, crs):
        cure = "Set [project] crs to that of the directions: they cannot be warped"
        got = f"{layer.grid.crs.name} and {crs.name}"
        raise ImageryError(must("[terrain] flow and the maps", "in one CRS", got, cure))
    codes = layer.read(layer.grid.whole)[0]
    return drainage_of_directions(layer.grid, np.nan_to_num(codes, nan=247).astype(int))


def _in_crs(heights: Layer, crs: CRS) -> Layer:
    """Bring heights to a CRS in metres, at pixels of about their own size."""
    if same_crs(heights.grid.crs, crs):
        return heights
    left, bottom, right, top = transformed_bounds(heights.grid, crs)
    size = ((right - left) * (top - bottom) / (heights.grid.width * heights.grid.height)) ** 0.5
    return WarpedLayer(heights, Grid.from_bounds(crs, (left, bottom, right, top), size))
