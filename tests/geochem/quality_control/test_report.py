"""A survey with planted faults of its laboratory: the report finds each of them, and no other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gossan.geochem.quality_control.reading import read_controls
from gossan.geochem.quality_control.report import QualityReport, quality_report
from gossan.geochem.table.survey import SurveySettings, read_survey

UTM = "EPSG:32638"
CERTIFIED = {"OREAS 45d": {"Cu": 371.0, "Zn": 45.0}}


def _like(truth: dict[str, float], noise: float, rng: np.random.Generator) -> dict[str, float]:
    return {e: v * (1 + noise * float(rng.standard_normal())) for e, v in truth.items()}


def _survey(folder: Path, bias: float = 1.0, carry: float = 0.0, noise: float = 0.03) -> Path:
    """200 samples, 20 standards, 20 blanks, 20 repeats and 40 field duplicates, in order."""
    rng = np.random.default_rng(8)
    rows: list[dict[str, object]] = []
    for i in range(200):
        truth = {"Cu": float(rng.lognormal(3.4, 0.8)), "Zn": float(rng.lognormal(4.2, 0.6))}
        place = {"E": 400_000 + 900 * (i % 14), "N": 2_600_000 + 900 * (i // 14)}
        cells = _like(truth, noise, rng)
        rows.append({"ID": f"S{i:03d}", "TYPE": "ORIG", **place, **cells})
        if i % 10 == 3:
            copper = 0.2 + carry * cells["Cu"]
            rows.append({"ID": f"BLK{i}", "TYPE": "BLANK", "Cu": copper, "Zn": 0.5})
        if i % 10 == 6:
            found = _like(CERTIFIED["OREAS 45d"], 0.03, rng)
            rows.append({"ID": "OREAS 45d", "TYPE": "CRM"} | found | {"Cu": found["Cu"] * bias})
        if i % 10 == 8:
            rows.append({"ID": f"*Rep S{i:03d}", "TYPE": "REP", **_like(truth, noise, rng)})
        if i % 5 == 0:
            again = _like(truth, 0.1, rng)
            rows.append({"ID": f"S{i:03d} DUP", "TYPE": "DUP", **place, **again})
    pd.DataFrame(rows).to_csv(folder / "a.csv", index=False)
    return folder


def _report(folder: Path, **qc: object) -> QualityReport:
    settings = SurveySettings.model_validate(
        {"path": "a.csv", "id": "ID", "crs": UTM, "x": "E", "y": "N", "unit": "ppm",
         "qc": {"certified": CERTIFIED} | qc}
    )  # fmt: skip
    samples, _ = read_survey(settings, ["Cu", "Zn"], UTM, folder)
    assert len(samples) == 200
    return quality_report(read_controls(settings, ["Cu", "Zn"], folder), samples)


def _codes(report: QualityReport) -> set[tuple[str, str]]:
    return {(finding.code, finding.element) for finding in report.findings}


def test_a_good_laboratory_is_not_blamed(tmp_path: Path) -> None:
    report = _report(_survey(tmp_path))
    assert {code for code, _ in _codes(report)} <= {"qc-chart"}  # its rules are broken by chance
    precision = report.tables["qc_precision"].set_index(["element", "of"])
    assert precision.loc[("Cu", "analysis"), "pairs"] == 20
    assert precision.loc[("Cu", "sampling and analysis"), "pairs"] == 40
    variance = report.tables["qc_variance"].set_index("element")
    assert variance.loc["Cu", "ground"] > 0.95


def test_a_biased_standard_is_found_by_its_percent(tmp_path: Path) -> None:
    report = _report(_survey(tmp_path, bias=1.2))
    assert ("qc-bias", "Cu") in _codes(report)
    assert ("qc-bias", "Zn") not in _codes(report)
    table = report.tables["qc_standards"].set_index("element")
    assert table.loc["Cu", "bias_percent"] == pytest.approx(20, abs=2)
    assert table.loc["Cu", "results"] == 20


def test_carry_over_is_found_by_its_percent(tmp_path: Path) -> None:
    report = _report(_survey(tmp_path, carry=0.02))
    assert ("qc-carry-over", "Cu") in _codes(report)
    assert ("qc-carry-over", "Zn") not in _codes(report)
    table = report.tables["qc_blanks"].set_index("element")
    assert table.loc["Cu", "carry_over_percent"] == pytest.approx(2.0, rel=0.05)


def test_a_noisy_laboratory_is_found_by_its_repeats(tmp_path: Path) -> None:
    report = _report(_survey(tmp_path, noise=0.3))
    assert {("qc-precision", "Cu"), ("qc-precision", "Zn")} <= _codes(report)
    table = report.tables["qc_precision"].set_index(["element", "of"])
    assert table.loc[("Cu", "analysis"), "precision_percent"] == pytest.approx(60, rel=0.5)


def test_names_may_be_stated_and_certified_contents_come_from_a_table(tmp_path: Path) -> None:
    _survey(tmp_path, bias=1.2)
    table = pd.read_csv(tmp_path / "a.csv").drop(columns="TYPE")
    table["ID"] = table["ID"].replace("OREAS 45d", "M-7").str.replace("BLK", "W")
    table.to_csv(tmp_path / "a.csv", index=False)
    (tmp_path / "crm.csv").write_text("Name,Cu_ppm,Zn_pct\nM-7,371,0.0045\n")
    report = _report(tmp_path, standards=["M-7"], blanks=["W*"], duplicates=["* DUP"],
                     repeats=["[*]Rep*"], certified="crm.csv")  # fmt: skip
    found = report.tables["qc_standards"].set_index("element")
    assert found.loc["Cu", "bias_percent"] == pytest.approx(20, abs=2)
    assert abs(found.loc["Zn", "bias_percent"]) < 3
    assert report.tables["qc_blanks"]["blanks"].tolist() == [20, 20]


def test_a_column_of_errors_comes_in_the_unit_delivered(tmp_path: Path) -> None:
    folder = _survey(tmp_path)
    table = pd.read_csv(folder / "a.csv")
    table.assign(Cu=table["Cu"] * 1000, s=table["Cu"] * 50).to_csv(folder / "a.csv", index=False)
    settings = SurveySettings(
        path="a.csv", id="ID", crs=UTM, x="E", y="N", unit={"Cu": "ppb"}, errors={"Cu": "s"},
        duplicates="first",
    )  # fmt: skip
    samples, _ = read_survey(settings, ["Cu"], UTM, folder)
    np.testing.assert_allclose(samples.standard_error("Cu"), 0.05 * samples.values("Cu"))
