"""Tables with positions in two systems, and headers in other languages, are understood or told."""

from __future__ import annotations

from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pytest
from pyproj import Transformer

from gossan.errors import SurveyError
from gossan.geochem.table.axes import AXES, find_axes
from gossan.geochem.table.survey import SurveySettings, read_survey

UTM = "EPSG:32638"


def _table(n: int = 24) -> pd.DataFrame:
    rng = np.random.default_rng(9)
    return pd.DataFrame(
        {
            "east": (400_000 + 1000 * (np.arange(n) % 4) + rng.uniform(-90, 90, n)).round(1),
            "north": (2_600_000 + 1400 * (np.arange(n) // 4) + rng.uniform(-90, 90, n)).round(1),
            "Cu_ppm": rng.lognormal(3, 0.5, n).round(2),
        }
    )


def _degrees(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    change = Transformer.from_crs(UTM, 4326, always_xy=True)
    lon, lat = change.transform(table["east"].to_numpy(), table["north"].to_numpy())
    return lon, lat


def _settings(**more: object) -> SurveySettings:
    return SurveySettings.model_validate(
        {"name": "a", "path": "a.csv", "x": "east", "y": "north", "crs": UTM} | more
    )


def test_degrees_in_some_rows_of_a_table_in_metres_are_refused_with_their_rows(
    tmp_path: Path,
) -> None:
    table = _table()
    lon, lat = _degrees(table)
    table.loc[[3, 7], "east"], table.loc[[3, 7], "north"] = lon[[3, 7]], lat[[3, 7]]
    table.to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(SurveyError, match=r"degrees in some\. Convert.* \(rows 5, 9\)"):
        read_survey(_settings(), ["Cu"], UTM, tmp_path)
    samples, findings = read_survey(_settings(drop=["degrees"]), ["Cu"], UTM, tmp_path)
    assert len(samples) == 22
    assert {5, 9}.isdisjoint(samples.frame["row"])
    assert findings.of("dropped")[0].rows == (5, 9)


def test_metres_in_some_rows_of_a_table_in_degrees_are_refused_and_may_be_dropped(
    tmp_path: Path,
) -> None:
    table = _table()
    lon, lat = _degrees(table)
    right = table[["east", "north"]].to_numpy()
    table["east"], table["north"] = lon, lat
    table.loc[2, ["east", "north"]] = right[2]
    table.to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(SurveyError, match=r"metres in some.* \(row 4\)"):
        read_survey(_settings(crs="EPSG:4326"), ["Cu"], UTM, tmp_path)
    settings = _settings(crs="EPSG:4326", drop=["metres"])
    samples, _ = read_survey(settings, ["Cu"], UTM, tmp_path)
    np.testing.assert_allclose(samples.coordinates, np.delete(right, 2, axis=0), atol=0.01)


@pytest.mark.parametrize("pair", AXES, ids=lambda pair: pair[0])
def test_usual_names_of_both_axes_are_found_in_any_case_and_with_units(
    pair: tuple[str, str],
) -> None:
    x, y = (f"{name.upper()} (m)" for name in pair)
    assert find_axes(["id", y, x, "Cu"]) == (x, y)


def test_a_chinese_and_a_russian_header_are_read_without_naming_a_column(tmp_path: Path) -> None:
    table = _table()
    chinese = table.set_axis(["横坐标", "纵坐标", "w(Cu)/10-6"], axis=1)
    chinese.insert(0, "样品 编号", [f"土壤{i}" for i in range(len(table))])
    chinese.to_csv(tmp_path / "水系 沉积物.csv", index=False, encoding="gbk")
    russian = table.set_axis(["Восток, м", "Север, м", "Медь (г/т)"], axis=1)
    russian.to_csv(tmp_path / "пробы.csv", index=False, encoding="cp1251", sep=";", decimal=",")
    for name in ("水系 沉积物.csv", "пробы.csv"):
        samples, _ = read_survey(_settings(path=name, x=None, y=None), ["Cu"], UTM, tmp_path)
        np.testing.assert_allclose(samples.values("Cu"), table["Cu_ppm"])
        np.testing.assert_allclose(samples.coordinates, table[["east", "north"]])
        assert samples.units == {"Cu": "ppm"}


def test_axes_named_for_a_file_with_its_own_points_are_explained(tmp_path: Path) -> None:
    table = _table()
    points = geopandas.points_from_xy(table["east"], table["north"], crs=UTM)
    geopandas.GeoDataFrame(table[["Cu_ppm"]], geometry=points).to_file(tmp_path / "a.gpkg")
    with pytest.raises(SurveyError, match="has its own points: leave x, y and crs out"):
        read_survey(_settings(path="a.gpkg"), ["Cu"], UTM, tmp_path)


def test_the_wrong_code_of_a_system_shows_a_right_one(tmp_path: Path) -> None:
    _table().to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(SurveyError, match=r"such as .EPSG:32638. for zone 38 north"):
        read_survey(_settings(crs="UTM 38N"), ["Cu"], UTM, tmp_path)


def _read(folder: Path, text: str, **more: object) -> tuple[np.ndarray, list[str]]:
    (folder / "a.csv").write_text(text, encoding="utf-8")
    settings = _settings(x=None, y=None, **more)
    samples, findings = read_survey(settings, ["Cu"], UTM, folder)
    return samples.values("Cu"), [f.line() for f in findings if f.severity == "warning"]


@pytest.mark.parametrize(
    ("column", "factor"),
    [
        ("Cu63_ppm", 1.0),
        ("Cu wt. ppm", 1.0),
        ("%Cu", 1e4),
        ("Cu_opt", 34.2857142857),  # troy ounces of 31.1034768 g in short tons of 907.18474 kg
        ("Cu mg kg-1", 1.0),
    ],
)
def test_a_unit_is_read_however_the_column_is_called(
    tmp_path: Path, column: str, factor: float
) -> None:
    table = _table().rename(columns={"Cu_ppm": column})
    found, _ = _read(tmp_path, table.to_csv(index=False))
    np.testing.assert_allclose(found, _table()["Cu_ppm"] * factor)


@pytest.mark.parametrize("name", ["Cu_pctl", "Cu_count", "Cu_unc", "Cu_2sigma", "Cu_pred", "ln_Cu"])
def test_what_says_something_about_an_element_is_no_content(tmp_path: Path, name: str) -> None:
    table = _table().rename(columns={"Cu_ppm": name})
    with pytest.raises(SurveyError, match=f"'{name}' is taken for something else about it"):
        _read(tmp_path, table.to_csv(index=False), unit="ppm")


@pytest.mark.parametrize("code", ["1E+30", "-1.0E+30", "-9999", "N/S", "contaminated"])
def test_codes_among_contents_of_three_decimals_leave_no_doubt(tmp_path: Path, code: str) -> None:
    table = _table()
    known = table["Cu_ppm"].copy()
    table["Cu_ppm"] = [f"{value:.3f}" for value in known]
    table["east"], table["north"] = table["east"].round().astype(int), table["north"].astype(int)
    table.loc[::6, "Cu_ppm"], known[::6] = code, np.nan
    found, _ = _read(tmp_path, table.to_csv(index=False))
    np.testing.assert_allclose(found, known)


def test_a_heading_over_several_columns_gives_them_its_unit(tmp_path: Path) -> None:
    table = _table()
    rows = table.to_csv(index=False, header=False)
    text = ",Coordinates,,ICP-MS (ppb)\nSample,east,north,Cu\n"
    text += "\n".join(f"S{i},{line}" for i, line in enumerate(rows.splitlines()))
    found, _ = _read(tmp_path, text)
    np.testing.assert_allclose(found, table["Cu_ppm"] / 1000)


def test_a_statutory_report_of_australia_is_read_by_the_keys_of_its_rows(tmp_path: Path) -> None:
    """The keys H0xxx, H1000 to H1003, D and EOF are those of the Australian reporting standard."""
    table = _table()
    head = ["H0002,Version,4", "H0100,Tenement_no,E59/123", "H0501,Geodetic_datum,WGS84"]
    head += ["H1000,SampleID,MGA_E,MGA_N,Cu", "H1001,,metres,metres,ppb", "H1002,,,,AAS"]
    head += ["H1003,,,,2"]
    values = table.itertuples(index=False)
    body = [f"D,S{i},{e},{n},{'BDL' if i == 4 else c}" for i, (e, n, c) in enumerate(values)]
    found, warned = _read(tmp_path, "\n".join([*head, *body, "EOF"]))
    known = table["Cu_ppm"] / 1000
    known[4] = 0.001  # half of the limit of 2 ppb
    np.testing.assert_allclose(found, known)
    assert not any("position" in line for line in warned)


def test_samples_of_several_depths_are_no_duplicates_and_their_depths_are_named(
    tmp_path: Path,
) -> None:
    table = pd.concat([_table().assign(DEPTH_FROM=0), _table().assign(DEPTH_FROM=30)])
    table["Cu_ppm"] = [
        f"{c * (1 if d == 0 else 2):.2f}" for c, d in zip(table["Cu_ppm"], table["DEPTH_FROM"])
    ]
    text = table.to_csv(index=False)
    _, warned = _read(tmp_path, text)
    assert any("several depths (0, 30)" in line for line in warned)
    found, warned = _read(tmp_path, text, where={"DEPTH_FROM": 0})
    np.testing.assert_allclose(found, _table()["Cu_ppm"])
    assert not any("depths" in line for line in warned)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ("X_km", "Y_km"),
        ("Sağa", "Yukarı"),
        ("شرق", "شمال"),
        ("X_L93", "Y_L93"),
        ("Coordonnée X", "Coordonnée Y"),
    ],
)
def test_axes_are_found_by_their_words(tmp_path: Path, x: str, y: str) -> None:
    table = _table()
    if x == "X_km":
        table[["east", "north"]] /= 1000
    (tmp_path / "a.csv").write_text(
        table.rename(columns={"east": x, "north": y}).to_csv(index=False), encoding="utf-8"
    )
    samples, _ = read_survey(_settings(x=None, y=None), ["Cu"], UTM, tmp_path)
    np.testing.assert_allclose(samples.coordinates, _table()[["east", "north"]], atol=0.01)


def test_x_of_a_system_whose_x_is_north_is_north_whatever_word_stands_before_it(
    tmp_path: Path,
) -> None:
    change = Transformer.from_crs(4326, 2180, always_xy=True)
    x, y = change.transform(
        np.linspace(19, 19.5, 24), np.linspace(51, 51.4, 24) + 0.1 * (np.arange(24) % 2)
    )
    named = {
        "Współrzędna X": y.round(1),
        "Współrzędna Y": x.round(1),
        "Cu_ppm": np.arange(24) + 5.0,
    }
    pd.DataFrame(named).to_csv(tmp_path / "a.csv", index=False)
    settings = _settings(x=None, y=None, crs="EPSG:2180")
    samples, _ = read_survey(settings, ["Cu"], "EPSG:2180", tmp_path)
    np.testing.assert_allclose(samples.coordinates, np.column_stack([x, y]), atol=0.06)


@pytest.mark.parametrize(
    "names",
    [
        ("sample_id", "analyte_code", "result_value", "result_unit", "qualifier"),
        ("Sample", "Parameter", "Messwert", "Einheit", "Flag"),
    ],
)
def test_long_tables_are_recognised_by_the_words_of_their_columns(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    rows = [
        [f"S{i}", "Cu", c, "ppm", "<" if i == 2 else "", e, n]
        for i, (e, n, c) in enumerate(_table().itertuples(index=False))
    ]
    rows += [[*row[:1], "Zn", 50.0, "ppm", "", *row[5:]] for row in rows]
    table = pd.DataFrame(rows, columns=[*names, "east", "north"])
    found, _ = _read(tmp_path, table.to_csv(index=False))
    known = _table()["Cu_ppm"].to_numpy().copy()
    known[2] /= 2
    np.testing.assert_allclose(found, known)


def test_coordinates_are_named_above_their_units(tmp_path: Path) -> None:
    table = _table()
    text = "SAMPLE,EAST,NORTH,ME-ICP61,ME-ICP61\nDESCRIPTION,m,m,Cu,Zn\n,,,ppm,ppm\n"
    text += "\n".join(
        f"S{i},{e},{n},{c},50" for i, (e, n, c) in enumerate(table.itertuples(index=False))
    )
    found, _ = _read(tmp_path, text)
    np.testing.assert_allclose(found, table["Cu_ppm"])
