"""Join several scenes into one: which wins where they overlap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gossan.errors import GridError, ImageryError, must
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window, same_crs
from gossan.geo.layer import Layer
from gossan.geo.warp import to_grid
from gossan.imagery.levelling import Dated, Levelling, level
from gossan.imagery.settings import Overlap


@dataclass(frozen=True)
class Mosaic:
    """See scenes on one grid as one layer; a pixel comes from one scene, in all bands.

    Parameters
    ----------
    sources
        Layers on one grid with the same bands, the preferred first.
    clearest
        False: the first source with all bands filled wins. True: of those filled in all bands,
        the one whose mean over the bands is the lower median: clouds brighten a pixel, shadows
        darken it.
    """

    sources: tuple[Layer, ...]
    clearest: bool = False

    @property
    def grid(self) -> Grid:
        """Grid of the sources."""
        return self.sources[0].grid

    @property
    def bands(self) -> tuple[str, ...]:
        """Bands of the sources."""
        return self.sources[0].bands

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read the sources until every pixel is filled, or all of them to compare."""
        if self.clearest:
            return self._median(window)
        result = self.sources[0].read(window)
        for source in self.sources[1:]:
            holes = np.isnan(result).any(axis=0)
            if not holes.any():
                break
            other = source.read(window)
            better = holes & (np.isfinite(other).all(axis=0) | np.isnan(result).all(axis=0))
            result[:, better] = other[:, better]
        return result

    def _median(self, window: Window) -> NDArray[np.float32]:
        stack = np.stack([source.read(window) for source in self.sources])
        brightness = stack.mean(axis=1)  # NaN where any band is
        order = np.argsort(brightness, axis=0)  # NaN last
        filled = np.isfinite(brightness).sum(axis=0)
        middle = np.maximum(filled - 1, 0) // 2
        chosen = np.take_along_axis(order, middle[None], axis=0)
        result: NDArray[np.float32] = np.take_along_axis(stack, chosen[:, None], axis=0)[0]
        return result


def mosaic(
    scenes: Sequence[Dated],
    overlap: Overlap = "newest",
    *,
    normalise: bool = False,
    grid: Grid | None = None,
    blocks: Blocks | None = None,
) -> tuple[Layer, list[Levelling]]:
    """Join scenes.

    Parameters
    ----------
    scenes
        Layers with the same bands, masked where the ground is hidden.
    overlap
        ``newest`` or ``oldest`` scene first, or ``clearest`` pixel.
    normalise
        Whether scenes are levelled on their overlaps first (``levelling.level``).
    grid
        Where to put the mosaic; by default the finest scene's pixels over all scenes, which must
        then share one CRS.
    blocks
        The engine, for levelling.

    Returns
    -------
    The mosaic and what levelling did to each scene (empty without it).

    Raises
    ------
    GridError
        Scenes lie in different UTM zones and no grid is given.
    ImageryError
        Scenes have different bands.
    """
    _same_bands(scenes)
    target = grid or union_grid(scenes)
    ordered = sorted(scenes, key=lambda scene: scene.time, reverse=overlap != "oldest")
    placed = [Dated(s.name, s.time, to_grid(s.layer, target)) for s in ordered]
    levelled: list[Levelling] = []
    layers = [scene.layer for scene in placed]
    if normalise and len(placed) > 1:
        layers, levelled = level(placed, blocks)
    if len(layers) == 1:
        return layers[0], levelled
    return Mosaic(tuple(layers), overlap == "clearest"), levelled


def union_grid(scenes: Sequence[Dated]) -> Grid:
    """Extend the pixels of the finest scene over all scenes."""
    grids = [scene.layer.grid for scene in scenes]
    finest = min(grids, key=lambda grid: grid.pixel_width * grid.pixel_height)
    for scene in scenes:
        if not same_crs(scene.layer.grid.crs, finest.crs):
            raise GridError(
                must(
                    "the scenes of a mosaic",
                    "in one UTM zone",
                    f"{finest.crs.to_string()} and {scene.layer.grid.crs.to_string()} "
                    f"({scene.name})",
                    "Give each zone its own [[imagery]], or set crs in [project]",
                )
            )
    wide, high = finest.pixel_width, finest.pixel_height
    left0, _, _, top0 = finest.bounds
    left = left0 + wide * math.floor((min(g.bounds[0] for g in grids) - left0) / wide + 1e-6)
    top = top0 + high * math.ceil((max(g.bounds[3] for g in grids) - top0) / high - 1e-6)
    bottom, right = min(g.bounds[1] for g in grids), max(g.bounds[2] for g in grids)
    return Grid.from_bounds(finest.crs, (left, bottom, right, top), (wide, high))


def _same_bands(scenes: Sequence[Dated]) -> None:
    first = scenes[0]
    for other in scenes[1:]:
        if other.layer.bands != first.layer.bands:
            raise ImageryError(
                must(
                    "the scenes of a mosaic",
                    "made of the same bands",
                    f"{', '.join(first.layer.bands)} ({first.name}) and "
                    f"{', '.join(other.layer.bands)} ({other.name})",
                    "Name the bands that all scenes have",
                )
            )
