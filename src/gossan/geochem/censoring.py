"""Estimate what lies below (or above) the limits of a laboratory.

Three ways, by word: ``half`` puts half the limit; ``ros`` draws a line through the logarithms of
the measured values on normal order statistics and reads the censored ones off it; ``likelihood``
fits a lognormal distribution to measured values and limits together, and puts the expected
logarithm beyond each limit. Helsel (2012, *Statistics for Censored Environmental Data*, ch. 6)
compares them: half limits are only harmless where few values are censored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from gossan.arrays.array_type import Array
from gossan.errors import SurveyError, must

Censoring = Literal["half", "ros", "likelihood", "missing"]

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Lognormal:
    """A fitted lognormal distribution; ``location`` and ``scale`` are those of ln z.

    Parameters
    ----------
    location, scale
        Mean and standard deviation of ln z.
    n, censored
        How many values, and how many of them beyond a limit.
    """

    location: float
    scale: float
    n: int
    censored: int

    @property
    def median(self) -> float:
        """Median, in the unit of the data."""
        return float(np.exp(self.location))

    @property
    def mean(self) -> float:
        """Arithmetic mean ``exp(location + scale^2 / 2)``, in the unit of the data."""
        return float(np.exp(self.location + self.scale**2 / 2))

    def quantile(self, probability: float) -> float:
        """Quantile, in the unit of the data."""
        return float(np.exp(self.location + self.scale * stats.norm.ppf(probability)))


def fit_likelihood(values: Array, below: Mask, above: Mask | None = None) -> Lognormal:
    """Fit a lognormal distribution to measured values and limits by maximum likelihood.

    The sum of ``ln f(ln z)`` of measured values, ``ln F(ln L)`` of values below a limit L and
    ``ln (1 - F(ln L))`` of values above one is maximised (Cohen 1991, *Truncated and Censored
    Samples*, ch. 2).

    Parameters
    ----------
    values
        (n,) values or limits, all positive.
    below, above
        (n,) which of them are limits.

    Raises
    ------
    SurveyError
        If fewer than 3 different values were measured.

    Examples
    --------
    >>> z = np.exp(stats.norm.ppf(np.arange(0.005, 1, 0.01)))
    >>> below = z < 0.5
    >>> fit = fit_likelihood(np.where(below, 0.5, z), below)
    >>> round(fit.median, 1)
    1.0
    """
    above = np.zeros(len(values), bool) if above is None else above
    logs = _logs(values, below | above)
    measured = logs[~(below | above)]
    start = np.array([measured.mean(), np.log(measured.std() + 1e-3)])
    # limits and values in units of the measured spread keep the search well scaled
    centre, spread = start[0], np.exp(start[1])
    y = (logs - centre) / spread
    result = optimize.minimize(
        _minus_log_likelihood, np.zeros(2), args=(y, below, above), jac=True, method="BFGS",
        options={"gtol": 1e-8},
    )  # fmt: skip
    mean, log_scale = result.x
    return Lognormal(
        float(centre + spread * mean),
        float(spread * np.exp(log_scale)),
        len(values),
        int((below | above).sum()),
    )


def _logs(values: Array, censored: Mask) -> Array:
    if not (values > 0).all():
        cure = 'Treat zeros with zero = "below" or "missing"'
        raise SurveyError(must("values under a lognormal model", "positive", values.min(), cure))
    if len(np.unique(values[~censored])) < 3:
        cure = 'Leave the element out, or use censoring = "half"'
        got = int((~censored).sum())
        raise SurveyError(must("measured values", "at least 3 different ones", got, cure))
    return np.log(values)


def _minus_log_likelihood(
    parameters: Array, y: Array, below: Mask, above: Mask
) -> tuple[float, Array]:
    mean, log_scale = parameters
    scale = np.exp(log_scale)
    a = (y - mean) / scale
    seen = a[~(below | above)]
    low, high = a[below], a[above]
    value = (
        -0.5 * (seen**2).sum()
        - len(seen) * log_scale
        + stats.norm.logcdf(low).sum()
        + stats.norm.logsf(high).sum()
    )
    mills_low = np.exp(stats.norm.logpdf(low) - stats.norm.logcdf(low))
    mills_high = np.exp(stats.norm.logpdf(high) - stats.norm.logsf(high))
    slope = (seen.sum() - mills_low.sum() + mills_high.sum()) / scale
    bend = (seen**2).sum() - len(seen) - (low * mills_low).sum() + (high * mills_high).sum()
    return -float(value), -np.array([slope, bend])


def plotting_positions(values: Array, below: Mask) -> Array:
    """Return the probability of each value and limit among several detection limits.

    Helsel & Cohn (1988, *Water Resources Research* 24, 1997-2004): the probability of exceeding
    each limit is built up from the highest to the lowest; measured values spread evenly between
    limits, censored values evenly below theirs.

    Examples
    --------
    >>> z = np.array([1.0, 1.0, 2.0, 3.0, 4.0])
    >>> plotting_positions(z, np.array([True, True, False, False, False])).round(3).tolist()
    [0.133, 0.267, 0.55, 0.7, 0.85]
    """
    limits = np.unique(values[below])
    edges = np.concatenate([[-np.inf], limits, [np.inf]])
    exceed = np.zeros(len(limits) + 2)
    for j in range(len(limits), 0, -1):
        inside = (~below & (values >= edges[j]) & (values < edges[j + 1])).sum()
        under = (below & (values <= edges[j])).sum() + (~below & (values < edges[j])).sum()
        exceed[j] = exceed[j + 1] + inside / (inside + under) * (1 - exceed[j + 1])
    exceed[0] = 1.0
    positions = np.empty(len(values))
    for j in range(len(limits) + 1):
        inside = np.flatnonzero(~below & (values >= edges[j]) & (values < edges[j + 1]))
        ranks = np.argsort(np.argsort(values[inside], kind="stable"), kind="stable") + 1
        width = exceed[j] - exceed[j + 1]
        positions[inside] = 1 - exceed[j] + width * ranks / (len(inside) + 1)
        at = np.flatnonzero(below & (values == edges[j]))
        positions[at] = (1 - exceed[j]) * np.arange(1, len(at) + 1) / (len(at) + 1)
    return positions


def fit_ros(values: Array, below: Mask) -> tuple[Lognormal, Array]:
    """Fit logarithms on normal order statistics and read the censored values off the line.

    Parameters
    ----------
    values
        (n,) values or limits, all positive.
    below
        (n,) which of them are limits.

    Returns
    -------
    fit
        Line through the measured values: its level and slope are location and scale.
    estimates
        (n,) measured values, and estimates that lie on the line for censored ones. Within one limit
        they rise in the order of the rows, which says nothing about the place of the samples.

    Raises
    ------
    SurveyError
        If fewer than 3 different values were measured.
    """
    logs = _logs(values, below)
    scores = stats.norm.ppf(plotting_positions(values, below))
    slope, level = np.polyfit(scores[~below], logs[~below], 1)
    estimates = np.where(below, np.exp(level + slope * scores), values)
    return Lognormal(float(level), float(slope), len(values), int(below.sum())), estimates


def treat_censored(values: Array, below: Mask, above: Mask, method: Censoring = "half") -> Array:
    """Put an estimate in place of each limit; NaN stays NaN.

    Values above a limit become the limit itself, except with "likelihood", which puts the expected
    logarithm beyond it.

    Parameters
    ----------
    values
        (n,) values or limits; NaN: not analysed.
    below, above
        (n,) which of them are limits.
    method
        "half", "ros", "likelihood", or "missing" (censored values are left out).

    Examples
    --------
    >>> z, below = np.array([0.5, 2.0, 3.0]), np.array([True, False, False])
    >>> treat_censored(z, below, np.zeros(3, bool), "half").tolist()
    [0.25, 2.0, 3.0]
    """
    known = np.isfinite(values)
    result = values.copy()
    if method == "missing":
        result[below | above] = np.nan
    elif method == "half":
        result[below] = values[below] / 2
    elif (below | above)[known].any():
        part = values[known]
        if method == "ros":
            result[known] = fit_ros(part, below[known])[1] if below[known].any() else part
        else:
            result[known] = _expected(part, below[known], above[known])
    return result


def _expected(values: Array, below: Mask, above: Mask) -> Array:
    """Put exp(E[ln z | beyond the limit]) under the fitted distribution."""
    fit = fit_likelihood(values, below, above)
    a = (np.log(values) - fit.location) / fit.scale
    down = np.exp(stats.norm.logpdf(a) - stats.norm.logcdf(a))
    up = np.exp(stats.norm.logpdf(a) - stats.norm.logsf(a))
    logs = fit.location + fit.scale * np.where(below, -down, up)
    return np.where(below | above, np.exp(logs), values)
