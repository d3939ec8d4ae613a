"""From an imagery of the project file to its layers: bands, indices, masks (paper, section 4.1).

The walk is the same for every sensor: open the scenes, correct them, mask what hides rock, join
them, form indices. Nothing but headers is read until a layer is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from pyproj import CRS

from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, same_crs
from gossan.geo.layer import Layer
from gossan.imagery.exposure import exposure
from gossan.imagery.indices import (
    IndexChoice,
    available_indices,
    component_indices,
    index_layer,
)
from gossan.imagery.masks.layer import build_masks, mask_shares, require_ground
from gossan.imagery.mosaic import mosaic
from gossan.imagery.open_scene import OpenScene
from gossan.imagery.openers import OPENERS
from gossan.imagery.radiometric_normalisation import Dated, Levelling
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
        """Say in one line each what was left out, and whether scenes were warped."""
        own = self.bands.grid.crs
        grids = [scene.layer.grid for scene in self.scenes]
        others = {g.crs.to_string() for g in grids if not same_crs(g.crs, own)}
        if len(grids) < 2 or not others:
            return self.choice.notes
        text = f"scenes in {', '.join(sorted(others))} were warped to {own.to_string()}"
        return (*self.choice.notes, text)

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
        """Give the share of bare pixels, per pixel or on a grid of cells."""
        return exposure(build_masks(self.bands, "bands", ("nodata",)), cells)


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
    scenes = OPENERS[settings.sensor](settings, Path(base), Path(store), blocks)
    dated = [Dated(scene.name, scene.time, scene.masked) for scene in scenes]
    bands, levellings = mosaic(
        dated, settings.overlap, normalise=settings.normalise == "overlaps", crs=crs, blocks=blocks
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
