"""Elements, oxides and units against other tables and their own algebra."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gossan.catalogue.elements import (
    OXIDES,
    UNITS,
    element_of,
    elements,
    mass_fraction,
    parse_formula,
    species_factor,
    species_of_word,
    unit_factor,
    unit_of_word,
    usual_unit,
)
from gossan.errors import SurveyError

# Factors oxide -> element as printed in conversion tables of laboratories (4 digits; some use
# older atomic weights).
PUBLISHED = {
    "Al2O3": 0.5293, "BaO": 0.8957, "CaO": 0.7147, "Cr2O3": 0.6842, "Fe2O3": 0.6994,
    "FeO": 0.7773, "K2O": 0.8302, "MgO": 0.6030, "MnO": 0.7745, "Na2O": 0.7419,
    "P2O5": 0.4364, "SiO2": 0.4674, "TiO2": 0.5995, "U3O8": 0.8480, "WO3": 0.7930,
    "Ta2O5": 0.8190, "Nb2O5": 0.6990, "Li2O": 0.4646, "SnO2": 0.7877, "V2O5": 0.5602,
}  # fmt: skip


def test_atomic_masses_agree_with_another_table(reference: Path) -> None:
    other = json.loads((reference / "atomic_masses.json").read_text())
    for symbol, element in elements().items():
        assert element.atomic_mass == pytest.approx(other[symbol], rel=1e-5), symbol


@pytest.mark.parametrize("oxide", sorted(PUBLISHED))
def test_oxide_factors_are_those_of_published_tables(oxide: str) -> None:
    assert mass_fraction(oxide) == pytest.approx(PUBLISHED[oxide], abs=2e-4)


@pytest.mark.parametrize("oxide", OXIDES)
def test_every_oxide_is_part_element_part_oxygen(oxide: str) -> None:
    assert 0.0 < mass_fraction(oxide) < 1.0
    assert species_of_word(oxide.upper()) == oxide
    assert set(parse_formula(oxide)) == {element_of(oxide), "O"}
    assert usual_unit(oxide) == "percent"


def test_unit_factors_close_the_circle() -> None:
    for a, b, c in product(UNITS, repeat=3):
        assert unit_factor(a, b) * unit_factor(b, c) == pytest.approx(unit_factor(a, c), rel=1e-12)


def test_species_factors_close_the_circle() -> None:
    circle = species_factor("FeO", "Fe") * species_factor("Fe", "Fe2O3")
    assert circle * species_factor("Fe2O3", "FeO") == pytest.approx(1.0, rel=1e-12)


@given(st.sampled_from(sorted(elements())), st.sampled_from([str.lower, str.upper, str.title]))
def test_elements_are_recognised_in_any_case(symbol: str, case: object) -> None:
    assert species_of_word(case(symbol)) == symbol  # type: ignore[operator]
    assert species_of_word(case(elements()[symbol].name)) == symbol  # type: ignore[operator]


@pytest.mark.parametrize(
    ("word", "unit"),
    [("mg/kg", "ppm"), ("g/t", "ppm"), ("µg/g", "ppm"), ("ug/kg", "ppb"), ("wt%", "percent"),
     ("PCT", "percent"), ("(ppb)", "ppb"), ("g/kg", "permil"), ("mg/100g", "mg/100g")],
)  # fmt: skip
def test_units_are_recognised_as_laboratories_write_them(word: str, unit: str) -> None:
    assert unit_of_word(word) == unit


def test_unlike_elements_and_unknown_units_are_refused_with_a_cure() -> None:
    with pytest.raises(SurveyError, match=r"column must be of Cu; got FeO\. Name"):
        species_factor("FeO", "Cu")
    with pytest.raises(SurveyError, match="unit must be ppm, ppb"):
        unit_factor("furlong", "ppm")
    with pytest.raises(SurveyError, match="formula must be"):
        parse_formula("Xy2")
