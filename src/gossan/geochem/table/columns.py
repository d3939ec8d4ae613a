"""Find the column of an element by the name that a laboratory gave it."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gossan.catalogue.elements import (
    element_of,
    elements,
    species_factor,
    species_of_word,
    unit_factor,
    unit_of_word,
    usual_unit,
)
from gossan.errors import SurveyError, must

_SIGNS = r"[\s_,;:()\[\]{}.\-|]+"


@dataclass(frozen=True)
class Header:
    """Hold what a column's name says: species, unit and method ("" where it is silent)."""

    species: str
    unit: str
    method: str
    sure: bool


@dataclass(frozen=True)
class Column:
    """Say which column gives an element, and how its numbers become the delivered ones.

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
    """

    element: str
    column: str
    species: str
    unit: str
    target_unit: str
    factor: float
    guessed: bool

    def line(self) -> str:
        """Word the choice in one line.

        >>> Column("Fe", "Fe2O3 (%)", "Fe2O3", "percent", "percent", 0.6994, True).line()
        "Fe = column 'Fe2O3 (%)' (found by its name), Fe2O3 in percent, times 0.6994 to percent"
        """
        how = "found by its name" if self.guessed else "stated"
        species = f", {self.species}" if self.species != self.element else ""
        unit = f" in {self.unit}" if self.unit else ""
        change = f", times {self.factor:.6g} to {self.target_unit}" if self.factor != 1 else ""
        return f"{self.element} = column {self.column!r} ({how}){species}{unit}{change}"


def read_header(name: str) -> Header:
    """Understand a column's name.

    Units may stand in brackets, after a sign or glued to the symbol; what is left is the method.

    >>> read_header("Cu_ppm_icp")
    Header(species='Cu', unit='ppm', method='icp', sure=True)
    >>> read_header("TFe2O3 (wt%)").species, read_header("TFe2O3 (wt%)").unit
    ('Fe2O3', 'percent')
    >>> read_header("CU_ICP40").species, read_header("Sample No").species
    ('Cu', '')
    >>> read_header("w(Cu)/10-6").species, read_header("w(Cu)/10-6").unit
    ('Cu', 'ppm')
    """
    tokens = _tokens(name)
    species, unit, method = "", "", []
    position = -1
    for i, token in enumerate(tokens):
        found_unit = unit_of_word(token)
        found, glued = _species_and_unit(token)
        if found and not species and (i == 0 or not found_unit):
            species, position = found, i
            unit = unit or glued
        elif found_unit and not unit:
            unit = found_unit
        else:
            method.append(token)
    sure = bool(species) and (position == 0 or bool(unit) or position == len(tokens) - 1)
    return Header(species, unit, " ".join(method), sure)


def _tokens(name: str) -> list[str]:
    """Split a name at signs, keeping units such as mg/kg whole."""
    plain = unicodedata.normalize("NFKC", name).replace("−", "-")
    plain = re.sub(r"^\s*[wω]\s*[(（]([A-Za-z0-9]+)[)）]", r"\1 ", plain)  # w(Cu): mass fraction
    plain = re.sub(r"[×x*]?\s*10\s*\^?\s*-\s*([2369])(?!\d)", _power_words, plain)
    plain = re.sub(r"wt\.? ?%", "wt%", plain)
    plain = re.sub(
        r"(?<![A-Za-z])(mg|[uµμ]g|ng|g)\s*[/_ ]\s*(kg|g|t|100g)(?![a-z0-9])", r"\1/\2", plain
    )
    tokens = re.split(_SIGNS, plain)
    whole = [[t] if unit_of_word(t) else t.split("/") for t in tokens if t]
    return [part for parts in whole for part in parts if part]


def _power_words(match: re.Match[str]) -> str:
    return {"2": " % ", "3": " permil ", "6": " ppm ", "9": " ppb "}[match[1]]


def _species_and_unit(token: str) -> tuple[str, str]:
    species = species_of_word(token)
    if species:
        return species, ""
    match = re.fullmatch(r"([A-Za-z]{1,2}|[A-Za-z0-9]*O\d?)(ppm|ppb|pct|percent|%)", token, re.I)
    if match and species_of_word(match[1]):
        return species_of_word(match[1]) or "", unit_of_word(match[2]) or ""
    return "", ""


