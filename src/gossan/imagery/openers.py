"""Open the scenes of an imagery, sensor by sensor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from gossan.catalogue.sensors import aster_band
from gossan.errors import ImageryError, must
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.layer import Layer, MappedLayer, RenamedLayer, SelectedLayer, StackedLayer
from gossan.geo.raster import read_header
from gossan.geo.warp import to_grid
from gossan.imagery.aster.band_images import BAND_NAME, TELESCOPE_NAME
from gossan.imagery.aster.metadata import NAME as ASTER_NAME
from gossan.imagery.aster.reflectance import aster_stack, open_aster, require_one_version
from gossan.imagery.aster.scene import AsterScene, hdf_key, is_scene
from gossan.imagery.aster.settings import AsterSettings
from gossan.imagery.atmosphere.scene_air import SceneAir
from gossan.imagery.atmosphere.settings import AtmosphereSettings
from gossan.imagery.open_scene import OpenScene, Scene, masked_scene
from gossan.imagery.rasters.band_names import canonical
from gossan.imagery.rasters.open_rasters import open_rasters
from gossan.imagery.rasters.paths import SUFFIXES, resolve, resolve_all
from gossan.imagery.rasters.unusable_bands import unusable_bands
from gossan.imagery.sensors import RASTERS
from gossan.imagery.sentinel2.products import of_tile, product_paths
from gossan.imagery.sentinel2.scene import AnyFlag, Sentinel2Scene, open_sentinel2
from gossan.imagery.sentinel2.sen2cor import level_2a_of
from gossan.imagery.settings import ImagerySettings, refusal

SURFACE = "surface reflectance"
TOP_OF_ATMOSPHERE = "reflectance at the top of the atmosphere"
NO_ATMOSPHERE = (
    'no atmospheric correction (atmosphere = "none"): reflectance is that at the top of the '
    "atmosphere; ratios are off by constants, thresholds and mosaics by more. Set atmosphere = "
    '{ method = "6s", altitude_m = ..., water_g_cm2 = ... } or "dos"'
)


def air_of(settings: ImagerySettings, base: Path) -> AtmosphereSettings:
    """Resolve the files that the atmosphere settings name; the imagery's DEM serves 6S too."""
    air = settings.atmosphere
    dem = air.dem or (settings.dem if air.altitude_m == "dem" else None)
    placed = {
        "dem": resolve(dem, base, settings.name) if dem else None,
        "targets": resolve(air.targets, base, settings.name) if air.targets else None,
    }
    return air.model_copy(update=placed)


def open_plain_rasters(
    settings: ImagerySettings, base: Path, store: Path, blocks: Blocks
) -> list[OpenScene]:
    """Take plain rasters as scenes, one for each tile, without bands that say nothing.

    Raises
    ------
    ImageryError
        No raster can be used; the message says why.
    """
    if settings.sensor != "bands":  # level has been read: it says that they are reflectance
        _require_read(settings.model_copy(update={"level": "product"}), RASTERS)
    found = open_rasters(settings, base)
    unusable = unusable_bands([tile.layer for tile in found.tiles], blocks.whole)
    bands = tuple(b for b in found.tiles[0].layer.bands if b not in unusable)
    if not bands:
        reasons = ", ".join(f"{name} {why}" for name, why in unusable.items())
        allowed = "filled somewhere, with more than one value"
        cure = "Check nodata, scale and the files"
        raise ImageryError(must(f"imagery {settings.name!r}", allowed, reasons, cure))
    notes = _set_aside(unusable)
    waves = {**found.wavelengths_um, **settings.wavelengths}
    return [
        masked_scene(
            settings,
            base,
            Scene(
                tile.name if len(found.tiles) > 1 else settings.name,
                tile.time,
                SelectedLayer(tile.layer, bands) if unusable else tile.layer,
                "values as stored" if settings.sensor == "bands" else SURFACE,
                classes=tile.classes,
                stored=tile.stored,
                wavelengths_um={name: wave for name, wave in waves.items() if name in bands},
                notes=(*found.notes, *notes),
            ),
            blocks,
        )
        for tile in found.tiles
    ]


