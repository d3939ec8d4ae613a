"""Turn the run's tables into rows for reading: few figures, plain words, sortable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gossan.io.contract import BASELINE, Comparison
from gossan.io.tables import Column, Table
from gossan.report.charts import coverage
from gossan.report.read import Results

LONG = 12
"""A table with more rows is folded."""


@dataclass(frozen=True)
class Cell:
    """What is read, and what sorting goes by."""

    text: str
    key: str
    number: bool


@dataclass(frozen=True)
class PageTable:
    """A table for the page."""

    title: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Return which columns hold numbers."""
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
) -> PageTable | None:
    """Make a page table of a frame's columns under plain headings; None of an empty frame."""
    if frame.empty:
        return None
    names = columns or {str(name): str(name).replace("_", " ") for name in frame.columns}
    kept = {name: head for name, head in names.items() if name in frame.columns}
    kept = {name: head for name, head in kept.items() if frame[name].notna().any()}
    rows = tuple(tuple(cell(v) for v in row) for row in frame[list(kept)].itertuples(index=False))
    return PageTable(title, note, tuple(kept.values()), rows)


SCORES: dict[str, str] = {
    Column.PRODUCT: "product",
    Column.COMPARISON: "tested on",
    Column.N: "n",
    Column.R: "r",
    Column.SPEARMAN: "Spearman",
    Column.RMSE: "RMSE",
    Column.BIAS: "bias",
    Column.CONCORDANCE: "concordance",
    Column.SKILL: "skill",
    Column.SKILL_LOW: "skill, 95 % from",
    Column.SKILL_HIGH: "to",
}
STRATA_NOMINAL = 0.9
STRATA: dict[str, str] = {
    Column.PRODUCT: "product",
    Column.COMPARISON: "tested on",
    Column.BY: "by",
    Column.FROM: "from",
    Column.TO: "to",
    Column.N: "n",
    Column.ACHIEVED: "coverage",
    Column.ACHIEVED_LOW: "coverage, 95 % from",
    Column.ACHIEVED_HIGH: "to ",
}
PIXELS: dict[str, str] = {
    Column.PRODUCT: "product",
    Column.N: "pixels",
    Column.R: "r",
    Column.SPEARMAN: "Spearman",
    Column.BIAS: "mean difference",
    Column.DOMAIN: "over",
}
CHECK_LAYERS: dict[str, str] = {Column.COMPARISON: "compared with", **PIXELS}
ANOMALIES: dict[str, str] = {
    Column.RANK: "rank",
    Column.ANOMALY: "anomaly",
    Column.PRODUCT: "product",
    Column.STATUS: "status",
    Column.AREA_KM2: "area km²",
    Column.PEAK: "peak",
    Column.PEAK_PROBABILITY: "probability at the peak",
    Column.MEAN: "mean",
    Column.CONTRAST: "contrast",
    Column.CONTRAST_AREA: "contrast × area",
    Column.ZONE: "zone",
    Column.PROBABILITY: "probability",
    Column.COINCIDENT: "coincides with",
    Column.OVERLAP: "share where kriging agrees",
    Column.APPLICABLE: "share like sampled ground",
    Column.UNSUPPORTED: "share unsupported",
    Column.SAMPLES: "samples inside",
    Column.HIGHEST_SAMPLE: "highest sample near",
    Column.SAMPLE_M: "m to sample",
    Column.EXPOSURE: "exposed",
    Column.BACKGROUND: "background of its rocks",
    Column.RESIDUAL: "mean above background",
    Column.OCCURRENCE_M: "m to occurrence",
    Column.OCCURRENCES: "occurrences",
    Column.PEAK_EASTING: "peak easting",
    Column.PEAK_NORTHING: "peak northing",
    Column.SCORE: "score",
}
BACKGROUNDS: dict[str, str] = {
    Column.CLASS: "class",
    Column.N: "samples",
    Column.MEAN: "mean",
    Column.LOWER90: "90 % from",
    Column.UPPER90: "to",
    Column.UNIT: "unit",
}
NUMBERS: dict[str, str] = {
    Column.PRODUCT: "product",
    Column.THRESHOLD: "threshold",
    Column.NUMBER: "number",
    Column.TOTAL_KM2: "total km²",
    Column.MEDIAN_KM2: "median km²",
    Column.LARGEST_KM2: "largest km²",
    Column.INSIDE_SHARE: "share in kriging's anomalies",
    Column.KNOWN: "known",
    Column.EXTENDED: "extended",
    Column.NEW: "new",
    Column.NEW_KM2: "new km²",
    Column.MEDIAN_CONTRAST: "median contrast",
}
OCCURRENCES: dict[str, str] = {
    Column.PRODUCT: "product",
    Column.N: "n",
    Column.OUTSIDE: "off the map",
    Column.AUC: "AUC",
    Column.AUC_LOWER95: "from",
    Column.AUC_UPPER95: "to",
    Column.CHANCE_LOWER95: "chance from",
    Column.CHANCE_UPPER95: "chance to",
    Column.P_VALUE: "p",
    Column.ENRICHMENT: "enrichment of best tenth",
    Column.ENRICHMENT_LOWER95: "from ",
    Column.ENRICHMENT_UPPER95: "to ",
    Column.CROSSING_OCCURRENCES: "P-A crossing: occurrences",
    Column.CROSSING_AREA: "area",
    Column.NOTE: "note",
}


