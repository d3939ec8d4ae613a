"""Weights and sums of sequential Gaussian simulation: arrays in, arrays out."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.compiled import compiled
from gossan.geochem.covariance.kernels import FAST, Packed, add_covariances
from gossan.geochem.covariance.systems import back, fill, whiten


class PathNodes(NamedTuple):
    """What every node of a simulation shares.

    Parameters
    ----------
    places, samples
        (nodes, 2) and (n, 2), turned coordinates.
    noise
        (n,) error variances of the samples.
    rank
        (nodes,) when each node is visited.
    width
        Columns of the lattice.
    offsets
        (k, 2) steps in rows and columns to neighbouring nodes, nearest first.
    packed
        Structures of the covariance.
    nugget
        Variance that nodes have beyond the structures.
    """

    places: NDArray[np.float64]
    samples: NDArray[np.float64]
    noise: NDArray[np.float64]
    rank: NDArray[np.int64]
    width: int
    offsets: NDArray[np.int64]
    packed: Packed
    nugget: float


class PathPiece(NamedTuple):
    """A piece of the path: its nodes, the rank of the first, and each one's stride."""

    path: NDArray[np.int64]
    first: int
    strides: NDArray[np.int64]


class DrawingPlan(NamedTuple):
    """How nodes are drawn.

    Parameters
    ----------
    origins
        (path, k) what each node is drawn from: samples, then n + node, -1 where unused.
    weights
        (path, k) simple-kriging weights.
    deviation
        (path,) standard deviation left.
    """

    origins: NDArray[np.int64]
    weights: NDArray[np.float64]
    deviation: NDArray[np.float64]


@compiled()
def earlier_nodes(node, now, stride, rank, width, offsets, most, out):  # type: ignore[no-untyped-def]
    """List the nearest nodes that come earlier on the path; return how many."""
    height = rank.shape[0] // width
    row, col = node // width, node % width
    kept = 0
    for q in range(offsets.shape[0]):
        r = row + offsets[q, 0] * stride
        c = col + offsets[q, 1] * stride
        if 0 <= r < height and 0 <= c < width and rank[r * width + c] < now:
            out[kept] = r * width + c
            kept += 1
            if kept == most:
                break
    return kept


@compiled(fastmath=FAST)
def simulation_weights(shared, piece, nearest, plan):  # type: ignore[no-untyped-def]
    """Krige each node of a piece of path from samples and earlier nodes (mean known).

    ``nearest`` (path, k) samples, -1 where fewer; the ``DrawingPlan`` is filled.
    """
    places, samples, noise, packed = shared.places, shared.samples, shared.noise, shared.packed
    path, strides, nugget = piece.path, piece.strides, shared.nugget
    index, weights, deviation = plan
    most_nodes = index.shape[1] - nearest.shape[1]
    count = samples.shape[0]
    most = nearest.shape[1] + most_nodes
    size = most * (most + 1) // 2
    c, h = np.empty(size), np.empty(size)
    system, rhs = np.empty((most, most + 1)), np.empty((1, most))
    px, py, e = np.empty(most), np.empty(most), np.empty(most)
    found = np.empty(most_nodes, np.int64)
    sill = nugget + packed.sill
    for t in range(path.shape[0]):
        x, y = places[path[t], 0], places[path[t], 1]
        k = 0
        for i in range(nearest.shape[1]):
            j = nearest[t, i]
            if j < 0:
                break
            px[k], py[k], e[k] = samples[j, 0], samples[j, 1], noise[j]
            index[t, k] = j
            k += 1
        nodes = earlier_nodes(
            path[t],
            piece.first + t,
            strides[t],
            shared.rank,
            shared.width,
            shared.offsets,
            most_nodes,
            found,
        )
        for i in range(nodes):
            j = found[i]
            px[k], py[k], e[k] = places[j, 0], places[j, 1], nugget
            index[t, k] = count + j
            k += 1
        index[t, k:] = -1
        row = rhs[0]
        for i in range(k):
            dx = px[i] - x
            dy = py[i] - y
            h[i] = math.sqrt(dx * dx + dy * dy)
            row[i] = nugget if h[i] == 0.0 else 0.0
        add_covariances(packed, h, k, row)
        fill(px, py, e, k, packed, h, c, system)
        whiten(system, rhs, k, 1)
        variance = sill
        for i in range(k):
            variance -= row[i] * row[i]
        deviation[t] = math.sqrt(max(variance, 0.0))
        back(system, row, k)
        for i in range(k):
            weights[t, i] = row[i]


@compiled(fastmath=FAST)
def simulate(state, path, count, plan, noise, first, last):  # type: ignore[no-untyped-def]
    """Draw a piece of path in realisations ``first:last``, node after node.

    ``state`` (n + nodes, realisations) holds samples, then nodes; ``noise`` (path,
    realisations) standard normal numbers.
    """
    index, weights, deviation = plan
    m = last - first
    value = np.empty(m)
    for t in range(path.shape[0]):
        for r in range(m):
            value[r] = deviation[t] * noise[t, first + r]
        for i in range(index.shape[1]):
            j = index[t, i]
            if j < 0:
                break
            w = weights[t, i]
            row = state[j, first:last]
            for r in range(m):
                value[r] += w * row[r]
        out = state[count + path[t], first:last]
        for r in range(m):
            out[r] = value[r]