def _require_read(settings: ImagerySettings, source: str) -> None:
    """Refuse keys that have no effect on what the files have turned out to be."""
    unread = settings.unread((source,))
    if unread:
        what = RASTERS if source == RASTERS else f"a product of {source}"
        raise ImageryError(f"imagery {settings.name!r}: {refusal(unread, what)}")


def _set_aside(unusable: Mapping[str, str]) -> list[str]:
    """Say which bands are left out and why, in one line where many share the reason.

    Examples
    --------
    >>> _set_aside({"b1": "empty"}), _set_aside(dict.fromkeys(("b1", "b2", "b3", "b4"), "empty"))
    (["band 'b1' is empty: left out"], ['4 bands are empty, left out: b1, b2, b3, b4'])
    """
    by_reason: dict[str, list[str]] = {}
    for name, why in unusable.items():
        by_reason.setdefault(why, []).append(name)
    notes = []
    for why, names in by_reason.items():
        if len(names) > 3:
            notes.append(f"{len(names)} bands are {why}, left out: {', '.join(names)}")
        else:
            notes += [f"band {name!r} is {why}: left out" for name in names]
    return notes


def open_sentinel2_products(
    settings: ImagerySettings, base: Path, store: Path, blocks: Blocks
) -> list[OpenScene]:
    """Open SAFE products one by one; plain band rasters as scenes."""
    paths = resolve_all(settings.paths, base, settings.name)
    products = [found for path in paths for found in product_paths(path)]
    if all(_plain(path) for path in products):
        return open_plain_rasters(settings, base, store, blocks)
    _require_read(settings, "sentinel2")
    opened = []
    for path in of_tile(products, settings.tile):
        air = air_of(settings, base)
        if air.method == "sen2cor":
            path, air = level_2a_of(path, store), AtmosphereSettings()
        scene = open_sentinel2(path, settings.bands, settings.tile)
        air, notes_of_air = _air(
            scene.metadata.level == "L1C", air, partial(scene.air, store, blocks=blocks)
        )
        layer = scene.surface(store, air, pixel_size=settings.pixel_size_m, blocks=blocks)
        opened.append(_sentinel2_scene(settings, base, store, scene, layer, notes_of_air, blocks))
    return opened


def _air(
    top_of_atmosphere: bool,
    settings: AtmosphereSettings,
    estimate: Callable[[AtmosphereSettings], SceneAir],
) -> tuple[AtmosphereSettings, tuple[str, ...]]:
    """Replace "auto" by numbers where 6S corrects a scene, and say which."""
    if settings.method != "6s" or not top_of_atmosphere:
        return settings, ()
    found = estimate(settings)
    return found.settings, (found.note,)


def _plain(path: Path) -> bool:
    """Whether a path is a raster or a folder of rasters, and no product."""
    if path.is_dir():
        files = [p for p in path.iterdir() if p.is_file()]
        return any(p.suffix.lower() in SUFFIXES for p in files)
    return path.suffix.lower() in SUFFIXES or path.with_suffix(".hdr").exists()


def _sentinel2_scene(
    settings: ImagerySettings,
    base: Path,
    store: Path,
    scene: Sentinel2Scene,
    layer: Layer,
    notes_of_air: tuple[str, ...],
    blocks: Blocks,
) -> OpenScene:
    found = scene.metadata
    classes = scene.classes(store, layer.grid, blocks)
    if "cloud" in settings.masks and settings.thresholds.cloud_probability is not None:
        probability = scene.cloud_probability(store, layer.grid, blocks)
        classes = probability if classes is None else StackedLayer((classes, probability))
    raw = found.level == "L1C" and settings.atmosphere.method == "none"
    return masked_scene(
        settings,
        base,
        Scene(
            found.name,
            found.time,
            layer,
            TOP_OF_ATMOSPHERE if raw else f"{SURFACE} ({found.level})",
            flags=scene.flags(store, layer.grid, blocks),
            classes=classes,
            sun=(scene.geometry.sun_elevation, scene.geometry.sun_azimuth),
            notes=(NO_ATMOSPHERE,) if raw else notes_of_air,
        ),
        blocks,
    )


