"""The Laplacian pyramid: a low-pass and the detail it leaves, with empty pixels left out.

One level of Burt and Adelson's pyramid halves an image with the kernel [1 4 6 4 1]/16 along each
axis (reduce) and doubles it with the same kernel times 2 (expand). Several levels in a row are
again a narrow matrix per axis: ``E`` (pixels, nodes) expands, its transpose reduces. The low-pass
of an image v with the mask m of filled pixels (1 or 0) is the normalised convolution

    ``low = E E' (m v) / E E' m``

which keeps constants constant around holes and edges, is linear in v for a given mask, and needs
no neighbourhood beyond the coarse level: ``E' (m v)`` and ``E' m`` are sums that add over blocks.

Source: Burt and Adelson 1983, IEEE Trans. Communications 31(4); Knutsson and Westin 1993 for the
normalised convolution.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gossan.arrays.compiled import compiled
from gossan.arrays.resample import Taps, interpolate, project

__all__ = [
    "expand_coarse",
    "expand_taps",
    "low_pass",
    "low_pass_reach",
    "matched_levels",
    "reduce_window",
    "smoothed",
    "split",
]

KERNEL = np.array([1.0, 4.0, 6.0, 4.0, 1.0]) / 16.0


def expand_taps(pixels: int, levels: int) -> Taps:
    """Return the expansion from the coarse level of a pyramid along one axis.

    Node i of level l lies on node 2i of level l - 1, so on pixel ``i * 2**levels``; a level has
    half of the nodes below it, rounded up.

    Parameters
    ----------
    pixels
        Length of the axis in pixels.
    levels
        Depth of the pyramid, at least 1.

    Returns
    -------
    Taps (pixels, nodes).

    Examples
    --------
    >>> expand_taps(5, 1).matrix().toarray()[:2].tolist()
    [[0.75, 0.125, 0.0], [0.5, 0.5, 0.0]]
    """
    matrix = _expand_once(pixels)
    for _ in range(levels - 1):
        matrix = matrix @ _expand_once(matrix.shape[1])
    return Taps.of(matrix)


def _expand_once(size: int) -> sparse.csr_array:
    """Double an axis: the kernel centred on every second element of the fine level."""
    nodes = (size + 1) // 2
    offsets = range(-2, 3)
    fine = np.concatenate([2 * np.arange(nodes) + k for k in offsets])
    node = np.tile(np.arange(nodes), len(offsets))
    weight = np.repeat(2 * KERNEL, nodes)
    inside = (fine >= 0) & (fine < size)
    parts = (weight[inside], (fine[inside], node[inside]))
    return sparse.csr_array(sparse.coo_array(parts, shape=(size, nodes)))


def matched_levels(ratio: float) -> int:
    """Choose the depth whose low-pass is that of a survey: as smooth as its samples allow.

    A Gaussian that passes the share G = 0.3 of the amplitude at the samples' Nyquist frequency
    has ``sigma = ratio / pi * sqrt(2 ln(1/G))`` pixels; a pyramid of L levels has the variance
    ``2 (4**L - 1) / 3``. The depth with the nearest logarithm of sigma is taken.

    Parameters
    ----------
    ratio
        Sample spacing over pixel size.

    Returns
    -------
    Number of levels, at least 1.

    Examples
    --------
    >>> [matched_levels(ratio) for ratio in (2, 10, 100)]
    [1, 3, 6]
    """
    sigma = ratio / np.pi * np.sqrt(2 * np.log(1 / 0.3))
    return max(round(np.log(1 + 1.5 * sigma**2) / np.log(4)), 1)


def low_pass_reach(levels: int) -> int:
    """Return how far (pixels) a low-pass value looks.

    >>> low_pass_reach(1)
    4
    """
    return 4 * (2**levels - 1)


def reduce_window(
    rows: Taps, columns: Taps, values: NDArray[np.float32]
) -> tuple[NDArray[np.float64], tuple[slice, slice]]:
    """Add a window up on the coarse level: ``E' (m v)`` of every band and, last, ``E' m``.

    Parameters
    ----------
    rows, columns
        Expansion taps of the window's rows and columns.
    values
        (bands, height, width); NaN is empty. A pixel counts only if all bands are filled.

    Returns
    -------
    (bands + 1, nodes, nodes) and where they lie; sums over windows add.
    """
    return project(rows, columns, _filled(np.ascontiguousarray(values, np.float32)))


@compiled()
def _filled(values):  # type: ignore[no-untyped-def]
    """Put 0 where any band is empty and append the mask."""
    bands, height, width = values.shape
    result = np.empty((bands + 1, height, width), np.float32)
    for y in range(height):
        mask = result[bands, y]
        mask[:] = 1.0
        for k in range(bands):
            for x in range(width):
                if not np.isfinite(values[k, y, x]):
                    mask[x] = 0.0
        for k in range(bands):
            for x in range(width):
                result[k, y, x] = values[k, y, x] if mask[x] > 0.0 else np.float32(0.0)
    return result


def expand_coarse(rows: Taps, columns: Taps, sums: NDArray[np.float64]) -> NDArray[np.float32]:
    """Expand the sums of the coarse level to a window: the low-pass of every band.

    Parameters
    ----------
    rows, columns
        Expansion taps of the window's rows and columns.
    sums
        (bands + 1, nodes, nodes): weighted sums, last the weights.

    Returns
    -------
    (bands, height, width) float32; NaN where no filled pixel is within reach.
    """
    wide = interpolate(rows, columns, sums)
    _divide(wide)
    return wide[:-1]


@compiled()
def _divide(wide):  # type: ignore[no-untyped-def]
    """Divide the bands by the weight, the last band."""
    last = wide.shape[0] - 1
    for y in range(wide.shape[1]):
        for k in range(last):
            for x in range(wide.shape[2]):
                weight = wide[last, y, x]
                wide[k, y, x] = wide[k, y, x] / weight if weight > 0.0 else np.nan


def low_pass(values: NDArray[np.floating], levels: int) -> NDArray[np.float32]:
    """Smooth an array by reducing it ``levels`` times and expanding it again.

    ``low = E E' (m v) / E E' m``

    Parameters
    ----------
    values
        (bands, height, width); NaN is empty. A pixel counts only if all bands are filled.
    levels
        Depth, at least 1.

    Returns
    -------
    (bands, height, width) float32, also at empty pixels that have filled ones within reach.

    Examples
    --------
    >>> holed = np.full((1, 8, 6), 3.0)
    >>> holed[0, 2:4, 1:4] = np.nan
    >>> bool(np.allclose(low_pass(holed, 2), 3.0, rtol=1e-6))
    True
    """
    rows, columns = (expand_taps(n, levels) for n in values.shape[-2:])
    sums, _ = reduce_window(rows, columns, np.asarray(values, np.float32))
    return expand_coarse(rows, columns, sums)


def split(
    values: NDArray[np.floating], levels: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Split an array into its low and high frequencies; their sum is the array.

    >>> image = np.arange(48.0).reshape(1, 8, 6) ** 1.5
    >>> low, high = split(image, 1)
    >>> bool(np.allclose(low + high, image))
    True

    Source: Ding et al. 2023, sec. 4.3, step 1 (MS_L and MS_H).
    """
    low = low_pass(values, levels)
    return low, np.asarray(values, np.float32) - low


