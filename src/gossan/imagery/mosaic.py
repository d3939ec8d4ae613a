"""Join several scenes into one: which wins where they overlap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

from gossan.errors import ImageryError, must
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window, same_crs
from gossan.geo.layer import Layer
from gossan.geo.warp import to_grid, transformed_bounds
from gossan.imagery.radiometric_normalisation import Dated, Levelling, level
from gossan.imagery.settings import Overlap

EDGE_PX = 2
"""Pixels that warping may reach beyond the edge of a scene."""


@dataclass(frozen=True)
class Mosaic:
    """Layer of several scenes on one grid; a pixel comes from one scene, in all bands.

    Parameters
    ----------
    sources
        Layers on one grid with the same bands, the preferred first.
    clearest
        False: the first source with all bands filled wins. True: of those filled in all bands,
        the one whose mean over the bands is the lower median: clouds brighten a pixel, shadows
        darken it.
    places
        Window that each source fills at most; sources that do not touch a window are not read.
        Default: each may fill all of it.
    """

    sources: tuple[Layer, ...]
    clearest: bool = False
    places: tuple[Window, ...] = ()

    @property
    def grid(self) -> Grid:
        """Grid of the sources."""
        return self.sources[0].grid

    @property
    def bands(self) -> tuple[str, ...]:
        """Bands of the sources."""
        return self.sources[0].bands

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read the sources that touch a window, until every pixel is filled or all to compare."""
        sources = self._touching(window)
        if not sources:
            return np.full((len(self.bands), *window.shape), np.nan, np.float32)
        if self.clearest:
            return _median(sources, window)
        result = sources[0].read(window)
        for source in sources[1:]:
            holes = np.isnan(result).any(axis=0)
            if not holes.any():
                break
            other = source.read(window)
            better = holes & (np.isfinite(other).all(axis=0) | np.isnan(result).all(axis=0))
            result[:, better] = other[:, better]
        return result

    def _touching(self, window: Window) -> Sequence[Layer]:
        if not self.places:
            return self.sources
        bottom, right = window.row + window.height, window.col + window.width
        return [
            source
            for source, (row, col, height, width) in zip(self.sources, self.places)
            if row < bottom
            and col < right
            and row + height > window.row
            and col + width > window.col
        ]


def _median(sources: Sequence[Layer], window: Window) -> NDArray[np.float32]:
    """Choose for each pixel the source whose mean over the bands is the lower median."""
    stack = np.stack([source.read(window) for source in sources])
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
    crs: CRS | None = None,
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
        Where to put the mosaic; by default the finest scene's pixels over all scenes.
    crs
        System for scenes of several UTM zones; by default that of most scenes. Each scene is
        masked and corrected on its own pixels and then warped once, by cubic convolution.
    blocks
        The engine, for levelling.

    Returns
    -------
    The mosaic and what levelling did to each scene (empty without it).

    Raises
    ------
    ImageryError
        Scenes have different bands.
    """
    _same_bands(scenes)
    target = grid or union_grid(scenes, crs)
    ordered = sorted(scenes, key=lambda scene: scene.time, reverse=overlap != "oldest")
    placed = [Dated(s.name, s.time, to_grid(s.layer, target)) for s in ordered]
    levelled: list[Levelling] = []
    layers = [scene.layer for scene in placed]
    places = tuple(place_of(scene.layer.grid, target) for scene in ordered)
    if normalise and len(placed) > 1:
        layers, levelled = level(placed, blocks, places)
    if len(layers) == 1:
        return layers[0], levelled
    return Mosaic(tuple(layers), overlap == "clearest", places), levelled


def place_of(source: Grid, target: Grid) -> Window:
    """Return the window of a grid that pixels of another one can fill."""
    return target.covering(transformed_bounds(source, target.crs), margin=EDGE_PX)


def union_grid(scenes: Sequence[Dated], crs: CRS | None = None) -> Grid:
    """Extend the pixels of the finest scene over all scenes.

    Scenes of one system keep it. Scenes of several (neighbouring UTM zones) come to ``crs``, else
    to the system of most of them (of the first of these, when there are as many).
    """
    grids = [scene.layer.grid for scene in scenes]
    target = _shared_crs(grids, crs)
    native = [grid for grid in grids if same_crs(grid.crs, target)]
    wide, high = min(((g.pixel_width, g.pixel_height) for g in grids), key=math.prod)
    lattice = next((g for g in native if (g.pixel_width, g.pixel_height) == (wide, high)), None)
    left0, _, _, top0 = lattice.bounds if lattice else (0.0, 0.0, 0.0, 0.0)
    bounds = [transformed_bounds(grid, target) for grid in grids]
    left = left0 + wide * math.floor((min(b[0] for b in bounds) - left0) / wide + 1e-6)
    top = top0 + high * math.ceil((max(b[3] for b in bounds) - top0) / high - 1e-6)
    bottom, right = min(b[1] for b in bounds), max(b[2] for b in bounds)
    return Grid.from_bounds(target, (left, bottom, right, top), (wide, high))


def _shared_crs(grids: Sequence[Grid], wanted: CRS | None) -> CRS:
    """Return the system of all grids, else the wanted one, else that of most."""
    alike = [sum(same_crs(grid.crs, other.crs) for other in grids) for grid in grids]
    most = max(alike)
    if most < len(grids) and wanted is not None:
        return wanted
    return grids[alike.index(most)].crs


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
