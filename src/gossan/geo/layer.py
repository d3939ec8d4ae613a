"""The layer contract: a grid, named bands, and ``read(window)``; nothing runs until read."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from threading import local
from typing import Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from gossan.errors import GridError, ImageryError, must
from gossan.geo.grid import Grid, Window

Item = TypeVar("Item")
Result = TypeVar("Result")


@runtime_checkable
class Layer(Protocol):
    """What every raster step takes and gives.

    ``read(window)`` returns float32 (band, row, column) for a window that lies on the grid;
    NaN means empty and nothing else does.
    """

    @property
    def grid(self) -> Grid:
        """Where the pixels are."""
        ...

    @property
    def bands(self) -> tuple[str, ...]:
        """Names of the bands, unique, in the order of the array."""
        ...

    def read(self, window: Window) -> NDArray[np.float32]:
        """Return float32 (band, row, column); NaN is empty."""
        ...


@runtime_checkable
class FillingLayer(Protocol):
    """A layer that can put its pixels straight into a part of a larger array."""

    def read_into(self, window: Window, result: NDArray[np.float32]) -> NDArray[np.float32]:
        """Fill ``result`` (band, row, column) and give it back."""
        ...


class OnSourceGrid:
    """Lie on the pixels of ``source``: base of layers that change what pixels say."""

    source: Layer

    @property
    def grid(self) -> Grid:
        """Grid of the source."""
        return self.source.grid


class LikeSource(OnSourceGrid):
    """Have the grid and the bands of ``source``."""

    @property
    def bands(self) -> tuple[str, ...]:
        """Bands of the source."""
        return self.source.bands


@dataclass(frozen=True, eq=False)
class ArrayLayer:
    """Serve an array (band, row, column) held in memory as a layer.

    >>> grid = Grid.from_bounds(32638, (0, -40, 90, 0), (30, 20))
    >>> layer = ArrayLayer(grid, ("b1",), np.arange(6.0).reshape(1, 2, 3))
    >>> layer.read(Window(1, 1, 1, 2))
    array([[[4., 5.]]], dtype=float32)
    """

    grid: Grid
    bands: tuple[str, ...]
    array: NDArray[np.floating] = field(repr=False)

    def __post_init__(self) -> None:
        expected = (len(self.bands), *self.grid.shape)
        if self.array.shape != expected:
            raise ImageryError(
                must(
                    "array",
                    f"of shape {expected}",
                    self.array.shape,
                    "Reshape it to (band, row, column)",
                )
            )

    def read(self, window: Window) -> NDArray[np.float32]:
        """Return a copy of the window."""
        rows, cols = window.slices
        return self.array[:, rows, cols].astype(np.float32)


@dataclass(frozen=True)
class SelectedLayer(OnSourceGrid):
    """Keep some bands of a layer, by name and in the order asked."""

    source: Layer
    bands: tuple[str, ...]

    def __post_init__(self) -> None:
        missing = [name for name in self.bands if name not in self.source.bands]
        if missing:
            raise ImageryError(
                must(
                    f"band {missing[0]!r}",
                    f"one of {', '.join(self.source.bands)}",
                    repr(missing[0]),
                    "Name a band that the layer has",
                )
            )

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read the source and keep the chosen bands."""
        chosen = [self.source.bands.index(name) for name in self.bands]
        return self.source.read(window)[chosen]


@dataclass(frozen=True)
class StackedLayer:
    """Put the bands of several layers on one grid above each other."""

    sources: tuple[Layer, ...]

    def __post_init__(self) -> None:
        first = self.sources[0]
        for other in self.sources[1:]:
            if not first.grid.aligned_with(other.grid):
                raise GridError(
                    must(
                        "stacked layers",
                        "on one grid",
                        f"{first.grid.shape} at {first.grid.bounds[0], first.grid.bounds[3]} and "
                        f"{other.grid.shape} at {other.grid.bounds[0], other.grid.bounds[3]}",
                        "Bring them to one grid first (to_grid)",
                    )
                )
        if len(set(self.bands)) != len(self.bands):
            twice = next(name for name in self.bands if self.bands.count(name) > 1)
            raise ImageryError(must("band names", "unique", f"{twice!r} twice", "Rename one"))

    @property
    def grid(self) -> Grid:
        """Grid shared by all sources."""
        return self.sources[0].grid

    @property
    def bands(self) -> tuple[str, ...]:
        """Bands of all sources in turn."""
        return tuple(name for source in self.sources for name in source.bands)

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read every source, without a copy where it can fill its place itself."""
        result = np.empty((len(self.bands), *window.shape), np.float32)
        first = 0
        for source in self.sources:
            part = result[first : first + len(source.bands)]
            first += len(part)
            if isinstance(source, FillingLayer):
                source.read_into(window, part)
            else:
                part[:] = source.read(window)
        return result


@dataclass(frozen=True)
class RenamedLayer(OnSourceGrid):
    """Return the bands of a layer other names."""

    source: Layer
    bands: tuple[str, ...]

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read the source."""
        return self.source.read(window)


