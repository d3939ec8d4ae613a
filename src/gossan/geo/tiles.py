"""Maps cut into tiles of one lattice: each a file of its own, finished before the next is begun.

A tile is a cloud-optimised GeoTIFF with a STAC item beside it, which is written last: a tile
without its item does not exist. A virtual raster (VRT) shows all tiles as one map. Tiles lie on a
lattice with a fixed origin, so a tile's bytes depend neither on the extent of the map nor on the
tiles around it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as xml

from pyproj import CRS

from gossan.geo.blocks import BandStatistics, Blocks, MapFiles, read_window
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import Layer
from gossan.geo.raster import atomic_path
from gossan.geo.warp import transformed_bounds

__all__ = ["Tile", "TiledMap", "tiles_of", "write_tiles"]

KEY, STATISTICS, HASH = "gossan:key", "gossan:statistics", "gossan:hash"


@dataclass(frozen=True)
class Tile:
    """One tile: its name on the lattice, and its pixels on the grid of the map."""

    name: str
    window: Window


def tiles_of(grid: Grid, side: int) -> list[Tile]:
    """Cut a grid into tiles of ``side`` pixels, row by row.

    Tiles begin at multiples of ``side`` pixels from the origin of the coordinate system; those at
    the edge of the grid are smaller. The name says how many tiles east and north of the origin.

    >>> grid = Grid.from_bounds(32638, (150, 100, 450, 300), 10)
    >>> [(tile.name, tuple(tile.window)) for tile in tiles_of(grid, 20)]
    [('x0_y1', (0, 0, 10, 5)), ('x1_y1', (0, 5, 10, 20)), ('x2_y1', (0, 25, 10, 5)), \
('x0_y0', (10, 0, 10, 5)), ('x1_y0', (10, 5, 10, 20)), ('x2_y0', (10, 25, 10, 5))]
    """
    left, _, _, top = grid.bounds
    first_col = round(left / grid.pixel_width)
    first_row = round(-top / grid.pixel_height)
    return [
        Tile(f"x{column}_y{-row - 1}", Window(start, begin, high, wide))
        for row, start, high in _cuts(first_row, grid.height, side)
        for column, begin, wide in _cuts(first_col, grid.width, side)
    ]


def _cuts(first: int, size: int, side: int) -> Iterator[tuple[int, int, int]]:
    """Cut pixels ``first`` to ``first + size`` of an axis: number, start in the grid, length."""
    for number in range(first // side, (first + size - 1) // side + 1):
        start, stop = max(number * side, first), min((number + 1) * side, first + size)
        yield number, start - first, stop - start


@dataclass(frozen=True)
class TiledMap:
    """One map in tiles: ``<folder>/<tile>.tif`` and ``.json``, and ``<folder>.vrt`` beside it.

    Parameters
    ----------
    path
        The VRT.
    bands
        Bands of the layer that the map holds.
    key
        Fingerprint of what the map is made of; tiles of another key are made anew.
    tags, unit
        Metadata of every file.
    """

    path: Path
    bands: tuple[str, ...]
    key: str
    tags: Mapping[str, str] = field(default_factory=dict)
    unit: str = ""

    @property
    def folder(self) -> Path:
        """Folder of the tiles."""
        return self.path.with_suffix("")

    def tile(self, tile: Tile) -> Path:
        """File of a tile."""
        return self.folder / f"{tile.name}.tif"

    def item(self, tile: Tile) -> Path:
        """STAC item of a tile."""
        return self.folder / f"{tile.name}.json"

    def known(self, tile: Tile, hashed: Callable[[Path], str]) -> dict[str, Any] | None:
        """Return the properties of a tile that stands whole; None where it must be written."""
        path = self.tile(tile)
        try:
            found: dict[str, Any] = json.loads(self.item(tile).read_text("utf-8"))["properties"]
            whole = found[KEY] == self.key and path.exists() and found[HASH] == hashed(path)
            return found if whole else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def files(self, tiles: Sequence[Tile]) -> list[Path]:
        """Every file of the map."""
        return [self.path, *(path(t) for t in tiles for path in (self.tile, self.item))]


def write_tiles(
    layer: Layer,
    maps: Sequence[TiledMap],
    side: int,
    blocks: Blocks,
    hashed: Callable[[Path], str],
    descriptions: tuple[str, ...] | None = None,
) -> list[dict[str, dict[str, float]]]:
    """Write the bands of one layer to tiled maps; tiles that stand are kept.

    The windows of all missing tiles are computed in one pass, so that a cluster never waits for
    the end of a tile.

    Parameters
    ----------
    layer
        What is written.
    maps
        The maps, which share the tiles.
    side
        Side of a tile in pixels.
    blocks
        The engine.
    hashed
        Returns the hash of a file.
    descriptions
        Descriptions of the layer's bands.

    Returns
    -------
    Statistics of each map by band, over all tiles.
    """
    tiles = tiles_of(layer.grid, side)
    known = {
        (one.path, tile.name): found
        for one in maps
        for tile in tiles
        if (found := one.known(tile, hashed)) is not None
    }
    missing = [t for t in tiles if any((one.path, t.name) not in known for one in maps)]
    windows = [list(_windows(tile, blocks.size)) for tile in missing]
    results = blocks.map(
        partial(read_window, layer), layer.grid, [one for own in windows for one in own]
    )
    named = dict(zip(layer.bands, descriptions or layer.bands))
    for tile, own in zip(missing, windows):
        written = _write_tile(layer, maps, tile, islice(results, len(own)), blocks, named)
        for one, statistics in zip(maps, written):
            known[one.path, tile.name] = _write_item(
                one, tile, layer.grid.crop(tile.window), statistics, hashed
            )
    for one in maps:
        _drop_others(one, tiles)
        _write_vrt(one, layer.grid, tiles, named)
    return [
        {
            band: BandStatistics.joined(known[one.path, t.name][STATISTICS][band] for t in tiles)
            for band in one.bands
        }
        for one in maps
    ]


def _windows(tile: Tile, size: int) -> Iterator[Window]:
    """Cut a tile into windows of the map's grid."""
    row, col, height, width = tile.window
    for top in range(row, row + height, size):
        for left in range(col, col + width, size):
            yield Window(top, left, min(size, row + height - top), min(size, col + width - left))


