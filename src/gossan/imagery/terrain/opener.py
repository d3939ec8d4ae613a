"""Open a terrain model as scenes of features."""

from __future__ import annotations

from pathlib import Path

from gossan.geo.blocks import Blocks
from gossan.geo.layer import SelectedLayer
from gossan.imagery.open_scene import OpenScene, Scene, masked_scene
from gossan.imagery.rasters.open_rasters import open_rasters
from gossan.imagery.settings import ImagerySettings
from gossan.imagery.terrain.features import terrain_layer


def open_terrain(
    settings: ImagerySettings, base: Path, store: Path, blocks: Blocks
) -> list[OpenScene]:
    """See the tiles of a terrain model as features of the ground, one scene for each tile."""
    found = open_rasters(settings.model_copy(update={"sensor": "bands", "bands": ()}), base)
    scenes = []
    for tile in found.tiles:
        name = tile.name if len(found.tiles) > 1 else settings.name
        opened = terrain_layer(tile.layer, store / f"{settings.name}_{name}_drainage.tif")
        layer = SelectedLayer(opened.layer, settings.bands) if settings.bands else opened.layer
        scene = Scene(name, tile.time, layer, "terrain", notes=(*found.notes, *opened.notes))
        scenes.append(masked_scene(settings, base, scene, blocks))
    return scenes
