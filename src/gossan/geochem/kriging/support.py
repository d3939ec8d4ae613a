"""Represent the block that an estimate stands for by Gauss points."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gossan.arrays.array_type import Array
from gossan.errors import InputError, must
from gossan.geochem.covariance.model import CovarianceModel

GAUSS_POINTS = 4


class Support(NamedTuple):
    """Points of a support about its centre (turned coordinates), weights, own variance."""

    offsets: Array
    weights: Array
    variance: float


def point_support(model: CovarianceModel, filtered: bool) -> Support:
    """Return the support of a point: variance is the sill, without the nugget if filtered."""
    variance = model.structured_sill if filtered else model.sill
    return Support(np.zeros((1, 2)), np.ones(1), variance)


def block_support(model: CovarianceModel, block_m: float | tuple[float, float]) -> Support:
    """Return the support of a rectangle ``block_m`` (width, height in metres).

    ``C(s, V) = sum_g w_g C(s, v_g)`` and ``C(V, V) = sum_g sum_f w_g w_f C(v_g, v_f)`` over
    4 x 4 Gauss-Legendre points, as R gstat does. The nugget averages out within a block.

    >>> from gossan.geochem.covariance.model import Structure
    >>> model = CovarianceModel(0.1, (Structure("spherical", 1.0, 1000.0),))
    >>> support = block_support(model, (100.0, 50.0))
    >>> support.offsets.shape, round(float(support.weights.sum()), 12), support.variance < 1
    ((16, 2), 1.0, True)

    Source: Carr and Palmer (1993), Math. Geol. 25; Journel and Huijbregts (1978), II.D.
    """
    places, weights = gauss_points(block_m)
    variance = float(weights @ model.between(places, places) @ weights)
    return Support(model.turn(places), weights, variance)


def gauss_points(block_m: float | tuple[float, float]) -> tuple[Array, Array]:
    """Points (16, 2) of a rectangle about its centre, metres, and their weights (16,).

    Raises
    ------
    InputError
        ``block_m`` must be above 0.
    """
    width, height = block_m if isinstance(block_m, tuple) else (block_m, block_m)
    if not (width > 0 and height > 0):
        raise InputError(must("block_m", "above 0", block_m, "Use metres, or None for points"))
    node, weight = np.polynomial.legendre.leggauss(GAUSS_POINTS)
    east, north = np.meshgrid(node * width / 2, node * height / 2)
    weights = np.outer(weight, weight).ravel() / 4
    return np.column_stack([east.ravel(), north.ravel()]), np.ascontiguousarray(weights)
