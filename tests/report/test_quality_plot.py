"""Pictures of the laboratory's controls, from a survey with planted faults."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import image

from gossan.pipeline.commands.run import validate_project
from gossan.pipeline.commands.survey import survey_project
from gossan.pipeline.options.project import parse_project
from gossan.report.build import build_report
from gossan.report.quality_plot import draw_quality


def write_survey(folder: Path) -> None:
    rng = np.random.default_rng(0)
    rows: list[dict[str, object]] = []
    for i in range(120):
        place = {"E": 400_000 + 900 * (i % 12), "N": 2_600_000 + 900 * (i // 12)}
        copper = float(rng.lognormal(3.4, 0.8))
        rows.append({"ID": f"S{i:03d}", "TYPE": "ORIG", "Cu": copper, **place})
        if i % 6 == 0:
            again = copper * (1 + 0.05 * rng.standard_normal())
            rows.append({"ID": f"*Rep S{i:03d}", "TYPE": "REP", "Cu": again})
            result = 371 * (1 + 0.02 * rng.standard_normal()) + 200 * (i == 60)
            rows.append({"ID": "OREAS 45d", "TYPE": "CRM", "Cu": result})
    pd.DataFrame(rows).to_csv(folder / "a.csv", index=False)


def test_control_charts_and_precision_are_drawn_and_show_what_breaks_a_rule(
    tmp_path: Path,
) -> None:
    write_survey(tmp_path)
    survey = {"name": "main", "path": "a.csv", "id": "ID", "crs": "EPSG:32638", "x": "E", "y": "N",
              "unit": "ppm", "qc": {"certified": {"OREAS 45d": {"Cu": 371.0}}}}  # fmt: skip
    head = {"elements": ["Cu"], "crs": "EPSG:32638"}
    survey_project(parse_project({"project": head, "survey": [survey]}, tmp_path), tmp_path / "run")
    made = draw_quality(tmp_path / "run")
    assert [path.name.split("_main")[0] for path in made] == ["qc_chart", "qc_precision"]
    red = np.array([0xD5, 0x5E, 0x00]) / 255
    chart, precision = (image.imread(path)[..., :3] for path in made)
    marked = (np.abs(chart - red) < 0.02).all(axis=2)
    assert marked[:, 100:].any()  # the planted outlier, beside the legend
    assert chart.shape == precision.shape and precision.std() > 0.05


def test_without_controls_nothing_is_drawn(tmp_path: Path) -> None:
    assert draw_quality(tmp_path) == []


def test_the_report_of_a_run_shows_the_laboratory_s_controls(tmp_path: Path) -> None:
    write_survey(tmp_path)
    survey = {"name": "main", "path": "a.csv", "id": "ID", "crs": "EPSG:32638", "x": "E", "y": "N",
              "unit": "ppm", "qc": {"certified": {"OREAS 45d": {"Cu": 371.0}}}}  # fmt: skip
    content = {
        "project": {"elements": ["Cu"], "crs": "EPSG:32638", "pixel_m": 500},
        "survey": [survey],
        "validation": {"kinds": ["blocks"], "folds": 3},
    }
    validate_project(parse_project(content, tmp_path), tmp_path / "run")
    page = build_report(tmp_path / "run").read_text(encoding="utf-8")
    part = page[page.index("The laboratory's controls") :]
    broken = pd.read_csv(tmp_path / "run" / "tables" / "qc_chart.csv")["rule"].notna().sum()
    assert f"{broken} of 20 results break a control rule" in part
    assert part.count("data:image/webp") >= 2
    assert "Standards: bias against the certified content" in part
    assert sorted(p.name[:8] for p in (tmp_path / "run" / "figures").glob("qc_*.png")) == [
        "qc_chart", "qc_preci",
    ]  # fmt: skip
