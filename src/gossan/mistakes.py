"""Word what is wrong in settings: the key, what it must be, what it is, and how to correct it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from pydantic import ValidationError

_KINDS = {
    "tuple_type": "a list in [square brackets]",
    "list_type": "a list in [square brackets]",
    "string_type": 'text in "quotes"',
    "path_type": 'a path in "quotes"',
    "dict_type": "a table in { braces }",
    "model_type": "a table in { braces }",
    "model_attributes_type": "a table in { braces }",
    "string_pattern_mismatch": "lower-case letters, digits and _, a letter first",
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "finite_number": "a number",
}
_LIMITS = {
    "greater_than": ("gt", "above"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "below"),
    "less_than_equal": ("le", "at most"),
}
_TYPES = {"int", "float", "str", "bool"}


@dataclass(frozen=True)
class Mistake:
    """One key that is wrong: ``kind`` is "unknown", "missing" or "value"."""

    key: str
    kind: str
    allowed: str = ""
    """What it must be, or a sentence of its own."""
    got: Any = None

    def sentence(self) -> str:
        """Say what the key must be, and what it is."""
        if self.kind == "missing":
            return f"{self.key} is missing."
        if self.kind == "unknown":
            return f"{self.key!r} is not a known key."
        if "; got" in self.allowed:
            return self.allowed.rstrip(".") + "."
        shown = "" if isinstance(self.got, dict) else f"; got {self.got!r}"
        if self.allowed.startswith("must "):
            return f"{self.key}: {self.allowed}{shown}."
        if " must " in self.allowed:
            return f"{self.allowed}{shown}."
        return f"{self.key}: must be {self.allowed}{shown}."


def mistakes_in(error: ValidationError) -> Iterator[Mistake]:
    """Yield the mistakes of a validation, what a key may be joined by "or".

    >>> from gossan.settings import Settings
    >>> class Wave(Settings):
    ...     height_m: float | None = None
    ...     kind: int | str | None = 2
    >>> try:
    ...     Wave(height_m="tall", kind=[])
    ... except ValidationError as error:
    ...     print(*(one.sentence() for one in mistakes_in(error)), sep="\\n")
    height_m: must be a number; got 'tall'.
    kind: must be a whole number or text in "quotes"; got [].
    """
    for key, problems in groupby(error.errors(), lambda problem: _key(problem["loc"])):
        found = list(problems)
        kinds = {problem["type"] for problem in found}
        if kinds <= {"extra_forbidden"}:
            yield Mistake(key, "unknown")
        elif kinds <= {"missing"}:
            yield Mistake(key, "missing")
        else:
            words = dict.fromkeys(_allowed(problem) for problem in found)
            yield Mistake(key, "value", " or ".join(words), found[0].get("input"))


def _key(place: tuple[int | str, ...]) -> str:
    """Name a key, without what pydantic calls the ways of a union."""
    parts = [str(part) for part in place]
    return ".".join(
        part
        for part in parts
        if part.isdigit() or (part.isidentifier() and part not in _TYPES and part[0].islower())
    ) or ".".join(parts)


def _allowed(problem: Any) -> str:
    kind, message = problem["type"], problem["msg"]
    if kind in _LIMITS:
        name, word = _LIMITS[kind]
        return f"{word} {problem['ctx'][name]:g}"
    for word in (kind, kind.split("_")[0]):
        if word in _KINDS:
            return _KINDS[word]
    message = message.removeprefix("Value error, ").removeprefix("Input should be ")
    return message.replace("'", '"') if kind == "literal_error" else message
