"""Elements, oxides and units, with the factors between them.

The table ``elements.csv`` holds the standard atomic weights (IUPAC, abridged values of 2021) and
the unit in which a survey geochemist reports each element: parts per billion for gold and the
platinum metals, percent for the rock-forming metals and for oxides, parts per million else. Mean
contents of the upper continental crust are those of Rudnick and Gao (2003).
"""

from __future__ import annotations

import csv
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from gossan.errors import SurveyError, must

OXIDES: tuple[str, ...] = (
    "SiO2", "TiO2", "Al2O3", "Fe2O3", "FeO", "MnO", "MgO", "CaO", "Na2O", "K2O", "P2O5",
    "SO3", "CO2", "H2O", "Cr2O3", "V2O5", "NiO", "CoO", "CuO", "ZnO", "PbO", "BaO", "SrO",
    "Rb2O", "Cs2O", "Li2O", "BeO", "B2O3", "Y2O3", "ZrO2", "HfO2", "Nb2O5", "Ta2O5", "WO3",
    "MoO3", "SnO2", "ThO2", "U3O8", "La2O3", "CeO2", "Ga2O3", "GeO2", "As2O3", "Sb2O3",
    "Bi2O3", "Sc2O3", "MnO2", "Nd2O3", "Pr6O11", "Sm2O3", "Gd2O3", "Dy2O3",
)  # fmt: skip
"""Formulas that laboratories report."""

_PPM_PER_UNIT: dict[str, float] = {
    "ppm": 1.0,
    "ppb": 1e-3,
    "ppt": 1e-6,
    "percent": 1e4,
    "permil": 1e3,
    "mg/100g": 10.0,
    "oz/st": 31.1034768 / 0.90718474,
}
_UNIT_WORDS: dict[str, str] = {
    "ppm": "ppm", "mg/kg": "ppm", "g/t": "ppm", "gpt": "ppm", "ug/g": "ppm", "mgkg": "ppm",
    "mg_kg": "ppm", "ugg": "ppm", "gt": "ppm", "g/tonne": "ppm", "mgkg1": "ppm",
    "gm/t": "ppm", "gms/t": "ppm", "gr/t": "ppm", "grs/t": "ppm", "g/ton": "ppm", "g/mt": "ppm",
    "mg.kg-1": "ppm", "mgkg-1": "ppm", "ug.g-1": "ppm", "ugg-1": "ppm", "g.t-1": "ppm", "гт": "ppm",
    "ppb": "ppb", "ug/kg": "ppb", "ugkg-1": "ppb", "ngg-1": "ppb", "mgt": "ppb", "mg/mt": "ppb",
    "ng/g": "ppb", "mg/t": "ppb", "ugkg": "ppb", "ngg": "ppb",
    "ppt": "ppt", "ng/kg": "ppt", "pg/g": "ppt",
    "percent": "percent", "%": "percent", "pct": "percent", "perc": "percent", "wt%": "percent",
    "wt": "percent", "wtpct": "percent", "wt_pct": "percent", "wtpercent": "percent",
    "per": "percent", "g/100g": "percent", "weight%": "percent", "m%": "percent",
    "gew%": "percent", "gew.-%": "percent", "gew.%": "percent", "wt.%": "percent",
    "mass%": "percent",
    "мас.%": "percent", "масс.%": "percent", "вес.%": "percent", "weightpercent": "percent",
    "prozent": "percent", "porcentaje": "percent", "por_cento": "percent", "%wt": "percent",
    "permil": "permil", "g/kg": "permil", "kg/t": "permil", "gkg": "permil", "mg/g": "permil",
    "mg/100g": "mg/100g", "mg100g": "mg/100g", "‰": "permil", "10-3": "permil",
    "oz/st": "oz/st", "opt": "oz/st", "oz/ston": "oz/st", "ozst": "oz/st",
    "10-6": "ppm", "1e-6": "ppm", "10-9": "ppb", "1e-9": "ppb", "10-2": "percent",
    "г/т": "ppm", "мг/кг": "ppm", "мкг/г": "ppm", "мг/т": "ppb", "мкг/кг": "ppb", "нг/г": "ppb",
    "克/吨": "ppm", "毫克/千克": "ppm", "微克/克": "ppm", "微克/千克": "ppb",
}  # fmt: skip

