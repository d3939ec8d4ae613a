"""Turn the run's tables into rows for reading: few figures, plain words, sortable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gossan.pipeline.options.products import CHECK_LAYER, COARSE
from gossan.report.charts import coverage
from gossan.report.read import Results

LONG = 12
"""A table with more rows is folded."""


@dataclass(frozen=True)
class Cell:
    """Hold what is read, and what sorting goes by."""

    text: str
    key: str
    number: bool


@dataclass(frozen=True)
class Table:
    """Hold a table for the page."""

    title: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Tell which columns hold numbers."""
        return tuple(all(cell.number for cell in column) for column in zip(*self.rows))

    @property
    def long(self) -> bool:
        """True when the page folds it."""
        return len(self.rows) > LONG


def number_text(value: float) -> str:
    """Write a number to three figures, without exponents where they can be had.

    >>> number_text(0.071144), number_text(4375123.4), number_text(-3.61), number_text(float("nan"))
    ('0.0711', '4375123', '−3.61', '–')
    """
    if not np.isfinite(value):
        return "–"
    if value == round(value) or abs(value) >= 1000:
        text = f"{value:.0f}" if abs(value) < 1e9 else f"{value:.3g}"
    else:
        text = f"{value:.3g}"
    return text.replace("-", "−")


def cell(value: object) -> Cell:
    """Make a cell of a value."""
    if isinstance(value, (bool, np.bool_)):
        return Cell("yes" if value else "no", str(int(value)), False)
    if isinstance(value, (int, float, np.integer, np.floating)):
        key = f"{float(value):.12g}" if np.isfinite(value) else ""
        return Cell(number_text(float(value)), key, True)
    text = "" if value is None or value is pd.NA else str(value)
    return Cell(text, text.lower(), False)


def table_of(
    frame: pd.DataFrame, title: str, columns: Mapping[str, str] | None = None, note: str = ""
) -> Table | None:
    """Make a page table of a frame's columns under plain headings; None of an empty frame."""
    if frame.empty:
        return None
    names = columns or {str(name): str(name).replace("_", " ") for name in frame.columns}
    kept = {name: head for name, head in names.items() if name in frame.columns}
    kept = {name: head for name, head in kept.items() if frame[name].notna().any()}
    rows = tuple(tuple(cell(v) for v in row) for row in frame[list(kept)].itertuples(index=False))
    return Table(title, note, tuple(kept.values()), rows)


SCORES = {
    "product": "product", "comparison": "tested on", "n": "n", "r": "r", "spearman": "Spearman",
    "rmse": "RMSE", "bias": "bias", "concordance": "concordance", "skill": "skill",
    "skill_low": "skill, 95 % from", "skill_high": "to",
}  # fmt: skip
PIXELS = {
    "product": "product", "n": "pixels", "r": "r", "spearman": "Spearman",
    "bias": "mean difference", "domain": "over",
}  # fmt: skip
ANOMALIES = {
    "rank": "rank", "anomaly": "anomaly", "product": "product", "status": "status",
    "area_km2": "area km²", "peak": "peak", "mean": "mean", "contrast": "contrast",
    "contrast_area": "contrast × area", "zone": "zone", "probability": "probability",
    "coincident": "coincides with", "overlap": "share in old", "exposure": "exposed",
    "occurrence_m": "m to occurrence", "occurrences": "occurrences", "peak_easting": "peak easting",
    "peak_northing": "peak northing", "score": "score",
}  # fmt: skip
NUMBERS = {
    "product": "product", "threshold": "threshold", "number": "number", "total_km2": "total km²",
    "median_km2": "median km²", "largest_km2": "largest km²", "inside_share": "share in old",
    "known": "known", "extended": "extended", "new": "new", "new_km2": "new km²",
    "median_contrast": "median contrast",
}  # fmt: skip
OCCURRENCES = {
    "product": "product", "n": "n", "outside": "off the map", "auc": "AUC", "auc_lower95": "from",
    "auc_upper95": "to", "chance_lower95": "chance from", "chance_upper95": "chance to",
    "p_value": "p", "enrichment": "enrichment of best tenth", "enrichment_lower95": "from ",
    "enrichment_upper95": "to ", "crossing_occurrences": "P-A crossing: occurrences",
    "crossing_area": "area", "note": "note",
}  # fmt: skip


