"""Terrain features of a project: the shape of the ground, and its drainage computed once."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gossan.errors import ImageryError, must
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import Layer, MappedLayer, StackedLayer
from gossan.geo.raster import open_raster, write_array
from gossan.imagery.terrain.drainage import BANDS, drainage_of_heights
from gossan.imagery.terrain.shape import TerrainShape

MOST_CELLS = 60_000_000
"""Cells whose drainage is found; it takes the whole terrain model in memory, 25 bytes a cell."""


RIDGES = ("height_below_ridge", "ridge_distance")
"""Features of drainage that the terrain turned upside down has: its streams are ridges."""


def hydrological_features(terrain: Layer) -> NDArray[np.float32]:
    """Compute the bands of ``DrainageLayer`` for a whole terrain model.

    What a cell lies below its ridge is what it lies above the drainage of the terrain turned
    upside down, whose streams of 1 km2 are ridges.
    """
    upside_down = MappedLayer(terrain, np.negative, terrain.bands)
    ridges = drainage_of_heights(upside_down).features()[BANDS.index("height_above_drainage") :]
    return np.concatenate([drainage_of_heights(terrain).features(), ridges])


@dataclass(frozen=True)
class DrainageLayer:
    """Serve the hydrological features of a terrain model; they are computed when first read.

    Parameters
    ----------
    terrain
        Heights in metres (one band).
    path
        GeoTIFF that keeps them.
    """

    terrain: Layer = field(repr=False)
    path: Path
    bands: tuple[str, ...] = (*BANDS, *RIDGES)
    _one_at_a_time: ClassVar[Lock] = Lock()

    @property
    def grid(self) -> Grid:
        """Grid of the terrain model."""
        return self.terrain.grid

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read a window of the kept features."""
        with self._one_at_a_time:
            if not (self.path.exists() and open_raster(self.path).bands == self.bands):
                found = hydrological_features(self.terrain)
                self.path.parent.mkdir(parents=True, exist_ok=True)
                write_array(self.path, self.grid, self.bands, found)
        return open_raster(self.path).read(window)


@dataclass(frozen=True)
class TerrainFeatures:
    """Features of a terrain model, and what is worth saying about them."""

    layer: Layer
    notes: tuple[str, ...] = ()


def terrain_layer(terrain: Layer, store: Path) -> TerrainFeatures:
    """Describe the ground by its heights.

    Parameters
    ----------
    terrain
        Heights in metres on a projected grid, one band.
    store
        File that keeps the features of drainage, which need the whole model at once.

    Returns
    -------
    Bands of ``TerrainShape`` and, of models that fit into memory, of ``DrainageLayer``.

    Raises
    ------
    ImageryError
        The rasters hold more than one band.
    """
    if len(terrain.bands) != 1:
        got, cure = f"bands {', '.join(terrain.bands[:5])}", "Name the terrain model alone"
        raise ImageryError(must("a terrain model", "a raster of one band", got, cure))
    shape = TerrainShape(terrain)
    cells = terrain.grid.shape[0] * terrain.grid.shape[1]
    if cells > MOST_CELLS:
        text = (
            f"drainage features left out: {cells / 1e6:.0f} million cells are more than the "
            f"{MOST_CELLS // 10**6} million that fit into memory; give a coarser terrain model"
        )
        return TerrainFeatures(shape, (text,))
    return TerrainFeatures(StackedLayer((shape, DrainageLayer(terrain, store))))