_MAJOR = frozenset(
    [
        "SiO2",
        "TiO2",
        "Al2O3",
        "Fe2O3",
        "FeO",
        "MnO",
        "MgO",
        "CaO",
        "Na2O",
        "K2O",
        "P2O5",
        "SO3",
        "CO2",
        "H2O",
        "LOI",
    ]
)

UNITS: tuple[str, ...] = tuple(_PPM_PER_UNIT)
"""The units by their own names."""


_TOTALS: dict[str, str] = {
    "tfe2o3": "Fe2O3", "fe2o3t": "Fe2O3", "fe2o3tot": "Fe2O3", "tfeo": "FeO", "feot": "FeO",
    "feotot": "FeO", "tfe": "Fe", "fet": "Fe", "tc": "C", "ctot": "C", "ts": "S", "stot": "S",
}  # fmt: skip


@dataclass(frozen=True)
class ChemicalElement:
    """One element: symbol, English name, atomic mass (g/mol), usual unit and content of the crust.

    ``crust_ppm`` is the mean of the upper continental crust; None where it is not well known.
    """

    symbol: str
    name: str
    atomic_mass: float
    unit: str
    crust_ppm: float | None = None
    also: tuple[str, ...] = ()


@cache
def elements() -> dict[str, ChemicalElement]:
    """Read the table of elements, by symbol.

    >>> elements()["Cu"].name, elements()["Au"].unit
    ('copper', 'ppb')
    """
    text = files("gossan.catalogue").joinpath("elements.csv").read_text("utf-8")
    return {
        row["symbol"]: ChemicalElement(
            row["symbol"],
            row["name"],
            float(row["atomic_mass"]),
            row["unit"],
            float(row["crust_ppm"]) if row["crust_ppm"] else None,
            tuple(row["also"].split()),
        )
        for row in csv.DictReader(text.splitlines())
    }


def usual_range(species: str, unit: str) -> tuple[float, float, float] | None:
    """Return the crust's content of an element or oxide, and bounds for the median of a survey.

    Medians of soils, sediments and rocks lie between 1/500 and 20 times the crust's content; beyond
    that a unit is more likely wrong than the ground is strange. Polluted or mineralised ground can
    lie above: the topsoils of the Meuse have a median of 23 times the crust's cadmium.

    Returns
    -------
    Crust, lower and upper bound in ``unit``; None where the crust's content is not known.

    Examples
    --------
    >>> [round(value, 4) for value in usual_range("Cu", "ppm")]
    [28.0, 0.056, 560.0]
    """
    crust = elements()[element_of(species)].crust_ppm
    if crust is None:
        return None
    mean = crust / mass_fraction(species) * unit_factor("ppm", unit)
    return mean, mean / 500, mean * 20


@cache
def parse_formula(formula: str) -> dict[str, int]:
    """Count the atoms of a plain formula.

    Raises
    ------
    SurveyError
        Formula must be such as Fe2O3.
        Formula must be made of elements.

    >>> parse_formula("Fe2O3")
    {'Fe': 2, 'O': 3}
    """
    parts = re.findall(r"([A-Z][a-z]?)(\d*)", formula)
    if "".join(symbol + count for symbol, count in parts) != formula or not parts:
        raise SurveyError(must("formula", "such as Fe2O3", repr(formula), "Write it plainly"))
    atoms: dict[str, int] = {}
    for symbol, count in parts:
        if symbol not in elements():
            raise SurveyError(must("formula", "made of elements", repr(formula), "Correct it"))
        atoms[symbol] = atoms.get(symbol, 0) + int(count or 1)
    return atoms


