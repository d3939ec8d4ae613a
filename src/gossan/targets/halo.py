"""Score many elements as one halo: components, distances and indices, with their loadings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.covariance import MinCovDet

from gossan.errors import FitError, InputError, must
from gossan.geo.layer import Layer, MappedLayer, SelectedLayer

Array = NDArray[np.float64]
Method = Literal["clr_pca", "mahalanobis", "additive", "multiplicative"]


@dataclass(frozen=True, eq=False)
class HaloScore:
    """Score contents of several elements; call it with ``(element, ...)``, get ``(...)``.

    Linear scores (clr_pca, multiplicative): ``(ln x - centre) . weights``; additive:
    ``sum weights * x / exp(centre)``; mahalanobis: ``sqrt(z' precision z)``, z = ln x - centre.
    ``explained``: share of variance (clr_pca), else NaN.
    """

    method: Method
    elements: tuple[str, ...]
    centre: Array
    weights: Array
    precision: Array | None = None
    explained: float = float("nan")

    @property
    def loadings(self) -> pd.DataFrame:
        """Table with one row per element: element, background (unit of the data), loading."""
        return pd.DataFrame(
            {
                "element": self.elements,
                "background": np.exp(self.centre),
                "loading": self.weights,
                "method": self.method,
                "explained": self.explained,
            }
        )

    def __call__(self, contents: ArrayLike) -> Array:
        """Score; NaN where an element is empty or not above 0."""
        x = np.asarray(contents, dtype=np.float64)
        positive = np.where(x > 0, x, np.nan)
        z = np.moveaxis(np.log(positive), 0, -1) - self.centre
        if self.method == "additive":
            return np.asarray(np.exp(z) @ self.weights)
        if self.precision is not None:
            return np.sqrt(np.einsum("...i,ij,...j->...", z, self.precision, z))
        return np.asarray(z @ self.weights)


@dataclass(frozen=True)
class _AsBand:
    """Give a score as the one band of a layer."""

    score: HaloScore

    def __call__(self, contents: NDArray[np.float32]) -> NDArray[np.floating]:
        return self.score(contents)[None]


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


def halo_layer(score: HaloScore, elements: Layer) -> MappedLayer:
    """Apply a score to a layer whose bands are the elements, pixel by pixel.

    The band is called after the method. Nothing runs until it is read.
    """
    return MappedLayer(SelectedLayer(elements, score.elements), _AsBand(score), (score.method,))
