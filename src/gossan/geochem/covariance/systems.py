"""Small systems of covariances, solved inside kernels: arrays in, arrays out.

Coordinates are turned already, so that covariance depends on distance alone.
"""

from __future__ import annotations

import math

from gossan.arrays.compiled import compiled
from gossan.geochem.covariance.kernels import FAST, add_covariances

__all__ = ["back", "fill", "forward", "whiten"]

# a neighbour whose variance, given the others, is below this share of its own adds nothing
# but rounding error: it gets weight 0
REDUNDANT = 1e-10


@compiled(fastmath=FAST)
def fill(px, py, noise, k, packed, h, c, system):  # type: ignore[no-untyped-def]
    """Fill the upper triangle of ``system[:k, :k]`` with covariances among k neighbours."""
    size = 0
    for i in range(k):
        for j in range(i, k):
            dx = px[i] - px[j]
            dy = py[i] - py[j]
            h[size + j - i] = math.sqrt(dx * dx + dy * dy)
        size += k - i
    c[:size] = 0.0
    add_covariances(packed, h, size, c)
    base = 0
    for i in range(k):
        row = system[i]
        for j in range(i, k):
            row[j] = c[base + j - i]
        row[i] += noise[i]
        base += k - i


@compiled(fastmath=FAST)
def whiten(system, rhs, k, rows):  # type: ignore[no-untyped-def]
    """Factorise ``system[:k, :k]`` = L L' and replace ``rhs[:rows, :k]`` by L^-1 rhs.

    Row j of the system becomes column j of L, with 1 / l_jj on the diagonal; the right-hand
    sides ride along as further entries of the rows.
    """
    end = k + rows
    for j in range(k):
        col = system[j]
        for q in range(rows):
            col[k + q] = rhs[q, j]
        whole = col[j]
        m = 0
        while m + 4 <= j:
            c0, c1, c2, c3 = system[m], system[m + 1], system[m + 2], system[m + 3]
            f0, f1, f2, f3 = c0[j], c1[j], c2[j], c3[j]
            for i in range(j, end):
                col[i] -= f0 * c0[i] + f1 * c1[i] + f2 * c2[i] + f3 * c3[i]
            m += 4
        while m < j:
            c0 = system[m]
            f0 = c0[j]
            for i in range(j, end):
                col[i] -= f0 * c0[i]
            m += 1
        inverse = 1.0 / math.sqrt(col[j]) if col[j] > REDUNDANT * whole else 0.0
        for i in range(j + 1, end):
            col[i] *= inverse
        col[j] = inverse
        for q in range(rows):
            rhs[q, j] = col[k + q]


@compiled(fastmath=FAST)
def forward(system, x, k):  # type: ignore[no-untyped-def]
    """Solve L v = x in place, with the factor that ``whiten`` leaves in the system."""
    for j in range(k):
        row = system[j]
        x[j] *= row[j]
        own = x[j]
        for i in range(j + 1, k):
            x[i] -= own * row[i]


@compiled(fastmath=FAST)
def back(system, x, k):  # type: ignore[no-untyped-def]
    """Solve L' w = x in place, giving the weights."""
    for j in range(k - 1, -1, -1):
        row = system[j]
        v = x[j]
        for i in range(j + 1, k):
            v -= row[i] * x[i]
        x[j] = v * row[j]
