"""One scene of an imagery: reflectance on one grid, its masks, its date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from gossan.catalogue.sensors import aster_bands
from gossan.errors import ImageryError, must
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.layer import Layer, StackedLayer
from gossan.geo.raster import RasterLayer, open_raster
from gossan.geo.warp import to_grid
from gossan.imagery.masks.layer import MaskedLayer, Masks, build_masks
from gossan.imagery.masks.rules import DECIDES
from gossan.imagery.masks.shade import Shade
from gossan.imagery.mosaic import Mosaic
from gossan.imagery.rasters.paths import resolve, resolve_all
from gossan.imagery.rasters.quality import quality_layer, quality_words
from gossan.imagery.roles import band_roles
from gossan.imagery.settings import ImagerySettings
from gossan.imagery.topography import Illumination, Levelled, fit_topography

THERMAL = tuple(band.name for band in aster_bands() if band.group == "TIR")


@dataclass(frozen=True, eq=False)
class Scene:
    """One scene before masking.

    Attributes
    ----------
    name, time
        Of the product.
    layer
        Reflectance, or whatever plain rasters hold, on one grid.
    quantity
        What the values are: scenes of different quantities make no mosaic.
    flags
        Masks that the reader knows (``saturated``).
    classes
        Classes that the product has (``masks.rules.DECIDES``).
    sun
        Elevation and azimuth in degrees; None when unknown.
    stored
        Plain rasters: the bands as the files store them.
    wavelengths_um
        Plain rasters: central wavelengths, as far as they are known.
    notes
        Notes for check, prepare, manifest and report.
    """

    name: str
    time: datetime
    layer: Layer
    quantity: str = "values as stored"
    flags: Layer | None = None
    classes: Layer | None = None
    sun: tuple[float, float] | None = None
    stored: tuple[RasterLayer, ...] = field(default=(), repr=False)
    wavelengths_um: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class OpenScene:
    """One scene with its masks."""

    scene: Scene
    masks: Masks

    @property
    def name(self) -> str:
        """Name of the product."""
        return self.scene.name

    @property
    def time(self) -> datetime:
        """When it was taken."""
        return self.scene.time

    @property
    def layer(self) -> Layer:
        """The reflectance, unmasked."""
        return self.scene.layer

    @property
    def masked(self) -> Layer:
        """The reflectance, empty where any mask says so."""
        return MaskedLayer(self.layer, self.masks) if self.masks.bands else self.layer


def masked_scene(
    settings: ImagerySettings, base: Path, scene: Scene, blocks: Blocks | None = None
) -> OpenScene:
    """Correct a scene for slopes and mask it as the settings ask.

    Raises
    ------
    ImageryError
        A mask cannot be decided, or the slopes cannot be corrected.
    """
    if settings.topography.method != "none":
        scene = _levelled(settings, base, scene, blocks)
    cover = resolve(settings.cover, base, settings.name) if settings.cover else None
    flags = _with_quality(settings, base, scene)
    masks = build_masks(
        scene.layer,
        band_roles(settings, scene.layer.bands, scene.wavelengths_um),
        settings.masks,
        settings=settings.thresholds,
        flags=flags,
        classes=scene.classes,
        shade=_shade(settings, base, scene.sun),
        cover=cover,
    )
    return OpenScene(scene, replace(masks, needed=reflected(settings, scene.layer.bands)))


def reflected(settings: ImagerySettings, bands: tuple[str, ...]) -> tuple[str, ...]:
    """Choose the bands of reflected sunlight: all but ASTER's thermal ones.

    A scene of thermal bands alone keeps them.
    """
    if settings.sensor != "aster":
        return bands
    return tuple(band for band in bands if band not in THERMAL) or bands


def _levelled(settings: ImagerySettings, base: Path, scene: Scene, blocks: Blocks | None) -> Scene:
    """Correct a scene's reflectance for the slope of the ground."""
    wanted = settings.topography
    sun = scene.sun or (
        (wanted.sun_elevation, wanted.sun_azimuth)
        if wanted.sun_elevation is not None and wanted.sun_azimuth is not None
        else None
    )
    if sun is None:
        cure = "Set topography = { method = ..., sun_elevation = ..., sun_azimuth = ... }"
        raise ImageryError(must("topography", "used where the sun is known", "plain rasters", cure))
    assert settings.dem is not None
    terrain = open_raster(resolve(settings.dem, base, settings.name))
    light = Illumination(to_grid(terrain, scene.layer.grid), *sun)
    thermal = tuple(set(scene.layer.bands) - set(reflected(settings, scene.layer.bands)))
    found = fit_topography(scene.layer, light, sun[0], wanted, blocks, thermal)
    return replace(
        scene, layer=Levelled(scene.layer, light, found), sun=sun, notes=(*scene.notes, found.note)
    )


def rule_notes(settings: ImagerySettings, masks: Masks) -> list[str]:
    """State which masks of Sentinel-2 come from reflectance, because classes are missing."""
    if settings.sensor != "sentinel2" or settings.thresholds.classes == "ignore":
        return []
    known = {*(masks.flags.bands if masks.flags is not None else ())}
    for name in masks.classes.bands if masks.classes is not None else ():
        known |= {*DECIDES[name]} | ({"cloud"} if name == "cldprb" else set())
    usual = {"cloud", "cloud_shadow", "snow"}
    return [
        f"mask {word!r}: no scene classes, so a rule on reflectance decides"
        for word in masks.bands
        if word in usual - known
    ]


def _with_quality(settings: ImagerySettings, base: Path, scene: Scene) -> Layer | None:
    """Add the mask words of a quality raster to those that the reader knows."""
    if settings.quality is None:
        return scene.flags
    found = _quality(settings, base, scene.layer.grid)
    return found if scene.flags is None else StackedLayer((scene.flags, found))


def _quality(settings: ImagerySettings, base: Path, grid: Grid) -> Layer:
    """Open the quality numbers on a scene's grid as mask words."""
    wanted = settings.quality
    assert wanted is not None
    words = quality_words(wanted.product, wanted.bits, wanted.values)
    if wanted.path is None:
        places, band = list(settings.paths), wanted.band
    else:
        places, band = ([wanted.path] if isinstance(wanted.path, Path) else [*wanted.path]), None
    layers = [
        open_raster(path, ("quality",), _band_number(path, band))
        for path in resolve_all(places, base, settings.name)
    ]
    placed = tuple(to_grid(layer, grid, classes=True) for layer in layers)
    numbers = placed[0] if len(placed) == 1 else Mosaic(placed)
    return quality_layer(numbers, words)


def _band_number(path: Path, band: str | None) -> tuple[int]:
    """Find a band of a file by its description."""
    if band is None:
        return (1,)
    names = [name.lower() for name in open_raster(path).bands]
    if band.lower() not in names:
        allowed = f"one of {', '.join(names)}"
        raise ImageryError(must("quality: band", allowed, repr(band), "Name a band of the file"))
    return (names.index(band.lower()) + 1,)


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
