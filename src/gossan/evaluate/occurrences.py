"""Test maps at known occurrences: rates, areas and chance, always with n."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from gossan.arrays.array_type import Array
from gossan.arrays.distribution import Distribution
from gossan.errors import FitError, must
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Window
from gossan.geo.histogram import map_distribution
from gossan.geo.layer import Layer, values_at

Rate = Literal["success", "prediction"]

FEW = 8


@dataclass(frozen=True, eq=False)
class OccurrenceTest:
    """How well high values of a map find n occurrences.

    ``auc``: area under the ROC curve against all pixels, with its 95 % bootstrap interval, the
    95 % band of n points thrown at random, and ``p_value``, the share of such throws as good.
    ``crossing``: prediction-area plot, where the share of occurrences found and the share of area
    left sum to 1: share of occurrences, share of area, their ratio and its logarithm.
    ``enrichment``: share of occurrences over share of area in the best tenth of the area.
    ``curve``: area_share, occurrence_share, lower95, upper95, chance_lower95, chance_upper95.
    ``area_plot``: threshold, occurrence_share, area_share. ``note``: what to keep in mind.
    """

    n: int
    outside: int
    rate: Rate
    auc: float
    auc_lower95: float
    auc_upper95: float
    chance_lower95: float
    chance_upper95: float
    p_value: float
    crossing_occurrences: float
    crossing_area: float
    crossing_ratio: float
    crossing_weight: float
    enrichment: float
    enrichment_lower95: float
    enrichment_upper95: float
    note: str
    curve: pd.DataFrame = field(repr=False)
    area_plot: pd.DataFrame = field(repr=False)


def judge_occurrences(
    scores: Array,
    area: Distribution,
    *,
    rate: Rate = "success",
    best_share: float = 0.1,
    draws: int = 1000,
    seed: int = 0,
) -> OccurrenceTest:
    """Compare the values of a map at occurrences with its values everywhere.

    With F the share of area with a lower value (ties counted half), the place of an occurrence is
    ``u = 1 - F(score)``: the share of area that must be searched before it is found. The rate
    curve is the share of occurrences with u at most x; the ROC's AUC is ``1 - mean(u)``; at random
    u is uniform. Occurrences are drawn with replacement for the intervals and thrown at random,
    n at a time, for the chance band.

    Parameters
    ----------
    scores
        (n,) values at the occurrences; NaN (outside or masked) is counted and left out.
    area
        distribution of the whole map.
    rate
        "success" if the occurrences helped to make the map, else "prediction"; a label.
    best_share
        share of area for the enrichment.
    draws, seed
        of bootstrap and chance.

    Raises
    ------
    FitError
        no occurrence lies on the map.

    Sources: Chung & Fabbri 2003, Natural Hazards 30 (rate curves); Yousefi & Carranza 2015,
    Computers & Geosciences 79 (prediction-area plot).

    >>> area = Distribution.of_samples(np.arange(1000.0))
    >>> found = judge_occurrences(np.array([999.0, 950.0, 500.0]), area, draws=50)
    >>> found.n, round(found.auc, 3)
    (3, 0.817)
    """
    full = np.isfinite(scores)
    n, outside = int(full.sum()), int((~full).sum())
    if not n:
        raise FitError(
            must("occurrences", "at least one on the map", f"none of {len(scores)}",
                 "Check their CRS and the map's mask")
        )  # fmt: skip
    place = searched_share(scores[full], area)
    rng = np.random.default_rng(seed)
    drawn = place[rng.integers(0, n, (draws, n))]
    thrown = _thrown(area, (draws, n), rng)
    share, occurrences = _crossing(scores[full], area)
    low, high = _band(1 - drawn.mean(axis=1))
    chance_low, chance_high = _band(1 - thrown.mean(axis=1))
    auc = float(1 - place.mean())
    rich = (place <= best_share).mean() / best_share
    rich_low, rich_high = _band((drawn <= best_share).mean(axis=1) / best_share)
    beaten = ((1 - thrown.mean(axis=1)) >= auc - 1e-12).sum()
    return OccurrenceTest(
        n, outside, rate, auc, low, high, chance_low, chance_high,
        float((1 + beaten) / (1 + draws)), occurrences, share,
        occurrences / share if share else np.nan,
        float(np.log(occurrences / share)) if share and occurrences else np.nan,
        float(rich), rich_low, rich_high, _note(n, outside, auc, chance_high),
        _curve(place, drawn, thrown), _area_plot(scores[full], area),
    )  # fmt: skip


def searched_share(scores: Array, area: Distribution) -> Array:
    """Return the share of area with a higher value than each score; ties count half.

    >>> searched_share(np.array([9.0, 0.0]), Distribution.of_samples(np.arange(10.0))).tolist()
    [0.05, 0.95]
    """
    at_or_above = area.at_or_above(scores)
    above = area.at_or_above(np.nextafter(scores, np.inf))
    return (at_or_above + above) / 2 / area.total


def scores_at(
    layer: Layer, coordinates: Array, band: str | None = None, radius_m: float = 0.0
) -> Array:
    """Read a map at occurrences: the pixel, or the highest value within a radius.

    Parameters
    ----------
    coordinates
        (n, 2) easting, northing in the map's CRS.
    radius_m
        for positions that are not exact; it favours every map alike, and raises the
        chance level, so give it only where the error of position is known.

    Returns
    -------
    (n,) values; NaN outside or where all is empty.
    """
    index = 0 if band is None else layer.bands.index(band)
    if radius_m <= 0:
        return values_at(layer, coordinates)[:, index]
    out = np.full(len(coordinates), np.nan)
    for i, (easting, northing) in enumerate(coordinates):
        bounds = (easting - radius_m, northing - radius_m, easting + radius_m, northing + radius_m)
        window: Window = layer.grid.covering(bounds)
        if not window.height or not window.width:
            continue
        values = layer.read(window)[index].astype(np.float64)
        east, north = layer.grid.coordinates(window)
        near = np.hypot(east[None, :] - easting, north[:, None] - northing) <= radius_m
        inside = values[near & np.isfinite(values)]
        out[i] = inside.max() if inside.size else np.nan
    return out


def compare_occurrences(
    layers: Mapping[str, Layer],
    coordinates: Array,
    *,
    rate: Rate = "success",
    radius_m: float = 0.0,
    draws: int = 1000,
    seed: int = 0,
    blocks: Blocks | None = None,
) -> tuple[pd.DataFrame, dict[str, OccurrenceTest]]:
    """Test several products at the same occurrences.

    Returns
    -------
    One row per product (product, n, outside, auc ... note), and the test of each with its curves.
    With a radius, the area is that of single pixels, so enrichment is optimistic; the note says so.
    """
    tests, rows = {}, []
    for name, layer in layers.items():
        area = map_distribution(layer, blocks=blocks)
        scores = _into_bins(scores_at(layer, coordinates, None, radius_m), area)
        found = judge_occurrences(scores, area, rate=rate, draws=draws, seed=seed)
        tests[name] = found
        plain = {k: v for k, v in vars(found).items() if k not in ("curve", "area_plot")}
        if radius_m > 0:
            extra = f"highest value within {radius_m:g} m: favours the map"
            plain["note"] = "; ".join(filter(None, [found.note, extra]))
        rows.append({"product": name, **plain})
    return pd.DataFrame(rows), tests


def _into_bins(scores: Array, area: Distribution) -> Array:
    """Move scores to the nearest value of a binned distribution, so that ties are ties."""
    edges = (area.values[1:] + area.values[:-1]) / 2
    moved = area.values[np.searchsorted(edges, scores)]
    return np.where(np.isfinite(scores), moved, np.nan)


def _thrown(area: Distribution, shape: tuple[int, int], rng: np.random.Generator) -> Array:
    """Compute the searched share of pixels thrown at random (ties as in the map)."""
    running = np.cumsum(area.weights)
    pixel = np.searchsorted(running, rng.random(shape) * running[-1], side="right")
    place = (running[-1] - running + area.weights / 2) / running[-1]
    tied = (
        searched_share(area.values, area)
        if len(np.unique(area.values)) < len(area.values)
        else place
    )
    return tied[np.minimum(pixel, len(place) - 1)]


def _band(values: Array) -> tuple[float, float]:
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def _shares(scores: Array, area: Distribution) -> tuple[Array, Array, Array]:
    """Compute thresholds (falling), shares of occurrences and of area at or above them."""
    thresholds = np.unique(np.concatenate([scores, area.values]))[::-1]
    ordered = np.sort(scores)
    found = (len(scores) - np.searchsorted(ordered, thresholds, side="left")) / len(scores)
    return thresholds, found, area.at_or_above(thresholds) / area.total


def _crossing(scores: Array, area: Distribution) -> tuple[float, float]:
    """Find where share of occurrences + share of area = 1: (share of area, of occurrences)."""
    _, found, taken = _shares(scores, area)
    total = np.concatenate([[0.0], found + taken])
    found, taken = np.concatenate([[0.0], found]), np.concatenate([[0.0], taken])
    after = int(np.searchsorted(total, 1.0))
    before = after - 1
    step = total[after] - total[before]
    part = (1.0 - total[before]) / step if step > 0 else 0.0
    share = taken[before] + part * (taken[after] - taken[before])
    return float(share), float(1.0 - share)


def _curve(place: Array, drawn: Array, thrown: Array, points: int = 201) -> pd.DataFrame:
    """Tabulate the rate curve with its bootstrap and chance bands."""
    share = np.linspace(0, 1, points)

    def rates(places: Array) -> Array:
        ordered = np.sort(np.atleast_2d(places), axis=1)
        return np.array([np.searchsorted(row, share, side="right") for row in ordered]) / len(
            ordered[0]
        )

    low, high = np.quantile(rates(drawn), [0.025, 0.975], axis=0)
    chance_low, chance_high = np.quantile(rates(thrown), [0.025, 0.975], axis=0)
    return pd.DataFrame(
        {
            "area_share": share, "occurrence_share": rates(place)[0], "lower95": low,
            "upper95": high, "chance_lower95": chance_low, "chance_upper95": chance_high,
        }
    )  # fmt: skip


def _area_plot(scores: Array, area: Distribution, points: int = 201) -> pd.DataFrame:
    """Tabulate the prediction-area plot at evenly ranked thresholds and at every occurrence."""
    levels = np.array([area.quantile(q) for q in np.linspace(0, 1, points)])
    thresholds = np.unique(np.concatenate([levels, scores]))
    ordered = np.sort(scores)
    found = (len(scores) - np.searchsorted(ordered, thresholds, side="left")) / len(scores)
    return pd.DataFrame(
        {
            "threshold": thresholds, "occurrence_share": found,
            "area_share": area.at_or_above(thresholds) / area.total,
        }
    )  # fmt: skip


def _note(n: int, outside: int, auc: float, chance_high: float) -> str:
    notes = []
    if n < FEW:
        notes.append(f"only {n} occurrences: the band is wide and nothing is proved")
    if outside:
        notes.append(f"{outside} occurrences outside the map or masked")
    if auc <= chance_high:
        notes.append("within the band of points thrown at random")
    return "; ".join(notes)
