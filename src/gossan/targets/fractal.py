"""Fit straight pieces to the concentration-area and concentration-number plot."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import numpy as np
import pandas as pd

from gossan.arrays.array_type import Array
from gossan.arrays.distribution import Distribution, redraw
from gossan.errors import FitError, must

Method = Literal["likelihood", "least_squares"]

_KNOTS = 120
_TAIL = 8.0  # independent values that must lie above the last knot


@dataclass(frozen=True, eq=False)
class FractalFit:
    """Straight pieces of ln A(>= v) against ln v.

    ``breaks`` (k,) in the unit of the values; ``exponents`` (k + 1,), positive:
    ``A(>= v) ~ v^-exponent`` in each piece; ``bic`` of every number of breaks tried, from 0;
    ``lognormal_bic`` of one log-normal population, for comparison (NaN by least squares);
    ``points``: value, above (weight at or above) and fitted, to draw the plot.
    """

    breaks: Array
    exponents: Array
    bic: Array
    lognormal_bic: float
    points: pd.DataFrame = field(repr=False)

    @property
    def note(self) -> str:
        """Say whether the pieces mean anything; empty if they do."""
        if not len(self.breaks):
            return "one straight piece: no break"
        if self.lognormal_bic <= self.bic.min():
            return "one log-normal population fits as well: the breaks may mean nothing"
        return ""


def fit_fractal(
    distribution: Distribution,
    *,
    breaks: int | None = None,
    most: int = 4,
    method: Method = "likelihood",
) -> FractalFit:
    """Fit the concentration-area (map) or concentration-number (samples) plot.

    ``A(>= v) ~ v^-a_j`` between breaks. A straight piece of the plot is a constant hazard a_j of
    x = ln v, so by maximum likelihood ``a_j = d_j / T_j``: the weight in the piece over the time
    that values spend in it. The breaks that maximise ``sum d_j ln a_j`` are found exactly among
    120 candidates by dynamic programming, their number by
    ``BIC = -2 lnL + (2 k + 1) ln n``, n the number of independent values. Method
    "least_squares" fits lines to the points of the plot instead, as is common, and lets
    neighbouring lines meet; since the points are sums of each other, it finds breaks too easily.

    Parameters
    ----------
    distribution : of samples or a map; values <= 0 are left out.
    breaks : number of breaks; None: by BIC, at most ``most``.

    Returns
    -------
    FractalFit.

    Raises
    ------
    FitError : fewer than 20 independent positive values, or all alike.

    Sources: Cheng, Agterberg & Ballantyne 1994, J. Geochem. Explor. 51; piecewise hazards:
    Friedman 1982, Annals of Statistics 10.

    >>> rng = np.random.default_rng(1)
    >>> fit = fit_fractal(Distribution.of_samples((1 - rng.random(3000)) ** (-1 / 2.0)))
    >>> len(fit.breaks), bool(abs(fit.exponents[0] - 2.0) < 0.1)
    (0, True)
    """
    positive = distribution.values > 0
    if not positive.any() or distribution.kept(positive).independent < 20:
        raise FitError(
            must("a fractal plot", "made of at least 20 independent values > 0",
                 f"{distribution.independent:.0f}", "Use another rule for the threshold")
        )  # fmt: skip
    used = distribution.kept(positive).mapped(np.log)
    if used.values[-1] - used.values[0] < 1e-9:
        raise FitError(must("a fractal plot", "made of unlike values", "one value", "Use another"))
    knots = _knots(used)
    numbers = [breaks] if breaks is not None else list(range(most + 1))
    if method == "likelihood":
        chosen, bic, lognormal = _by_likelihood(used, knots, numbers)
        exponents = _hazards(used, np.concatenate([[knots[0]], chosen, [used.values[-1]]]))
    else:
        chosen, exponents, bic = _by_least_squares(used, knots, numbers)
        lognormal = float("nan")
    return FractalFit(
        np.exp(chosen), exponents, bic, lognormal, _points(used, knots, chosen, exponents)
    )


def break_intervals(
    distribution: Distribution,
    fit: FractalFit,
    *,
    draws: int = 200,
    seed: int = 0,
    method: Method = "likelihood",
) -> Array:
    """Return the 95 % bootstrap interval of every break: ``(k, 2)``, the number of breaks kept."""
    number = len(fit.breaks)
    if not number:
        return np.empty((0, 2))

    def breaks_of(copy: Distribution) -> Array:
        found = fit_fractal(copy, breaks=number, method=method).breaks
        return found if len(found) == number else np.full(number, np.nan)

    return np.nanquantile(redraw(distribution, breaks_of, draws, seed), [0.025, 0.975], axis=0).T


def _knots(used: Distribution) -> Array:
    """Choose candidates so that body and tail are both resolved: even in ln v and in rank."""
    share = min(max(_TAIL / used.independent, 1e-6), 0.5)
    low, high = used.values[0], used.quantile(1.0 - share)
    levels = 1.0 - np.geomspace(1.0, share, _KNOTS // 2)
    by_rank = np.array([used.quantile(q) for q in levels])
    even = np.linspace(low, max(high, low), _KNOTS // 2)
    knots = np.unique(np.concatenate([[low], by_rank, even]))
    return knots[(knots >= low) & (knots <= high + 1e-12)]


def _sums(used: Distribution, points: Array) -> tuple[Array, Array]:
    """Return weight below each point, and time spent up to it: sum w min(x - x0, p - x0)."""
    running = np.concatenate([[0.0], np.cumsum(used.weights)])
    moments = np.concatenate([[0.0], np.cumsum(used.weights * (used.values - used.values[0]))])
    place = np.searchsorted(used.values, points, side="left")
    below = running[place]
    return below, moments[place] + (running[-1] - below) * (points - used.values[0])


def _hazards(used: Distribution, edges: Array) -> Array:
    weight, time = _sums(used, edges)
    weight[-1] = used.total
    return np.diff(weight) / np.maximum(np.diff(time), 1e-300)


def _by_likelihood(
    used: Distribution, knots: Array, numbers: list[int]
) -> tuple[Array, Array, float]:
    edges = np.append(knots, used.values[-1])
    weight, time = _sums(used, edges)
    weight[-1] = used.total
    events = weight[None, :] - weight[:, None]
    spent = time[None, :] - time[:, None]
    scale = used.independent / used.total
    with np.errstate(divide="ignore", invalid="ignore"):
        cost = np.where(events > 0, -events * np.log(events / spent), np.inf)
    cost[(spent <= 0) | (events * scale < _TAIL * 0.75)] = np.inf
    coarse = _best_cuts(cost * scale, max(numbers))
    found = [_refined(used, edges, coarse[k][1], coarse[k][0], scale) for k in numbers]
    size = np.log(used.independent)
    bic = np.array(
        [2 * (best + used.independent) + (2 * k + 1) * size
         for k, (best, _) in zip(numbers, found, strict=True)]
    )  # fmt: skip
    chosen = found[int(np.argmin(bic))][1]
    spread = used.std() ** 2 * (used.independent - 1) / used.independent
    lognormal = used.independent * (np.log(2 * np.pi * spread) + 1) + 2 * size
    return chosen, bic, float(lognormal)


def _refined(
    used: Distribution, edges: Array, cuts: list[int], cost: float, scale: float
) -> tuple[float, Array]:
    """Move each break between its neighbouring candidates to where the likelihood is greatest."""
    places = edges[[0, *cuts, len(edges) - 1]].copy()
    if not cuts or not np.isfinite(cost):
        return cost, places[1:-1]
    near = {i + 1: (edges[max(c - 1, 0)], edges[min(c + 1, len(edges) - 2)])
            for i, c in enumerate(cuts)}  # fmt: skip
    for _ in range(2):
        for i, (low, high) in near.items():
            low, high = max(low, places[i - 1] + 1e-9), min(high, places[i + 1] - 1e-9)
            tried = np.append(np.linspace(low, high, 33), places[i])
            pieces = _cost(used, np.full_like(tried, places[i - 1]), tried) + _cost(
                used, tried, np.full_like(tried, places[i + 1])
            )
            places[i] = tried[int(np.argmin(pieces))]
    best = scale * float(_cost(used, places[:-1], places[1:]).sum())
    return (best, places[1:-1]) if best < cost else (cost, edges[cuts])


def _cost(used: Distribution, starts: Array, ends: Array) -> Array:
    """Return minus the log-likelihood of pieces, up to a constant; the last end is inclusive."""
    weight, time = _sums(used, np.concatenate([starts, ends]))
    final = np.concatenate([starts, ends]) >= used.values[-1]
    weight[final] = used.total
    events, spent = np.split(weight, 2), np.split(time, 2)
    number, length = events[1] - events[0], spent[1] - spent[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        cost = -number * np.log(number / length)
    return np.where((number > 0) & (length > 0), cost, np.inf)


def _best_cuts(cost: Array, most: int) -> list[tuple[float, list[int]]]:
    """Split 0..m into 1 to ``most`` + 1 pieces of least total cost (dynamic programming)."""
    last = len(cost) - 1
    best, back = [cost[0]], []
    for _ in range(most):
        through = best[-1][:, None] + cost
        back.append(np.argmin(through, axis=0))
        best.append(np.min(through, axis=0))
    found = []
    for k in range(most + 1):
        cuts, place = [], last
        if np.isfinite(best[k][last]):
            for step in range(k - 1, -1, -1):
                place = int(back[step][place])
                cuts.append(place)
        found.append((float(best[k][last]), cuts[::-1]))
    return found


def _by_least_squares(
    used: Distribution, knots: Array, numbers: list[int], shortest: int = 6
) -> tuple[Array, Array, Array]:
    x = np.linspace(knots[0], knots[-1], _KNOTS // 2)
    y = np.log(np.maximum(used.at_or_above(x - 1e-12), 1e-300))
    size = len(x)
    cost = np.full((size + 1, size + 1), np.inf)
    for start in range(size):
        for end in range(start + shortest, size + 1):
            line = np.polyfit(x[start:end], y[start:end], 1)
            cost[start, end] = np.sum((y[start:end] - np.polyval(line, x[start:end])) ** 2)
    found = _best_cuts(cost, max(numbers))
    bic = np.array(
        [size * np.log(max(found[k][0], 1e-12) / size) + (3 * k + 2) * np.log(size)
         for k in numbers]
    )  # fmt: skip
    cuts = [0, *found[numbers[int(np.argmin(bic))]][1], size]
    lines = [np.polyfit(x[a:b], y[a:b], 1) for a, b in pairwise(cuts)]
    breaks = []
    for cut, left, right in zip(cuts[1:-1], lines[:-1], lines[1:], strict=True):
        middle = (x[cut - 1] + x[cut]) / 2
        meet = (right[1] - left[1]) / (left[0] - right[0]) if left[0] != right[0] else middle
        near = x[max(cut - shortest, 0)] <= meet <= x[min(cut + shortest, size) - 1]
        breaks.append(meet if near else middle)
    return np.sort(np.array(breaks)), -np.array([line[0] for line in lines]), bic


def _points(used: Distribution, knots: Array, breaks: Array, exponents: Array) -> pd.DataFrame:
    """Tabulate the plot: value, weight at or above, and the fitted pieces through the start."""
    at = np.unique(np.concatenate([knots, breaks]))
    edges = np.concatenate([[knots[0]], breaks])
    lengths = np.clip(at[:, None] - edges[None, :], 0, np.append(np.diff(edges), np.inf)[None, :])
    fitted = used.total * np.exp(-(lengths @ exponents))
    above = used.at_or_above(at)
    return pd.DataFrame({"value": np.exp(at), "above": above, "fitted": fitted})
