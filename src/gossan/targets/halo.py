"""Scores of many elements as one halo: components, distances and indices, with their drivers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.covariance import MinCovDet

from gossan.arrays.array_type import Array
from gossan.errors import FitError, InputError, must
from gossan.geo.layer import Layer, MappedLayer, SelectedLayer
from gossan.io.tables import Column

Method = Literal["clr_pca", "mahalanobis", "additive", "multiplicative"]
CHUNK = 4096
"""Pixels scored at a time, so that what is computed on the way stays in the processor's cache."""


@dataclass(frozen=True, eq=False)
class HaloScore:
    """A score of the contents of several elements: call it with ``(element, ...)``, get ``(...)``.

    Linear scores (clr_pca, multiplicative): ``(ln x - centre) . weights``; additive:
    ``sum weights * x / exp(centre)``; mahalanobis: ``sqrt(z' precision z)``, z = ln x - centre.
    ``explained``: share of variance (clr_pca), else NaN. ``shares``: how much each element drives
    the score among the samples; they add up to 1.
    """

    method: Method
    elements: tuple[str, ...]
    centre: Array
    weights: Array
    precision: Array | None = None
    explained: float = float("nan")
    shares: Array = field(default_factory=lambda: np.empty(0))

    @property
    def drivers(self) -> str:
        """The elements that drive the score most, in words.

        Those are named that together make four fifths of its variation.
        """
        order = np.argsort(-self.shares)
        enough = int(np.searchsorted(np.cumsum(self.shares[order]), 0.8)) + 1
        return ", ".join(f"{self.elements[i]} ({self.shares[i]:.0%})" for i in order[:enough])

    @property
    def loadings(self) -> pd.DataFrame:
        """Table with one row per element: background (unit of the data), loading, share."""
        return pd.DataFrame(
            {
                Column.ELEMENT: self.elements,
                "background": np.exp(self.centre),
                Column.LOADING: self.weights,
                Column.SHARE: self.shares,
                "method": self.method,
                "explained": self.explained,
            }
        )

    def __call__(self, contents: ArrayLike) -> Array:
        """Score; NaN where an element is empty or not above 0."""
        return self.of_logarithms(_logarithms(contents))

    def of_logarithms(self, logarithms: Array) -> Array:
        """Score of the natural logarithms of contents (element, ...)."""
        total = self.parts(logarithms).sum(axis=0)
        return np.asarray(total if self.precision is None else np.sqrt(total))

    def parts(self, logarithms: Array) -> Array:
        """Part of each element in the score (in its square: mahalanobis): (element, ...)."""
        shape = (-1, *(1,) * (logarithms.ndim - 1))
        z = logarithms - self.centre.reshape(shape)
        if self.precision is not None:
            return np.asarray(z * np.tensordot(self.precision, z, axes=1))
        size = np.exp(z) if self.method == "additive" else z
        return np.asarray(size * self.weights.reshape(shape))


def _logarithms(contents: ArrayLike) -> Array:
    """Natural logarithms of contents (element, ...); NaN where not above 0."""
    x = np.asarray(contents, dtype=np.float64)
    return np.asarray(np.log(np.where(x > 0, x, np.nan)))


@dataclass(frozen=True)
class _AsBands:
    """Scores of the same elements as the bands of a layer, computed for some pixels at a time."""

    scores: tuple[HaloScore, ...]

    def __call__(self, contents: NDArray[np.float32]) -> NDArray[np.float32]:
        flat = contents.reshape(len(contents), -1)
        found = np.empty((len(self.scores), flat.shape[1]), np.float32)
        for start in range(0, flat.shape[1], CHUNK):
            part = slice(start, start + CHUNK)
            logarithms = _logarithms(flat[:, part])
            for row, score in zip(found, self.scores):
                row[part] = score.of_logarithms(logarithms)
        return found.reshape(-1, *contents.shape[1:])


