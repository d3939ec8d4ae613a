"""Read the surveys of a project into samples, and the samples of an element into observations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import CRS

from gossan.errors import SurveyError, must, reading
from gossan.evaluate.validation import ValidationSamples
from gossan.fusion.protocol import MixedSurveys, Observations, Points
from gossan.geo.grounds import Grounds
from gossan.geo.samples import Samples
from gossan.geochem.batch_levelling import level_surveys
from gossan.geochem.border_levelling import level_at_borders
from gossan.geochem.censoring import Censoring
from gossan.geochem.element_values import ElementValues
from gossan.geochem.findings import Finding, Findings, row_words
from gossan.geochem.known_errors import error_variance
from gossan.geochem.quality_control.laboratory_error import with_laboratory_errors
from gossan.geochem.quality_control.reading import read_controls
from gossan.geochem.table.survey import read_survey
from gossan.geochem.transforms import (
    Tails,
    Transform,
    TransformWord,
    check_transform,
    fit_transform_by_word,
)

if TYPE_CHECKING:
    from gossan.geochem.table.settings import SurveySettings
    from gossan.pipeline.options.project import Project

Weigh = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
"""Gives weights (n,) from places (n, 2) and values (n,)."""


@dataclass(frozen=True, eq=False)
class Surveys:
    """The samples to fit, those to check with, and what the readers found."""

    fit: tuple[Samples, ...]
    check: tuple[Samples, ...]
    findings: dict[str, Findings] = field(default_factory=dict, repr=False)
    censoring: dict[str, Censoring] = field(default_factory=dict)
    """How censored values are estimated, by survey."""
    borders: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    """Factors by which surveys were levelled at their borders, one row a survey and element."""
    grounds: Grounds | None = field(default=None, repr=False)
    """Catchments of the samples to fit, where they stand for catchments."""

    @property
    def warnings(self) -> list[str]:
        """Findings that the user should look at, in lines."""
        return [
            f"{name}: {finding.line().removeprefix('warning: ')}"
            for name, found in self.findings.items()
            for finding in found.of_severity("warning")
        ]

    def one(self, samples: Samples) -> Surveys:
        """Return a survey alone, as the one to fit."""
        return Surveys((replace(samples, role="fit"),), (), {}, self.censoring)

    @property
    def coordinates(self) -> NDArray[np.float64]:
        """(n, 2) places of all samples to fit."""
        return np.concatenate([samples.coordinates for samples in self.fit])

    @property
    def points(self) -> Points:
        """Where all samples to fit lie, and what they stand for."""
        return replace(_points(list(self.fit)), grounds=self.grounds)

    def contents(self, element: str) -> NDArray[np.float64]:
        """(n,) contents of all samples to fit; NaN where an element was not analysed."""
        parts = [
            samples.values(element)
            if element in samples.elements
            else np.full(len(samples), np.nan)
            for samples in self.fit
        ]
        return np.concatenate(parts)

    def unit(self, element: str) -> str:
        """Unit of an element; empty where no fitted survey has it."""
        return next((one.units[element] for one in self.fit if element in one.elements), "")

    @property
    def extent(self) -> NDArray[np.float64]:
        """(m, 2) places of all samples to fit, and the corners of their catchments."""
        if self.grounds is None:
            return self.coordinates
        return np.concatenate([self.coordinates, self.grounds.basins.corners])

    def findings_table(self) -> pd.DataFrame:
        """All findings as one table."""
        tables = [found.to_frame().assign(survey=name) for name, found in self.findings.items()]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()

    def samples_table(self) -> pd.DataFrame:
        """All samples as one table: survey, role, place, values, whether censored."""
        tables = []
        for samples in (*self.fit, *self.check):
            table = pd.DataFrame(samples.coordinates, columns=["easting", "northing"])
            table.insert(0, "role", samples.role)
            table.insert(0, "survey", samples.name)
            for element in samples.elements:
                table[element] = samples.values(element)
                table[f"{element}_censored"] = samples.censored(element)
                if self.censoring.get(samples.name) == "likelihood":
                    table[f"{element}_limit"] = samples.limits(element)
            known = {*table.columns, "row", "geometry"}
            for name in samples.frame.select_dtypes("number").columns:
                if name not in known and not name.endswith("_limit"):
                    table[name] = samples.frame[name].to_numpy()
            tables.append(table)
        return pd.concat(tables, ignore_index=True)


@dataclass(frozen=True, eq=False)
class Working:
    """The observations of one element on the scale that a model works on.

    ``checks`` are the check surveys' observations on the same scale, by name.
    """

    element: str
    unit: str
    transform: Transform
    observations: Observations
    checks: dict[str, Observations]
    censored: int
    censoring: str = ""
    """How censored values are estimated: "half", "ros", "likelihood" or "missing"."""
    weights: NDArray[np.float64] | None = None
    """(n,) declustering weights, where asked for."""
    values: ElementValues | None = None
    """The observations in the element's unit, for folds that fit censoring and transform anew."""

    @property
    def validation_samples(self) -> ValidationSamples:
        """What models are tested at."""
        return ValidationSamples(self.observations, self.checks, self.values)


