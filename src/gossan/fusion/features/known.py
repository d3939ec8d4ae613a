"""What is computed once of features, and kept as long as they live."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from gossan.fusion.protocol import Features, Points

__all__ = ["ByPlace", "by_place", "known_of"]

MOST = 100_000
"""Points beyond which answers are not kept."""
ByPlace = dict[tuple[bytes, float], NDArray[np.float64]]
"""Features (f,) of a point by its place and support."""
_KEPT: WeakKeyDictionary[Features, dict[tuple[object, ...], Any]] = WeakKeyDictionary()


def known_of(features: Features) -> dict[tuple[object, ...], Any]:
    """Return what is known of some features, by what it is; whoever computes more puts it there.

    Features that have a dictionary ``known`` of their own travel with it to the workers of a
    cluster.
    """
    own = getattr(features, "known", None)
    return own if isinstance(own, dict) else _KEPT.setdefault(features, {})


def by_place(
    kept: ByPlace, points: Points, compute: Callable[[Points], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Look features (n, f) of points up, and compute those that are new.

    Answers are kept point by point: cross-validation asks for the same points again and again,
    each time for another part of them.

    >>> kept, asked = {}, []
    >>> def compute(points):
    ...     asked.append(len(points))
    ...     return points.coordinates.sum(axis=1, keepdims=True)
    >>> points = Points(np.array([[1.0, 2.0], [3.0, 4.0]]))
    >>> by_place(kept, points, compute).ravel(), by_place(kept, points, compute).ravel()
    (array([3., 7.]), array([3., 7.]))
    >>> asked
    [2]
    """
    if not 0 < len(points) <= MOST:
        return compute(points)
    places = np.ascontiguousarray(points.coordinates, dtype=np.float64)
    keys = [(place.tobytes(), points.support_m) for place in places]
    new = [number for number, key in enumerate(keys) if key not in kept]
    if new:
        found = compute(points.subset(np.array(new)))
        kept.update((keys[number], row) for number, row in zip(new, found))
    return np.stack([kept[key] for key in keys])
