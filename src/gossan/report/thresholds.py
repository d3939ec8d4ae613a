"""Say what counts as anomalous, and what to set where nothing does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gossan.geochem.kriging.extrapolation import outside
from gossan.io.geometry_tables import degrees_at
from gossan.io.tables import Column, Table
from gossan.pipeline.anomaly_evidence import sampled_ground
from gossan.pipeline.anomaly_rule import rule_of
from gossan.report.answer import degrees_text
from gossan.report.maps import crs_text
from gossan.report.read import Map, Results
from gossan.report.tables import number_text

__all__ = ["HighPlace", "high_ground", "no_target", "threshold_sentence"]

RULES = {
    "median_mad": "median + 2 MAD of the samples",
    "trimmed_mean": "mean + 2 s of the samples without outliers",
    "tukey": "Tukey's upper fence of the samples",
    "percentile": "97.5th percentile of the samples",
    "fractal": "highest break of the samples' concentration-number plot",
    "given": "threshold given by you",
}
HIGH_PLACES = 3
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
    least = 100 * rule_of(results.run).probability
    return (
        f"Targets exceed {number_text(limit)} {_unit(results, element)}, the "
        f"{RULES[str(row[Column.RULE])]}{why}, with a mean probability of {least:.0f} % or more."
    )


def no_target(results: Results, element: str) -> str:
    """Say how near the best map comes to the threshold, and what lists its highest ground.

    Returns
    -------
    One or two sentences for an element whose best map has no anomaly.
    """
    best = str(results.best(element))
    one = results.probabilities.get(element)
    if one is None or not np.isfinite(one.values).any():
        return f"The best map has no target.{_cure(results, element, best)}"
    most = 100 * float(np.nanmax(one.values))
    limit = f"{number_text(results.threshold(element))} {_unit(results, element)}"
    said = f"The best map has no target: no place exceeds {limit} "
    said += f"with a probability of more than {most:.0f} %"
    return f"{said}.{_cure(results, element, best)}"


@dataclass(frozen=True)
class HighPlace:
    """A place where the best map is high, in words."""

    easting: float
    northing: float
    place: str
    degrees: str
    expected: str
    probability: str


def high_ground(results: Results, element: str) -> list[HighPlace]:
    """List the highest places of the best map among the samples, best first.

    Places lie two sample spacings apart or more, within the samples' hull.
    """
    one = results.maps.get((str(results.best(element)), element))
    if one is None or one.empty:
        return []
    samples = sampled_ground(results.run, element)
    values = one.values.astype(float).copy()
    easting, northing = (axis.ravel() for axis in np.meshgrid(*one.grid.coordinates()))
    values[outside(samples.hull, easting, northing).reshape(values.shape)] = np.nan
    found: list[HighPlace] = []
    while len(found) < HIGH_PLACES and np.isfinite(values).any():
        highest = int(np.nanargmax(values))
        found.append(_high_place(results, one, easting[highest], northing[highest]))
        near = np.hypot(easting - easting[highest], northing - northing[highest])
        values[(near < 2 * samples.spacing_m).reshape(values.shape)] = np.nan
    return found


def _high_place(results: Results, one: Map, easting: float, northing: float) -> HighPlace:
    place = f"{easting:.0f} E, {northing:.0f} N ({crs_text(one.grid)})"
    longitude, latitude = degrees_at(np.array([easting]), np.array([northing]), one.grid.crs)
    degrees = degrees_text(float(longitude[0]), float(latitude[0]))
    expected = f"{number_text(_value_at(one, easting, northing))} {one.unit}"
    chance = results.probabilities.get(one.element)
    share = float("nan") if chance is None else _value_at(chance, easting, northing)
    probability = f"{100 * share:.0f} %" if np.isfinite(share) else ""
    return HighPlace(easting, northing, place, degrees, expected, probability)


def _value_at(one: Map, easting: float, northing: float) -> float:
    row, column = (round(float(index)) for index in one.grid.index_of(easting, northing))
    return float(one.values[row, column])


def _unit(results: Results, element: str) -> str:
    one = results.maps.get((str(results.best(element)), element))
    return one.unit if one is not None else ""


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
