"""Find the column of an element by the name that a laboratory gave it."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, get_args

from gossan.catalogue.elements import (
    OXIDES,
    element_of,
    elements,
    is_major,
    species_factor,
    species_of_word,
    unit_factor,
    unit_of_word,
    usual_unit,
)
from gossan.catalogue.words import words
from gossan.errors import SurveyError, must

Role = Literal["value", "qualifier", "limit", "unit", "other"]
ROLES: tuple[Role, ...] = get_args(Role)

_SIGNS = r"[\s_,;:()\[\]{}.\-|]+"
_ROLES: dict[str, Role] = {word: role for role in ROLES if role != "value" for word in words(role)}
"""Words of a column's name that say that it holds no contents, but something about them."""


@dataclass(frozen=True)
class ColumnHeading:
    """What a column's name says: species, unit and method ("" where it is silent).

    Parameters
    ----------
    sure
        Whether the name is that of a column of contents beyond doubt.
    role
        "value", or what else the column holds of the element.
    rivals
        Species that the name also mentions, as ``S`` in ``S_CU_PPM``.
    """

    species: str
    unit: str
    method: str
    sure: bool
    role: Role = "value"
    rivals: tuple[str, ...] = ()


@dataclass(frozen=True)
class ElementColumn:
    """Which column gives an element, and how its numbers become the delivered ones.

    Parameters
    ----------
    element
        Element as the project names it.
    column
        Column of the table.
    species
        What the column reports, for example "Fe2O3".
    unit
        Unit of the column ("" where it has none).
    target_unit
        Unit delivered.
    factor
        Delivered number per number of the column, without unit.
    guessed
        Whether the column was found by its name and not stated.
    assumed_unit
        Whether nothing states the unit (percent of a major oxide).
    """

    element: str
    column: str
    species: str
    unit: str
    target_unit: str
    factor: float
    guessed: bool
    assumed_unit: bool = False

    def line(self) -> str:
        """Describe the choice in one line.

        >>> ElementColumn("Fe", "Fe2O3 (%)", "Fe2O3", "percent", "percent", 0.6994, True).line()
        "Fe = column 'Fe2O3 (%)' (found by its name), Fe2O3 in percent, times 0.6994 to percent"
        """
        how = "found by its name" if self.guessed else "stated"
        species = f", {self.species}" if self.species != self.element else ""
        unit = f" in {self.unit}" if self.unit else ""
        change = f", times {self.factor:.6g} to {self.target_unit}" if self.factor != 1 else ""
        return f"{self.element} = column {self.column!r} ({how}){species}{unit}{change}"


@lru_cache(maxsize=1 << 16)
def read_header(name: str) -> ColumnHeading:
    """Understand a column's name.

    Units may stand in brackets, after a sign or glued to the symbol; what is left is the method.
    A single letter before another element is a method (``S_CU_PPM``: spectrographic copper).

    >>> read_header("Cu_ppm_icp")
    ColumnHeading(species='Cu', unit='ppm', method='icp', sure=True, role='value', rivals=())
    >>> read_header("TFe2O3 (wt%)").species, read_header("TFe2O3 (wt%)").unit
    ('Fe2O3', 'percent')
    >>> read_header("CU_ICP40").species, read_header("Sample No").species
    ('Cu', '')
    >>> read_header("w(Cu)/10-6").species, read_header("w(Cu)/10-6").unit
    ('Cu', 'ppm')
    >>> read_header("S_CU_PPM").species, read_header("CU_Q").role, read_header("Rb/Sr").species
    ('Cu', 'qualifier', '')
    """
    if _is_ratio(name):
        return ColumnHeading("", "", name, False)
    tokens = header_tokens(name)
    units = [unit_of_word(token) or "" for token in tokens]
    species = [_species_and_unit(token) for token in tokens]
    named = [i for i, (found, _) in enumerate(species) if found and (i == 0 or not units[i])]
    role = _role(tokens)
    at = _main_species(tokens, named, units)
    if at is None:
        return ColumnHeading("", next(filter(None, units), ""), " ".join(tokens), False, role)
    unit = species[at][1] or _unit_beside(tokens, units, named)
    method = [t for i, t in enumerate(tokens) if i != at and not (units[i] and i not in named)]
    sure = at == named[0] == 0 or bool(unit) or at == len(tokens) - 1 or len(named) > 1
    rivals = tuple(species[i][0] for i in named if i != at)
    return ColumnHeading(
        species[at][0], unit, " ".join(method), sure and role == "value", role, rivals
    )


