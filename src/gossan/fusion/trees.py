"""Regression forests evaluated at many pixels by bit vectors, without walking down any tree.

scikit-learn grows the trees. Here each tree is a word of bits, one for each leaf. Every test of
the tree clears the bits of the leaves that its answer rules out, so that one bit is left. No
branch depends on the data: a test is one comparison and one ``and`` for a block of pixels, which
the compiler turns into vector instructions.

Source: Lucchese et al. 2015, QuickScorer, SIGIR.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.compiled import compiled
from gossan.geo.grid import Window

__all__ = ["LEAVES", "Remainder", "Trees"]

LEAVES = 31
"""Leaves that fit into one word. A larger tree takes several words, at several times the cost."""

_BLOCK = 256
_HASH = np.uint32(0x077CB531)
_Part = tuple[list[int], list[int], list[int], NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Trees:
    """The mean of regression trees.

    Parameters
    ----------
    starts
        (words + 1,) first test of each word of leaves.
    feature, threshold
        (tests,) each test asks whether a feature is at most the threshold.
    below, above
        (tests,) bits of the leaves that are still possible if it is, and if it is not.
    value
        (words, 32) what each leaf adds to the estimate, at the hash of its bit.
    """

    starts: NDArray[np.int64] = field(repr=False)
    feature: NDArray[np.int32] = field(repr=False)
    threshold: NDArray[np.float32] = field(repr=False)
    below: NDArray[np.uint32] = field(repr=False)
    above: NDArray[np.uint32] = field(repr=False)
    value: NDArray[np.float64] = field(repr=False)

    @classmethod
    def of(cls, forest: Any) -> Trees:
        """Convert a fitted scikit-learn forest (``RandomForestRegressor``, extra trees).

        >>> from sklearn.ensemble import RandomForestRegressor
        >>> x = np.random.default_rng(0).normal(size=(60, 3))
        >>> forest = RandomForestRegressor(5, random_state=0).fit(x, x[:, 0])
        >>> bool(np.allclose(Trees.of(forest)(x.T), forest.predict(x)))
        True
        """
        grown = [one.tree_ for one in forest.estimators_]
        parts = [(tree, *part) for tree in grown for part in _words(tree)]
        tests = [len(nodes) for _, nodes, *_ in parts]
        feature = [tree.feature[nodes] for tree, nodes, *_ in parts]
        threshold = [tree.threshold[nodes] for tree, nodes, *_ in parts]
        return cls(
            np.cumsum([0, *tests]),
            np.concatenate(feature).astype(np.int32),
            _not_above(np.concatenate(threshold)),
            np.concatenate([np.array(below, np.uint32) for _, _, below, _, _ in parts]),
            np.concatenate([np.array(above, np.uint32) for _, _, _, above, _ in parts]),
            np.stack([values for *_, values in parts]) / len(grown),
        )

    def predict(self, x: NDArray[Any]) -> NDArray[np.float64]:
        """Return the mean of the trees (n,) at features (n, d), as scikit-learn does."""
        return self(np.asarray(x).T)

    def __call__(self, features: NDArray[Any]) -> NDArray[np.float64]:
        """Return the mean of the trees (n,) at features (d, n), none of them empty."""
        pixels = np.ascontiguousarray(features, np.float32)
        result = np.zeros(pixels.shape[1])
        _evaluate(
            pixels, self.starts, self.feature, self.threshold, self.below, self.above, self.value,
            result,
        )  # fmt: skip
        return result


@dataclass(frozen=True, eq=False)
class Remainder:
    """A share of what trees say, to be added to an estimate; 0 where a feature is empty."""

    trees: Trees = field(repr=False)
    share: float

    def __call__(self, features: NDArray[Any]) -> NDArray[np.float64]:
        """Return what is added (n,) at features (d, n)."""
        filled = np.isfinite(features).all(axis=0)
        if filled.all():
            return self.share * self.trees(features)
        result = np.zeros(features.shape[1])
        result[filled] = self.share * self.trees(features[:, filled])
        return result

    def at_pixels(
        self, raw: NDArray[np.float32], window: Window, estimate: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return what is added (height, width) at features (d, height, width)."""
        added = self(raw.reshape(len(raw), -1))
        return added.reshape(window.shape).astype(np.float32)