def _write_tile(
    layer: Layer,
    maps: Sequence[TiledMap],
    tile: Tile,
    results: Iterator[tuple[Window, Any]],
    blocks: Blocks,
    named: Mapping[str, str],
) -> list[dict[str, dict[str, float]]]:
    """Fill the files of one tile from the windows that belong to it."""
    grid = layer.grid.crop(tile.window)
    files = {one.tile(tile): one.bands for one in maps}
    with MapFiles.opened(grid, layer.bands, files, named) as outputs:
        for window, values in results:
            down, across = window.row - tile.window.row, window.col - tile.window.col
            outputs.write(Window(down, across, *window.shape), values)
        return outputs.finish(
            {one.tile(tile): one.tags for one in maps},
            {one.tile(tile): one.unit for one in maps},
            blocks.threads,
        )


def _write_item(
    one: TiledMap,
    tile: Tile,
    grid: Grid,
    statistics: dict[str, dict[str, float]],
    hashed: Callable[[Path], str],
) -> dict[str, Any]:
    """Write the STAC item of a finished tile: from then on it exists."""
    west, south, east, north = transformed_bounds(grid, CRS.from_epsg(4326))
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    path = one.tile(tile)
    properties = {
        "datetime": datetime.now(UTC).isoformat(timespec="seconds"),
        "proj:code": ":".join(grid.crs.to_authority() or ()) or None,
        "proj:shape": list(grid.shape),
        "proj:transform": list(grid.transform[:6]),
        KEY: one.key,
        HASH: hashed(path),
        STATISTICS: statistics,
    }
    item = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": ["https://stac-extensions.github.io/projection/v2.0.0/schema.json"],
        "id": f"{one.folder.name}_{tile.name}",
        "bbox": [west, south, east, north],
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": properties,
        "links": [],
        "assets": {
            "map": {
                "href": f"./{path.name}",
                "type": "image/tiff; application=geotiff; profile=cloud-optimized",
                "roles": ["data"],
            }
        },
    }
    with atomic_path(one.item(tile)) as temporary:
        temporary.write_text(json.dumps(item, indent=1) + "\n", encoding="utf-8")
    return properties


def _drop_others(one: TiledMap, tiles: Sequence[Tile]) -> None:
    """Remove tiles of an earlier lattice or extent: their items would show them as part of it."""
    wanted = set(one.files(tiles))
    for item in one.folder.glob("x*_y*.json"):
        if item not in wanted:
            item.unlink()
            item.with_suffix(".tif").unlink(missing_ok=True)


def _write_vrt(one: TiledMap, grid: Grid, tiles: Sequence[Tile], named: Mapping[str, str]) -> None:
    """Write the virtual raster that shows all tiles as one map."""
    root = xml.Element("VRTDataset", rasterXSize=str(grid.width), rasterYSize=str(grid.height))
    xml.SubElement(root, "SRS").text = grid.crs.to_wkt("WKT2_2019")
    t = grid.transform
    xml.SubElement(root, "GeoTransform").text = ", ".join(
        repr(float(value)) for value in (t.c, t.a, t.b, t.f, t.d, t.e)
    )
    metadata = xml.SubElement(root, "Metadata")
    for key, value in one.tags.items():
        xml.SubElement(metadata, "MDI", key=key).text = value
    for number, band in enumerate(one.bands, 1):
        shown = xml.SubElement(
            root, "VRTRasterBand", dataType="Float32", band=str(number),
            blockXSize="512", blockYSize="512",
        )  # fmt: skip
        xml.SubElement(shown, "Description").text = named[band]
        xml.SubElement(shown, "UnitType").text = one.unit
        xml.SubElement(shown, "NoDataValue").text = "nan"
        for tile in tiles:
            _add_source(shown, one.tile(tile), tile.window, number)
    with atomic_path(one.path) as temporary:
        xml.ElementTree(root).write(temporary, encoding="utf-8")


def _add_source(shown: xml.Element, path: Path, window: Window, band: int) -> None:
    source = xml.SubElement(shown, "SimpleSource")
    name = xml.SubElement(source, "SourceFilename", relativeToVRT="1")
    name.text = f"{path.parent.name}/{path.name}"
    xml.SubElement(source, "SourceBand").text = str(band)
    size = {"xSize": str(window.width), "ySize": str(window.height)}
    about = {"RasterXSize": str(window.width), "RasterYSize": str(window.height)}
    about |= {"DataType": "Float32", "BlockXSize": "512", "BlockYSize": "512"}
    xml.SubElement(source, "SourceProperties", about)
    xml.SubElement(source, "SrcRect", {"xOff": "0", "yOff": "0"} | size)
    xml.SubElement(source, "DstRect", {"xOff": str(window.col), "yOff": str(window.row)} | size)
