"""Report the quality of the surveys of a project."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
from pyproj import CRS

from gossan.geo.blocks import Blocks
from gossan.geo.samples import Samples
from gossan.geochem.quality_control.reading import read_controls
from gossan.geochem.quality_control.report import quality_report
from gossan.geochem.table.quality import (
    limits_report,
    report_lines,
    spacing_report,
    survey_report,
)
from gossan.io.run_folder import RunFolder
from gossan.io.tables import Table
from gossan.pipeline.imagery import open_imagery
from gossan.pipeline.options.project import Project
from gossan.pipeline.output_grid import project_crs
from gossan.pipeline.surveys import Surveys, read_surveys


def survey_project(project: Project, out: Path | str) -> tuple[str, ...]:
    """Report on every survey of a project, in lines.

    Writes ``tables/survey.csv`` (one row per survey and element), ``spacing.csv``,
    ``limits.csv`` (detection limits by batch), ``findings.csv``, ``borders.csv`` (where surveys are
    levelled at their borders) and, where there are standards,
    blanks or duplicates, ``qc_chart.csv``, ``qc_standards.csv``, ``qc_blanks.csv``,
    ``qc_precision.csv`` and ``qc_variance.csv``.
    """
    run = RunFolder(Path(out))
    surveys = read_surveys(project, _crs(project, run))
    samples = (*surveys.fit, *surveys.check)
    reports = (("survey", survey_report), ("spacing", spacing_report), ("limits", limits_report))
    for name, report in reports:
        tables = [report(one).assign(survey=one.name) for one in samples]
        if name == "survey":
            words = [surveys.censoring.get(one.name, "") for one in samples]
            tables = [table.assign(censoring=word) for table, word in zip(tables, words)]
        run.write_table(name, pd.concat(tables, ignore_index=True))
    surveys, of_controls = judged_laboratories(project, surveys)
    for name, table in of_controls.items():
        run.write_table(name, table)
    if len(surveys.borders):
        run.write_table(Table.BORDERS, surveys.borders)
    run.write_table(Table.FINDINGS, surveys.findings_table())
    lines = [line for one in samples for line in (*report_lines(one), *_censoring(surveys, one))]
    for name, found in surveys.findings.items():
        lines += [f"{name}: {line}" for line in found.lines()]
    return tuple(lines)


def judged_laboratories(
    project: Project, surveys: Surveys
) -> tuple[Surveys, dict[str, pd.DataFrame]]:
    """Judge the laboratories of all surveys by their controls.

    Returns
    -------
    The surveys with what was found added to their findings, and the tables by name.
    """
    parts: dict[str, list[pd.DataFrame]] = {}
    findings = dict(surveys.findings)
    by_name = {samples.name: samples for samples in (*surveys.fit, *surveys.check)}
    for settings in project.survey:
        controls = read_controls(settings, project.elements, project.base)
        report = quality_report(controls, by_name[settings.name])
        for name, table in report.tables.items():
            parts.setdefault(name, []).append(table.assign(survey=settings.name))
        findings[settings.name] = findings[settings.name] + report.findings
    tables = {name: pd.concat(found, ignore_index=True) for name, found in parts.items()}
    return replace(surveys, findings=findings), tables


def _censoring(surveys: Surveys, samples: Samples) -> list[str]:
    """How values beyond a limit are estimated, in lines."""
    censored = [e for e in samples.elements if samples.censored(e).any()]
    if not censored:
        return []
    word = surveys.censoring.get(samples.name, "")
    counts = ", ".join(f"{e} {int(samples.censored(e).sum())}" for e in censored)
    return [f"{samples.name}: censoring = {word!r} stands in for values beyond a limit: {counts}"]


def _crs(project: Project, run: RunFolder) -> CRS:
    """Find the CRS of the maps; imagery is opened only where the project does not name it."""
    if project.project.crs is not None:
        return project_crs(project.project.crs, [])
    blocks = Blocks()
    imagery = [open_imagery(s, project.base, run.store, blocks) for s in project.imagery]
    return project_crs(None, [one.bands for one in imagery])
