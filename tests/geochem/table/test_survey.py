"""Surveys, real and dirty, become samples; each mistake is one clear line with its rows."""

from __future__ import annotations

import re
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from pyproj import CRS, Transformer

from gossan.errors import SurveyError
from gossan.geo.samples import Samples
from gossan.geochem import findings as findings_module
from gossan.geochem.findings import CODES, Findings
from gossan.geochem.table.coordinates import check_extent
from gossan.geochem.table.quality import limits_report, report_lines, spacing_report, survey_report
from gossan.geochem.table.survey import SurveySettings, read_survey
from gossan.geochem.transforms import check_transform

UTM = "EPSG:32638"


def _table(n: int = 40, seed: int = 5) -> pd.DataFrame:
    """An oblong survey of 1 km by 1.4 km cells west of Riyadh, positions jittered."""
    rng = np.random.default_rng(seed)
    column, row = np.arange(n) % 5, np.arange(n) // 5
    return pd.DataFrame(
        {
            "id": [f"S{i:03d}" for i in range(n)],
            "east": (400_000 + 1000 * column + rng.uniform(-200, 200, n)).round(1),
            "north": (2_600_000 + 1400 * row + rng.uniform(-300, 300, n)).round(1),
            "Cu_ppm": rng.lognormal(3, 0.5, n).round(2),
            "Zn_ppm": rng.lognormal(4, 0.4, n).round(1),
        }
    ).astype(object)


def _read(
    folder: Path, table: pd.DataFrame, elements: tuple[str, ...] = ("Cu", "Zn"), **more: object
) -> tuple[Samples, Findings]:
    table.to_csv(folder / "a.csv", index=False)
    options: dict[str, object] = {"name": "a", "path": "a.csv", "x": "east", "y": "north",
                                  "crs": UTM, "id": "id"} | more  # fmt: skip
    return read_survey(SurveySettings(**options), elements, UTM, folder)  # type: ignore[arg-type]


def test_a_clean_table_comes_through_unchanged(tmp_path: Path) -> None:
    table = _table()
    samples, findings = _read(tmp_path, table, support_m=1000)
    np.testing.assert_allclose(samples.values("Cu"), table["Cu_ppm"].astype(float))
    np.testing.assert_allclose(samples.coordinates, table[["east", "north"]].astype(float))
    assert samples.units == {"Cu": "ppm", "Zn": "ppm"} and samples.support_m == 1000
    assert samples.frame["row"].tolist() == list(range(2, 42))
    assert not samples.censored("Cu").any()
    assert {f.severity for f in findings} == {"note"}


def test_degrees_are_brought_to_metres(tmp_path: Path) -> None:
    table = _table()
    to_degrees = Transformer.from_crs(UTM, 4326, always_xy=True)
    lon, lat = to_degrees.transform(table["east"].astype(float), table["north"].astype(float))
    moved = table.assign(east=lon, north=lat)
    samples, _ = _read(tmp_path, moved, crs="EPSG:4326")
    np.testing.assert_allclose(
        samples.coordinates, table[["east", "north"]].astype(float), atol=1e-3
    )


def test_degrees_minutes_and_seconds_are_read(tmp_path: Path) -> None:
    table = _table(3).assign(east=["44°30'00\" E", "44 31 30", "44d32'15.5\""],
                             north=["23°30'00\"N", "23:31:00", "23 32 00 N"])  # fmt: skip
    samples, _ = _read(tmp_path, table, crs="EPSG:4326")
    to_degrees = Transformer.from_crs(UTM, 4326, always_xy=True)
    lon, lat = to_degrees.transform(*samples.coordinates.T)
    np.testing.assert_allclose(lon, [44.5, 44.525, 44 + 32 / 60 + 15.5 / 3600], atol=1e-9)
    np.testing.assert_allclose(lat, [23.5, 23 + 31 / 60, 23 + 32 / 60], atol=1e-9)


