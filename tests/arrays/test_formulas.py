"""Formulas together give what each gives alone."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from gossan.arrays.expressions import Expression
from gossan.arrays.formulas import Formulas
from gossan.catalogue.indices import choose_indices

BANDS = tuple(f"b{i}" for i in range(1, 15))
ODD = (
    "b1", "-b2", "+b3 - 0.25", "3", "b1 ** 2", "b2 ** 3", "b3 ** -2", "b4 ** 0.5", "b5 ** 0",
    "b6 ** 4", "b7 ** -1.5", "abs(b1 - b2)", "sqrt(b1 - 0.2)", "log(b2)", "exp(b3 * 50)",
    "minimum(b1, b2) / maximum(b3, 0.1)", "b1 / (b2 - b2)", "(b1 - b2) / (b1 + b2)",
    "2 * (b1 / b2)",
    "0.3 * b1 - -0.3", "exp(-b1)",
    "b1 ** 2 / b2 ** -1", "b1 ** +2",
)  # fmt: skip


def values(seed: int, width: int = 700) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    found = rng.uniform(-0.05, 0.7, (14, 3, width)).astype(np.float32)
    found[rng.random(found.shape) < 0.03] = np.nan
    found[rng.random(found.shape) < 0.03] = 0.0
    return found


def alone(formulas: list[Expression], bands: NDArray[np.float32]) -> NDArray[np.float32]:
    named = dict(zip(BANDS, bands))
    shape = bands.shape[1:]
    return np.stack([np.broadcast_to(f(named), shape) for f in formulas])


@given(seed=st.integers(0, 50), width=st.sampled_from([1, 170, 171, 512, 700]))
def test_the_whole_catalogue_is_bitwise_equal(seed: int, width: int) -> None:
    formulas = [index.expression for index in choose_indices("aster", ["all"])]
    bands = values(seed, width)
    found = Formulas.of(formulas, BANDS)(bands)
    assert np.array_equal(found, alone(formulas, bands), equal_nan=True)


@pytest.mark.parametrize("text", ODD)
def test_every_operation_is_equal_to_float32(text: str) -> None:
    formulas, bands = [Expression(text)], values(3)
    found, expected = Formulas.of(formulas, BANDS)(bands), alone(formulas, bands)
    assert np.array_equal(np.isnan(found), np.isnan(expected))
    assert np.allclose(found, expected, rtol=2e-6, atol=0, equal_nan=True)


def test_what_formulas_share_is_worked_out_once() -> None:
    program = Formulas.of([Expression("(b4 + b6) / b5"), Expression("(b4 + b6) / b7")], BANDS)
    assert len(program.steps) == 3


def test_it_pickles_and_takes_any_shape() -> None:
    program = pickle.loads(pickle.dumps(Formulas.of([Expression("b1 / b2")], BANDS)))
    bands = values(1)
    assert program(bands[:, 0]).shape == (1, 700)
    assert program(bands[:, :, ::2]).shape == (1, 3, 350)
    assert np.array_equal(program(bands[:, :, ::2]), program(bands)[:, :, ::2], equal_nan=True)


def test_formulas_that_must_be_positive_are_empty_elsewhere() -> None:
    program = Formulas.of([Expression("b1 - b2"), Expression("b2 - b1")], BANDS)
    bands = values(2)
    free = program(bands)
    found = program(bands, positive=np.array([True, False]))
    np.testing.assert_array_equal(found[0], np.where(free[0] > 0, free[0], np.nan))
    np.testing.assert_array_equal(found[1], free[1])