def open_aster_scenes(
    settings: ImagerySettings, base: Path, store: Path, blocks: Blocks
) -> list[OpenScene]:
    """Open ASTER scenes; band files of one granule belong together."""
    paths = resolve_all(settings.paths, base, settings.name)
    if settings.level == "reflectance" or _made_elsewhere(settings, paths):
        return open_plain_rasters(settings, base, store, blocks)
    _require_read(settings, "aster")
    scenes = [open_aster(group, settings.aster.time) for group in _granules(paths)]
    require_one_version(scenes)
    opened = []
    for scene in (scene.with_settings(settings.aster) for scene in scenes):
        raw = not scene.metadata.is_surface_reflectance
        _require_sunlight(scene, settings)
        air, notes_of_air = _air(raw, air_of(settings, base), scene.air)
        steps = settings.aster.model_copy(update={"atmosphere": air})
        layer = aster_stack(scene, steps, blocks)
        if settings.bands:
            layer = SelectedLayer(layer, tuple(canonical("aster", b) for b in settings.bands))
        geometry = scene.geometry
        surface = scene.metadata.is_surface_reflectance or settings.atmosphere.method != "none"
        opened.append(
            masked_scene(
                settings,
                base,
                Scene(
                    scene.metadata.name,
                    scene.metadata.time,
                    layer,
                    SURFACE if surface else TOP_OF_ATMOSPHERE,
                    flags=_aster_flags(scene, layer.grid),
                    sun=(geometry.sun_elevation, geometry.sun_azimuth),
                    notes=(*notes_of_air, *aster_notes(scene, steps, layer.bands)),
                ),
                blocks,
            )
        )
    return opened


def _require_sunlight(scene: AsterScene, settings: ImagerySettings) -> None:
    """Refuse corrections of reflected sunlight for a scene of thermal bands alone."""
    stated = {"atmosphere": settings.atmosphere.method, "topography": settings.topography.method}
    for key, method in stated.items():
        if method != "none" and not {"VNIR", "SWIR"} & {*scene.telescopes}:
            allowed = '"none" for thermal bands alone'
            cure = f"Leave {key} out, or add the files of the visible bands"
            raise ImageryError(must(f"{scene.metadata.name}: {key}", allowed, method, cure))


def aster_notes(
    scene: AsterScene, settings: AsterSettings, bands: Sequence[str]
) -> tuple[str, ...]:
    """Return notes on crosstalk, thermal bands, the view and a missing atmospheric correction."""
    hot = [band for band in bands if aster_band(band).group == "TIR"]
    raw = not scene.metadata.is_surface_reflectance and len(hot) < len(bands)
    notes = []
    if raw and settings.atmosphere.method == "none":
        notes.append(NO_ATMOSPHERE)
    if raw and settings.atmosphere.method == "6s":
        notes.append(_view_note(scene, settings))
    if raw and "b5" in bands:
        done = "off: L1T lists one of its own"
        if settings.crosstalk != "none":
            done = f"{settings.crosstalk}: light of band 4 taken out of bands 5 to 9"
        notes.append(f"crosstalk correction of the short-wave bands is {done}")
    if hot:
        what = "brightness temperature" if settings.thermal == "temperature" else "radiance"
        finer = ", resampled to the finer grid by cubic convolution: they show nothing smaller"
        notes.append(
            f"thermal bands {hot[0]} to {hot[-1]} ({what}) have pixels of 90 m"
            f"{finer * (len(hot) < len(bands))}"
        )
    else:
        why = 'left out (thermal = "leave")' if "TIR" in scene.telescopes else "not in the files"
        notes.append(f"thermal bands are {why}: no silica, carbonate or garnet index")
    return tuple(notes)


