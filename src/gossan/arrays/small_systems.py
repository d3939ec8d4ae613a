"""Solve small symmetric systems inside kernels: in place, without calls to a library."""

from __future__ import annotations

import math

from gossan.arrays.compiled import compiled

__all__ = ["factor", "solve"]

LEAST = 1e-10
"""Share of its diagonal element that a pivot must keep; below, a row repeats earlier ones."""


@compiled()
def factor(matrix, size):  # type: ignore[no-untyped-def]
    """Factorise the upper left part of a symmetric matrix in place: lower triangle L, A = L L'.

    Gives False where a row repeats earlier ones; its pivot is then the least that is allowed.

    >>> import numpy as np
    >>> matrix = np.array([[4.0, 9.0], [2.0, 5.0]])  # only the lower triangle is read
    >>> factor(matrix, 2), matrix[1].tolist(), float(matrix[0, 0])
    (True, [1.0, 2.0], 2.0)
    """
    sound = True
    for i in range(size):
        for j in range(i):
            s = matrix[i, j]
            for k in range(j):
                s -= matrix[i, k] * matrix[j, k]
            matrix[i, j] = s / matrix[j, j]
        least = LEAST * matrix[i, i]
        s = matrix[i, i]
        for k in range(i):
            s -= matrix[i, k] * matrix[i, k]
        if not s > least:
            sound = False
            s = max(least, 1e-300)
        matrix[i, i] = math.sqrt(s)
    return sound


@compiled()
def solve(lower, size, b):  # type: ignore[no-untyped-def]
    """Solve L L' x = b in place.

    >>> import numpy as np
    >>> b = np.array([2.0, 5.0])
    >>> solve(np.array([[2.0, 0.0], [1.0, 2.0]]), 2, b)
    >>> b.tolist()
    [0.0, 1.0]
    """
    for i in range(size):
        s = b[i]
        for k in range(i):
            s -= lower[i, k] * b[k]
        b[i] = s / lower[i, i]
    for i in range(size - 1, -1, -1):
        s = b[i]
        for k in range(i + 1, size):
            s -= lower[k, i] * b[k]
        b[i] = s / lower[i, i]