def read_surveys(project: Project, crs: CRS) -> Surveys:
    """Read every survey into the CRS of the maps."""
    fit: list[Samples] = []
    check: list[Samples] = []
    findings = {}
    for settings in project.survey:
        with reading(project.path(settings.path), SurveyError):
            samples, found = read_survey(settings, project.elements, crs, project.base)
            samples, notes = _with_known_errors(samples, settings, project)
            found = found + notes
        findings[settings.name] = found
        (fit if settings.role == "fit" else check).append(samples)
    _one_unit(fit + check, project.elements)
    levelled = project.project.levelling != "none" and len(fit) > 1
    accepted = all(s.mixture == "accept" for s in project.survey if s.role == "fit")
    if not levelled and not accepted:
        _one_medium(fit)
    borders = pd.DataFrame()
    if project.project.levelling == "border" and levelled:
        fit, borders = level_at_borders(fit, project.project.border_band_m)
        findings = _with_notes(findings, borders)
    elif levelled:
        fit, findings = _levelled(project, fit, findings)
    censoring = {settings.name: settings.censoring for settings in project.survey}
    return Surveys(tuple(fit), tuple(check), findings, dict(censoring), borders)


def _with_notes(findings: dict[str, Findings], borders: pd.DataFrame) -> dict[str, Findings]:
    """Note the factor of every survey and element that was levelled at a border."""
    noted = dict(findings)
    for row in borders.itertuples():
        message = (
            f"{row.element} levelled at the border: multiplied by {row.factor:.3g} "
            f"[{row.factor_low:.3g}, {row.factor_high:.3g}], from {row.first} and {row.second} "
            f"samples within {row.band_m:.0f} m of the other side"
        )
        note = Finding("warning", "levelled", message, element=str(row.element))
        noted[str(row.survey)] = noted[str(row.survey)].adding(note)
    return noted


def _with_known_errors(
    samples: Samples, settings: SurveySettings, project: Project
) -> tuple[Samples, list[Finding]]:
    """Add the errors that the laboratory's duplicates show, where the survey asks for them."""
    if settings.precision == "none":
        return samples, []
    controls = read_controls(settings, project.elements, project.base)
    return with_laboratory_errors(samples, controls, settings.precision)


def _levelled(
    project: Project, fit: list[Samples], findings: dict[str, Findings]
) -> tuple[list[Samples], dict[str, Findings]]:
    """Level the fitted surveys to the first one, and note by how much."""
    method, first = project.project.levelling, fit[0].name
    assert method != "border"
    levelled = level_surveys(fit, method)
    noted = dict(findings)
    for before, after in list(zip(fit, levelled))[1:]:
        for element in (e for e in before.elements if e in fit[0].elements):
            with np.errstate(invalid="ignore", divide="ignore"):
                change = np.log(after.values(element) / before.values(element))
            factor = float(np.exp(np.nanmedian(change)))
            message = (
                f"{element} levelled to survey {first!r} ({method}): values multiplied by "
                f"{factor:.3g} in the median"
            )
            note = Finding("warning", "levelled", message, element=element)
            noted[before.name] = noted[before.name].adding(note)
    return levelled, noted


def working(
    surveys: Surveys,
    element: str,
    word: TransformWord,
    weigh: Weigh | None = None,
    tails: Tails = "lognormal",
) -> Working:
    """Transform one element's samples to the working scale, without those that lack a value.

    ``weigh`` gives declustering weights from places and values; they serve the normal score,
    whose tails ``tails`` states.

    Raises
    ------
    SurveyError
        No fitted survey has the element, or its values do not suit the scale.
    """
    parts = [samples for samples in surveys.fit if element in samples.elements]
    if not parts:
        known = ", ".join(sorted({e for samples in surveys.fit for e in samples.elements}))
        cure = "Name its column in columns of the [[survey]]"
        raise SurveyError(must(f"element {element!r}", f"one of {known}", "no column", cure))
    for samples in parts:
        check_transform(samples, element, word)
    raw = np.concatenate([samples.values(element) for samples in parts])
    filled = np.isfinite(raw)
    _spread(parts, element)
    points = replace(_points(parts), grounds=surveys.grounds).subset(filled)
    weights = None if weigh is None else weigh(points.coordinates, raw[filled])
    transform = fit_transform_by_word(word, raw[filled], weights, tails)
    errors = np.concatenate([samples.standard_error(element) for samples in parts])
    values = _values(surveys, parts, element, word)
    observations = replace(
        _observations(points, transform, raw[filled], errors[filled]),
        limits=values.working_limits(transform, np.arange(len(points))),
    )
    checks = {
        samples.name: _check(samples, element, transform)
        for samples in surveys.check
        if element in samples.elements
    }
    censored = sum(int(samples.censored(element).sum()) for samples in parts)
    words: dict[str, None] = dict.fromkeys(
        surveys.censoring.get(samples.name, "") for samples in parts
    )
    return Working(
        element, parts[0].units[element], transform, observations, checks, censored,
        " + ".join(filter(None, words)), weights, values,
    )  # fmt: skip


