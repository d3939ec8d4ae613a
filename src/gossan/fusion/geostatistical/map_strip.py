"""Features of a strip of the map: at its pixels, and wide means at their nodes.

A wide mean is linear between nodes several pixels apart. What is linear in it is as well taken at
the nodes and brought to the pixels between; and a form ``f = z'Qz + 2 z'q``, z and q linear, is on
a row between two nodes a parabola,

    ``f(s) = (1 - s) f_0 + s f_1 - s (1 - s) h,  h = dz'Q dz + 2 dz'dq``

with d the difference from node to node. So wide means cost little beside the pixels' own bands,
and nothing is lost. Where pixels are empty the means are no longer linear, and all features are
taken at the pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.array_type import Block
from gossan.arrays.compiled import compiled
from gossan.arrays.resample import interpolate
from gossan.fusion.features.nested import NestedLayer, NodeMeans
from gossan.fusion.geostatistical.standard_features import StandardFeatures
from gossan.geo.grid import Grid, Window

__all__ = ["Strip", "add_forms", "add_parabolas", "standardise"]


@dataclass(frozen=True, eq=False)
class Strip:
    """Standardised features of a window.

    Parameters
    ----------
    easting, northing
        (width,) and (height,) of the pixels.
    at_pixels
        (p, height, width) the first p of d features, 0 in gaps.
    gaps
        (height, width) pattern of unknown features, 0 where all are known.
    raw
        (f, height, width) as read; empty where there are no gaps.
    wide
        The other d - p features, standardised; None where all are at the pixels.
    """

    easting: NDArray[np.float64] = field(repr=False)
    northing: NDArray[np.float64] = field(repr=False)
    at_pixels: Block = field(repr=False)
    gaps: NDArray[np.int64] = field(repr=False)
    raw: Block = field(repr=False)
    wide: NodeMeans | None = None

    @classmethod
    def of(
        cls, layer: NestedLayer | None, padded: Block, grid: Grid, window: Window,
        standard: StandardFeatures, finest_m: float,
    ) -> Strip:  # fmt: skip
        """Standardise the features of a window.

        ``padded`` are the source's pixels of the window grown by the layer's reach. Wide means stay
        at nodes less than ``finest_m`` apart.
        """
        places = grid.coordinates(window)
        if layer is not None and layer.cell and standard.curves is None:
            cell_m = layer.cell * max(grid.pixel_width, grid.pixel_height)
            wide = _wide(layer, window, standard) if cell_m < finest_m else None
            if wide is not None:
                first = standard.used[: len(standard.used) - len(wide.values)]
                z, gaps = standardise(padded, first, standard)
                if not gaps.any():
                    return cls(*places, z, gaps, padded[:0], wide)
        raw = padded if layer is None else layer.of(padded, window)
        z, gaps = standardise(raw, standard.used, standard)
        if standard.curves is not None:
            added = standard.curves.of_pixels(z.reshape(len(z), -1))
            added[:, gaps.ravel() != 0] = 0.0
            z = np.concatenate([z, added.reshape(-1, *z.shape[1:])])
        return cls(*places, z, gaps, raw)

    def weigh(self, weights: Block, rows: slice, cols: slice) -> Block:
        """Return ``weights' z`` (rows, columns) for weights (d,) at some of the pixels."""
        count = len(self.at_pixels)
        total: Block = np.tensordot(weights[:count], self.at_pixels[:, rows, cols], 1)
        if self.wide is None:
            return total
        near_rows, down = self.wide.rows.part(rows.start, rows.stop).local()
        near_cols, across = self.wide.cols.part(cols.start, cols.stop).local()
        nodes = np.tensordot(weights[count:], self.wide.values[:, down, across], 1)
        return total + interpolate(near_rows, near_cols, nodes)


def _wide(layer: NestedLayer, window: Window, standard: StandardFeatures) -> NodeMeans | None:
    """Standardise the wide means at the nodes about a window; None where a pixel is empty."""
    found = layer.at_nodes(window)
    if found is None:
        return None
    bands = len(layer.source.bands)
    which = standard.used >= bands
    values = found.values[standard.used[which] - bands]
    values -= standard.mean[which, None, None].astype(np.float32)
    values /= standard.deviation[which, None, None].astype(np.float32)
    return replace(found, values=values)


def standardise(
    raw: Block, used: NDArray[np.int_], standard: StandardFeatures
) -> tuple[Block, NDArray[np.int64]]:
    """Standardise the first features in use (p, height, width), and give the pattern of gaps."""
    keys = np.random.default_rng(0).integers(1, 2**62, len(standard.used))
    return _standardised(raw, used, *standard.in_single, keys)  # type: ignore[no-any-return]


