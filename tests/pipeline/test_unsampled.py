"""Ground of no catchment is marked, pixel by pixel, and its share is said once."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.grounds import Basins, Grounds
from gossan.geo.raster import open_raster
from gossan.io.run_folder import RunFolder
from gossan.pipeline.unsampled import write_unsampled


def test_pixels_of_no_catchment_are_marked(tmp_path: Path) -> None:
    """Cells of 100 m, pixels of 50 m; beyond the terrain model nothing is sampled."""
    cells = Grid.from_bounds(32638, (0, 0, 400, 300), 100)
    owner = np.array([[0, 0, -1, 1], [0, -1, -1, 1], [-1, -1, 1, 1]], np.int32)
    grounds = Grounds.of(Basins(cells, owner, 2), np.eye(2, dtype=int))
    grid = Grid.from_bounds(32638, (0, 0, 500, 300), 50)
    said = write_unsampled(RunFolder(tmp_path), grounds, grid, "a", Blocks(64, 1))
    found = open_raster(tmp_path / "layers" / "unsampled.tif").read(grid.whole)[0]
    wanted = np.kron(owner < 0, np.ones((2, 2)))
    np.testing.assert_array_equal(found[:, :8], wanted)
    assert (found[:, 8:] == 1).all()
    assert len(said) == 1 and said[0].startswith(f"{100 * found.mean():.3g} % of the map drains")
    whole = Grid.from_bounds(32638, (0, 200, 200, 300), 50)
    assert write_unsampled(RunFolder(tmp_path / "b"), grounds, whole, "a", Blocks(64, 1)) == []