def with_partners(data: Working, surveys: Surveys, elements: tuple[str, ...]) -> Working:
    """Put the samples of the other elements beside those of one, for models that look at them."""
    partners = {
        other: working(surveys, other, data.transform.word).observations
        for other in elements
        if other != data.element
    }
    return replace(data, observations=replace(data.observations, partners=partners))


def _values(
    surveys: Surveys, parts: list[Samples], element: str, word: TransformWord
) -> ElementValues:
    """Gather the values of an element with what their censoring is fitted to."""
    values = np.concatenate([samples.values(element) for samples in parts])
    filled = np.isfinite(values)
    return ElementValues(
        values[filled],
        word,
        np.concatenate([samples.limits(element) for samples in parts])[filled],
        np.repeat(np.arange(len(parts)), [len(samples) for samples in parts])[filled],
        tuple(surveys.censoring.get(samples.name, "half") for samples in parts),
    )


def _spread(parts: list[Samples], element: str) -> None:
    """Refuse samples on one line: no map can be made of them."""
    filled = [np.isfinite(samples.values(element)) for samples in parts]
    xy = np.concatenate([samples.coordinates[f] for samples, f in zip(parts, filled)])
    if len(np.unique(xy, axis=0)) < 3:
        return  # too few samples: reported elsewhere
    along, across = np.linalg.svd(xy - xy.mean(axis=0), compute_uv=False)
    if across > 1e-3 * along:
        return
    rows = []
    for samples, known in zip(parts, filled):
        frame = samples.frame
        numbers = frame["row"] if "row" in frame.columns else np.arange(1, len(frame) + 1)
        rows.append(f"{samples.name}: {row_words([int(r) for r in np.asarray(numbers)[known]])}")
    cure = "Check x and y, or add samples to the sides of the line"
    got = f"{len(xy)} on one line ({'; '.join(rows)})"
    raise SurveyError(must(f"samples of {element}", "spread over an area", got, cure))


def _points(parts: list[Samples]) -> Points:
    """Join the places of several surveys; each keeps its support and its number."""
    numeric = [set(samples.frame.select_dtypes("number").columns) for samples in parts]
    shared = sorted(
        n for n in set.intersection(*numeric) if n != "row" and not n.endswith(("_limit", "_error"))
    )
    columns = {
        name: np.concatenate([s.frame[name].to_numpy(float) for s in parts]) for name in shared
    }
    coordinates = np.concatenate([samples.coordinates for samples in parts])
    sizes = [len(samples) for samples in parts]
    supports = np.array([samples.support_m for samples in parts], float)
    mixed = None
    if len(parts) > 1:
        mixed = MixedSurveys(np.repeat(supports, sizes), np.repeat(np.arange(len(parts)), sizes))
    return Points(coordinates, float(supports.min()), columns, mixed=mixed)


def _check(samples: Samples, element: str, transform: Transform) -> Observations:
    raw = samples.values(element)
    filled = np.isfinite(raw)
    points, errors = _points([samples]).subset(filled), samples.standard_error(element)[filled]
    return _observations(points, transform, raw[filled], errors)


def _observations(
    points: Points,
    transform: Transform,
    values: NDArray[np.float64],
    errors: NDArray[np.float64],
) -> Observations:
    """Bring contents and their known errors to the working scale."""
    known = error_variance(transform, values, errors)
    return Observations(points, np.asarray(transform.forward(values), np.float64), known)


def _one_unit(surveys: list[Samples], elements: tuple[str, ...]) -> None:
    for element in elements:
        units = {s.name: s.units[element] for s in surveys if element in s.elements}
        if len(set(units.values())) > 1:
            got = ", ".join(f"{name}: {unit}" for name, unit in units.items())
            cure = "Set unit in each [[survey]]"
            raise SurveyError(must(f"{element} in all surveys", "in one unit", got, cure))


def _one_medium(fit: list[Samples]) -> None:
    media = {samples.name: samples.medium for samples in fit if samples.medium}
    if len(set(media.values())) > 1:
        got = ", ".join(f"{name}: {medium}" for name, medium in media.items())
        cure = (
            'Set role = "check" for the others, set [project] levelling = "robust", or mixture = '
            '"accept" in each [[survey]]'
        )
        raise SurveyError(must("the fitted surveys", "of one medium", got, cure))