def _unit_beside(tokens: list[str], units: list[str], named: list[int]) -> str:
    """Take the first unit that is no element; "wt" is one only where no other follows (wt. ppm)."""
    beside = [i for i, unit in enumerate(units) if unit and i not in named]
    stated = [i for i in beside if tokens[i].lower() != "wt"] or beside
    return units[stated[0]] if stated else ""


def _role(tokens: list[str]) -> Role:
    """Choose the role that says most: a flag of a limit is a flag, a method's limit a limit."""
    found = {_ROLES[token.lower()] for token in tokens if token.lower() in _ROLES}
    order: tuple[Role, ...] = ("qualifier", "unit", "limit", "other")
    return next((role for role in order if role in found), "value")


def _is_ratio(name: str) -> bool:
    parts = re.split(r"\s*/\s*", re.split(r"[(\[]", name)[0].strip())
    return len(parts) > 1 and all(species_of_word(part) for part in parts)


def _main_species(tokens: list[str], named: list[int], units: list[str]) -> int | None:
    """Choose among several tokens that name a species."""
    if len(named) < 2:
        return named[0] if named else None
    first, second = named[:2]
    follows = (
        second + 1 >= len(tokens) or bool(units[second + 1]) or tokens[second + 1].lower() in _ROLES
    )
    return second if first == 0 and second == 1 and len(tokens[0]) == 1 and follows else first


@lru_cache(maxsize=1 << 16)
def header_tokens(name: str) -> list[str]:
    """Split a name at signs, keeping units such as mg/kg whole.

    >>> header_tokens("Cu (mg/kg)_ICP")
    ['Cu', 'mg/kg', 'ICP']
    """
    plain = re.sub(r"[∑Σ]|(?<=\w)\*+$", "", unicodedata.normalize("NFKC", name)).replace("−", "-")
    plain = re.sub(r"^\s*[wω]\s*[(（]([A-Za-z0-9]+)[)）]", r"\1 ", plain)  # w(Cu): mass fraction
    plain = re.sub(r"[×x*]?\s*10\s*\^?\s*-\s*([2369])(?!\d)", _power_words, plain)
    plain = re.sub(r"wt\.? ?%", "wt%", plain)
    plain = re.sub(
        r"(?<![A-Za-z])(mg|[uµμ]g|ng|kg|g)\s*[/_ .·]\s*(kg|g|t|100g)(?![a-z0-9])", r"\1/\2", plain
    )
    plain = re.sub(r"parts?[ _]per[ _]([mb])illion", r"pp\1", plain, flags=re.I)
    tokens = re.split(_SIGNS, plain)
    whole = [[t] if unit_of_word(t) else t.split("/") for t in tokens if t]
    return _whole_formulas([part for parts in whole for part in parts if part])


def _whole_formulas(tokens: list[str]) -> list[str]:
    """Join the parts of formulas: FE2_O3, AL_2_O_3."""
    joined: list[str] = []
    while tokens:
        size = next((n for n in (4, 3, 2) if _is_oxide(tokens[:n], n)), 1)
        joined.append("".join(tokens[:size]))
        tokens = tokens[size:]
    return joined


def _is_oxide(parts: list[str], size: int) -> bool:
    digits = any(letter.isdigit() for part in parts for letter in part)
    return len(parts) == size and digits and (species_of_word("".join(parts)) or "") in OXIDES


def _power_words(match: re.Match[str]) -> str:
    return {"2": " % ", "3": " permil ", "6": " ppm ", "9": " ppb "}[match[1]]


@lru_cache(maxsize=1 << 16)
def _species_and_unit(token: str) -> tuple[str, str]:
    species = species_of_word(token)
    if species:
        return species, ""
    match = re.fullmatch(r"([A-Za-z]{1,2}|[A-Za-z0-9]*O\d?)(ppm|ppb|pct|percent|%)", token, re.I)
    if match and species_of_word(match[1]):
        return species_of_word(match[1]) or "", unit_of_word(match[2]) or ""
    match = re.fullmatch(r"(%)(\w+)", token)
    if match and species_of_word(match[2]):
        return species_of_word(match[2]) or "", "percent"
    return _isotope(token), ""


