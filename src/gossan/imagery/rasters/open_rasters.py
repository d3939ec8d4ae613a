"""Open plain rasters as tiles: named bands in physical units on one grid, classes set apart."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from gossan.catalogue.sensors import aster_bands, sentinel2_bands
from gossan.errors import GossanWarning, ImageryError, must
from gossan.geo.layer import Layer, MappedLayer
from gossan.geo.raster import RasterLayer, open_raster
from gossan.geo.warp import to_grid
from gossan.imagery.rasters.band_names import (
    band_name,
    band_of_wavelength,
    canonical,
    is_quality,
    sensor_band,
)
from gossan.imagery.rasters.conversion import Rescale, per_band
from gossan.imagery.rasters.paths import items_among, raster_sources, resolve_all
from gossan.imagery.rasters.stac_items import times_of
from gossan.imagery.rasters.tiles import (
    RasterFile,
    common_prefix,
    open_file,
    scenes_of_files,
    tiles_of_files,
)
from gossan.imagery.settings import ImagerySettings
from gossan.imagery.stack import stack

CLASSES = "scl"
"""Band of Sentinel-2's scene classes: codes, not reflectance."""
LITTLE_SHARED = 0.5
"""Share of a file's ground that a stack keeps, below which a note says so."""
UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)
TIME = re.compile(r"(?:^|[^0-9])((?:19|20)\d{6})(?:T(\d{6}))?(?=[^0-9]|$)", re.IGNORECASE)


@dataclass(frozen=True)
class FileBand:
    """One band of one file under the name that it has in the stack."""

    file: RasterFile = field(repr=False)
    number: int
    """Number of the file in its tile, from 0."""
    index: int
    """Number of the band in its file, from 1."""
    own: str
    """Name that file or description gives."""
    name: str

    @property
    def text(self) -> str:
        """What a sensor's band is recognised by."""
        description = self.file.source.header.descriptions[self.index - 1]
        return description if len(self.file.names) > 1 and description else self.file.source.stem

    @property
    def bad(self) -> bool:
        """Whether the file marks the band as bad."""
        return self.index in self.file.source.header.bad

    @property
    def wavelength_um(self) -> float | None:
        """Central wavelength that the file states (micrometres)."""
        return self.file.source.header.wavelengths_um[self.index - 1]


@dataclass(frozen=True, eq=False)
class RasterTile:
    """One tile or scene of plain rasters.

    Attributes
    ----------
    name, time
        Of the first file; 1970 where neither a STAC item nor its name holds a date.
    layer
        Bands in physical units on one grid.
    stored
        The same bands as their files store them, on the files' own grids.
    classes
        Sentinel-2's scene classes on the layer's grid; None where there are none.
    """

    name: str
    time: datetime
    layer: Layer
    stored: tuple[RasterLayer, ...] = field(repr=False)
    classes: Layer | None = field(default=None, repr=False)


@dataclass(frozen=True, eq=False)
class OpenRasters:
    """Plain rasters, open: one tile or several with the same bands, and what is worth saying."""

    tiles: tuple[RasterTile, ...]
    wavelengths_um: dict[str, float]
    notes: tuple[str, ...] = ()


def open_rasters(settings: ImagerySettings, base_folder: Path | str = ".") -> OpenRasters:
    """Open the rasters of an imagery, reading headers only.

    Parameters
    ----------
    settings
        Names the files and, where needed, bands, scale, offset, nodata and pixel size.
    base_folder
        Folder that relative paths start from.

    Returns
    -------
    Tiles. Each lies on the pixels of its finest raster, cut to the ground that its files share.

    Raises
    ------
    ImageryError
        A file is missing or unreadable, names do not fit, or no band of the sensor is recognised.
    GridError
        The rasters of a tile share no ground.

    Notes
    -----
    Coarser rasters come to the finest grid by cubic convolution, finer ones to a coarser
    ``pixel_size_m`` by area mean (``geo.warp.to_grid``).
    """
    paths = resolve_all(settings.paths, base_folder, settings.name)
    times = times_of(items_among(settings.paths, base_folder, settings.name))
    files = [open_file(source) for source in raster_sources(paths, settings.name)]
    plain = settings.sensor == "bands"
    if plain:
        groups = tiles_of_files(files, len(settings.bands))
    elif _named_in_turn(settings, files):
        groups = [files]
    else:
        groups = scenes_of_files(files, settings.sensor)
    alias = common_prefix(files) if plain and len(groups) > 1 and len(files[0].names) == 1 else ""
    tiles: list[RasterTile] = []
    notes: list[str] = []
    waves: dict[str, float] = {}
    for group in groups:
        bands = _chosen(settings, _own_bands(group, alias))
        kept, aside = _spectral(settings, bands)
        tile, first = _tile(settings, kept, aside), kept[0].file.source.path
        tiles.append(replace(tile, time=times.get(first, tile.time)))
        notes += [*_notes(settings, aside), *_counted(settings, kept), *_little_shared(tile)]
        waves |= {band.name: band.wavelength_um for band in kept if band.wavelength_um}
    if len(tiles) > 1:
        notes.append(f"{len(tiles)} tiles were joined")
    return OpenRasters(tuple(tiles), waves, tuple(dict.fromkeys(notes)))


