"""Split a map into background and anomaly by the power of its waves (spectrum-area model)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import fft, ndimage

from gossan.arrays.array_type import Array
from gossan.arrays.distribution import Distribution
from gossan.errors import FitError, must
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import ArrayLayer, Layer
from gossan.targets.fractal import FractalFit, fit_fractal


@dataclass(frozen=True, eq=False)
class SpectrumArea:
    """The parts of a map: ``background + anomaly == map`` wherever the map has values.

    ``power_break``: the power that parts them; ``fit``: straight pieces of ln A(>= S) on ln S;
    ``parseval_error``: relative difference of the energy of waves and of pixels;
    ``sum_error``: largest |background + anomaly - map| over the map's standard deviation.
    """

    background: Array = field(repr=False)
    anomaly: Array = field(repr=False)
    power_break: float
    fit: FractalFit = field(repr=False)
    parseval_error: float
    sum_error: float


def spectrum_area(values: Array, power_break: float | None = None) -> SpectrumArea:
    """Split a map by the fractal break of its power spectrum.

    Gaps are filled from their surroundings, a plane is taken out, the map is mirrored at its edges
    and led to zero within the mirrored margin (the map itself is not tapered), then transformed.
    With ``S = |F|^2`` the area of the wave-number plane with power of at least S follows
    ``A(>= S) ~ S^-b`` with a break; waves at or above the highest break are background (the plane
    included), the others anomaly.

    Parameters
    ----------
    values : (rows, columns), NaN where empty; logarithms of contents as a rule.
    power_break : power that parts; None: the highest break of the lines fitted to the plot by
        least squares (up to three breaks, by BIC).

    Returns
    -------
    SpectrumArea; its parts are NaN where the map is.

    Raises
    ------
    FitError : smaller than 16 x 16, more than half empty, or constant.

    Note: a broad anomaly is a strong long wave, so it counts as background (the published
    criticism of the method); read both parts.

    Sources: Cheng, Xu & Grunsky 2000, Natural Resources Research 9.
    """
    full = np.isfinite(values)
    if min(values.shape) < 16 or full.mean() < 0.5 or np.ptp(values[full]) == 0:
        raise FitError(
            must("a map for spectrum-area", "at least 16 x 16, half full and not constant",
                 f"{values.shape}, {full.mean():.0%} full", "Use a larger or fuller map")
        )  # fmt: skip
    filled = fill_gaps(values)
    plane = _plane(filled)
    padded, place = _mirrored(filled - plane)
    waves = fft.rfft2(padded)
    power, weight = np.abs(waves) ** 2, _both_halves(waves.shape, padded.shape[1])
    parseval = abs((power * weight).sum() / padded.size / (padded**2).sum() - 1.0)
    fit = _fit(power, weight, padded.shape)
    cut = power_break if power_break is not None else _cut(fit)
    strong = fft.irfft2(np.where(power >= cut, waves, 0), s=padded.shape)[place]
    weak = fft.irfft2(np.where(power >= cut, 0, waves), s=padded.shape)[place]
    background, anomaly = (np.where(full, part, np.nan) for part in (strong + plane, weak))
    difference = np.nanmax(np.abs(background + anomaly - values)) / np.nanstd(values)
    return SpectrumArea(background, anomaly, float(cut), fit, float(parseval), float(difference))


def spectrum_area_layer(
    layer: Layer, band: str | None = None, *, logarithm: bool = True, most_pixels: int = 4_000_000
) -> tuple[ArrayLayer, SpectrumArea]:
    """Split one band of a map; a huge map is first averaged to at most ``most_pixels``.

    Returns
    -------
    A layer with the bands "background" and "anomaly" (logarithms if ``logarithm``) on the map's
    grid or a coarser one, and the split itself.

    Raises
    ------
    FitError
        Contents must be above 0 for logarithms.
    """
    index = 0 if band is None else layer.bands.index(band)
    factor = int(np.ceil(np.sqrt(layer.grid.height * layer.grid.width / most_pixels)))
    values, grid = _averaged(layer, index, max(factor, 1))
    if logarithm:
        if np.nanmin(values) <= 0:
            raise FitError(
                must("contents", "above 0 for logarithms", f"{np.nanmin(values):.3g}",
                     "Use logarithm=False or a model that stays positive")
            )  # fmt: skip
        values = np.log(values)
    parts = spectrum_area(values)
    array = np.stack([parts.background, parts.anomaly]).astype(np.float32)
    return ArrayLayer(grid, ("background", "anomaly"), array), parts


def fill_gaps(values: Array) -> Array:
    """Fill empty pixels with the weighted mean of what lies around, near first.

    >>> fill_gaps(np.array([[1.0, np.nan, 1.0]])).tolist()
    [[1.0, 1.0, 1.0]]
    """
    filled, full = values.copy(), np.isfinite(values)
    width = 1.0
    while not full.all():
        known = np.where(full, filled, 0.0)
        mass = ndimage.gaussian_filter(full.astype(float), width, mode="nearest")
        smooth = ndimage.gaussian_filter(known, width, mode="nearest")
        reach = ~full & (mass > 1e-3)
        filled[reach] = smooth[reach] / mass[reach]
        full = full | reach
        width *= 2.0
    return filled


def _averaged(layer: Layer, index: int, factor: int) -> tuple[Array, Grid]:
    """Average blocks of factor x factor pixels, row of blocks by row of blocks."""
    grid = layer.grid.coarsen(factor)
    out = np.full(grid.shape, np.nan)
    columns = np.arange(layer.grid.width) // factor
    step = max(1, 2_000_000 // (layer.grid.width * factor))
    for first in range(0, grid.height, step):
        window = Window(first * factor, 0, step * factor, layer.grid.width)
        values = layer.read(window.clipped(layer.grid.shape))[index].astype(np.float64)
        rows = np.arange(len(values)) // factor
        cell = (rows[:, None] * grid.width + columns[None, :]).ravel()
        full = np.isfinite(values).ravel()
        size = (int(rows[-1]) + 1) * grid.width
        count = np.bincount(cell[full], minlength=size)
        total = np.bincount(cell[full], values.ravel()[full], size)
        mean = np.divide(total, count, out=np.full(size, np.nan), where=count > 0)
        out[first : first + rows[-1] + 1] = mean.reshape(-1, grid.width)
    return out, grid


def _plane(values: Array) -> Array:
    row = np.linspace(-1, 1, values.shape[0])[:, None]
    column = np.linspace(-1, 1, values.shape[1])[None, :]
    slope_row = (values * row).sum() / (row**2).sum() / values.shape[1]
    slope_column = (values * column).sum() / (column**2).sum() / values.shape[0]
    return values.mean() + slope_row * row + slope_column * column


def _mirrored(values: Array, share: float = 0.15) -> tuple[Array, tuple[slice, slice]]:
    """Mirror the edges outwards and lead the margin to zero by a cosine."""
    sizes = [fft.next_fast_len(int(n * (1 + 2 * share)) + 2, True) for n in values.shape]
    before = [(size - n) // 2 for size, n in zip(sizes, values.shape, strict=True)]
    pads = [(b, size - n - b) for b, size, n in zip(before, sizes, values.shape, strict=True)]
    padded = np.pad(values, pads, mode="reflect")
    for axis, (first, last) in enumerate(pads):
        taper = np.ones(padded.shape[axis])
        taper[:first] = 0.5 - 0.5 * np.cos(np.pi * (np.arange(first) + 0.5) / first)
        taper[-last:] = 0.5 + 0.5 * np.cos(np.pi * (np.arange(last) + 0.5) / last)
        padded *= np.expand_dims(taper, 1 - axis)
    place = tuple(slice(b, b + n) for b, n in zip(before, values.shape, strict=True))
    return padded, (place[0], place[1])


def _both_halves(shape: tuple[int, ...], columns: int) -> Array:
    """Count how often each wave of a half spectrum stands in the whole one."""
    weight = np.full(shape, 2.0)
    weight[:, 0] = 1.0
    if columns % 2 == 0:
        weight[:, -1] = 1.0
    return weight


def _fit(power: Array, weight: Array, shape: tuple[int, int]) -> FractalFit:
    strong = power > power.max() * 1e-15
    values, order = np.unique(power[strong], return_inverse=True)
    weights = np.asarray(np.bincount(order, weight[strong]), np.float64)
    counted = Distribution(values, weights, None, float(len(values)))
    # Few strong waves carry the background: the likelihood counts waves and would not see them,
    # lines through the plot, even in ln S, do.
    return fit_fractal(counted, most=3, method="least_squares")


def _cut(fit: FractalFit) -> float:
    if not len(fit.breaks):
        raise FitError(
            must("the power spectrum", "broken somewhere", "one straight piece",
                 "Set power_break to a number")
        )  # fmt: skip
    return float(fit.breaks[-1])
