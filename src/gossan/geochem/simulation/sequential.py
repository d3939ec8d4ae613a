"""Draw maps that agree with the samples, with their histogram and with the variogram."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from gossan.errors import FitError, InputError, must
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer
from gossan.geochem.covariance.model import CovarianceModel
from gossan.geochem.kriging.estimator import Nugget, as_targets, distinct
from gossan.geochem.kriging.neighbourhood import Neighbourhood
from gossan.geochem.simulation.kernels import (
    DrawingPlan,
    PathNodes,
    PathPiece,
    simulate,
    simulation_weights,
)
from gossan.geochem.threads import processors, run_chunks
from gossan.geochem.transforms import Identity, Transform

REACH = 8  # earlier nodes are looked for this many steps of the present stride away
PIECE = 8192


@dataclass(frozen=True, eq=False)
class Realisations:
    """Simulated maps of one element, in its unit.

    Parameters
    ----------
    grid
        Where the nodes are.
    array
        (realisations, height, width), float32.
    """

    grid: Grid
    array: NDArray[np.float32] = field(repr=False)

    def exceedance(self, threshold: float) -> NDArray[np.float32]:
        """Return the share of realisations above a threshold, (height, width), 0 to 1."""
        return np.mean(self.array > threshold, axis=0, dtype=np.float32)

    def quantile(self, share: float) -> NDArray[np.float32]:
        """Return the quantile of each node over the realisations, (height, width)."""
        return np.quantile(self.array, share, axis=0).astype(np.float32)

    def layer(self) -> ArrayLayer:
        """Return the realisations as a layer with bands "r001", "r002", ..."""
        names = tuple(f"r{i + 1:03d}" for i in range(len(self.array)))
        return ArrayLayer(self.grid, names, self.array)


@dataclass
class Simulation:
    """Simulate an element conditionally, by sequential Gaussian simulation.

    PathNodes are visited on a random path from coarse to fine strides; each gets
    ``y = mean + sum_i w_i (y_i - mean) + s e`` with simple-kriging weights w and standard
    deviation s from the nearest samples and earlier nodes, and e ~ N(0, 1). All realisations
    share the path, hence the weights.

    Parameters
    ----------
    variogram
        Of the transformed values; for a normal score its sill is about 1.
    transform
        To the Gaussian working scale and back.
    mean
        On the working scale; None: mean of the transformed samples.
    realisations
        How many maps.
    neighbours
        Samples and nodes that a node is drawn from: half each. At least 4.
    nugget
        "exact": nodes carry the nugget's variation as samples do; "filtered": it is
        measurement error, nodes do without.
    seed
        Of the path and the draws; the same seed gives the same maps, whatever ``workers``.
    workers
        Threads; None: one a processor.

    Raises
    ------
    InputError
        ``realisations`` or ``neighbours`` is too small.

    Examples
    --------
    >>> from gossan.geochem.variogram.fitting import Structure, CovarianceModel
    >>> grid = Grid.from_bounds("EPSG:32638", (0, 0, 300, 200), 20)
    >>> model = CovarianceModel(0.0, (Structure("spherical", 1.0, 100.0),))
    >>> simulation = Simulation(model, mean=0.0, realisations=3, seed=1)
    >>> maps = simulation.fit([[30.0, 190.0], [250.0, 30.0]], [1.5, -0.5]).lattice(grid)
    >>> maps.array.shape, maps.array[:, 0, 1].round(3).tolist()
    ((3, 10, 15), [1.5, 1.5, 1.5])

    Source: Gomez-Hernandez and Journel (1993); Deutsch and Journel (1998), GSLIB, V.2.3; Tran
    (1994) for the path from coarse to fine.
    """

    variogram: CovarianceModel
    transform: Transform = field(default_factory=Identity)
    mean: float | None = None
    realisations: int = 100
    neighbours: int = 48
    nugget: Nugget = "exact"
    seed: int = 0
    workers: int | None = None

    def __post_init__(self) -> None:
        if self.realisations < 1:
            raise InputError(must("realisations", "at least 1", self.realisations, "Raise it"))
        if self.neighbours < 4:
            raise InputError(must("neighbours", "at least 4", self.neighbours, "Use 48"))

    def fit(self, coordinates: ArrayLike, values: ArrayLike) -> Self:
        """Take samples: (n, 2) easting and northing in metres, (n,) in the element's unit.

        NaN is left out; samples at the very same place count as their mean (of scores).
        """
        raw: Any = np.asarray(values, dtype=np.float64)
        return self.fit_scores(coordinates, self.transform.forward(raw))

    def fit_scores(
        self, coordinates: ArrayLike, scores: ArrayLike, errors: ArrayLike | None = None
    ) -> Self:
        """Take samples (n, 2) with values (n,) on the Gaussian working scale.

        ``errors`` (n,) are the variances of known errors: nodes do without them.
        """
        filtered = self.nugget == "filtered"
        own = self.variogram.nugget if filtered else 0.0
        xy, y, count, known = distinct(as_targets(coordinates), scores, errors, own)
        self.mean_ = float(np.mean(y)) if self.mean is None else float(self.mean)
        self.samples_, self.scores_ = self.variogram.turn(xy), y
        error = self.variogram.nugget / (count if filtered else np.ones(len(y)))
        self._noise = np.ascontiguousarray(error + known)
        return self

    def lattice(self, grid: Grid) -> Realisations:
        """Simulate at the pixel centres of a grid.

        Takes 4 bytes a node and realisation. Raises FitError before ``fit``.
        """
        if not hasattr(self, "samples_"):
            raise FitError(must("simulation", "fitted first", "no samples", "Call fit"))
        n, nodes = len(self.samples_), grid.height * grid.width
        state = np.empty((n + nodes, self.realisations), dtype=np.float32)
        state[:n] = (self.scores_ - self.mean_)[:, None]
        rng = np.random.default_rng(self.seed)
        path, strides = _path(grid.shape, rng)
        rank = np.empty(nodes, dtype=np.int64)
        rank[path] = np.arange(nodes)
        shared = PathNodes(
            self.variogram.turn(grid.centres()), self.samples_, self._noise, rank, grid.width,
            _spiral(grid, self.variogram), self.variogram.packed,
            self.variogram.nugget if self.nugget == "exact" else 0.0,
        )  # fmt: skip
        tree = cKDTree(self.samples_)
        for start in range(0, nodes, PIECE):
            piece = slice(start, min(start + PIECE, nodes))
            plan = self._weigh(shared, PathPiece(path[piece], start, strides[piece]), tree)
            noise = rng.standard_normal((len(plan.origins), self.realisations), dtype=np.float32)
            self._draw(state, path[piece], n, plan, noise)
        simulated = state[n:]
        run_chunks(lambda a, b: self._back(simulated[a:b]), nodes, self.workers, 65536)
        return Realisations(grid, simulated.T.reshape(self.realisations, *grid.shape))

    def _weigh(self, shared: PathNodes, piece: PathPiece, tree: cKDTree) -> DrawingPlan:
        half, count = self.neighbours // 2, len(piece.path)
        where = Neighbourhood(half)
        most = min(half, len(self.samples_)) + half
        plan = DrawingPlan(
            np.empty((count, most), np.int64), np.empty((count, most)), np.empty(count)
        )

        def part(a: int, b: int) -> None:
            own = PathPiece(piece.path[a:b], piece.first + a, piece.strides[a:b])
            nearest = where.find(self.samples_, shared.places[own.path], tree)
            filled = DrawingPlan(plan.origins[a:b], plan.weights[a:b], plan.deviation[a:b])
            simulation_weights(shared, own, nearest, filled)

        run_chunks(part, count, self.workers, 1024)
        return plan

    def _draw(
        self, state: NDArray[np.float32], path: NDArray[np.int64], count: int,
        plan: DrawingPlan, noise: NDArray[np.float32],
    ) -> None:  # fmt: skip
        threads = processors() if self.workers is None else self.workers
        size = max(-(-self.realisations // max(threads, 1)), 16)
        run_chunks(
            lambda a, b: simulate(state, path, count, plan, noise, a, b),
            self.realisations,
            self.workers,
            size,
        )

    def _back(self, scores: NDArray[np.float32]) -> None:
        scores += np.float32(self.mean_)
        scores[:] = self.transform.inverse(scores)


def _path(
    shape: tuple[int, int], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Order nodes at random within strides ..., 4, 2, 1; give the path and each one's stride."""
    index = np.arange(shape[0] * shape[1], dtype=np.int64).reshape(shape)
    stride = 1
    while 4 * stride < max(shape):
        stride *= 2
    done = np.zeros(shape, dtype=bool)
    paths, strides = [], []
    while stride >= 1:
        level = np.zeros(shape, dtype=bool)
        level[::stride, ::stride] = True
        nodes = rng.permutation(index[level & ~done])
        done |= level
        paths.append(nodes)
        strides.append(np.full(len(nodes), stride, dtype=np.int64))
        stride //= 2
    return np.concatenate(paths), np.concatenate(strides)


def _spiral(grid: Grid, model: CovarianceModel) -> NDArray[np.int64]:
    """Return steps (rows, columns) to neighbouring nodes, nearest (turned) first."""
    wide, high = grid.pixel_width, grid.pixel_height
    # as many steps along each axis as give the same distance, when pixels are oblong
    across = min(REACH * 4, max(REACH, round(REACH * high / wide)))
    down = min(REACH * 4, max(REACH, round(REACH * wide / high)))
    rows, cols = np.mgrid[-down : down + 1, -across : across + 1]
    steps = np.column_stack([rows.ravel(), cols.ravel()])
    ground = np.column_stack([steps[:, 1] * wide, -steps[:, 0] * high])
    distance = np.hypot(*model.turn(ground).T)
    order = np.argsort(distance, kind="stable")[1:]
    return np.ascontiguousarray(steps[order], dtype=np.int64)
