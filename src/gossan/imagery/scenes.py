"""From an imagery of the project file to its layers: bands, indices, masks (paper, section 4.1).

The walk is the same for every sensor: open the scenes, correct them, mask what hides rock, join
them, form indices. Nothing but headers is read until a layer is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from pyproj import CRS

from gossan.errors import ImageryError, must
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, same_crs
from gossan.geo.layer import Layer, SelectedLayer
from gossan.imagery.exposure import exposure
from gossan.imagery.indices import (
    Catalogue,
    IndexChoice,
    available_indices,
    component_indices,
    index_layer,
)
from gossan.imagery.masks.layer import build_masks, mask_shares, require_ground
from gossan.imagery.mosaic import mosaic
from gossan.imagery.open_scene import OpenScene, reflected, rule_notes
from gossan.imagery.radiometric_normalisation import Dated, Levelling
from gossan.imagery.roles import SENSOR_ROLES, aster_alike, band_roles
from gossan.imagery.sensors import SENSORS
from gossan.imagery.settings import ImagerySettings


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
        """What was left out, who decides masks, and whether scenes were warped, a line each."""
        own = self.bands.grid.crs
        notes = [note for one in self.scenes for note in one.scene.notes]
        notes += [note for one in self.scenes for note in rule_notes(self.settings, one.masks)]
        notes = [*dict.fromkeys(notes), *self.choice.notes, *levelling_notes(self.levellings)]
        grids = [scene.layer.grid for scene in self.scenes]
        others = {g.crs.to_string() for g in grids if not same_crs(g.crs, own)}
        if len(grids) < 2 or not others:
            return tuple(notes)
        text = f"scenes in {', '.join(sorted(others))} were warped to {own.to_string()}"
        return (*notes, text)

    def mask_table(self, blocks: Blocks | None = None) -> pd.DataFrame:
        """Count what each mask takes: columns ``imagery, scene, mask, share``.

        Raises
        ------
        ImageryError
            Every scene is masked away: all cloud, say.
        """
        rows, kept = [], []
        for scene in (scene for scene in self.scenes if scene.masks.bands):
            shares = mask_shares(scene.masks, blocks)
            rows += [(self.settings.name, scene.name, word, n) for word, n in shares.items()]
            kept.append(shares)
        if kept:
            require_ground(self.settings.name, max(kept, key=lambda shares: shares["kept"]))
        return pd.DataFrame(rows, columns=["imagery", "scene", "mask", "share"])

    def exposure(self, cells: Grid | None = None) -> Layer:
        """Return the share of bare pixels, per pixel or on a grid of cells."""
        chosen = reflected(self.settings, self.bands.bands)
        bands = SelectedLayer(self.bands, chosen)
        return exposure(build_masks(bands, "bands", ("nodata",)), cells)


def open_scenes(
    settings: ImagerySettings,
    base: Path | str,
    store: Path,
    blocks: Blocks | None = None,
    crs: CRS | None = None,
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
    crs
        System for scenes of several UTM zones; by default that of most scenes.

    Raises
    ------
    ImageryError, GridError, SettingsError
        One line for whatever is wrong with files, bands, masks, indices or formulas.
    """
    blocks = blocks or Blocks()
    scenes = SENSORS[settings.sensor].load()(settings, Path(base), Path(store), blocks)
    _one_quantity(scenes)
    dated = [Dated(scene.name, scene.time, scene.masked) for scene in scenes]
    bands, levellings = mosaic(
        dated, settings.overlap, normalise=settings.normalise == "overlaps", crs=crs, blocks=blocks
    )
    catalogue = catalogue_of(settings, bands.bands, scenes[0].scene.wavelengths_um)
    words = settings.indices if asks_for_indices(settings) else ()
    choice = available_indices(catalogue, words, bands.bands, settings.formulas)
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


def levelling_notes(levellings: Sequence[Levelling]) -> list[str]:
    """Say what levelling did to the edges of scenes: root mean square over scenes and bands."""
    if not levellings:
        return []
    before, after = (
        float(np.sqrt(np.mean([getattr(one, word) ** 2 for one in levellings])))
        for word in ("before", "after")
    )
    return [
        f"{len(levellings)} scenes levelled over all overlaps, where their means differed by "
        f"{before:.3g} and now differ by {after:.3g}"
    ]


def asks_for_indices(settings: ImagerySettings) -> bool:
    """Whether to use the catalogue: for a sensor, or where the project file asks for it."""
    stated = {"indices", "roles", "wavelengths"} & settings.model_fields_set
    return settings.sees_light or bool(stated)


def catalogue_of(
    settings: ImagerySettings, bands: Sequence[str], wavelengths_um: Mapping[str, float]
) -> Catalogue:
    """Choose the catalogue of indices: the sensor's, or one by wavelengths or roles.

    Raises
    ------
    ImageryError
        Indices are asked of plain rasters that nothing is known about.
    """
    if settings.sensor in SENSOR_ROLES:
        return Catalogue(settings.sensor)
    alike = aster_alike(wavelengths_um)
    if alike:
        return Catalogue("aster", alike)
    roles = band_roles(settings, bands, wavelengths_um)
    if not roles and settings.indices and "indices" in settings.model_fields_set:
        raise ImageryError(
            must(
                f"imagery {settings.name!r}: indices",
                "used with bands whose part of the spectrum is known",
                f"bands {', '.join(bands[:12])}",
                'Set roles = { red = "...", nir = "...", swir1 = "..." } or sensor = "aster" or '
                '"sentinel2", or write formulas = { name = "b4 / b2" }',
            )
        )
    return Catalogue("roles", roles)


def _one_quantity(scenes: Sequence[OpenScene]) -> None:
    """Refuse a mosaic of scenes that are corrected to different levels."""
    kinds = {one.scene.quantity: one.name for one in scenes}
    if len(kinds) > 1:
        raise ImageryError(
            must(
                "the scenes of a mosaic",
                "of one level of correction",
                " and ".join(f"{kind} ({name})" for kind, name in kinds.items()),
                "Make each level an [[imagery]] of its own, or bring all scenes to one level",
            )
        )


def _for_components(bands: Layer, choice: IndexChoice, settings: ImagerySettings) -> Layer:
    literal = settings.components == "literal"
    return index_layer(bands, choice) if literal else component_indices(bands, choice)
