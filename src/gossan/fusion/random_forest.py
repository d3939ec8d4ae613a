"""Grow random forests of small trees on binned features, in a fraction of scikit-learn's time.

Each feature becomes at most 256 bins, one a value where there are no more values than that. A node
adds its samples up by bin and looks at every cut between bins, so that nothing is sorted after the
first step. A tree takes the cut that lowers the squared error most, wherever it lies, until it has
all its leaves: with as many bins as values these are the trees of scikit-learn.

Source: Breiman 2001 (random forests); Shi 2007 (best first); Ke et al. 2017, LightGBM (histograms).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.array_type import Array
from gossan.arrays.compiled import compiled
from gossan.fusion.trees import LEAVES, TreeNodes, Trees

__all__ = ["Forest", "ForestOptions", "grow"]

_BINS = 256
_FIRST, _SECOND, _THIRD = np.uint64(12), np.uint64(25), np.uint64(27)
_FACTOR = np.uint64(0x2545F4914F6CDD1D)


@dataclass(frozen=True)
class ForestOptions:
    """How a forest is grown.

    Parameters
    ----------
    trees
        Number of trees.
    leaf
        Fewest different samples of a leaf.
    seed
        Of the samples of each tree and of the features of each node.
    tried
        Share of the features that each node looks at.
    bootstrap
        Whether each tree sees as many samples, drawn with replacement; else it sees each once.
    """

    trees: int = 100
    leaf: int = 5
    seed: int = 0
    tried: float = 1 / 3
    bootstrap: bool = True


@dataclass(frozen=True, eq=False)
class Forest:
    """A forest, and what its samples say of it.

    Parameters
    ----------
    trees
        Ready to be evaluated.
    importance
        (d,) share of each feature in what the trees explain.
    out_of_bag
        (n,) estimate of each sample by the trees that did not see it; the mean where all did.
    """

    trees: Trees
    importance: Array = field(repr=False)
    out_of_bag: Array = field(repr=False)


class _Binned(NamedTuple):
    """Features as bins: (d, n) their bins, (d, 256) lowest and highest value in each."""

    codes: NDArray[np.uint8]
    low: NDArray[np.float32]
    high: NDArray[np.float32]


class _Rules(NamedTuple):
    """Fewest different samples of a leaf, and how many features each node looks at."""

    least: int
    tried: int


class _Weighted(NamedTuple):
    """Weights of the samples (n,), and their values times these (n,)."""

    w: Array
    wy: Array


class _Draws(NamedTuple):
    """How often each tree sees each sample (trees, n), and the seed of its features (trees,)."""

    times: Array
    seeds: NDArray[np.uint64]


class _Found(NamedTuple):
    """What each feature gains (trees, d); sums (n,) and number of the estimates out of bag."""

    gains: Array
    sums: Array
    counts: Array


def grow(
    x: Array, y: Array, options: ForestOptions | None = None, weights: Array | None = None
) -> Forest:
    """Grow a forest of trees of at most 15 leaves.

    Parameters
    ----------
    x
        (n, d) features, finite; compared in single precision.
    y
        (n,) values.
    options
        How; default: those of ``ForestOptions``.
    weights
        (n,) of the samples; default: all alike.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(300, 3))
    >>> forest = grow(x, x[:, 0], ForestOptions(tried=1.0))
    >>> forest.importance.round(1).tolist()
    [1.0, 0.0, 0.0]
    >>> bool(np.corrcoef(forest.trees(x.T), x[:, 0])[0, 1] > 0.95)
    True
    """
    asked = options or ForestOptions()
    single = np.ascontiguousarray(x.T, np.float32)
    d, n = single.shape
    rng = np.random.default_rng(asked.seed)
    times = np.ones((asked.trees, n))
    if asked.bootstrap:
        drawn = rng.integers(0, n, (asked.trees, n))
        times = np.stack([np.bincount(one, minlength=n) for one in drawn]).astype(float)
    draws = _Draws(times, rng.integers(1, 2**63, asked.trees, dtype=np.uint64))
    level = float(np.average(y, weights=weights))
    each = np.ones(n) if weights is None else weights
    size = (asked.trees, 2 * LEAVES - 1)
    left, right, feature = (np.full(size, -1, np.int64) for _ in range(3))
    threshold, value = np.zeros(size), np.zeros(size)
    found = _Found(np.zeros((asked.trees, d)), np.zeros(n), np.zeros(n))
    rules = _Rules(asked.leaf, max(1, int(asked.tried * d)))
    nodes = TreeNodes(left, right, feature, threshold, value)
    _grow(single, _binned(single), _Weighted(each, y - level), draws, rules, nodes, found)
    grown = [
        TreeNodes(left[k], right[k], feature[k], threshold[k], value[k] + level)
        for k in range(asked.trees)
    ]
    total = found.gains.sum(axis=1, keepdims=True)
    shares = (found.gains / np.where(total > 0, total, 1.0)).mean(axis=0)
    unseen = level + found.sums / np.maximum(found.counts, 1)
    return Forest(Trees.of_nodes(grown), shares / max(shares.sum(), 1e-300), unseen)


def _binned(x: NDArray[np.float32]) -> _Binned:
    """Put features (d, n) into bins of about as many samples each, equal values into one bin."""
    d, n = x.shape
    codes = np.empty((d, n), np.uint8)
    low, high = np.zeros((d, _BINS), np.float32), np.zeros((d, _BINS), np.float32)
    for k in range(d):
        values, place, count = np.unique(x[k], return_inverse=True, return_counts=True)
        bins = np.arange(len(values))
        if len(values) > _BINS:
            wanted = (np.cumsum(count) - count) * _BINS // n
            bins = np.unique(wanted, return_inverse=True)[1]
        starts = np.flatnonzero(np.diff(bins, prepend=-1))
        codes[k] = bins[place]
        low[k, : len(starts)] = values[starts]
        high[k, : len(starts)] = values[np.append(starts[1:], len(values)) - 1]
    return _Binned(codes, low, high)


@compiled()
def _grow(x, binned, samples, draws, rules, trees, found):  # type: ignore[no-untyped-def]
    """Grow every tree, and add up what it says of the samples that it did not see."""
    n = x.shape[1]
    rows, seen = np.empty(n, np.int64), _Weighted(np.empty(n), np.empty(n))
    for tree in range(draws.seeds.size):
        count, times = 0, draws.times[tree]
        for i in range(n):
            if times[i] > 0:
                rows[count] = i
                count += 1
            seen.w[i] = times[i] * samples.w[i]
            seen.wy[i] = seen.w[i] * samples.wy[i]
        nodes = TreeNodes(
            trees.left[tree], trees.right[tree], trees.feature[tree], trees.threshold[tree],
            trees.value[tree],
        )  # fmt: skip
        _grow_tree(binned, rows[:count], seen, rules, draws.seeds[tree], nodes, found.gains[tree])
        for i in range(n):
            if times[i] == 0:
                found.sums[i] += _value_at(nodes, x[:, i])
                found.counts[i] += 1


@compiled()
def _value_at(nodes, x):  # type: ignore[no-untyped-def]
    """Return the value of the leaf that features (d,) fall into."""
    node = 0
    while nodes.feature[node] >= 0:
        below = x[nodes.feature[node]] <= nodes.threshold[node]
        node = nodes.left[node] if below else nodes.right[node]
    return nodes.value[node]


@compiled()
def _grow_tree(binned, rows, samples, rules, seed, nodes, gains):  # type: ignore[no-untyped-def]
    """Split the leaf that gains most until there are enough leaves, or none gains anything."""
    most = nodes.feature.size
    start, stop = np.zeros(most, np.int64), np.zeros(most, np.int64)
    gain, cuts = np.zeros(most), np.zeros((most, 3), np.int64)
    order, state = np.arange(binned.codes.shape[0]), np.array([seed], np.uint64)
    bins = np.zeros((256, 3))
    stop[0], fresh, count = rows.size, 0, 1
    while True:
        for one in range(fresh, count):
            own = rows[start[one] : stop[one]]
            weight, total = 0.0, 0.0
            for row in own:
                weight += samples.w[row]
                total += samples.wy[row]
            nodes.value[one] = total / weight if weight > 0.0 else 0.0
            if own.size >= 2 * rules.least and weight > 0.0:
                gain[one] = _best_cut(
                    binned.codes, own, samples, rules, order, state, bins, cuts[one]
                )
        fresh, node = count, int(np.argmax(gain))
        if gain[node] <= 0.0 or count + 2 > most:
            return
        feature, below, above = cuts[node]
        lower, upper = binned.high[feature, below], binned.low[feature, above]
        nodes.feature[node] = feature
        nodes.threshold[node] = 0.5 * (np.float64(lower) + np.float64(upper))
        gains[feature] += gain[node]
        gain[node] = 0.0
        middle = _part(binned.codes[feature], rows, start[node], stop[node], below)
        nodes.left[node], nodes.right[node] = count, count + 1
        start[count], stop[count] = start[node], middle
        start[count + 1], stop[count + 1] = middle, stop[node]
        count += 2


@compiled()
def _part(codes, rows, start, stop, below):  # type: ignore[no-untyped-def]
    """Bring the rows of bins up to ``below`` to the front; return where the others begin."""
    one, two = start, stop - 1
    while one <= two:
        if codes[rows[one]] <= below:
            one += 1
        else:
            rows[one], rows[two] = rows[two], rows[one]
            two -= 1
    return one


@compiled()
def _best_cut(codes, rows, samples, rules, order, state, bins, cut):  # type: ignore[no-untyped-def]
    """Find the best cut among features drawn at random, of which one varies at least.

    ``cut`` gets the feature, the last bin below and the first bin above. ``bins`` (256, 3) holds
    zeros before and after.

    Returns
    -------
    What the cut takes off the squared error; 0: there is none.
    """
    weight, total = 0.0, 0.0
    for row in rows:
        weight += samples.w[row]
        total += samples.wy[row]
    best, varied = 0.0, False
    for k in range(order.size):
        if k >= rules.tried and varied:
            break
        other = k + int(_random(state) % np.uint64(order.size - k))
        order[k], order[other] = order[other], order[k]
        own = codes[order[k]]
        first, last = 255, 0
        for row in rows:
            b = own[row]
            bins[b, 0] += samples.w[row]
            bins[b, 1] += samples.wy[row]
            bins[b, 2] += 1.0
            first, last = min(first, b), max(last, b)
        varied = varied or first < last
        w, wy, n, before = 0.0, 0.0, 0.0, first
        for b in range(first, last + 1):
            if bins[b, 2] == 0.0:
                continue
            if min(n, rows.size - n) >= rules.least and w > 0.0 and weight - w > 0.0:
                gain = wy**2 / w + (total - wy) ** 2 / (weight - w) - total**2 / weight
                if gain > best:
                    best, cut[0], cut[1], cut[2] = gain, order[k], before, b
            w, wy, n, before = w + bins[b, 0], wy + bins[b, 1], n + bins[b, 2], b
            bins[b] = 0.0
    return best


@compiled()
def _random(state):  # type: ignore[no-untyped-def]
    """Return the next number of xorshift64* (Vigna 2016)."""
    s = state[0]
    s ^= s >> _FIRST
    s ^= s << _SECOND
    s ^= s >> _THIRD
    state[0] = s
    return s * _FACTOR
