"""Return the polynomials in easting and northing that a drift is made of."""

from __future__ import annotations

import numpy as np

from gossan.arrays.array_type import Array
from gossan.errors import FitError, must

_EXPONENTS = ((0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2))


def drift_terms(method: str, drift: str) -> int:
    """Count drift functions: 0 simple, 1 ordinary, 3 universal linear, 6 quadratic.

    >>> drift_terms("universal", "quadratic")
    6
    """
    if method == "universal":
        return 3 if drift == "linear" else 6
    return 1 if method == "ordinary" else 0


def drift_functions(
    places: Array, terms: int, centre: Array | None = None, scale: float | None = None
) -> Array:
    """Return (n, terms): 1, e, n, e^2, e n, n^2 of places (n, 2), centred and scaled.

    >>> drift_functions(np.array([[0.0, 0.0], [2.0, 4.0]]), 3)
    array([[ 1. , -0.5, -1. ],
           [ 1. ,  0.5,  1. ]])
    """
    centre = places.mean(axis=0) if centre is None else centre
    scale = drift_scale(places, centre) if scale is None else scale
    east, north = ((places - centre) / scale).T
    columns = [east**a * north**b for a, b in _EXPONENTS[:terms]]
    return np.column_stack(columns) if columns else np.empty((len(places), 0))


def drift_scale(places: Array, centre: Array) -> float:
    """Return the largest offset from the centre, for well-conditioned polynomials."""
    return float(max(np.abs(places - centre).max(), 1e-9))


def check_drift(places: Array, terms: int) -> None:
    """Refuse samples (n, 2) that do not determine a drift.

    Raises
    ------
    FitError
        Samples for a drift must be spread over both directions.
    """
    if terms <= 1:
        return
    if np.linalg.matrix_rank(drift_functions(places, terms), tol=1e-6) < terms:
        raise FitError(
            must(
                "samples for a drift",
                "spread over both directions",
                f"{len(places)} on a line or too few",
                'Use method = "ordinary"',
            )
        )