def score_tables(results: Results, element: str) -> list[Table]:
    """Lay out validation, the paper's Table 3, and calibration."""
    scores = results.table("scores", element)
    found: list[Table | None] = []
    if len(scores):
        coarse = scores["comparison"] == COARSE
        layers = scores["comparison"].str.startswith(CHECK_LAYER)
        found.append(table_of(
            scores[~coarse & ~layers], "Validation", SCORES,
            "Skill = 1 − MSE / MSE(kriging) on the working scale, each product and kriging at the "
            "same samples; interval by a paired block bootstrap. Random folds flatter every map.",
        ))  # fmt: skip
        found.append(table_of(
            scores[coarse], "r with the coarse layer (the paper's Table 3)",
            PIXELS,
            "A high r says that a map repeats the coarse layer, not that its detail is true.",
        ))  # fmt: skip
        found.append(table_of(
            scores[layers], "r with the kriged layer of the check survey",
            {"comparison": "held against", **PIXELS},
            "The check survey was kriged alone and compared pixel by pixel where it covers the "
            "map. Its layer is smooth: samples, above, judge detail.",
        ))  # fmt: skip
    table = coverage(results, element)
    if len(table):
        heads = {"product": "product", "comparison": "tested on", "n": "n"}
        heads |= {f"{v:g}": f"{v:.0%} interval holds" for v in (0.5, 0.8, 0.9, 0.95)}
        found.append(table_of(table, "Calibration: share of samples within the interval", heads))
    return [one for one in found if one is not None]


def anomaly_tables(results: Results, element: str) -> list[Table]:
    """Lay out anomalies, the comparison of products, thresholds."""
    found = [
        table_of(results.table("product_numbers", element), "Anomalies of each product in numbers",
                 NUMBERS),
        table_of(results.table("anomalies", element), "Anomalies, ranked", ANOMALIES,
                 "Click a heading to sort. Files for GIS and tablet are in the folder anomalies."),
        table_of(results.table("thresholds", element).drop(columns="element", errors="ignore"),
                 "Thresholds by every rule"),
    ]  # fmt: skip
    return [one for one in found if one is not None]


def occurrence_tables(results: Results, element: str) -> list[Table]:
    """Lay out how the maps do at known occurrences."""
    one = table_of(results.table("occurrence_tests", element), "Known occurrences", OCCURRENCES)
    return [one] if one is not None else []


def learnt_tables(results: Results, element: str) -> list[Table]:
    """Lay out what the models learnt: variograms, regressions, pyramids and whatever else."""
    known = {
        "scores", "held_out", "components", "findings", "truth", "samples", "occurrences",
        "anomalies", "product_numbers", "thresholds", "occurrence_tests", "occurrence_curves",
        "prediction_area", "halo", "survey", "masks", "registration",
    }  # fmt: skip
    found = []
    for path in sorted(results.run.tables.glob("*.csv")):
        frame = results.table(path.stem)
        if path.stem in known or "element" not in frame:
            continue
        own = frame[frame["element"] == element].drop(columns="element")
        found.append(table_of(own.head(400), path.stem.replace("_", " ").capitalize()))
    return [one for one in found if one is not None]


def run_tables(results: Results) -> list[Table]:
    """Lay out what belongs to the whole run."""
    components = results.table("components")
    loads = {name: name.replace("_", " ") for name in ("source", "component", "share", "reading")}
    if len(components):
        firsts = components.drop_duplicates(["source", "component"])
        components = firsts if "reading" in firsts else pd.DataFrame()
    found = [
        table_of(components, "What the components show", loads),
        table_of(results.table("truth"), "Against the simulated truth"),
        table_of(results.table("halo"), "Loadings of the scores of several elements"),
        table_of(results.table("masks"), "Masked ground"),
        table_of(results.table("registration"), "Registration between scenes"),
        table_of(results.table("survey"), "Survey quality"),
        table_of(results.table("findings"), "Findings while reading the surveys"),
    ]
    return [one for one in found if one is not None]
