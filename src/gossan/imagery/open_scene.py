"""One scene of an imagery: reflectance on one grid, its masks, its date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gossan.errors import ImageryError, must
from gossan.geo.layer import Layer
from gossan.geo.raster import open_raster
from gossan.imagery.bands import resolve
from gossan.imagery.masks.layer import MaskedLayer, Masks, build_masks
from gossan.imagery.masks.shade import Shade
from gossan.imagery.settings import ImagerySettings


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


def masked_scene(
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
