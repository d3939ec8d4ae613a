"""Alteration indices as data: formula, mineral, reference, bands needed, standing, warning.

The rows are in ``indices.csv``; ``paper_tables.csv`` repeats Tables 1 and 2 of Ding et al. 2023
line by line, each pointing to the index that it means. ``status`` says how many independent
sources print the formula. Formulas of vegetation, water, soil and snow indices are stated here as
facts with their reference (spyndex, which has them too, would bring a network client along).
"""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib import resources
from typing import Literal

from gossan.arrays.expressions import Expression
from gossan.errors import SettingsError, must

Kind = Literal["mineral", "vegetation", "water", "soil", "snow"]
SETS = ("paper", "printed", "mineral", "all")
"""Words that stand for several indices; see ``choose_indices``."""


@dataclass(frozen=True)
class Index:
    """Describe one index of the catalogue.

    Attributes
    ----------
    sensor
        ``aster`` or ``sentinel2``.
    name
        Word in a project file, unique for a sensor.
    formula
        Band maths over the sensor's band names (``b4``, ``b12``; ``b04``, ``b8a``).
    kind
        mineral, vegetation, water, soil or snow.
    meaning
        What is sold as rising with the index.
    reference
        Who published it.
    paper
        Tables of Ding et al. 2023 that list it ("1", "1 2"), or "printed".
    quantity
        ``reflectance``, or ``radiance`` for thermal ratios.
    status, warning
        Standing of the formula; what to mind.
    """

    sensor: str
    name: str
    formula: str
    kind: str
    meaning: str
    reference: str
    paper: str
    quantity: str
    status: str
    warning: str

    @cached_property
    def expression(self) -> Expression:
        """The checked formula."""
        return Expression(self.formula)

    @property
    def bands(self) -> tuple[str, ...]:
        """Bands needed, in the order of the formula."""
        return self.expression.names

    def missing(self, available: Iterable[str]) -> tuple[str, ...]:
        """Name the bands that are needed and not available.

        >>> find_index("aster", "carbonate_tir").missing(["b1", "b2", "b13"])
        ('b14',)
        """
        have = set(available)
        return tuple(band for band in self.bands if band not in have)


@dataclass(frozen=True)
class PaperRow:
    """One line of Table 1 or 2 of Ding et al. 2023, and the index that it means."""

    table: str
    feature: str
    printed: str
    index: str
    remark: str


def _rows(name: str) -> list[dict[str, str]]:
    text = resources.files("gossan.catalogue").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def all_indices(sensor: str | None = None) -> tuple[Index, ...]:
    """List the catalogue, of one sensor or of all.

    >>> len(all_indices("aster")) > 40
    True
    """
    rows = (Index(**row) for row in _rows("indices.csv"))
    return tuple(row for row in rows if sensor in (None, row.sensor))


ROLE_OF_BAND = {
    "b02": "blue",
    "b03": "green",
    "b04": "red",
    "b08": "nir",
    "b11": "swir1",
    "b12": "swir2",
}
"""Part of the spectrum that each wide band of Sentinel-2 sees, as those of Landsat do."""


@cache
def role_indices() -> tuple[Index, ...]:
    """List the indices of any sensor with wide bands, over blue, green, red, nir, swir1, swir2.

    >>> find_index("roles", "gossan").formula
    'swir1 / red'
    """
    rows = [row for row in all_indices("sentinel2") if {*row.bands} <= {*ROLE_OF_BAND}]
    return tuple(
        replace(row, sensor="roles", formula=row.expression.renamed(ROLE_OF_BAND).text)
        for row in rows
    )


def _of_sensor(sensor: str) -> tuple[Index, ...]:
    return role_indices() if sensor == "roles" else all_indices(sensor)


@cache
def paper_tables() -> tuple[PaperRow, ...]:
    """List Tables 1 and 2 of the paper as printed.

    >>> [row.printed for row in paper_tables() if row.index == "basic_degree"]
    ['12/13', '12/13']
    """
    return tuple(PaperRow(**row) for row in _rows("paper_tables.csv"))


def find_index(sensor: str, name: str) -> Index:
    """Find one index by name, or say which name is nearest.

    Raises
    ------
    SettingsError
        There is no such index.

    >>> find_index("sentinel2", "gossan").formula
    'b11 / b04'
    """
    known = {index.name: index for index in _of_sensor(sensor)}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, [*known, *SETS], n=1)
    cure = f"The nearest is {near[0]!r}" if near else "See gossan indices"
    raise SettingsError(
        must("an index", f"a name of the {sensor} catalogue or a set", repr(name), cure)
    )


def choose_indices(sensor: str, words: Sequence[str]) -> tuple[Index, ...]:
    """Turn names and set words into indices, each once, in catalogue order within a word.

    ``paper``: Tables 1 and 2, without repeats (20 for ASTER; the mineral indices for Sentinel-2,
    which the paper has none for). ``printed``: the same with "5/3 and 1/2" as two (21).
    ``mineral``: every mineral index. ``all``: vegetation, water, soil and snow too.

    >>> len(choose_indices("aster", ["paper"])), len(choose_indices("aster", ["printed"]))
    (20, 21)
    """
    chosen: dict[str, Index] = {}
    for word in words:
        members = _set(sensor, word) if word in SETS else [find_index(sensor, word)]
        for index in members:
            chosen.setdefault(index.name, index)
    return tuple(chosen.values())


def _set(sensor: str, word: str) -> list[Index]:
    """Return the members of a set word."""
    rows = _of_sensor(sensor)
    if word == "all":
        return list(rows)
    tabled = [index for index in rows if index.paper in ("1", "2", "1 2")]
    if word == "mineral" or not tabled:
        return [index for index in rows if index.kind == "mineral" and index.paper != "printed"]
    if word == "paper":
        return tabled
    listed = {index.name for index in tabled} - {"ferrous_iron"}
    return [index for index in rows if index.name in listed or index.paper == "printed"]