@dataclass(frozen=True)
class MappedLayer(OnSourceGrid):
    """Apply a function pixel by pixel.

    ``function`` takes (band, row, column) and gives (len(bands), row, column); it must look at
    nothing but the pixel itself, and pickle.
    """

    source: Layer
    function: Callable[[NDArray[np.float32]], NDArray[np.floating]]
    bands: tuple[str, ...]

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read the source and map it."""
        return np.asarray(self.function(self.source.read(window)), np.float32)


@dataclass(frozen=True, eq=False)
class LastWindowLayer(LikeSource):
    """Compute a window once where several readers ask for it one after the other.

    Every thread holds the last window that it read.

    >>> grid = Grid.from_bounds(32638, (0, 0, 60, 60), 30)
    >>> layer = LastWindowLayer(ArrayLayer(grid, ("b1",), np.ones((1, 2, 2))))
    >>> layer.read(grid.whole)[0, 0].tolist()
    [1.0, 1.0]
    """

    source: Layer
    _last: local = field(default_factory=local, repr=False)

    def read(self, window: Window) -> NDArray[np.float32]:
        """Return a copy of the last window, or read another one."""
        if getattr(self._last, "window", None) != window:
            self._last.window, self._last.values = window, self.source.read(window)
        values: NDArray[np.float32] = self._last.values
        return values.copy()

    def __reduce__(self) -> tuple[type[LastWindowLayer], tuple[Layer]]:
        """Travel without pixels."""
        return LastWindowLayer, (self.source,)


def read_padded(layer: Layer, window: Window, pad: int) -> NDArray[np.float32]:
    """Read a window grown by ``pad`` pixels on every side; NaN outside the grid.

    >>> grid = Grid.from_bounds(32638, (0, -40, 60, 0), (30, 20))
    >>> layer = ArrayLayer(grid, ("b1",), np.ones((1, 2, 2)))
    >>> read_padded(layer, Window(0, 0, 1, 1), 1)[0]
    array([[nan, nan, nan], [nan,  1.,  1.], [nan,  1.,  1.]], dtype=float32)
    """
    wanted = window.padded(pad)
    inside = wanted.clipped(layer.grid.shape)
    if inside == wanted:
        return layer.read(wanted)
    result = np.full((len(layer.bands), *wanted.shape), np.nan, np.float32)
    if inside.height and inside.width:
        result[(slice(None), *inside.within(wanted))] = layer.read(inside)
    return result


def in_context(function: Callable[[Item], Result]) -> Callable[[Item], Result]:
    """Let a function that threads call see the context variables of the thread that asks for it."""
    context = copy_context()
    return lambda item: context.copy().run(function, item)


MANY_TILES = 16
"""Tiles of a raster from which positions are read by several threads."""
MOST_READERS = 4
"""Threads that read positions, at most: each holds a tile of all bands."""


def values_at(layer: Layer, coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Read the pixel under each position.

    Parameters
    ----------
    layer
        Any layer.
    coordinates
        (n, 2) easting and northing in the layer's CRS.

    Returns
    -------
    (n, bands) float64; NaN where the pixel is empty or the position lies off the grid.
    """
    row, col = layer.grid.index_of(coordinates[:, 0], coordinates[:, 1])
    inside = layer.grid.contains(coordinates[:, 0], coordinates[:, 1])
    rows, cols = np.floor(row + 0.5).astype(int), np.floor(col + 0.5).astype(int)
    result = np.full((len(coordinates), len(layer.bands)), np.nan)

    def fill(members: NDArray[np.int_]) -> None:
        top, left = rows[members].min(), cols[members].min()
        window = Window(
            int(top),
            int(left),
            int(rows[members].max() - top + 1),
            int(cols[members].max() - left + 1),
        )
        block = layer.read(window)
        result[members] = block[:, rows[members] - top, cols[members] - left].T

    tiles = _by_tile(rows, cols, inside)
    if len(tiles) < MANY_TILES:
        for members in tiles:
            fill(members)
        return result
    with ThreadPoolExecutor(min(os.cpu_count() or 1, MOST_READERS)) as pool:
        list(pool.map(in_context(fill), tiles))
    return result


def _by_tile(
    rows: NDArray[np.int_], cols: NDArray[np.int_], inside: NDArray[np.bool_], side: int = 512
) -> Sequence[NDArray[np.int_]]:
    """Group the positions inside by square tiles, so that each tile is read once."""
    index = np.flatnonzero(inside)
    if not len(index):
        return []
    keys = np.stack([rows[index] // side, cols[index] // side], axis=1)
    _, tile = np.unique(keys, axis=0, return_inverse=True)
    order = np.argsort(tile, kind="stable")
    return np.split(index[order], np.flatnonzero(np.diff(tile[order])) + 1)
