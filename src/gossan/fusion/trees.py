"""Forests of trees evaluated at many pixels: one sweep over flat arrays instead of one a tree.

scikit-learn grows the trees; here they are only asked. A chunk of pixels stays in the processor's
cache while all trees see it, and threads over windows are not held up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["Remainder", "Trees"]

_CHUNK = 256


@dataclass(frozen=True, eq=False)
class Trees:
    """The mean of regression trees, as flat arrays of nodes.

    Parameters
    ----------
    roots, depths
        Place of each tree's first node, and how many steps lead to its deepest leaf.
    feature
        Feature that a node asks for.
    threshold
        Values up to it go to the first child.
    children
        (nodes, 2) places of the next nodes; a leaf leads to itself.
    value
        What a node says.
    """

    roots: NDArray[np.int32] = field(repr=False)
    depths: NDArray[np.int32] = field(repr=False)
    feature: NDArray[np.int32] = field(repr=False)
    threshold: NDArray[np.float32] = field(repr=False)
    children: NDArray[np.int32] = field(repr=False)
    value: NDArray[np.float64] = field(repr=False)

    @classmethod
    def of(cls, forest: Any) -> Trees:
        """Take the trees of a fitted scikit-learn forest (``RandomForestRegressor``, extra trees).

        >>> from sklearn.ensemble import RandomForestRegressor
        >>> x = np.random.default_rng(0).normal(size=(60, 3))
        >>> forest = RandomForestRegressor(5, random_state=0).fit(x, x[:, 0])
        >>> bool(np.allclose(Trees.of(forest)(x.T), forest.predict(x)))
        True
        """
        trees = [one.tree_ for one in forest.estimators_]
        starts = np.concatenate([[0], np.cumsum([tree.node_count for tree in trees])])
        left = np.concatenate([tree.children_left + at for tree, at in zip(trees, starts)])
        right = np.concatenate([tree.children_right + at for tree, at in zip(trees, starts)])
        leaf = np.concatenate([tree.children_left < 0 for tree in trees])
        own = np.arange(starts[-1])
        children = np.column_stack([np.where(leaf, own, left), np.where(leaf, own, right)])
        feature = np.concatenate([tree.feature for tree in trees])
        return cls(
            starts[:-1].astype(np.int32),
            np.array([tree.max_depth for tree in trees], np.int32),
            np.where(leaf, 0, feature).astype(np.int32),
            _not_above(np.concatenate([tree.threshold for tree in trees])),
            children.astype(np.int32),
            np.concatenate([tree.value[:, 0, 0] for tree in trees]),
        )

    def predict(self, x: NDArray[Any]) -> NDArray[np.float64]:
        """Give the mean of the trees (n,) at features (n, d), as scikit-learn has them."""
        return self(np.asarray(x).T)

    def __call__(self, features: NDArray[Any]) -> NDArray[np.float64]:
        """Give the mean of the trees (n,) at features (d, n), none of them empty."""
        pixels = np.ascontiguousarray(features.T, np.float32)
        result = np.zeros(len(pixels))
        _ask(
            pixels, self.roots, self.depths, self.feature, self.threshold, self.children,
            self.value, np.empty(_CHUNK, np.int32), result,
        )  # fmt: skip
        return result


@dataclass(frozen=True, eq=False)
class Remainder:
    """A share of what trees say, to be added to an estimate; 0 where a feature is empty."""

    trees: Trees = field(repr=False)
    share: float

    def __call__(self, features: NDArray[Any]) -> NDArray[np.float64]:
        """Give what is added (n,) at features (d, n)."""
        filled = np.isfinite(features).all(axis=0)
        if filled.all():
            return self.share * self.trees(features)
        result = np.zeros(features.shape[1])
        result[filled] = self.share * self.trees(features[:, filled])
        return result


def _not_above(threshold: NDArray[np.float64]) -> NDArray[np.float32]:
    """Round down to single precision: single-precision features compare as they did."""
    near = threshold.astype(np.float32)
    return np.where(near > threshold, np.nextafter(near, np.float32(-np.inf)), near)


@njit(cache=True, nogil=True)
def _ask(pixels, roots, depths, feature, threshold, children, value, nodes, result):  # type: ignore[no-untyped-def]
    """Let all pixels of a chunk go down a tree step by step, without branches to guess."""
    for start in range(0, result.size, nodes.size):
        count = min(nodes.size, result.size - start)
        for tree in range(roots.size):
            nodes[:count] = roots[tree]
            for _ in range(depths[tree]):
                for k in range(count):
                    node = nodes[k]
                    above = pixels[start + k, feature[node]] > threshold[node]
                    nodes[k] = children[node, int(above)]
            for k in range(count):
                result[start + k] += value[nodes[k]]
        for k in range(count):
            result[start + k] /= roots.size
