"""Ground that drains past all samples: no sediment tells of it."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
from numpy.typing import NDArray

from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.grounds import Grounds
from gossan.io.contract import SharedLayer
from gossan.io.run_folder import RunFolder

LAYER = SharedLayer.UNSAMPLED


def write_unsampled(
    run: RunFolder, grounds: Grounds, grid: Grid, key: str, blocks: Blocks
) -> list[str]:
    """Write ``layers/unsampled.tif``: 1 where a pixel lies in no catchment, else 0; and say so.

    Parameters
    ----------
    run
        Run folder.
    grounds
        Catchments of the samples.
    grid
        Grid of the maps.
    key
        Fingerprint of what the catchments depend on.
    blocks
        Engine of the pass.
    """
    path = run.shared_layer(LAYER)
    facts = run.store / "parts" / f"{LAYER}.json"

    def work() -> None:
        function = partial(unsampled, grounds, grid)
        counts = blocks.write_bytes(function, grid, path, (LAYER,), resampling="NEAREST")
        run.write_json(facts, {"unsampled_share": float(counts[0, 1] / counts[0].sum())})

    run.once(LAYER, {"inputs": key}, [path, facts], work)
    share = float(json.loads(facts.read_text(encoding="utf-8"))["unsampled_share"])
    if share == 0:
        return []
    return [
        f"{100 * share:.3g} % of the map drains past all samples: what it shows there comes from "
        f"the imagery and from neighbouring catchments alone; see layers/{LAYER}.tif."
    ]


def unsampled(grounds: Grounds, grid: Grid, window: Window) -> NDArray[np.uint8]:
    """Mark the pixels of a window (1, height, width) that lie in no catchment."""
    return (grounds.basins.under(*grid.coordinates(window)) < 0)[None].astype(np.uint8)
