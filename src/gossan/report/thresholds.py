"""Say what counts as anomalous, and what to set where nothing does."""

from __future__ import annotations

import numpy as np

from gossan.io.tables import Column, Table
from gossan.pipeline.anomaly_rule import rule_of
from gossan.report.maps import crs_text
from gossan.report.read import Results
from gossan.report.tables import number_text

__all__ = ["no_target", "threshold_sentence"]

RULES = {
    "median_mad": "median + 2 MAD of the samples",
    "trimmed_mean": "mean + 2 s of the samples without outliers",
    "tukey": "Tukey's upper fence of the samples",
    "percentile": "97.5th percentile of the samples",
    "fractal": "highest break of the samples' concentration-number plot",
    "given": "given by you",
}
HIGH_GROUND = 0.75
"""A threshold at this multiple of the map's 97.5th percentile lists its highest ground."""


def threshold_sentence(results: Results, element: str) -> str:
    """Say above which content, and with what probability, ground is a target.

    Returns
    -------
    One sentence, or nothing where no anomalies were looked for.
    """
    limit = results.threshold(element)
    table = results.table(Table.THRESHOLDS, element)
    if not np.isfinite(limit) or Column.CHOSEN not in table:
        return ""
    chosen = table[table[Column.CHOSEN].astype(bool)]
    if not len(chosen):
        return ""
    row = chosen.iloc[0]
    note = row[Column.NOTE]
    why = f" ({note})" if isinstance(note, str) and note else ""
    least = rule_of(results.run).probability
    return (
        f"Targets exceed {number_text(limit)} {_unit(results, element)}, the "
        f"{RULES[str(row[Column.RULE])]}{why}, with a mean probability of {100 * least:.0f} % or more."
    ).replace("the given by you", "the threshold given by you")


def no_target(results: Results, element: str) -> str:
    """Say how near the best map comes to the threshold, and what lists its highest ground.

    Returns
    -------
    Two or three sentences for an element whose best map has no anomaly.
    """
    best = str(results.best(element))
    one = results.maps.get((best, element))
    if one is None or one.empty:
        return "The best map has no target."
    row, column = np.unravel_index(int(np.nanargmax(one.values)), one.values.shape)
    easting, northing = one.grid.coordinates()
    place = f"{easting[column]:.0f} E, {northing[row]:.0f} N ({crs_text(one.grid)})"
    said = f"The best map has no target. It is highest at {place}: "
    said += f"{number_text(float(one.values[row, column]))} {one.unit}{_chance(results, element)}."
    return said + _cure(results, element, best)


def _unit(results: Results, element: str) -> str:
    one = results.maps.get((str(results.best(element)), element))
    return one.unit if one is not None else ""


def _chance(results: Results, element: str) -> str:
    one = results.probabilities.get(element)
    if one is None or not np.isfinite(one.values).any():
        return ""
    return f"; no place is more than {100 * float(np.nanmax(one.values)):.0f} % sure to exceed it"


def _cure(results: Results, element: str, best: str) -> str:
    """Name the threshold that lists the highest ground."""
    table = results.table(Table.THRESHOLDS, element)
    own = table[(table[Column.SOURCE] == best) & (table[Column.RULE] == "percentile")]
    if not len(own) or not np.isfinite(float(own[Column.VALUE].iloc[0])):
        return ""
    lower = float(f"{HIGH_GROUND * float(own[Column.VALUE].iloc[0]):.2g}")
    return (
        f" To list its highest ground: gossan anomalies RUN --threshold {element}={lower:g}, "
        "then gossan report RUN."
    )
