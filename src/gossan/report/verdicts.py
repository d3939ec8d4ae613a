"""Say in one sentence per element which map to trust, and why."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gossan.pipeline.options.products import BASELINE, OF_PIXELS
from gossan.report.read import Results, best_proved, trusted_product


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
    names = [one.product for one in results.of(element)]
    proved = best_proved(scores, names)
    if proved is not None and proved["product"] == trusted_product(results, element):
        said = (
            f"Trust {proved['product']}: {_where(proved)} its skill over kriging is "
            f"{_skill(proved)}, so the imagery adds true detail."
        )
        return said + _others(scores, proved)
    held = scores[scores["comparison"] == "spatial folds"]
    of_pixels = scores["comparison"].str.startswith(OF_PIXELS)
    held = held if len(held) else scores[~of_pixels]
    fused = held[(held["product"] != BASELINE) & held["skill"].notna()]
    if fused.empty:
        return _alone(held, element)
    best = fused.sort_values("skill", ascending=False).iloc[0]
    said = (
        f"Trust kriging: no fused map is proved better. The best, {best['product']}, has skill "
        f"{_skill(best)} {_where(best)}; its detail is a hypothesis, not a measurement."
    )
    return said + _others(scores, best)


def _where(row: pd.Series) -> str:
    way = str(row["comparison"])
    if way.startswith("check: "):
        return f"at {int(row['n'])} samples of the survey {way[7:]}, which no map has seen,"
    return f"on {int(row['n'])} samples held out in {way}"


def _alone(held: pd.DataFrame, element: str) -> str:
    own = held[held["product"] == BASELINE]
    if own.empty:
        return f"Only one map of {element} was made; there is nothing to compare it with."
    row = own.iloc[0]
    return (
        f"Only kriging was made: on {int(row['n'])} held-out samples ({row['comparison']}) "
        f"r = {row['r']:.2f} between map and sample. No imagery was tested."
    )


def _skill(row: pd.Series) -> str:
    low, high = row.get("skill_low", np.nan), row.get("skill_high", np.nan)
    known = bool(np.isfinite([low, high]).all())
    interval = f"95 % interval {low:.2f} to {high:.2f}" if known else "no interval"
    return f"{row['skill']:.2f} ({interval})".replace("-", "−")


def _others(scores: pd.DataFrame, best: pd.Series) -> str:
    """Add what the other fair tests say of the same product."""
    own = scores[(scores["product"] == best["product"]) & scores["skill"].notna()]
    fair = own["comparison"].str.match("check: |spatial folds")
    rows = own[fair & (own["comparison"] != best["comparison"])]
    parts = [
        f" {_where(row).capitalize().rstrip(',')}: {_skill(row)}." for _, row in rows.iterrows()
    ]
    return "".join(parts)