def test_units_and_oxides_come_in_the_catalogues_unit(tmp_path: Path) -> None:
    table = _table().rename(columns={"Cu_ppm": "CU_ICP40 (pct)", "Zn_ppm": "ZnO_ppb"})
    samples, findings = _read(tmp_path, table)
    np.testing.assert_allclose(samples.values("Cu"), table["CU_ICP40 (pct)"].astype(float) * 1e4)
    factor = 65.38 / (65.38 + 15.999) * 1e-3
    np.testing.assert_allclose(samples.values("Zn"), table["ZnO_ppb"].astype(float) * factor)
    lines = [f.message for f in findings.of("column")]
    assert lines[0] == (
        "Cu = column 'CU_ICP40 (pct)' (found by its name) in percent, times 10000 to ppm"
    )


def test_a_unit_by_element_overrules_a_name_and_a_common_unit_does_not(tmp_path: Path) -> None:
    table = _table().rename(columns={"Cu_ppm": "Cu_ppb"})
    by_name, findings = _read(tmp_path, table, unit="ppm")
    assert findings.of("unit")
    np.testing.assert_allclose(by_name.values("Cu"), table["Cu_ppb"].astype(float) / 1000)
    stated, _ = _read(tmp_path, table, unit={"Cu": "ppm"})
    np.testing.assert_allclose(stated.values("Cu"), table["Cu_ppb"].astype(float))


def test_limits_codes_and_blanks_are_distinguished_and_flagged(tmp_path: Path) -> None:
    table = _table()
    table.loc[[0, 1, 2, 3, 4, 5], "Cu_ppm"] = ["<0.5", -0.5, ">10000", "BDL", -9999, ""]
    samples, findings = _read(tmp_path, table)
    assert samples.censored("Cu")[:6].tolist() == [True, True, True, True, False, False]
    np.testing.assert_array_equal(
        samples.values("Cu")[:6], [0.25, 0.25, 10000, 0.25, np.nan, np.nan]
    )
    np.testing.assert_array_equal(samples.frame["Cu_limit"][:4], [0.5, 0.5, 10000, 0.5])
    printed = {f.code: f.rows for f in findings if f.element == "Cu"}
    assert printed["below"] == (2, 3, 5) and printed["above"] == (4,)
    assert printed["negative"] == (3,) and printed["missing"] == (6,) and printed["blank"] == (7,)


@pytest.mark.parametrize("method", ["ros", "likelihood"])
def test_other_ways_of_censoring_are_used_where_asked(tmp_path: Path, method: str) -> None:
    table = _table()
    limit = float(np.quantile(table["Cu_ppm"].astype(float), 0.3))
    low = table["Cu_ppm"].astype(float) < limit
    table.loc[low, "Cu_ppm"] = f"<{limit}"
    samples, _ = _read(tmp_path, table, censoring=method)
    treated = samples.values("Cu")[low.to_numpy()]
    assert ((treated > 0) & (treated < limit)).all() and not np.allclose(treated, limit / 2)
    assert samples.censored("Cu").tolist() == low.tolist()


def test_limits_that_words_do_not_tell_come_from_batch_settings_or_an_error(
    tmp_path: Path,
) -> None:
    table = _table().assign(job=["J1"] * 20 + ["J2"] * 20)
    table.loc[[0, 1, 30, 31], "Cu_ppm"] = ["BDL", "<1", "BDL", "<4"]
    samples, _ = _read(tmp_path, table, batch="job")
    assert samples.frame["Cu_limit"][[0, 30]].tolist() == [1.0, 4.0]
    report = limits_report(samples)
    assert report[["batch", "limit", "samples"]].values.tolist() == [["J1", 1.0, 2], ["J2", 4.0, 2]]
    with pytest.raises(SurveyError, match=r"limit of Cu must be known; .*\(rows 2, 32\)"):
        _read(tmp_path, table)
    stated, _ = _read(tmp_path, table, detection_limits={"Cu": 0.8})
    assert stated.frame["Cu_limit"][[0, 30]].tolist() == [0.8, 0.8]


