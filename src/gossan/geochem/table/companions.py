"""Find the columns that say something about a column of contents: qualifier, limit, unit."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gossan.catalogue.elements import species_of_word, unit_of_word
from gossan.catalogue.words import words
from gossan.geochem.table.columns import Role, header_tokens, read_header

_GENERIC = words("content")
"""Words that name a column of contents without its element."""
_PHRASES: dict[str, Role] = {
    "unit of measure": "unit", "units of measure": "unit", "unit of measurement": "unit",
    "detection limit": "limit", "limit of detection": "limit", "lower detection limit": "limit",
    "limite de deteccion": "limit", "limite de detección": "limit", "limite de détection": "limit",
    "limite de detecção": "limit", "reporting limit": "limit", "less than": "qualifier",
    "detection flag": "qualifier", "value qualifier": "qualifier", "qualified value": "other",
    "<": "qualifier", "<>": "qualifier", "> <": "qualifier", "< >": "qualifier",
}  # fmt: skip


@dataclass(frozen=True)
class Companions:
    """The columns of a table by the role that their names give them.

    Parameters
    ----------
    by_core
        Companions by role and by the words of the column that they belong to.
    shared
        Companions whose names belong to no column, by role.
    names
        All columns, in their order.
    """

    by_core: dict[tuple[Role, frozenset[str]], str] = field(default_factory=dict)
    shared: dict[Role, tuple[str, ...]] = field(default_factory=dict)
    names: tuple[str, ...] = ()

    def of(self, column: str, role: Role, alone: bool) -> str | None:
        """Find the companion of a column of contents; None where there is none.

        Parameters
        ----------
        column
            Column of contents.
        role
            What is looked for.
        alone
            Whether this is the only column of contents: then the shared companion is its own.

        Examples
        --------
        >>> found = find_companions(["CU_Q", "CU_PPM", "VALUE", "UNIT"])
        >>> found.of("CU_PPM", "qualifier", False), found.of("VALUE", "unit", True)
        ('CU_Q', 'UNIT')
        """
        mine = _core(column)
        fits = [
            (len(core), name)
            for (kind, core), name in self.by_core.items()
            if kind == role and core and core <= mine and name != column
        ]
        if fits:
            return max(fits)[1]
        shared = [name for name in self.shared.get(role, ()) if name != column]
        if len(shared) == 1 and (alone or bool(_GENERIC & mine)):
            return shared[0]
        return self._beside(column, shared)

    def _beside(self, column: str, shared: Sequence[str]) -> str | None:
        """Take the one of several that stands beside the column, all on the same side."""
        places = [self.names.index(name) for name in shared]
        if len(places) < 2 or column not in self.names:
            return None
        side = -1 if min(places) < self._first_value() else 1
        at = self.names.index(column) + side
        return self.names[at] if at in places else None

    def _first_value(self) -> int:
        return next((i for i, name in enumerate(self.names) if read_header(name).sure), 0)


def find_companions(
    names: Sequence[str], holds_codes: Callable[[str], bool] = lambda name: False
) -> Companions:
    """Sort the columns that say something about others by role.

    Parameters
    ----------
    names
        Columns of the table.
    holds_codes
        Tells whether a column holds codes of limits: then it is a qualifier, whatever it is called.
    """
    by_core: dict[tuple[Role, frozenset[str]], str] = {}
    shared: dict[Role, list[str]] = {}
    for name in names:
        role = role_of(name)
        if role not in ("unit", "qualifier") and holds_codes(name):
            role = "qualifier"  # whatever its name says
            if re.fullmatch(r"column \d+|unnamed.*", name, re.I):
                shared.setdefault(role, []).append(name)
                continue
        if role in ("value", "other"):
            continue
        core = _core(name) if role_of(name) == role else _species_in(name)
        if core - _GENERIC:
            by_core[role, core] = name
        else:
            shared.setdefault(role, []).append(name)
    return Companions(by_core, {role: tuple(found) for role, found in shared.items()}, tuple(names))


def role_of(name: str) -> Role:
    """Return what a column holds by its name.

    >>> role_of("Detection Limit"), role_of("UNITS"), role_of("Cu_Q"), role_of("Cu_ppm")
    ('limit', 'unit', 'qualifier', 'value')
    """
    name = _parted(name)
    if _words(name) in _PHRASES:
        return _PHRASES[_words(name)]
    role = read_header(name).role
    tokens = {token.lower() for token in header_tokens(name)}
    return "limit" if {"detection", "limit"} <= tokens else role


def _parted(name: str) -> str:
    """Take off the number of a repeated name, and part a qualifier from its element: CUQ."""
    bare = re.sub(r"\.\d+$", "", name)
    glued = re.fullmatch(r"([A-Za-z]{1,2}|[A-Za-z0-9]*O\d?)(Q|QUAL|QLF|FLAG)", bare, re.I)
    if glued and species_of_word(glued[1]) and not species_of_word(bare):
        return f"{glued[1]}_{glued[2]}"
    before = re.fullmatch(r"Q([A-Za-z]{1,2}|[A-Za-z0-9]*O\d?)", bare, re.I)
    return f"{before[1]}_Q" if before and species_of_word(before[1]) else bare


def _words(name: str) -> str:
    return re.sub(r"[\s_.\-]+", " ", name).strip().lower()


def _species_in(name: str) -> frozenset[str]:
    """Return the first word of a name that is an element: what a column of codes is about."""
    words_of_name = [token.lower() for token in header_tokens(name) if species_of_word(token)]
    return frozenset(words_of_name[:1])


def _core(name: str) -> frozenset[str]:
    """Return the words of a name that are neither role nor unit."""
    if _words(_parted(name)) in _PHRASES:
        return frozenset()
    tokens = [token.lower() for token in header_tokens(_parted(name))]
    return frozenset(
        token
        for token in tokens
        if read_header(token).role == "value"
        and not unit_of_word(token)
        and token not in words("limit_filler") - _GENERIC
        and not token.isdigit()
        and any(letter.isalnum() for letter in token)
    )
