"""Time a forest at pixels, in microseconds a pixel on one core, against scikit-learn itself.

    python benchmarks/bench_forest.py [--trees 100] [--pixels 200000]

Rows: samples, features, and leaves a tree (``none``: unbounded). gossan's models grow at most 15
leaves, which fit into one word (``fusion/trees.py``). ``ratio`` is scikit-learn's time over
gossan's; ``apart`` is the share of pixels where the two estimates differ: those within a 16-bit
code of a threshold.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from sklearn.ensemble import RandomForestRegressor

from gossan.fusion.trees import LEAVES, Trees

CASES = ((150, 15, LEAVES), (1400, 15, LEAVES), (1400, 60, LEAVES), (1400, 60, None))


def seconds(work: Callable[[], object], repeats: int = 3) -> float:
    """Take the best processor time of several runs."""
    best = np.inf
    for _ in range(repeats):
        begun = time.process_time()
        work()
        best = min(best, time.process_time() - begun)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--pixels", type=int, default=200_000)
    chosen = parser.parse_args()
    rng = np.random.default_rng(0)
    print("samples features leaves   us/pixel  scikit-learn   ratio   apart")
    for samples, count, leaves in CASES:
        x = rng.normal(size=(samples, count)).astype(np.float32)
        y = x[:, 0] ** 2 + x[:, 1] + rng.normal(size=samples)
        forest = RandomForestRegressor(
            chosen.trees, min_samples_leaf=5, max_features=1 / 3, max_leaf_nodes=leaves,
            random_state=0,
        ).fit(x, y)  # fmt: skip
        pixels = rng.normal(size=(count, chosen.pixels)).astype(np.float32)
        some = np.ascontiguousarray(pixels[:, : chosen.pixels // 10].T)
        trees = Trees.of(forest)
        apart = (np.abs(trees.predict(some) - forest.predict(some)) > 1e-9).mean()
        own = 1e6 * seconds(lambda trees=trees, p=pixels: trees(p)) / chosen.pixels
        peer = 1e6 * seconds(lambda f=forest, s=some: f.predict(s), 1) / len(some)
        print(
            f"{samples:7d} {count:8d} {leaves!s:>6} {own:10.3f} {peer:13.2f} {peer / own:7.0f}"
            f" {apart:7.4f}"
        )


if __name__ == "__main__":
    main()
