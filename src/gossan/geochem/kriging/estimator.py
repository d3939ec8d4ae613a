"""Estimate an element between samples, with its variance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import cKDTree

from gossan.arrays.array_type import Array
from gossan.errors import FitError, InputError, must
from gossan.geo.grid import Grid
from gossan.geochem.covariance.model import CovarianceModel
from gossan.geochem.kriging.drift import check_drift, drift_terms
from gossan.geochem.kriging.global_system import GlobalSystem
from gossan.geochem.kriging.kernels import LocalKriging, krige_local
from gossan.geochem.kriging.neighbourhood import Neighbourhood, Search
from gossan.geochem.kriging.support import Support, block_support, point_support
from gossan.geochem.threads import run_chunks

Method = Literal["ordinary", "simple", "universal"]
Nugget = Literal["exact", "filtered"]
Drift = Literal["linear", "quadratic"]
Edge = Literal["sharp", "smooth"]


@dataclass
class Kriging:
    """Krige values at points, for blocks or at the nodes of a lattice.

    With covariances K among the neighbours, k to the target, drift functions F and f::

        estimate = f' beta + k' K^-1 (z - F beta),  beta = (F' K^-1 F)^-1 F' K^-1 z
        variance = C(0) - k' K^-1 k + d' (F' K^-1 F)^-1 d,  d = f - F' K^-1 k

    Parameters
    ----------
    variogram
        The model; covariances are its sill less its semivariance.
    method
        "ordinary" (unknown mean), "simple" (given ``mean``) or "universal" (drift in the
        coordinates).
    neighbours
        Most samples a target, or None: all samples (one global system; the estimate comes
        from the dual form).
    mean
        Known mean, for simple kriging only.
    drift
        "linear" or "quadratic" in easting and northing, for universal kriging only.
    block_m
        Side, or (width, height), in metres of the block that an estimate stands for; None:
        a point.
    nugget
        "exact": the nugget is variation of the ground, samples are honoured and the variance
        is that of a new sample (gstat's ``Nug``). "filtered": the nugget is measurement
        error, it is smoothed away also at samples and the variance is that of the error-free
        value (gstat's ``Err``).
    radius_m, search, fewest
        Of the neighbourhood: see ``Neighbourhood``.
    edge
        "sharp": every neighbour counts in full, as in gstat, and the map steps where one
        enters or leaves. "smooth": the neighbours' error variance grows without bound toward
        the first sample left out, and the map has no steps (search "nearest" only).
    workers
        Threads; None: one a processor. The result does not depend on it.

    Raises
    ------
    InputError
        An option does not exist or does not fit the method.

    Examples
    --------
    >>> from gossan.geochem.variogram.fitting import Structure, CovarianceModel
    >>> model = CovarianceModel(0.0, (Structure("spherical", 1.0, 500.0),))
    >>> places = np.array([[0.0, 0.0], [100.0, 0.0], [0.0, 100.0]])
    >>> kriging = Kriging(model).fit(places, [1.0, 2.0, 4.0])
    >>> estimate, variance = kriging.predict(places)
    >>> estimate.round(6), variance.round(6)
    (array([1., 2., 4.]), array([0., 0., 0.]))

    Source: Cressie (1993), Statistics for Spatial Data, sections 3.2 and 3.4; Hengl (2007).
    """

    variogram: CovarianceModel
    method: Method = "ordinary"
    neighbours: int | None = 32
    mean: float | None = None
    drift: Drift = "linear"
    block_m: float | tuple[float, float] | None = None
    nugget: Nugget = "exact"
    radius_m: float | None = None
    search: Search = "nearest"
    fewest: int = 1
    edge: Edge = "sharp"
    workers: int | None = None

    def __post_init__(self) -> None:
        for name, allowed in (
            ("method", Method), ("drift", Drift), ("nugget", Nugget), ("edge", Edge),
        ):  # fmt: skip
            words = get_args(allowed)
            if getattr(self, name) not in words:
                got = repr(getattr(self, name))
                raise InputError(must(name, " | ".join(words), got, "Use one of these"))
        if (self.method == "simple") != (self.mean is not None):
            cure = 'Set mean with method = "simple" only, or use method = "ordinary"'
            raise InputError(must("mean", "given for simple kriging only", self.mean, cure))
        if self.neighbours is None and (self.search != "nearest" or self.radius_m is not None):
            cure = "Set neighbours, for example 32"
            raise InputError(
                must("search and radius_m", "used with neighbours", "neighbours = None", cure)
            )
        if self.edge == "smooth" and self.search != "nearest":
            cure = 'Use edge = "sharp" with sectors'
            raise InputError(must("edge", 'smooth with search "nearest"', self.search, cure))
        if self.neighbours is not None:
            self._neighbourhood = Neighbourhood(
                self.neighbours, self.radius_m, self.search, self.fewest
            )

    def fit(
        self, coordinates: ArrayLike, values: ArrayLike, errors: ArrayLike | None = None
    ) -> Self:
        """Take samples.

        Samples at the very same place count as one: their mean, weighted by the inverse of their
        error variances (with "filtered", of accordingly smaller error).

        Parameters
        ----------
        coordinates
            (n, 2) easting and northing in metres.
        values
            (n,); NaN is left out.
        errors
            (n,) variance of each sample's error that is known, beside the nugget: the estimate
            does without it also at the sample, whatever ``nugget`` says. None: no known errors.

        Examples
        --------
        >>> from gossan.geochem.variogram.fitting import Structure, CovarianceModel
        >>> model = CovarianceModel(0.0, (Structure("spherical", 1.0, 500.0),))
        >>> sure = Kriging(model, method="simple", mean=0.0).fit([[0.0, 0.0]], [1.0])
        >>> doubtful = replace(sure).fit([[0.0, 0.0]], [1.0], [1.0])
        >>> sure.estimate([[0.0, 0.0]]).tolist(), doubtful.estimate([[0.0, 0.0]]).round(6).tolist()
        ([1.0], [0.5])
        """
        filtered = self.nugget == "filtered"
        own = self.variogram.nugget if filtered else 0.0
        xy, z, count, known = distinct(coordinates, values, errors, own)
        terms = drift_terms(self.method, self.drift)
        check_drift(xy, terms)
        self.samples_, self.values_ = xy, z
        self.shift_ = float(np.mean(z)) if self.mean is None else float(self.mean)
        self._turned = self.variogram.turn(xy)
        self._centred = z - self.shift_
        self.errors_ = known
        error = self.variogram.nugget / (count if filtered else np.ones(len(z)))
        self._noise = np.ascontiguousarray(error + known)
        self._tree = cKDTree(self._turned)
        self._system: GlobalSystem | None = None
        if self.neighbours is None:
            self._system = GlobalSystem(
                self.variogram, self._turned, self._centred, self._noise, terms
            )
        return self

    def predict(self, coordinates: ArrayLike) -> tuple[Array, Array]:
        """Return estimate and variance, each (t,), at (t, 2) easting and northing in metres.

        NaN where a target is NaN, has fewer than ``fewest`` neighbours, or where a drift
        cannot be told from its neighbours (they lie on a line).
        """
        out = self._run(coordinates, 2)
        return out[0], out[1]

    def estimate(self, coordinates: ArrayLike) -> Array:
        """Return the estimate alone (t,): with ``neighbours=None`` by the fast dual form."""
        if self._fitted is None:
            return self._run(coordinates, 2)[0]
        return self._run(coordinates, 1)[0]

    def lattice(self, grid: Grid) -> Array:
        """Return estimate and variance (2, height, width) at the pixel centres of a grid."""
        return self._run(grid.centres(), 2).reshape(2, *grid.shape)

    def estimate_lattice(self, grid: Grid) -> Array:
        """Return the estimate alone (height, width): with ``neighbours=None`` by the dual form."""
        return self.estimate(grid.centres()).reshape(grid.shape)

    def quality(self, grid: Grid) -> Array:
        """Return distance to the nearest sample and effective number of samples (2, height, width).

        Distance in metres on the ground. The effective number is ``1 / sum(w^2)`` of the
        kriging weights w.

        Source: Kish (1965), section 8.2.
        """
        nodes = grid.centres()
        distance = distance_to_nearest(self.samples_, nodes, self.workers)
        effective = self._run(nodes, 3)[2]
        return np.stack([distance, effective]).reshape(2, *grid.shape)

    def leave_one_out(self) -> tuple[Array, Array]:
        """Estimate and variance, each (n,), of every sample from the other ones."""
        system = self._fitted
        if system is not None and self.block_m is None:
            own = self._noise if self.nugget == "filtered" else self.errors_
            estimate, variance = system.leave_one_out(own)
            return estimate + self.shift_, variance
        out = self._local(self.samples_, 2, leave_out=True)
        return out[0], out[1]

    @property
    def _fitted(self) -> GlobalSystem | None:
        if not hasattr(self, "samples_"):
            raise FitError(must("kriging", "fitted first", "no samples", "Call fit"))
        return self._system

    def _support(self) -> Support:
        if self.block_m is not None:
            return block_support(self.variogram, self.block_m)
        return point_support(self.variogram, self.nugget == "filtered")

    @property
    def _jump(self) -> float:
        # what a sample shares with a target at its very place beyond the structures
        return self.variogram.nugget if self.nugget == "exact" else 0.0

    def _run(self, coordinates: ArrayLike, rows: int) -> Array:
        system = self._fitted
        if system is None:
            return self._local(coordinates, rows)
        targets = self.variogram.turn(as_targets(coordinates))
        out = np.empty((rows, len(targets)))
        system.predict(targets, self._support(), self._jump, out, self.workers)
        out[0] += self.shift_
        return out

    def _local(self, coordinates: ArrayLike, rows: int, leave_out: bool = False) -> Array:
        self._fitted  # noqa: B018
        targets = self.variogram.turn(as_targets(coordinates))
        where = getattr(self, "_neighbourhood", None) or Neighbourhood(32)
        fade = self.edge == "smooth"
        where = replace(where, neighbours=where.neighbours + leave_out + fade)
        terms = drift_terms(self.method, self.drift)
        radius = np.inf if self.radius_m is None else float(self.radius_m)
        local = LocalKriging(
            self._turned, self._centred, self._noise, self.variogram.packed, self._jump, terms,
            max(where.fewest, terms), self._support(), fade, radius,
        )  # fmt: skip
        out = np.empty((rows, len(targets)))

        def part(start: int, stop: int) -> None:
            chunk = targets[start:stop]
            nearest = where.find(self._turned, chunk, self._tree)
            if leave_out:  # samples are distinct: each is its own nearest
                nearest = nearest[:, 1:]
            if fade and nearest.shape[1] < where.neighbours - leave_out:  # nobody is left out
                nearest = np.column_stack([nearest, np.full(len(nearest), -1)])
            krige_local(local, chunk, np.ascontiguousarray(nearest), out[:, start:stop])

        run_chunks(part, len(targets), self.workers)
        out[0] += self.shift_
        return out


def distance_to_nearest(
    coordinates: ArrayLike, targets: ArrayLike, workers: int | None = None
) -> Array:
    """Return the distance in metres (t,) from targets (t, 2) to the nearest sample of (n, 2).

    >>> distance_to_nearest([[0.0, 0.0], [10.0, 0.0]], [[3.0, 4.0], [10.0, 1.0]])
    array([5., 1.])
    """
    tree = cKDTree(np.asarray(coordinates, float))
    places = as_targets(targets)
    out = np.full(len(places), np.nan)

    def part(start: int, stop: int) -> None:
        chunk = places[start:stop]
        good = np.isfinite(chunk).all(axis=1)
        out[start:stop][good] = tree.query(chunk[good])[0]

    run_chunks(part, len(places), workers)
    return out


def as_targets(coordinates: ArrayLike) -> Array:
    """Check that coordinates are (n, 2).

    Raises
    ------
    InputError
        Coordinates must be (n, 2).
    """
    xy = np.asarray(coordinates, dtype=np.float64)
    if xy.ndim != 2 or xy.shape[1] != 2:
        cure = "Pass easting and northing as two columns"
        raise InputError(must("coordinates", "(n, 2)", xy.shape, cure))
    return xy


def distinct(
    coordinates: ArrayLike, values: ArrayLike, errors: ArrayLike | None = None, own: float = 0.0
) -> tuple[Array, Array, Array, Array]:
    """Leave out NaN and merge samples at the very same place.

    Parameters
    ----------
    coordinates, values
        (n, 2) and (n,).
    errors
        (n,) variance of each sample's known error; None: 0.
    own
        Error variance that every sample has besides.

    Returns
    -------
    Places, mean values, number of samples, and variance of the known error of each mean. A place's
    samples are weighed by the inverse of their error variances, and alike where they have none.

    Raises
    ------
    InputError
        The arrays do not fit together.
    FitError
        No sample has a value.

    Examples
    --------
    >>> both = [[0.0, 0.0], [0.0, 0.0]]
    >>> [part.round(6).tolist() for part in distinct(both, [1.0, 4.0], [1.0, 2.0])]
    [[[0.0, 0.0]], [2.0], [2.0], [0.666667]]
    """
    xy, z = as_targets(coordinates), np.asarray(values, dtype=np.float64)
    if z.shape != xy.shape[:1]:
        raise InputError(must("values", f"({len(xy)},), one a place", z.shape, "Match them"))
    known = np.zeros(len(z)) if errors is None else np.asarray(errors, dtype=np.float64)
    if known.shape != z.shape or not (known >= 0).all():
        allowed = f"({len(z)},) variances of at least 0"
        raise InputError(must("errors", allowed, known.shape, "Match them, 0 where unknown"))
    keep = np.isfinite(z) & np.isfinite(xy).all(axis=1)
    if not keep.any():
        raise FitError(
            must("samples for kriging", "at least 1 with a value", 0, "Leave this element out")
        )
    xy, z, known = (np.ascontiguousarray(part[keep]) for part in (xy, z, known))
    places, group, count = np.unique(xy, axis=0, return_inverse=True, return_counts=True)
    if len(places) == len(xy):
        return xy, z, np.ones(len(z)), known
    error = known + own
    least = 1e-12 * error.max() or 1.0
    weight = least / np.maximum(error, least)

    def summed(part: Array) -> Any:
        return np.bincount(group.ravel(), part)

    total = summed(weight)
    mean, spread = summed(weight * z) / total, summed(weight**2 * known) / total**2
    return np.ascontiguousarray(places), mean, count.astype(np.float64), spread
