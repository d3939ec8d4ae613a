"""Distinguish tiles of one raster from rasters of different bands."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from gossan.geo.grid import Grid, same_crs
from gossan.geo.raster import RasterLayer, open_raster
from gossan.imagery.rasters.band_names import band_name, scene_key, sensor_band
from gossan.imagery.rasters.paths import RasterSource

SHORTEST_PREFIX = 3
"""Characters that names of tiles share at least."""


@dataclass(frozen=True)
class RasterFile:
    """One raster, open: what it says, and the names that its bands have of their own."""

    source: RasterSource
    layer: RasterLayer = field(repr=False)
    names: tuple[str, ...]

    @property
    def signature(self) -> tuple[str, ...]:
        """Descriptions of the bands, else their numbers."""
        descriptions = self.source.header.descriptions
        return tuple(text or str(i) for i, text in enumerate(descriptions, 1))

    @property
    def only_counts(self) -> bool:
        """Whether bands are not named, or are called Band 1, Band 2 ... as ENVI calls any."""
        descriptions = [text.strip().lower().removeprefix("band ") for text in self.signature]
        return len(descriptions) > 1 and descriptions == [
            str(i) for i in range(1, len(descriptions) + 1)
        ]

    @property
    def described(self) -> bool:
        """Whether the file names its bands."""
        return any(self.source.header.descriptions)


def open_file(source: RasterSource) -> RasterFile:
    """Open a raster and name its bands: by the file where it holds one, else by descriptions."""
    layer = open_raster(source.path, subdataset=source.subdataset)
    if len(layer.bands) == 1:
        return RasterFile(source, layer, (band_name(source.stem),))
    return RasterFile(source, layer, tuple(band_name(name) for name in layer.bands))


def scenes_of_files(files: Sequence[RasterFile], sensor: str) -> list[list[RasterFile]]:
    """Group rasters of a sensor into scenes: no scene holds a band twice.

    A file with several bands is a scene or tile of its own; files of single bands belong together
    when their names agree but for band and pixel size. Files without any band of the sensor make no
    scene: they stay with the first one, which sets them aside.
    """
    bands = [name for file in files for name in known_bands(file, sensor)]
    if len(set(bands)) == len(bands):
        return [list(files)]
    groups: dict[str, list[RasterFile]] = {}
    for file in files:
        stem = file.source.stem
        key = scene_key(stem) if len(file.names) == 1 else f"{stem} {file.source.path.parent}"
        groups.setdefault(key, []).append(file)
    scenes = [group for group in groups.values() if any(_has_band(f, sensor) for f in group)]
    strangers = [file for group in groups.values() if group not in scenes for file in group]
    return [[*scenes[0], *strangers], *scenes[1:]] if scenes else [list(files)]


def _has_band(file: RasterFile, sensor: str) -> bool:
    """Whether a file holds a band of the sensor, or unnamed bands that may be."""
    texts = [file.source.stem] if len(file.names) == 1 else file.signature
    several = len(file.names) > 1
    return several or any(sensor_band(sensor, text) for text in texts)


def known_bands(file: RasterFile, sensor: str) -> list[str]:
    """Name a file's bands for comparison with another file's."""
    if len(file.names) == 1:
        texts: Sequence[str] = (file.source.stem,)
    else:
        texts = file.signature
    return [sensor_band(sensor, text) or text for text in texts]


def tiles_of_files(files: Sequence[RasterFile], names: int = 0) -> list[list[RasterFile]]:
    """Group rasters of any origin: the tiles of one raster, or one stack of different bands.

    Files are tiles when they have several bands, the same ones, in pixels of one size, and lie
    side by side: files whose bands have names may overlap as they like unless they cover the same
    ground, files without names must overlap by less than half, or by anything where ``names``, the
    number of band names that the user gives, are those of one file. Files of one band each are
    tiles when they overlap by less than half and their names begin alike.
    """
    first = files[0]
    if len(files) > 1 and all(_alike(file, first) for file in files[1:]):
        single = len(first.names) == 1
        named = first.described or names == len(first.names)
        most = 1.0 if named and not single else 0.5
        if all(_overlap(a, b) <= most for a, b in _pairs(files)) and (
            not single or len(common_prefix(files)) >= SHORTEST_PREFIX
        ):
            distinct = len({file.layer.grid.bounds for file in files}) == len(files)
            if distinct:
                return [[file] for file in files]
    return [list(files)]


def common_prefix(files: Sequence[RasterFile]) -> str:
    """Find what the names of files begin with."""
    names = sorted(file.names[0] for file in files)
    alike = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(names[0], names[-1]))
    return "".join(letter for letter, _ in alike).rstrip("_0123456789")


def _pairs(files: Sequence[RasterFile]) -> list[tuple[Grid, Grid]]:
    """Pair grids that could overlap, by sorting along easting when there are many files."""
    grids = [file.layer.grid for file in files]
    if len(grids) > 200:
        grids.sort(key=lambda grid: grid.bounds[:2])
        return list(itertools.pairwise(grids))
    return [(a, b) for i, a in enumerate(grids) for b in grids[i + 1 :]]


def _alike(file: RasterFile, other: RasterFile) -> bool:
    mine, its = file.layer.grid, other.layer.grid
    return (
        file.signature == other.signature
        and file.source.header.dtypes == other.source.header.dtypes
        and same_crs(mine.crs, its.crs)
        and abs(mine.pixel_width / its.pixel_width - 1) < 1e-6
        and abs(mine.pixel_height / its.pixel_height - 1) < 1e-6
    )


def _overlap(first: Grid, second: Grid) -> float:
    """Compute the share of the smaller grid that the other covers."""
    a, b = first.bounds, second.bounds
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    smaller = min((g[2] - g[0]) * (g[3] - g[1]) for g in (a, b))
    if wide <= 0.5 * first.pixel_width or high <= 0.5 * first.pixel_height:
        return 0.0
    return wide * high / smaller
