"""Band formulas as text, made safe: an allow-list of arithmetic, never ``eval``."""

from __future__ import annotations

import ast
import math
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.array_type import Block
from gossan.errors import SettingsError, must

LONGEST = 500
"""Characters that a formula may have."""

DEEPEST = 40
"""Levels of nesting that a formula may have."""

DENOMINATOR_FLOOR = 1e-6
"""Denominators of this size or smaller, and negative ones, give empty pixels."""

GREATEST_POWER = 8.0
"""Exponents beyond +-8 are refused."""


_FUNCTIONS: dict[str, tuple[int, Callable[..., Block]]] = {
    "abs": (1, np.abs),
    "exp": (1, np.exp),
    "log": (1, np.log),
    "sqrt": (1, np.sqrt),
    "minimum": (2, np.minimum),
    "maximum": (2, np.maximum),
}
_OPERATORS: dict[type[ast.operator], Callable[..., Block]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
}
_STRANGE = re.compile(r"[^A-Za-z0-9_ .,+*/()\-]")
_ALLOWED = "numbers, band names, + - * / ** ( ), and " + ", ".join(sorted(_FUNCTIONS))
_CURE = "Write a formula such as (b4 + b6) / b5"


@dataclass(frozen=True)
class Expression:
    """A checked band formula that can be applied to arrays.

    Parameters
    ----------
    text
        The formula: numbers, names, ``+ - * / **``, brackets, and the functions ``abs``,
        ``exp``, ``log``, ``sqrt``, ``minimum`` and ``maximum``. Nothing else is understood:
        no attribute, index, call, string, comparison or assignment.

    Errors
    ------
    SettingsError for anything outside that list, saying which part.

    Examples
    --------
    >>> ratio = Expression("(b4 + b6) / b5")
    >>> ratio.names
    ('b4', 'b6', 'b5')
    >>> bands = {"b4": 0.6, "b5": 0.4, "b6": 0.5}
    >>> float(ratio(bands).round(3))
    2.75
    >>> Expression("__import__('os').getcwd()")
    Traceback (most recent call last):
        ...
    gossan.errors.SettingsError: formula "__import__('os').getcwd()" must be made of ...
    """

    text: str
    names: tuple[str, ...] = field(init=False)
    _tree: ast.expr = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        tree = _parse(self.text)
        found = dict.fromkeys(n.id for n in _walk(tree) if isinstance(n, ast.Name))
        object.__setattr__(self, "_tree", tree)
        object.__setattr__(self, "names", tuple(found))

    def __call__(
        self, values: Mapping[str, NDArray[np.floating] | float], floor: float = DENOMINATOR_FLOOR
    ) -> Block:
        """Evaluate in float32 (float64 where any input is).

        Parameters
        ----------
        values
            An array or number for every name of the formula; shapes must broadcast.
        floor
            A denominator, or a base under a negative power, of this or less gives NaN:
            reflectance is positive, and a ratio of negative values is not one of rocks.

        Returns
        -------
        Bands of the common shape. NaN where any input is NaN, where a denominator is not
        positive, and wherever the result would not be finite.
        """
        missing = [name for name in self.names if name not in values]
        if missing:
            raise SettingsError(
                must(
                    f"formula {self.text!r}",
                    f"made of {', '.join(values)}",
                    missing[0],
                    "Use names that exist",
                )
            )
        arrays = {name: _floating(values[name]) for name in self.names}
        dtype = np.result_type(np.float32, *arrays.values())
        with np.errstate(all="ignore"):
            result = np.asarray(_evaluate(self._tree, _Context(arrays, floor, dtype)), dtype)
        shape = np.broadcast_shapes(*(array.shape for array in arrays.values()))
        return np.where(np.isfinite(result), np.broadcast_to(result, shape), dtype.type(np.nan))

    def __reduce__(self) -> tuple[type[Expression], tuple[str]]:
        """Pickle as text; the check runs again where it is read."""
        return Expression, (self.text,)

    def renamed(self, names: Mapping[str, str]) -> Expression:
        """Return the same formula over other names.

        >>> Expression("b04 / b02").renamed({"b04": "red", "b02": "blue"}).text
        'red / blue'
        """
        swap = re.compile(r"\b[A-Za-z_]\w*\b")
        return Expression(swap.sub(lambda m: names.get(m.group(), m.group()), self.text))


def _parse(text: str) -> ast.expr:
    """Parse and check a formula."""
    if not isinstance(text, str) or not text.strip():
        raise _refusal(text, "empty")
    if len(text) > LONGEST:
        raise _refusal(text[:40] + "...", f"{len(text)} characters, more than {LONGEST}")
    if strange := _STRANGE.search(text):
        raise _refusal(text, repr(strange.group()))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, Warning, ValueError, RecursionError, MemoryError) as error:
        raise _refusal(text, "not a formula") from error
    _check(tree, text, 0)
    return tree