WRONG_SIDE = 0.008 / 9.5
"""Error in band 1 for each degree of view from the wrong side (6S, desert aerosol of 0.15)."""


def _view_note(scene: AsterScene, settings: AsterSettings) -> str:
    """Say from which side 6S takes the scene to be seen, and what the other side would change."""
    view, side = scene.metadata.view_zenith, scene.metadata.seen_from
    if view == 0.0:
        return "view: straight down in the middle of the scene (the files state no pointing angle)"
    if "seen_from" in settings.model_fields_set:
        return f"view: {view:.1f} degrees in the middle of the scene, from the {side} (stated)"
    return (
        f"view: {view:.1f} degrees in the middle of the scene, taken to be from the {side}, which "
        f"the files do not say; from the other side band 1 would differ by up to "
        f"{WRONG_SIDE * view:.3f}, bands 4 to 9 by less than 0.001. Set aster = {{ seen_from = "
        '"west" } or "east"'
    )


def _made_elsewhere(settings: ImagerySettings, paths: Sequence[Path]) -> bool:
    """Whether rasters hold reflectance and not the digital numbers of a product.

    Products are known by their names; whatever else is scaled, or stored as signed or floating
    numbers, is reflectance that another program made.
    """
    if any(path.is_dir() or path.suffix.lower() == ".hdf" for path in paths):
        return False
    named = (ASTER_NAME, BAND_NAME, TELESCOPE_NAME)
    if any(pattern.search(path.stem) for path in paths for pattern in named):
        return False
    if settings.scale != 1.0:
        return True
    kinds = {np.dtype(dtype).kind for path in paths for dtype in read_header(path).dtypes}
    return bool(kinds) and "u" not in kinds


def _granules(paths: Sequence[Path]) -> list[list[Path]]:
    """Group paths into scenes: a folder or .hdf each; GeoTIFFs by the granule in their names.

    A folder of several granules is one scene for each of them.
    """
    groups: dict[str, list[Path]] = {}
    for path in paths:
        inside = _separate(path) if path.is_dir() else [path]
        for one in inside:
            named = ASTER_NAME.search(one.name)
            key = str(one) if one.is_dir() else (named.group(3) if named else "bands")
            if one.suffix.lower() == ".hdf":
                key = hdf_key(one)
            groups.setdefault(key, []).append(one)
    return list(groups.values())


def _separate(folder: Path) -> list[Path]:
    """List the files of a folder that holds several granules; else the folder itself."""
    scenes = [path for path in sorted(folder.iterdir()) if is_scene(path)]
    if len(scenes) > 1:
        return scenes
    tiffs = [p for p in sorted(folder.iterdir()) if p.suffix.lower() in (".tif", ".tiff")]
    named = [(p, found[3]) for p in tiffs if (found := ASTER_NAME.search(p.name))]
    several = len({key for _, key in named}) > 1 and not scenes
    return [path for path, _ in named if BAND_NAME.search(path.name)] if several else [folder]


def _aster_flags(scene: AsterScene, grid: Grid) -> Layer | None:
    """Mark saturated pixels of level 1 scenes on a grid."""
    if scene.metadata.is_surface_reflectance:
        return None
    placed = []
    for group in ("VNIR", "SWIR"):
        if group in scene.telescopes:
            found = scene.saturation(group)  # type: ignore[arg-type]
            joined = MappedLayer(found, AnyFlag((0.0,)), ("saturated",))
            there = to_grid(joined, grid, classes=True)
            placed.append(RenamedLayer(there, (f"saturated_{group}",)))
    if not placed:
        return None
    return MappedLayer(StackedLayer(tuple(placed)), AnyFlag((0.0,)), ("saturated",))
