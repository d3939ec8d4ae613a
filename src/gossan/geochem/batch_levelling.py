"""Bring batches, media or surveys to one level, where they sampled the same ground.

Levelling removes the difference between groups, be it the laboratory's or the ground's: it is only
right where the groups are known to cover like ground. Hence it is never done unasked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.errors import SurveyError, must
from gossan.geo.samples import Samples
from gossan.geochem.findings import Finding

Levelling = Literal["none", "median", "robust", "quantile"]
SurveyLevelling = Literal["none", "median", "robust", "quantile", "border"]
"""How surveys are levelled: as groups, or at their common border alone."""

FEWEST = 10
"""Samples that a group must have to be levelled."""


def level(
    values: NDArray[np.float64],
    groups: NDArray[np.object_],
    method: Levelling,
    reference: str | None = None,
) -> NDArray[np.float64]:
    """Level groups of values to a reference group, or to the mean level of all groups.

    "median" multiplies so that medians agree; "robust" matches median and median absolute deviation
    of ln z; "quantile" gives each value the reference's value of the same rank. All keep the order
    within a group and the sign; NaN stays NaN.

    Parameters
    ----------
    values
        (n,) positive values.
    groups
        (n,) name of the group of each value.
    method
        "none", "median", "robust" or "quantile".
    reference
        Group to level to; default: the mean of the groups' quantiles of ln z.

    Raises
    ------
    SurveyError
        If a value is not positive or a group has fewer than 10 values.

    Examples
    --------
    >>> z = np.exp(np.linspace(0, 2, 40))
    >>> groups = np.array(["old", "new"] * 20, object)
    >>> biased = np.where(groups == "old", 3.0 * z, z)
    >>> levelled = level(biased, groups, "median", reference="new")
    >>> bool(np.abs(np.log(levelled / z)).max() < 0.06)
    True
    """
    if method == "none":
        return values.copy()
    known = np.isfinite(values)
    if (values[known] <= 0).any():
        raise SurveyError(must("values to level", "positive", values[known].min(), "Treat zeros"))
    names = list(dict.fromkeys(groups[known]))
    logs = {name: np.log(values[known & (groups == name)]) for name in names}
    for name, part in logs.items():
        if len(part) < FEWEST:
            cure = 'Leave the group out or set levelling = "none"'
            raise SurveyError(must(f"samples of {name!r}", f"at least {FEWEST}", len(part), cure))
    if reference is not None and reference not in logs:
        raise SurveyError(must("reference", f"one of {names}", repr(reference), "Name a group"))
    chosen = list(logs.values()) if reference is None else [logs[reference]]
    result = values.copy()
    for name, part in logs.items():
        if name != reference:
            result[known & (groups == name)] = np.exp(_moved(part, chosen, method))
    return result


def _moved(
    logs: NDArray[np.float64], chosen: Sequence[NDArray[np.float64]], method: Levelling
) -> NDArray[np.float64]:
    centre = float(np.mean([np.median(part) for part in chosen]))
    if method == "median":
        return logs - np.median(logs) + centre
    if method == "robust":
        width = float(np.mean([_mad(part) for part in chosen]))
        return (logs - np.median(logs)) * (width / _mad(logs)) + centre
    ranks = pd.Series(logs).rank(method="average").to_numpy()
    probability = (ranks - 0.5) / len(logs)
    curves = [
        np.interp(probability, (np.arange(len(part)) + 0.5) / len(part), np.sort(part))
        for part in chosen
    ]
    return np.mean(curves, axis=0)


def _mad(logs: NDArray[np.float64]) -> float:
    width = float(np.median(np.abs(logs - np.median(logs))))
    if width == 0:
        raise SurveyError(
            must("spread of a group", "above 0", 0, 'Use levelling = "median" or leave it out')
        )
    return width


def level_columns(
    frame: pd.DataFrame, elements: Sequence[str], by: Sequence[str], method: Levelling
) -> tuple[pd.DataFrame, list[Finding]]:
    """Level every element of a frame between the groups that columns form; limits move along."""
    columns = [name for name in by if name in frame.columns]
    if method == "none" or not columns:
        return frame, []
    groups = frame[columns].astype(str).agg(", ".join, axis=1).to_numpy(object)
    if len(set(groups)) < 2:
        return frame, []
    result = frame.copy()
    found: list[Finding] = []
    for element in elements:
        before = frame[element].to_numpy(float)
        try:
            after = level(before, groups, method)
        except SurveyError as error:
            found.append(Finding("error", "levelling", f"{element}: {error}", element=element))
            continue
        result[element] = after
        _move_along(result, element, before, after)
        shift = np.nanmedian(np.abs(np.log(after / before)))
        message = (
            f"{element} levelled between groups of {' and '.join(columns)} ({method}): values "
            f"changed by a factor of {np.exp(shift):.3g} in the median"
        )
        found.append(Finding("warning", "levelled", message, element=element))
    return result, found


def _move_along(
    frame: pd.DataFrame, element: str, before: NDArray[np.float64], after: NDArray[np.float64]
) -> None:
    """Scale limits and known errors of an element as its contents were."""
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = after / before
    for column in (f"{element}_limit", f"{element}_error"):
        if column in frame.columns:
            frame[column] = frame[column] * factor


def level_surveys(
    surveys: Sequence[Samples], method: Levelling, reference: str | None = None
) -> list[Samples]:
    """Level the elements that surveys share to one of them.

    Parameters
    ----------
    surveys
        Surveys in the same units.
    method
        As in ``level``.
    reference
        Name of the survey that stays as it is; default: the first.

    Raises
    ------
    SurveyError
        If units or media differ, or values cannot be levelled.
    """
    chosen = surveys[0].name if reference is None else reference
    check_units(surveys)
    frames = [survey.frame.copy() for survey in surveys]
    groups = np.repeat([s.name for s in surveys], [len(s) for s in surveys]).astype(object)
    for element in dict.fromkeys(e for s in surveys for e in s.elements):
        parts = [
            s.values(element) if element in s.elements else np.full(len(s), np.nan) for s in surveys
        ]
        measured = [s.name for s, part in zip(surveys, parts) if np.isfinite(part).any()]
        if chosen not in measured or len(measured) < 2:
            continue  # nothing to level to, or nothing to level
        before = np.concatenate(parts)
        levelled = level(before, groups, method, chosen)
        for frame, survey in zip(frames, surveys):
            if element in survey.elements:
                own = groups == survey.name
                frame[element] = levelled[own]
                _move_along(frame, element, before[own], levelled[own])
    return [replace(survey, frame=frame) for survey, frame in zip(surveys, frames)]


def scaled(samples: Samples, factors: Mapping[str, float]) -> Samples:
    """Multiply contents of elements, with their limits and known errors."""
    frame = samples.frame.copy()
    for element, factor in factors.items():
        before = samples.values(element)
        frame[element] = before * factor
        _move_along(frame, element, before, before * factor)
    return replace(samples, frame=frame)


def check_units(surveys: Sequence[Samples]) -> None:
    """Refuse surveys that hold an element in different units.

    Raises
    ------
    SurveyError
        Surveys state an element in different units.
    """
    for element in {e for s in surveys for e in s.elements}:
        units = {s.units.get(element, "") for s in surveys if element in s.elements}
        if len(units) > 1:
            cure = "State unit in each survey"
            raise SurveyError(must(f"unit of {element}", "one in all surveys", units, cure))
