"""Find where an anomaly begins: the rules of regional surveys, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np
import pandas as pd

from gossan.arrays.distribution import Distribution, redraw
from gossan.arrays.folds import block_labels
from gossan.errors import FitError, InputError, must
from gossan.geo.samples import Samples
from gossan.io.tables import Column
from gossan.targets.fractal import fit_fractal

Rule = Literal["trimmed_mean", "median_mad", "tukey", "percentile", "fractal"]
Scale = Literal["log", "raw"]
Kind = Literal["samples", "map", "kriged map"]

STEEP_TAIL = (
    "kriging and every smoothing steepens the upper tail of a map: its fractal breaks and "
    "percentiles lie lower than those of the samples"
)


@dataclass(frozen=True)
class Threshold:
    """One threshold: value, its 95 % bootstrap interval and what it comes from.

    ``scale``: "log" if the rule was applied to logarithms. ``above``: weight at or above the value
    (samples or km2), ``share`` of all. ``note``: what to keep in mind; empty if nothing.
    """

    rule: str
    value: float
    lower95: float
    upper95: float
    scale: str
    above: float
    share: float
    note: str = ""


def samples_distribution(
    samples: Samples, element: str, block_m: float | None = None
) -> Distribution:
    """Return the distribution of one element in a survey, with spatial blocks for the bootstrap.

    Parameters
    ----------
    samples : a survey; censored values enter as the survey treated them.
    element : its name.
    block_m : side of the blocks, metres; None: an eighth of the survey's longer side. Neighbours
        are alike, so whole blocks are drawn.

    Raises
    ------
    FitError : no values at all.
    """
    places = samples.coordinates
    side = block_m or max(float(np.ptp(places, axis=0).max()) / 8, 1.0)
    return Distribution.of_samples(samples.values(element), block_labels(places, side))


def trimmed_mean(distribution: Distribution, deviations: float = 2.0, trim: float = 3.0) -> float:
    """Return mean + 2 s after leaving out values beyond mean +- 3 s until none is left out.

    ``t = m + deviations * s``; the usual rule of regional surveys in China.

    >>> d = Distribution.of_samples([*np.linspace(-1, 1, 101), 50.0])
    >>> round(trimmed_mean(d), 2)
    1.17
    """
    kept = distribution
    for _ in range(1000):
        mean, spread = kept.mean(), kept.std()
        inside = np.abs(kept.values - mean) <= trim * spread + 1e-12 * abs(mean)
        if inside.all() or not inside.any():
            break
        kept = kept.kept(inside)
    return kept.mean() + deviations * kept.std()


def median_mad(distribution: Distribution, deviations: float = 2.0) -> float:
    """Return median + 2 MAD, with MAD = 1.4826 median |x - median|.

    Source: Reimann, Filzmoser & Garrett 2005, Science of the Total Environment 346.

    >>> median_mad(Distribution.of_samples([1.0, 2.0, 3.0, 4.0, 5.0]), 1.0)
    4.4826
    """
    median = distribution.quantile(0.5)
    away = np.abs(distribution.values - median)
    order = np.argsort(away, kind="stable")
    spread = Distribution(away[order], distribution.weights[order]).quantile(0.5)
    return median + deviations * 1.4826 * spread


def tukey(distribution: Distribution, whiskers: float = 1.5) -> float:
    """Return Tukey's upper inner fence ``Q3 + 1.5 (Q3 - Q1)``.

    >>> tukey(Distribution.of_samples(np.arange(1.0, 101.0)))
    150.5
    """
    lower, upper = distribution.quantile(0.25), distribution.quantile(0.75)
    return upper + whiskers * (upper - lower)


def percentile(distribution: Distribution, probability: float = 0.975) -> float:
    """Return a quantile.

    >>> percentile(Distribution.of_samples(np.arange(1.0, 101.0)), 0.5)
    50.5
    """
    return distribution.quantile(probability)


def fractal_break(distribution: Distribution, breaks: int | None = None) -> float:
    """Return the highest break of the concentration-area or -number plot; NaN if there is none.

    The plot is fitted above the median: the body of contents is rarely a power law, and its
    curvature would take the breaks. Logarithms are taken inside.
    """
    found = fit_fractal(_upper_half(distribution), breaks=breaks).breaks
    return float(found[-1]) if len(found) else float("nan")


def _upper_half(distribution: Distribution) -> Distribution:
    return distribution.kept(distribution.values >= distribution.quantile(0.5))


_RULES: Mapping[str, Callable[[Distribution], float]] = MappingProxyType(
    {"trimmed_mean": trimmed_mean, "median_mad": median_mad, "tukey": tukey}
)


def find_threshold(
    distribution: Distribution,
    rule: Rule = "median_mad",
    *,
    scale: Scale = "log",
    probability: float = 0.975,
    kind: Kind = "samples",
    draws: int = 200,
    seed: int = 0,
) -> Threshold:
    """Find one threshold with its bootstrap interval.

    Parameters
    ----------
    distribution : of samples or of a map, in the element's unit.
    rule : "trimmed_mean" (mean + 2 s), "median_mad" (median + 2 MAD), "tukey" (upper fence),
        "percentile", "fractal" (highest break of the concentration-area or -number plot
        above the median).
    scale : "log" applies the rule to logarithms; with values <= 0 the raw scale is used and the
        note says so. Percentile and fractal do not depend on it.
    probability : of the percentile.
    kind : what the distribution describes; maps carry a caveat.
    draws, seed : of the bootstrap; blocks are drawn where the distribution has them.

    Raises
    ------
    FitError : fewer than 10 independent values. InputError : an unknown rule.

    >>> d = Distribution.of_samples(np.exp(np.linspace(-2, 2, 101)))
    >>> round(float(np.log(find_threshold(d, "tukey", draws=0).value)), 6)
    4.04
    """
    if rule not in get_args(Rule):
        raise InputError(must("rule", f"one of {', '.join(get_args(Rule))}", repr(rule), "Choose"))
    if min(distribution.independent, len(distribution.values)) < 10:
        raise FitError(
            must("a threshold", "found from at least 10 values", f"{distribution.independent:.0f}",
                 "Use more samples, or give the threshold as a number")
        )  # fmt: skip
    notes = []
    if scale == "log" and distribution.values[0] <= 0 and rule not in ("percentile", "fractal"):
        scale = "raw"
        notes.append("values at or below 0: the rule was applied on the raw scale")
    if rule == "fractal":
        fit = fit_fractal(_upper_half(distribution))
        value = float(fit.breaks[-1]) if len(fit.breaks) else float("nan")
        statistic = partial(fractal_break, breaks=len(fit.breaks))
        notes += [fit.note] if fit.note else []
    else:
        statistic = partial(_apply, rule=rule, scale=scale, probability=probability)
        value = statistic(distribution)
    if kind == "kriged map":
        notes.append(STEEP_TAIL)
    low, high = np.nan, np.nan
    if draws and np.isfinite(value):
        low, high = np.nanquantile(redraw(distribution, statistic, draws, seed), [0.025, 0.975])
    above = float(distribution.at_or_above(value)) if np.isfinite(value) else 0.0
    shown = "log" if rule == "fractal" else scale
    return Threshold(
        rule, value, float(low), float(high), shown, above, above / distribution.total,
        "; ".join(notes),
    )  # fmt: skip


def reached_threshold(samples: Distribution, rule: Rule = "median_mad") -> Threshold:
    """Find the threshold of a survey by a rule, or by one that some sample reaches.

    A rule that finds nothing (no break) gives way to "median_mad". A threshold above every sample
    calls no ground anomalous, whatever the map shows (two populations make the spread of the
    samples, and so the threshold, too large): the percentile then takes its place.

    Parameters
    ----------
    samples
        Distribution of one element in the survey.
    rule
        As for :func:`find_threshold`.

    Returns
    -------
    Threshold; its note says what was found unfit and why. No bootstrap interval.

    Raises
    ------
    FitError
        Fewer than 10 independent values.

    Examples
    --------
    >>> two = Distribution.of_samples(np.exp(np.linspace(-2, 2, 101)))
    >>> found = reached_threshold(two)
    >>> found.rule, round(float(np.log(found.value)), 2), found.note
    ('percentile', 1.92, 'the threshold by median_mad, 19.4, lies above every sample')
    """
    found, note = find_threshold(samples, rule, draws=0), ""
    if not np.isfinite(found.value):
        note = f"{rule} finds no threshold"
        found = find_threshold(samples, "median_mad", draws=0)
    if found.value > samples.values[-1]:
        above = f"the threshold by {found.rule}, {found.value:.3g}, lies above every sample"
        note = "; ".join(filter(None, [note, above]))
        found = find_threshold(samples, "percentile", draws=0)
    return replace(found, note=note)


def _apply(distribution: Distribution, rule: str, scale: str, probability: float) -> float:
    if rule == "percentile":
        return percentile(distribution, probability)
    if scale == "log":
        return float(np.exp(_RULES[rule](distribution.mapped(np.log))))
    return _RULES[rule](distribution)


def threshold_table(
    distributions: Mapping[str, tuple[Distribution, Kind]],
    rules: Sequence[Rule] = get_args(Rule),
    **options: float,
) -> pd.DataFrame:
    """Find every threshold on samples and maps and show them together.

    Parameters
    ----------
    distributions : name of the source (survey or product) to its distribution and kind.
    rules : see :func:`find_threshold`, which takes the ``options`` too.

    Returns
    -------
    One row per source and rule: source, kind, rule, value, lower95, upper95, scale, above, share,
    note. A rule that cannot be applied has value NaN and the reason in its note.
    """
    rows = []
    for source, (distribution, kind) in distributions.items():
        for rule in rules:
            try:
                found = find_threshold(distribution, rule, kind=kind, **options)  # type: ignore[arg-type]
            except FitError as error:
                found = Threshold(rule, np.nan, np.nan, np.nan, "", np.nan, np.nan, str(error))
            rows.append({Column.SOURCE: source, "kind": kind, **vars(found)})
    return pd.DataFrame(rows)
