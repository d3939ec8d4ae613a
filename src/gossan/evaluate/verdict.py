"""Which map of an element to trust, by its skill at samples that it has not seen."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from gossan.io.contract import BASELINE, Comparison, ElementVerdict
from gossan.io.tables import Column

__all__ = ["best_proved", "judge"]


def judge(
    scores: pd.DataFrame, titles: Mapping[str, str], meant: str | None,
    adding: str = "the imagery adds",
) -> ElementVerdict:  # fmt: skip
    """Choose the map of an element to trust, and state why.

    The map that is meant to be the best one is trusted unless it is worse than kriging beyond
    doubt; without one, the best map that is proved better than kriging; else kriging.

    Parameters
    ----------
    scores
        Rows of ``tables/scores.csv`` of one element.
    titles
        Titles of the element's products by name.
    meant
        Product that is meant to be the best map, if there is one.
    adding
        What a map that is better than kriging owes it to.

    Returns
    -------
    The product, and the sentence with the skill in spatial folds, refitted in each of them.
    """
    tested = _at_samples(scores)
    if tested.empty:
        first = BASELINE if BASELINE in titles else next(iter(titles), None)
        product = meant or first
        return ElementVerdict(
            product=product,
            sentence="No sample was held out, so nothing is known of how far to trust these maps.",
        )
    if set(tested[Column.PRODUCT]) == {BASELINE}:
        return ElementVerdict(product=BASELINE, sentence=_only_kriging(tested))
    proved = best_proved(tested, titles)
    product = meant if meant in titles else proved
    if product is None or product == BASELINE or _worse(tested, product):
        return ElementVerdict(product=BASELINE, sentence=_nothing_proved(tested, titles))
    title, skills = titles[product], _skills(tested, product)
    sentence = (
        f"Trust {title}: {skills}, so {adding} true detail."
        if _is_proved(tested, product)
        else f"{title} is not proved better than kriging: {skills}. The kriged map is as good; "
        "take the added detail as a hypothesis to test."
    )
    return ElementVerdict(product=product, sentence=sentence)


def best_proved(scores: pd.DataFrame, names: Mapping[str, str]) -> str | None:
    """Find the product with the highest proved skill over kriging, or None.

    Proved is a 95 % interval above 0: at a check survey where there is one (and then not below 0
    in spatial folds), else in the first spatial folds.
    """
    tested = _at_samples(scores)
    proved = [name for name in names if _is_proved(tested, name)]
    return max(proved, key=lambda name: _leading(tested, name)[Column.SKILL], default=None)


def _at_samples(scores: pd.DataFrame) -> pd.DataFrame:
    """Keep the fair tests at samples: check surveys and spatial folds, the latter first."""
    kinds = scores[Column.COMPARISON].map(Comparison.parse)
    spatial = kinds.map(lambda one: one.is_spatial).astype(bool)
    check = kinds.map(lambda one: one.is_check).astype(bool)
    return pd.concat([scores[spatial], scores[check]])


def _rows(tested: pd.DataFrame, product: str) -> list[tuple[Comparison, pd.Series]]:
    """Rows of a product with a skill: the first spatial folds, then the check surveys."""
    own = tested[(tested[Column.PRODUCT] == product) & tested[Column.SKILL].notna()]
    rows = [(Comparison.parse(row[Column.COMPARISON]), row) for _, row in own.iterrows()]
    spatial = [(kind, row) for kind, row in rows if kind.is_spatial]
    return spatial[:1] + [(kind, row) for kind, row in rows if kind.is_check]


def _leading(tested: pd.DataFrame, product: str) -> pd.Series:
    """The row that decides: of a check survey where there is one."""
    rows = _rows(tested, product)
    return next((row for kind, row in rows if kind.is_check), rows[0][1])


def _is_proved(tested: pd.DataFrame, product: str) -> bool:
    rows = _rows(tested, product)
    if product == BASELINE or not rows or _worse(tested, product):
        return False
    return bool(_leading(tested, product)[Column.SKILL_LOW] > 0)


def _worse(tested: pd.DataFrame, product: str) -> bool:
    """Whether a product is worse than kriging beyond doubt in spatial folds."""
    rows = _rows(tested, product)
    return any(kind.is_spatial and row[Column.SKILL_HIGH] < 0 for kind, row in rows)


def _nothing_proved(tested: pd.DataFrame, titles: Mapping[str, str]) -> str:
    rivals = [name for name in titles if name != BASELINE and _rows(tested, name)]
    if not rivals:
        return "Trust kriging: no other map could be tested."
    best = max(rivals, key=lambda name: _rows(tested, name)[0][1][Column.SKILL])
    return (
        f"Trust kriging: no other map is proved better. The best, {titles[best]}: "
        f"{_skills(tested, best)}; its detail is a hypothesis, not a measurement."
    )


def _only_kriging(tested: pd.DataFrame) -> str:
    row = tested.iloc[0]
    kind = Comparison.parse(row[Column.COMPARISON])
    return (
        f"Only kriging was made: {_where(kind, row)} r = {row[Column.R]:.2f} between map and "
        "sample. No imagery was tested."
    )


def _skills(tested: pd.DataFrame, product: str) -> str:
    """State the skill of a product in spatial folds, then at check surveys."""
    parts = [
        f"{_where(kind, row)} its skill over kriging is {_number(row)}"
        for kind, row in _rows(tested, product)
    ]
    return "; ".join(parts) or "it could not be tested"


def _where(kind: Comparison, row: pd.Series) -> str:
    count = int(row[Column.N])
    if kind.is_check:
        return f"at {count} samples of the survey {kind.survey}, which no map has seen,"
    return f"on {count} samples held out in {kind.label}"


def _number(row: pd.Series) -> str:
    low, high = row[Column.SKILL_LOW], row[Column.SKILL_HIGH]
    known = bool(np.isfinite([low, high]).all())
    interval = f"95 % interval {low:.2f} to {high:.2f}" if known else "no interval"
    return f"{row[Column.SKILL]:.2f} ({interval})".replace("-", "−")
