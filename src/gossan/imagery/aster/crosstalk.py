"""Remove band 4 light that leaks into the other short-wave bands of ASTER.

Light of band 4 is scattered between detectors and filters into the other lines; bands 5 and 9,
the neighbours of 4, suffer most (Iwasaki & Tonooka 2005). The ghost is displaced along the track.
The published kernels and coefficients are not open, so this is a model with parameters:

``L_b = L_b,seen - sum_k share_k (G(sigma_k) * L_4)(x - shift_k)``

It is **off by default**: the L1T guide lists a crosstalk correction among the steps of the product
already, so that a second one may do harm, and AST_07XT is the better road where it can be had.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, shift

from gossan.errors import FitError, ImageryError, must
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Window
from gossan.geo.layer import Layer, LikeSource, SelectedLayer, read_padded
from gossan.imagery.atmosphere.scene_statistics import quantile_of

SOURCE_BAND = "b4"
LINE_SPACING_M = 2420.0
LINES_FROM_BAND_4 = {"b5": 1, "b6": 2, "b7": -3, "b8": -2, "b9": -1}
SIGMA_M = 450.0
FEWEST_DARK_PIXELS = 400


@dataclass(frozen=True)
class Leak:
    """One ghost of band 4.

    Attributes
    ----------
    band
        Band that receives the light.
    share
        Radiance received per unit of blurred band 4 radiance.
    shift_m
        Displacement of the ghost along the direction of flight, m on the ground.
    sigma_m
        Standard deviation of the blur, m.
    """

    band: str
    share: float
    shift_m: float
    sigma_m: float = SIGMA_M


@dataclass(frozen=True)
class CrosstalkFree(LikeSource):
    """Layer of short-wave radiance without the ghosts of band 4.

    Parameters
    ----------
    source
        Radiance of the short-wave bands, ``b4`` among them (W m-2 sr-1 um-1).
    leaks
        Any number per band.
    track_azimuth
        Direction of flight, degrees clockwise from grid north.
    background
        Band 4 radiance that stands for the ground beyond the scene's edge.
    sign
        -1 removes the ghosts; +1 adds them (for simulations).
    """

    source: Layer
    leaks: tuple[Leak, ...]
    track_azimuth: float
    background: float
    sign: int = -1

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read the window, and band 4 where its ghosts come from."""
        values = self.source.read(window)
        band_4 = SelectedLayer(self.source, (SOURCE_BAND,))
        for leak in self.leaks:
            seen = ghost(band_4, window, leak, self.track_azimuth, self.background)
            values[self.bands.index(leak.band)] += np.float32(self.sign * leak.share) * seen
        return values


def ghost(
    band_4: Layer, window: Window, leak: Leak, track_azimuth: float, background: float
) -> NDArray[np.float32]:
    """Blur and displace band 4: what a window sees of it, per unit share (row, column)."""
    grid = band_4.grid
    azimuth = math.radians(track_azimuth)
    columns = leak.shift_m * math.sin(azimuth) / grid.pixel_width
    rows = -leak.shift_m * math.cos(azimuth) / grid.pixel_height
    sigma = leak.sigma_m / grid.pixel_height, leak.sigma_m / grid.pixel_width
    margin = math.ceil(4 * max(sigma)) + 2
    whole_rows, whole_columns = round(rows), round(columns)
    from_window = Window(window.row - whole_rows, window.col - whole_columns, *window.shape)
    light = read_padded(band_4, from_window, margin)[0]
    light[np.isnan(light)] = background
    blurred = gaussian_filter(light, sigma, mode="nearest", truncate=4.0)
    part = (rows - whole_rows, columns - whole_columns)
    if max(map(abs, part)) > 1e-6:
        blurred = shift(blurred, part, order=1, mode="nearest")
    return blurred[margin:-margin, margin:-margin]


def check_leaks(leaks: Sequence[Leak], bands: Sequence[str]) -> None:
    """Refuse leaks into an unknown band or band 4 itself, and impossible numbers.

    Raises
    ------
    ImageryError
        With the leak and the limits.
    """
    for leak in leaks:
        if leak.band not in bands or leak.band == SOURCE_BAND:
            raise ImageryError(
                must(
                    "a crosstalk leak",
                    f"into one of {', '.join(b for b in bands if b != SOURCE_BAND)}",
                    repr(leak.band),
                    "Correct leaks in the settings",
                )
            )
        if not -0.5 < leak.share < 0.5 or leak.sigma_m <= 0:
            raise ImageryError(
                must(
                    f"the crosstalk leak into {leak.band}",
                    "a share between -0.5 and 0.5 with sigma_m above 0",
                    f"share {leak.share}, sigma_m {leak.sigma_m}",
                    "Correct leaks in the settings",
                )
            )