def _named_in_turn(settings: ImagerySettings, files: Sequence[RasterFile]) -> bool:
    """Whether ``bands`` names every band of files that only number theirs: one stack in turn."""
    count = sum(len(file.names) for file in files)
    return count == len(settings.bands) and all(file.only_counts for file in files)


def _own_bands(files: Sequence[RasterFile], alias: str) -> list[FileBand]:
    """List the bands of a tile, named uniquely over its files."""
    names = [(alias,) if alias else file.names for file in files]
    flat = [name for own in names for name in own]
    if len(set(flat)) != len(flat):
        names = [
            tuple(f"{band_name(file.source.stem)}_{name}" for name in own)
            for file, own in zip(files, names)
        ]
    return [
        FileBand(file, number, file.layer.indexes[k], name, name)
        for number, (file, own) in enumerate(zip(files, names))
        for k, name in enumerate(own)
    ]


def _chosen(settings: ImagerySettings, bands: list[FileBand]) -> list[FileBand]:
    """Name the bands and keep those that the settings name.

    ``bands`` selects where every name is one that the files have; else it names all bands in turn.
    """
    sensor, wanted = settings.sensor, settings.bands
    if sensor != "bands":
        bands = [b if _numbered(b, settings) else _recognised(sensor, b) for b in bands]
    if wanted:
        known = {b.own: b for b in bands} | {b.name: b for b in bands}
        names = [canonical(sensor, name) for name in wanted]
        hits = [known.get(name) or known.get(band_name(name)) for name in names]
        found = [replace(hit, name=name) for hit, name in zip(hits, names) if hit]
        if len(found) == len(wanted):
            bands = found
        elif len(wanted) == len(bands):
            bands = [replace(band, name=name) for band, name in zip(bands, names)]
        else:
            raise _unfit(settings.name, bands, len(wanted))
    _unique(settings.name, bands)
    return bands


def _recognised(sensor: str, band: FileBand) -> FileBand:
    """Name a band by its wavelength, else by its text: ENVI numbers the bands of any stack."""
    text = f"band {band.index}" if band.file.only_counts else band.text
    name = band_of_wavelength(sensor, band.wavelength_um) or sensor_band(sensor, text)
    return replace(band, name=name or band.own)


def _numbered(band: FileBand, settings: ImagerySettings) -> bool:
    """Whether the file only numbers this band, so that it is not known to be a sensor's.

    Nine counted bands (or all fourteen, or the three visible ones) are ASTER's in its order, unless
    wavelengths say more.
    """
    if band.wavelength_um is not None:
        return False
    whole = settings.sensor == "aster" and len(band.file.names) in (3, 9, 14)
    return band.file.only_counts and (bool(settings.bands) or not whole)


def _unfit(name: str, bands: Sequence[FileBand], got: int) -> ImageryError:
    own = ", ".join(band.own for band in bands[:12]) + (", ..." if len(bands) > 12 else "")
    return ImageryError(
        must(
            f"imagery {name!r}: bands",
            f"{len(bands)} names, one for each band, or some of {own}",
            got,
            "Name every band of every path in turn, or choose bands by these names",
        )
    )


