"""Tables of every usual format give the same cells, and rows as the user sees them."""

from __future__ import annotations

from pathlib import Path

import geopandas
import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import MultiPoint

from gossan.errors import SurveyError
from gossan.geochem.table.cells import Words, parse_cells
from gossan.geochem.table.notation import COMMA, POINT
from gossan.geochem.table.reading import FileOptions, read_table

HEADER = ["Sample", "East", "North", "Cu (ppm)", "Remarks"]
BODY = [
    ["A1", "500100.5", "4000200", "12.5", "wadi, left bank"],
    ["A2", "500300", "4000900", "<0.5", "Grès \u00e0 \u00b5"],
    ["A3", "501200", "4000950.25", "", "dup"],
    ["A4", "500400", "4001950", ">10000", ""],
]


def _write(path: Path, delimiter: str, encoding: str, comma: bool) -> Path:
    rows = [HEADER] + [
        [c.replace(".", ",") if comma and i in (1, 2, 3) else c for i, c in enumerate(row)]
        for row in BODY
    ]
    text = "\n".join(delimiter.join(f'"{c}"' if delimiter in c else c for c in row) for row in rows)
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le"])
@pytest.mark.parametrize(
    ("delimiter", "comma"), [(",", False), (";", False), (";", True), ("\t", True), ("|", False)]
)
def test_text_is_read_in_any_encoding_delimiter_and_decimal(
    tmp_path: Path, encoding: str, delimiter: str, comma: bool
) -> None:
    table = read_table(_write(tmp_path / "a.csv", delimiter, encoding, comma))
    assert list(table.frame.columns) == HEADER
    assert table.rows.tolist() == [2, 3, 4, 5]
    assert table.evidence.decimal == ("comma" if comma else "point")
    assert table.frame["Remarks"][1] == "Grès \u00e0 \u00b5"
    east = table.cells("East").number
    assert east.tolist() == [500100.5, 500300.0, 501200.0, 500400.0]
    copper = table.cells("Cu (ppm)", "concentration")
    np.testing.assert_array_equal(copper.number, [12.5, 0.5, np.nan, 10000.0])


