"""Words that survey tables use, by what they mean: ``words.csv``.

Every list holds lower-case words parted by blanks: names of columns that hold a qualifier, a
detection limit, a unit or something else about an element; names of contents; units of other
quantities; and words of headers in several languages, by which encodings are told apart.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files


@cache
def words(name: str) -> frozenset[str]:
    """Return a list of words.

    >>> "lod" in words("limit"), "lod" in words("qualifier")
    (True, False)
    """
    return _lists()[name]


@cache
def _lists() -> dict[str, frozenset[str]]:
    text = files("gossan.catalogue").joinpath("words.csv").read_text("utf-8")
    return {
        row["name"]: frozenset(row["words"].split()) for row in csv.DictReader(text.splitlines())
    }
