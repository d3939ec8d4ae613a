"""Interpolate without a variogram: simple maps to compare kriging with.

Every interpolator has the habits of ``Kriging``: the constructor stores, ``fit`` takes samples,
``estimate`` serves points and ``estimate_lattice`` a grid.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import RBFInterpolator
from scipy.spatial import Delaunay, QhullError, cKDTree

from gossan.arrays.array_type import Array
from gossan.errors import FitError, InputError, must
from gossan.geo.grid import Grid
from gossan.geochem.kriging.estimator import as_targets, distinct
from gossan.geochem.natural_neighbour import sibson
from gossan.geochem.threads import run_chunks

InterpolatorWord = Literal["idw", "nearest", "linear", "natural_neighbour", "spline"]


@dataclass
class Interpolator(ABC):
    """Estimate values between samples, without a variance.

    Parameters
    ----------
    workers
        Threads; None: one a processor.
    """

    workers: int | None = None
    fewest: ClassVar[int] = 1

    def fit(self, coordinates: ArrayLike, values: ArrayLike) -> Self:
        """Take samples: (n, 2) easting and northing in metres, (n,) values; NaN is left out.

        Samples at the very same place count as their mean. Raises FitError where there are
        too few or they lie on a line and the method needs an area.
        """
        self.samples_, self.values_, *_ = distinct(coordinates, values)
        if len(self.samples_) < self.fewest:
            raise FitError(
                must(
                    f"samples for {type(self).__name__}",
                    f"at {self.fewest} places or more",
                    len(self.samples_),
                    "Use Nearest",
                )
            )
        self._prepare()
        return self

    def estimate(self, coordinates: ArrayLike) -> Array:
        """Return estimates (t,) at (t, 2) easting and northing in metres; NaN where undefined.

        Raises
        ------
        FitError
            Interpolator must be fitted first.
        """
        if not hasattr(self, "samples_"):
            raise FitError(must("interpolator", "fitted first", "no samples", "Call fit"))
        targets = as_targets(coordinates)
        out = np.full(len(targets), np.nan)
        good = np.isfinite(targets).all(axis=1)
        places = np.ascontiguousarray(targets[good])
        found = np.empty(len(places))

        def part(start: int, stop: int) -> None:
            found[start:stop] = self._at(places[start:stop])

        run_chunks(part, len(places), self.workers)
        out[good] = found
        return out

    def estimate_lattice(self, grid: Grid) -> Array:
        """Return estimates (height, width) at the pixel centres of a grid."""
        return self.estimate(grid.centres()).reshape(grid.shape)

    @abstractmethod
    def _prepare(self) -> None: ...

    @abstractmethod
    def _at(self, places: Array) -> Array: ...


@dataclass
class InverseDistance(Interpolator):
    """Weigh the nearest samples by ``1 / h^power`` (Shepard 1968).

    Parameters
    ----------
    power
        > 0; 2 is usual.
    neighbours
        Most samples a target.

    Examples
    --------
    >>> line = InverseDistance().fit([[0.0, 0.0], [3.0, 0.0]], [0.0, 5.0])
    >>> line.estimate([[1.0, 0.0], [3.0, 0.0]])
    array([1., 5.])
    """

    power: float = 2.0
    neighbours: int = 32

    def _prepare(self) -> None:
        if not (self.power > 0 and self.neighbours >= 1):
            got = f"{self.power} and {self.neighbours}"
            raise InputError(must("power and neighbours", "> 0 and >= 1", got, "Use 2 and 32"))
        self._tree = cKDTree(self.samples_)

    def _at(self, places: Array) -> Array:
        count = min(self.neighbours, len(self.samples_))
        distance, index = self._tree.query(places, k=np.arange(1, count + 1))
        relative = distance / np.maximum(distance[:, -1:], 1e-300)
        with np.errstate(divide="ignore"):
            weight = relative**-self.power
        at_sample = distance[:, 0] == 0
        weight[at_sample] = 0.0
        weight[at_sample, 0] = 1.0
        return (weight * self.values_[index]).sum(axis=1) / weight.sum(axis=1)


@dataclass
class Nearest(Interpolator):
    """Take the nearest sample's value (Thiessen polygons).

    >>> Nearest().fit([[0.0, 0.0], [3.0, 0.0]], [0.0, 5.0]).estimate([[2.0, 1.0]])
    array([5.])
    """

    def _prepare(self) -> None:
        self._tree = cKDTree(self.samples_)

    def _at(self, places: Array) -> Array:
        return self.values_[self._tree.query(places)[1]]


@dataclass
class Linear(Interpolator):
    """Interpolate linearly within Delaunay triangles; NaN outside the samples' hull.

    >>> corners = [[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]]
    >>> Linear().fit(corners, [0.0, 4.0, 8.0]).estimate([[1.0, 1.0], [4.0, 4.0]])
    array([ 3., nan])
    """

    fewest: ClassVar[int] = 3

    def _prepare(self) -> None:
        self._origin = self.samples_.mean(axis=0)
        self._triangles = _triangulate(self.samples_ - self._origin)

    def _at(self, places: Array) -> Array:
        local = places - self._origin
        found = self._triangles.find_simplex(local)
        turn = self._triangles.transform[found]
        two = np.einsum("tij,tj->ti", turn[:, :2], local - turn[:, 2])
        weight = np.column_stack([two, 1.0 - two.sum(axis=1)])
        out = np.einsum("ti,ti->t", weight, self.values_[self._triangles.simplices[found]])
        return np.where(found >= 0, out, np.nan)


@dataclass
class NaturalNeighbour(Linear):
    """Weigh samples by the area that a target takes from their Thiessen polygons.

    Smooth but at samples, exact there and on planes; NaN outside the samples' hull. Source:
    Sibson (1981); Watson (1992), Contouring, section 4.3.

    >>> corners = [[0.0, 0.0], [4.0, 0.0], [0.0, 4.0], [5.0, 5.0]]
    >>> NaturalNeighbour().fit(corners, [0.0, 4.0, 8.0, 15.0]).estimate([[1.0, 1.0]]).round(6)
    array([3.])
    """

    def _at(self, places: Array) -> Array:
        t = self._triangles
        local = places - self._origin
        scale = float(np.abs(t.points).max())
        found = t.find_simplex(local).astype(np.int64)
        triangles, beside = t.simplices.astype(np.int64), t.neighbors.astype(np.int64)
        out = np.empty(len(local))
        sibson(t.points, self.values_, triangles, beside, local, found, 1e-9 * scale, out)
        return out


@dataclass
class ThinPlate(Interpolator):
    """Bend a thin plate through the nearest samples: minimum curvature without tension.

    Minimises the integral of squared second derivatives plus, with ``smoothing``, that times
    the squared misfits. Source: Duchon (1977); Briggs (1974), Geophysics 39; scipy's
    RBFInterpolator.

    Parameters
    ----------
    neighbours
        Samples a target (50 near enough to all of them for maps).
    smoothing
        0 honours samples.
    outside
        Outside the samples' hull: "go_on" (it soon leaves all bounds) or "empty".

    Examples
    --------
    >>> corners = [[0.0, 0.0], [4.0, 0.0], [0.0, 4.0], [4.0, 4.0]]
    >>> ThinPlate().fit(corners, [0.0, 4.0, 8.0, 12.0]).estimate([[1.0, 2.0]]).round(6)
    array([5.])
    """

    neighbours: int = 50
    smoothing: float = 0.0
    outside: Literal["go_on", "empty"] = "go_on"
    fewest: ClassVar[int] = 3

    def _prepare(self) -> None:
        if not (self.smoothing >= 0 and self.neighbours >= 3):
            got = f"{self.smoothing} and {self.neighbours}"
            raise InputError(must("smoothing and neighbours", ">= 0 and >= 3", got, "Use 0 and 50"))
        _check_area(self.samples_)
        self._triangles = _triangulate(self.samples_)
        self._origin = self.samples_.mean(axis=0)
        self._scale = float(np.abs(self.samples_ - self._origin).max())
        self._spline = RBFInterpolator(
            (self.samples_ - self._origin) / self._scale,
            self.values_,
            neighbors=min(self.neighbours, len(self.samples_)),
            smoothing=self.smoothing,
            kernel="thin_plate_spline",
        )

    def _at(self, places: Array) -> Array:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", category=RuntimeWarning)
            try:
                found = np.asarray(self._spline((places - self._origin) / self._scale))
            except np.linalg.LinAlgError:
                raise FitError(
                    must("samples near a target", "off one line", "collinear", "Raise neighbours")
                ) from None
        if self.outside == "empty":
            found[self._triangles.find_simplex(places) < 0] = np.nan
        return found


def interpolator(word: InterpolatorWord) -> Interpolator:
    """Return the interpolator of a word, with its defaults.

    "idw": ``InverseDistance``, "nearest": ``Nearest``, "linear": ``Linear``,
    "natural_neighbour": ``NaturalNeighbour``, "spline": ``ThinPlate``.

    Raises
    ------
    InputError
        There is no such interpolator.

    >>> type(interpolator("idw")).__name__
    'InverseDistance'
    """
    kinds = (InverseDistance, Nearest, Linear, NaturalNeighbour, ThinPlate)
    known = dict(zip(get_args(InterpolatorWord), kinds))
    if word not in known:
        raise InputError(must("interpolator", " | ".join(known), repr(word), "Use one of these"))
    return known[word]()


def _triangulate(places: Array) -> Delaunay:
    _check_area(places)
    try:
        return Delaunay(places)
    except QhullError:
        raise FitError(_on_a_line(len(places))) from None


def _check_area(places: Array) -> None:
    values = np.linalg.svd(places - places.mean(axis=0), compute_uv=False)
    if values[-1] < 1e-9 * values[0]:
        raise FitError(_on_a_line(len(places)))


def _on_a_line(count: int) -> str:
    allowed, cure = "spread over both directions", "Use InverseDistance or Nearest"
    return must("samples", allowed, f"{count} on a line", cure)
