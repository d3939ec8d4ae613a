"""Say in one sentence per element which map to trust, and why."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gossan.pipeline.products import BASELINE
from gossan.report.read import Results, trusted_product


def verdict(results: Results, element: str) -> str:
    """Give the run's own verdict on an element, or compose one from the held-out scores."""
    if not results.of(element):
        return f"No map of {element} was made."
    if all(one.empty for one in results.of(element)):
        return f"The maps of {element} hold no value: every pixel is masked or off the surveys."
    for entry in results.manifest["products"]:
        if entry["element"] == element and entry.get("verdict"):
            return str(entry["verdict"]).removeprefix(f"{element}: ")
    return _composed(results, element)


def _composed(results: Results, element: str) -> str:
    scores = results.table("scores", element)
    if scores.empty:
        return "No sample was held out, so nothing is known of how far to trust these maps."
    held = scores[scores["comparison"] == "spatial folds"]
    held = held if len(held) else scores[scores["comparison"] != "coarse layer"]
    fused = held[(held["product"] != BASELINE) & held["skill"].notna()]
    if fused.empty:
        return _alone(held, results, element)
    best = fused.sort_values("skill", ascending=False).iloc[0]
    chosen = trusted_product(results, element)
    interval = _interval(best)
    where = f"{int(best['n'])} samples held out ({best['comparison']})"
    if chosen == best["product"] and best["skill_low"] > 0:
        said = (
            f"Trust {best['product']}: on {where} its skill over kriging is {best['skill']:.2f} "
            f"{interval}, so the imagery adds true detail."
        )
    else:
        said = (
            f"Trust kriging: on {where} no fused map is proved better than it. The best, "
            f"{best['product']}, has skill {best['skill']:.2f} {interval}; its detail is a "
            "hypothesis, not a measurement."
        )
    return said + _check(scores, str(best["product"]))


def _alone(held: pd.DataFrame, results: Results, element: str) -> str:
    own = held[held["product"] == BASELINE]
    if own.empty:
        return "Only one product was made; there is nothing to compare it with."
    row = own.iloc[0]
    return (
        f"Only kriging was made: on {int(row['n'])} held-out samples ({row['comparison']}) "
        f"r = {row['r']:.2f} between map and sample. No imagery was tested."
    )


def _interval(row: pd.Series) -> str:
    low, high = row.get("skill_low", np.nan), row.get("skill_high", np.nan)
    if not np.isfinite([low, high]).all():
        return "(no interval)"
    return f"(95 % interval {low:.2f} to {high:.2f})".replace("-", "−")


def _check(scores: pd.DataFrame, product: str) -> str:
    """Add what the check surveys say of the best product."""
    rows = scores[scores["comparison"].str.startswith("check: ") & (scores["product"] == product)]
    parts = [
        f" At {int(row['n'])} samples of the check survey {row['comparison'][7:]}, which no map "
        f"has seen, its skill is {row['skill']:.2f} {_interval(row)}."
        for _, row in rows.iterrows()
        if np.isfinite(row["skill"])
    ]
    return "".join(parts).replace("-0.", "−0.")
