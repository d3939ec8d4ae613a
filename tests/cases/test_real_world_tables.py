"""Tables as surveys, laboratories and databases write them, read at the first try or refused.

The truth is that of ``test_tables``; here each table goes through the reader of surveys, which
takes a few milliseconds, so that many forms can be tried.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pytest

from gossan.errors import SurveyError
from gossan.geo.samples import Samples
from gossan.geochem.findings import Findings
from gossan.geochem.table.survey import SurveySettings, read_survey

from .test_tables import UTM, N, base, degrees

LIMIT = 20.0
LONGITUDE = {"crs": "EPSG:4326"}


def below() -> np.ndarray:
    return (base()["Cu_ppm"] < LIMIT).to_numpy()


def read(folder: Path, table: pd.DataFrame | str, **settings: Any) -> tuple[Samples, Findings]:
    """Read Cu of a table; text is written as it is."""
    text = table if isinstance(table, str) else table.to_csv(index=False)
    (folder / "a.csv").write_text(text, encoding="utf-8")
    chosen = {"path": "a.csv", "crs": UTM} | settings
    stated = {name: value for name, value in chosen.items() if value is not None}
    return read_survey(SurveySettings(**stated), ("Cu",), UTM, folder)


def is_truth(samples: Samples, metres: float = 1.0) -> None:
    truth = base()
    places = truth[["EASTING", "NORTHING"]].to_numpy()
    np.testing.assert_allclose(samples.coordinates, places, atol=metres)
    np.testing.assert_allclose(samples.values("Cu"), truth["Cu_ppm"], rtol=1e-3)
    assert not samples.censored("Cu").any()


def is_censored(samples: Samples) -> None:
    lost = below()
    np.testing.assert_array_equal(samples.censored("Cu"), lost)
    np.testing.assert_allclose(samples.frame["Cu_limit"].to_numpy()[lost], LIMIT)
    np.testing.assert_allclose(samples.values("Cu")[~lost], base()["Cu_ppm"][~lost])


# --- limits in cells and in columns beside them -------------------------------------------------


@pytest.mark.parametrize(
    "cell",
    ["<20", "＜20", "〈20", "&lt;20", "'<20", "(20)<", "<LOD (20)", "<DL 20", "b.d. <20", "20<",
     "ND (20)", "-20", "20.0N", "20 UJ", "<2.0E+01", "<20 mg/kg", "<20000 ppb", "less than 20"],
)  # fmt: skip
def test_limits_in_cells(cell: str, tmp_path: Path) -> None:
    table = base().astype(object)
    table.loc[below(), "Cu_ppm"] = cell
    is_censored(read(tmp_path, table)[0])


@pytest.mark.parametrize(
    "word", ["NIL", "-DL", "below det", "< DL", "< LOD", "<LDD", "under LOD", "NDT", "<X", "trace"]
)
def test_words_for_less_than_a_limit(word: str, tmp_path: Path) -> None:
    table = base().astype(object)
    table.loc[below(), "Cu_ppm"] = word
    is_censored(read(tmp_path, table, detection_limits={"Cu": LIMIT})[0])


QUALIFIERS = [
    ("QCu", "<", ""), ("Cu_comment", "below detection", ""), ("Cu_s", "<", ""),
    ("Cu_symbol", "<", "NaN"), ("Cu_code", "L", ""), ("Cu_N", "N", ""), ("Cu_LOD", "<LOD", ""),
    ("Cu_cens", "left", "none"), ("Cu_ppm_Q", "U", "NA"), ("RMK_CU", "N", "(null)"),
]  # fmt: skip
"""Name of the column, its code for a limit, and what it says elsewhere."""


@pytest.mark.parametrize(("name", "code", "silent"), QUALIFIERS)
def test_columns_of_codes_are_qualifiers_whatever_they_are_called(
    name: str, code: str, silent: str, tmp_path: Path
) -> None:
    table = base()
    table.loc[below(), "Cu_ppm"] = LIMIT
    table.insert(4, name, np.where(below(), code, silent))
    is_censored(read(tmp_path, table)[0])


def test_a_column_of_signs_that_belongs_to_no_element_is_asked_about(tmp_path: Path) -> None:
    table = base()
    table.insert(3, "<", np.where(below(), "<", ""))
    with pytest.raises(SurveyError, match=r'qualifiers = \{ Cu = "<" \}'):
        read(tmp_path, table)


# --- numbers ------------------------------------------------------------------------------------

NUMBERS: dict[str, Callable[[float], str]] = {
    "Fortran": lambda v: f"{v:.4E}".replace("E", "D"),
    "power of ten": lambda v: "{}x10^{}".format(*f"{v:.5e}".split("e")),
    "formula of a spreadsheet": lambda v: f'="{v}"',
    "text of a spreadsheet": lambda v: f"'{v}",
    "fullwidth": lambda v: str(v).translate(str.maketrans("0123456789.", "０１２３４５６７８９．")),
    "Persian": lambda v: str(v).translate(str.maketrans("0123456789.", "۰۱۲۳۴۵۶۷۸۹٫")),
    "with its unit": lambda v: f"{v} ppm",
}


@pytest.mark.parametrize("form", NUMBERS)
def test_numbers_in_unusual_dress(form: str, tmp_path: Path) -> None:
    table = base().astype(object)
    table["Cu_ppm"] = table["Cu_ppm"].map(NUMBERS[form])
    is_truth(read(tmp_path, table)[0])


@pytest.mark.parametrize("form", ["{:.1f} ± 0.5", "{:.1f}*", "({:.1f})", "[{:.1f}]"])
def test_numbers_that_may_mean_two_things_are_refused_with_their_cells(
    form: str, tmp_path: Path
) -> None:
    table = base().astype(object)
    table["Cu_ppm"] = table["Cu_ppm"].map(form.format)
    with pytest.raises(SurveyError, match="column 'Cu_ppm' must be numbers or limits; got"):
        read(tmp_path, table)


@pytest.mark.parametrize("code", ["1.#QNAN", "(null)", "N.R.", "Lost", "not received", "NSS"])
def test_words_for_not_analysed(code: str, tmp_path: Path) -> None:
    table = base().astype(object)
    table.loc[::10, "Cu_ppm"] = code
    samples, _ = read(tmp_path, table)
    assert np.isnan(samples.values("Cu")).nonzero()[0].tolist() == list(range(0, N, 10))


# --- names and units ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["Cu (mg.kg-1)", "Cu mg·kg⁻¹", "Cu_parts_per_million", "ppm Cu", "A_CU_PPM", "Cu×10⁻⁶",
     "ME-ICP61 Cu ppm", "Cu_511P_ppm", "Медь, г/т", "銅(ppm)", "구리(ppm)", "Cu_ppm_best"],
)  # fmt: skip
def test_names_of_columns(name: str, tmp_path: Path) -> None:
    is_truth(read(tmp_path, base().rename(columns={"Cu_ppm": name}))[0])


def test_columns_about_an_element_are_not_its_contents(tmp_path: Path) -> None:
    about = {"Cu_2SD": 2.0, "Cu_rank": 1, "log_Cu": 1.5, "Cu_DL": 1.0, "Cu_type": "x"}
    is_truth(read(tmp_path, base().assign(**about))[0])


@pytest.mark.parametrize("unit", ["ppm", "ppb"])
@pytest.mark.parametrize(
    ("analyte", "value", "of"),
    [("SPECIES", "DATA_VALUE", "UNITS"), ("variable", "quantity", "uom"),
     ("ANALYTE_ABBREV", "NUMERIC_VALUE", "UNITS"), ("ELEMENT", "ASSAY_VALUE", "ASSAY_UNIT"),
     ("analyte_code", "analyte_value", "unit_of_measure")],
)  # fmt: skip
def test_long_tables(analyte: str, value: str, of: str, unit: str, tmp_path: Path) -> None:
    table = base().melt(["ID", "EASTING", "NORTHING"], ["Cu_ppm", "Zn_ppm"], analyte, value)
    table[analyte] = table[analyte].str.removesuffix("_ppm")
    table[value] *= {"ppm": 1, "ppb": 1000}[unit]
    is_truth(read(tmp_path, table.assign(**{of: unit}))[0])


@pytest.mark.parametrize(
    "cells", ["-,-,-,ppm,ppm", "text,number,number,ppm,ppm", ",m,m,(ppm),[ppm]"]
)
def test_rows_of_units(cells: str, tmp_path: Path) -> None:
    table = base().set_axis(["ID", "EASTING", "NORTHING", "Cu", "Zn"], axis=1)
    head, *rows = table.to_csv(index=False).splitlines()
    is_truth(read(tmp_path, "\n".join([head, cells, *rows]))[0])


@pytest.mark.parametrize(("share", "found"), [(0.5, True), (2**-0.5, True), (1.0, False)])
def test_limits_that_somebody_halved_are_doubted(share: float, found: bool, tmp_path: Path) -> None:
    table = base()
    table.loc[below(), "Cu_ppm"] = round(share * LIMIT, 1)
    assert bool(read(tmp_path, table)[1].of("substituted")) == found


@pytest.mark.parametrize("step", [1, 5, 20])
def test_coarse_contents_are_no_halved_limits(step: float, tmp_path: Path) -> None:
    table = base()
    table["Cu_ppm"] = (table["Cu_ppm"] / step).round().clip(lower=1) * step
    assert not read(tmp_path, table)[1].of("substituted")


# --- places -------------------------------------------------------------------------------------


def parted(value: float) -> tuple[int, int, float]:
    whole = round(abs(value) * 3600, 2)
    return int(whole // 3600), int(whole // 60 % 60), round(whole % 60, 2)


ANGLES = {
    "star": "{0}*{1:02d}'{2:05.2f}\"{3}",
    "lost sign": "{0}\ufffd{1:02d}'{2:05.2f}\"{3}",
    "doubly encoded sign": "{0}Â°{1:02d}'{2:05.2f}\"{3}",
    "packed with side": "{0:02d}{1:02d}{2:05.2f}{3}",
    "dashes": "{0}-{1:02d}-{2:05.2f}{3}",
    "words": "{0} deg {1:02d} min {2:05.2f} sec {3}",
    "side first": "{3}{0:03d} {1:02d} {2:05.2f}",
}


@pytest.mark.parametrize("form", ANGLES)
def test_degrees_in_text(form: str, tmp_path: Path) -> None:
    lon, lat = degrees(base())
    table = base()[["ID", "Cu_ppm"]]
    table["LON"] = [ANGLES[form].format(*parted(x), "E") for x in lon]
    table["LAT"] = [ANGLES[form].format(*parted(y), "N") for y in lat]
    is_truth(read(tmp_path, table, **LONGITUDE)[0], metres=2.0)


PARTS = {
    "under": ("LAT_DEG LAT_MIN LAT_SEC", "LONG_DEG LONG_MIN LONG_SEC"),
    "letters": ("Lat.D Lat.M Lat.S", "Lon.D Lon.M Lon.S"),
    "glued": ("LATDEG LATMIN LATSEC", "LONDEG LONMIN LONSEC"),
    "Spanish": ("LAT_GRADOS LAT_MINUTOS LAT_SEGUNDOS", "LON_GRADOS LON_MINUTOS LON_SEGUNDOS"),
    "before": ("deg_lat min_lat sec_lat", "deg_lon min_lon sec_lon"),
}


@pytest.mark.parametrize("form", PARTS)
def test_degrees_in_three_columns(form: str, tmp_path: Path) -> None:
    table = base()[["ID", "Cu_ppm"]]
    for names, values in zip(PARTS[form], degrees(base())[::-1]):
        table[names.split()] = [parted(value) for value in values]
    is_truth(read(tmp_path, table, **LONGITUDE)[0], metres=2.0)


def test_degrees_in_three_columns_west_and_south_by_sign_or_side(tmp_path: Path) -> None:
    from gossan.geochem.table.written_places import join_degrees

    by_sign = {"LAT_DEG": ["-0", "5"], "LAT_MIN": [30, 0], "LON_DEG": ["-69", "10"],
               "LON_MIN": ["15", "30,5"]}  # fmt: skip
    joined, used = join_degrees(pd.DataFrame(by_sign))
    assert len(used) == 4
    np.testing.assert_allclose(joined[["longitude", "latitude"]], [[-69.25, -0.5], [10.508333, 5]])
    by_side = {"LAT_D": [23], "LAT_M": [30], "LAT_NS": ["S"], "LON_D": [69], "LON_M": [15],
               "LON_EW": ["W"]}  # fmt: skip
    joined, _ = join_degrees(pd.DataFrame(by_side))
    assert joined[["longitude", "latitude"]].to_numpy().tolist() == [[-69.25, -23.5]]
    wrong = pd.DataFrame(by_side | {"LAT_M": [75]})
    assert join_degrees(wrong)[1] == ()


@pytest.mark.parametrize("column", ["WKT", "geometry", "the_geom", "Shape"])
@pytest.mark.parametrize("form", ["wkt", "ewkt", "z", "wkb", "empty"])
def test_points_in_a_column(column: str, form: str, tmp_path: Path) -> None:
    lon, lat = degrees(base())
    points = geopandas.GeoSeries.from_xy(lon, lat)
    texts = {
        "wkt": points.to_wkt(),
        "ewkt": "SRID=4326;" + points.to_wkt(),
        "z": geopandas.GeoSeries.from_xy(lon, lat, np.full(N, 300.0)).to_wkt(),
        "wkb": points.to_wkb(hex=True),
        "empty": points.to_wkt(),
    }
    table = base()[["ID", "Cu_ppm"]].assign(**{column: texts[form]})
    if form == "empty":
        table.loc[N] = ["S9999", 50.0, ""]
    crs = None if form == "ewkt" else "EPSG:4326"
    is_truth(read(tmp_path, table, crs=crs)[0])


def test_other_geometries_in_a_column_are_no_points(tmp_path: Path) -> None:
    table = base()[["ID", "Cu_ppm"]].assign(geometry="LINESTRING (44 23, 45 24)")
    with pytest.raises(SurveyError, match="x and y must be stated"):
        read(tmp_path, table, **LONGITUDE)


@pytest.mark.parametrize(
    "names",
    ["XCOO YCOO", "E_UTM N_UTM", "EASTING_ITM NORTHING_ITM", "MGA94_E MGA94_N", "GRIDX GRIDY",
     "NAT_Grid_East NAT_Grid_North", "x_utm38 y_utm38", "UTMX UTMY", "EastUTM NorthUTM",
     "X_Coordinate Y_Coordinate", "UTME84 UTMN84", "Rechts Hoch", "E-koord N-koord"],
)  # fmt: skip
def test_names_of_coordinates(names: str, tmp_path: Path) -> None:
    renamed = dict(zip(("EASTING", "NORTHING"), names.split()))
    is_truth(read(tmp_path, base().rename(columns=renamed))[0])


def test_minutes_alone_are_no_coordinates(tmp_path: Path) -> None:
    table = base().rename(columns={"EASTING": "Lon M", "NORTHING": "Lat M"})
    with pytest.raises(SurveyError, match="x and y must be stated"):
        read(tmp_path, table)


def test_of_two_pairs_of_coordinates_the_one_of_the_datum_is_taken(tmp_path: Path) -> None:
    truth = base().rename(columns={"EASTING": "EASTING_WGS84", "NORTHING": "NORTHING_WGS84"})
    other = {"EASTING_ED50": base()["EASTING"] + 80, "NORTHING_ED50": base()["NORTHING"] + 190}
    both = pd.concat([pd.DataFrame(other), truth], axis=1)
    is_truth(read(tmp_path, both)[0])
    with pytest.raises(SurveyError, match=r"datum of WGS 84.*'EASTING_ED50'"):
        read(tmp_path, both.drop(columns=["EASTING_WGS84", "NORTHING_WGS84"]))


@pytest.mark.parametrize("code", [32637, "EPSG:32637", "WGS 84 / UTM zone 37N"])
@pytest.mark.parametrize("column", ["EPSG", "SRID", "CRS", "coord_srs"])
def test_a_column_of_systems_is_not_passed_over(column: str, code: object, tmp_path: Path) -> None:
    with pytest.raises(SurveyError, match="EPSG:32638; got EPSG:32637"):
        read(tmp_path, base().assign(**{column: code}))


@pytest.mark.parametrize("code", [999999, 9999999, -9999, 0])
def test_codes_in_place_of_coordinates(code: int, tmp_path: Path) -> None:
    table = base()
    table.loc[:4, ["EASTING", "NORTHING"]] = code
    samples, findings = read(tmp_path, table)
    assert len(samples) == N - 5
    assert findings.of("no-position")


# --- certificates -------------------------------------------------------------------------------

HEADS = {
    "Actlabs": "Report Number: A26-1,,|Analyte Symbol,Au,Cu|Unit Symbol,ppb,ppm|Lower Limit,5,1"
    "|Method Code,FA-AA,TD-ICP",
    "MSA": "Method,FAS-111,IMS-230|Analyte,Au,Cu|Units,ppb,ppm|LOR,0.01,0.2|Analyte,,",
    "Ultratrace": "JOB,u123,|SCHEME,FA001,ICP102|UNITS,ppb,ppm|DL,1,1|Analyte,Au,Cu",
    "GSC": "Analyte,Au,Cu|,INAA,ICP-MS|,ppb,ppm|D.L.,2,0.1",
    "SGS Geosol": "CERTIFICADO GQ26,,|METODO,FAA323,ICM40B|ANALITO,Au,Cu|UNIDADE,PPB,PPM"
    "|LD,5,0.5|AMOSTRAS,,",
    "SGS del Perú": "SGS DEL PERU,,|Elemento,Au,Cu|Esquema,FAA313,ICP40B|Unidad,ppb,ppm"
    "|L. Inferior,5,0.5|L. Superior,5000,10000|Muestra,,",
}
KEYS = {"SGS Geosol": "AMOSTRAS", "SGS del Perú": "Muestra", "Actlabs": "Analyte Symbol"}


@pytest.mark.parametrize("laboratory", HEADS)
def test_heads_of_certificates(laboratory: str, tmp_path: Path) -> None:
    truth = base()
    truth[["ID", "EASTING", "NORTHING"]].to_csv(tmp_path / "sites.csv", index=False)
    rows = [
        f"{i},{z / 10:.1f},{c}" for i, z, c in zip(truth["ID"], truth["Zn_ppm"], truth["Cu_ppm"])
    ]
    text = "\n".join([*HEADS[laboratory].split("|"), *rows])
    key = KEYS.get(laboratory, "Analyte")
    is_truth(read(tmp_path, text, id=key, sites={"path": "sites.csv", "id": "ID"})[0])


ENCODED = {
    "cp932": "試料番号,経度,緯度,銅(ppm),ﾋﾞｺｳ",
    "euc_jp": "試料番号,経度,緯度,銅(ppm),備考",
    "cp949": "시료번호,경도,위도,구리(ppm),비고",
    "big5": "樣品編號,經度,緯度,銅(ppm),備註",
    "cp1251": "ПРОБА,ДОЛГОТА,ШИРОТА,МЕДЬ (Г/Т),ЁМКОСТЬ",
    "cp1254": "Örnek,Boylam,Enlem,Cu_ppm,Açıklama",
}


@pytest.mark.parametrize("encoding", ENCODED)
def test_encodings_are_distinguished(encoding: str, tmp_path: Path) -> None:
    lon, lat = degrees(base())
    names = ENCODED[encoding].split(",")
    table = base()[["ID", "Cu_ppm"]].assign(lon=lon, lat=lat, note=names[-1])
    table = table[["ID", "lon", "lat", "Cu_ppm", "note"]].set_axis(names, axis=1)
    (tmp_path / "b.csv").write_bytes(table.to_csv(index=False).encode(encoding))
    is_truth(read(tmp_path, "", path="b.csv", **LONGITUDE)[0])


def test_flags_of_standards_are_understood(tmp_path: Path) -> None:
    controls = base().iloc[:6].assign(Cu_ppm=999.0, is_standard=True)
    table = pd.concat([base().assign(is_standard=False), controls], ignore_index=True)
    is_truth(read(tmp_path, table)[0])