def fit_leaks(
    radiance: Layer,
    track_azimuth: float,
    background: float,
    dark: Layer | None = None,
    sigma_m: float = SIGMA_M,
    blocks: Blocks | None = None,
) -> tuple[Leak, ...]:
    """Estimate the leaks on dark targets, where a band sees little but the ghost.

    ``L_b = m_b + share * ghost`` by least squares over dark pixels, for the ghost displaced
    forwards and backwards by the distance of the detector lines; the direction that explains
    more over all bands is kept. Shares below zero become zero.

    Parameters
    ----------
    radiance
        Short-wave radiance with band 4.
    track_azimuth
        Direction of flight, degrees clockwise from grid north.
    background
        Band 4 radiance beyond the scene's edge.
    dark
        One band, above 0 on dark targets (water, shadow); without it the darkest 2 % of band 4.
    sigma_m
        Blur of the ghost, m.
    blocks
        How to stream.

    Returns
    -------
    One leak per band other than 4.

    Raises
    ------
    FitError
        There are fewer than 400 dark pixels, or band 4 has no contrast around them.
    """
    blocks = blocks or Blocks()
    band_4 = SelectedLayer(radiance, (SOURCE_BAND,))
    limit = np.inf if dark is not None else quantile_of(band_4, 0.02, blocks)
    victims = tuple(b for b in radiance.bands if b in LINES_FROM_BAND_4)
    candidates = tuple(
        tuple(
            Leak(b, 1.0, direction * LINES_FROM_BAND_4[b] * LINE_SPACING_M, sigma_m)
            for b in victims
        )
        for direction in (1, -1)
    )
    function = partial(_dark_sums, radiance, candidates, track_azimuth, background, dark, limit)
    sums = blocks.reduce(function, radiance.grid)
    return _best_leaks(sums, candidates)


def _dark_sums(
    radiance: Layer,
    candidates: tuple[tuple[Leak, ...], ...],
    track_azimuth: float,
    background: float,
    dark: Layer | None,
    limit: float,
    window: Window,
) -> NDArray[np.float64]:
    """Add up 1, g, L, gg, gL, LL over the dark pixels: (direction, band, 6)."""
    values = radiance.read(window)
    chosen = np.isfinite(values).all(axis=0)
    if dark is None:
        chosen &= values[radiance.bands.index(SOURCE_BAND)] <= limit
    else:
        chosen &= dark.read(window)[0] > 0
    result = np.zeros((len(candidates), len(candidates[0]), 6))
    if not chosen.any():
        return result
    band_4 = SelectedLayer(radiance, (SOURCE_BAND,))
    for d, leaks in enumerate(candidates):
        for i, leak in enumerate(leaks):
            seen = ghost(band_4, window, leak, track_azimuth, background)[chosen]
            g = seen.astype(np.float64)
            y = values[radiance.bands.index(leak.band)][chosen].astype(np.float64)
            result[d, i] = len(g), g.sum(), y.sum(), g @ g, g @ y, y @ y
    return result


def _best_leaks(
    sums: NDArray[np.float64], candidates: tuple[tuple[Leak, ...], ...]
) -> tuple[Leak, ...]:
    n, g, y, gg, gy, yy = np.moveaxis(sums, -1, 0)
    if n.min() < FEWEST_DARK_PIXELS:
        raise FitError(
            must(
                "dark targets for crosstalk",
                f"at least {FEWEST_DARK_PIXELS} pixels",
                int(n.min()),
                "Supply the leaks, or choose a scene with water or deep shadow",
            )
        )
    spread, common, total = gg - g * g / n, gy - g * y / n, yy - y * y / n
    if not (spread > 0).all():
        raise FitError(
            must(
                "band 4 around the dark targets",
                "of different brightness",
                "no contrast",
                "Supply the leaks instead",
            )
        )
    share = np.maximum(common / spread, 0.0)
    explained = np.where(share > 0, common**2 / spread, 0.0) / np.maximum(total, 1e-30)
    best = int(np.argmax(explained.sum(axis=1)))
    return tuple(
        Leak(leak.band, float(s), leak.shift_m, leak.sigma_m)
        for leak, s in zip(candidates[best], share[best])
    )
