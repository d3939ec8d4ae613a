"""Trace the outlines of labelled pixels as polygons along pixel edges."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage

from gossan.geo.grid import Grid
from gossan.targets.rings import Rings, rings_of

EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=int)

Labels = NDArray[np.int64]
Edges = NDArray[np.int64] | NDArray[np.int32]
"""(n, 6): label, x0, y0, x1, y1 in pixel corners, and 1 where inside is below or right, or 0."""


def runs(values: Labels, first_row: int) -> Labels:
    """Find runs of one non-zero value along rows: ``(n, 4)`` of value, row, start, end column.

    >>> runs(np.array([[0, 3, 3, 0, 3]]), 10).tolist()
    [[3, 10, 1, 3], [3, 10, 4, 5]]
    """
    padded = np.pad(values, ((0, 0), (1, 1)))
    row, column = np.nonzero(padded[:, 1:] != padded[:, :-1])
    value = padded[row, column + 1]
    end = np.roll(column, -1)
    return np.column_stack([value, row + first_row, column, end])[value != 0]


def horizontal_edges(upper: Labels, lower: Labels, first_line: int) -> Edges:
    """Find the edges between rows.

    ``upper`` and ``lower`` (lines, columns) hold the labels above and below each line of corners;
    0 is outside. Only borders between inside and outside count.
    """
    below = runs(np.where((upper == 0) & (lower != 0), lower, 0), first_line)
    above = runs(np.where((upper != 0) & (lower == 0), upper, 0), first_line)
    found = np.concatenate([below, above])
    side = np.repeat([1, 0], [len(below), len(above)])
    return np.column_stack([found[:, [0, 2, 1, 3, 1]], side])


def vertical_edges(labels: Labels, first_row: int) -> Edges:
    """Find the edges between columns of ``labels`` (rows, columns)."""
    padded = np.pad(labels, ((0, 0), (1, 1))).T
    found = horizontal_edges(padded[:-1], padded[1:], 0)
    found[:, [1, 2, 3, 4]] = found[:, [2, 1, 4, 3]]
    found[:, [2, 4]] += first_row
    return found


def polygons(edges: Edges, grid: Grid) -> tuple[Labels, NDArray[np.object_]]:
    """Close the edges of every label to a valid (multi)polygon on the ground, holes left out.

    Returns
    -------
    The labels in rising order and their geometries; straight edges hold no extra corners.
    """
    if not len(edges):
        return np.empty(0, np.int64), np.empty(0, object)
    rings = rings_of(_joined(edges))
    owners = _owners(rings)
    order = np.lexsort((rings.areas < 0, owners))  # the outline of each face, then its holes
    left, _, _, top = grid.bounds
    size = np.array([grid.pixel_width, -grid.pixel_height])
    lines = shapely.linearrings((left, top) + rings.closed * size, indices=rings.numbers)
    _, face = np.unique(owners[order], return_inverse=True)
    faces = shapely.polygons(lines[order], indices=face)
    labels = rings.labels[np.unique(owners)]
    order = np.argsort(labels, kind="stable")
    found, index = np.unique(labels[order], return_inverse=True)
    shapes = shapely.multipolygons(faces[order], indices=index)
    single = shapely.get_num_geometries(shapes) == 1
    shapes[single] = shapely.get_geometry(shapes[single], 0)
    return found, shapely.normalize(shapes)


def _owners(rings: Rings) -> Labels:
    """Return for each ring the outer ring of its face: itself, or that around a hole.

    The pixel beside a hole lies in one face of its label, and in no smaller outer ring than its.
    """
    outer = np.flatnonzero(rings.areas > 0)
    owners = np.arange(len(rings.labels))
    number = np.bincount(rings.labels[outer])
    only = np.zeros(len(number), np.int64)
    only[rings.labels[outer]] = outer
    holes = np.flatnonzero(rings.areas < 0)
    owners[holes] = only[rings.labels[holes]]
    unsure = holes[number[rings.labels[holes]] > 1]
    if len(unsure):
        several = outer[number[rings.labels[outer]] > 1]
        owners[unsure] = _smallest_around(rings, unsure, several)
    return owners


def _smallest_around(rings: Rings, holes: Labels, outer: Labels) -> Labels:
    """Return the smallest of some outer rings of the same label around each of some holes."""
    chosen = np.isin(rings.numbers, outer)
    lines = shapely.linearrings(
        rings.closed[chosen], indices=np.unique(rings.numbers[chosen], return_inverse=True)[1]
    )
    tree = shapely.STRtree(shapely.polygons(lines))
    hole, around = tree.query(shapely.points(rings.beside[holes]), predicate="within")
    same = rings.labels[holes[hole]] == rings.labels[outer[around]]
    hole, around = hole[same], outer[around[same]]
    order = np.lexsort((rings.areas[around], hole))
    _, first = np.unique(hole[order], return_index=True)
    return np.asarray(around[order][first])


def _joined(edges: Edges) -> Edges:
    """Join vertical edges that were cut where two strips of rows meet."""
    upright = edges[:, 1] == edges[:, 3]
    lines, flat = edges[upright], edges[~upright]
    lines = lines[np.lexsort((lines[:, 2], lines[:, 5], lines[:, 1], lines[:, 0]))]
    same = (lines[1:, [0, 1, 5]] == lines[:-1, [0, 1, 5]]).all(axis=1)
    starts = np.append(True, ~(same & (lines[1:, 2] == lines[:-1, 4])))
    ends = np.append(starts[1:], True)
    merged = lines[starts]
    merged[:, 4] = lines[ends, 4]
    return np.concatenate([flat, merged])


def outline(mask: NDArray[np.bool_], grid: Grid) -> NDArray[np.object_]:
    """Return one polygon per patch of a mask that fits in memory; corners connect.

    >>> from affine import Affine
    >>> from pyproj import CRS
    >>> grid = Grid(CRS.from_epsg(32645), Affine(10.0, 0, 0, 0, -20.0, 60.0), 3, 4)
    >>> mask = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 1]], dtype=bool)
    >>> [polygon.area for polygon in outline(mask, grid)]
    [800.0, 200.0]
    """
    labels = ndimage.label(mask, EIGHT_NEIGHBOURS)[0].astype(np.int64)
    padded = np.pad(labels, ((1, 1), (0, 0)))
    edges = np.concatenate(
        [horizontal_edges(padded[:-1], padded[1:], 0), vertical_edges(labels, 0)]
    )
    return polygons(edges, grid)[1]
