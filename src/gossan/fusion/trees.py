"""Regression forests evaluated at many pixels by bit vectors, without walking down any tree.

scikit-learn grows the trees. Here each tree is a word of bits, one for each leaf. Every test of
the tree clears the bits of the leaves that its answer rules out, so that one bit is left. No
branch depends on the data: a test is one comparison and one ``and`` for a block of pixels, which
the compiler turns into vector instructions. Features become 16-bit codes first, so that one
instruction takes twice as many pixels as with floats.

Source: Lucchese et al. 2015, QuickScorer, SIGIR.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.compiled import compiled
from gossan.fusion.pixel_features import PixelFeatures

__all__ = ["LEAVES", "Remainder", "TreeNodes", "Trees"]

LEAVES = 15
"""Leaves that fit into one word. A larger tree takes several words, at several times the cost."""

_BLOCK = 512
_TOGETHER = 4
_ALL = 0xFFFF
_HASH, _SHIFT = np.uint16(0x09AF), np.uint16(12)
_ONE = np.uint16(1)
_LARGEST = 32767
_Part = tuple[list[int], list[int], list[int], NDArray[np.float64]]


class TreeNodes(NamedTuple):
    """Nodes of a regression tree, the root first.

    Parameters
    ----------
    left, right
        (nodes,) children, -1 at leaves; samples at or below the threshold go left.
    feature, threshold
        (nodes,) what a node asks.
    value
        (nodes,) mean of the samples.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    value: NDArray[np.float64]

    @classmethod
    def of(cls, tree: Any) -> TreeNodes:
        """Take a fitted tree of scikit-learn."""
        left, right = tree.children_left, tree.children_right
        return cls(left, right, tree.feature, tree.threshold, tree.value[:, 0, 0])


class LeafWords(NamedTuple):
    """The tests of all trees, word by word.

    Parameters
    ----------
    starts
        (words + 1,) first test of each word of leaves; a multiple of four words.
    feature, threshold
        (tests,) each test asks whether the code of a feature is at most the threshold.
    below, above
        (tests,) bits of the leaves that are still possible if it is, and if it is not.
    value
        (words, 16) what each leaf adds to the estimate, at the hash of its bit.
    """

    starts: NDArray[np.int64]
    feature: NDArray[np.int32]
    threshold: NDArray[np.int16]
    below: NDArray[np.uint16]
    above: NDArray[np.uint16]
    value: NDArray[np.float64]


class FeatureCodes(NamedTuple):
    """How features become 16-bit codes: ``trunc(32767 u / (1 + |u|))``, ``u = (x - c) / s``.

    c is the median of the thresholds that ask for a feature, s their median distance from it. Codes
    never fall where a feature rises, so a value at or below a threshold always counts as such; one
    above it counts as at the threshold within one code, less than 1e-4 of s near c.

    Parameters
    ----------
    used
        (u,) numbers of the features that some test asks for.
    centre, scale
        (u,) c and 1 / s of each.
    """

    used: NDArray[np.int32]
    centre: NDArray[np.float32]
    scale: NDArray[np.float32]

    @classmethod
    def of(cls, feature: NDArray[Any], threshold: NDArray[np.float64]) -> FeatureCodes:
        """Choose the codes of features for tests (tests,)."""
        used = np.unique(feature).astype(np.int32)
        own = [threshold[feature == one] for one in used]
        centre = np.array([np.median(one) for one in own])
        off = [np.abs(one - middle) for one, middle in zip(own, centre)]
        spread = np.array([np.median(one) or one.mean() for one in off])
        least = 1e-5 * np.maximum(np.abs(centre), 1e-20)  # all thresholds the same
        scale = 1.0 / np.where(spread > 0, spread, least)
        return cls(used, centre.astype(np.float32), scale.astype(np.float32))

    def of_thresholds(
        self, place: NDArray[np.int64], threshold: NDArray[np.float64]
    ) -> NDArray[np.int16]:
        """Return the codes (tests,) of thresholds of the features at places among those in use."""
        found, down = np.empty(len(threshold), np.int16), _not_above(threshold)
        for number in range(len(self.used)):
            own = np.flatnonzero(place == number)
            wide = np.empty(len(own), np.int32)
            _encode(down[own], self.centre[number], self.scale[number], wide)
            found[own] = wide
        return found


