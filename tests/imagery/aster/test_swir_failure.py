"""The failure of the short-wave detectors is found in a sample of blocks, not in every pixel."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from gossan.catalogue.sensors import aster_band
from gossan.geo.grid import Grid, Window
from gossan.imagery.aster.swir_failure import saturated_share

NAMES = ("b4", "b9")


@dataclass
class Detector:
    """A full scene of 30 m pixels of which the western part is saturated; counts what is read."""

    share: float
    grid: Grid = field(default_factory=lambda: Grid.from_bounds(32645, (0, 0, 75_000, 63_000), 30))
    bands: tuple[str, ...] = NAMES
    pixels: int = 0

    def read(self, window: Window) -> np.ndarray:
        self.pixels += window.height * window.width
        full = np.arange(window.col, window.col + window.width) < self.share * self.grid.width
        limits = np.array([aster_band(name).saturated for name in NAMES], np.float32)
        values = np.where(full, limits[:, None], np.float32(100))
        return np.repeat(values[:, None, :], window.height, axis=1).astype(np.float32)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_a_tenth_of_a_scene_says_how_much_is_saturated(share: float) -> None:
    detector = Detector(share)
    found = saturated_share(detector)
    assert detector.pixels < 0.12 * detector.grid.width * detector.grid.height
    np.testing.assert_allclose(found, share, atol=0.05)
