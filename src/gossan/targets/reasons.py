"""Say in words what supports an anomaly and what speaks against it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gossan.io.tables import Column

NEAR_OCCURRENCE_M = 1000.0
MOST_OF_IT = 0.5
"""Share of an anomaly from which most of it is meant."""
NEARLY_ALL = 0.9


@dataclass(frozen=True)
class _Reason:
    """A sentence about one row where a condition holds."""

    holds: Callable[[Any], Any]
    text: Callable[[Any], str]


_SUPPORTS: Sequence[_Reason] = (
    _Reason(
        lambda a: a.samples_above > 0,
        lambda a: (
            f"{a.samples_above} of {a.samples_near} samples inside or near reach the threshold "
            f"(highest {a.highest_sample:.4g} {a.unit})"
        ),
    ),
    _Reason(
        lambda a: a.coarse_probability >= MOST_OF_IT,
        lambda a: (
            f"kriging of the samples alone agrees (probability {100 * a.coarse_probability:.0f} %)"
        ),
    ),
    _Reason(lambda a: a.coincident_n > 0, lambda a: f"also anomalous here: {a.coincident}"),
    _Reason(lambda a: a.occurrences > 0, lambda a: f"known occurrences inside: {a.occurrences}"),
    _Reason(
        lambda a: a.occurrences == 0 and a.occurrence_m <= NEAR_OCCURRENCE_M,
        lambda a: f"a known occurrence lies {a.occurrence_m:.0f} m away",
    ),
    _Reason(
        lambda a: a.applicable >= NEARLY_ALL,
        lambda a: f"{100 * a.applicable:.0f} % of it looks like ground that was sampled",
    ),
)
_AGAINST: Sequence[_Reason] = (
    _Reason(
        lambda a: a.samples_near == 0 and a.sample_m > 0,
        lambda a: f"no sample lies inside or near; the nearest is {a.sample_m:.0f} m from the peak",
    ),
    _Reason(
        lambda a: a.samples_near > 0 and a.samples_above == 0,
        lambda a: (
            f"none of the {a.samples_near} samples inside or near reaches the threshold "
            f"(highest {a.highest_sample:.4g} {a.unit})"
        ),
    ),
    _Reason(
        lambda a: a.applicable < MOST_OF_IT,
        lambda a: f"{100 - 100 * a.applicable:.0f} % of it looks like no ground that was sampled",
    ),
    _Reason(
        lambda a: a.unsupported > 0,
        lambda a: (
            f"{100 * a.unsupported:.0f} % of it lies beyond the samples with estimates above the "
            "highest of them"
        ),
    ),
    _Reason(
        lambda a: a.unsampled > 0,
        lambda a: f"{100 * a.unsampled:.0f} % of it drains past all samples",
    ),
    _Reason(
        lambda a: a.residual <= 0,
        lambda a: (
            f"its rocks lead to expect as much as it holds ({a.background:.4g} {a.unit}, by their "
            "samples)"
        ),
    ),
    _Reason(
        lambda a: a.peak > a.highest_sample,
        lambda a: f"the peak is above every sample near it ({a.highest_sample:.4g} {a.unit})",
    ),
    _Reason(
        lambda a: a.exposure < MOST_OF_IT, lambda a: f"only {100 * a.exposure:.0f} % is bare ground"
    ),
    _Reason(
        lambda a: a.coarse_probability < 0.2,
        lambda a: (
            "kriging of the samples alone gives it a probability of only "
            f"{100 * a.coarse_probability:.0f} %"
        ),
    ),
)


def reasons(table: pd.DataFrame) -> pd.DataFrame:
    """Return the columns ``supports`` and ``against`` of a table of anomalies, in words.

    What is unknown is not mentioned.
    """
    rows = list(table.itertuples(index=False))
    with np.errstate(invalid="ignore"):
        return pd.DataFrame(
            {
                Column.SUPPORTS: [_sentence(row, _SUPPORTS) for row in rows],
                Column.AGAINST: [_sentence(row, _AGAINST) for row in rows],
            },
            dtype=object,
        )


def _sentence(row: Any, wanted: Sequence[_Reason]) -> str:
    return "; ".join(reason.text(row) for reason in wanted if reason.holds(row))
