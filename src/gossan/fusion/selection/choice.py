"""Decide between kriging and its rivals from held-out predictions, and say why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.arrays.array_type import Array
from gossan.arrays.bootstrap import Interval, huber, paired_skill, paired_skills

__all__ = ["BASELINE", "BLEND", "Verdict", "decide"]

BASELINE = "kriging"
BLEND = "blend"
KNEE = 2.0
"""Robust standard deviations beyond which an error counts linearly."""


@dataclass(frozen=True)
class Verdict:
    """Say what was chosen and why.

    ``best`` is the best candidate, ``skill`` its robust skill against kriging with the interval
    that decided; ``chosen`` what is delivered.
    """

    chosen: str
    best: str
    skill: Interval
    reason: str = ""

    def sentence(self, element: str = "") -> str:
        """Return the verdict in one sentence.

        >>> Verdict("kriging", "blend", Interval(-0.02, -0.06, 0.01)).sentence("Au")
        'imagery adds nothing for Au here: skill -0.02 [-0.06, 0.01]; the kriged map is delivered'
        """
        what = f" for {element}" if element else ""
        if self.reason:
            return f"{self.reason}{what}; the kriged map is delivered"
        found = f"skill {self.skill}"
        if self.chosen != BASELINE:
            return f"imagery helps{what} here: {found}; the map of {self.chosen} is delivered"
        if self.skill.value > 0.02:
            return (
                f"imagery is not shown to help{what} here: {found} by {self.best}; "
                "the kriged map is delivered"
            )
        return f"imagery adds nothing{what} here: {found}; the kriged map is delivered"


def decide(
    held: dict[str, Array],
    observed: Array,
    groups: NDArray[np.int_],
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[Verdict, pd.DataFrame]:
    """Choose among held-out predictions; "kriging" is the baseline among them.

    A candidate is better beyond doubt if the lower end of its robust skill is above 0. Robust:
    squared errors grow only linearly beyond two robust standard deviations of kriging's errors,
    so that one freak sample does not decide. The intervals are simultaneous, since the best of
    many is better by luck. Without a better one, kriging is chosen; among better ones the blend
    (the safest), unless a single one is better than the blend beyond doubt.

    Parameters
    ----------
    held : (n,) held-out predictions of each candidate by word, "kriging" among them.
    observed : (n,) values.
    groups : (n,) spatial block of each sample.
    confidence : how sure it must be that the chosen one is better than kriging, all candidates
        considered together; the intervals leave ``1 - confidence`` on each side.

    Returns
    -------
    The verdict, and a table ``candidate, rmse, skill, robust_skill, lower, upper, chosen, note``;
    the ends are those of the robust skill.

    Sources: Huber 1964; Romano & Wolf 2005.
    """
    base = held[BASELINE] - observed
    names = [name for name in held if name != BASELINE]
    knee = KNEE * 1.4826 * float(np.median(np.abs(base)))
    level = 2.0 * confidence - 1.0
    soft = {name: huber(values - observed, knee) for name, values in held.items()}
    found = {BASELINE: Interval(0.0, 0.0, 0.0)}
    if names:
        errors = np.stack([soft[name] for name in names])
        found |= dict(zip(names, paired_skills(errors, soft[BASELINE], groups, level, seed=seed)))
    better = [name for name in names if found[name].lower > 0.0]
    best = max(better or names or [BASELINE], key=lambda name: found[name].value)
    chosen = best if better else BASELINE
    if BLEND in better and best != BLEND:
        ahead = paired_skill(soft[best], soft[BLEND], groups, level, seed=seed)
        if not ahead.lower > 0.0:
            best = chosen = BLEND
    rows = []
    for name in [BASELINE, *names]:
        error = held[name] - observed
        rows.append(
            {
                "candidate": name,
                "rmse": float(np.sqrt(np.mean(error**2))),
                "skill": 1.0 - float((error @ error) / (base @ base)),
                "robust_skill": found[name].value,
                "lower": found[name].lower,
                "upper": found[name].upper,
                "chosen": name == chosen,
                "note": "",
            }
        )
    return Verdict(chosen, best, found[best]), pd.DataFrame(rows)
