from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gossan.arrays.digital_numbers import scale_numbers


@given(st.lists(st.integers(0, 65535), min_size=6, max_size=6), st.sampled_from([0.0, -1000.0]))
def test_scaling_equals_numpy_and_special_numbers_are_empty(
    numbers: list[int], offset: float
) -> None:
    values = np.array(numbers, np.float32).reshape(2, 1, 3)
    offsets = np.array([offset, offset - 7])
    found = scale_numbers(values, offsets, 10000.0, 0, 65535)
    wanted = (values.astype(float) + offsets[:, None, None]) / 10000.0
    wanted[(values == 0) | (values == 65535)] = np.nan
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-7)
    assert found.dtype == np.float32


def test_strided_input_is_read_right() -> None:
    whole = np.arange(48, dtype=np.float32).reshape(2, 4, 6)
    found = scale_numbers(whole[:, ::2, 1::2], np.zeros(2), 1.0, -1, -1)
    np.testing.assert_array_equal(found, whole[:, ::2, 1::2])
