"""Choose the samples that a target is estimated from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy.spatial import cKDTree

from gossan.arrays.array_type import Array, Indices
from gossan.arrays.compiled import compiled
from gossan.errors import InputError, must

Search = Literal["nearest", "quadrant", "octant"]
_SECTORS = {"nearest": 1, "quadrant": 4, "octant": 8}


@dataclass(frozen=True)
class Neighbourhood:
    """Say which samples may serve a target.

    Parameters
    ----------
    neighbours
        Most samples a target; split evenly over the sectors of a sector search.
    radius_m
        Farthest distance in metres (along the direction of greatest continuity); None: any.
    search
        "nearest": the nearest whatever their direction; "quadrant" or "octant": the nearest
        of each of 4 or 8 sectors, against clusters and survey lines.
    fewest
        Below this number a target stays empty.

    Raises
    ------
    InputError
        A number is out of range.

    Examples
    --------
    >>> where = np.array([[0.0, 1.0], [0.0, 2.0], [0.0, -9.0]])
    >>> Neighbourhood(neighbours=2).find(where, np.zeros((1, 2)))
    array([[0, 1]])
    >>> Neighbourhood(neighbours=4, search="quadrant").find(where, np.zeros((1, 2)))
    array([[ 0,  2, -1, -1]])
    """

    neighbours: int = 32
    radius_m: float | None = None
    search: Search = "nearest"
    fewest: int = 1

    def __post_init__(self) -> None:
        if self.search not in get_args(Search):
            allowed = " | ".join(get_args(Search))
            raise InputError(must("search", allowed, repr(self.search), "Use one of these"))
        if self.neighbours < max(_SECTORS[self.search], 1):
            raise InputError(
                must(
                    "neighbours",
                    f"at least {_SECTORS[self.search]} for search {self.search!r}",
                    self.neighbours,
                    "Raise it",
                )
            )
        if self.radius_m is not None and not self.radius_m > 0:
            raise InputError(must("radius_m", "above 0", self.radius_m, "Use metres or None"))
        if not 1 <= self.fewest <= self.neighbours:
            raise InputError(
                must("fewest", f"from 1 to {self.neighbours}", self.fewest, "Lower it")
            )

    def find(self, samples: Array, targets: Array, tree: cKDTree | None = None) -> Indices:
        """Return (t, neighbours) indices of samples, nearest first, -1 where there are fewer.

        ``samples`` (n, 2) and ``targets`` (t, 2) are in coordinates in which distance is
        isotropic. A target that is NaN gets none.
        """
        tree = cKDTree(samples) if tree is None else tree
        if self.search == "nearest":
            return self._query(tree, targets, min(self.neighbours, len(samples)))
        return self._find_by_sector(tree, samples, targets)

    def _query(self, tree: cKDTree, targets: Array, count: int) -> Indices:
        finite = np.asarray(np.isfinite(targets).all(axis=1))
        safe = targets if finite.all() else np.where(finite[:, None], targets, 0.0)
        radius = np.inf if self.radius_m is None else self.radius_m
        # scipy leaves out what lies at the bound itself
        bound = np.nextafter(radius, np.inf)
        _, index = tree.query(safe, k=np.arange(1, count + 1), distance_upper_bound=bound)
        if self.radius_m is not None:
            index[index == tree.n] = -1
        index[~finite] = -1
        return index

    def _find_by_sector(self, tree: cKDTree, samples: Array, targets: Array) -> Indices:
        sectors = _SECTORS[self.search]
        each = self.neighbours // sectors
        out = np.full((len(targets), each * sectors), -1, dtype=np.int64)
        open_rows = np.arange(len(targets))
        count = min(2 * self.neighbours, len(samples))
        while len(open_rows):
            index = self._query(tree, targets[open_rows], count)
            last = count == len(samples)
            full = _pick(samples, targets[open_rows], index, sectors, each, out, open_rows, last)
            open_rows = open_rows[~full]
            count = min(count * 4, len(samples))
        return out


@compiled()
def _sector(dx: float, dy: float, sectors: int) -> int:
    quadrant = (0 if dy >= 0 else 3) if dx > 0 else (2 if dy < 0 else 1)
    if dx == 0.0 and dy == 0.0:
        quadrant = 0
    if sectors == 4:
        return quadrant
    return 2 * quadrant + (1 if abs(dy) > abs(dx) else 0)


@compiled()
def _pick(samples, targets, index, sectors, each, out, rows, last):  # type: ignore[no-untyped-def]
    # keep the nearest of each sector; a row is done when all sectors are full or none is left
    full = np.zeros(rows.shape[0], np.bool_)
    held = np.zeros(sectors, np.int64)
    for t in range(rows.shape[0]):
        held[:] = 0
        kept = 0
        exhausted = last
        out[rows[t], :] = -1
        for q in range(index.shape[1]):
            j = index[t, q]
            if j < 0:
                exhausted = True
                break
            s = _sector(samples[j, 0] - targets[t, 0], samples[j, 1] - targets[t, 1], sectors)
            if held[s] < each:
                held[s] += 1
                out[rows[t], kept] = j
                kept += 1
        full[t] = exhausted or kept == each * sectors
    return full
