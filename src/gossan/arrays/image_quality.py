"""Measure an image: entropy, gradient, and likeness to a reference (Q, ERGAS, SAM)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "average_gradient",
    "entropy",
    "ergas",
    "histogram_entropy",
    "spectral_angle",
    "universal_quality",
]

Image = NDArray[np.floating]


def histogram_entropy(counts: NDArray[np.int_] | NDArray[np.float64]) -> float:
    """Measure the information of a histogram in bits: ``H = -sum p log2 p``.

    >>> histogram_entropy(np.array([5, 5, 5, 5]))
    2.0
    """
    total = counts.sum()
    if total == 0:
        return float("nan")
    p = counts[counts > 0] / total
    return float(-(p * np.log2(p)).sum()) + 0.0


def entropy(image: Image, limits: tuple[float, float] | None = None, bins: int = 256) -> float:
    """Measure the information entropy of an image in bits a pixel.

    ``H = -sum_k p_k log2 p_k`` over ``bins`` equal classes between ``limits``; values beyond the
    limits count in the end classes. Entropies compare only with the same limits and bins.

    Parameters
    ----------
    image : any shape; NaN is left out.
    limits : lowest and highest value; the image's own by default.
    bins : number of classes.

    Examples
    --------
    >>> entropy(np.array([[0.0, 1.0], [2.0, 3.0]]), bins=4)
    2.0

    Source: Ding et al. 2023, sec. 4.4.
    """
    values = image[np.isfinite(image)].astype(np.float64)
    if not values.size:
        return float("nan")
    low, high = limits or (float(values.min()), float(values.max()))
    if high <= low:
        return 0.0
    counts, _ = np.histogram(np.clip(values, low, high), bins=bins, range=(low, high))
    return histogram_entropy(counts)


def average_gradient(image: Image) -> float:
    """Measure the mean slope from pixel to pixel: ``mean sqrt((dx^2 + dy^2) / 2)``.

    ``dx`` and ``dy`` are differences to the next column and row. Pixels without both neighbours
    are left out.

    Parameters
    ----------
    image : (row, column); NaN is empty.

    Returns
    -------
    In the unit of the image, a pixel.

    >>> average_gradient(np.array([[0.0, 1.0, 2.0], [1.0, 2.0, 3.0]]))
    1.0
    """
    values = image.astype(np.float64)
    dx = values[:-1, 1:] - values[:-1, :-1]
    dy = values[1:, :-1] - values[:-1, :-1]
    slope = np.sqrt((dx**2 + dy**2) / 2.0)
    slope = slope[np.isfinite(slope)]
    return float(slope.mean()) if slope.size else float("nan")


def universal_quality(reference: Image, image: Image, side: int | None = None) -> float:
    """Measure likeness by the universal image quality index Q (UIQI).

    ``Q = 4 s_xy m_x m_y / ((s_x^2 + s_y^2)(m_x^2 + m_y^2))``: loss of correlation, of mean and of
    contrast in one number; 1 only for an identical image.

    Parameters
    ----------
    reference, image : (row, column), positive, in one unit; NaN is empty.
    side : side in pixels of non-overlapping squares whose Q is averaged; the whole image if None.

    Returns
    -------
    -1 .. 1; NaN where both images are constant.

    >>> x = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> universal_quality(x, x), round(universal_quality(x, 2 * x), 2)
    (1.0, 0.64)

    Source: Wang & Bovik 2002.
    """
    if side is None:
        return _quality(reference, image)
    rows, cols = reference.shape
    found = [
        _quality(reference[r : r + side, c : c + side], image[r : r + side, c : c + side])
        for r in range(0, rows, side)
        for c in range(0, cols, side)
    ]
    usable = [q for q in found if np.isfinite(q)]
    return float(np.mean(usable)) if usable else float("nan")


def _quality(reference: Image, image: Image) -> float:
    keep = np.isfinite(reference) & np.isfinite(image)
    x, y = reference[keep].astype(np.float64), image[keep].astype(np.float64)
    if x.size < 2:
        return float("nan")
    mx, my = x.mean(), y.mean()
    spread = x.var() + y.var()
    centre = mx**2 + my**2
    if spread == 0.0 or centre == 0.0:
        return float("nan")
    return float(4.0 * np.mean((x - mx) * (y - my)) * mx * my / (spread * centre))


def ergas(references: Sequence[Image], images: Sequence[Image], ratio: float) -> float:
    """Measure the relative global error of several layers (ERGAS).

    ``ERGAS = 100 / ratio * sqrt(mean_b (RMSE_b / mean_b)^2)`` over layers b; 0 is perfect.

    Parameters
    ----------
    references, images : one (row, column) a layer, positive on a ratio scale; NaN is empty.
    ratio : coarse pixel size over fine pixel size.

    >>> one = np.full((2, 2), 10.0)
    >>> ergas([one], [one + 1.0], ratio=4.0)
    2.5

    Source: Wald 2000.
    """
    terms = []
    for x, y in zip(references, images, strict=True):
        keep = np.isfinite(x) & np.isfinite(y)
        true, found = x[keep].astype(np.float64), y[keep].astype(np.float64)
        if not true.size or true.mean() == 0.0:
            return float("nan")
        terms.append(np.mean((found - true) ** 2) / true.mean() ** 2)
    return float(100.0 / ratio * np.sqrt(np.mean(terms)))


def spectral_angle(references: Sequence[Image], images: Sequence[Image]) -> float:
    """Measure the mean angle in degrees between vectors of the layers (SAM).

    The vector of a pixel holds its value of every layer (element); the angle is
    ``arccos(x.y / (|x||y|))``: 0 where all proportions are kept.

    Parameters
    ----------
    references, images : one (row, column) a layer, at least two; NaN in any leaves the pixel out.

    >>> x = [np.array([[1.0]]), np.array([[0.0]])]
    >>> y = [np.array([[1.0]]), np.array([[1.0]])]
    >>> round(spectral_angle(x, y), 6)
    45.0

    Source: Yuhas et al. 1992.
    """
    x, y = np.stack(list(references)).astype(float), np.stack(list(images)).astype(float)
    keep = np.isfinite(x).all(axis=0) & np.isfinite(y).all(axis=0)
    x, y = x[:, keep], y[:, keep]
    length = np.sqrt((x**2).sum(axis=0)) * np.sqrt((y**2).sum(axis=0))
    x, y, length = x[:, length > 0], y[:, length > 0], length[length > 0]
    if not length.size:
        return float("nan")
    # half-angle form: exact for small angles, where arccos of the cosine is not
    u, v = x / np.sqrt((x**2).sum(axis=0)), y / np.sqrt((y**2).sum(axis=0))
    angle = 2.0 * np.arctan2(
        np.sqrt(((u - v) ** 2).sum(axis=0)), np.sqrt(((u + v) ** 2).sum(axis=0))
    )
    return float(np.degrees(angle).mean())
