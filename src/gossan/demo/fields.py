"""Simulate correlated random fields by their spectrum, each from its own named stream."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray
from scipy import fft


def stream(seed: int, name: str) -> np.random.Generator:
    """Return the random stream of one named part of the district.

    Parts do not share a stream: adding one leaves the others as they were.

    >>> float(stream(7, "cover").random()) == float(stream(7, "cover").random())
    True
    >>> float(stream(7, "cover").random()) == float(stream(7, "faults").random())
    False
    """
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def gaussian_field(
    rng: np.random.Generator,
    shape: tuple[int, int],
    pixel_m: float,
    range_m: float,
    smoothness: float = 1.0,
) -> NDArray[np.float64]:
    """Simulate a Matern field with mean 0 and standard deviation 1 over the grid.

    White noise is filtered by the square root of the Matern spectrum
    ``(1 + (2 pi f l)^2)^-(smoothness + 1)``, with ``l = range_m / sqrt(8 smoothness)``, on a grid
    padded by the range, so that opposite edges are not alike; then cut and standardised.

    Parameters
    ----------
    rng : the stream; see :func:`stream`.
    shape : (rows, columns).
    pixel_m, range_m : pixel size and practical range (correlation about 0.14), metres.
    smoothness : Matern smoothness; 0.5 is the exponential model.

    Returns
    -------
    Field ``(rows, columns)``, float64, no unit.

    Source: Lindgren, Rue & Lindstrom 2011 for the range; Dietrich & Newsam 1993 for the method.

    >>> field = gaussian_field(np.random.default_rng(1), (40, 30), 30.0, 300.0)
    >>> field.shape, abs(float(field.mean())) < 1e-9, round(float(field.std()), 6)
    ((40, 30), True, 1.0)
    """
    pad = int(np.ceil(range_m / pixel_m))
    padded = (fft.next_fast_len(shape[0] + pad, True), fft.next_fast_len(shape[1] + pad, True))
    rows = fft.fftfreq(padded[0], pixel_m)
    columns = fft.rfftfreq(padded[1], pixel_m)
    length = range_m / np.sqrt(8.0 * smoothness)
    square = (2.0 * np.pi * length) ** 2 * (rows[:, None] ** 2 + columns[None, :] ** 2)
    spectrum = fft.rfft2(rng.standard_normal(padded)) * (1.0 + square) ** (-(smoothness + 1) / 2)
    field = fft.irfft2(spectrum, s=padded)[: shape[0], : shape[1]]
    return (field - field.mean()) / field.std()


def step_up(value: NDArray[np.float64], centre: float, width: float) -> NDArray[np.float64]:
    """Return a soft step from 0 to 1 around ``centre``: ``1 / (1 + exp(-(v - centre) / width))``.

    >>> step_up(np.array([0.0]), 0.0, 1.0).tolist()
    [0.5]
    """
    return 1.0 / (1.0 + np.exp(-np.clip((value - centre) / width, -60.0, 60.0)))
