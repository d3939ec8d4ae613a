"""Samples below a limit: inside the likelihood, against numbers put in their place.

``python benchmarks/censored_survey.py [--model kriging]`` simulates a lognormal field (sd of ln z
1, range 3 km, a tenth of nugget), samples it, puts a share of the samples below a limit, and prints
what each way says of ln z at new places: bias, root mean square error and coverage of the 90 %
interval, over all places and over those that truly lie below the limit.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

from gossan.fusion.features.sources import NoFeatures
from gossan.fusion.geostatistical.model import Geostatistical, GeostatisticalSettings
from gossan.fusion.kriging_model import KrigingModel
from gossan.fusion.protocol import Observations, Points
from gossan.geo.grid import Grid
from gossan.geochem.censoring import treat_censored
from gossan.geochem.covariance.model import CovarianceModel, Structure

SIZE_M = 10_000.0
NUGGET = 0.1
FIELD = CovarianceModel(NUGGET, (Structure("exponential", 0.9, 3000.0),))
GRID = Grid.from_bounds(32638, (0, 0, SIZE_M, SIZE_M), 200)
WAYS = ("measured", "half", "substituted", "likelihood")


def simulate(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw places (count, 2) and ln z (count,) at them."""
    places = rng.uniform(0, SIZE_M, (count, 2))
    covariance = FIELD.between(places, places) + NUGGET * np.eye(count)
    return places, np.linalg.cholesky(covariance) @ rng.standard_normal(count)


def observe(way: str, places: np.ndarray, logs: np.ndarray, limit: float) -> Observations:
    """Return the samples as one way of treating the censored ones sees them."""
    below = logs < limit
    if way == "measured" or not below.any():
        return Observations(Points(places), logs)
    written = np.exp(np.where(below, limit, logs))
    method = "half" if way == "half" else "likelihood"
    values = np.log(treat_censored(written, below, np.zeros(len(logs), bool), method))
    limits = np.where(below, limit, np.nan) if way == "likelihood" else None
    return Observations(Points(places), values, limits=limits)


def make(word: str) -> Geostatistical | KrigingModel:
    """Make the model to test."""
    if word == "kriging":
        return KrigingModel()
    return Geostatistical(GeostatisticalSettings(averaging="mode"))


def once(word: str, share: float, samples: int, seed: int) -> list[dict[str, float | str]]:
    """Test every way on one simulated survey."""
    places, logs = simulate(2 * samples, np.random.default_rng(seed))
    limit, rows = float(np.quantile(logs[:samples], share)), []
    none, truth = NoFeatures(GRID), logs[samples:]
    for way in WAYS:
        model = make(word).fit(observe(way, places[:samples], logs[:samples], limit), none)
        found = model.predict(Points(places[samples:]), none)
        assert found.standard_error is not None
        off = found.mean - truth
        inside = np.abs(off) < 1.645 * found.standard_error
        low = truth < limit
        rows.append(
            {"share": share, "way": way, "bias": off.mean(), "square": (off**2).mean(),
             "cover": inside.mean(), "bias below": off[low].mean(),
             "cover below": inside[low].mean()}
        )  # fmt: skip
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--model", choices=("geostatistical", "kriging"), default="geostatistical")
    options = parser.parse_args()
    rows = [
        row
        for share in (0.1, 0.3, 0.6)
        for seed in range(options.repeats)
        for row in once(options.model, share, options.samples, seed)
    ]
    table = pd.DataFrame(rows).groupby(["share", "way"], sort=False).mean()
    table.insert(1, "rmse", np.sqrt(table.pop("square")))
    print(table.round(3).to_string())


if __name__ == "__main__":
    main()
