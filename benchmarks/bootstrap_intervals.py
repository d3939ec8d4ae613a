"""How often nominal 95 % intervals of a skill hold the true one, by kind of bootstrap.

``python benchmarks/bootstrap_intervals.py [--repeats 400]`` simulates pairs of errors in groups of
15 that share a part of their error (a third of the variance; Student t with 4 degrees of freedom),
with a true skill of 0.3, draws whole groups, and prints the coverage of three intervals: percentile
and BCa of scipy, and the studentised one that gossan reports.
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy import stats

from gossan.arrays.bootstrap import paired_skill

SIZE, SKILL, SHARED, DRAWS = 15, 0.3, 1 / 3, 1000


def errors(rng: np.random.Generator, groups: int) -> np.ndarray:
    """Errors of the baseline and of a product, each (group, sample); they are alike."""
    own = rng.standard_t(4, (3, groups, SIZE))
    shared = rng.standard_t(4, (3, groups, 1))
    made = np.sqrt(SHARED) * shared + np.sqrt(1 - SHARED) * own
    pair = np.sqrt(0.5) * (made[:2] + made[2])  # half of their variance is common
    return pair * np.sqrt([1, 1 - SKILL])[:, None, None]


def skill(baseline: np.ndarray, product: np.ndarray, axis: int = -1) -> np.ndarray:
    return 1 - product.sum(axis=axis) / baseline.sum(axis=axis)


def covered(groups: int, repeats: int) -> dict[str, float]:
    rng = np.random.default_rng(groups)
    hits = {"percentile": 0, "BCa": 0, "studentised": 0}
    for seed in range(repeats):
        pair = errors(rng, groups)
        sums = tuple((pair**2).sum(axis=2))
        for method in ("percentile", "BCa"):
            found = stats.bootstrap(
                sums, skill, paired=True, method=method, n_resamples=DRAWS, random_state=rng
            ).confidence_interval
            hits[method] += found.low <= SKILL <= found.high
        labels = np.repeat(np.arange(groups), SIZE)
        ours = paired_skill(pair[1].ravel(), pair[0].ravel(), labels, 0.95, DRAWS, seed)
        hits["studentised"] += ours.lower <= SKILL <= ours.upper
    return {name: count / repeats for name, count in hits.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=400)
    repeats = parser.parse_args().repeats
    print(f"{'groups':>6} {'percentile':>10} {'BCa':>10} {'studentised':>11}")
    for groups in (6, 10, 20, 40):
        found = covered(groups, repeats)
        print(f"{groups:6d} " + " ".join(f"{value:10.3f}" for value in found.values()), flush=True)


if __name__ == "__main__":
    main()
