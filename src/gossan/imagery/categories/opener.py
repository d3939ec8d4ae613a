"""Open a map of classes as a scene."""

from __future__ import annotations

from pathlib import Path

from gossan.geo.blocks import Blocks
from gossan.imagery.categories.open_classes import open_classes
from gossan.imagery.open_scene import OpenScene, Scene, masked_scene
from gossan.imagery.rasters.open_rasters import UNKNOWN_TIME
from gossan.imagery.settings import ImagerySettings


def open_map_of_classes(
    settings: ImagerySettings, base: Path, store: Path, blocks: Blocks
) -> list[OpenScene]:
    """See a map of classes as a band for each class, and the distance to a contact."""
    found = open_classes(settings, base)
    scene = Scene(settings.name, UNKNOWN_TIME, found.layer, "classes", notes=found.notes)
    return [masked_scene(settings, base, scene, blocks)]
