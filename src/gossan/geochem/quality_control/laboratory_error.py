"""Assign each sample the standard error that repeated analyses or field duplicates show."""

from __future__ import annotations

from typing import Literal

import numpy as np

from gossan.arrays.array_type import Array
from gossan.errors import SurveyError, must
from gossan.geo.samples import Samples
from gossan.geochem.findings import Finding
from gossan.geochem.quality_control.reading import Controls
from gossan.geochem.quality_control.report import field_pairs, repeat_pairs
from gossan.geochem.quality_control.thompson_howarth import FEWEST, PrecisionLine, fit_precision

Precision = Literal["none", "repeats", "duplicates"]
"""Where known errors come from: repeated analyses, or field duplicates (with sampling)."""


def with_laboratory_errors(
    samples: Samples, controls: Controls | None, precision: Precision
) -> tuple[Samples, list[Finding]]:
    """Add standard errors by element, and by batch where its own repeats show them.

    Parameters
    ----------
    samples
        The samples; elements whose errors the table states keep them.
    controls
        All rows of the survey, or None where it has no controls.
    precision
        "repeats": error of the analysis; "duplicates": of sampling and analysis together.

    Returns
    -------
    The samples, and a note for each element.

    Raises
    ------
    SurveyError
        No element has 8 pairs.
    """
    if precision == "none":
        return samples, []
    found = []
    for element in samples.elements:
        pairs = _pairs(samples, controls, element, precision)
        line = fit_precision(*pairs.T)
        if line is None or np.isfinite(samples.standard_error(element)).any():
            continue
        errors = line.standard_deviation(samples.values(element))
        batches = _by_batch(controls, element) if precision == "repeats" else {}
        for batch, own in batches.items():
            rows = samples.frame["batch"].to_numpy(str) == batch
            errors[rows] = own.standard_deviation(samples.values(element)[rows])
        samples = samples.with_errors(element, errors)
        found.append(_note(element, line, precision, len(batches), samples))
    if not found and not any(f"{e}_error" in samples.frame for e in samples.elements):
        _refuse(samples, controls, precision)
    return samples, found


def _pairs(
    samples: Samples, controls: Controls | None, element: str, precision: Precision
) -> Array:
    if precision == "repeats":
        return repeat_pairs(controls, element)
    return field_pairs(controls, samples, element)


def _by_batch(controls: Controls | None, element: str) -> dict[str, PrecisionLine]:
    """Fit the precision of every batch with enough repeats of its own."""
    if controls is None or element not in controls.elements:
        return {}
    batches = controls.frame["batch"].astype(str)
    lines = {
        name: fit_precision(*controls.pairs("repeat", element, batches == name).T)
        for name in dict.fromkeys(batches[batches != ""])
    }
    return {name: line for name, line in lines.items() if line is not None}


def _note(
    element: str, line: PrecisionLine, precision: Precision, batches: int, samples: Samples
) -> Finding:
    values = samples.values(element)
    relative = 100 * float(np.nanmedian(samples.standard_error(element) / values))
    by_batch = f", {batches} batches by their own" if batches else ""
    message = (
        f"error of {element} known from {line.pairs} {precision}{by_batch}: {relative:.2g} % "
        "of the content in the median"
    )
    return Finding("note", "known-error", message, element=element)


def _refuse(samples: Samples, controls: Controls | None, precision: Precision) -> None:
    most = max((len(_pairs(samples, controls, e, precision)) for e in samples.elements), default=0)
    cure = f'Name them in qc ({precision} = ["..."]), or leave precision out'
    name = f"{precision} of survey {samples.name!r}"
    raise SurveyError(must(name, f"at least {FEWEST} of an element", most, cure))
