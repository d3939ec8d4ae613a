"""A kriged lattice at pixels: as GDAL convolves it, on any grid."""

from __future__ import annotations

import numpy as np

from gossan.fusion.lattice import lattice_over, smooth_layer
from gossan.fusion.lattice_layer import LatticeLayer
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer
from gossan.geo.warp import WarpedLayer

GRID = Grid.from_bounds(32638, (1010, 530, 1010 + 83 * 15, 530 + 61 * 20), (15, 20))


def test_a_lattice_layer_is_what_gdal_makes_of_it_window_by_window() -> None:
    lattice = lattice_over(GRID, 97.3)
    fields = np.random.default_rng(0).normal(size=(2, *lattice.shape)) + 30
    bands = ("estimate", "variance")
    layer = smooth_layer(lattice, fields, bands, GRID)
    assert isinstance(layer, LatticeLayer) and layer.bands == bands
    wanted = WarpedLayer(ArrayLayer(lattice, bands, fields), GRID, "cubic").read(GRID.whole)
    for window, values in Blocks(23, 1).map(layer.read, GRID):
        np.testing.assert_allclose(values, wanted[(slice(None), *window.slices)], rtol=1e-6)


def test_a_plane_comes_out_in_place() -> None:
    lattice = lattice_over(GRID, 97.3)
    plane = lattice.centres() @ [0.3, -0.7]
    layer = smooth_layer(lattice, plane.reshape(1, *lattice.shape), ("estimate",), GRID)
    wanted = (GRID.centres() @ [0.3, -0.7]).reshape(GRID.shape)
    np.testing.assert_allclose(layer.read(GRID.whole)[0], wanted, atol=1e-3)


def test_empty_nodes_leave_the_rest_of_the_map_filled() -> None:
    lattice = lattice_over(GRID, 97.3)
    fields = np.ones((1, *lattice.shape))
    fields[0, 8, 9] = np.nan
    values = smooth_layer(lattice, fields, ("estimate",), GRID).read(GRID.whole)
    np.testing.assert_allclose(values[np.isfinite(values)], 1.0, rtol=1e-6)
    assert np.isfinite(values).mean() > 0.95