def _isotope(token: str) -> str:
    """Read an element by the isotope that was counted.

    >>> _isotope("Cu63"), _isotope("208Pb"), _isotope("Au1"), _isotope("U3O8")
    ('Cu', 'Pb', '', '')
    """
    match = re.fullmatch(
        r"(?P<a>[A-Za-z]{1,2})(?P<m>\d{1,3})|(?P<n>\d{1,3})(?P<b>[A-Za-z]{1,2})", token
    )
    species = species_of_word(match["a"] or match["b"]) if match else None
    if match is None or species not in elements():
        return ""
    mass, atomic = int(match["m"] or match["n"]), elements()[species].atomic_mass
    return species if mass > 5 and abs(mass - atomic) <= 0.06 * atomic + 1 else ""


class Columns:
    """The columns of a table with what their names say, read once for all elements.

    Parameters
    ----------
    names
        Columns of the table.
    taken
        Columns with another meaning (coordinates, identifier).
    holds_numbers
        Tells whether a column holds any number; columns of words are never offered.

    Examples
    --------
    >>> found = Columns(["id", "x", "Cu_ppb_icp"]).find("Cu")
    >>> found.column, found.unit, found.target_unit, found.factor
    ('Cu_ppb_icp', 'ppb', 'ppm', 0.001)
    """

    def __init__(
        self,
        names: Sequence[str],
        taken: Sequence[str] = (),
        holds_numbers: Callable[[str], bool] = lambda name: True,
    ) -> None:
        self.names = list(names)
        used = set(taken)
        self.free = [name for name in names if name not in used]
        self.holds_numbers = holds_numbers
        headers = _without_prefixes({name: read_header(name) for name in self.free})
        self._by_species: dict[str, list[str]] = {}
        for name, header in headers.items():
            if header.sure and header.species:
                self._by_species.setdefault(header.species, []).append(name)
        self.headers = headers

    def find(
        self,
        element: str,
        stated: str | None = None,
        unit: str | Mapping[str, str] | None = None,
        row_units: Mapping[str, str] | None = None,
    ) -> ElementColumn:
        """Find the column of an element and the factor to the delivered unit."""
        name = self.name_of(element, stated)
        return self.read(element, name, stated is not None, unit, row_units or {})

    def name_of(self, element: str, stated: str | None = None) -> str:
        """Find the column of an element.

        An exact name wins, then a column of the element itself, then one of its oxides. Two columns
        that fit equally well are never chosen between.

        Parameters
        ----------
        element
            Symbol, oxide, or any other name (then the column must have that name or be stated).
        stated
            Column that the user names.

        Raises
        ------
        SurveyError
            If no column or several fit.
        """
        return self._stated(element, stated) if stated is not None else self._guess(element)

    def read(
        self,
        element: str,
        name: str,
        stated: bool,
        unit: str | Mapping[str, str] | None,
        row_units: Mapping[str, str],
    ) -> ElementColumn:
        """Find the unit of an element's column and the factor to the delivered unit.

        Parameters
        ----------
        element, name
            The element and its column.
        stated
            Whether the user names the column.
        unit
            Unit of columns whose name does not state it; a table by element overrules names.
        row_units
            Units from a row below the header or from the cells, by column.

        Raises
        ------
        SurveyError
            If the unit is not known.
        """
        header = self.headers.get(name) or read_header(name)
        known = species_of_word(element)
        own = header.species if header.species and known else (known or element)
        if known and element_of(own) != element_of(known):
            own = known
        source, assumed = _unit(element, name, replace(header, species=own), unit, row_units)
        target = usual_unit(known) if known else source
        factor = unit_factor(source, target) * species_factor(own, known) if known else 1.0
        factor = 1.0 if abs(factor - 1.0) < 1e-12 else factor
        return ElementColumn(element, name, own, source, target, factor, not stated, assumed)

    def _stated(self, element: str, stated: str) -> str:
        if stated in self.names:
            return stated
        cure = nearest(stated, self.names)
        raise SurveyError(must(f"column of {element}", "in the table", repr(stated), cure))

    def _guess(self, element: str) -> str:
        if element in self.free and self.holds_numbers(element):
            return element
        known = species_of_word(element)
        if known is None:
            same = [name for name in self.free if name.lower() == element.lower()]
            word = rf"{re.escape(element)}(?:(?![A-Za-z0-9])|_)"
            starting = [n for n in self.free if re.match(word, n, re.I)]
            return self._only(element, same or starting)
        exact = self._filled(self._by_species.get(known, []))
        cased = [n for n in exact if known in re.split(_SIGNS, n)]
        other = [
            n for s, found in self._by_species.items() if _same_element(s, known) for n in found
        ]
        return self._only(element, cased if len(cased) == 1 else exact or self._filled(other))

    def _filled(self, names: list[str]) -> list[str]:
        """Leave out columns of words, unless all are: reading one then says what it holds."""
        return [name for name in names if self.holds_numbers(name)] or names

    def _only(self, element: str, found: Sequence[str]) -> str:
        if len(found) == 1:
            return found[0]
        if not found:
            offered = [
                n for n in self.free if read_header(n).role == "value" and self.holds_numbers(n)
            ]
            cure = f'State it: columns = {{ {_key(element)} = "..." }}. '
            cure += self._passed_over(element) or nearest(element, offered)
            raise SurveyError(must(f"column of {element}", "found by its name", "none", cure))
        several = " or ".join(map(repr, found))
        cure = f'State one: columns = {{ {_key(element)} = "{found[0]}" }}'
        raise SurveyError(must(f"column of {element}", "one", several, cure))

    def _passed_over(self, element: str) -> str:
        """Name the columns that say something about the element, but no contents."""
        known = species_of_word(element)
        about = [n for n, h in self.headers.items() if known and h.species == known]
        shown = [repr(n) for n in about if self.headers[n].role != "value"]
        if not shown:
            return ""
        return f"{', '.join(shown[:4])} is taken for something else about it, by its name"


