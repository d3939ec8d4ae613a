"""What the controls say of the laboratory: tables, and findings in lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.geo.samples import Samples
from gossan.geochem.findings import Finding
from gossan.geochem.quality_control.carry_over import carry_over
from gossan.geochem.quality_control.control_charts import bias, broken_rules, robust_centre
from gossan.geochem.quality_control.reading import Controls
from gossan.geochem.quality_control.thompson_howarth import PrecisionLine, fit_precision
from gossan.geochem.quality_control.variance_parts import variances_of_pairs

LARGE_BIAS = 10.0
"""Percent of bias that is a finding, where chance does not explain it."""
BLANK_LIMITS = 3.0
"""Detection limits above which a blank is contaminated."""
POOR_PRECISION = 30.0
"""Percent of precision (2 standard deviations, at the median) that is a finding."""
LARGE_NOISE = 0.2
"""Share of sampling and analysis in the variance that is a finding (Ramsey 1998: 20 %)."""


@dataclass(frozen=True, eq=False)
class QualityReport:
    """Tables by name, findings, and the precision of each element where duplicates show it."""

    tables: Mapping[str, pd.DataFrame]
    findings: tuple[Finding, ...]
    precision: Mapping[str, PrecisionLine]


def quality_report(controls: Controls | None, samples: Samples) -> QualityReport:
    """Judge the laboratory by its controls and by the duplicates among the samples.

    Parameters
    ----------
    controls
        All rows of the survey, or None where it has no controls.
    samples
        The samples; pairs at one place are field duplicates.

    Returns
    -------
    Tables ``qc_chart`` (each result of a standard, standardised, with the rule that it breaks),
    ``qc_standards`` (bias), ``qc_blanks``, ``qc_precision`` (Thompson and Howarth) and
    ``qc_variance`` (ground, sampling, analysis, of ln z).
    """
    tables: dict[str, pd.DataFrame] = {}
    found: list[Finding] = []
    if controls is not None:
        charts, summary, more = _standards(controls)
        tables |= {"qc_chart": charts, "qc_standards": summary}
        blanks, again = _blanks(controls)
        tables["qc_blanks"] = blanks
        found += [*more, *again]
    lines, table, more = _precisions(controls, samples)
    tables["qc_precision"] = table
    variance, again = _variances(controls, samples)
    tables["qc_variance"] = variance
    filled = {name: one for name, one in tables.items() if len(one)}
    return QualityReport(filled, (*found, *more, *again), lines)


def _standards(controls: Controls) -> tuple[pd.DataFrame, pd.DataFrame, list[Finding]]:
    charts, rows, found = [], [], []
    for name, own in controls.of("standard").groupby("name", sort=False):
        for element in controls.elements:
            part = own[np.isfinite(own[element]) & own[f"{element}_limit"].isna()]
            if len(part) < 2:
                continue
            stated = controls.certified.get(str(name), {}).get(element)
            chart = _chart(part, str(name), element, stated)
            charts.append(chart)
            rows.append(_standard_row(part[element].to_numpy(float), str(name), element, stated))
            found += _standard_findings(rows[-1], chart)
    joined = pd.concat(charts, ignore_index=True) if charts else pd.DataFrame()
    return joined, pd.DataFrame(rows), found


def _chart(part: pd.DataFrame, name: str, element: str, certified: float | None) -> pd.DataFrame:
    values = part[element].to_numpy(float)
    centre, sd = robust_centre(values)
    centre = centre if certified is None else certified
    z = (values - centre) / sd if sd > 0 else np.zeros(len(values))
    return pd.DataFrame(
        {
            "standard": name, "element": element, "row": part["row"].to_numpy(),
            "batch": part["batch"].to_numpy(), "value": values, "centre": centre, "sd": sd, "z": z,
            "rule": broken_rules(z),
        }
    )  # fmt: skip


def _standard_row(
    values: NDArray[np.float64], name: str, element: str, certified: float | None
) -> dict[str, object]:
    row: dict[str, object] = {
        "standard": name, "element": element, "results": len(values),
        "mean": float(values.mean()), "sd": float(values.std(ddof=1)),
    }  # fmt: skip
    row["rsd_percent"] = 100 * float(values.std(ddof=1) / values.mean())
    if certified is not None:
        one = bias(values, certified)
        row |= {"certified": certified, "bias_percent": one.percent, "probability": one.probability}
        row["sure"] = one.is_sure
    return row


def _standard_findings(row: dict[str, object], chart: pd.DataFrame) -> list[Finding]:
    found = []
    name, element = str(row["standard"]), str(row["element"])
    if row.get("sure") and abs(float(str(row["bias_percent"]))) > LARGE_BIAS:
        message = (
            f"{element} of standard {name} is {float(str(row['bias_percent'])):+.0f} % off its "
            f"certified content ({row['results']} results)"
        )
        found.append(Finding("warning", "qc-bias", message, element=element))
    broken = chart[chart["rule"] != ""]
    if len(broken) and len(chart) >= 8:
        rules = ", ".join(sorted(set(broken["rule"])))
        message = f"{element} of standard {name} breaks control rules {len(broken)} times: {rules}"
        rows = tuple(int(r) for r in broken["row"])
        found.append(Finding("warning", "qc-chart", message, rows, element))
    return found


def _blanks(controls: Controls) -> tuple[pd.DataFrame, list[Finding]]:
    rows: list[dict[str, object]] = []
    found: list[Finding] = []
    blanks = controls.of("blank")
    for element in controls.elements if len(blanks) else ():
        values, limit = blanks[element].to_numpy(float), _limit(controls, element)
        known = np.isfinite(values)
        if not known.any():
            continue
        high = known & (values > BLANK_LIMITS * limit)
        before = controls.frame[element].shift(1).to_numpy(float)[blanks.index]
        moved = carry_over(values, before)
        rows.append(
            {
                "element": element, "blanks": int(known.sum()), "limit": limit,
                "median": float(np.median(values[known])), "maximum": float(values[known].max()),
                "contaminated": int(high.sum()),
                "carry_over_percent": np.nan if moved is None else moved.percent,
                "carry_over_probability": np.nan if moved is None else moved.probability,
            }
        )  # fmt: skip
        if high.any():
            message = (
                f"{int(high.sum())} of {int(known.sum())} blanks hold more {element} than "
                f"{BLANK_LIMITS:g} times the limit {limit:g} {controls.units[element]}"
            )
            where = tuple(int(r) for r in blanks["row"].to_numpy()[high])
            found.append(Finding("warning", "qc-blank", message, where, element))
        if moved is not None and moved.is_sure:
            message = (
                f"blanks hold {moved.percent:.2g} % of the {element} of the sample before them: "
                "it is carried over"
            )
            found.append(Finding("warning", "qc-carry-over", message, element=element))
    return pd.DataFrame(rows), found


def _limit(controls: Controls, element: str) -> float:
    """Return the detection limit that the table states, else the smallest content of a sample."""
    limits = controls.frame[f"{element}_limit"].dropna()
    if len(limits):
        return float(limits.median())
    values = controls.of("sample")[element].to_numpy(float)
    values = values[np.isfinite(values) & (values > 0)]
    return float(values.min()) if len(values) else float("nan")


def field_pairs(controls: Controls | None, samples: Samples, element: str) -> NDArray[np.float64]:
    """Return the contents of field duplicates: by place, else by name."""
    by_place = samples.frame.attrs.get("duplicates", {}).get(element, ())
    both = np.array(by_place, float).reshape(-1, 2)
    both = both[np.isfinite(both).all(axis=1)]
    if len(both) or controls is None or element not in controls.elements:
        return both
    return controls.pairs("duplicate", element)


def repeat_pairs(controls: Controls | None, element: str) -> NDArray[np.float64]:
    """Return the contents of repeated analyses."""
    if controls is None or element not in controls.elements:
        return np.empty((0, 2))
    return controls.pairs("repeat", element)


def _precisions(
    controls: Controls | None, samples: Samples
) -> tuple[dict[str, PrecisionLine], pd.DataFrame, list[Finding]]:
    """Fit the precision to repeats and to field duplicates; the latter win."""
    lines: dict[str, PrecisionLine] = {}
    rows, found = [], []
    for element in samples.elements:
        values = samples.values(element)
        median = float(np.nanmedian(values)) if np.isfinite(values).any() else np.nan
        kinds = {"analysis": repeat_pairs(controls, element),
                 "sampling and analysis": field_pairs(controls, samples, element)}  # fmt: skip
        for what, both in kinds.items():
            line = fit_precision(both[:, 0], both[:, 1])
            if line is None:
                continue
            lines[element] = line
            rows.append(
                {
                    "element": element, "unit": samples.units.get(element, ""), "of": what,
                    "pairs": line.pairs, "s0": line.s0, "k": line.k, "median": median,
                    "precision_percent": line.percent(median),
                    "detection_limit": line.detection_limit,
                }
            )  # fmt: skip
            if line.percent(median) > POOR_PRECISION and what == "analysis":
                message = (
                    f"the laboratory's precision of {element} at its median is "
                    f"{line.percent(median):.0f} % (2 standard deviations, {line.pairs} repeats)"
                )
                found.append(Finding("warning", "qc-precision", message, element=element))
    return lines, pd.DataFrame(rows), found


def _variances(controls: Controls | None, samples: Samples) -> tuple[pd.DataFrame, list[Finding]]:
    rows, found = [], []
    for element in samples.elements:
        field, repeats = field_pairs(controls, samples, element), repeat_pairs(controls, element)
        logs = _logs(samples.values(element))
        if len(field) + len(repeats) < 3 or len(logs) < 10:
            continue
        parts = variances_of_pairs(float(logs.var(ddof=1)), _logs(field), _logs(repeats), len(logs))
        ground, sampling, analysis = parts.shares
        rows.append(
            {
                "element": element, "field_pairs": len(field), "repeats": len(repeats),
                "ground": ground, "sampling": sampling, "analysis": analysis,
                "probability": parts.probability,
            }
        )  # fmt: skip
        if sampling + analysis > LARGE_NOISE:
            message = (
                f"sampling and analysis make {100 * (sampling + analysis):.0f} % of the variance "
                f"of ln {element} (above {100 * LARGE_NOISE:.0f} %): maps of it show noise"
            )
            found.append(Finding("warning", "qc-noise", message, element=element))
    return pd.DataFrame(rows), found


def _logs(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take logarithms of the positive contents; pairs with another are left out."""
    usable = np.isfinite(values) & (np.nan_to_num(values, nan=-1.0) > 0)
    rows = usable if values.ndim == 1 else usable.all(axis=1)
    return np.asarray(np.log(values[rows]))
