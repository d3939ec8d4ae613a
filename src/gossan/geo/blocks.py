"""The engine that streams over pixels: windows to threads, or to a cluster."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from gossan.geo.cluster import cluster_in_use, on_cluster
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import Layer, in_context
from gossan.geo.memory import bound_heap
from gossan.geo.raster import (
    RasterLayer,
    RasterWriter,
    atomic_path,
    close_files,
    cog_from,
    open_raster,
)

Item = TypeVar("Item")
Result = TypeVar("Result")
Progress = Callable[[int, int], None]

WINDOWS_PER_TASK = 4
"""Windows of one task on a cluster: tasks of a second or more spare the scheduler."""


SQUARE = 256
"""Side in pixels of the squares that statistics of maps are added up in."""


@dataclass(frozen=True)
class Blocks:
    """Cut a grid into windows and work on them in parallel, in bounded memory.

    Every result is independent of the block size and of the number of workers.

    Parameters
    ----------
    size
        Side of a window in pixels; a multiple of 512 reads tiled files best.
    workers
        Threads; all processors by default.
    scheduler
        Address of a ``dask.distributed`` scheduler; by default that of the cluster in use
        (:func:`gossan.geo.cluster.cluster_at`), if there is one. Windows then go to its workers,
        which must see the input files under the same paths.
    progress
        Called with (windows done, windows in all).

    Examples
    --------
    >>> grid = Grid.from_bounds(32638, (0, 0, 50, 40), 10)
    >>> Blocks(size=4, workers=1).reduce(lambda window: window.height * window.width, grid)
    20
    """

    size: int = 1024
    workers: int | None = None
    scheduler: str | None = field(default_factory=cluster_in_use)
    progress: Progress | None = field(default=None, compare=False, repr=False)

    @property
    def threads(self) -> int:
        """Number of threads in use."""
        return self.workers or os.cpu_count() or 1

    @property
    def whole(self) -> Blocks:
        """The engine that visits every window; see ``geo.sampling.SampledBlocks``."""
        return self

    def some(self, windows: Sequence[Window]) -> list[Window]:
        """Choose among windows that a caller has cut itself: all of them."""
        return list(windows)

    def windows(self, grid: Grid) -> list[Window]:
        """Cover the grid, row by row."""
        return [
            Window(row, col, self.size, self.size).clipped(grid.shape)
            for row in range(0, grid.height, self.size)
            for col in range(0, grid.width, self.size)
        ]

    def map(
        self,
        function: Callable[[Window], Result],
        grid: Grid,
        chosen: Sequence[Window] | None = None,
    ) -> Iterator[tuple[Window, Result]]:
        """Yield (window, function(window)) in the order of the windows: all, or the chosen ones.

        At most a few results wait at any time, so memory does not grow with the grid.
        """
        bound_heap()
        windows = self.windows(grid) if chosen is None else list(chosen)
        if self.scheduler is not None:
            results = on_cluster(self.scheduler, function, windows, WINDOWS_PER_TASK)
            for done, (window, result) in enumerate(zip(windows, results, strict=True), 1):
                yield window, result
                self._report(done, len(windows))
        elif self.threads == 1:
            for done, window in enumerate(windows, 1):
                yield window, function(window)
                self._report(done, len(windows))
        else:
            with ThreadPoolExecutor(self.threads) as pool:
                yield from self._through(pool, in_context(function), windows)

    def _through(
        self, pool: ThreadPoolExecutor, function: Callable[[Window], Result], windows: list[Window]
    ) -> Iterator[tuple[Window, Result]]:
        waiting: deque[tuple[Window, Future[Result]]] = deque()
        ahead = 2 * self.threads
        done = 0
        try:
            for window in windows:
                waiting.append((window, pool.submit(function, window)))
                if len(waiting) > ahead:
                    done += 1
                    first, future = waiting.popleft()
                    yield first, future.result()
                    self._report(done, len(windows))
            while waiting:
                done += 1
                first, future = waiting.popleft()
                yield first, future.result()
                self._report(done, len(windows))
        finally:
            for _, future in waiting:
                future.cancel()

    def _report(self, done: int, total: int) -> None:
        if self.progress is not None:
            self.progress(done, total)

    def each(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """Yield ``function(item)`` of every item in order: folds or fits that share the workers.

        Threads hold the linear algebra of each item to one thread of its own: the matrices are
        small, and further threads would only wait for each other.
        """
        if self.scheduler is not None:
            yield from on_cluster(self.scheduler, function, items)
            return
        with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(self.threads) as pool:
            yield from pool.map(in_context(function), items)

    def __reduce__(self) -> tuple[type[Blocks], tuple[int, int]]:
        """Travel to a worker as one thread: without progress, and without a cluster of its own."""
        return Blocks, (self.size, 1)

    def reduce(
        self,
        function: Callable[[Window], Result],
        grid: Grid,
        chosen: Sequence[Window] | None = None,
    ) -> Result:
        """Add ``function(window)`` over the windows with ``+``, always in the same order."""
        total: Any = None
        for _, part in self.map(function, grid, chosen):
            total = part if total is None else total + part
        return total

    def write(
        self,
        layer: Layer,
        path: Path,
        tags: Mapping[str, str] | None = None,
        unit: str = "",
        descriptions: tuple[str, ...] | None = None,
    ) -> dict[str, dict[str, float]]:
        """Stream a layer to a cloud-optimised GeoTIFF (float32, NaN nodata), whole or not at all.

        Returns the statistics of each band, which are also written as tags.
        """
        path = Path(path)
        (statistics,) = self.write_many(
            layer, {path: layer.bands}, {path: dict(tags or {})}, {path: unit}, descriptions
        )
        return statistics

    def write_many(
        self,
        layer: Layer,
        files: Mapping[Path, tuple[str, ...]],
        tags: Mapping[Path, Mapping[str, str]] | None = None,
        units: Mapping[Path, str] | None = None,
        descriptions: tuple[str, ...] | None = None,
    ) -> list[dict[str, dict[str, float]]]:
        """Stream the bands of one layer to several files in one pass; ``files`` maps to bands."""
        named = dict(zip(layer.bands, descriptions or layer.bands))
        with MapFiles.opened(layer.grid, layer.bands, files, named) as outputs:
            for window, values in self.map(partial(read_window, layer), layer.grid):
                outputs.write(window, values)
            return outputs.finish(tags or {}, units or {}, self.threads)

    def write_bytes(
        self,
        function: Callable[[Window], NDArray[np.uint8]],
        grid: Grid,
        path: Path,
        bands: tuple[str, ...],
        nodata: int | None = None,
        resampling: str = "AVERAGE",
    ) -> NDArray[np.int64]:
        """Stream ``function(window)``, (band, row, column), to an 8-bit cloud-optimised GeoTIFF.

        Returns (bands, 256) how often each value occurs.
        """
        counts = np.zeros((len(bands), 256), np.int64)
        with atomic_path(Path(path)) as temporary:
            scratch = temporary.with_suffix(".scratch.tif")
            try:
                writer = RasterWriter(scratch, grid, bands, "uint8", nodata)
                try:
                    for window, values in self.map(function, grid):
                        writer.write(window, values)
                        counts += [np.bincount(band.ravel(), minlength=256) for band in values]
                finally:
                    writer.close()
                cog_from(scratch, temporary, self.threads, resampling)
            finally:
                scratch.unlink(missing_ok=True)
        return counts

    def store(self, layer: Layer, path: Path, dtype: str = "float32") -> RasterLayer:
        """Materialise a layer that is expensive to compute and read by several passes.

        The store is a plain, uncompressed tiled GeoTIFF; integer stores keep 0 for empty.
        """
        close_files()
        with atomic_path(Path(path)) as temporary:
            floating = dtype.startswith("float")
            writer = RasterWriter(
                temporary, layer.grid, layer.bands, dtype, float("nan") if floating else 0
            )
            try:
                for window, values in self.map(partial(read_window, layer), layer.grid):
                    if not floating:
                        values = np.nan_to_num(values, nan=0.0)
                    writer.write(window, values.astype(dtype, copy=False))
            finally:
                writer.close()
        return open_raster(path)


def read_window(layer: Layer, window: Window) -> NDArray[np.float32]:
    """Read a window of a layer: what workers do for a map that is written."""
    return layer.read(window)


@dataclass(eq=False)
class MapFiles:
    """Files of one grid that are filled window by window and finished together.

    Until ``finish`` has turned them into cloud-optimised GeoTIFF they have temporary names; what
    fails before leaves nothing behind.
    """

    writers: dict[Path, RasterWriter]
    finals: dict[Path, Path]
    chosen: dict[Path, list[int]]
    sums: dict[Path, dict[str, PlacedStatistics]]

    @classmethod
    @contextmanager
    def opened(
        cls,
        grid: Grid,
        bands: tuple[str, ...],
        files: Mapping[Path, tuple[str, ...]],
        named: Mapping[str, str],
    ) -> Iterator[MapFiles]:
        """Open scratch files; on leaving without failure the finished ones take their names.

        Parameters
        ----------
        grid
            Grid of the files.
        bands
            Bands of the values that will be written.
        files
            Bands that each file takes.
        named
            Description of each band.
        """
        with ExitStack() as stack:
            finals = {path: stack.enter_context(atomic_path(path)) for path in files}
            writers = {}
            for path, own in files.items():
                scratch = finals[path].with_suffix(".scratch.tif")
                stack.callback(scratch.unlink, missing_ok=True)
                writers[path] = RasterWriter(scratch, grid, [named[band] for band in own])
                stack.callback(writers[path].close)
            chosen = {path: [bands.index(band) for band in own] for path, own in files.items()}
            sums = {path: {band: PlacedStatistics() for band in own} for path, own in files.items()}
            yield cls(writers, finals, chosen, sums)

    def write(self, window: Window, values: NDArray[np.float32]) -> None:
        """Write the bands (band, row, column) of a window to the files that take them."""
        for path, writer in self.writers.items():
            writer.write(window, values[self.chosen[path]])
            for index, band in zip(self.chosen[path], self.sums[path].values()):
                band.add(window, values[index])

    def finish(
        self, tags: Mapping[Path, Mapping[str, str]], units: Mapping[Path, str], threads: int
    ) -> list[dict[str, dict[str, float]]]:
        """Write metadata and turn the scratch files into final ones.

        Returns
        -------
        Statistics of each file by band.
        """
        for path, writer in self.writers.items():
            writer.tag(dict(tags.get(path, {})))
            for number, band in enumerate(self.sums[path].values(), 1):
                writer.tag(band.whole().tags(), number)
            if units.get(path):
                writer.set_unit(units[path])
            writer.close()
        each = max(1, threads // len(self.writers))
        scratch = [writer.path for writer in self.writers.values()]
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(partial(cog_from, threads=each), scratch, self.finals.values()))
        return [
            {name: band.whole().summary() for name, band in own.items()}
            for own in self.sums.values()
        ]


class PlacedStatistics:
    """Add up a band by squares of a fixed lattice, so that digits do not depend on the windows.

    >>> values = np.random.default_rng(0).normal(size=(512, 512)).astype(np.float32)
    >>> one, four = PlacedStatistics(), PlacedStatistics()
    >>> one.add(Window(0, 0, 512, 512), values)
    >>> for row, col in ((256, 256), (0, 256), (256, 0), (0, 0)):
    ...     window = Window(row, col, 256, 256)
    ...     four.add(window, values[window.slices])
    >>> one.whole().tags() == four.whole().tags()
    True
    """

    def __init__(self) -> None:
        self._squares: dict[tuple[int, int], BandStatistics] = {}

    def add(self, window: Window, values: NDArray[np.floating]) -> None:
        """Add the values (row, column) of a window; NaN is left out."""
        bottom, right = window.row + window.height, window.col + window.width
        for row in range(window.row // SQUARE, -(-bottom // SQUARE)):
            for col in range(window.col // SQUARE, -(-right // SQUARE)):
                rows = slice(*_inside(row, window.row, window.height))
                cols = slice(*_inside(col, window.col, window.width))
                self._squares.setdefault((row, col), BandStatistics()).add(values[rows, cols])

    def whole(self) -> BandStatistics:
        """Join all squares, in the order of the lattice."""
        total = BandStatistics()
        for _, one in sorted(self._squares.items()):
            total.join(one)
        return total


def _inside(number: int, start: int, length: int) -> tuple[int, int]:
    """First and last pixel of a square of the lattice, counted from the start of a window."""
    return max(number * SQUARE - start, 0), min((number + 1) * SQUARE - start, length)


class BandStatistics:
    """Add up count, mean, spread, minimum and maximum of a band, window by window."""

    def __init__(self) -> None:
        self.count, self.mean, self.squares = 0, 0.0, 0.0
        self.minimum, self.maximum = np.inf, -np.inf

    def add(self, values: NDArray[np.floating]) -> None:
        """Add a window; NaN is left out."""
        filled = values[np.isfinite(values)]
        if not filled.size:
            return
        mean = float(filled.mean(dtype=np.float64))
        squares = float(np.square(filled - np.float32(mean), dtype=np.float64).sum())
        self._merge(filled.size, mean, squares, float(filled.min()), float(filled.max()))

    def _merge(
        self, count: int, mean: float, squares: float, minimum: float, maximum: float
    ) -> None:
        total = self.count + count
        shift = mean - self.mean
        self.squares += squares + shift * shift * self.count * count / total
        self.mean += shift * count / total
        self.count = total
        self.minimum, self.maximum = min(self.minimum, minimum), max(self.maximum, maximum)

    def join(self, other: BandStatistics) -> None:
        """Add another part of the band."""
        if other.count:
            self._merge(other.count, other.mean, other.squares, other.minimum, other.maximum)

    def summary(self) -> dict[str, float]:
        """Return count, minimum, maximum, mean and standard deviation (NaN where all is empty)."""
        if not self.count:
            return {"count": 0} | dict.fromkeys(("minimum", "maximum", "mean", "stddev"), np.nan)
        return {
            "count": self.count,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "mean": self.mean,
            "stddev": float(np.sqrt(self.squares / self.count)),
        }

    @staticmethod
    def joined(parts: Iterable[Mapping[str, float]]) -> dict[str, float]:
        """Return the summary of several parts of a band from their summaries.

        >>> one, two, both = BandStatistics(), BandStatistics(), BandStatistics()
        >>> one.add(np.array([1.0, 2.0])); two.add(np.array([6.0])); both.add(np.array([1.0, 2, 6]))
        >>> joined = BandStatistics.joined([one.summary(), two.summary()])
        >>> bool(np.allclose(list(joined.values()), list(both.summary().values())))
        True
        """
        total = BandStatistics()
        for part in parts:
            if part["count"]:
                total._merge(
                    int(part["count"]), part["mean"], part["stddev"] ** 2 * part["count"],
                    part["minimum"], part["maximum"],
                )  # fmt: skip
        return total.summary()

    def tags(self) -> dict[str, str]:
        """Return GDAL's statistics tags (none where all is empty)."""
        if not self.count:
            return {}
        found = self.summary()
        keys = ("minimum", "maximum", "mean", "stddev")
        return {f"STATISTICS_{key.upper()}": repr(found[key]) for key in keys}