def element_of(species: str) -> str:
    """Name the element that an oxide (or an element) is reported for.

    >>> element_of("Fe2O3"), element_of("Cu")
    ('Fe', 'Cu')
    """
    return next(symbol for symbol in parse_formula(species))


def mass_fraction(species: str) -> float:
    """Return the mass of the element in one mass of its oxide.

    ``n M(element) / M(formula)``, without unit; 1 for an element itself.

    >>> round(mass_fraction("Al2O3"), 4)
    0.5293
    """
    atoms = parse_formula(species)
    table = elements()
    total = sum(count * table[symbol].atomic_mass for symbol, count in atoms.items())
    element = element_of(species)
    return atoms[element] * table[element].atomic_mass / total


def species_factor(source: str, target: str) -> float:
    """Return the factor from one species of an element to another.

    >>> round(species_factor("FeO", "Fe2O3"), 4)
    1.1113

    Raises
    ------
    SurveyError
        If the two do not report the same element.
    """
    if element_of(source) != element_of(target):
        cure = "Name a column of the same element"
        raise SurveyError(must("column", f"of {element_of(target)}", source, cure))
    return mass_fraction(source) / mass_fraction(target)


def unit_of_word(word: str) -> str | None:
    """Recognise how laboratories write a unit; None where the word is none.

    >>> unit_of_word("mg/kg"), unit_of_word("PCT"), unit_of_word("µg/kg"), unit_of_word("icp")
    ('ppm', 'percent', 'ppb', None)
    >>> unit_of_word("×10⁻⁶"), unit_of_word("г/т")
    ('ppm', 'ppm')
    """
    plain = unicodedata.normalize("NFKC", word).lower().replace("μ", "u").replace("−", "-")
    return _UNIT_WORDS.get(re.sub(r"\s|^[(\[]|[)\]]$|^[×x*](?=10)|\^", "", plain).strip("()[]"))


def unit_factor(source: str, target: str) -> float:
    """Return the factor that turns one unit of mass fraction into another.

    >>> unit_factor("percent", "ppm"), unit_factor("ppb", "ppm")
    (10000.0, 0.001)

    Raises
    ------
    SurveyError
        If a unit is unknown.
    """
    return _in_ppm(source) / _in_ppm(target)


def usual_unit(species: str) -> str:
    """Return the unit in which an element or oxide is usually reported.

    >>> usual_unit("Cu"), usual_unit("Au"), usual_unit("SiO2")
    ('ppm', 'ppb', 'percent')
    """
    table = elements()
    return table[species].unit if species in table else "percent"


def is_major(species: str) -> bool:
    """Detect the oxides that laboratories report in percent, whatever the unit of the elements.

    >>> is_major("Al2O3"), is_major("U3O8"), is_major("Al")
    (True, False, False)
    """
    return species in _MAJOR


@cache
def _species_by_word() -> dict[str, str]:
    words = {formula.lower(): formula for formula in OXIDES}
    for element in elements().values():
        for word in (element.symbol, element.name, *element.also):
            words[word.lower()] = element.symbol
    return words | _TOTALS


def species_of_word(word: str) -> str | None:
    """Recognise an element or oxide by symbol, formula or name; None where it is none.

    Names may be English, Russian or Chinese.

    Total iron (``TFe2O3``, ``Fe2O3T``, ``FeOT``) counts as its oxide.

    >>> species_of_word("CU"), species_of_word("copper"), species_of_word("TFe2O3")
    ('Cu', 'Cu', 'Fe2O3')
    >>> species_of_word("Медь"), species_of_word("铜")
    ('Cu', 'Cu')
    """
    return _species_by_word().get(word.strip().lower())


def _in_ppm(unit: str) -> float:
    known = unit if unit in _PPM_PER_UNIT else unit_of_word(unit)
    if known is None:
        cure = "Use one of these, or leave unit away where the column's name says it"
        raise SurveyError(must("unit", ", ".join(UNITS), repr(unit), cure))
    return _PPM_PER_UNIT[known]
