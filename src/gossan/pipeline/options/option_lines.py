"""Word the keys of a settings record as lines of a project file: key, default, allowed, meaning."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
import tomlkit
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gossan.imagery.sensors import readers_in_words

WIDTH = 100


def option_lines(
    record: type[BaseModel] | BaseModel,
    examples: Mapping[str, str] | None = None,
    skip: tuple[str, ...] = (),
) -> list[str]:
    """Return the keys of a record as commented lines of TOML.

    Parameters
    ----------
    record
        Settings record, or an instance with other defaults; keys that hold a record of their own
        are left out (they are tables).
    examples
        TOML by key, for keys without a default.
    skip
        Keys to leave out.

    Returns
    -------
    Lines such as ``# folds = 10   # at least 2, at most 50``; meanings that are too long for the
    line stand above it, further in.

    >>> from pydantic import Field
    >>> class Wave(BaseModel):
    ...     kind: Literal["flat", "steep"] = "flat"
    ...     height_m: float | None = Field(default=None, gt=0)
    >>> print(*option_lines(Wave, {"height_m": "2"}), sep="\\n")
    # kind = "flat"            # or "steep"
    # height_m = 2             # above 0; default: none
    """
    kind = record if isinstance(record, type) else type(record)
    known, lines = meanings(kind), []
    for name, field in kind.model_fields.items():
        default = _default(field) if isinstance(record, type) else getattr(record, name)
        if name in skip or isinstance(default, BaseModel):
            continue
        example = (examples or {}).get(name, "") if default in (None, (), {}) else ""
        lines += _lines(name, field, default, known.get(name, ""), example)
    return lines


def _default(field: FieldInfo) -> Any:
    return field.get_default(call_default_factory=True)


def _lines(name: str, field: FieldInfo, default: Any, meaning: str, example: str) -> list[str]:
    value = example or (_any_value(field) if default is None else toml(default))
    silent = default in (None, (), {}) and not re.search("default|none", meaning, re.I)
    remark = "; ".join(filter(None, [_allowed(field, value), "default: none" if silent else ""]))
    start = f"{f'# {name} = {value}':<25}  # "
    whole = "; ".join(filter(None, [meaning, remark]))
    ways = [(whole, ""), (remark, meaning), ("", whole)]
    inside, above = next(way for way in ways if not way[0] or len(start + way[0]) <= WIDTH)
    over = [f"#     {line}" for line in textwrap.wrap(above, WIDTH - 6)]
    return [*over, start + inside if inside else start.rstrip("# ")]


def _any_value(field: FieldInfo) -> str:
    """Choose some value that a key without default and example may have."""
    if re.search(r"\b(int|float)\b", str(field.annotation)):
        limits = _limits(field)
        low = limits.get("above", limits.get("at least", 0.0))
        high = limits.get("below", limits.get("at most", low + 2.0))
        return f"{(low + high) / 2:g}"
    word = next(_words(field.annotation), "...")
    return toml([word] if "tuple" in str(field.annotation) else word)


def toml(value: object) -> str:
    """Write a plain value as TOML.

    >>> toml(("a", 2.0)), toml({"Cu": 1}), toml(Path("a/b")), toml(True)
    ('["a", 2]', '{Cu = 1}', '"a/b"', 'true')
    """
    plain = _plain_value(value)
    if not isinstance(plain, dict):
        return tomlkit.item(plain).as_string()
    table = tomlkit.inline_table()
    table.update(plain)
    return table.as_string()


def _plain_value(value: object) -> object:
    """Reduce a value to what TOML knows; whole numbers lose their decimal point."""
    if isinstance(value, Path):
        return value.as_posix()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {str(key): _plain_value(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [_plain_value(one) for one in value]
    return value


def _allowed(field: FieldInfo, shown: str) -> str:
    """Word what else a key may be: its other words, or the limits of its number."""
    listed = [toml(word) for word in _words(field.annotation)]
    others = [word for word in listed if word not in (shown, f"[{shown}]")]
    several = get_origin(field.annotation) is tuple and listed
    parts = []
    if several:
        parts.append(f"out of {', '.join(listed)}")
    elif others:
        parts.append("or " + ", ".join(others))
    parts += [f"{word} {limit:g}" for word, limit in _limits(field).items()]
    parts += filter(None, [readers_in_words(field)])
    return ", ".join(parts)


def _words(annotation: Any) -> Iterator[str]:
    if get_origin(annotation) is Literal:
        yield from (word for word in get_args(annotation) if isinstance(word, str))
    elif get_origin(annotation) in (Union, UnionType, tuple, Annotated):
        for part in get_args(annotation):
            if part not in (NoneType, Ellipsis):
                yield from _words(part)


_LIMITS = (
    (annotated_types.Gt, "gt", "above"),
    (annotated_types.Ge, "ge", "at least"),
    (annotated_types.Lt, "lt", "below"),
    (annotated_types.Le, "le", "at most"),
)


def _limits(field: FieldInfo) -> dict[str, float]:
    """Return the limits of a key's number by the words for them."""
    found = list(field.metadata)
    for part in get_args(field.annotation):
        for one in getattr(part, "__metadata__", ()):
            found += getattr(one, "metadata", [one])
    return {
        word: float(getattr(one, name))
        for kind, name, word in _LIMITS
        for one in found
        if isinstance(one, kind)
    }


@cache
def meanings(record: type[BaseModel]) -> dict[str, str]:
    """Read what each key means: the text under it in the source, or in the record's docstring.

    Empty where the source is not at hand.

    >>> from gossan.evaluate.folds import ValidationSettings
    >>> meanings(ValidationSettings)["block_km"]
    'side of the blocks; default: the range of the residual'
    """
    found: dict[str, str] = {}
    for base in reversed(record.__mro__):
        if not (issubclass(base, BaseModel) and base is not BaseModel):
            continue
        found |= _from_docstring(base)
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(base)))
        except (OSError, TypeError, SyntaxError):
            continue
        found |= _under_keys(tree.body[0])
    return found


def _under_keys(body: ast.AST) -> dict[str, str]:
    statements = getattr(body, "body", [])
    found = {}
    for key, text in pairwise(statements):
        if isinstance(key, ast.AnnAssign) and isinstance(key.target, ast.Name):
            value = getattr(text, "value", None)
            if isinstance(text, ast.Expr) and isinstance(value, ast.Constant):
                found[key.target.id] = _plain(str(value.value))
    return found


def _from_docstring(record: type[BaseModel]) -> dict[str, str]:
    text = " ".join((record.__doc__ or "").split(">>>")[0].split())
    pieces = re.split(r"(?:^|(?<=[.;]) )(?=``\w+``)", text)
    found = {}
    for piece in pieces:
        match = re.match(r"``(\w+)``(?: of \w+)?(?::| is the)\s+(.*)", piece)
        if match:
            found[match[1]] = _plain(match[2])
    return found


def _plain(text: str) -> str:
    return " ".join(text.replace("``", "").split()).rstrip(".;")
