"""Peak memory of a map whose pixels are 50 times those of its imagery; see ``bench_topography.py``.

    python benchmarks/bench_coarse.py                            # 10980 x 10980, 10 bands

A coarse pixel reads all fine pixels under it, so that a window of the map can span the whole scene.
The floor reads and writes the scene at its own pixels; the peak of the job must not be far above.
"""

from __future__ import annotations

from pathlib import Path

from bench_topography import Reflectance, compare

from gossan.geo.blocks import Blocks
from gossan.geo.layer import Layer
from gossan.geo.warp import to_grid

TIMES = 50
"""Side of a pixel of the map, in pixels of the scene."""


def coarse(folder: Path, blocks: Blocks) -> Layer:
    """Average the scene to coarse pixels."""
    layer = Reflectance(folder)
    return to_grid(layer, layer.grid.coarsen(TIMES))


if __name__ == "__main__":
    compare(__file__, coarse)
