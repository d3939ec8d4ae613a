"""Open the scenes of an imagery, sensor by sensor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.layer import Layer, MappedLayer, RenamedLayer, SelectedLayer, StackedLayer
from gossan.geo.warp import to_grid
from gossan.imagery.aster.metadata import NAME as ASTER_NAME
from gossan.imagery.aster.reflectance import aster_stack, open_aster, require_one_version
from gossan.imagery.aster.scene import AsterScene
from gossan.imagery.bands import open_bands, resolve
from gossan.imagery.open_scene import OpenScene, masked_scene
from gossan.imagery.sentinel2.scene import AnyFlag, Sentinel2Scene, open_sentinel2
from gossan.imagery.settings import ImagerySettings

UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)


def _plain(settings: ImagerySettings, base: Path, store: Path, blocks: Blocks) -> list[OpenScene]:
    """Take rasters as one scene without a date."""
    layer = open_bands(settings, base)
    return [masked_scene(settings, base, settings.name, UNKNOWN_TIME, layer)]


def _sentinel2(
    settings: ImagerySettings, base: Path, store: Path, blocks: Blocks
) -> list[OpenScene]:
    """Open SAFE products one by one; plain band rasters as one scene."""
    paths = [resolve(path, base, settings.name) for path in settings.paths]
    if all(path.suffix.lower() in (".tif", ".tiff", ".jp2", ".vrt") for path in paths):
        return _plain_sentinel2(settings, base)
    opened = []
    for path in paths:
        scene = open_sentinel2(path, settings.bands, settings.tile)
        layer = scene.surface(
            store, settings.atmosphere, pixel_size=settings.pixel_size_m, blocks=blocks
        )
        opened.append(_sentinel2_scene(settings, base, store, scene, layer, blocks))
    return opened


def _sentinel2_scene(
    settings: ImagerySettings,
    base: Path,
    store: Path,
    scene: Sentinel2Scene,
    layer: Layer,
    blocks: Blocks,
) -> OpenScene:
    found = scene.metadata
    classes = scene.classes(store, layer.grid, blocks)
    if "cloud" in settings.masks and settings.thresholds.cloud_probability is not None:
        probability = scene.cloud_probability(store, layer.grid, blocks)
        classes = probability if classes is None else StackedLayer((classes, probability))
    return masked_scene(
        settings,
        base,
        found.name,
        found.time,
        layer,
        flags=scene.flags(store, layer.grid, blocks),
        classes=classes,
        sun=(scene.geometry.sun_elevation, scene.geometry.sun_azimuth),
    )


def _plain_sentinel2(settings: ImagerySettings, base: Path) -> list[OpenScene]:
    """Open plain band rasters and recognise their bands by name."""
    layer = open_bands(settings, base)
    known = tuple(recognise(name) for name in layer.bands)
    if not settings.bands:
        layer = RenamedLayer(layer, known)
    return [masked_scene(settings, base, settings.name, UNKNOWN_TIME, layer)]


def recognise(name: str) -> str:
    """Find a Sentinel-2 band in a raster's or band's name, else give the name back.

    >>> recognise("t38qkj_b8a_20m"), recognise("s2_b4"), recognise("slope")
    ('b8a', 'b04', 'slope')
    """
    known = {"b8a", *(f"b{i:02d}" for i in range(1, 13))}
    for part in name.lower().split("_"):
        padded = f"b0{part[1]}" if len(part) == 2 and part[0] == "b" else part
        if padded in known:
            return padded
    return name


def _aster(settings: ImagerySettings, base: Path, store: Path, blocks: Blocks) -> list[OpenScene]:
    """Open ASTER scenes; band files of one granule belong together."""
    paths = [resolve(path, base, settings.name) for path in settings.paths]
    scenes = [open_aster(group, settings.aster.time) for group in _granules(paths)]
    require_one_version(scenes)
    steps = settings.aster.model_copy(update={"atmosphere": settings.atmosphere})
    opened = []
    for scene in scenes:
        layer = aster_stack(scene, steps, blocks)
        if settings.bands:
            layer = SelectedLayer(layer, settings.bands)
        geometry = scene.geometry
        opened.append(
            masked_scene(
                settings,
                base,
                scene.metadata.name,
                scene.metadata.time,
                layer,
                flags=_aster_flags(scene, layer.grid),
                sun=(geometry.sun_elevation, geometry.sun_azimuth),
            )
        )
    return opened


def _granules(paths: Sequence[Path]) -> list[list[Path]]:
    """Group paths into scenes: a folder or .hdf each; GeoTIFFs by the granule in their names."""
    groups: dict[str, list[Path]] = {}
    for path in paths:
        named = ASTER_NAME.search(path.name)
        alone = path.is_dir() or path.suffix.lower() == ".hdf"
        key = str(path) if alone else (named.group(3) if named else "bands")
        groups.setdefault(key, []).append(path)
    return list(groups.values())


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
    return MappedLayer(StackedLayer(tuple(placed)), AnyFlag((0.0,)), ("saturated",))


Opener = Callable[[ImagerySettings, Path, Path, Blocks], list[OpenScene]]
OPENERS: dict[str, Opener] = {"bands": _plain, "sentinel2": _sentinel2, "aster": _aster}
