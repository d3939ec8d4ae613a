"""The layer that flags where maps are kriged because imagery is masked."""

from __future__ import annotations

import numpy as np

from gossan.geo.layer import ArrayLayer
from gossan.io.contract import ImageryShare
from gossan.pipeline.imagery_used import KRIGED, PART, USED, ImageryUsed, used

from ..tiny_project import GRID


def test_pixels_are_flagged_by_how_many_features_are_filled() -> None:
    values = np.ones((2, *GRID.shape), np.float32)
    values[0, :10] = np.nan
    values[:, 10:12] = np.nan
    layer = ArrayLayer(GRID, ("a", "b"), values)
    first, second = used((layer, ArrayLayer(GRID, ("b",), values[1:])), GRID.whole)
    assert (first[:10] == PART).all() and (first[10:12] == KRIGED).all()
    assert (first[12:] == USED).all()
    assert set(np.unique(second)) == {KRIGED, USED}


def test_the_notes_state_the_shares_and_leave_out_what_is_whole() -> None:
    shares = {
        "aster.pc2": ImageryShare(used=0.8, part=0.05, kriged_only=0.15),
        "s2.pc2": ImageryShare(used=1.0, part=0.0, kriged_only=0.0),
    }
    (note,) = ImageryUsed(shares).notes()
    assert note.startswith("aster.pc2: masked on 15 % of the map, in part on 5 % more.")
