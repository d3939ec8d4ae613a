"""Arrays that formulas are about, under one name each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
"""Numbers of double precision."""
Floats = NDArray[np.floating[Any]]
"""Numbers of any precision."""
Block = NDArray[np.float32]
"""Pixels of a window: (band, row, column)."""
Indices = NDArray[np.int64]
"""Positions in another array."""
