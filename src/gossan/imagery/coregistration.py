"""Check that two images lie on each other: the shift between them, in pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from gossan.errors import ImageryError, must
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import Layer, SelectedLayer
from gossan.geo.warp import to_grid, transformed_bounds
from gossan.imagery.stack import common_grid

UPSAMPLING = 50
"""Shifts are found to 1 / 50 of a pixel."""

LEAST_PEAK = 6.0
"""A tile counts when its correlation peak stands so many standard deviations above the rest."""

PAIRS = {"aster": "b2", "sentinel2": "b04"}
"""Bands of the same colour (red), by which sensors are compared."""


@dataclass(frozen=True)
class Shift:
    """How far the second image lies from the first.

    Attributes
    ----------
    east_px, north_px
        Median over tiles, in pixels of the common grid; positive: its ground appears that far
        to the east (north) of where the first image has it.
    spread_px
        Median absolute deviation over tiles, of the larger direction.
    pixel_m
        Pixel size of the common grid.
    tiles, tried
        Tiles with a clear correlation peak, and tiles tried.
    """

    east_px: float
    north_px: float
    spread_px: float
    pixel_m: float
    tiles: int
    tried: int

    @property
    def length_px(self) -> float:
        """Length of the shift in pixels."""
        return float(np.hypot(self.east_px, self.north_px))

    @property
    def reading(self) -> str:
        """Say it in one line."""
        return (
            f"shift {self.east_px:+.2f} px east, {self.north_px:+.2f} px north "
            f"({self.length_px * self.pixel_m:.1f} m; spread {self.spread_px:.2f} px; "
            f"{self.tiles} of {self.tried} tiles)"
        )


def coregistration(
    first: Layer,
    second: Layer,
    bands: tuple[str, str] | None = None,
    *,
    tile: int = 256,
    most_tiles: int = 48,
    blocks: Blocks | None = None,
) -> Shift:
    """Measure the shift between two layers by phase correlation on tiles.

    Both are brought to the coarser pixels of the two over their common ground.

    Parameters
    ----------
    first, second
        Layers of any two sensors.
    bands
        The band of each to compare, best of one colour; the first bands by default.
    tile
        Side of a tile in pixels.
    most_tiles
        Tiles at most, spread over the common ground.
    blocks
        Threads.

    Raises
    ------
    ImageryError
        No tile has enough valid pixels and a clear peak.
    """
    pair = bands or (first.bands[0], second.bands[0])
    sizes = [layer.grid.pixel_width * layer.grid.pixel_height for layer in (first, second)]
    coarse = first if sizes[0] >= sizes[1] else second
    shared = common_grid([first, second])
    grid = coarse.grid.crop(coarse.grid.covering(transformed_bounds(shared, coarse.grid.crs)))
    layers = [
        to_grid(SelectedLayer(layer, (name,)), grid) for layer, name in zip((first, second), pair)
    ]
    windows = _tiles(grid, tile, most_tiles)
    found = [s for w in windows if (s := _tile_shift(layers[0], layers[1], w)) is not None]
    if not found:
        raise ImageryError(
            must(
                "the overlap of two images",
                "valid and textured enough to compare",
                f"0 of {len(windows)} tiles with a clear peak",
                "Compare bands of one colour, or mask less",
            )
        )
    rows, cols = np.array(found).T
    spread = max(float(np.median(np.abs(v - np.median(v)))) for v in (rows, cols))
    return Shift(
        east_px=float(np.median(cols)),
        north_px=-float(np.median(rows)),
        spread_px=spread,
        pixel_m=grid.pixel_width,
        tiles=len(found),
        tried=len(windows),
    )


def _tiles(grid: Grid, tile: int, most: int) -> list[Window]:
    """Spread at most ``most`` tiles evenly over a grid."""
    side = min(tile, grid.height, grid.width)
    windows = [w for w in Blocks(size=side).windows(grid) if w.shape == (side, side)]
    step = max(len(windows) / most, 1.0)
    return [windows[int(i * step)] for i in range(min(most, len(windows)))]


def _tile_shift(first: Layer, second: Layer, window: Window) -> tuple[float, float] | None:
    """Return (rows, columns) that the second tile lies below and right of the first, or None."""
    pair = [layer.read(window)[0].astype(np.float64) for layer in (first, second)]
    filled = np.isfinite(pair[0]) & np.isfinite(pair[1])
    if filled.mean() < 0.7:
        return None
    return phase_shift(*(np.where(filled, v, v[filled].mean()) for v in pair))


def phase_shift(
    first: NDArray[np.floating], second: NDArray[np.floating], upsampling: int = UPSAMPLING
) -> tuple[float, float] | None:
    """Find the shift (rows, columns) of ``second`` against ``first`` by phase correlation.

    The peak of the whitened cross-spectrum is found on whole pixels, then on a grid
    ``upsampling`` times finer by a matrix product (Guizar-Sicairos, Thurman & Fienup 2008).
    None where no peak stands out.

    >>> rng = np.random.default_rng(0)
    >>> scene = rng.normal(size=(70, 80)).cumsum(0).cumsum(1)
    >>> phase_shift(scene[3:67, 5:69], scene[1:65, 9:73], upsampling=1)
    (2.0, -4.0)
    """
    spectra = [fft.fft2(_flattened(np.asarray(v, np.float64))) for v in (first, second)]
    cross = np.conj(spectra[0]) * spectra[1]
    cross *= _lowpass(cross.shape) / np.maximum(np.abs(cross), 1e-12 * np.abs(cross).max() + 1e-300)
    surface = fft.ifft2(cross).real
    peak = np.unravel_index(int(surface.argmax()), surface.shape)
    if surface[peak] < surface.mean() + LEAST_PEAK * surface.std():
        return None
    whole = [int(p) if p <= n // 2 else int(p) - n for p, n in zip(peak, surface.shape)]
    if upsampling <= 1:
        return float(whole[0]), float(whole[1])
    return _refined(cross, whole, upsampling)


def _refined(
    cross: NDArray[np.complex128], whole: list[int], upsampling: int
) -> tuple[float, float]:
    """Evaluate the inverse transform on a fine grid around the whole-pixel peak."""
    offsets = np.arange(-upsampling, upsampling + 1) / upsampling
    rows, cols = whole[0] + offsets, whole[1] + offsets
    frequency = [fft.fftfreq(n) for n in cross.shape]
    left = np.exp(2j * np.pi * np.outer(rows, frequency[0]))
    right = np.exp(2j * np.pi * np.outer(frequency[1], cols))
    fine = (left @ cross @ right).real
    row, col = np.unravel_index(int(fine.argmax()), fine.shape)
    return float(rows[row]), float(cols[col])


def _flattened(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take out the plane and taper the edges, so that they do not correlate with themselves."""
    rows, cols = np.indices(values.shape)
    design = np.column_stack([np.ones(values.size), rows.ravel(), cols.ravel()])
    plane = design @ np.linalg.lstsq(design, values.ravel(), rcond=None)[0]
    taper = np.outer(np.hanning(values.shape[0]), np.hanning(values.shape[1]))
    flat: NDArray[np.float64] = (values - plane.reshape(values.shape)) * taper
    return flat


def _lowpass(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Weigh down frequencies near the Nyquist, where resampling leaves little but noise."""
    rows, cols = (np.abs(fft.fftfreq(n)) for n in shape)
    weight: NDArray[np.float64] = np.exp(-((np.hypot(rows[:, None], cols[None, :]) / 0.25) ** 2))
    return weight