def _unique(name: str, bands: Sequence[FileBand]) -> None:
    flat = [band.name for band in bands]
    if len(set(flat)) != len(flat):
        twice = next(text for text in flat if flat.count(text) > 1)
        files = ", ".join(b.file.source.path.name for b in bands if b.name == twice)
        raise ImageryError(
            must(
                f"imagery {name!r}: band names",
                "unique",
                f"{twice!r} twice ({files})",
                "Set bands = [...] in the project file",
            )
        )


def _spectral(
    settings: ImagerySettings, bands: list[FileBand]
) -> tuple[list[FileBand], list[FileBand]]:
    """Separate the bands of a sensor from classes and anything else in its files."""
    quality = quality_band(settings, bands)
    if settings.sensor == "bands":
        aside = {b.name for b in bands if not settings.bands and (is_quality(b.own) or b.bad)}
        known = {band.name for band in bands} - {quality} - aside
    elif settings.sensor == "aster":
        known = {band.name for band in aster_bands()}
    else:
        known = {band.name for band in sentinel2_bands()}
    kept = [band for band in bands if band.name in known]
    if not kept:
        sensor = {"aster": "ASTER", "sentinel2": "Sentinel-2"}.get(settings.sensor, "spectral")
        raise ImageryError(
            must(
                f"imagery {settings.name!r}",
                f"made of {sensor} bands",
                f"none recognised among {', '.join(band.own for band in bands[:12])}",
                'Set bands = ["b02", "b03", ...] in turn, or sensor = "bands"'
                if settings.sensor == "sentinel2"
                else 'Set bands = ["b1", "b2", ...] in turn, or sensor = "bands"',
            )
        )
    return kept, [band for band in bands if band.name not in known]


def quality_band(settings: ImagerySettings, bands: Sequence[FileBand]) -> str | None:
    """Find the band of quality numbers, which the settings may write in capitals.

    Raises
    ------
    ImageryError
        There is no such band.
    """
    stated = settings.quality.band if settings.quality is not None else None
    if stated is None:
        return None
    names = {band_name(band.name): band.name for band in bands}
    if band_name(stated) not in names:
        allowed = f"one of {', '.join(names.values())}"
        raise ImageryError(must("quality: band", allowed, repr(stated), "Name a band, or a path"))
    return names[band_name(stated)]


def _tile(
    settings: ImagerySettings, bands: Sequence[FileBand], aside: Sequence[FileBand]
) -> RasterTile:
    """Build the layers of a tile."""
    names, files = [b.name for b in bands], [b.number for b in bands]
    number = {number: place for place, number in enumerate(dict.fromkeys(files))}
    files = [number[file] for file in files]
    scales, offsets = _declared(settings, bands)
    if scales is None or offsets is None:
        assert settings.scale != "file"
        scales = per_band(settings.scale, names, files, "scale", 1.0)
        offsets = per_band(settings.offset, names, files, "offset", 0.0)
    nodata = per_band(settings.nodata, names, files, "nodata", np.nan)
    layers: list[Layer] = []
    stored: list[RasterLayer] = []
    for place in dict.fromkeys(files):
        chosen = [k for k, file in enumerate(files) if file == place]
        marks = [(*_zero(settings.sensor, bands[k]), nodata[k]) for k in chosen]
        raster = _open([bands[k] for k in chosen], marks)
        stored.append(raster)
        convert = Rescale(
            tuple(scales[k] for k in chosen),
            tuple(offsets[k] for k in chosen),
            settings.sensor != "bands" and len(chosen) > 1,
        )
        scaled = MappedLayer(raster, convert, raster.bands)
        layers.append(raster if convert.does_nothing else scaled)
    layer = stack(layers, tuple(names), pixel_size=settings.pixel_size_m)
    first = bands[0].file.source.path
    classes = [band for band in aside if band.name == CLASSES]
    placed = to_grid(_open(classes[:1], [()]), layer.grid, classes=True) if classes else None
    return RasterTile(first.stem, time_of(first.stem), layer, tuple(stored), placed)


def _open(bands: Sequence[FileBand], marks: Sequence[Sequence[float]]) -> RasterLayer:
    source = bands[0].file.source
    indexes, names = [b.index for b in bands], [b.name for b in bands]
    return open_raster(source.path, names, indexes, marks, source.subdataset)