def titled(results: Results, element: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Call products by their titles; their codes stay in files."""
    if Column.PRODUCT not in frame:
        return frame
    titles = [results.title(str(name), element) for name in frame[Column.PRODUCT]]
    return frame.assign(**{Column.PRODUCT: titles})


def score_tables(results: Results, element: str) -> list[PageTable]:
    """Lay out validation, the paper's Table 3, and calibration."""
    scores = titled(results, element, results.table(Table.SCORES, element))
    found: list[PageTable | None] = []
    if len(scores):
        kinds = scores[Column.COMPARISON].map(Comparison.parse)
        pixels = kinds.map(lambda one: one.counts_pixels)
        coarse = pixels & kinds.map(lambda one: not one.survey)
        layers = pixels & kinds.map(lambda one: bool(one.survey))
        scores = scores.assign(**{Column.COMPARISON: kinds.map(lambda one: one.label)})
        found.append(table_of(
            scores[~pixels], "Validation", SCORES,
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
            CHECK_LAYERS,
            "The check survey was kriged alone and compared pixel by pixel where it covers the "
            "map. Its layer is smooth: samples, above, judge detail.",
        ))  # fmt: skip
    table = coverage(results, element)
    if len(table):
        labels = table[Column.COMPARISON].map(lambda text: Comparison.parse(text).label)
        table = titled(results, element, table.assign(**{Column.COMPARISON: labels}))
        heads: dict[str, str] = {
            Column.PRODUCT: "product", Column.COMPARISON: "tested on", Column.N: "n",
        }  # fmt: skip
        heads = heads | {f"{v:g}": f"{v:.0%} interval holds" for v in (0.5, 0.8, 0.9, 0.95)}
        found.append(table_of(table, "Calibration: share of samples within the interval", heads))
    found.append(_strata_table(results, element))
    return [one for one in found if one is not None]


def _strata_table(results: Results, element: str) -> PageTable | None:
    """Lay out where the 90 % interval of the best map and of kriging holds."""
    table = results.table(Table.COVERAGE_STRATA, element)
    table = table[table[Column.PRODUCT].isin([results.best(element), BASELINE])]
    table = table[np.isclose(table[Column.NOMINAL].astype(float), STRATA_NOMINAL)]
    if table.empty:
        return None
    kinds = table[Column.COMPARISON].map(Comparison.parse)
    table = table.assign(**{Column.COMPARISON: kinds.map(lambda one: one.label)})
    table = titled(results, element, table[~kinds.map(lambda one: one.is_optimistic)])
    note = "Where the intervals are honest, and where they are too narrow (below 0.9) or too wide."
    return table_of(table, "Coverage of the 90 % interval by strata", STRATA, note)


def anomaly_tables(results: Results, element: str) -> list[PageTable]:
    """Lay out anomalies, the comparison of products, thresholds."""
    numbers = titled(results, element, results.table(Table.PRODUCT_NUMBERS, element))
    ranked = results.table(Table.ANOMALIES, element)
    others = ranked[Column.PRODUCT] != results.best(element)
    ranked = titled(results, element, ranked.iloc[np.argsort(others, kind="stable")])
    thresholds = results.table(Table.THRESHOLDS, element).drop(columns=Column.ELEMENT)
    found = [
        table_of(numbers, "Anomalies of each product in numbers", NUMBERS),
        table_of(ranked, "Anomalies, ranked", ANOMALIES,
                 "Click a heading to sort. Files for GIS and tablet are in the folder anomalies."),
        table_of(thresholds, "Thresholds by every rule"),
        table_of(results.table(Table.BACKGROUNDS, element), "Background by class of ground",
                 BACKGROUNDS, "Means of the samples, weighted by the share of each class in the "
                 "ground that they stand for; samples: their effective number; interval of the "
                 "mean. Classes of fewer than 3 have none."),
    ]  # fmt: skip
    return [one for one in found if one is not None]


def occurrence_tables(results: Results, element: str) -> list[PageTable]:
    """Lay out how the maps do at known occurrences."""
    tests = titled(results, element, results.table(Table.OCCURRENCE_TESTS, element))
    one = table_of(tests, "Known occurrences", OCCURRENCES)
    return [one] if one is not None else []


def learnt_tables(results: Results, element: str) -> list[PageTable]:
    """Lay out what the models learnt: variograms, regressions, pyramids and whatever else."""
    found = []
    for name in [Table.CHOICE, Table.GROUND_TESTS, Table.VARIOGRAMS, *results.run.model_tables()]:
        own = results.table(name, element)
        if Column.ELEMENT in own:
            own = titled(results, element, own.drop(columns=Column.ELEMENT))
            found.append(table_of(own.head(400), name.replace("_", " ").capitalize()))
    return [one for one in found if one is not None]


_COMPONENTS = (Column.SOURCE, Column.COMPONENT, Column.SHARE, Column.READING)


def run_tables(results: Results) -> list[PageTable]:
    """Lay out what belongs to the whole run."""
    components = results.table(Table.COMPONENTS)
    components = components.drop_duplicates([Column.SOURCE, Column.COMPONENT])
    loads: dict[str, str] = {name: name.replace("_", " ") for name in _COMPONENTS}
    found = [
        table_of(components, "What the components show", loads),
        table_of(results.table(Table.TRUTH), "Against the simulated truth"),
        table_of(results.table(Table.HALO), "Loadings of the scores of several elements"),
        table_of(results.table(Table.MASKS), "Masked ground"),
        table_of(results.table(Table.LEVELLING), "Scenes levelled on their overlaps"),
        table_of(results.table(Table.REGISTRATION), "Registration between scenes"),
        table_of(results.table(Table.SURVEY), "Survey quality"),
        table_of(results.table(Table.FINDINGS), "Findings while reading the surveys"),
    ]
    return [one for one in found if one is not None]


CONTROLS = {
    "qc_standards": "Standards: bias against the certified content",
    "qc_blanks": "Blanks",
    Table.QC_PRECISION: "Duplicates: precision",
    "qc_variance": "Duplicates: shares of the variance",
}


def control_tables(results: Results) -> list[PageTable]:
    """Lay out what the laboratory's standards, blanks and duplicates say."""
    found = [table_of(results.table(name), title) for name, title in CONTROLS.items()]
    return [one for one in found if one is not None]