def test_chinese_tables_are_read(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    path.write_bytes(
        "样品,经度,纬度,铜 Cu\n土壤1,90.1,42.2,<0.5\n土壤2,90.3,42.3,12\n".encode("gb18030")
    )
    table = read_table(path)
    assert table.frame["样品"].tolist() == ["土壤1", "土壤2"]
    assert "gb18030" in table.findings.lines()[0]


def test_columns_lined_up_with_spaces_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.dat"
    path.write_text("id   east    north  Cu\n1    10.0    20.0   5\n2    11.0    21.0   60\n")
    table = read_table(path)
    assert list(table.frame.columns) == ["id", "east", "north", "Cu"]
    assert table.frame["Cu"].tolist() == ["5", "60"]


def test_rows_are_counted_as_in_the_file_past_titles_blanks_and_broken_cells(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "Laboratory report 77,,,\n\nSample,X,Y,Cu\nunit,m,m,ppm\nDetection limit,,,0.5\n"
        'A1,1,2,3\n\n"A\n2",4,5,6\nA3,7,8,9\n'
    )
    table = read_table(path)
    assert list(table.frame.columns) == ["Sample", "X", "Y", "Cu"]
    assert table.units == {"Cu": "ppm"}
    assert table.limits["Cu"] == "0.5"
    assert table.rows.tolist() == [6, 8, 10]
    assert [f.rows for f in table.findings.of("header")] == [(3,), (4, 5)]


def test_names_of_samples_are_not_taken_for_limits_or_units(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Sample,X,Y,Cu\nDL-001,1,2,3\nUnit 5,4,5,6\n")
    assert read_table(tmp_path / "a.csv").rows.tolist() == [2, 3]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_endings_of_all_systems_are_read(tmp_path: Path, end: str) -> None:
    (tmp_path / "a.csv").write_bytes(end.join(["id,Cu", "1,2", "", "3,4"]).encode())
    assert read_table(tmp_path / "a.csv").rows.tolist() == [2, 4]


def test_a_quote_that_is_not_closed_is_pointed_out(tmp_path: Path) -> None:
    body = "".join(f"{i},x,5\n" for i in range(20))
    (tmp_path / "a.csv").write_text('id,note,Cu\n1,"old shaft,3\n' + body + '9,"end,2\n' + body)
    assert read_table(tmp_path / "a.csv").findings.of("long-row")[0].rows == (2,)


def test_a_spreadsheet_gives_the_same_table(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "notes"
    sheet = book.create_sheet("assays")
    sheet.append(["Certificate"])
    sheet.append([])
    sheet.append(HEADER)
    for row in BODY:
        sheet.append([float(c) if i in (1, 2) else c for i, c in enumerate(row)])
    book.save(tmp_path / "a.xlsx")
    table = read_table(tmp_path / "a.xlsx", FileOptions(sheet="assays"))
    assert list(table.frame.columns) == HEADER
    assert table.rows.tolist() == [4, 5, 6, 7]
    assert table.frame["East"].tolist() == [500100.5, 500300, 501200, 500400]
    with pytest.raises(SurveyError, match=r"sheet must be 'notes' or 'assays'; got 'assay'"):
        read_table(tmp_path / "a.xlsx", FileOptions(sheet="assay"))


@pytest.mark.parametrize("ending", ["gpkg", "geojson", "shp"])
def test_vector_files_give_positions_and_crs(tmp_path: Path, ending: str) -> None:
    crs = 4326 if ending == "geojson" else 32638
    points = geopandas.points_from_xy([44.1, 44.2], [23.5, 23.7], crs=4326).to_crs(crs)
    frame = geopandas.GeoDataFrame({"Cu_ppm": ["<1", "20"]}, geometry=points, crs=crs)
    frame.to_file(tmp_path / f"a.{ending}")
    table = read_table(tmp_path / f"a.{ending}")
    assert table.crs is not None and table.crs.to_epsg() == crs
    assert table.frame["Cu_ppm"].tolist() == ["<1", "20"]
    assert table.rows.tolist() == [1, 2]
    assert table.coordinates is not None
    np.testing.assert_allclose(table.coordinates, np.column_stack([points.x, points.y]))


def test_points_of_one_and_features_without_a_place_are_read(tmp_path: Path) -> None:
    shapes = [MultiPoint([(1.0, 2.0)]), None, MultiPoint([(3.0, 4.0)])]
    frame = geopandas.GeoDataFrame({"Cu_ppm": [5.0, np.nan, 7.0]}, geometry=shapes, crs=32638)
    frame.to_file(tmp_path / "a.gpkg")
    table = read_table(tmp_path / "a.gpkg")
    assert table.coordinates is not None
    np.testing.assert_array_equal(table.coordinates, [[1, 2], [np.nan, np.nan], [3, 4]])
    assert parse_cells(table.frame["Cu_ppm"].tolist()).blank.tolist() == [False, True, False]


def test_lines_and_polygons_are_refused(tmp_path: Path) -> None:
    frame = geopandas.GeoDataFrame(
        {"a": [1]}, geometry=geopandas.points_from_xy([1], [2]).buffer(1), crs=32638
    )
    frame.to_file(tmp_path / "a.gpkg")
    with pytest.raises(SurveyError, match=r"a\.gpkg must be a layer of points; got Polygon"):
        read_table(tmp_path / "a.gpkg")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.pdf", b"%PDF", "path must be a table"),
        ("a.xlsx", b"not a workbook", "must be a table with rows below its header"),
        ("a.gpkg", b"not a database", "must be a readable vector file"),
        ("a.csv", b"", "must be a table; got an empty file"),
        ("a.csv", b"id,x,y,Cu\n", "must be a table with rows below its header"),
    ],
)
def test_files_that_are_no_tables_are_refused(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SurveyError, match=message):
        read_table(tmp_path / name)


def test_a_missing_file_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "stream_sediment.csv").write_text("a,b\n1,2\n")
    with pytest.raises(SurveyError, match=r"Did you mean 'stream_sediment\.csv'\."):
        read_table(tmp_path / "stream_sediments.csv")
    with pytest.raises(SurveyError, match="does not exist"):
        read_table(tmp_path / "nowhere" / "a.csv")