@dataclass(frozen=True, eq=False)
class Trees:
    """The mean of regression trees, of features as codes.

    Parameters
    ----------
    codes
        How features become codes.
    words
        The trees.
    """

    codes: FeatureCodes = field(repr=False)
    words: LeafWords = field(repr=False)

    @classmethod
    def of(cls, forest: Any) -> Trees:
        """Convert a fitted scikit-learn forest (``RandomForestRegressor``, extra trees).

        >>> from sklearn.ensemble import RandomForestRegressor
        >>> x = np.random.default_rng(0).normal(size=(60, 3))
        >>> forest = RandomForestRegressor(5, random_state=0).fit(x, x[:, 0])
        >>> bool(np.allclose(Trees.of(forest)(x.T), forest.predict(x)))
        True
        """
        return cls.of_nodes([TreeNodes.of(one.tree_) for one in forest.estimators_])

    @classmethod
    def of_nodes(cls, grown: Sequence[TreeNodes]) -> Trees:
        """Take the mean of trees given by their nodes."""
        parts = [(tree, *part) for tree in grown for part in _words(tree)]
        empty = -len(parts) % _TOGETHER
        tests = [len(nodes) for _, nodes, *_ in parts] + [0] * empty
        feature = np.concatenate([tree.feature[nodes] for tree, nodes, *_ in parts])
        threshold = np.concatenate([tree.threshold[nodes] for tree, nodes, *_ in parts])
        values = np.stack([values for *_, values in parts]) / len(grown)
        codes = FeatureCodes.of(feature, threshold)
        place = np.searchsorted(codes.used, feature)
        words = LeafWords(
            np.cumsum([0, *tests]),
            place.astype(np.int32),
            codes.of_thresholds(place, threshold),
            np.concatenate([np.array(below, np.uint16) for _, _, below, _, _ in parts]),
            np.concatenate([np.array(above, np.uint16) for _, _, _, above, _ in parts]),
            np.pad(values, ((0, empty), (0, 0))),
        )
        return cls(codes, words)

    def predict(self, x: NDArray[Any]) -> NDArray[np.float64]:
        """Return the mean of the trees (n,) at features (n, d), as scikit-learn does."""
        return self(np.asarray(x).T)

    def __call__(self, features: NDArray[Any], *further: NDArray[Any]) -> NDArray[np.float64]:
        """Return the mean of the trees (n,) at features (d, n), none of them empty.

        ``further`` features (n,) follow the others.
        """
        pixels = np.ascontiguousarray(features, np.float32)
        beside = np.empty((len(further), pixels.shape[1]), np.float32)
        for line, values in zip(beside, further):
            line[:] = values
        result = np.zeros(pixels.shape[1])
        _evaluate(pixels, beside, self.codes, self.words, result)
        return result


