"""Log-ratio transforms of several elements together, with exact inverses.

Concentrations are parts of a whole: they cannot vary freely. Log-ratios (Aitchison 1986, *The
Statistical Analysis of Compositional Data*; Egozcue et al. 2003, *Math. Geol.* 35, 279-300) free
them. A survey measures some parts only; the unmeasured rest is one more part, so that the inverse
gives concentrations exactly and not only their ratios.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from gossan.arrays.array_type import Array
from gossan.catalogue.elements import unit_factor
from gossan.errors import SurveyError, must
from gossan.geo.samples import Samples

Rest = Literal["part", "left out"]


def close(values: Array, total: float = 1.0) -> Array:
    """Scale the rows of (n, parts) to a sum of ``total``.

    >>> close(np.array([[1.0, 3.0]])).tolist()
    [[0.25, 0.75]]
    """
    return values * (total / values.sum(axis=-1, keepdims=True))


@dataclass(frozen=True)
class Clr:
    """Take centred log-ratios ``ln x - mean(ln x)``.

    Parameters
    ----------
    total
        The whole, in the unit of the values (1e6 for ppm).
    rest
        "part": what is missing to the whole is one more, last, part, and the inverse is exact;
        "left out": only ratios count, and the inverse is closed to ``total``.

    Examples
    --------
    >>> x = np.array([[20.0, 80.0, 5.0]])
    >>> Clr().forward(x).shape, Clr().inverse(Clr().forward(x)).round(9).tolist()
    ((1, 4), [[20.0, 80.0, 5.0]])
    """

    total: float = 1e6
    rest: Rest = "part"

    def forward(self, values: Array) -> Array:
        """Bring (n, parts) to (n, parts + 1), or (n, parts) with the rest left out."""
        logs = np.log(_with_rest(values, self.total, self.rest))
        return np.asarray(logs - logs.mean(axis=-1, keepdims=True))

    def inverse(self, scores: Array) -> Array:
        """Bring log-ratios back to (n, parts)."""
        highest = scores.max(axis=-1, keepdims=True)
        closed = close(np.exp(scores - highest), self.total)
        return closed[..., :-1] if self.rest == "part" else closed


@dataclass(frozen=True)
class Ilr:
    """Take isometric log-ratios: coordinates of the centred ones on an orthonormal basis.

    The basis is that of pivots: coordinate k compares the geometric mean of the first k parts with
    part k + 1. ``total`` and ``rest`` are as in ``Clr``.

    >>> x = np.array([[20.0, 80.0, 5.0]])
    >>> Ilr().forward(x).shape, Ilr().inverse(Ilr().forward(x)).round(9).tolist()
    ((1, 3), [[20.0, 80.0, 5.0]])
    """

    total: float = 1e6
    rest: Rest = "part"

    def forward(self, values: Array) -> Array:
        """Bring (n, parts) to (n, parts), or (n, parts - 1) with the rest left out."""
        scores = Clr(self.total, self.rest).forward(values)
        return np.asarray(scores @ ilr_basis(scores.shape[-1]).T)

    def inverse(self, scores: Array) -> Array:
        """Bring coordinates back to (n, parts)."""
        clr = scores @ ilr_basis(scores.shape[-1] + 1)
        return Clr(self.total, self.rest).inverse(clr)


def ilr_basis(parts: int) -> Array:
    """Return the (parts - 1, parts) orthonormal basis of the space of centred log-ratios.

    Row k (from 1) is ``sqrt(k / (k + 1)) * (1/k, ..., 1/k, -1, 0, ..., 0)``.

    >>> ilr_basis(2).round(4).tolist()
    [[0.7071, -0.7071]]
    """
    basis = np.zeros((parts - 1, parts))
    for k in range(1, parts):
        basis[k - 1, :k] = 1.0 / k
        basis[k - 1, k] = -1.0
        basis[k - 1] *= np.sqrt(k / (k + 1.0))
    return basis


def composition_of(samples: Samples, elements: Sequence[str]) -> Array:
    """Return (n, elements) of a survey, all in ppm whatever their units; NaN: not analysed."""
    factors = [unit_factor(samples.units[element], "ppm") for element in elements]
    columns = [samples.values(element) * f for element, f in zip(elements, factors)]
    return np.column_stack(columns)


def _with_rest(values: Array, total: float, rest: Rest) -> Array:
    with np.errstate(invalid="ignore"):
        if (values <= 0).any():
            cure = "Treat zeros as below the detection limit first"
            raise SurveyError(must("parts", "positive", float(np.nanmin(values)), cure))
        if rest == "left out":
            return values
        left = total - values.sum(axis=-1, keepdims=True)
        if (left <= 0).any():
            got = f"a sum of {float(np.nanmax(values.sum(axis=-1))):g}"
            cure = "Check the units, and leave out oxides whose element is there"
            raise SurveyError(must("parts", f"less than {total:g} together", got, cure))
    return np.concatenate([values, left], axis=-1)
