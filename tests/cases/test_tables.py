"""Tables as offices and laboratories send them come out right, or stop with a line that teaches.

Every table goes through the command line. The truth is that of the table before it was dressed up:
120 samples on a jittered lattice with lognormal copper and zinc.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas
import numpy as np
import openpyxl
import pandas as pd
import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS, Transformer

from gossan.cli import main
from gossan.geo.samples import Samples
from gossan.pipeline.options.project import load_project
from gossan.pipeline.output_grid import project_crs
from gossan.pipeline.surveys import read_surveys

UTM = "EPSG:32638"
N = 120


@dataclass(frozen=True)
class Result:
    """What `gossan survey` left behind: exit code, lines, tables."""

    code: int
    lines: str
    survey: pd.DataFrame
    findings: pd.DataFrame

    def value(self, element: str, column: str = "median") -> float:
        return float(self.survey.set_index("element").loc[element, column])

    def codes(self, severity: str = "warning") -> set[str]:
        return set(self.findings.loc[self.findings["severity"] == severity, "code"])


Run = Callable[[Path], Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `gossan survey` on a project folder."""

    def runner(folder: Path) -> Result:
        monkeypatch.setattr(sys, "argv", ["gossan", "survey", str(folder)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        printed = capsys.readouterr()
        tables = folder / "run" / "tables"
        empty = pd.DataFrame()
        if code:
            assert code == 2, printed.err
            assert "Traceback" not in printed.err
            return Result(code, printed.err, empty, empty)
        read = [pd.read_csv(tables / f"{name}.csv") for name in ("survey", "findings")]
        return Result(0, printed.out, *read)

    return runner


def samples_of(folder: Path) -> Samples:
    """Read the samples as a run does, for their positions."""
    project = load_project(folder)
    return read_surveys(project, project_crs(project.project.crs, [])).fit[0]


def base(n: int = N) -> pd.DataFrame:
    """The truth: names, positions in metres and contents in ppm."""
    rng = np.random.default_rng(11)
    column, row = np.arange(n) % 10, np.arange(n) // 10
    return pd.DataFrame(
        {
            "ID": [f"S{i + 1:04d}" for i in range(n)],
            "EASTING": (479_000 + 2000 * column + rng.uniform(0, 900, n)).round(1),
            "NORTHING": (2_639_000 + 2000 * row + rng.uniform(0, 900, n)).round(1),
            "Cu_ppm": rng.lognormal(3.4, 0.5, n).round(1),
            "Zn_ppm": rng.lognormal(4.2, 0.4, n).round(1),
        }
    )


def degrees(table: pd.DataFrame, crs: str = UTM) -> tuple[np.ndarray, np.ndarray]:
    change = Transformer.from_crs(crs, 4326, always_xy=True)
    lon, lat = change.transform(table["EASTING"].to_numpy(), table["NORTHING"].to_numpy())
    return lon, lat


def project(folder: Path, elements: tuple[str, ...] = ("Cu",), **survey: object) -> Path:
    """Write a project file beside the table."""
    crs = survey.pop("project_crs", UTM)
    document = {
        "project": {"name": "case", "crs": crs, "pixel_m": 500, "elements": list(elements)},
        "survey": [{"name": "s", "path": "a.csv", "crs": UTM} | survey],
    }
    if document["survey"][0]["crs"] is None:  # type: ignore[index]
        del document["survey"][0]["crs"]  # type: ignore[attr-defined,index]
    (folder / "project.toml").write_text(tomlkit.dumps(document), encoding="utf-8")
    return folder


def texts(table: pd.DataFrame, sign: str = ".", places: int | None = None) -> pd.DataFrame:
    """Write numbers as text with a decimal sign and, where asked, fixed places."""
    found = table.astype(object).copy()
    for name in table.select_dtypes("number"):
        form = "{!r}" if places is None else f"{{:.{places}f}}"
        found[name] = [form.format(float(v)).replace(".", sign) for v in table[name]]
    return found


# --- the shared cases ------------------------------------------------------------------------


def _first_at(x: float, y: float, crs: str = "EPSG:4326") -> Callable[[Result, Path], None]:
    def check(result: Result, folder: Path) -> None:
        samples = samples_of(folder)
        first = samples.frame.to_crs(crs).geometry.iloc[0]
        tolerance = 1e-5 if crs == "EPSG:4326" else 0.5
        assert (first.x, first.y) == pytest.approx((x, y), abs=tolerance)
        assert len(samples) == N

    return check


def _values(
    element: str, places: int | None = None, **wanted: float
) -> Callable[[Result, Path], None]:
    def check(result: Result, folder: Path) -> None:
        for column, number in wanted.items():
            assert result.value(element, column) == pytest.approx(number, rel=2e-3), column
        if places is not None:
            assert f"{places} samples at {places} places" in result.lines

    return check


def _refused(*words: str) -> Callable[[Result, Path], None]:
    def check(result: Result, folder: Path) -> None:
        assert result.code == 2
        assert result.lines.count("\n") == 1
        assert all(word in result.lines for word in words)

    return check


def _unit_of_certificate(result: Result, folder: Path) -> None:
    assert dict(zip(result.survey["element"], result.survey["unit"])) == {
        "Au": "ppb", "Ag": "ppm", "Cu": "ppm", "Fe": "percent",
    }  # fmt: skip
    assert result.value("Au", "highest_limit") == 5
    assert result.value("Fe") == pytest.approx(2.11, abs=0.01)


def _zones(result: Result, folder: Path) -> None:
    samples = samples_of(folder)
    table = pd.read_csv(folder / "a.csv")
    table = table[table["CHEM_CODE"] == "Zn"].reset_index(drop=True)
    wanted = table[["EASTING_GDA2020", "NORTHING_GDA2020"]].to_numpy(float)
    east = (table["ZONE_GDA2020"] == 54).to_numpy()
    change = Transformer.from_crs("EPSG:7854", "EPSG:7853", always_xy=True)
    wanted[east] = np.column_stack(change.transform(*wanted[east].T))
    np.testing.assert_allclose(samples.coordinates, wanted, atol=0.01)
    assert east.any() and "zone-column" in result.codes()


def _thousands(result: Result, folder: Path) -> None:
    table = pd.read_csv(folder / "a.csv", sep=";", decimal=",", thousands=".")
    np.testing.assert_allclose(samples_of(folder).values("Zn"), table["Zn_ppm"])
    assert table["Zn_ppm"].max() > 1000 > table["Zn_ppm"].min()


def _percent_rows(result: Result, folder: Path) -> None:
    table = pd.read_csv(folder / "a.csv")
    factor = table["UNIT"].map({"ppm": 1.0, "%": 1e4})
    np.testing.assert_allclose(samples_of(folder).values("Cu"), table["VALUE"] * factor)
    assert "cell-unit" in result.codes()


def _limits_by_row(result: Result, folder: Path) -> None:
    table = pd.read_csv(folder / "a.csv", dtype=str)
    samples = samples_of(folder)
    lost = (table["As"] == "ND").to_numpy()
    np.testing.assert_array_equal(samples.censored("As"), lost)
    limits = samples.frame["As_limit"].to_numpy()[lost]
    np.testing.assert_array_equal(limits, table["detection_limit"].astype(float)[lost])


QUALIFIED = _values("Cu", 120, n=120, below=46, above=18, highest_limit=25)
CASES: Mapping[str, Callable[[Result, Path], None]] = {
    "als_certificate": _unit_of_certificate,
    "code_8888": _values("Cu", 120, n=112, maximum=121.5),
    "code_99_is_a_limit": _values("Zn", 120, n=120, below=51, empty=0),
    "comma_three_places": _values("Cu", 120, median=32.098),
    "coordinates_with_blanks": _first_at(479_480, 2_639_999, UTM),
    "dms_blanks": _first_at(-69.50520, -23.49999),
    "dms_decimal_comma": _first_at(-69.50520, -23.49999),
    "dms_ordinal_sign": _first_at(-69.50520, -23.49999),
    "dms_packed": _first_at(-69.50520, -23.49999),
    "file_geodatabase": _values("Cu", 120, n=120),
    "kilometres": _first_at(479_480, 2_639_999, UTM),
    "limit_by_row": _limits_by_row,
    "method_prefix_s": QUALIFIED,
    "one_place_crash": _refused("all 120 at"),
    "oxide_global_ppm": _values("Al2O3", 120, median=13.53),
    "qualifier_nlg": QUALIFIED,
    "qualifier_suggestion": QUALIFIED,
    "ratio_element": _values("Rb/Sr", 120, n=120),
    "sgs_certificate": _unit_of_certificate,
    "sites_leading_zeros": _values("Cu", 120, n=120),
    "sites_on_second_sheet": _values("Cu", 120, n=120),
    "sites_other_key_name": _values("Cu", 120, n=120),
    "suffix_letters": _values("Cu", 120, below=41, above=18, empty=8),
    "thousand_point_bare": _thousands,
    "two_layers": _values("Cu", 120, n=120),
    "unit_by_row": _percent_rows,
    "web_mercator": _refused("Pseudo-Mercator", "9.5 %"),
    "wide_zone": _values("Cu", 120, n=120),
    "x_is_north_poland": _first_at(479_480, 299_999, "EPSG:2180"),
    "yttrium_axis": _values("Y", 120, median=65.15),
    "zero_zero": _values("Cu", 114, n=114),
    "zone_column": _zones,
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_shared_case_is_read_right_or_refused(
    name: str, shared_cases: Path, tmp_path: Path, run: Run
) -> None:
    folder = tmp_path / name
    shutil.copytree(shared_cases / "tables" / name, folder, copy_function=shutil.copyfile)
    CASES[name](run(folder), folder)


# --- decimal and thousands signs -------------------------------------------------------------


def _write(folder: Path, table: pd.DataFrame, sep: str = ",", encoding: str = "utf-8") -> None:
    table.to_csv(folder / "a.csv", index=False, sep=sep, encoding=encoding)


def _same(folder: Path, result: Result, element: str = "Cu", scale: float = 1.0) -> None:
    """The contents are the truth, at the true places."""
    assert result.code == 0, result.lines
    samples, truth = samples_of(folder), base()
    np.testing.assert_allclose(samples.values(element), truth[f"{element}_ppm"] * scale, rtol=1e-3)
    np.testing.assert_allclose(samples.coordinates, truth[["EASTING", "NORTHING"]], atol=1.0)


SIGNS = {
    "point, comma file": (",", ".", None, {}),
    "point, three places": (",", ".", 3, {}),
    "point, semicolons": (";", ".", None, {}),
    "point, semicolons, three places": (";", ".", 3, {}),
    "comma, semicolons": (";", ",", None, {}),
    "comma, semicolons, three places": (";", ",", 3, {}),
    "comma, tab": ("\t", ",", None, {}),
    "comma in quotes": (",", ",", None, {}),
    "comma in quotes, stated": (",", ",", 3, {"decimal": "comma"}),
    "point, stated": (";", ".", 3, {"decimal": "point"}),
    "comma, no thousands": ("\t", ",", 3, {"thousands": "none"}),
}


@pytest.mark.parametrize("name", SIGNS)
def test_numbers_are_read_with_either_sign_and_any_places(
    name: str, tmp_path: Path, run: Run
) -> None:
    sep, sign, places, options = SIGNS[name]
    table = texts(base(), sign, places)
    _write(tmp_path, table, sep)
    _same(project(tmp_path, **options), run(tmp_path))


@pytest.mark.parametrize("gap", [" ", "\u00a0", "\u202f", "'", "\u2019"])
def test_blanks_and_apostrophes_part_thousands(gap: str, tmp_path: Path, run: Run) -> None:
    table = texts(base(), ",", 1)
    for name in ("EASTING", "NORTHING"):
        table[name] = [f"{float(v):,.1f}".replace(",", gap).replace(".", ",") for v in base()[name]]
    _write(tmp_path, table, ";")
    _same(project(tmp_path), run(tmp_path))


@pytest.mark.parametrize(("group", "sign"), [(",", "."), (".", ",")])
def test_grouped_thousands_beside_small_numbers_are_read(
    group: str, sign: str, tmp_path: Path, run: Run
) -> None:
    """Contents of 90 to 40,000 ppm without decimals, those above 1,000 with a sign."""
    table = texts(base(), sign)
    whole = (base()["Cu_ppm"] * 40).round()
    table["Cu_ppm"] = [f"{v:,.0f}".replace(",", group) for v in whole]
    _write(tmp_path, table, ";")
    result = run(project(tmp_path))
    if result.code:
        assert "can be" in result.lines or "readable in one way" in result.lines
    else:
        np.testing.assert_allclose(samples_of(tmp_path).values("Cu"), whole)


def test_two_readings_a_thousandfold_apart_are_asked_and_either_answer_is_taken(
    tmp_path: Path, run: Run
) -> None:
    table = texts(base())
    table["Cu_ppm"] = [f"{v:.3f}".replace(".", ",") for v in base()["Cu_ppm"]]
    _write(tmp_path, table)
    _refused("readable in one way", "thousands")(run(project(tmp_path)), tmp_path)
    _same(project(tmp_path, decimal="comma"), run(tmp_path))
    _same(project(tmp_path, thousands="comma"), run(tmp_path), scale=1000)


def test_text_cells_of_a_workbook_may_have_decimal_commas(tmp_path: Path, run: Run) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    truth = base()
    sheet.append(list(truth.columns))
    for i, row in enumerate(truth.itertuples(index=False)):
        cells = list(row)
        if i % 2:
            cells[3] = str(cells[3]).replace(".", ",")
        sheet.append(cells)
    book.save(tmp_path / "a.xlsx")
    _same(project(tmp_path, path="a.xlsx"), run(tmp_path))


def test_cells_that_a_workbook_shows_in_percent_are_percent(tmp_path: Path, run: Run) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    truth = base()
    sheet.append(["ID", "EASTING", "NORTHING", "Cu"])
    for row in truth.itertuples(index=False):
        sheet.append([row.ID, row.EASTING, row.NORTHING, row.Cu_ppm / 1e6])
        sheet.cell(sheet.max_row, 4).number_format = "0.0000%"
    book.save(tmp_path / "a.xlsx")
    _same(project(tmp_path, path="a.xlsx"), run(tmp_path))


@given(st.floats(0.002, 99_999).map(lambda v: float(f"{v:.4g}")), st.sampled_from([".", ","]))
def test_a_number_and_its_reading_never_differ_a_thousandfold_in_silence(
    number: float, sign: str
) -> None:
    """Whatever the column says, a cell is read as meant, asked about, or no number."""
    from gossan.geochem.table.cells import parse_cells
    from gossan.geochem.table.notation import find_notation, gather, open_example

    word = repr(number).replace(".", sign)
    column = [word, f"12{sign}5"]
    notation = find_notation(gather(column), gather(column), ";")
    parsed = parse_cells(column, "number", notation).number[0]
    assert open_example(column, notation) or parsed == pytest.approx(number)


# --- qualifiers, limits, codes, units --------------------------------------------------------

LIMIT = 20.0


def _below() -> np.ndarray:
    return (base()["Cu_ppm"] < LIMIT).to_numpy()


def _limited(**codes: str) -> pd.DataFrame:
    """The truth with contents below 20 ppm replaced by the limit."""
    table = base()
    table["Cu_ppm"] = table["Cu_ppm"].where(~_below(), LIMIT)
    return table


def _censored(folder: Path, result: Result) -> None:
    assert result.code == 0, result.lines
    samples = samples_of(folder)
    np.testing.assert_array_equal(samples.censored("Cu"), _below())
    assert set(samples.frame["Cu_limit"].dropna()) == {LIMIT}
    assert result.value("Cu", "below") == _below().sum() > 10


QUALIFIERS = {
    "usgs": ("Cu_Q", "L", ""),
    "usgs not detected": ("CU_Q", "N", ""),
    "sign": ("Cu_ppm_sign", "<", ""),
    "less than": ("Cu_LT", "<", "="),
    "word": ("Cu_flag", "BDL", "OK"),
    "yes": ("Cu_bdl", "1", "0"),
    "true": ("Cu_censored", "True", "False"),
    "yes or no": ("Cu_below_LOD_flag", "Y", "N"),
    "detected": ("Cu_detected", "0", "1"),
    "flag": ("Cu_flag", "1", "0"),
    "epa": ("Cu_qualifier", "U", "J"),
    "lower case": ("cu_qual", "nd", ""),
    "prefix": ("Qualifier Cu", "<", ""),
    "russian": ("знак Cu", "<", ""),
    "glued": ("CUQ", "L", ""),
}


@pytest.mark.parametrize("name", QUALIFIERS)
@pytest.mark.parametrize("place", [3, 4])
def test_a_qualifier_column_is_applied(name: str, place: int, tmp_path: Path, run: Run) -> None:
    column, yes, no = QUALIFIERS[name]
    table = _limited()
    table.insert(place, column, np.where(_below(), yes, no))
    _write(tmp_path, table)
    result = run(project(tmp_path))
    _censored(tmp_path, result)
    assert "qualifier" in result.codes("note")


@pytest.mark.parametrize("side", [0, 1])
def test_qualifiers_of_one_name_belong_to_the_column_beside_them(
    side: int, tmp_path: Path, run: Run
) -> None:
    table = _limited()
    names, columns = (
        ["ID", "EASTING", "NORTHING"],
        [table[n] for n in ("ID", "EASTING", "NORTHING")],
    )
    for element, codes in (("Cu_ppm", np.where(_below(), "<", "")), ("Zn_ppm", [""] * N)):
        pair = [("Q", codes), (element, table[element])]
        for name, values in pair if side == 0 else pair[::-1]:
            names.append(name)
            columns.append(pd.Series(values))
    wide = pd.concat(columns, axis=1)
    wide.columns = pd.Index(names)
    _write(tmp_path, wide)
    _censored(tmp_path, run(project(tmp_path, ("Cu", "Zn"))))


def test_codes_that_nobody_knows_are_asked_and_can_be_stated(tmp_path: Path, run: Run) -> None:
    table = _limited()
    table["Cu_Q"] = np.where(_below(), "Z", "")
    _write(tmp_path, table)
    _refused("'Cu_Q'", "'z'", "qualifier_codes")(run(project(tmp_path)), tmp_path)
    _censored(project(tmp_path, qualifier_codes={"Z": "below"}), run(tmp_path))
    unused = run(project(tmp_path, qualifiers="none"))
    assert unused.value("Cu", "below") == 0


LIMIT_CELLS = {
    "sign": "<20", "sign and blank": "< 20", "minus": "-20", "letter": "L20", "suffix": "20L",
    "suffix n": "20.0N", "word": "LT 20", "nd": "ND (20)", "bdl": "BDL<20", "behind": "20<",
    "unit": "<20 ppm", "environment": "20 U", "less than": "less than 20", "wide": "＜20",
    "equal": "<=20", "leq": "≤20",
}  # fmt: skip


@pytest.mark.parametrize("name", LIMIT_CELLS)
def test_limits_are_read_however_they_are_written(name: str, tmp_path: Path, run: Run) -> None:
    table = base().astype(object)
    table.loc[_below(), "Cu_ppm"] = LIMIT_CELLS[name]
    _write(tmp_path, table)
    _censored(project(tmp_path), run(tmp_path))


@pytest.mark.parametrize(
    "word", ["ND", "BDL", "n.d.", "<LOD", "tr", "н/о", "不検出", "未检出", "<ld", "n.n."]
)
@pytest.mark.parametrize("how", ["stated", "column", "row"])
def test_words_for_below_take_their_limit(word: str, how: str, tmp_path: Path, run: Run) -> None:
    table = base().astype(object)
    table.loc[_below(), "Cu_ppm"] = word
    options: dict[str, object] = {}
    if how == "stated":
        options = {"detection_limits": {"Cu": LIMIT}}
    elif how == "column":
        table["Cu_LOD"] = LIMIT
    else:
        limits = pd.DataFrame([["Detection limit", "", "", LIMIT, 1.0]], columns=table.columns)
        table = pd.concat([limits, table], ignore_index=True)
    _write(tmp_path, table)
    _censored(project(tmp_path, **options), run(tmp_path))


@pytest.mark.parametrize(
    "code", [-9999, -999, -8888, -1111, -7777, -5555, -99999, "-1e32", 1.70141e38]
)
def test_missing_codes_are_left_empty(code: object, tmp_path: Path, run: Run) -> None:
    table = base().astype(object)
    table.loc[::10, "Cu_ppm"] = code
    _write(tmp_path, table)
    result = run(project(tmp_path))
    assert result.value("Cu", "n") == N - 12
    assert result.value("Cu", "maximum") == base()["Cu_ppm"].drop(range(0, N, 10)).max()


@pytest.mark.parametrize("code", [9999, 99999, 999999])
def test_nines_far_above_all_contents_are_asked(code: int, tmp_path: Path, run: Run) -> None:
    table = base()
    table.loc[::10, "Cu_ppm"] = code
    _write(tmp_path, table)
    _refused(f"{code:g} of Cu", "missing = [")(run(project(tmp_path)), tmp_path)
    assert run(project(tmp_path, missing=[code])).value("Cu", "n") == N - 12
    assert run(project(tmp_path, accept=["code"])).value("Cu", "n") == N


def test_99_among_other_limits_is_asked_and_either_answer_is_taken(
    tmp_path: Path, run: Run
) -> None:
    table = base()
    table.loc[::10, "Zn_ppm"] = -99
    table.loc[1::10, "Zn_ppm"] = -50
    table.loc[2::10, "Zn_ppm"] = -100
    _write(tmp_path, table)
    _refused("-99 of Zn", "below = [-99]")(run(project(tmp_path, ("Zn",))), tmp_path)
    assert run(project(tmp_path, ("Zn",), below=[-99])).value("Zn", "below") == 36
    assert run(project(tmp_path, ("Zn",), missing=[-99])).value("Zn", "below") == 24


UNITS = {
    "column": ({"Cu": 1.0, "unit": "ppm"}, {}),
    "uom": ({"Cu": 1000.0, "UOM": "ppb"}, {}),
    "of the element": ({"Cu": 1e-4, "Cu_unit": "%"}, {}),
    "by row": ({"Cu": None, "Unit": None}, {}),
    "stated column": ({"Cu": 1e-4, "dimension": "pct"}, {"unit_column": "dimension"}),
    "russian": ({"Cu": 1.0, "единица": "г/т"}, {}),
}


@pytest.mark.parametrize("name", UNITS)
def test_units_may_stand_in_a_column(name: str, tmp_path: Path, run: Run) -> None:
    (cu, unit_pair), options = list(UNITS[name][0].items()), UNITS[name][1]
    truth = base()
    table = truth.drop(columns=["Cu_ppm", "Zn_ppm"])
    if cu[1] is None:
        part = np.arange(N) % 7 == 0
        table["Cu"] = truth["Cu_ppm"] * np.where(part, 1e-4, 1.0)
        table[unit_pair[0]] = np.where(part, "%", "ppm")
    else:
        table["Cu"], table[unit_pair[0]] = truth["Cu_ppm"] * float(cu[1]), unit_pair[1]
    _write(tmp_path, table)
    _same(project(tmp_path, **options), run(tmp_path))


LONG = {
    "sarig": ("SAMPLE_NO", "CHEM_CODE", "VALUE", "UNIT", None),
    "analyte": ("Sample ID", "Analyte", "Result", "Units", "Qualifier"),
    "spanish": ("Muestra", "Elemento", "Valor", "Unidad", None),
    "portuguese": ("Amostra", "Elemento", "Resultado", "Unidade", None),
    "element": ("SampleID", "Element", "Assay", "UOM", "Sign"),
}


@pytest.mark.parametrize("name", LONG)
def test_a_long_table_becomes_one_row_per_sample(name: str, tmp_path: Path, run: Run) -> None:
    key, analyte, value, unit, sign = LONG[name]
    truth = base()
    rows = []
    for i, row in enumerate(truth.itertuples(index=False)):
        percent = i % 5 == 0
        low = sign is not None and row.Cu_ppm < LIMIT
        cu = LIMIT if low else row.Cu_ppm
        cells = [row.ID, row.EASTING, row.NORTHING]
        rows.append(
            [*cells, "Cu", cu * (1e-4 if percent else 1), "%" if percent else "ppm", "<" * low]
        )
        rows.append([*cells, "Zn", row.Zn_ppm, "ppm", ""])
    names = [key, "EASTING", "NORTHING", analyte, value, unit, sign or "extra"]
    _write(tmp_path, pd.DataFrame(rows, columns=names))
    result = run(project(tmp_path, ("Cu", "Zn")))
    _same(tmp_path, result, "Zn")
    if sign is None:
        _same(tmp_path, result, "Cu")
    else:
        _censored(tmp_path, result)
    assert "long-table" in result.codes("note")


@pytest.mark.parametrize(
    ("element", "column", "factor"),
    [("Al2O3", "Al2O3_pct", 1e-4), ("Au", "Au_ppb", 100.0), ("Cu", "Cu_pct", 0.05)],
)
def test_contents_that_no_ground_has_are_doubted(
    element: str, column: str, factor: float, tmp_path: Path, run: Run
) -> None:
    table = base().rename(columns={"Cu_ppm": column})
    table[column] *= factor
    _write(tmp_path, table)
    assert "doubtful" in run(project(tmp_path, (element,))).codes()


def test_usual_contents_are_not_doubted(test_data: Path) -> None:
    """The medians of 605 wadi sediments are within the bounds for every common element."""
    from gossan.geochem.table.survey import SurveySettings, read_survey

    path = test_data / "dawadimi_west" / "stream_sediment.csv"
    settings = SurveySettings(name="wadi", path=str(path), crs=UTM, id="sample_id")
    common = [
        "Cu",
        "Zn",
        "Ni",
        "Co",
        "Cr",
        "V",
        "Ba",
        "Sr",
        "Zr",
        "Fe",
        "Al",
        "Ca",
        "Mg",
        "K",
        "Au",
    ]
    samples, findings = read_survey(settings, common, UTM)
    assert samples.elements == tuple(common) and not findings.of("doubtful")


# --- coordinates -----------------------------------------------------------------------------


def _minutes(value: float, form: str, sides: str) -> str:
    size, side = abs(value), sides[int(value < 0)]
    degree = int(size)
    minute = int((size - degree) * 60)
    second = ((size - degree) * 60 - minute) * 60
    if second >= 59.995:
        second = 59.99
    return form.format(d=degree, m=minute, s=second, h=side, t=minute + second / 60)


ANGLES = {
    "signs": "{d}°{m:02d}'{s:05.2f}\"{h}",
    "blanks": "{d} {m:02d} {s:05.2f} {h}",
    "ordinal": "{d}º {m:02d}’ {s:05.2f}” {h}",
    "letters": "{d}d{m:02d}m{s:05.2f}s{h}",
    "colons": "{d}:{m:02d}:{s:05.2f}{h}",
    "hyphens": "{d}-{m:02d}-{s:05.2f} {h}",
    "first": "{h}{d}°{m:02d}′{s:05.2f}″",
    "two primes": "{d}°{m:02d}'{s:05.2f}''{h}",
    "minutes": "{d}° {t:.4f}' {h}",
    "packed": "{d:03d}{m:02d}{s:05.2f}{h}",
    "chinese": "{d}度{m:02d}分{s:05.2f}秒{h}",
}


@pytest.mark.parametrize("name", ANGLES)
@pytest.mark.parametrize("sep", [",", ";"])
@pytest.mark.parametrize("sign", [".", ","])
@pytest.mark.parametrize("place", ["Chile", "Egypt"])
def test_degrees_are_read_however_they_are_written(
    name: str, sep: str, sign: str, place: str, tmp_path: Path, run: Run
) -> None:
    crs, sides = ("EPSG:32719", ("EO", "NS")) if place == "Chile" else ("EPSG:32636", ("EW", "NS"))
    table = base()
    table["NORTHING"] += 4_000_000 if place == "Chile" else 0
    lon, lat = degrees(table, crs)
    table = table.drop(columns=["EASTING", "NORTHING"])
    for column, values, side in (("Longitud", lon, sides[0]), ("Latitud", lat, sides[1])):
        table[column] = [_minutes(v, ANGLES[name], side).replace(".", sign) for v in values]
    _write(tmp_path, table, sep)
    result = run(project(tmp_path, crs="EPSG:4326", project_crs=crs))
    assert result.code == 0, result.lines
    found = Transformer.from_crs(crs, 4326, always_xy=True).transform(
        *samples_of(tmp_path).coordinates.T
    )
    np.testing.assert_allclose(np.column_stack(found), np.column_stack([lon, lat]), atol=1e-5)


def test_positive_degrees_of_a_column_called_west_are_west(tmp_path: Path, run: Run) -> None:
    crs = "EPSG:32719"
    table = base()
    table["NORTHING"] += 4_000_000
    lon, lat = degrees(table, crs)
    table = table.drop(columns=["EASTING", "NORTHING"]).assign(LONG_W=-lon, LAT_S=-lat)
    _write(tmp_path, table)
    result = run(project(tmp_path, crs="EPSG:4326", project_crs=crs, x="LONG_W", y="LAT_S"))
    assert result.code == 0, result.lines
    found = Transformer.from_crs(crs, 4326, always_xy=True).transform(
        *samples_of(tmp_path).coordinates.T
    )
    np.testing.assert_allclose(found[0], lon, atol=1e-6)


@pytest.mark.parametrize("packed", ["seconds", "minutes"])
def test_packed_degrees_are_unpacked(packed: str, tmp_path: Path, run: Run) -> None:
    lon, lat = degrees(base())
    table = base().drop(columns=["EASTING", "NORTHING"])
    for name, values in (("LONGITUDE", lon), ("LATITUDE", lat)):
        form = "{d}{m:02d}{s:05.2f}" if packed == "seconds" else "{d}{t:07.4f}"
        table[name] = [_minutes(v, form, "EW") for v in values]
    _write(tmp_path, table)
    result = run(project(tmp_path, crs="EPSG:4326"))
    assert result.code == 0, result.lines
    truth = base()[["EASTING", "NORTHING"]]
    np.testing.assert_allclose(samples_of(tmp_path).coordinates, truth, atol=1.0)


NORTH_FIRST = {
    "poland": "EPSG:2180", "germany": "EPSG:31467", "china": "EPSG:4547",
    "japan": "EPSG:6674", "russia": "EPSG:28407", "estonia": "EPSG:3301",
}  # fmt: skip


def _in(crs: str) -> pd.DataFrame:
    """The truth moved to the middle of a system's area."""
    area = CRS(crs).area_of_use
    assert area is not None
    middle = (area.west + area.east) / 2, (area.south + area.north) / 2
    x, y = Transformer.from_crs(4326, crs, always_xy=True).transform(*middle)
    table = base()
    return table.assign(EASTING=(table["EASTING"] - 488_000 + x).round(1),
                        NORTHING=(table["NORTHING"] - 2_650_000 + y).round(1))  # fmt: skip


@pytest.mark.parametrize("country", NORTH_FIRST)
@pytest.mark.parametrize(
    "names", [("X", "Y"), ("x", "y"), ("X_2000", "Y_2000"), ("X (m)", "Y (m)")]
)
def test_x_is_north_where_the_system_says_so(
    country: str, names: tuple[str, str], tmp_path: Path, run: Run
) -> None:
    crs = NORTH_FIRST[country]
    truth = _in(crs)
    table = truth.rename(columns={"EASTING": names[1], "NORTHING": names[0]})
    _write(tmp_path, table)
    result = run(project(tmp_path, crs=crs, project_crs=crs))
    assert result.code == 0, result.lines
    wanted = truth[["EASTING", "NORTHING"]]
    np.testing.assert_allclose(samples_of(tmp_path).coordinates, wanted, atol=0.01)
    assert "axis-names" in result.codes() or country in ("germany", "russia", "china")


@pytest.mark.parametrize("crs", ["EPSG:32638", "EPSG:2154", "EPSG:3067", "EPSG:27700"])
def test_x_is_east_everywhere_else(crs: str, tmp_path: Path, run: Run) -> None:
    truth = _in(crs)
    _write(tmp_path, truth.rename(columns={"EASTING": "X", "NORTHING": "Y"}))
    result = run(project(tmp_path, crs=crs, project_crs=crs))
    np.testing.assert_allclose(
        samples_of(tmp_path).coordinates, truth[["EASTING", "NORTHING"]], atol=0.01
    )
    assert not result.codes("error")


def test_x_stated_as_the_easting_of_a_system_that_calls_it_north_is_asked(
    tmp_path: Path, run: Run
) -> None:
    truth = _in("EPSG:2180")
    truth["EASTING"], truth["NORTHING"] = truth["EASTING"], truth["NORTHING"] - 80_000
    _write(tmp_path, truth.rename(columns={"EASTING": "X", "NORTHING": "Y"}))
    options = {"crs": "EPSG:2180", "project_crs": "EPSG:2180", "x": "X", "y": "Y"}
    _refused("northing X", 'x = "Y"')(run(project(tmp_path, **options)), tmp_path)
    run(project(tmp_path, **options, accept=["axis-names"]))
    np.testing.assert_allclose(
        samples_of(tmp_path).coordinates, truth[["EASTING", "NORTHING"]], atol=0.01
    )


ZONES = {
    "bare": "38",
    "letter": "38R",
    "north": "38N",
    "word": "UTM 38",
    "zero": "38.0",
    "blank": "38 R",
}


@pytest.mark.parametrize("name", ZONES)
def test_a_zone_that_agrees_is_used_and_one_that_contradicts_is_refused(
    name: str, tmp_path: Path, run: Run
) -> None:
    table = base().assign(**{"UTM Zone": ZONES[name]})
    _write(tmp_path, table)
    _same(tmp_path, run(project(tmp_path)))
    _refused("'UTM Zone'", "zone_column")(run(project(tmp_path, crs="EPSG:32637")), tmp_path)


@pytest.mark.parametrize("band", ["38K", "38H", "38S"])
def test_a_southern_band_in_a_northern_zone_is_refused(band: str, tmp_path: Path, run: Run) -> None:
    _write(tmp_path, base().assign(zone=band))
    _refused("'zone'", band)(run(project(tmp_path)), tmp_path)


@pytest.mark.parametrize("name", ["zone", "Huso", "FUSO", "UTM_ZONE", "Zona", "ZONE_WGS84"])
def test_rows_of_several_zones_are_placed_in_theirs(name: str, tmp_path: Path, run: Run) -> None:
    truth = base()
    east = truth["EASTING"] > 489_000
    change = Transformer.from_crs(32638, 32639, always_xy=True)
    moved = truth.assign(**{name: np.where(east, 39, 38)})
    x, y = change.transform(truth["EASTING"][east].to_numpy(), truth["NORTHING"][east].to_numpy())
    moved.loc[east, "EASTING"], moved.loc[east, "NORTHING"] = x, y
    _write(tmp_path, moved)
    _same(tmp_path, run(project(tmp_path)))


def test_a_geological_zone_is_no_zone_of_the_grid(tmp_path: Path, run: Run) -> None:
    _write(tmp_path, base().assign(ZONE=np.where(np.arange(N) % 2, "oxide", "sulphide")))
    _same(tmp_path, run(project(tmp_path)))


@pytest.mark.parametrize(("crs", "shift"), [("EPSG:4547", 38_000_000), ("EPSG:5845", 3_000_000)])
def test_a_zone_number_before_x_is_named(crs: str, shift: int, tmp_path: Path, run: Run) -> None:
    truth = _in(crs)
    truth["EASTING"] += shift
    _write(tmp_path, truth)
    _refused("begins with the zone number")(
        run(project(tmp_path, crs=crs, project_crs=crs)), tmp_path
    )


def test_kilometres_are_metres_a_thousandfold(tmp_path: Path, run: Run) -> None:
    table = base()
    table[["EASTING", "NORTHING"]] /= 1000
    _write(tmp_path, table)
    result = run(project(tmp_path))
    _same(tmp_path, result)
    assert "kilometres" in result.codes()


@pytest.mark.parametrize("crs", ["EPSG:3857", "EPSG:3395", "EPSG:4087", "EPSG:32662"])
def test_a_project_crs_that_is_not_true_to_scale_is_refused(
    crs: str, tmp_path: Path, run: Run
) -> None:
    _write(tmp_path, base().assign(NORTHING=lambda t: t["NORTHING"] + 2_000_000))
    _refused("true to scale", "EPSG:32638")(run(project(tmp_path, project_crs=crs)), tmp_path)


def test_rounded_places_are_no_duplicates(tmp_path: Path, run: Run) -> None:
    lon, lat = degrees(base())
    table = base().assign(lon=lon.round(1), lat=lat.round(1)).drop(columns=["EASTING", "NORTHING"])
    _write(tmp_path, table)
    result = run(project(tmp_path, crs="EPSG:4326"))
    assert "rounded" in result.codes()
    assert result.value("Cu", "duplicate_pairs") == 0


# --- names -----------------------------------------------------------------------------------

COPPER = [
    "S_CU_PPM", "Cu", "CU_PPM", "cu_icp_ppm", "Cu (ppm)", "Cu [mg/kg]", "Cu, г/т", "Cu_AAS_ppm",
    "ME-ICP61 Cu ppm", "Cu ppm ME-ICP61", "Copper (ppm)", "cobre_ppm", "Kupfer mg/kg", "铜", "Медь",
    "CuPPM", "Cu.ppm", "Cu-ppm", "w(Cu)/10-6", "AR_Cu_ppm", "CM_CU_PPM",
]  # fmt: skip


@pytest.mark.parametrize("name", COPPER)
def test_copper_is_found_under_any_usual_name(name: str, tmp_path: Path, run: Run) -> None:
    """Beside its qualifier, limit, method, error and logarithm, and sulphur by spectrography."""
    truth = base()
    table = truth.drop(columns="Cu_ppm").assign(
        **{"Cu_Q": "", "Cu_LOD": 1, "Cu_method": "ICP", "log_Cu": np.log10(truth["Cu_ppm"]),
           "Cu_error": 0.5, "S_FE_PCT": 3.0, "S_MG_PCT": 1.0, name: truth["Cu_ppm"]}
    )  # fmt: skip
    _write(tmp_path, table)
    _same(project(tmp_path, unit="ppm"), run(tmp_path))


@pytest.mark.parametrize(
    "name", ["FE2_O3_PCT", "Fe2O3_T (%)", "TFe2O3", "FE_2_O_3 %", "fe2o3t_pct"]
)
def test_formulas_with_signs_are_oxides(name: str, tmp_path: Path, run: Run) -> None:
    table = base().rename(columns={"Cu_ppm": name})
    table[name] /= 10
    _write(tmp_path, table)
    result = run(project(tmp_path, ("Fe",)))
    assert result.value("Fe") == pytest.approx(base()["Cu_ppm"].median() / 10 * 0.69943, rel=1e-3)


@pytest.mark.parametrize("axes", [("X", "Y"), ("E", "N"), ("EAST", "NORTH")])
@pytest.mark.parametrize("element", ["Y", "N"])
def test_axes_are_no_elements(
    axes: tuple[str, str], element: str, tmp_path: Path, run: Run
) -> None:
    table = base().rename(columns=dict(zip(("EASTING", "NORTHING"), axes)))
    table = table.rename(columns={"Cu_ppm": f"{element}_ppm"})
    _write(tmp_path, table)
    assert run(project(tmp_path, (element,))).value(element) == base()["Cu_ppm"].median()


# --- certificates ----------------------------------------------------------------------------


CERTIFICATES: dict[str, tuple[str, str, str]] = {
    "als": (
        "TR2600001 - Finalized,,,|CLIENT : X,,,|# of SAMPLES : 120,,,"
        "|SAMPLE,Au-ICP21,ME-ICP61,ME-ICP61|DESCRIPTION,Au,Cu,Fe|,ppb,ppm,%|,0.5,0.2,0.01",
        "",
        "DESCRIPTION",
    ),
    "sgs": (
        "ANALYTE,Au,Cu,Fe|METHOD,GE_FAA313,GE_ICP40B,GE_ICP40B|LDETECTION,0.5,0.2,0.01"
        "|UDETECTION,10000,10000,15|UNITS,ppb,ppm,%",
        "*Rep S0003,5,30,1.5|*Std OREAS,500,200,4|*Blk BLANK,<1,<1,<0.01",
        "ANALYTE",
    ),
    "acme": (
        "Bureau Veritas Commodities,,,,|Method,,AQ200,AQ200,AQ200|Analyte,,Au,Cu,Fe"
        "|Unit,,PPB,PPM,%|MDL,,0.5,0.1,0.01|Sample,Type,,,",
        "Pulp Duplicates,,,,|S0003,REP,5,30,1.5|Reference Materials,,,,"
        "|STD OREAS45E,STD,55,800,24|BLK,BLK,<0.5,<0.1,<0.01",
        "Sample",
    ),
    "intertek": (
        "ELEMENTS,Au,Cu,Fe|UNITS,ppb,ppm,%|DETECTION,0.5,0.2,0.01|METHOD,FA50/MS,4A/OE,4A/OE",
        "Control Blank,X,X,X|OREAS 45d,20,371,14.5",
        "ELEMENTS",
    ),
    "units above": (",ppb,ppm,%|SampleID,Au,Cu,Fe", "", "SampleID"),
    "one cell": ('SAMPLE,"Au-ICP21\nAu\nppb","ME-ICP61\nCu\nppm","ME-ICP61\nFe\n%"', "", "SAMPLE"),
    "spanish": (
        "Certificado de análisis;;;|Muestra;Au;Cu;Fe|Unidad;ppb;ppm;%"
        "|Límite de detección;0,5;0,2;0,01|Método;FA;ICP;ICP",
        "",
        "Muestra",
    ),
    "russian": (
        "Номер пробы;Au;Cu;Fe|ед. изм.;мг/т;г/т;%|Предел обнаружения;0,5;0,2;0,01",
        "",
        "Номер пробы",
    ),
    "chinese": ("样品编号,Au,Cu,Fe|单位,10-9,10-6,10-2|检出限,0.5,0.2,0.01", "", "样品编号"),
}
"""Rows above and below the samples, and the column of their names."""


def _certificate(kind: str) -> str:
    """A certificate of 120 samples: Au ppb, Cu ppm, Fe percent."""
    head, foot, _ = CERTIFICATES[kind]
    kind_column = "Rock," if kind == "acme" else ""
    rows = [
        f"{row.ID},{kind_column}{row.Zn_ppm / 10:.1f},{row.Cu_ppm},{row.Cu_ppm / 20:.2f}"
        for row in base().itertuples(index=False)
    ]
    if ";" in head:
        rows = [row.replace(",", ";").replace(".", ",") for row in rows]
    return "\n".join([*head.split("|"), *rows, *filter(None, foot.split("|"))])


@pytest.mark.parametrize("kind", CERTIFICATES)
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_certificates_are_read_as_sent(kind: str, form: str, tmp_path: Path, run: Run) -> None:
    text = _certificate(kind)
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    base()[["ID", "EASTING", "NORTHING"]].to_csv(tmp_path / "sites.csv", index=False)
    path = "a.csv"
    if form == "xlsx":
        path = "a.xlsx"
        _as_workbook(tmp_path / "a.csv", tmp_path / path)
    key = CERTIFICATES[kind][2]
    folder = project(tmp_path, ("Au", "Cu", "Fe"), path=path, id=key,
                     sites={"path": "sites.csv", "id": "ID"})  # fmt: skip
    result = run(folder)
    assert result.code == 0, result.lines
    truth = base()
    assert f"{N} samples at {N} places" in result.lines
    assert result.value("Au") == pytest.approx(truth["Zn_ppm"].median() / 10, abs=0.06)
    assert result.value("Cu") == pytest.approx(truth["Cu_ppm"].median())
    assert result.value("Fe") == pytest.approx(truth["Cu_ppm"].median() / 20, abs=0.01)


def _as_workbook(source: Path, target: Path) -> None:
    import csv

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    text = source.read_text("utf-8")
    sep = ";" if text.count(";") > text.count(",") else ","
    for row in csv.reader(text.splitlines(keepends=True), delimiter=sep):
        sheet.append([_typed(cell) for cell in row])
    book.save(target)


def _typed(cell: str) -> object:
    try:
        return float(cell)
    except ValueError:
        return cell or None


def test_an_analyte_of_two_methods_gives_two_columns(tmp_path: Path, run: Run) -> None:
    truth = base()
    head = ["SAMPLE,ME-ICP61,Cu-OG62", "DESCRIPTION,Cu,Cu", ",ppm,%"]
    rows = [f"{i},{c},{c / 1e4}" for i, c in zip(truth["ID"], truth["Cu_ppm"])]
    (tmp_path / "a.csv").write_text("\n".join([*head, *rows]), encoding="utf-8")
    truth[["ID", "EASTING", "NORTHING"]].to_csv(tmp_path / "sites.csv", index=False)
    options = {"id": "DESCRIPTION", "sites": {"path": "sites.csv", "id": "ID"}}
    _refused("Cu ME-ICP61", "Cu Cu-OG62")(run(project(tmp_path, **options)), tmp_path)
    for column in ("Cu ME-ICP61", "Cu Cu-OG62"):
        _same(project(tmp_path, columns={"Cu": column}, **options), run(tmp_path))


# --- files, sheets, sites, encodings ---------------------------------------------------------

LANGUAGES = {
    "gb18030": ("样品编号", "横坐标", "纵坐标", "铜(10-6)"),
    "cp932": ("試料番号", "X座標", "Y座標", "Cu(ppm)"),
    "cp1251": ("Номер пробы", "Восток", "Север", "Медь, г/т"),
    "cp866": ("Номер пробы", "Восток", "Север", "Медь, г/т"),
    "koi8-r": ("Номер пробы", "Восток", "Север", "Медь, г/т"),
    "cp1252": ("Échantillon", "Est", "Nord", "Cu (µg/g)"),
    "cp1250": ("Nr próbki", "X", "Y", "Miedź mg/kg"),
    "utf-16": ("Größe", "Rechtswert", "Hochwert", "Cu [mg/kg]"),
    "big5": ("樣品編號", "X座標", "Y座標", "Cu(ppm)"),
}


@pytest.mark.parametrize("encoding", LANGUAGES)
@pytest.mark.parametrize("sep", [",", ";", "\t"])
def test_tables_of_every_language_are_read_without_a_setting(
    encoding: str, sep: str, tmp_path: Path, run: Run
) -> None:
    names = LANGUAGES[encoding]
    table = base()[["ID", "EASTING", "NORTHING", "Cu_ppm"]].set_axis(list(names), axis=1)
    _write(tmp_path, table, sep, encoding)
    _same(project(tmp_path, id=names[0]), run(tmp_path))


@pytest.mark.parametrize("encoding", ["cp1251", "gb18030"])
def test_a_shapefile_without_its_encoding_is_read(encoding: str, tmp_path: Path, run: Run) -> None:
    name = {"cp1251": "Медь_ppm", "gb18030": "铜_ppm"}[encoding]
    truth = base()
    points = geopandas.points_from_xy(truth["EASTING"], truth["NORTHING"], crs=UTM)
    frame = geopandas.GeoDataFrame({name: truth["Cu_ppm"]}, geometry=points)
    frame.to_file(tmp_path / "a.shp", encoding=encoding)
    (tmp_path / "a.cpg").unlink()
    _same(project(tmp_path, path="a.shp", crs=None), run(tmp_path))


@pytest.mark.parametrize("form", ["zip", "gdb", "kml", "geojson", "fgb", "gml", "tab"])
def test_vector_files_are_read(form: str, tmp_path: Path, run: Run) -> None:
    truth = base()
    crs = "EPSG:4326" if form in ("kml", "geojson") else UTM
    points = geopandas.GeoSeries.from_xy(truth["EASTING"], truth["NORTHING"], crs=UTM).to_crs(crs)
    frame = geopandas.GeoDataFrame(truth[["ID", "Cu_ppm"]], geometry=points)
    name = f"a.{form}"
    if form == "zip":
        (tmp_path / "shape").mkdir()
        frame.to_file(tmp_path / "shape" / "a.shp")
        shutil.make_archive(str(tmp_path / "a"), "zip", tmp_path / "shape")
    else:
        drivers = {"gdb": "OpenFileGDB", "tab": "MapInfo File", "kml": "LIBKML"}
        options = {"SPATIAL_INDEX": "NO"} if form == "fgb" else {}  # keeps the order of rows
        frame.to_file(tmp_path / name, driver=drivers.get(form), **options)
    _same(project(tmp_path, path=name, crs=None), run(tmp_path))


def test_merged_cells_fill_their_rows(tmp_path: Path, run: Run) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Sample", "Position", None, "Chemistry"])
    sheet.append([None, "Easting", "Northing", "Cu_ppm"])
    sheet.merge_cells("A1:A2")
    sheet.merge_cells("B1:C1")
    for row in base().itertuples(index=False):
        sheet.append([row.ID, row.EASTING, row.NORTHING, row.Cu_ppm])
    book.save(tmp_path / "a.xlsx")
    _same(project(tmp_path, path="a.xlsx", id="Sample"), run(tmp_path))


def test_a_stray_cell_at_the_far_end_of_a_sheet_does_no_harm(tmp_path: Path, run: Run) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(list(base().columns))
    for row in base().itertuples(index=False):
        sheet.append(list(row))
    sheet["XFD1048576"] = " "
    book.save(tmp_path / "a.xlsx")
    _same(project(tmp_path, path="a.xlsx"), run(tmp_path))


KEYS = {
    "zeros": lambda i: f"{i + 1:05d}",
    "case": lambda i: f"s{i + 1:04d}",
    "sign": lambda i: f"S-{i + 1:04d}",
    "blank": lambda i: f"S {i + 1:04d}",
}


@pytest.mark.parametrize("name", KEYS)
def test_sites_are_joined_by_names_that_are_written_two_ways(
    name: str, tmp_path: Path, run: Run
) -> None:
    truth = base()
    own = truth["ID"] if name != "zeros" else pd.Series(range(1, N + 1))
    truth[["Cu_ppm"]].assign(ID=own).to_csv(tmp_path / "a.csv", index=False)
    sites = truth[["EASTING", "NORTHING"]].assign(ID=[KEYS[name](i) for i in range(N)])
    sites.sample(frac=1, random_state=3).to_csv(tmp_path / "sites.csv", index=False)
    result = run(project(tmp_path, id="ID", sites="sites.csv"))
    _same(tmp_path, result)
    assert "site-names" in result.codes()


def test_sites_have_their_own_sheet_encoding_and_key(tmp_path: Path, run: Run) -> None:
    truth = base()
    truth[["ID", "Cu_ppm"]].to_csv(tmp_path / "a.csv", index=False)
    sites = truth[["ID", "EASTING", "NORTHING"]].set_axis(["Точка", "Восток", "Север"], axis=1)
    sites.to_csv(tmp_path / "sites.txt", index=False, sep="|", encoding="cp866")
    stated = {"path": "sites.txt", "id": "Точка", "encoding": "cp866", "delimiter": "pipe"}
    _same(project(tmp_path, id="ID", sites=stated), run(tmp_path))


def test_controls_of_the_laboratory_are_no_samples(tmp_path: Path, run: Run) -> None:
    table = base().assign(SAMPLE_TYPE="ORIG")
    extra = table.iloc[:12].copy()
    extra["SAMPLE_TYPE"] = ["CRM", "BLANK", "STD", "BLK"] * 3
    extra["Cu_ppm"] = [900.0, 0.2, 1500.0, 0.1] * 3
    _write(tmp_path, pd.concat([table, extra], ignore_index=True))
    result = run(project(tmp_path))
    _same(tmp_path, result)
    assert "qc" in result.codes() and result.value("Cu", "duplicate_pairs") == 0


def test_different_media_at_one_place_are_no_duplicates(tmp_path: Path, run: Run) -> None:
    table = base().assign(MEDIUM="soil")
    rock = table.iloc[:30].assign(MEDIUM="rock", Cu_ppm=lambda t: t["Cu_ppm"] * 30)
    _write(tmp_path, pd.concat([table, rock], ignore_index=True))
    result = run(project(tmp_path, duplicates="keep"))
    assert result.value("Cu", "duplicate_pairs") == 0
    assert "medium-column" in result.codes()


def test_pairs_that_differ_like_strangers_are_not_a_precision(tmp_path: Path, run: Run) -> None:
    table = base()
    again = table.iloc[:30].assign(Cu_ppm=table["Cu_ppm"].iloc[:30].to_numpy() * 40)
    _write(tmp_path, pd.concat([table, again], ignore_index=True))
    result = run(project(tmp_path, duplicates="keep"))
    assert "precision" in result.codes()
    assert result.value("Cu", "duplicate_pairs") == 0


def test_merged_samples_keep_their_limit(tmp_path: Path, run: Run) -> None:
    table = _limited().astype(object)
    table.loc[_below(), "Cu_ppm"] = "<20"
    _write(tmp_path, pd.concat([table, table], ignore_index=True))
    result = run(project(tmp_path))
    _censored(tmp_path, result)
    assert "below 20" in result.lines and "nan" not in result.lines


def test_one_soil_horizon_is_kept(tmp_path: Path, run: Run) -> None:
    table = pd.concat([base().assign(Horizon=h, Cu_ppm=base()["Cu_ppm"] * f)
                       for h, f in (("A", 3), ("B", 1), ("C", 9))])  # fmt: skip
    _write(tmp_path, table)
    _same(project(tmp_path, horizon="B"), run(tmp_path))
    _refused("where 'Horizon'", "'A'")(run(project(tmp_path, horizon="Z")), tmp_path)
    _write(tmp_path, base())
    _refused("horizon_column")(run(project(tmp_path, horizon="B")), tmp_path)


def test_two_thousand_elements_are_read_in_one_pass(tmp_path: Path) -> None:
    """Seconds of one processor; the bound only tells a pass over all columns for each of them."""
    import time

    from gossan.geochem.table.survey import SurveySettings, read_survey

    rng = np.random.default_rng(0)
    names = [f"probe{i}" for i in range(2000)]
    table = pd.concat(
        [
            base()[["EASTING", "NORTHING"]],
            pd.DataFrame(rng.lognormal(2, 1, (N, 2000)).round(3), columns=names),
        ],
        axis=1,
    )
    _write(tmp_path, table)
    start = time.process_time()
    samples, _ = read_survey(SurveySettings(path="a.csv", crs=UTM), names, UTM, tmp_path)
    assert len(samples.elements) == 2000
    assert time.process_time() - start < 40


def test_thousands_of_rows_at_one_place_are_grouped(tmp_path: Path, run: Run) -> None:
    table = pd.concat([base(), pd.concat([base().iloc[[0]]] * 20_000)], ignore_index=True)
    _write(tmp_path, table)
    result = run(project(tmp_path))
    assert f"{N} places" in result.lines


def test_check_prints_what_was_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = texts(_limited(), ",").assign(Cu_Q=np.where(_below(), "<", ""))
    _write(tmp_path, table, ";")
    monkeypatch.setattr(sys, "argv", ["gossan", "check", str(project(tmp_path))])
    try:
        main()
    except SystemExit as stop:
        assert not stop.code
    printed = capsys.readouterr().out
    for words in (
        "decimal comma",
        "x = 'EASTING'",
        "column 'Cu_ppm'",
        "in ppm",
        "'Cu_Q'",
        "below the",
    ):
        assert words in printed, words


def test_a_qualifier_column_without_a_name_is_not_passed_over(tmp_path: Path, run: Run) -> None:
    table = _limited()
    table.insert(3, "", np.where(_below(), "<", ""))
    _write(tmp_path, table)
    _refused("'column 4'", "qualifiers")(run(project(tmp_path, ("Cu", "Zn"))), tmp_path)
    folder = project(tmp_path, ("Cu", "Zn"), qualifiers={"Cu": "column 4"})
    _censored(folder, run(tmp_path))


@pytest.mark.parametrize("axes", [["EASTING"], ["NORTHING"], ["EASTING", "NORTHING"]])
def test_a_coordinate_of_zero_is_no_position(axes: list[str], tmp_path: Path, run: Run) -> None:
    table = base()
    table.loc[::20, axes] = 0
    _write(tmp_path, table)
    result = run(project(tmp_path))
    assert f"{N - 6} samples at {N - 6} places" in result.lines
    assert "no-position" in result.codes()
