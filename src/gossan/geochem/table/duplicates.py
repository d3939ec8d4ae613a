"""Find samples taken twice, measure the precision from them, and merge them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

DuplicatePolicy = Literal["mean", "first", "keep", "refuse"]


@dataclass(frozen=True)
class Precision:
    """What duplicate pairs say of one element.

    Parameters
    ----------
    pairs
        Number of pairs with both values measured.
    log_variance
        ``sum (ln a - ln b)^2 / (2 n)``: variance of sampling and analysis of ln z.
    """

    pairs: int
    log_variance: float

    @property
    def relative(self) -> float:
        """Relative standard deviation ``sqrt(exp(log_variance) - 1)``, without unit."""
        return float(np.sqrt(np.expm1(self.log_variance)))


def groups_within(coordinates: NDArray[np.float64], distance_m: float) -> NDArray[np.int_]:
    """Number the groups of points that lie within a distance of each other, in order of rows.

    >>> groups_within(np.array([[0.0, 0], [9, 0], [0.4, 0]]), 0.5).tolist()
    [0, 1, 0]
    """
    places, at = np.unique(coordinates, axis=0, return_inverse=True)
    n = len(places)
    pairs = cKDTree(places).query_pairs(distance_m, output_type="ndarray")
    graph = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    labels = connected_components(graph, directed=False)[1]
    return pd.factorize(labels[at.ravel()])[0]


def duplicate_pairs(
    coordinates: NDArray[np.float64],
    distance_m: float,
    kinds: NDArray[np.object_] | None = None,
) -> NDArray[np.int_]:
    """Pair points nearer than a distance: (k, 2) indices, each point in one pair at most.

    Points at one place are paired first, in their order, then the nearest.

    Parameters
    ----------
    coordinates
        (n, 2) places.
    distance_m
        Largest distance of a pair.
    kinds
        (n,) what each sample is; samples of different kinds are no pair.

    Examples
    --------
    >>> duplicate_pairs(np.array([[0.0, 0], [30, 0], [900, 0], [10, 0]]), 50.0).tolist()
    [[0, 3]]
    """
    kinds = np.full(len(coordinates), "", object) if kinds is None else kinds
    same = _pairs_at_places(coordinates, kinds)
    rest = np.setdiff1d(np.arange(len(coordinates)), same.ravel())
    near = _nearest_pairs(coordinates, kinds, rest, distance_m)
    return np.array(sorted([*same.tolist(), *near]), int).reshape(-1, 2)


def _pairs_at_places(
    coordinates: NDArray[np.float64], kinds: NDArray[np.object_]
) -> NDArray[np.int_]:
    """Pair samples of one kind at exactly one place: first with second, third with fourth ..."""
    at = np.unique(coordinates, axis=0, return_inverse=True)[1].ravel()
    groups = pd.DataFrame({"place": at, "kind": kinds.astype(str)})
    step = groups.groupby(["place", "kind"]).cumcount().to_numpy()
    order = np.lexsort((step, pd.factorize(groups["kind"])[0], at))
    second = np.flatnonzero(step[order] % 2 == 1)
    return np.column_stack([order[second - 1], order[second]])


def _nearest_pairs(
    coordinates: NDArray[np.float64],
    kinds: NDArray[np.object_],
    rest: NDArray[np.int_],
    distance_m: float,
) -> list[list[int]]:
    if len(rest) < 2:
        return []
    pairs = rest[cKDTree(coordinates[rest]).query_pairs(distance_m, output_type="ndarray")]
    pairs = pairs[kinds[pairs[:, 0]] == kinds[pairs[:, 1]]]
    length = np.linalg.norm(coordinates[pairs[:, 0]] - coordinates[pairs[:, 1]], axis=1)
    used: set[int] = set()
    kept = []
    for first, second in pairs[np.argsort(length, kind="stable")].tolist():
        if first not in used and second not in used:
            used |= {first, second}
            kept.append(sorted((first, second)))
    return kept


def drop_copies(pairs: NDArray[np.int_], values: Sequence[NDArray[np.float64]]) -> NDArray[np.int_]:
    """Leave out pairs that agree exactly in every element: one row entered twice."""
    if not len(pairs) or len(values) < 2:
        return pairs
    table = np.column_stack(values)
    first, second = table[pairs[:, 0]], table[pairs[:, 1]]
    same = ((first == second) | (np.isnan(first) & np.isnan(second))).all(axis=1)
    return pairs[~same]


def precision(values: NDArray[np.float64], pairs: NDArray[np.int_]) -> Precision | None:
    """Measure the sampling and analytical variance of ln z from pairs; None without pairs.

    Parameters
    ----------
    values
        (n,) values; pairs with an empty, censored (pass NaN) or non-positive value are left out.
    pairs
        (k, 2) indices.

    Examples
    --------
    >>> found = precision(np.array([10.0, 11.0, 20.0, 18.0]), np.array([[0, 1], [2, 3]]))
    >>> found.pairs, round(found.relative, 3)
    (2, 0.071)
    """
    both = values[pairs] if len(pairs) else np.empty((0, 2))
    both = both[np.isfinite(both).all(axis=1) & (both > 0).all(axis=1)]
    if not len(both):
        return None
    differences = np.diff(np.log(both), axis=1)
    return Precision(len(both), float((differences**2).mean() / 2))


def merge_groups(
    frame: pd.DataFrame, groups: NDArray[np.int_], elements: Sequence[str], policy: DuplicatePolicy
) -> pd.DataFrame:
    """Make one row of each group of the same place.

    "mean" averages numbers (those measured where there are any, else the estimates of censored
    ones, whose limit is then the mean of their limits; known errors shrink with the root of their
    number) and takes everything else of the first row;
    "first" keeps the first row.
    """
    if policy in ("keep", "refuse") or len(np.unique(groups)) == len(frame):
        return frame
    first = frame[~pd.Series(groups, index=frame.index).duplicated()].copy()
    if policy == "first":
        return first
    for element in elements:
        values, censored = (
            frame[element].to_numpy(float),
            frame[f"{element}_censored"].to_numpy(bool),
        )
        measured = pd.Series(np.where(censored, np.nan, values)).groupby(groups).mean()
        estimated = pd.Series(values).groupby(groups).mean()
        first[element] = measured.fillna(estimated).to_numpy()
        beyond = (measured.isna() & estimated.notna()).to_numpy()
        first[f"{element}_censored"] = beyond
        if f"{element}_limit" in frame.columns:
            limits = frame[f"{element}_limit"].groupby(groups).mean().to_numpy()
            first[f"{element}_limit"] = np.where(beyond, limits, np.nan)
        if f"{element}_error" in frame.columns:
            squares = (frame[f"{element}_error"] ** 2).groupby(groups)
            first[f"{element}_error"] = np.sqrt(squares.mean() / squares.count()).to_numpy()
    numeric = [
        name
        for name in frame.select_dtypes("number").columns
        if name not in elements and name != "row" and not name.endswith(("_limit", "_error"))
    ]
    for name in numeric:
        first[name] = frame[name].groupby(groups).mean().to_numpy()
    return first
