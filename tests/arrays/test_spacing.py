"""The spacing of samples is that of the ground each has, whatever lies beside it."""

from __future__ import annotations

import numpy as np
import pytest

from gossan.arrays.spacing import sample_spacing


def test_field_duplicates_do_not_shrink_the_spacing() -> None:
    grid = np.stack(np.meshgrid(np.arange(10) * 1000.0, np.arange(10) * 1000.0), -1).reshape(-1, 2)
    twins = np.concatenate([grid, grid[:8] + 1.0])
    assert sample_spacing(grid) == pytest.approx(1000.0, rel=0.1)
    assert sample_spacing(twins) == pytest.approx(sample_spacing(grid), rel=0.1)
    assert sample_spacing(grid[:1]) == 0.0
