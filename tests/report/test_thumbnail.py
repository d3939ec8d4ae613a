"""The small picture of a notebook shows the array, stretched, with grey where it is empty."""

from __future__ import annotations

import base64
from io import BytesIO

import matplotlib
import numpy as np
from matplotlib.colors import to_rgba
from PIL import Image

from gossan.report.palette import EMPTY, ESTIMATE
from gossan.report.thumbnail import SIDE, thumbnail


def drawn(values: np.ndarray) -> np.ndarray:
    text = thumbnail(values)
    assert text.startswith("data:image/png;base64,")
    return np.asarray(Image.open(BytesIO(base64.b64decode(text.split(",")[1]))).convert("RGBA"))


def test_low_and_high_take_the_ends_of_the_colours_and_empty_is_grey() -> None:
    values = np.tile(np.linspace(0, 1, 100), (50, 1))
    values[0] = np.nan
    picture = drawn(values)
    ends = (255 * np.array([matplotlib.colormaps[ESTIMATE](v) for v in (0.0, 1.0)])).astype(int)
    np.testing.assert_allclose(picture[5, [0, -1]], ends, atol=2)
    np.testing.assert_allclose(picture[0, 3], 255 * np.array(to_rgba(EMPTY)), atol=1)


def test_a_large_array_is_thinned_and_keeps_its_shape() -> None:
    height, width = drawn(np.random.default_rng(1).random((1000, 500))).shape[:2]
    assert height == SIDE and width == SIDE / 2


def test_an_empty_or_constant_array_is_drawn() -> None:
    assert drawn(np.full((3, 4), np.nan)).shape == (3, 4, 4)
    assert drawn(np.full((3, 4), 2.0)).shape == (3, 4, 4)
