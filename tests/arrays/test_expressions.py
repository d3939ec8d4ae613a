from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gossan.arrays.expressions import DEEPEST, LONGEST, Expression
from gossan.errors import SettingsError

ATTACKS = [
    "__import__('os').system('true')",
    "().__class__.__bases__[0].__subclasses__()",
    "b1.__class__",
    "b1.tofile",
    "(lambda: b1)()",
    "[b1 for b1 in (1, 2)]",
    "exec(b1)",
    "eval(b1)",
    "open(b1)",
    "getattr(b1, b2)",
    "abs.__globals__",
    "abs(b1)(b2)",
    "abs(*b1)",
    "abs(b1, out=b2)",
    "minimum(b1)",
    "b1 if b2 else b3",
    "b1 and b2",
    "b1 < b2",
    "b1 == b2",
    "b1[0]",
    "b1 @ b2",
    "b1 // b2",
    "b1 % 2",
    "b1 << 99999999",
    "~b1",
    "not b1",
    "b1, b2",
    "(b1 := 3)",
    "b1; b2",
    "b1 = 3",
    "f'{b1}'",
    "'b1'",
    "b''",
    "1j * b1",
    "True",
    "None",
    "...",
    "9 ** 9 ** 9 ** 9",
    "b1 ** b2",
    "b1 ** 1000",
    "2 ** (3 + 4)",
    "1" + "0" * 400,
    "1e999",
    "_b1",
    "__builtins__",
    "await b1",
    "yield b1",
    "b1\x00",
    "b1\\\nb2",
    "ｂ1 + 1",
    "1if b1 else 2",
    "",
    "   ",
    "(" * 300 + "b1" + ")" * 300,
    "-" * (LONGEST - 2) + "b1",
    "b1+" * 400 + "b1",
    "()",
    "b1 b2",
]


@pytest.mark.parametrize("text", ATTACKS)
def test_anything_but_arithmetic_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Expression(text)
    assert "must be made of numbers, band names" in str(caught.value)
    assert caught.value.__class__.__mro__[1].__name__ == "InputError"


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_formula_or_a_plain_refusal(text: str) -> None:
    try:
        names = Expression(text).names
    except SettingsError:
        return
    assert all(name.isidentifier() for name in names)


@given(
    st.lists(
        st.sampled_from(["b1", "b2", "2", "-", "+", "*", "/", "**", "(", ")", "sqrt", "e"]),
        max_size=25,
    )
)
@settings(max_examples=300, deadline=None)
def test_whatever_is_accepted_agrees_with_python_or_is_empty(parts: list[str]) -> None:
    text = " ".join(parts)
    try:
        formula = Expression(text)
    except SettingsError:
        return
    values = {name: 1.7 + i for i, name in enumerate(formula.names)}
    ours = formula({name: np.float64(v) for name, v in values.items()})
    assert ours.shape == ()
    allowed = {**values, "sqrt": lambda v: v**0.5, "__builtins__": {}}
    try:
        theirs = eval(text, allowed)  # the very thing that the package does not do
    except (ZeroDivisionError, OverflowError):
        assert not np.isfinite(ours)
        return
    if isinstance(theirs, complex) or not np.isfinite(ours):
        assert not np.isfinite(ours)
    else:
        assert ours == pytest.approx(theirs, rel=1e-5, abs=1e-6)


def test_a_formula_equals_the_same_sum_written_in_numpy() -> None:
    rng = np.random.default_rng(5)
    b = {f"b{i}": rng.uniform(0.1, 0.9, (3, 4)).astype(np.float32) for i in range(10, 15)}
    mafic = Expression("b12 * b14**3 / b13**4")(b)
    np.testing.assert_allclose(mafic, b["b12"] * b["b14"] ** 3 / b["b13"] ** 4, rtol=1e-6)
    assert mafic.dtype == np.float32
    general = Expression("-log(b10) + exp(b11) * sqrt(abs(b12 - 1.5)) ** 1.5 + 2e-1")(b)
    wanted = -np.log(b["b10"]) + np.exp(b["b11"]) * np.sqrt(np.abs(b["b12"] - 1.5)) ** 1.5 + 0.2
    np.testing.assert_allclose(general, wanted, rtol=1e-6)
    clipped = Expression("minimum(maximum(b10, 0.3), 0.6)")(b)
    np.testing.assert_array_equal(clipped, np.clip(b["b10"], np.float32(0.3), np.float32(0.6)))


def test_denominators_near_zero_give_empty_pixels_and_never_infinity() -> None:
    below = np.array([0.0, -0.0, 1e-7, -1e-7, 1e-3, np.nan, np.inf], np.float32)
    above = np.full(7, 0.3, np.float32)
    for text in ("a / b", "a * b ** -1", "1 / b * a", "a / (b + 0)", "a / sqrt(abs(b)) ** 2"):
        ratio = Expression(text)({"a": above, "b": below})
        assert np.isnan(ratio[[0, 1, 2, 3, 5]]).all(), text
        assert ratio[4] == pytest.approx(300, rel=1e-4), text
        assert np.isfinite(ratio[4]) and not np.isinf(ratio).any(), text
    assert np.isnan(Expression("1 / 0 + a")({"a": above})).all()
    assert np.isnan(Expression("log(a - 0.3)")({"a": above})).all()


def test_empty_pixels_stay_empty_whatever_the_formula() -> None:
    hole = np.array([np.nan, 1.0], np.float32)
    for text in ("b ** 0", "b * 0", "minimum(b, 5)", "maximum(1, b)", "b - b", "abs(b)"):
        value = Expression(text)({"b": hole})
        assert np.isnan(value[0]) and np.isfinite(value[1]), text


def test_precision_follows_the_input() -> None:
    assert Expression("(1 + 0.5) * b")({"b": np.ones(2, np.float32)}).dtype == np.float32
    assert Expression("(1 + 0.5) * b")({"b": np.ones(2)}).dtype == np.float64
    assert Expression("b / 2")({"b": np.ones(2, np.uint16)})[0] == 0.5


def test_a_formula_pickles_and_names_bands_in_order() -> None:
    ratio = Expression("(b7 + b9) / b8 - b7")
    again = pickle.loads(pickle.dumps(ratio))
    assert again == ratio and again.names == ("b7", "b9", "b8")
    assert Expression("b1 / b10").renamed({"b1": "blue"}).text == "blue / b10"


def test_a_name_without_a_value_says_what_there_is() -> None:
    with pytest.raises(SettingsError, match=r"b9.*Use names that exist"):
        Expression("b9 / b1")({"b1": np.ones(1)})


def test_a_deep_but_fair_formula_is_taken() -> None:
    text = "(" * (DEEPEST // 2) + "b1" + "+1)" * (DEEPEST // 2)
    assert Expression(text)({"b1": np.float32(0)}) == DEEPEST // 2