def _words(tree: Any) -> Iterator[_Part]:
    """Split the leaves of a tree, from left to right, into words.

    Yields
    ------
    Nodes that tell the leaves of the word apart, the masks of both answers, and the values.
    """
    first, middle, last, leaves = _spans(tree)
    inner = np.flatnonzero(tree.children_left >= 0)
    for start in range(0, len(leaves), LEAVES):
        stop = start + LEAVES
        nodes = inner[(first[inner] < stop) & (last[inner] > start)].tolist()
        spans = [(int(first[n]), int(middle[n]), int(last[n])) for n in nodes]
        below = [_without(cut - start, end - start) for _, cut, end in spans]
        above = [_without(begin - start, cut - start) for begin, cut, _ in spans]
        values = np.zeros(32)
        for bit, leaf in enumerate(leaves[start:stop]):
            values[_slot(bit)] = tree.value[leaf, 0, 0]
        yield nodes, below, above, values


def _spans(
    tree: Any,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], list[int]]:
    """Number the leaves from left to right.

    Returns
    -------
    First leaf under each node, first one under its right child, one past its last one, and the
    node of each leaf.
    """
    first, middle, last = (np.zeros(tree.node_count, np.int64) for _ in range(3))
    leaves: list[int] = []
    path: list[tuple[int, int]] = [(0, 0)]
    while path:
        node, visit = path.pop()
        left, right = int(tree.children_left[node]), int(tree.children_right[node])
        if visit == 0:
            first[node] = len(leaves)
        if left < 0:
            leaves.append(node)
        elif visit == 0:
            path += [(node, 1), (left, 0)]
        elif visit == 1:
            middle[node] = len(leaves)
            path += [(node, 2), (right, 0)]
        last[node] = len(leaves)
    return first, middle, last, leaves


def _without(start: int, stop: int) -> int:
    """Return a full word without the bits from ``start`` to ``stop`` - 1."""
    low, high = max(0, start), min(LEAVES, stop)
    gone = ((1 << max(high, low)) - 1) ^ ((1 << low) - 1)
    return 0xFFFFFFFF & ~gone


def _slot(bit: int) -> int:
    """Return the place of a single bit in the table of values (de Bruijn's hash, no collisions)."""
    return (((1 << bit) * int(_HASH)) & 0xFFFFFFFF) >> 27


def _not_above(threshold: NDArray[np.float64]) -> NDArray[np.float32]:
    """Round down to single precision: single-precision features compare as they did."""
    near = threshold.astype(np.float32)
    return np.where(near > threshold, np.nextafter(near, np.float32(-np.inf)), near)


@compiled()
def _evaluate(pixels, starts, feature, threshold, below, above, value, result):  # type: ignore[no-untyped-def]
    """Add the words' values to ``result``; the highest bit stands for a leaf of another word."""
    word = np.empty(_BLOCK, np.uint32)
    for start in range(0, result.size, _BLOCK):
        stop = min(start + _BLOCK, result.size)
        count = stop - start
        own = result[start:stop]
        for part in range(starts.size - 1):
            word[:] = np.uint32(0xFFFFFFFF)
            for test in range(starts[part], starts[part + 1]):
                limit, yes, no = threshold[test], below[test], above[test]
                column = pixels[feature[test], start:stop]
                for k in range(count):
                    word[k] &= no if column[k] > limit else yes
            values = value[part]
            for k in range(count):
                lowest = word[k] & (~word[k] + np.uint32(1))
                own[k] += values[np.uint32(np.uint32(lowest) * _HASH) >> np.uint32(27)]