def test_a_wrong_encoding_is_refused_with_a_cure(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("id,Grès\n1,2\n".encode("cp1252"))
    with pytest.raises(SurveyError, match=r"encoding of a\.csv must be the file's own; got utf-8"):
        read_table(path, FileOptions(encoding="utf-8"))


def test_repeated_columns_get_their_own_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,Cu,Cu\n1,2,3\n")
    table = read_table(tmp_path / "a.csv")
    assert list(table.frame.columns) == ["id", "Cu", "Cu.2"]
    assert table.findings.of("repeated-column")


@given(
    st.lists(
        st.floats(0.001, 1e6, allow_nan=False).map(lambda v: round(v, 3)), min_size=1, max_size=30
    ),
    st.sampled_from(["point", "comma"]),
)
def test_numbers_survive_being_written_with_either_decimal(values: list[float], sign: str) -> None:
    words = [f"{v:.3f}".replace(".", "," if sign == "comma" else ".") for v in values]
    parsed = parse_cells(words, "concentration", COMMA if sign == "comma" else POINT)
    np.testing.assert_allclose(parsed.number, values, rtol=1e-12)
    assert parsed.measured.all()


CELLS: list[tuple[object, str, float]] = [
    ("<0.5", "below", 0.5), ("< 0.5", "below", 0.5), ("<=0.5", "below", 0.5),
    ("-0.5", "below", 0.5), ("0.5<", "below", 0.5), ("＜0.5", "below", 0.5), ("L0.5", "below", 0.5),
    ("BDL", "below", np.nan), ("n.d.", "below", np.nan), ("<LOD", "below", np.nan),
    (">10000", "above", 10000.0), (">10,000", "above", 10000.0), ("over range", "above", np.nan),
    ("-9999", "missing", np.nan), (-9999.0, "missing", np.nan), (-999, "missing", np.nan),
    ("-99", "missing", np.nan), ("-9999.00", "missing", np.nan), ("-1e32", "missing", np.nan),
    ("", "blank", np.nan), (None, "blank", np.nan), (float("nan"), "blank", np.nan),
    ("N/A", "blank", np.nan), ("#N/A", "blank", np.nan), ("not analysed", "blank", np.nan),
    (pd.NA, "blank", np.nan),
    ("12 ppm", "measured", 12.0), ("1.2e3", "measured", 1200.0), ("1,234.5", "measured", 1234.5),
    ("+3", "measured", 3.0), (7, "measured", 7.0), ("0", "measured", 0.0),
    ("abc", "text", np.nan), ("12 apples", "text", np.nan), ("1-2", "text", np.nan),
    ("1.2.3", "text", np.nan), ("inf", "text", np.nan),
]  # fmt: skip


@pytest.mark.parametrize(("cell", "kind", "number"), CELLS)
def test_kinds_of_cells_are_distinguished(cell: object, kind: str, number: float) -> None:
    parsed = parse_cells([cell, "1"])
    assert getattr(parsed, kind).tolist()[0], f"{cell!r} is not {kind}"
    kinds = ("measured", "below", "above", "missing", "blank", "text")
    assert sum(getattr(parsed, word)[0] for word in kinds) == 1
    np.testing.assert_equal(parsed.number[0], number)


def test_a_negative_number_is_a_number_where_no_concentration_is_meant() -> None:
    parsed = parse_cells(["-0.5", "-9999"], "number")
    assert parsed.number[0] == -0.5 and parsed.missing.tolist() == [False, True]


def test_words_and_codes_of_the_user_are_understood() -> None:
    parsed = parse_cells(["-1", "trop peu", "sous LD"], words=Words((-1, "trop peu"), ("sous LD",)))
    assert parsed.missing.tolist() == [True, False, False]
    assert parsed.blank.tolist() == [False, True, False]
    assert parsed.below.tolist() == [False, False, True]


@pytest.mark.parametrize("encoding", ["cp1251", "cp866", "utf-8"])
def test_russian_tables_are_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "пробы донных осадков.csv"
    head = "Номер пробы;Восток, м;Север, м;Медь (г/т)"
    text = f"{head}\n1;500100,5;4000200;12,5\n2;500300;4000900;<0,5\n"
    path.write_bytes(text.encode(encoding))
    table = read_table(path)
    assert list(table.frame.columns) == text.splitlines()[0].split(";")
    assert table.evidence.decimal == "comma"


def test_western_letters_are_not_taken_for_cyrillic(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("id,Lieu,Cu\n1,Forêt d'Épinay,3\n2,São João,4\n3,Müßöä,5\n".encode("cp1252"))
    assert read_table(path).frame["Lieu"].tolist() == ["Forêt d'Épinay", "São João", "Müßöä"]


def test_a_cover_sheet_is_passed_over_and_the_sheet_read_is_named(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    cover, assays = book.active, book.create_sheet("Assays")
    assert cover is not None
    cover.title, cover["A1"] = "Cover", "Report 77"
    assays.merge_cells("A1:C1")
    assays["A1"], assays["D1"] = "Sample", "ICP-MS"
    for row in (
        ["id", "Easting", "Northing", "Cu"],
        [None, "m", "m", "ppm"],
        ["A", 5.0, 7.0, 12.5],
        ["B", 6.0, 9.0, "<5"],
    ):
        assays.append(row)
    book.save(tmp_path / "lab results.xlsx")
    table = read_table(tmp_path / "lab results.xlsx")
    assert list(table.frame.columns) == ["id", "Easting", "Northing", "Cu"]
    assert table.units["Cu"] == "ppm"
    assert table.rows.tolist() == [4, 5]
    assert "'Assays'; other sheets: Cover" in table.findings.lines()[0]


@pytest.mark.parametrize("word", ["Einheit", "单位", "ед. изм.", "", "Unidad"])
def test_a_row_of_units_may_speak_other_languages(tmp_path: Path, word: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"Nr;X;Y;Cu\n{word};m;m;ppm\n1;5;6;7\n2;6;8;9\n", encoding="utf-8")
    table = read_table(path)
    assert table.rows.tolist() == [3, 4]
    assert table.units["Cu"] == "ppm"


def test_mapinfo_tables_are_distinguished_from_tab_separated_text(tmp_path: Path) -> None:
    points = geopandas.GeoDataFrame(
        {"Cu": [1.0, 2.0]}, geometry=geopandas.points_from_xy([5.0, 6.0], [7.0, 8.0]), crs=32638
    )
    points.to_file(tmp_path / "soil.tab", driver="MapInfo File")
    table = read_table(tmp_path / "soil.tab")
    assert table.coordinates is not None
    assert table.frame["Cu"].tolist() == [1.0, 2.0]
    (tmp_path / "text.tab").write_text("id\tx\ty\tCu\n1\t5\t6\t7\n")
    assert read_table(tmp_path / "text.tab").frame["Cu"].tolist() == ["7"]


def test_the_other_layers_of_a_geopackage_are_named(tmp_path: Path) -> None:
    points = geopandas.GeoDataFrame(geometry=geopandas.points_from_xy([5.0], [7.0]), crs=32638)
    for layer in ("soil", "rock"):
        points.to_file(tmp_path / "a.gpkg", layer=layer)
    assert "layer 'soil'; others: rock" in read_table(tmp_path / "a.gpkg").findings.lines()[0]