def _zero(sensor: str, band: FileBand) -> tuple[float, ...]:
    """Numbers that always mean empty: 0 in integers of a sensor whose products count from 1."""
    dtype = np.dtype(band.file.source.header.dtypes[band.index - 1])
    return (0.0,) if sensor != "bands" and dtype.kind in "iu" else ()


def _declared(
    settings: ImagerySettings, bands: Sequence[FileBand]
) -> tuple[list[float] | None, list[float] | None]:
    """Take the scales that files declare: where asked, and from netCDF, which stores packed."""
    headers = [(band.file.source.header, band.index - 1) for band in bands]
    scales = [header.scales[k] for header, k in headers]
    offsets = [header.offsets[k] for header, k in headers]
    stated = settings.scale != 1.0 or settings.offset != 0.0
    packed = all(band.file.source.path.suffix.lower() in (".nc", ".nc4") for band in bands)
    if settings.scale == "file" or (packed and not stated):
        return scales, offsets
    if not stated and (set(scales), set(offsets)) != ({1.0}, {0.0}):
        _warn_of_scales(settings.name, bands, scales, offsets)
    return None, None


def _warn_of_scales(
    name: str, bands: Sequence[FileBand], scales: Sequence[float], offsets: Sequence[float]
) -> None:
    """Say that a raster declares a scale that nobody asked to apply."""
    for band, scale, offset in zip(bands, scales, offsets):
        if (scale, offset) != (1.0, 0.0):
            warnings.warn(
                f"imagery {name!r}: {band.file.source.path.name} declares value = stored * "
                f"{scale:g} + {offset:g}, which is not applied; set scale = {scale:g} and offset "
                f'= {offset:g} to apply it, or scale = "file" for what each band declares.',
                GossanWarning,
                stacklevel=2,
            )
            return


def _notes(settings: ImagerySettings, aside: Sequence[FileBand]) -> list[str]:
    quality = settings.quality.band if settings.quality is not None else None
    known = {band_name(quality)} if quality else set()
    if settings.sensor != "bands":
        known.add(CLASSES)
    bad = [band.name for band in aside if band.bad]
    found = [f"bands that the header marks as bad (bbl), left out: {', '.join(bad)}"] if bad else []
    names = [b.name for b in aside if band_name(b.name) not in known and not b.bad]
    if not names:
        return found
    if settings.sensor == "bands":
        cure = 'quality = { band = "...", product = "landsat" } makes masks of them'
        return [*found, f"bands of quality bits or classes, left out: {', '.join(names)}; {cure}"]
    sensor = "ASTER" if settings.sensor == "aster" else "Sentinel-2"
    return [*found, f"not {sensor} bands, left out: {', '.join(names)}"]


def _little_shared(tile: RasterTile) -> list[str]:
    """Say where the files of a stack share less than half of the ground of one of them."""
    areas = [_area(layer) for layer in tile.stored]
    share = _area(tile.layer) / max(areas)
    if share >= LITTLE_SHARED:
        return []
    return [
        f"{len(areas)} files are a stack, cut to the ground that they share, {share:.0%} of the "
        "largest; tiles of one raster are joined where their names begin alike"
    ]


def _area(layer: Layer) -> float:
    left, bottom, right, top = layer.grid.bounds
    return (right - left) * (top - bottom)


def _counted(settings: ImagerySettings, bands: Sequence[FileBand]) -> list[str]:
    """Say that bands without names are taken in the order of the sensor."""
    if settings.sensor != "aster" or settings.bands or not bands[0].file.only_counts:
        return []
    if bands[0].wavelength_um is not None:
        return []
    return [
        f"the files do not name their bands: taken as ASTER {bands[0].name} to {bands[-1].name}"
    ]


def time_of(text: str) -> datetime:
    """Read date and time in a file's name; 1970 where there are none.

    >>> time_of("T38SKA_20230811T075611_B02_10m").isoformat()
    '2023-08-11T07:56:11+00:00'
    """
    found = TIME.search(text.replace("_", "-"))
    if found is None:
        return UNKNOWN_TIME
    try:
        stamp = found[1] + (found[2] or "000000")
        return datetime.strptime(stamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return UNKNOWN_TIME
