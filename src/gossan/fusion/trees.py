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

__all__ = ["Trees"]

_CHUNK = 256


@dataclass(frozen=True, eq=False)
class Trees:
    """The mean of regression trees, as flat arrays of nodes.

    Parameters
    ----------
    roots
        Place of each tree's first node.
    feature
        Feature that a node asks for; -1 at a leaf.
    threshold
        Values up to it go to the left.
    left, right
        Places of the next nodes.
    value
        What a leaf says.
    """

    roots: NDArray[np.int64] = field(repr=False)
    feature: NDArray[np.int32] = field(repr=False)
    threshold: NDArray[np.float64] = field(repr=False)
    left: NDArray[np.int64] = field(repr=False)
    right: NDArray[np.int64] = field(repr=False)
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
        left = [tree.children_left + start for tree, start in zip(trees, starts)]
        right = [tree.children_right + start for tree, start in zip(trees, starts)]
        leaf = np.concatenate([tree.children_left < 0 for tree in trees])
        feature = np.concatenate([tree.feature for tree in trees])
        return cls(
            starts[:-1].astype(np.int64),
            np.where(leaf, -1, feature).astype(np.int32),
            np.concatenate([tree.threshold for tree in trees]),
            np.concatenate(left).astype(np.int64),
            np.concatenate(right).astype(np.int64),
            np.concatenate([tree.value[:, 0, 0] for tree in trees]),
        )

    def predict(self, x: NDArray[Any]) -> NDArray[np.float64]:
        """Give the mean of the trees (n,) at features (n, d), as scikit-learn has them."""
        return self(np.asarray(x).T)

    def __call__(self, features: NDArray[Any]) -> NDArray[np.float64]:
        """Give the mean of the trees (n,) at features (d, n), none of them empty."""
        planes = np.ascontiguousarray(features, np.float32)
        result = np.zeros(planes.shape[1])
        _ask(
            planes, self.roots, self.feature, self.threshold, self.left, self.right, self.value,
            _CHUNK, result,
        )  # fmt: skip
        return result


@njit(cache=True, nogil=True)
def _ask(planes, roots, feature, threshold, left, right, value, chunk, result):  # type: ignore[no-untyped-def]
    for start in range(0, result.size, chunk):
        stop = min(start + chunk, result.size)
        for root in roots:
            for pixel in range(start, stop):
                node = root
                asked = feature[node]
                while asked >= 0:
                    lower = planes[asked, pixel] <= threshold[node]
                    node = left[node] if lower else right[node]
                    asked = feature[node]
                result[pixel] += value[node]
        for pixel in range(start, stop):
            result[pixel] /= roots.size
