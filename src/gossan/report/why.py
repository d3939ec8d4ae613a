"""Word why the map says so, and what would change it, at one target."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gossan.geochem.transforms import transform_from_record
from gossan.io.contract import ProductRecord
from gossan.io.tables import Column, Table
from gossan.pipeline.anomaly_rule import rule_of
from gossan.report.read import Results
from gossan.report.tables import number_text

__all__ = ["change_text", "why_text"]

MOST = 5
"""Features that are named one by one; the others are summed."""
LEAST = 0.01
"""Share of the strongest effect below which a feature is not named."""


def why_text(results: Results, element: str, anomaly: str) -> str:
    """List the parts of the estimate at a target's peak, the strongest first; they add up to it."""
    record = results.run.product(str(results.best(element)), element)
    own = _rows(results, element, anomaly)
    if record is None or own.empty:
        return ""
    first, rest = own.iloc[0], own.iloc[1:]
    sizes = rest[Column.EFFECT].abs().sort_values(ascending=False, kind="stable")
    count = min(MOST, int((sizes >= LEAST * sizes.max()).sum()))
    named, others = rest.loc[sizes.index[:count]], rest.loc[sizes.index[count:]]
    steps = [(str(r[Column.PART]), float(r[Column.EFFECT])) for _, r in named.iterrows()]
    if len(others):
        steps.append((f"{len(others)} others", float(others[Column.EFFECT].sum())))
    transform = transform_from_record(record.transform_record)
    start, end = transform.inverse(np.array([first[Column.EFFECT], own[Column.EFFECT].sum()]))
    words = ", ".join(_step(record, name, effect) for name, effect in steps)
    begins = f"{first[Column.PART]} {number_text(_short(start))} {record.unit}"
    return f"{begins}; {words}; together {number_text(_short(end))} {record.unit}"


def change_text(results: Results, element: str, anomaly: str) -> str:
    """Say which content of one more sample at the peak would change the verdict."""
    own = _rows(results, element, anomaly)
    needed = own[Column.CHANGE_BELOW].dropna()
    if needed.empty:
        return ""
    unit = results.of(element)[0].unit
    probability = rule_of(results.run).probability
    return (
        f"one sample at the peak below {number_text(_short(float(needed.iloc[0])))} {unit} would "
        f"bring the probability there below {100 * probability:.0f} %"
    )


def _rows(results: Results, element: str, anomaly: str) -> pd.DataFrame:
    table = results.table(Table.TARGET_PARTS, element)
    return table[table[Column.ANOMALY] == anomaly]


def _step(record: ProductRecord, name: str, effect: float) -> str:
    """Word one part: as a factor where the working scale is logarithmic."""
    if record.transform == "log":
        return f"× {np.exp(effect):.2f} {name}"
    return f"{effect:+.3g} {name}".replace("-", "−")


def _short(value: float) -> float:
    return float(f"{value:.3g}")
