"""Say in one plain sentence how good the best map of an element is."""

from __future__ import annotations

from gossan.io.contract import BASELINE
from gossan.io.tables import Column, Table
from gossan.report.read import Results

__all__ = ["plain_verdict"]


def plain_verdict(results: Results, element: str) -> str:
    """Compare the best map with kriging, at unseen places and at known occurrences.

    Returns
    -------
    One sentence, or nothing where the best map is kriging or was not tested.
    """
    best = results.best(element)
    skill = _skill(results, element, best)
    if best is None or best == BASELINE or skill is None:
        return ""
    return f"{_accuracy(*skill)}{_deposits(results, element, best)}."


def _skill(
    results: Results, element: str, product: str | None
) -> tuple[float, float, float] | None:
    """Skill and the bounds of its interval: at a check survey, else on spatial folds.

    The verdict decides by the same.
    """
    fair = [
        (comparison, rows)
        for comparison, rows in results.run.compared(Table.SCORES, element)
        if comparison.is_check or comparison.is_spatial
    ]
    for _, rows in sorted(fair, key=lambda one: not one[0].is_check):
        own = rows[rows[Column.PRODUCT] == product]
        if len(own) and own[Column.SKILL].notna().all():
            columns = [Column.SKILL, Column.SKILL_LOW, Column.SKILL_HIGH]
            value, low, high = own[columns].iloc[0].astype(float)
            return value, low, high
    return None


def _accuracy(skill: float, low: float, high: float) -> str:
    if abs(skill) < 0.05:
        return "At places not used the best map is as close to the samples as kriging"
    less = f"{100 * abs(skill):.0f} % {'lower' if skill > 0 else 'higher'}"
    chance = ", which may be chance" if low <= 0 <= high else ""
    return f"Squared error {less} than kriging's at places not used{chance}"


def _deposits(results: Results, element: str, best: str) -> str:
    """Say whether known occurrences lie on higher values than on the kriged map."""
    tests = results.table(Table.OCCURRENCE_TESTS, element)
    if Column.AUC not in tests:
        return ""
    own, kriged = (tests[tests[Column.PRODUCT] == name] for name in (best, BASELINE))
    if not (len(own) and len(kriged)):
        return ""
    better = float(own[Column.AUC_LOWER95].iloc[0]) > float(kriged[Column.AUC].iloc[0])
    return f"; known occurrences are {'' if better else 'not '}found better"
