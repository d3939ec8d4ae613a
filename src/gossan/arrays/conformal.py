"""Scale intervals by what held-out errors were (split conformal prediction)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

__all__ = ["conformal_quantile", "normal_quantile"]


def normal_quantile(level: float) -> float:
    """Return half the width of a central normal interval, in standard errors.

    >>> round(normal_quantile(0.9), 4)
    1.6449
    """
    return float(norm.ppf(0.5 + level / 2.0))


def conformal_quantile(scores: ArrayLike, level: float) -> float:
    """Return the half width that covers held-out values as often as it says.

    The ``ceil((n + 1) level)``-th smallest of the scores ``|y - m| / s``: an interval
    ``m +- q s`` then covers a new exchangeable value with probability ``level`` to
    ``level + 1 / (n + 1)``, whatever the law of the errors.

    Parameters
    ----------
    scores : (n,) absolute errors over standard errors of held-out samples; NaN is left out.
    level : nominal coverage, between 0 and 1.

    Returns
    -------
    In standard errors; infinite when n is too small for the level
    (n < level / (1 - level)).

    Examples
    --------
    >>> conformal_quantile([0.5, 1.0, 1.5, 2.0], 0.5)
    1.5
    >>> conformal_quantile([0.5, 1.0], 0.9)
    inf

    Sources: Vovk et al. 2005; Romano et al. 2019.
    """
    values = np.sort(np.asarray(scores, dtype=np.float64))
    values = values[np.isfinite(values)]
    rank = int(np.ceil((values.size + 1) * level - 1e-9))
    return float(values[rank - 1]) if 1 <= rank <= values.size else float("inf")