@compiled(fastmath={"reassoc"})
def _standardised(raw, used, mean, scale, keys):  # type: ignore[no-untyped-def]
    """Standardise the used features, 0 in gaps; tell patterns of gaps apart by exclusive or."""
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


@compiled()
def add_forms(z, turned, vector, row_first, row_weights, col_first, col_weights, variance):  # type: ignore[no-untyped-def]
    """Add ``z' (turned + 2 v)``: z, turned (p, height, width); v from nodes (rows, p, columns)."""
    p, height, width = z.shape
    line = np.empty((p, vector.shape[2]), np.float32)
    sums = np.empty(width, np.float32)
    for y in range(height):
        line[:] = np.float32(0.0)
        for t in range(row_weights.shape[1]):
            w, source = np.float32(2.0) * row_weights[y, t], vector[row_first[y] + t]
            for j in range(p):
                for k in range(line.shape[1]):
                    line[j, k] += w * source[j, k]
        own = variance[y]
        for j in range(p):
            part, nodes, feature = turned[j, y], line[j], z[j, y]
            for x in range(width):
                sums[x] = part[x]
            for t in range(col_weights.shape[0]):
                weights = col_weights[t]
                for x in range(width):
                    sums[x] += weights[x] * nodes[col_first[x] + t]
            for x in range(width):
                own[x] += feature[x] * sums[x]


def add_parabolas(wide: NodeMeans, turned: Block, variance: Block) -> None:
    """Add ``z' g`` to a variance, ``g = Q z + 2 q`` (d, rows, columns) given at the nodes."""
    _add_parabolas(
        *_products(wide.values, turned),
        (wide.rows.first, wide.rows.weights[:, 1].astype(np.float32)),
        (wide.cols.first, wide.cols.weights[:, 1].astype(np.float32)), variance,
    )  # fmt: skip


@compiled()
def _products(z, g):  # type: ignore[no-untyped-def]
    """Sum over features, at each node, ``z g``, and the products of differences ``dz dg``.

    Returns
    -------
    (rows, columns) ``z g``; to the next row and to the next column ``dz dg``, one shorter there;
    and of both sides of a cell, one row with the other.
    """
    count, rows, columns = z.shape
    own = np.zeros((rows, columns), np.float32)
    down = np.zeros((rows - 1, columns), np.float32)
    across = np.zeros((rows, columns - 1), np.float32)
    crossed = np.zeros((rows - 1, columns - 1), np.float32)
    for j in range(count):
        for y in range(rows):
            here, slope = z[j, y], g[j, y]
            for x in range(columns):
                own[y, x] += here[x] * slope[x]
            for x in range(columns - 1):
                across[y, x] += (here[x + 1] - here[x]) * (slope[x + 1] - slope[x])
            if y == rows - 1:
                continue
            below, slope_below = z[j, y + 1], g[j, y + 1]
            for x in range(columns):
                down[y, x] += (below[x] - here[x]) * (slope_below[x] - slope[x])
            for x in range(columns - 1):
                crossed[y, x] += (here[x + 1] - here[x]) * (slope_below[x + 1] - slope_below[x])
                crossed[y, x] += (below[x + 1] - below[x]) * (slope[x + 1] - slope[x])
    return own, down, across, crossed


@compiled()
def _add_parabolas(own, down, across, crossed, rows, columns, variance):  # type: ignore[no-untyped-def]
    """Parabolas along rows between parabolas down columns; see the module.

    ``rows`` and ``columns`` hold the first node of each pixel and the share of the next.
    """
    (row_first, row_share), (col_first, col_share) = rows, columns
    one = np.float32(1.0)
    line, bend = np.empty(own.shape[1], np.float32), np.empty(across.shape[1], np.float32)
    for y in range(row_first.size):
        i, t = row_first[y], row_share[y]
        for k in range(line.size):
            line[k] = (one - t) * own[i, k] + t * own[i + 1, k] - t * (one - t) * down[i, k]
        for k in range(bend.size):
            bend[k] = (one - t) ** 2 * across[i, k] + t**2 * across[i + 1, k]
            bend[k] += t * (one - t) * crossed[i, k]
        for x in range(col_first.size):
            k, s = col_first[x], col_share[x]
            variance[y, x] += (one - s) * line[k] + s * (line[k + 1] - (one - s) * bend[k])