@dataclass(frozen=True, eq=False)
class Remainder:
    """A share of what trees say, to be added to an estimate; 0 where a feature is empty."""

    trees: Trees = field(repr=False)
    share: float

    def __call__(self, features: NDArray[Any]) -> NDArray[np.float64]:
        """Return what is added (n,) at features (d, n)."""
        return self._where(np.isfinite(features).all(axis=0), features)

    def at_pixels(
        self, pixels: PixelFeatures, estimate: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return what is added (height, width) at the pixels of a window."""
        added = self._where(pixels.filled, pixels.flat)
        return added.reshape(estimate.shape).astype(np.float32)

    def _where(self, filled: NDArray[np.bool_], features: NDArray[Any]) -> NDArray[np.float64]:
        if filled.all():
            return self.share * self.trees(features)
        result = np.zeros(features.shape[1])
        result[filled] = self.share * self.trees(features[:, filled])
        return result


def _words(tree: TreeNodes) -> Iterator[_Part]:
    """Split the leaves of a tree, from left to right, into words.

    Yields
    ------
    Nodes that tell the leaves of the word apart, the masks of both answers, and the values.
    """
    first, middle, last, leaves = _spans(tree)
    inner = np.flatnonzero(tree.left >= 0)
    for start in range(0, len(leaves), LEAVES):
        stop = start + LEAVES
        nodes = inner[(first[inner] < stop) & (last[inner] > start)].tolist()
        spans = [(int(first[n]), int(middle[n]), int(last[n])) for n in nodes]
        below = [_without(cut - start, end - start) for _, cut, end in spans]
        above = [_without(begin - start, cut - start) for begin, cut, _ in spans]
        values = np.zeros(16)
        for bit, leaf in enumerate(leaves[start:stop]):
            values[_slot(bit)] = tree.value[leaf]
        yield nodes, below, above, values


def _spans(
    tree: TreeNodes,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], list[int]]:
    """Number the leaves from left to right.

    Returns
    -------
    First leaf under each node, first one under its right child, one past its last one, and the
    node of each leaf.
    """
    first, middle, last = (np.zeros(len(tree.left), np.int64) for _ in range(3))
    leaves: list[int] = []
    path: list[tuple[int, int]] = [(0, 0)]
    while path:
        node, visit = path.pop()
        left, right = int(tree.left[node]), int(tree.right[node])
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
    return _ALL & ~gone


def _slot(bit: int) -> int:
    """Return the place of a single bit in the table of values (de Bruijn's hash, no collisions)."""
    return (((1 << bit) * int(_HASH)) & _ALL) >> int(_SHIFT)


def _not_above(threshold: NDArray[np.float64]) -> NDArray[np.float32]:
    """Round down to single precision: single-precision features compare as they did."""
    near = threshold.astype(np.float32)
    return np.where(near > threshold, np.nextafter(near, np.float32(-np.inf)), near)


@compiled(error_model="numpy")
def _encode(values, centre, scale, out):  # type: ignore[no-untyped-def]
    """Fill the codes of the values of a feature; see ``FeatureCodes``."""
    one, largest = np.float32(1.0), np.float32(_LARGEST)
    for k in range(values.size):
        u = (values[k] - centre) * scale
        out[k] = np.int32(largest * (u / (one + abs(u))))


@compiled()
def _evaluate(pixels, beside, codes_of, trees, result):  # type: ignore[no-untyped-def]
    """Add the words' values to ``result``; the highest bit stands for a leaf of another word.

    The features are those of ``pixels`` (d, n) and, after them, of ``beside`` (e, n).
    """
    (used, centre, scale), starts, value = codes_of, trees.starts, trees.value
    codes, wide = np.empty((used.size, _BLOCK), np.int16), np.empty(_BLOCK, np.int32)
    words = np.empty((_TOGETHER, _BLOCK), np.uint16)
    pairs = _pair_sums(value)
    for start in range(0, result.size, _BLOCK):
        stop = min(start + _BLOCK, result.size)
        count = stop - start
        for j in range(used.size):
            own = used[j] - pixels.shape[0]
            line = pixels[used[j], start:stop] if own < 0 else beside[own, start:stop]
            _encode(line, centre[j], scale[j], wide[:count])
            for k in range(count):
                codes[j, k] = wide[k]
        for part in range(0, starts.size - 1, _TOGETHER):
            for g in range(_TOGETHER):
                word = words[g]
                for k in range(count):
                    word[k] = np.uint16(_ALL)
                first, stop_test = starts[part + g], starts[part + g + 1]
                fours = first + (stop_test - first) // 4 * 4
                for test in range(first, fours, 4):
                    _ask_four(codes, trees, test, word[:count])
                for test in range(fours, stop_test):
                    _ask(codes, trees, test, word[:count])
                _hash(word, count)
            first, second = words[0], words[2]
            for k in range(count):
                first[k] |= words[1, k] << np.uint16(4)
                second[k] |= words[3, k] << np.uint16(4)
            of_first, of_second = pairs[part // 2], pairs[part // 2 + 1]
            sums = result[start:stop]
            for k in range(count):
                sums[k] += of_first[first[k]] + of_second[second[k]]


@compiled()
def _pair_sums(value):  # type: ignore[no-untyped-def]
    """Add up the values (words, 16) of two words each: (words / 2, 256), one look-up for both."""
    sums = np.empty((value.shape[0] // 2, 256))
    for pair in range(sums.shape[0]):
        for two in range(16):
            for one in range(16):
                sums[pair, 16 * two + one] = value[2 * pair, one] + value[2 * pair + 1, two]
    return sums


@compiled(inline="always")
def _ask(codes, trees, test, word):  # type: ignore[no-untyped-def]
    """Clear the bits that the answers to a test rule out."""
    code, limit = codes[trees.feature[test]], trees.threshold[test]
    yes, no = trees.below[test], trees.above[test]
    for k in range(word.size):
        word[k] &= no if code[k] > limit else yes


@compiled(inline="always")
def _ask_four(codes, trees, test, word):  # type: ignore[no-untyped-def]
    """Clear the bits of four tests at once, so that each word is read and written once for them."""
    feature, limit, yes, no = trees.feature, trees.threshold, trees.below, trees.above
    code_1, code_2 = codes[feature[test]], codes[feature[test + 1]]
    code_3, code_4 = codes[feature[test + 2]], codes[feature[test + 3]]
    limit_1, limit_2 = limit[test], limit[test + 1]
    limit_3, limit_4 = limit[test + 2], limit[test + 3]
    yes_1, yes_2, yes_3, yes_4 = yes[test], yes[test + 1], yes[test + 2], yes[test + 3]
    no_1, no_2, no_3, no_4 = no[test], no[test + 1], no[test + 2], no[test + 3]
    for k in range(word.size):
        one = (no_1 if code_1[k] > limit_1 else yes_1) & (no_2 if code_2[k] > limit_2 else yes_2)
        two = (no_3 if code_3[k] > limit_3 else yes_3) & (no_4 if code_4[k] > limit_4 else yes_4)
        word[k] &= one & two


@compiled(inline="always")
def _hash(word, count):  # type: ignore[no-untyped-def]
    """Turn words into the place of their lowest bit."""
    for k in range(count):
        lowest = np.uint16(word[k] & np.uint16(np.uint16(~word[k]) + _ONE))
        word[k] = np.uint16(np.uint16(lowest * _HASH) >> _SHIFT)