def test_zeros_are_what_the_settings_say(tmp_path: Path) -> None:
    table = _table()
    table.loc[[3, 9], "Cu_ppm"] = 0
    kept, findings = _read(tmp_path, table)
    assert kept.values("Cu")[3] == 0 and findings.of("zero")[0].rows == (5, 11)
    with pytest.raises(
        SurveyError, match=r"Cu must be positive under transform 'log'.* rows 5, 11"
    ):
        check_transform(kept, "Cu", "log")
    missing, _ = _read(tmp_path, table, zero="missing")
    assert np.isnan(missing.values("Cu")[3])
    below, _ = _read(tmp_path, table, zero="below", detection_limits={"Cu": 2.0})
    assert below.values("Cu")[3] == 1.0 and below.censored("Cu")[3]


def test_samples_of_one_place_become_one(tmp_path: Path) -> None:
    table = _table()
    table.loc[7, ["east", "north"]] = table.loc[6, ["east", "north"]]
    samples, findings = _read(tmp_path, table)
    assert len(samples) == 39 and findings.of("same-place")[0].rows == (8, 9)
    mean = table["Cu_ppm"][[6, 7]].astype(float).mean()
    assert samples.values("Cu")[6] == pytest.approx(mean)
    first, _ = _read(tmp_path, table, duplicates="first")
    assert first.values("Cu")[6] == float(table["Cu_ppm"][6])
    assert len(_read(tmp_path, table, duplicates="keep")[0]) == 40
    with pytest.raises(SurveyError, match=r"one at a place; got several.*\(rows 8, 9\)"):
        _read(tmp_path, table, duplicates="refuse")