def fit_halo(
    contents: ArrayLike,
    elements: Sequence[str],
    method: Method = "mahalanobis",
    *,
    towards: str | None = None,
    component: int = 1,
    numerator: Sequence[str] = (),
    denominator: Sequence[str] = (),
    seed: int = 0,
) -> HaloScore:
    """Learn a halo score from samples.

    Parameters
    ----------
    contents : (n, elements) contents above 0, all in one unit; rows with gaps are left out.
    elements : names of the columns.
    method :
        "clr_pca": component of the centred log-ratios, signed so that ``towards`` (else the
        largest loading) is positive. "mahalanobis": distance of ln x from the robust centre by
        the minimum covariance determinant. "additive": mean of contents over their background
        (the median). "multiplicative": mean of ln(x / background) of the ``numerator`` minus that
        of the ``denominator`` (none: all elements on top), as in zonality indices.
    component : of clr_pca, from 1.
    seed : of the robust covariance.

    Raises
    ------
    FitError : fewer than 5 rows per element. InputError : an unknown element or method.

    Sources: Aitchison 1986; Filzmoser & Hron 2008, Math. Geosci. 40; Rousseeuw & Van Driessen
    1999; Beus & Grigorian 1977 (additive and multiplicative halos).

    >>> rng = np.random.default_rng(1)
    >>> x = np.exp(rng.normal(size=(200, 3)))
    >>> fit_halo(x, ["Cu", "Zn", "Au"], "additive").weights.round(3).tolist()
    [0.333, 0.333, 0.333]
    """
    names = tuple(elements)
    for name in [*numerator, *denominator, *([towards] if towards else [])]:
        if name not in names:
            raise InputError(must("an element", f"one of {', '.join(names)}", repr(name), "Choose"))
    x = np.asarray(contents, dtype=np.float64)
    x = np.log(x[(np.isfinite(x) & (x > 0)).all(axis=1)])
    if len(x) < 5 * len(names) or len(names) < 2:
        raise FitError(
            must("a halo score", "learnt from 2 elements and 5 samples of each at least",
                 f"{len(names)} elements, {len(x)} whole samples", "Use fewer elements")
        )  # fmt: skip
    score = _fitted(x, names, method, towards, component, (numerator, denominator), seed)
    return replace(score, shares=_shares(score.parts(x.T).T))


def _shares(parts: Array) -> Array:
    """Split the variance of a sum among its parts: covariance with the sum over its variance."""
    total = parts.sum(axis=1)
    spread = total.var()
    covariance = ((parts - parts.mean(axis=0)) * (total - total.mean())[:, None]).mean(axis=0)
    return covariance / spread if spread > 0 else np.full(parts.shape[1], 1 / parts.shape[1])


def _fitted(
    x: Array,
    names: tuple[str, ...],
    method: Method,
    towards: str | None,
    component: int,
    sides: tuple[Sequence[str], Sequence[str]],
    seed: int,
) -> HaloScore:
    numerator, denominator = sides
    if method == "clr_pca":
        return _clr_pca(x, names, towards, component)
    if method == "mahalanobis":
        robust = MinCovDet(random_state=seed).fit(x)
        spread = np.sqrt(np.diag(robust.covariance_))
        return HaloScore(method, names, robust.location_, 1 / spread, robust.precision_)
    centre = np.median(x, axis=0)
    if method == "additive":
        return HaloScore(method, names, centre, np.full(len(names), 1 / len(names)))
    if method == "multiplicative":
        above = np.isin(names, list(numerator) or list(names))
        below = np.isin(names, list(denominator))
        weights = above / above.sum() - (below / below.sum() if below.any() else 0.0)
        return HaloScore(method, names, centre, weights)
    raise InputError(
        must("method", "clr_pca, mahalanobis, additive or multiplicative", repr(method), "Choose")
    )


def _clr_pca(x: Array, names: tuple[str, ...], towards: str | None, component: int) -> HaloScore:
    if not 1 <= component < len(names):
        raise InputError(
            must("component", f"1 to {len(names) - 1}", component, "Closed data have one less")
        )
    clr = x - x.mean(axis=1, keepdims=True)
    _, size, axes = np.linalg.svd(clr - clr.mean(axis=0), full_matrices=False)
    axis = axes[component - 1]
    lead = names.index(towards) if towards else int(np.argmax(np.abs(axis)))
    axis = axis * (1.0 if axis[lead] >= 0 else -1.0)
    explained = float(size[component - 1] ** 2 / (size**2).sum())
    # Loadings of log-ratios add up to 0, so they apply to plain logarithms as well.
    return HaloScore("clr_pca", names, x.mean(axis=0), axis - axis.mean(), None, explained)


def halo_layer(score: HaloScore | Sequence[HaloScore], elements: Layer) -> MappedLayer:
    """Apply a score, or several of the same elements, to a layer whose bands are the elements.

    A band for each score, called after its method. Nothing runs until it is read.
    """
    scores = (score,) if isinstance(score, HaloScore) else tuple(score)
    source = SelectedLayer(elements, scores[0].elements)
    return MappedLayer(source, _AsBands(scores), tuple(one.method for one in scores))
