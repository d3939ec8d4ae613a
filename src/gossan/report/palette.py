"""Colours that keep their order in grey and for colour-blind eyes, one scale per element."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.colors import Colormap, LogNorm, Normalize, to_hex
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter, NullLocator
from numpy.typing import NDArray

ESTIMATE, ERROR, SHARE = "viridis", "cividis", "cividis"
EMPTY = "#e9e9e6"
DIFFERENCE = "PuOr_r"
BASELINE_COLOUR = "#5b5b5b"
PRODUCT_COLOURS = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9",
    "#332288", "#882255", "#117733", "#999933", "#aa4499", "#661100",
)  # fmt: skip
"""Okabe and Ito's colours, then Tol's muted ones: told apart by colour-blind eyes."""


@dataclass(frozen=True)
class Scale:
    """How the values of one element become colours: limits, straight or logarithmic."""

    low: float
    high: float
    logarithmic: bool
    unit: str
    colours: str = ESTIMATE

    @property
    def norm(self) -> Normalize:
        """Matplotlib's form of the limits."""
        kind = LogNorm if self.logarithmic else Normalize
        return kind(self.low, self.high, clip=False)

    @property
    def colour_map(self) -> Colormap:
        """The colours; empty pixels are pale grey."""
        return matplotlib.colormaps[self.colours].with_extremes(bad=EMPTY)

    def ticks(self) -> list[float]:
        """Return about five round values within the limits.

        >>> Scale(9.0, 210.0, True, "ppm").ticks()
        [10.0, 20.0, 50.0, 100.0, 200.0]
        """
        if self.logarithmic:
            found = _round_factors(self.low, self.high)
        else:
            found = np.asarray(MaxNLocator(5).tick_values(self.low, self.high))
        return [float(v) for v in found if self.low <= v <= self.high]

    def place(self, value: float) -> float:
        """Return where a value lies between the limits, 0 to 1."""
        return float(np.clip(self.norm(value), 0.0, 1.0))

    def colour(self, value: float) -> str:
        """Return the colour of a value as #rrggbb; beyond the limits that of the nearer one."""
        return to_hex(self.colour_map(self.place(value)))

    def colours_of(self, count: int) -> list[tuple[float, str]]:
        """Return evenly spaced (value, #rrggbb) from low to high."""
        shares = np.linspace(0, 1, count)
        values = np.asarray(self.norm.inverse(shares), float)
        return [(float(v), to_hex(self.colour_map(s))) for v, s in zip(values, shares)]

    def pixels(self, values: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Colour a map: (row, column, 4) bytes."""
        usable = np.where(np.isfinite(values), values, np.nan)
        if self.logarithmic:
            usable = np.where(usable < self.low, self.low, usable)
        masked = np.ma.masked_invalid(usable)
        return np.asarray(self.colour_map(self.norm(masked), bytes=True))


def _round_factors(low: float, high: float) -> NDArray[np.float64]:
    """Return round values about a logarithmic range, closer ones where it is short."""
    if high / low < 2:
        return np.asarray(MaxNLocator(5).tick_values(low, high))
    digits = (1, 2, 5) if high / low > 4 else (1, 2, 3, 4, 5, 6, 8)
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    return np.array([d * 10.0**p for p in powers for d in digits])


def common_scale(maps: Sequence[NDArray[np.float32]], unit: str, colours: str = ESTIMATE) -> Scale:
    """Find limits that suit several maps of one element: percentiles 0.5 to 99.97 of all.

    The upper one is nearly the highest value, so that the strongest anomalies still differ.

    Logarithmic where all is positive and the limits differ by more than a factor of 4. Maps
    without values give 0 to 1.

    >>> common_scale([np.array([1.0, 100.0])], "ppm").logarithmic
    True
    """
    parts = [one[np.isfinite(one)][:: max(1, one.size // 200_000)] for one in maps]
    values = np.concatenate(parts) if parts else np.empty(0)
    if not values.size:
        return Scale(0.0, 1.0, False, unit, colours)
    low, high = (float(v) for v in np.percentile(values, [0.5, 99.97]))
    if not high > low:
        spread = abs(high) * 0.05 or 1.0
        return Scale(low - spread, high + spread, False, unit, colours)
    return Scale(low, high, low > 0 and high / low > 4, unit, colours)


def difference_scale(values: NDArray[np.float32], unit: str, factor: bool) -> Scale:
    """Find limits about no difference: 1 for factors, 0 for differences.

    >>> scale = difference_scale(np.array([0.5, 1.0, 1.2]), "times", True)
    >>> round(scale.low * scale.high, 6), scale.logarithmic
    (1.0, True)
    """
    filled = values[np.isfinite(values)]
    off = np.abs(np.log(filled) if factor else filled)
    reach = float(np.percentile(off, 99.5)) if off.size else 0.0
    reach = max(reach, 0.05) if factor else reach or 1.0
    if factor:
        return Scale(float(np.exp(-reach)), float(np.exp(reach)), True, unit, DIFFERENCE)
    return Scale(-reach, reach, False, unit, DIFFERENCE)


def dress_bar(bar: Any, scale: Scale) -> None:
    """Return a colour bar round ticks in plain numbers and its unit."""
    axis = bar.ax.xaxis if bar.orientation == "horizontal" else bar.ax.yaxis
    bar.set_ticks(scale.ticks())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())
    bar.set_label(scale.unit)
    bar.outline.set_linewidth(0.4)