def find_column(
    element: str,
    names: Sequence[str],
    stated: str | None = None,
    unit: str | Mapping[str, str] | None = None,
    row_units: Mapping[str, str] | None = None,
    taken: Sequence[str] = (),
) -> Column:
    """Find the column of an element and the factor to the delivered unit.

    An exact name wins, then a column of the element itself, then one of its oxides. Two columns
    that fit equally well are never chosen between.

    Parameters
    ----------
    element
        Symbol, oxide, or any other name (then the column must have that name or be stated).
    names
        Columns of the table.
    stated
        Column that the user names.
    unit
        Unit of columns whose name does not say it; a table by element overrules names.
    row_units
        Units from a row below the header.
    taken
        Columns with another meaning (coordinates, identifier).

    Raises
    ------
    SurveyError
        If no column or several fit, or the unit is not known.

    Examples
    --------
    >>> found = find_column("Cu", ["id", "x", "Cu_ppb_icp"])
    >>> found.column, found.unit, found.target_unit, found.factor
    ('Cu_ppb_icp', 'ppb', 'ppm', 0.001)
    """
    free = [name for name in names if name not in taken]
    column = _stated(element, names, stated) if stated is not None else _guess(element, free)
    header = read_header(column)
    known = species_of_word(element)
    own = header.species if header.species and known else (known or element)
    if known and element_of(own) != element_of(known):
        own = known
    source = _unit(element, column, header, unit, row_units or {}, known is not None)
    target = usual_unit(known) if known else source
    factor = unit_factor(source, target) * species_factor(own, known) if known else 1.0
    factor = 1.0 if abs(factor - 1.0) < 1e-12 else factor
    return Column(element, column, own, source, target, factor, stated is None)


def _stated(element: str, names: Sequence[str], stated: str) -> str:
    if stated in names:
        return stated
    raise SurveyError(
        must(f"column of {element}", "in the table", repr(stated), nearest(stated, names))
    )


def nearest(name: str, names: Sequence[str]) -> str:
    """Word the nearest known names as a cure.

    >>> nearest("Cu_pm", ["id", "Cu_ppm", "Zn_ppm"])
    "Did you mean 'Cu_ppm'"
    """
    lower = {known.lower(): known for known in reversed(names)}
    close = difflib.get_close_matches(name.lower(), list(lower), 1, 0.5)
    if close:
        return f"Did you mean {lower[close[0]]!r}"
    shown = ", ".join(map(repr, names[:20])) + (" ..." if len(names) > 20 else "")
    return f"The columns are {shown}"


def _guess(element: str, names: Sequence[str]) -> str:
    if element in names:
        return element
    known = species_of_word(element)
    if known is None:
        same = [name for name in names if name.lower() == element.lower()]
        starting = [
            n
            for n in names
            if re.match(
                rf"{re.escape(element)}(?![A-Za-z0-9])|"
                rf"{re.escape(element)}_",
                n,
                re.I,
            )
        ]
        return _only(element, same or starting, names)
    headers = {name: read_header(name) for name in names}
    fitting = [n for n, h in headers.items() if h.sure and h.species]
    exact = [n for n in fitting if headers[n].species == known]
    other = [n for n in fitting if _same_element(headers[n].species, known)]
    cased = [n for n in exact if known in re.split(_SIGNS, n)]
    best = exact or other
    return _only(element, cased if len(cased) == 1 else best, names)


def _same_element(species: str, known: str) -> bool:
    return element_of(species) == element_of(known)


def _only(element: str, found: Sequence[str], names: Sequence[str]) -> str:
    if len(found) == 1:
        return found[0]
    if not found:
        cure = f'State it: columns = {{ {element} = "..." }}. {nearest(element, names)}'
        raise SurveyError(must(f"column of {element}", "found by its name", "none", cure))
    several = " or ".join(map(repr, found))
    cure = f'State one: columns = {{ {element} = "{found[0]}" }}'
    raise SurveyError(must(f"column of {element}", "one", several, cure))


def _unit(
    element: str,
    column: str,
    header: Header,
    unit: str | Mapping[str, str] | None,
    row_units: Mapping[str, str],
    needed: bool,
) -> str:
    if isinstance(unit, Mapping) and element in unit:
        return unit_of_word(unit[element]) or unit[element]
    said = header.unit or row_units.get(column, "")
    if not said and isinstance(unit, str):
        said = unit_of_word(unit) or unit
    if not said and needed:
        cure = f'Add unit = "ppm" to the survey, or unit = {{ {element} = "..." }}'
        raise SurveyError(
            must(f"unit of {element}", "known", f"a column {column!r} that does not say it", cure)
        )
    return said


def known_elements(names: Sequence[str], taken: Sequence[str] = ()) -> tuple[str, ...]:
    """List the elements and oxides that a table's columns report, in their order.

    >>> known_elements(["id", "easting", "Cu_ppm", "SiO2_percent", "remarks"])
    ('Cu', 'SiO2')
    """
    headers = (read_header(name) for name in names if name not in taken)
    found = [h.species for h in headers if h.sure and (h.unit or h.species in elements())]
    return tuple(dict.fromkeys(found))