def smoothed(taps: Taps, levels: int) -> tuple[Taps, sparse.csr_array]:
    """Return the low-pass of a field that lives on a coarse lattice, along one axis.

    A field ``K g`` has no holes, so that its low-pass ``D E E' K g`` (D makes rows of 1 add to 1)
    is again a narrow matrix per axis. It is returned as taps on an inner lattice and the matrix
    that brings g to it: the coarse level of the pyramid if that is the coarser one (few taps),
    else the lattice of g itself.

    Parameters
    ----------
    taps
        K: from the lattice of the field to pixels.
    levels
        Depth of the pyramid.

    Returns
    -------
    Taps (pixels, inner nodes) and the matrix (inner nodes, nodes of ``taps``); the rows of both
    add up to 1.

    Examples
    --------
    >>> from gossan.arrays.resample import cubic_taps
    >>> outer, inner = smoothed(cubic_taps(np.arange(20) / 4, 6), 1)
    >>> bool(np.allclose(outer.matrix() @ (inner @ np.ones(6)), 1.0))
    True
    """
    expand = expand_taps(len(taps), levels).matrix()
    reduced = expand.T @ np.ones(len(taps))
    inner = _scaled(1.0 / reduced, sparse.csr_array(expand.T @ taps.matrix()))
    outer = _scaled(1.0 / (expand @ reduced), expand) @ sparse.diags_array(reduced)
    if expand.shape[1] <= taps.nodes:
        return Taps.of(outer), inner
    return Taps.of(outer @ inner), sparse.csr_array(sparse.eye_array(taps.nodes))


def _scaled(factors: NDArray[np.float64], matrix: sparse.csr_array) -> sparse.csr_array:
    """Multiply the rows of a matrix."""
    return sparse.csr_array(sparse.diags_array(factors) @ matrix)
