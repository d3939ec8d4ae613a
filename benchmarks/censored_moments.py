"""Samples below a limit: what half the limit, order statistics and the likelihood make of them.

``python benchmarks/censored_moments.py`` simulates lognormal contents (sd of ln z 0.8, two
detection limits about the share that is censored) and prints, over many sets of 80, the bias of the
mean of ln z, of its standard deviation and of the arithmetic mean: a table of docs/survey.md.
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy import stats

from gossan.geochem.censoring import Lognormal, fit_likelihood, fit_ros, treat_censored

LOCATION, SCALE = 1.5, 0.8
TRUTH = Lognormal(LOCATION, SCALE, 0, 0)


def simulate(rng: np.random.Generator, count: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Draw contents, those below one of two limits at their limit, and which these are."""
    z = rng.lognormal(LOCATION, SCALE, count)
    quantiles = stats.norm.ppf([0.6 * share, min(0.95, 1.4 * share)])
    limit = rng.choice(np.exp(LOCATION + SCALE * quantiles), count)
    return np.where(z < limit, limit, z), z < limit


def moments(values: np.ndarray) -> tuple[float, float, float]:
    logs = np.log(values)
    return float(logs.mean()), float(logs.std(ddof=1)), float(values.mean())


def once(rng: np.random.Generator, count: int, share: float) -> np.ndarray:
    """Estimate mean and sd of ln z and the arithmetic mean by each way."""
    z, below = simulate(rng, count, share)
    half = treat_censored(z, below, np.zeros(count, bool), "half")
    filled = fit_ros(z, below)[1]
    fit = fit_likelihood(z, below)
    return np.array([moments(half), moments(filled), (fit.location, fit.scale, fit.mean)])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=500)
    parser.add_argument("--samples", type=int, default=80)
    options = parser.parse_args()
    rng = np.random.default_rng(17)
    print("censored | half | ros | likelihood")
    for share in (0.1, 0.2, 0.5, 0.7):
        runs = [once(rng, options.samples, share) for _ in range(options.sets)]
        mean = np.mean(runs, axis=0)
        ways = [
            f"{location - LOCATION:+.3f} / {scale - SCALE:+.3f} / {centre / TRUTH.mean - 1:+.0%}"
            for location, scale, centre in mean
        ]
        print(f"{share:.0%} | {' | '.join(ways)}", flush=True)


if __name__ == "__main__":
    main()