def test_field_duplicates_give_the_precision_that_was_simulated(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    table = _table(400)
    again = table.copy()
    again["east"] = again["east"].astype(float) + 15
    again["Cu_ppm"] = table["Cu_ppm"].astype(float) * rng.lognormal(0, 0.1 * np.sqrt(2), 400)
    both = pd.concat([table, again], ignore_index=True)
    samples, _ = _read(tmp_path, both, id=None)
    row = survey_report(samples).set_index("element").loc["Cu"]
    assert row["duplicate_pairs"] == 400
    assert row["duplicate_percent"] == pytest.approx(10.0, rel=0.1)


def test_media_and_horizons_are_not_mixed_silently(tmp_path: Path) -> None:
    table = _table().assign(medium=["debris"] * 25 + ["soil"] * 15)
    with pytest.raises(SurveyError, match=r"medium must be one .* 25 debris, 15 soil.*rows 27-41"):
        _read(tmp_path, table, medium_column="medium")
    samples, _ = _read(tmp_path, table, medium_column="medium", where={"medium": "debris"})
    assert len(samples) == 25 and samples.medium == "debris"
    mixed, findings = _read(tmp_path, table, medium_column="medium", mixture="accept")
    assert len(mixed) == 40 and findings.of("mixture")[0].severity == "warning"


@pytest.mark.parametrize("method", ["median", "robust", "quantile"])
def test_levelling_takes_the_bias_of_a_batch_away(tmp_path: Path, method: str) -> None:
    table = _table(200).assign(job=["J1", "J2"] * 100)
    biased = table.copy()
    biased.loc[1::2, "Cu_ppm"] = biased.loc[1::2, "Cu_ppm"].astype(float) * 3
    samples, findings = _read(tmp_path, biased, batch="job", levelling=method)
    logs = np.log(samples.values("Cu"))
    assert abs(np.median(logs[::2]) - np.median(logs[1::2])) < 0.02
    truth = np.log(table["Cu_ppm"].astype(float))
    assert np.corrcoef(logs, truth)[0, 1] > 0.97
    assert findings.of("levelled")


def test_rows_are_chosen_by_words_and_comparisons(tmp_path: Path) -> None:
    table = _table().assign(depth=np.arange(40), kind=["ORIG", "DUP"] * 20)
    samples, _ = _read(tmp_path, table, where={"depth": "< 30", "kind": "or*"})
    assert samples.frame["row"].tolist() == list(range(2, 32, 2))
    with pytest.raises(SurveyError, match="where 'kind' must be a condition that some row meets"):
        _read(tmp_path, table, where={"kind": "BLANK"})


def test_covariates_come_along(tmp_path: Path) -> None:
    table = _table().assign(k_gamma=np.linspace(-1, 2, 40))
    samples, _ = _read(tmp_path, table, covariates=("k_gamma",))
    np.testing.assert_allclose(samples.covariates(["k_gamma"])[:, 0], np.linspace(-1, 2, 40))
    table = table.astype(object)
    table.loc[2, "k_gamma"] = "high"
    with pytest.raises(SurveyError, match=r"'k_gamma' must be numbers; got 'high'.*\(row 4\)"):
        _read(tmp_path, table, covariates=("k_gamma",))


def test_a_vector_file_brings_its_own_positions(tmp_path: Path) -> None:
    table = _table()
    points = geopandas.points_from_xy(table["east"], table["north"], crs=UTM)
    frame = geopandas.GeoDataFrame(
        table[["id", "Cu_ppm", "Zn_ppm"]].astype({"Cu_ppm": float, "Zn_ppm": float}),
        geometry=points, crs=UTM,
    )  # fmt: skip
    frame.to_crs(32637).to_file(tmp_path / "a.gpkg")
    settings = SurveySettings(name="a", path="a.gpkg")
    samples, _ = read_survey(settings, ["Cu"], UTM, tmp_path)
    np.testing.assert_allclose(
        samples.coordinates, table[["east", "north"]].astype(float), atol=1e-3
    )


# --- each mistake is one clear line with its rows ------------------------------------------


def _spoil(table: pd.DataFrame, rows: list[int], column: str, values: object) -> pd.DataFrame:
    spoilt = table.copy()
    spoilt.loc[rows, column] = values
    return spoilt


MISTAKES = {
    "text": (
        _spoil(_table(), [4, 9], "Cu_ppm", ["high", "12..5"]), {},
        r"column 'Cu_ppm' must be numbers or limits; got 'high', '12\.\.5'.*\(rows 6, 11\)",
    ),
    "wrong column": (
        _table(), {"columns": {"Cu": "Cu_pmm"}},
        r"columns\.Cu must be a column of the table; got 'Cu_pmm'\. Did you mean 'Cu_ppm'\.",
    ),
    "no crs": (_table(), {"crs": None}, r"crs must be stated; got none\. Add crs = \"EPSG:4326\""),
    "unknown crs": (_table(), {"crs": "EPSG:1"}, "crs must be a known coordinate system"),
    "swapped": (
        _table(), {"x": "north", "y": "east"},
        r"x and y must be easting and northing; got them swapped\. Exchange",
    ),
    "one swapped row": (
        _spoil(_table(), [3], "east", 2_600_000.0).pipe(_spoil, [3], "north", 400_000.0), {},
        r"got them swapped\. Correct the rows\. \(row 5\)",
    ),
    "degrees": (
        _table().assign(east=44.1, north=np.linspace(23, 24, 40)), {},
        r"x and y must be in metres of WGS 84 / UTM zone 38N; got degrees such as 44\.1, 23\.",
    ),
    "metres": (_table(), {"crs": "EPSG:4326"}, "must be in degrees of WGS 84"),
    "far zone": (_table(), {"crs": "EPSG:32718"}, "zone"),
    "all censored": (
        _table().assign(Cu_ppm="<0.5"), {},
        r"values of Cu must be measured in some sample; got all beyond a limit",
    ),
    "empty": (_table().assign(Cu_ppm=""), {}, "values of Cu must be in the table; got an empty"),
    "one sample": (_table(1), {}, r"values of Cu must be at least 2; got 1\."),
    "constant": (
        _table().assign(Cu_ppm=7.0), {}, "values of Cu must be different from each other; got 7"
    ),
    "impossible": (
        _table().rename(columns={"Cu_ppm": "Cu_pct"}).assign(Cu_pct=lambda t: t["Cu_pct"] * 10), {},
        r"Cu must be at most 100 percent of a sample; got .*Check the unit of column 'Cu_pct'",
    ),
    "mixed units": (
        _spoil(_table(), [1, 2, 3, 30], "Cu_ppm", [0.0021, 0.0019, 0.0024, 0.002]), {},
        r"Cu must be in one unit; got two groups of values about \d+ times apart.*rows 3-5, 32\)",
    ),
    "negative refused": (
        _spoil(_table(), [0], "Cu_ppm", -3), {"negative": "refuse"},
        r"Cu must be 0 or more.*row 2\)",
    ),
    "no unit": (
        _table().rename(columns={"Cu_ppm": "copper"}), {}, r"unit of Cu must be known; .*'copper'"
    ),
    "ambiguous": (
        _table().assign(Cu_ppm_xrf=1.0).rename(columns={"Cu_ppm": "Cu_ppm_icp"}), {},
        r"column of Cu must be one; got 'Cu_ppm_icp' or 'Cu_ppm_xrf'\. State one",
    ),
    "absent": (
        _table().drop(columns="Cu_ppm"), {}, r"column of Cu must be found by its name; got none"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(MISTAKES))
def test_a_mistake_is_reported_in_one_line(name: str, tmp_path: Path) -> None:
    table, options, message = MISTAKES[name]
    with pytest.raises(SurveyError, match=message) as raised:
        _read(tmp_path, table, ("Cu",), **options)
    assert len(str(raised.value).splitlines()) == 1


def test_all_mistakes_are_reported_together(tmp_path: Path) -> None:
    table = _table()
    table.loc[0, "Cu_ppm"], table.loc[1, "Zn_ppm"] = "x1", "x2"
    with pytest.raises(SurveyError) as raised:
        _read(tmp_path, table)
    lines = str(raised.value).splitlines()
    assert len(lines) == 2 and "Cu_ppm" in lines[0] and "Zn_ppm" in lines[1]


def test_an_error_can_be_accepted_or_its_rows_left_out(tmp_path: Path) -> None:
    table = _spoil(_table(), [1, 2, 3], "Cu_ppm", [0.0021, 0.0019, 0.0024])
    accepted, findings = _read(tmp_path, table, accept=("mixed-units",))
    assert len(accepted) == 40 and findings.of("mixed-units")[0].severity == "warning"
    dropped, _ = _read(tmp_path, table, drop=("mixed-units",))
    assert dropped.frame["row"].tolist() == [2, *range(6, 42)]


def test_a_mistyped_position_is_found_and_can_be_left_out(tmp_path: Path) -> None:
    table = _table()
    table.loc[12, "east"] = float(table.loc[12, "east"]) + 10_000
    samples, findings = _read(tmp_path, table)
    assert findings.of("lone")[0].rows == (14,) and len(samples) == 40
    assert len(_read(tmp_path, table, drop=("lone",))[0]) == 39


def test_rows_without_a_position_are_left_out_and_named(tmp_path: Path) -> None:
    samples, findings = _read(tmp_path, _spoil(_table(), [0, 5], "east", ["", "NA"]))
    assert len(samples) == 38 and findings.of("no-position")[0].rows == (2, 7)


def test_points_outside_the_imagery_are_named_and_explained(tmp_path: Path) -> None:
    samples, _ = _read(tmp_path, _table())
    crs = CRS.from_user_input(UTM)
    inside = (399_000.0, 2_599_000.0, 410_000.0, 2_620_000.0)
    assert not len(check_extent(samples, inside, crs))
    part = (399_000.0, 2_599_000.0, 410_000.0, 2_606_000.0)
    finding = next(iter(check_extent(samples, part, crs)))
    lost = samples.frame["row"][samples.coordinates[:, 1] > 2_606_000]
    assert finding.severity == "warning" and finding.rows == tuple(lost)


def test_a_wrong_zone_and_swapped_degrees_are_explained_by_the_imagery(tmp_path: Path) -> None:
    table = _table()
    crs = CRS.from_user_input(UTM)
    inside = (399_000.0, 2_599_000.0, 410_000.0, 2_620_000.0)
    wrong, _ = _read(tmp_path, table, crs="EPSG:32637")
    finding = next(iter(check_extent(wrong, inside, crs)))
    assert finding.severity == "error" and 'crs = "EPSG:32638"' in finding.message
    to_degrees = Transformer.from_crs(UTM, 4326, always_xy=True)
    lon, lat = to_degrees.transform(table["east"].astype(float), table["north"].astype(float))
    near = table.assign(east=lat + 14, north=lon - 14)  # both axes possible either way
    swapped, _ = _read(tmp_path, near, crs="EPSG:4326")
    north, east = Transformer.from_crs(4326, UTM, always_xy=True).transform(lon - 14, lat + 14)
    box = (north.min() - 1e3, east.min() - 1e3, north.max() + 1e3, east.max() + 1e3)
    finding = next(iter(check_extent(swapped, box, crs)))
    assert "swapped" in finding.message


def test_a_check_survey_may_lack_an_element(tmp_path: Path) -> None:
    table = _table().drop(columns="Zn_ppm")
    samples, findings = _read(tmp_path, table, role="check")
    assert samples.elements == ("Cu",) and findings.of("column")[-1].severity == "warning"
    with pytest.raises(SurveyError, match="column of Zn"):
        _read(tmp_path, table)


@pytest.mark.parametrize(
    "options",
    [
        {"path": " "},
        {"mixture": "level"},
        {"sites": "b.csv"},
        {"spporrt_m": 3},
        {"drop": ("lonely",)},
        {"levelling": "median"},
    ],
)
def test_wrong_settings_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SurveySettings(**({"path": "a.csv"} | options))  # type: ignore[arg-type]


def test_a_column_that_sounds_like_another_element_is_pointed_out(tmp_path: Path) -> None:
    _, findings = _read(tmp_path, _table(), ("Cu",), columns={"Cu": "Zn_ppm"})
    assert "sounds like Zn" in findings.of("species")[0].message


def test_media_are_levelled_where_asked(tmp_path: Path) -> None:
    table = _table(100).assign(medium=["debris", "soil"] * 50, Cu_ppm=lambda t: t["Cu_ppm"])
    table.loc[1::2, "Cu_ppm"] = table.loc[1::2, "Cu_ppm"].astype(float) * 5
    samples, findings = _read(
        tmp_path, table, medium_column="medium", mixture="level", levelling="median"
    )
    logs = np.log(samples.values("Cu"))
    assert np.median(logs[::2]) == pytest.approx(np.median(logs[1::2]), abs=1e-9)
    assert findings.of("levelled") and findings.of("mixture")


def test_a_row_entered_twice_is_no_duplicate_pair(tmp_path: Path) -> None:
    table = _table()
    again = pd.concat([table, table.iloc[[4]]], ignore_index=True)
    samples, findings = _read(tmp_path, again)
    assert len(samples) == 40 and findings.of("repeated-id")[0].rows == (6, 42)
    assert survey_report(samples)["duplicate_pairs"].tolist() == [0, 0]


def test_every_code_of_a_finding_is_known() -> None:
    rooms = Path(findings_module.__file__).parent
    used = {
        code
        for path in rooms.glob("*.py")
        for code in re.findall(
            r'Finding\(\s*"(?:error|warning|note)",\s*"([a-z-]+)"', path.read_text()
        )
    }
    assert used and used <= set(CODES)


def test_the_report_reads_as_lines(tmp_path: Path) -> None:
    table = _spoil(_table(), [0, 5, 6], "Cu_ppm", ["<2", "<2", ""])
    table.loc[9, "Cu_ppm"] = 9000
    samples, _ = _read(tmp_path, table)
    lines = report_lines(samples)
    assert "40 samples at 40 places" in lines[0] and "1:100,000" in lines[0]
    assert "39 values" in lines[1] and "1 not analysed" in lines[1]
    assert "5 % below 2" in lines[1] and "outliers: 1 (row 11)" in lines[1]
    assert lines[2].startswith("Zn: 40 values")


def test_findings_make_a_table(tmp_path: Path) -> None:
    _, findings = _read(tmp_path, _spoil(_table(), [0, 5], "Cu_ppm", ["<1", "<1"]))
    frame = findings.to_frame()
    assert list(frame.columns) == ["severity", "code", "element", "message", "count", "rows"]
    assert frame.set_index("code").loc["below", "rows"] == "rows 2, 7"


# --- real surveys ---------------------------------------------------------------------------


def test_the_wadi_sediment_survey_is_understood_by_its_names(test_data: Path) -> None:
    """Element, unit and method are in the names; 26 pairs of field duplicates lie within 50 m."""
    path = test_data / "dawadimi_west" / "stream_sediment.csv"
    raw = pd.read_csv(path)
    wanted = ["Cu", "Zn", "Au", "Fe", "Al", "SiO2", "Sn", "P", "Y", "N", "I"]
    settings = SurveySettings(name="wadi", path=str(path), crs=UTM, id="sample_id")
    samples, findings = read_survey(settings, wanted, UTM)
    assert len(samples) == 605 and not findings.of_severity("error")
    np.testing.assert_array_equal(samples.values("Au"), raw["Au_ppb_icp"])
    np.testing.assert_allclose(samples.values("Fe"), raw["TFe2O3_percent_xrf"] * 0.69943, rtol=1e-4)
    np.testing.assert_array_equal(samples.values("Y"), raw["Y_ppm_icp"])
    assert samples.units["Au"] == "ppb" and samples.units["SiO2"] == "percent"
    report = survey_report(samples).set_index("element")
    assert report.loc["Cu", "median"] == pytest.approx(raw["Cu_ppm_icp"].median())
    assert report.loc["Cu", "duplicate_pairs"] > 5
    spacing = spacing_report(samples).iloc[0]
    assert spacing["scale"] in ("1:200,000", "1:250,000")


def test_soil_profiles_in_two_tables_are_joined(test_data: Path) -> None:
    folder = test_data / "macedonia_soil"
    settings = SurveySettings(
        name="soil", path="horizons.csv", sites="site-level.csv", id="ProfID", crs="EPSG:4326",
        where={"DepthFrom": "<= 5"}, zero="missing",
    )  # fmt: skip
    samples, findings = read_survey(settings, ["Clay", "OM", "pH_H2O"], "EPSG:32634", folder)
    horizons = pd.read_csv(folder / "horizons.csv")
    sites = pd.read_csv(folder / "site-level.csv").drop_duplicates("ProfID").set_index("ProfID")
    top = horizons[horizons["DepthFrom"] <= 5]
    assert len(samples) == len(sites.loc[top["ProfID"]].drop_duplicates(["X", "Y"]))
    assert np.nanmin(samples.values("Clay")) > 0
    assert findings.of("same-place") and findings.of("zero")


def test_the_meuse_table_is_found_by_the_names_of_metals(test_data: Path) -> None:
    path = test_data / "meuse" / "meuse_points.csv"
    settings = SurveySettings(name="meuse", path=str(path), crs="EPSG:28992", unit="ppm")
    samples, _ = read_survey(settings, ["Zn", "Cd", "Pb", "Cu"], "EPSG:28992")
    assert len(samples) == 155
    assert survey_report(samples)["median"].tolist() == pytest.approx([326.0, 2.1, 123.0, 31.0])


def test_regolith_samples_bring_covariates(test_data: Path) -> None:
    path = test_data / "wa_cu_cr_regolith" / "cu_cr_points_with_covariates.csv"
    covariates = ("Elevation", "Slope", "pH", "SOC")
    settings = SurveySettings(
        name="wa", path=str(path), crs="EPSG:4326", id="SampleID", covariates=covariates
    )
    samples, _ = read_survey(settings, ["Cu", "Cr"], "EPSG:32750")
    assert len(samples) == 614 and samples.covariates(covariates).shape == (614, 4)
