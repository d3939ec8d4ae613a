"""The map of the geostatistical model: estimate and standard error of every pixel, streamed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numba import njit
from numpy.typing import NDArray

from gossan.arrays.resample import Taps, cubic_taps, interpolate
from gossan.errors import FitError, must
from gossan.fusion.fourier import Waves
from gossan.fusion.lattice_posterior import LatticePosterior
from gossan.fusion.standard_features import StandardFeatures
from gossan.fusion.supports import NestedFeatures
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import read_padded

__all__ = ["ElementPosterior", "PosteriorLayer", "join_maps"]

_STRIP = 64
Block = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ElementPosterior:
    """One element of a map: its posterior on the lattice and how its features are standardised.

    ``shift`` is added to the estimate and ``added`` to the variance (change of support).
    """

    name: str
    standard: StandardFeatures
    posterior: LatticePosterior
    shift: float = 0.0
    added: float = 0.0

    def standardise(self, raw: Block) -> tuple[Block, NDArray[np.int64]]:
        """Give the design (d, height, width) of features (f, height, width), and its gaps."""
        z, key = _standardised(
            raw, self.standard.used, self.standard.mean.astype(np.float32),
            (1.0 / self.standard.deviation).astype(np.float32), _keys(len(self.standard.used)),
        )  # fmt: skip
        if self.standard.waves is not None:
            z = _with_waves(z, key, self.standard.waves)
        return z, key

    def fill(
        self, raw: Block, z: Block, key: NDArray[np.int64], grid: Grid, window: Window
    ) -> tuple[Block, Block]:
        """Give estimate and standard error (height, width) of a window.

        ``raw`` (f, height, width) are its features; ``z`` and ``key`` what ``standardise`` made of
        them.
        """
        post = self.posterior
        rows, cols = _taps(post.lattice, grid, window)
        trend, variance = interpolate(rows, cols, post.fields[:2])
        if len(z):
            flat = z.reshape(len(z), -1)
            trend += (post.slopes @ flat).reshape(trend.shape)
            spread = post.root.T @ flat
            _add_squares(spread, variance.reshape(-1))
            lattice, near_rows, near_cols = _local(post.vector, rows, cols)
            _add_products(z, lattice, *near_rows, *near_cols, variance)
        easting, northing = grid.coordinates(window)
        for weight, near in zip(post.weights, post.near):
            near.mend(easting, northing, rows, cols, weight, z, trend, variance)
        if key.any():
            self._add_gaps(raw, key, variance)
        trend += np.float32(post.level + self.shift)
        return trend, np.sqrt(np.maximum(variance + np.float32(self.added), np.float32(0.0)))

    def _add_gaps(self, raw: Block, key: NDArray[np.int64], variance: Block) -> None:
        """Add what unknown features do to the variance: once for each pattern of gaps."""
        at = np.flatnonzero(key)
        _, first, which = np.unique(key.ravel()[at], return_index=True, return_inverse=True)
        flat = raw.reshape(len(raw), -1)[:, at[first]].T.astype(np.float64)
        extra = self.standard.gap_variance(self.standard(flat)[1], self.posterior.second_moment)
        variance.reshape(-1)[at] += extra[which].astype(np.float32)


@dataclass(frozen=True, eq=False)
class PosteriorLayer:
    """Estimates and standard errors of one or several elements; the imagery is read once for all.

    Bands are ("estimate", "standard_error"), for several elements with the name before them:
    "Cu.estimate", "Cu.standard_error", ...
    """

    features: NestedFeatures
    elements: tuple[ElementPosterior, ...] = field(repr=False)

    @property
    def grid(self) -> Grid:
        """Grid of the features."""
        return self.features.grid

    @property
    def bands(self) -> tuple[str, ...]:
        """Estimate and standard error of each element."""
        if len(self.elements) == 1:
            return ("estimate", "standard_error")
        kinds = ("estimate", "standard_error")
        return tuple(f"{e.name}.{kind}" for e in self.elements for kind in kinds)

    def read(self, window: Window) -> Block:
        """Read the features of a window once and fill it, some rows at a time."""
        layer = self.features.layer
        result = np.empty((2 * len(self.elements), *window.shape), np.float32)
        reach = 0 if layer is None else layer.reach
        padded = None if layer is None else read_padded(layer.source, window, reach)
        for start in range(0, window.height, _STRIP):
            height = min(_STRIP, window.height - start)
            strip = Window(window.row + start, window.col, height, window.width)
            if layer is None or padded is None:
                raw = np.empty((0, *strip.shape), np.float32)
            else:
                raw = layer.of(padded[:, start : start + height + 2 * reach], strip)
            z, key, standard = None, None, b""
            for number, element in enumerate(self.elements):
                if z is None or key is None or standard != element.standard.fingerprint:
                    z, key = element.standardise(raw)
                    standard = element.standard.fingerprint
                part = element.fill(raw, z, key, self.grid, strip)
                result[2 * number : 2 * number + 2, start : start + height] = part
        return result


def join_maps(maps: Mapping[str, PosteriorLayer]) -> PosteriorLayer:
    """Join the maps of several elements, by name, so that the imagery is read once for all.

    The bands are "<name>.estimate" and "<name>.standard_error" of each.

    Raises
    ------
    FitError : the maps are not of the same features at the same widths.
    """
    first = next(iter(maps.values()))
    for other in maps.values():
        if other.features is not first.features:
            raise FitError(
                must(
                    "maps that share imagery",
                    "of the same features at the same widths",
                    f"widths {other.features.widths} beside {first.features.widths}",
                    "Set windows_px, or write them one by one",
                )
            )
    named = [replace(e, name=name) for name, one in maps.items() for e in one.elements]
    return PosteriorLayer(first.features, tuple(named))


def _with_waves(z: Block, key: NDArray[np.int64], waves: Waves) -> Block:
    """Put Fourier features behind the standardised ones; 0 where any of those is a gap."""
    added = waves.of_pixels(z.reshape(len(z), -1))
    added[:, key.ravel() != 0] = 0.0
    return np.concatenate([z, added.reshape(-1, *z.shape[1:])])


def _taps(lattice: Grid, grid: Grid, window: Window) -> tuple[Taps, Taps]:
    easting, northing = grid.coordinates(window)
    row, _ = lattice.index_of(np.full(len(northing), easting[0]), northing)
    _, col = lattice.index_of(easting, np.full(len(easting), northing[0]))
    return cubic_taps(row, lattice.height), cubic_taps(col, lattice.width)


def _local(
    fields: Block, rows: Taps, cols: Taps
) -> tuple[Block, tuple[NDArray[np.int64], Block], tuple[NDArray[np.int64], Block]]:
    """Cut the lattice to a window: fields (rows, d, columns) and its taps, float32."""
    near_rows, down = rows.local()
    near_cols, across = cols.local()
    part = np.ascontiguousarray(fields[:, down, across].transpose(1, 0, 2))
    return (
        part,
        (near_rows.first, near_rows.weights.astype(np.float32)),
        (near_cols.first, near_cols.weights.astype(np.float32)),
    )


def _keys(count: int) -> NDArray[np.int64]:
    """Random numbers, one a feature, whose exclusive or tells patterns of gaps apart."""
    return np.random.default_rng(0).integers(1, 2**62, count)


@njit(cache=True, nogil=True)
def _standardised(raw, used, mean, scale, keys):  # type: ignore[no-untyped-def]
    """Standardise the used features, 0 in gaps; give the pattern of gaps (0: none)."""
    height, width = raw.shape[1], raw.shape[2]
    z = np.empty((used.size, height, width), np.float32)
    key = np.zeros((height, width), np.int64)
    for j in range(used.size):
        m, f = mean[j], scale[j]
        for y in range(height):
            line, source = z[j, y], raw[used[j], y]
            total = np.float32(0.0)
            for x in range(width):
                line[x] = (source[x] - m) * f
            for x in range(width):
                total += line[x]
            if np.isfinite(total):
                continue
            for x in range(width):
                if not np.isfinite(line[x]):
                    line[x] = np.float32(0.0)
                    key[y, x] ^= keys[j]
    return z, key


@njit(cache=True, nogil=True)
def _add_squares(spread, variance):  # type: ignore[no-untyped-def]
    for k in range(spread.shape[0]):
        for x in range(variance.size):
            variance[x] += spread[k, x] * spread[k, x]


@njit(cache=True, nogil=True)
def _add_products(z, lattice, row_first, row_weights, col_first, col_weights, variance):  # type: ignore[no-untyped-def]
    """Add ``2 z' q`` with q (rows, d, columns) interpolated: cell by cell along each row."""
    d, taps = z.shape[0], col_weights.shape[1]
    line = np.empty((d, lattice.shape[2]), np.float32)
    width = col_first.size
    parts = np.empty((taps, width), np.float32)
    for y in range(row_first.size):
        line[:] = np.float32(0.0)
        for t in range(row_weights.shape[1]):
            w, source = row_weights[y, t], lattice[row_first[y] + t]
            for j in range(d):
                for k in range(line.shape[1]):
                    line[j, k] += w * source[j, k]
        start = 0
        while start < width:
            stop = start + 1
            while stop < width and col_first[stop] == col_first[start]:
                stop += 1
            node, size = col_first[start], stop - start
            for t in range(taps):
                part = parts[t, start:stop]
                part[:] = np.float32(0.0)
                for j in range(d):
                    value = line[j, node + t]
                    own = z[j, y, start:stop]
                    for x in range(size):
                        part[x] += value * own[x]
            start = stop
        for t in range(taps):
            for x in range(width):
                variance[y, x] += np.float32(2.0) * col_weights[x, t] * parts[t, x]
