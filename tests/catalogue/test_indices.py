from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

from gossan.catalogue.indices import (
    all_indices,
    choose_indices,
    find_index,
    paper_tables,
)
from gossan.catalogue.sensors import aster_bands, sentinel2_bands
from gossan.errors import SettingsError

# Kalinowski & Oliver's abbreviations in the oracle against names of the catalogue.
ORACLE = {
    "f21": "ferric_iron",
    "fe2": "ferrous_iron",
    "f43": "ferric_oxides",
    "f42": "gossan",
    "cce_798": "carb_chl_epi",
    "eca": "epi_chl_amp",
    "mgoh": "amp_mgoh",
    "amph": "amphibole",
    "dol": "dolomite",
    "ser": "phyllic",
    "alu": "argillic",
    "phen": "phengite",
    "kao75": "kaolinite",
    "OHI": "ohi",
    "KLI": "kli",
    "ALI": "ali",
    "CLI": "cli",
}


def read(path: Path) -> list[dict[str, str]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def test_every_formula_uses_bands_that_its_sensor_has() -> None:
    have = {
        "aster": {band.name for band in aster_bands()},
        "sentinel2": {band.name for band in sentinel2_bands()},
    }
    for index in all_indices():
        assert not index.missing(have[index.sensor]), index
        assert index.meaning and index.reference and index.status, index
        thermal = {f"b{i}" for i in range(10, 15)} & set(index.bands)
        assert (index.quantity == "radiance") == bool(thermal and index.sensor == "aster"), index


def test_names_are_unique_for_a_sensor() -> None:
    names = [(index.sensor, index.name) for index in all_indices()]
    assert len(set(names)) == len(names)


def test_every_printed_line_of_tables_1_and_2_means_an_index_with_that_very_formula() -> None:
    rng = np.random.default_rng(3)
    bands = {f"b{i}": rng.uniform(0.1, 0.9) for i in range(1, 15)}
    rows = paper_tables()
    assert [row.table for row in rows].count("1") == 20
    assert [row.table for row in rows].count("2") == 11
    for row in rows:
        text = row.printed.replace("x", "*").replace(" and ", "+")
        printed = re.sub(r"\d+", lambda m: f"b{m.group()}", text)
        value = eval(printed, {"__builtins__": {}}, bands)
        index = find_index("aster", row.index)
        assert index.expression(bands) == pytest.approx(value, rel=1e-6), row
        assert row.table in index.paper
    assert len({row.printed for row in rows}) == 20


def test_the_printed_set_splits_ferrous_iron_in_two() -> None:
    paper = {i.formula for i in choose_indices("aster", ["paper"])}
    printed = {i.formula for i in choose_indices("aster", ["printed"])}
    assert paper - printed == {"b5 / b3 + b1 / b2"}
    assert printed - paper == {"b5 / b3", "b1 / b2"}


def test_the_catalogue_holds_every_row_of_the_fact_tables(reference: Path) -> None:
    rng = np.random.default_rng(4)
    bands = {f"b{i}": rng.uniform(0.1, 0.9) for i in range(1, 15)}
    bands |= {f"b{i:02d}": rng.uniform(0.1, 0.9) for i in range(1, 13)} | {"b8a": 0.3}
    rows = read(reference / "index_formulas.csv")
    assert len(rows) == 43 + 13
    for row in rows:
        index = find_index(row["sensor"], row["id"])
        value = eval(row["formula"], {"__builtins__": {}}, bands)
        assert index.expression(bands) == pytest.approx(value, rel=1e-6), row
        assert index.status == row["status"], row


def test_indices_of_convolved_usgs_spectra_equal_the_oracle(reference: Path) -> None:
    spectra = {row["name"]: row for row in read(reference / "mineral_band_reflectance.csv")}
    compared = 0
    for row in read(reference / "mineral_index_oracle.csv"):
        spectrum = spectra[row["name"]]
        bands = {f"b{i}": float(spectrum[f"aster_b{i}"]) for i in (1, 2, 4, 5, 6, 7, 8, 9)}
        bands["b3"] = float(spectrum["aster_b3N"])
        for short, name in ORACLE.items():
            value = float(find_index("aster", name).expression(bands))
            if row[short] == "" or row[short].lower() == "nan":
                assert np.isnan(value), (row["name"], name)
            else:
                assert value == pytest.approx(float(row[short]), rel=2e-3), (row["name"], name)
                compared += 1
    assert compared > 250


def test_sentinel2_ratios_rank_the_convolved_usgs_spectra_as_they_are_sold(reference: Path) -> None:
    spectra = {}
    for row in read(reference / "mineral_band_reflectance.csv"):
        keys = {k: v for k, v in row.items() if k.startswith("s2a_")}
        spectra[row["name"]] = {f"b{k[5:].lower():0>2}": float(v) for k, v in keys.items()}
    ratio = find_index("sentinel2", "laterite_alteration").expression
    clay = float(ratio(spectra["kaolinite_wxl"]))
    assert clay == pytest.approx(0.6684 / 0.4185, rel=1e-4)
    assert clay > float(ratio(spectra["muscovite_medAl"])) > float(ratio(spectra["epidote"]))


def test_vegetation_water_and_soil_formulas_equal_spyndex(reference: Path) -> None:
    known = json.loads((reference / "spyndex_indices.json").read_text())
    colour = known["bands"]
    names = {
        "aster": {"b1": "G", "b2": "R", "b3": "N", "b4": "S1"},
        "sentinel2": {"b02": "B", "b03": "G", "b04": "R", "b08": "N", "b11": "S1"},
    }
    pairs = {"ndvi": "NDVI", "ndwi": "NDWI", "savi": "SAVI", "ndsi": "NDSI", "bsi": "BI"}
    for sensor, bands in names.items():
        values = {name: colour[letter] for name, letter in bands.items()}
        for ours, theirs in pairs.items():
            if (sensor, ours) != ("aster", "bsi"):
                found = find_index(sensor, ours).expression(values)
                assert found == pytest.approx(known["values"][theirs], rel=1e-5), (sensor, ours)


def test_an_unknown_index_names_the_nearest() -> None:
    with pytest.raises(SettingsError, match=r"got 'argilic'. The nearest is 'argillic'"):
        choose_indices("aster", ["paper", "argilic"])
    with pytest.raises(SettingsError, match="See gossan indices"):
        find_index("sentinel2", "zzzzzz")