def _check(node: ast.AST, text: str, depth: int) -> None:
    """Refuse every node that is not on the list."""
    if depth > DEEPEST:
        raise _refusal(text, f"brackets deeper than {DEEPEST}")
    match node:
        case ast.Constant():
            _check_number(node, text)
        case ast.Name():
            if node.id.startswith("_") or node.id in _FUNCTIONS:
                raise _refusal(text, repr(node.id))
        case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
            _check(node.operand, text, depth + 1)
        case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div()):
            _check(node.left, text, depth + 1)
            _check(node.right, text, depth + 1)
        case ast.BinOp(op=ast.Pow()):
            _check(node.left, text, depth + 1)
            _power(node.right, text)
        case ast.Call(func=ast.Name()):
            _check_call(node, text)
            for argument in node.args:
                _check(argument, text, depth + 1)
        case _:
            raise _refusal(text, _plain(node))


def _check_number(node: ast.Constant, text: str) -> None:
    """Allow finite real numbers only."""
    value = node.value
    plain = isinstance(value, (int, float)) and not isinstance(value, bool)
    try:
        finite = plain and math.isfinite(float(value))  # type: ignore[arg-type]
    except OverflowError:
        finite = False
    if not finite:
        raise _refusal(text, f"{str(value)[:20]!r}")


def _check_call(node: ast.Call, text: str) -> None:
    """Allow the listed functions with plain arguments."""
    assert isinstance(node.func, ast.Name)
    if node.func.id not in _FUNCTIONS:
        raise _refusal(text, f"{node.func.id}()")
    wanted = _FUNCTIONS[node.func.id][0]
    if node.keywords or len(node.args) != wanted:
        raise _refusal(text, f"{node.func.id}() with other than {wanted} argument(s)")


def _power(node: ast.expr, text: str) -> float:
    """Return the exponent, which must be a small plain number."""
    sign, inner = 1.0, node
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        sign = -1.0 if isinstance(node.op, ast.USub) else 1.0
        inner = node.operand
    if not isinstance(inner, ast.Constant):
        raise _refusal(text, "an exponent that is not a plain number")
    _check_number(inner, text)
    value = sign * float(inner.value)  # type: ignore[arg-type]
    if abs(value) > GREATEST_POWER:
        raise _refusal(text, f"the exponent {value:g}, beyond {GREATEST_POWER:g}")
    return value


class _Context(NamedTuple):
    """What a formula is evaluated with."""

    arrays: Mapping[str, Block]
    floor: float
    dtype: np.dtype[np.floating]


def _evaluate(node: ast.AST, context: _Context) -> Block:
    """Walk a checked tree."""
    match node:
        case ast.Constant():
            return context.dtype.type(node.value)  # type: ignore[arg-type,return-value]
        case ast.Name():
            return context.arrays[node.id]
        case ast.UnaryOp():
            inner = _evaluate(node.operand, context)
            return np.negative(inner) if isinstance(node.op, ast.USub) else inner
        case ast.Call():
            function = _FUNCTIONS[node.func.id][1]  # type: ignore[attr-defined]
            return function(*(_evaluate(argument, context) for argument in node.args))
        case ast.BinOp(op=ast.Pow()):
            return _raise(_evaluate(node.left, context), _power(node.right, ""), context)
        case ast.BinOp(op=ast.Div()):
            return _divide(_evaluate(node.left, context), _evaluate(node.right, context), context)
        case ast.BinOp():
            left, right = _evaluate(node.left, context), _evaluate(node.right, context)
            return _OPERATORS[type(node.op)](left, right)
    raise AssertionError(f"unchecked node {node!r}")  # pragma: no cover


def _divide(above: Block, below: Block, context: _Context) -> Block:
    """Divide; NaN where the denominator is not positive."""
    ratio = np.asarray(np.divide(above, below))
    np.copyto(ratio, context.dtype.type(np.nan), where=~(below > context.floor))
    return ratio


def _raise(base: Block, power: float, context: _Context) -> Block:
    """Raise to a plain number: by multiplication where it is small and whole."""
    if power < 0:
        one = np.ones((), context.dtype)
        return _divide(one, _raise(base, -power, context), context)
    if power == 0:
        return np.add(np.multiply(base, context.dtype.type(0)), context.dtype.type(1))
    if power in (2.0, 3.0, 4.0):
        square = np.multiply(base, base)
        return square if power == 2.0 else np.multiply(square, base if power == 3.0 else square)
    return np.power(base, context.dtype.type(power))


def _floating(value: NDArray[np.floating] | float) -> Block:
    """Return float32 or float64 arrays; whole numbers become float32."""
    array = np.asarray(value)
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float32)


def _walk(node: ast.expr) -> Iterator[ast.AST]:
    """Return the nodes in the order of the text; names of functions left out."""
    yield node
    children = node.args if isinstance(node, ast.Call) else ast.iter_child_nodes(node)
    for child in children:
        yield from _walk(child)  # type: ignore[arg-type]


def _plain(node: ast.AST) -> str:
    """Quote the part of a formula that is refused."""
    try:
        return repr(ast.unparse(node))[:60]
    except (AttributeError, RecursionError, ValueError):
        return type(node).__name__


def _refusal(text: object, got: str) -> SettingsError:
    shown = text if isinstance(text, str) else repr(text)
    return SettingsError(must(f'formula "{shown}"', f"made of {_ALLOWED}", got, _CURE))
