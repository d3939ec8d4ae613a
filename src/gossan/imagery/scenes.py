"""From an imagery of the project file to its layers: bands, indices, masks (paper, section 4.1).

The walk is the same for every sensor: open the scenes, correct them, mask what hides rock, join
them, form indices. Nothing but headers is read until a layer is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from gossan.errors import ImageryError, must
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.layer import Layer, MappedLayer, RenamedLayer, SelectedLayer, StackedLayer
from gossan.geo.raster import open_raster
from gossan.geo.warp import to_grid
from gossan.imagery.aster import aster_stack, open_aster, require_one_version
from gossan.imagery.aster_metadata import NAME as ASTER_NAME
from gossan.imagery.aster_scene import AsterScene
from gossan.imagery.bands import open_bands, resolve
from gossan.imagery.exposure import exposure
from gossan.imagery.indices import (
    IndexChoice,
    available_indices,
    component_indices,
    index_layer,
)
from gossan.imagery.masks import MaskedLayer, Masks, build_masks, mask_shares, require_ground
from gossan.imagery.mosaic import Dated, Levelling, mosaic
from gossan.imagery.sentinel2 import AnyFlag, Sentinel2Scene, open_sentinel2
from gossan.imagery.settings import ImagerySettings
from gossan.imagery.shade import Shade

UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, eq=False)
class OpenScene:
    """One scene: reflectance on one grid, its masks, and when it was taken."""

    name: str
    time: datetime
    layer: Layer
    masks: Masks

    @property
    def masked(self) -> Layer:
        """The reflectance, empty where any mask says so."""
        return MaskedLayer(self.layer, self.masks) if self.masks.bands else self.layer


@dataclass(frozen=True, eq=False)
class SceneStack:
    """Layers of one imagery.

    Attributes
    ----------
    bands
        Reflectance (or plain rasters), masked and joined.
    indices, component_indices
        Indices as printed, and as principal components take them; None where there are none.
    choice
        Which indices there are, and why others are not.
    scenes
        The scenes that were joined, each with its masks.
    levellings
        What relative normalisation did to each scene.
    """

    settings: ImagerySettings
    bands: Layer
    indices: Layer | None = None
    component_indices: Layer | None = field(default=None, repr=False)
    choice: IndexChoice = field(default_factory=lambda: IndexChoice(()))
    scenes: tuple[OpenScene, ...] = ()
    levellings: tuple[Levelling, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """Say in one line each what was left out."""
        return self.choice.notes

    def mask_table(self, blocks: Blocks | None = None) -> pd.DataFrame:
        """Count what each mask takes: columns ``imagery, scene, mask, share``.

        Raises
        ------
        ImageryError
            Every scene is masked away: all cloud, say.
        """
        rows, kept = [], []
        for scene in self.scenes:
            shares = mask_shares(scene.masks, blocks)
            rows += [(self.settings.name, scene.name, word, n) for word, n in shares.items()]
            kept.append(shares)
        if kept:
            require_ground(self.settings.name, max(kept, key=lambda shares: shares["kept"]))
        return pd.DataFrame(rows, columns=["imagery", "scene", "mask", "share"])

    def exposure(self, cells: Grid | None = None) -> Layer:
        """Give the share of bare pixels, per pixel or on a grid of cells."""
        return exposure(build_masks(self.bands, "bands", ("nodata",)), cells)


def open_scenes(
    settings: ImagerySettings, base: Path | str, store: Path, blocks: Blocks | None = None
) -> SceneStack:
    """Open one imagery of a project file.

    Parameters
    ----------
    settings
        The ``[[imagery]]`` table.
    base
        Folder that relative paths start from.
    store
        Folder for decoded JPEG 2000 images; filled when a layer is first read.
    blocks
        The engine, for corrections that look at the whole scene and for levelling.

    Raises
    ------
    ImageryError, GridError, SettingsError
        One line for whatever is wrong with files, bands, masks, indices or formulas.
    """
    blocks = blocks or Blocks()
    scenes = _OPENERS[settings.sensor](settings, Path(base), Path(store), blocks)
    dated = [Dated(scene.name, scene.time, scene.masked) for scene in scenes]
    bands, levellings = mosaic(
        dated, settings.overlap, normalise=settings.normalise == "overlaps", blocks=blocks
    )
    words = settings.indices if settings.sensor != "bands" else ()
    choice = available_indices(settings.sensor, words, bands.bands, settings.formulas)
    has = bool(choice.formulas)
    return SceneStack(
        settings,
        bands,
        index_layer(bands, choice) if has else None,
        _for_components(bands, choice, settings) if has else None,
        choice,
        tuple(scenes),
        tuple(levellings),
    )


def _for_components(bands: Layer, choice: IndexChoice, settings: ImagerySettings) -> Layer:
    literal = settings.components == "literal"
    return index_layer(bands, choice) if literal else component_indices(bands, choice)


def _plain(settings: ImagerySettings, base: Path, store: Path, blocks: Blocks) -> list[OpenScene]:
    """Take rasters as one scene without a date."""
    layer = open_bands(settings, base)
    return [_masked(settings, base, settings.name, UNKNOWN_TIME, layer)]


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
    return _masked(
        settings,
        base,
        found.name,
        found.time,
        layer,
        flags=scene.flags(store, layer.grid, blocks),
        classes=scene.classes(store, layer.grid, blocks),
        sun=(scene.geometry.sun_elevation, scene.geometry.sun_azimuth),
    )


def _plain_sentinel2(settings: ImagerySettings, base: Path) -> list[OpenScene]:
    """Open plain band rasters and recognise their bands by name."""
    layer = open_bands(settings, base)
    known = tuple(recognise(name) for name in layer.bands)
    if not settings.bands:
        layer = RenamedLayer(layer, known)
    return [_masked(settings, base, settings.name, UNKNOWN_TIME, layer)]


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
    scenes = [open_aster(group) for group in _granules(paths)]
    require_one_version(scenes)
    steps = settings.aster.model_copy(update={"atmosphere": settings.atmosphere})
    opened = []
    for scene in scenes:
        layer = aster_stack(scene, steps, blocks)
        if settings.bands:
            layer = SelectedLayer(layer, settings.bands)
        geometry = scene.geometry
        opened.append(
            _masked(
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


def _masked(
    settings: ImagerySettings,
    base: Path,
    name: str,
    time: datetime,
    layer: Layer,
    *,
    flags: Layer | None = None,
    classes: Layer | None = None,
    sun: tuple[float, float] | None = None,
) -> OpenScene:
    """Put a scene together with the masks that the settings ask for."""
    cover = resolve(settings.cover, base, settings.name) if settings.cover else None
    masks = build_masks(
        layer,
        settings.sensor,
        settings.masks,
        settings=settings.thresholds,
        flags=flags,
        classes=classes,
        shade=_shade(settings, base, sun),
        cover=cover,
    )
    return OpenScene(name, time, layer, masks)


def _shade(settings: ImagerySettings, base: Path, sun: tuple[float, float] | None) -> Layer | None:
    """Work out the terrain's shadow where a DEM is given."""
    if settings.dem is None or "topographic_shadow" not in settings.masks:
        return None
    if sun is None:
        raise ImageryError(
            must(
                "mask 'topographic_shadow' with a DEM",
                "used with raw scenes",
                f"sensor {settings.sensor!r}",
                "Leave dem out",
            )
        )
    terrain = open_raster(resolve(settings.dem, base, settings.name))
    rules = settings.thresholds
    return Shade(terrain, sun[0], sun[1], rules.illumination, rules.shadow_reach_m)


Opener = Callable[[ImagerySettings, Path, Path, Blocks], list[OpenScene]]
_OPENERS: dict[str, Opener] = {"bands": _plain, "sentinel2": _sentinel2, "aster": _aster}
