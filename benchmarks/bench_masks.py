"""Every mask that has a rule on reflectance, over a whole scene; see ``bench_topography.py``.

python benchmarks/bench_masks.py                             # 10980 x 10980, 10 bands
"""

from __future__ import annotations

from pathlib import Path

from bench_topography import Reflectance, compare

from gossan.geo.blocks import Blocks
from gossan.geo.layer import Layer
from gossan.imagery.masks.layer import MaskedLayer, build_masks

WORDS = (
    "nodata",
    "vegetation",
    "stabilised_vegetation",
    "water",
    "snow",
    "cloud",
    "cloud_shadow",
)


def masks(folder: Path, blocks: Blocks) -> Layer:
    """Empty whatever any mask takes."""
    layer = Reflectance(folder)
    return MaskedLayer(layer, build_masks(layer, "sentinel2", WORDS))


if __name__ == "__main__":
    compare(__file__, masks)