def _key(element: str) -> str:
    """Write an element as a key of TOML.

    >>> _key("Cu"), _key("Rb/Sr")
    ('Cu', '"Rb/Sr"')
    """
    return element if re.fullmatch(r"[A-Za-z0-9_-]+", element) else f'"{element}"'


def _without_prefixes(headers: dict[str, ColumnHeading]) -> dict[str, ColumnHeading]:
    """Read names such as AS_CU, AS_ZN, AS_PB by the element that changes: the other is a method."""
    firsts = Counter(h.species for h in headers.values() if h.rivals)
    result = dict(headers)
    for name, header in headers.items():
        if len(header.rivals) != 1:
            continue
        rival = header.rivals[0]
        shared = sum(h.rivals == header.rivals for h in headers.values())
        if firsts[header.species] >= 3 and shared < firsts[header.species]:
            result[name] = replace(header, species=rival, rivals=(header.species,))
    return result


def nearest(name: str, names: Sequence[str]) -> str:
    """Offer the nearest known name as a cure.

    >>> nearest("Cu_pm", ["id", "Cu_ppm", "Zn_ppm"])
    "Did you mean 'Cu_ppm'"
    """
    lower = {known.lower(): known for known in reversed(names)}
    close = difflib.get_close_matches(name.lower(), list(lower), 1, 0.5)
    if close:
        return f"Did you mean {lower[close[0]]!r}"
    shown = ", ".join(map(repr, names[:20])) + (" ..." if len(names) > 20 else "")
    return f"The columns are {shown}"


def _same_element(species: str, known: str) -> bool:
    return element_of(species) == element_of(known)


def _unit(
    element: str,
    column: str,
    header: ColumnHeading,
    unit: str | Mapping[str, str] | None,
    row_units: Mapping[str, str],
) -> tuple[str, bool]:
    """Find the unit of a column, and tell whether it is assumed (percent of a major oxide).

    A unit for the whole survey is not laid on major oxides, which laboratories report in percent.
    """
    known = species_of_word(element) is not None
    if isinstance(unit, Mapping) and element in unit:
        return unit_of_word(unit[element]) or unit[element], False
    named = header.unit or row_units.get(column, "")
    if named:
        return named, False
    if known and is_major(header.species):
        return "percent", True
    if isinstance(unit, str):
        return unit_of_word(unit) or unit, False
    if known:
        cure = f'Add unit = "ppm" to the survey, or unit = {{ {_key(element)} = "..." }}'
        got = f"a column {column!r} that does not state it"
        raise SurveyError(must(f"unit of {element}", "known", got, cure))
    return "", False


def known_elements(names: Sequence[str], taken: Sequence[str] = ()) -> tuple[str, ...]:
    """List the elements and oxides that a table's columns report, in their order.

    >>> known_elements(["id", "easting", "Cu_ppm", "Cu_Q", "SiO2_percent", "remarks"])
    ('Cu', 'SiO2')
    """
    headers = (read_header(name) for name in names if name not in taken)
    found = [h.species for h in headers if h.sure and (h.unit or h.species in elements())]
    return tuple(dict.fromkeys(found))
