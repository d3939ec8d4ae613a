"""Report the quality of the surveys of a project."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gossan.geochem.quality import survey_report
from gossan.io.run_folder import RunFolder
from gossan.pipeline.imagery import open_imagery
from gossan.pipeline.output_grid import project_crs
from gossan.pipeline.project import Project
from gossan.pipeline.surveys import read_surveys


@dataclass(frozen=True, eq=False)
class SurveyReport:
    """Hold the quality table, one row per survey and element, and the findings as lines."""

    table: pd.DataFrame
    findings: tuple[str, ...]


def survey_project(project: Project, out: Path | str) -> SurveyReport:
    """Report on every survey of a project; writes ``tables/survey.csv`` and ``findings.csv``."""
    run = RunFolder(Path(out))
    imagery = [open_imagery(settings, project.base, run.store) for settings in project.imagery]
    crs = project_crs(project.project.crs, [one.bands for one in imagery])
    surveys = read_surveys(project, crs)
    tables = [survey_report(samples) for samples in (*surveys.fit, *surveys.check)]
    table = pd.concat(tables, ignore_index=True)
    run.write_table("survey", table)
    run.write_table("findings", surveys.findings_table())
    lines = [
        f"{name}: {line}" for name, found in surveys.findings.items() for line in found.lines()
    ]
    return SurveyReport(table, tuple(lines))
