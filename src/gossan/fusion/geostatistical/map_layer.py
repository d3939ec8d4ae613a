"""The map of the geostatistical model: estimate and standard error of every pixel, streamed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.array_type import Block
from gossan.arrays.resample import Taps, cubic_taps, interpolate
from gossan.errors import FitError, must
from gossan.fusion.features.nested import NestedFeatures, NodeMeans
from gossan.fusion.geostatistical.map_strip import Strip, add_forms, add_parabolas
from gossan.fusion.geostatistical.posterior_nodes import LatticePosterior
from gossan.fusion.geostatistical.spread import Spread
from gossan.fusion.geostatistical.standard_features import StandardFeatures
from gossan.fusion.pixel_features import PixelFeatures
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import read_padded

__all__ = ["Addition", "ElementPosterior", "PosteriorLayer", "lattice_taps"]

_STRIP = 64
_NODES_A_STEP = 4


class Addition(Protocol):
    """A term of the estimate that is not linear in the features."""

    def at_pixels(self, pixels: PixelFeatures, estimate: Block) -> Block:
        """Return what to add (height, width) to an estimate.

        Parameters
        ----------
        pixels : features of a window at every width.
        estimate : (height, width) what the terms before this one give.
        """
        ...


@dataclass(frozen=True, eq=False)
class ElementPosterior:
    """One element of a map: its posterior on the lattice and how its features are standardised.

    ``shift`` is added to the estimate and ``added`` to the variance (change of support). The
    ``additions`` follow in their order; ``spread`` then scales the standard error.
    """

    standard: StandardFeatures
    posterior: LatticePosterior
    shift: float = 0.0
    added: float = 0.0
    additions: tuple[Addition, ...] = ()
    spread: Spread | None = None

    def fill(self, strip: Strip, rows: Taps, cols: Taps) -> tuple[Block, Block]:
        """Return estimate and standard error (height, width) of a strip.

        ``rows`` and ``cols`` are its taps on the lattice of the posterior.
        """
        post, count = self.posterior, len(strip.at_pixels)
        trend, variance = interpolate(rows, cols, post.fields)
        vector, taps = post.vector, (rows, cols)
        if strip.wide is not None:
            vector, taps = self._add_wide(strip.wide, count, trend, variance)
        if count:
            flat = strip.at_pixels.reshape(count, -1)
            turned = np.vstack([post.slopes[:count], post.covariance[:count, :count]]) @ flat
            turned = turned.reshape(-1, *trend.shape)
            trend += turned[0]
            nodes, near_rows, near_cols = _local(vector, *taps)
            add_forms(strip.at_pixels, turned[1:], nodes, *near_rows, *near_cols, variance)
        for weight, near in zip(post.weights, post.near):
            near.correct(strip, rows, cols, weight, trend, variance)
        if len(strip.raw) and strip.gaps.any():
            self._add_gaps(strip.raw, strip.gaps, variance)
        trend += np.float32(post.level + self.shift)
        return trend, np.sqrt(np.maximum(variance + np.float32(self.added), np.float32(0.0)))

    def _add_wide(
        self, wide: NodeMeans, count: int, trend: Block, variance: Block
    ) -> tuple[Block, tuple[Taps, Taps]]:
        """Add what wide means say, and give what multiplies the other features at the nodes."""
        post = self.posterior
        own = interpolate(*lattice_taps(post.lattice, wide.easting, wide.northing), post.vector)
        turned = np.tensordot(post.covariance[:, count:], wide.values, 1)
        trend += interpolate(
            wide.rows, wide.cols, np.tensordot(post.slopes[count:], wide.values, 1)
        )
        own[count:] *= np.float32(2.0)
        turned[count:] += own[count:]
        add_parabolas(wide, turned[count:], variance)
        return own[:count] + turned[:count], (wide.rows, wide.cols)

    def _add_gaps(self, raw: Block, gaps: NDArray[np.int64], variance: Block) -> None:
        """Add what unknown features do to the variance: once for each pattern of gaps."""
        at = np.flatnonzero(gaps)
        _, first, which = np.unique(gaps.ravel()[at], return_index=True, return_inverse=True)
        flat = raw.reshape(len(raw), -1)[:, at[first]].T.astype(np.float64)
        extra = self.standard.gap_variance(self.standard(flat)[1], self.posterior.second_moment)
        variance.reshape(-1)[at] += extra[which].astype(np.float32)


@dataclass(frozen=True, eq=False)
class PosteriorLayer:
    """Estimates and standard errors of one or several elements; the imagery is read once for all.

    Bands are ("estimate", "standard_error"), for several elements with their number before them:
    "1.estimate", "1.standard_error", "2.estimate", ...
    """

    features: NestedFeatures
    elements: tuple[ElementPosterior, ...] = field(repr=False)

    @property
    def grid(self) -> Grid:
        """Grid of the features."""
        return self.features.grid

    @property
    def bands(self) -> tuple[str, ...]:
        """Estimate and standard error of each element."""
        if len(self.elements) == 1:
            return ("estimate", "standard_error")
        kinds = ("estimate", "standard_error")
        return tuple(f"{n + 1}.{kind}" for n in range(len(self.elements)) for kind in kinds)

    def read(self, window: Window) -> Block:
        """Read the features of a window once and fill it, some rows at a time."""
        layer = self.features.layer
        result = np.empty((2 * len(self.elements), *window.shape), np.float32)
        reach = 0 if layer is None else layer.reach
        padded = np.empty((0, *window.shape), np.float32)
        if layer is not None:
            padded = read_padded(layer.source, window, reach)
        places = self.grid.coordinates(window)
        taps = [lattice_taps(e.posterior.lattice, *places) for e in self.elements]
        for start in range(0, window.height, _STRIP):
            stop = min(start + _STRIP, window.height)
            part = Window(window.row + start, window.col, stop - start, window.width)
            near = [(rows.part(start, stop), cols) for rows, cols in taps]
            self._fill(result[:, start:stop], padded[:, start : stop + 2 * reach], part, near)
        return result

    def _fill(
        self, result: Block, padded: Block, window: Window, taps: list[tuple[Taps, Taps]]
    ) -> None:
        """Fill (bands, height, width) of some rows."""
        layer = self.features.layer
        pixels = None
        if layer is not None and any(one.additions for one in self.elements):
            pixels = PixelFeatures(layer.of(padded, window), window)
        finest_m = min(e.posterior.lattice.pixel_width for e in self.elements) / _NODES_A_STEP
        strips: dict[bytes, Strip] = {}
        for number, element in enumerate(self.elements):
            key = element.standard.fingerprint
            if key not in strips:
                made = Strip.of(layer, padded, self.grid, window, element.standard, finest_m)
                strips = {key: made}
            own = result[2 * number : 2 * number + 2]
            own[:] = element.fill(strips[key], *taps[number])
            if pixels is not None:
                for addition in element.additions:
                    own[0] += addition.at_pixels(pixels, own[0])
            if element.spread is not None:
                own[1] *= element.spread(own[0])

    @property
    def shared(self) -> NestedFeatures:
        """What maps must have in common to be joined."""
        return self.features

    def join(self, others: Sequence[PosteriorLayer]) -> PosteriorLayer:
        """Join the maps of other elements behind this one, so that the imagery is read once.

        Raises
        ------
        FitError : the maps are not of the same features at the same widths.
        """
        for other in others:
            if other.features is not self.features:
                raise FitError(
                    must(
                        "maps that share imagery",
                        "of the same features at the same widths",
                        f"widths {other.features.widths} beside {self.features.widths}",
                        "Set windows_px, or write them one by one",
                    )
                )
        elements = [e for layer in (self, *others) for e in layer.elements]
        return PosteriorLayer(self.features, tuple(elements))


def lattice_taps(
    lattice: Grid, easting: NDArray[np.float64], northing: NDArray[np.float64]
) -> tuple[Taps, Taps]:
    """Return cubic convolution from a lattice to rows and columns of pixels."""
    row, _ = lattice.index_of(np.full(len(northing), easting[0]), northing)
    _, col = lattice.index_of(easting, np.full(len(easting), northing[0]))
    return cubic_taps(row, lattice.height), cubic_taps(col, lattice.width)


def _local(
    fields: Block, rows: Taps, cols: Taps
) -> tuple[Block, tuple[NDArray[np.int64], Block], tuple[NDArray[np.int64], Block]]:
    """Cut nodes to a window: fields (rows, d, columns), row taps, column taps (taps, columns)."""
    near_rows, down = rows.local()
    near_cols, across = cols.local()
    return (
        np.ascontiguousarray(fields[:, down, across].transpose(1, 0, 2)),
        (near_rows.first, near_rows.weights.astype(np.float32)),
        (near_cols.first, np.ascontiguousarray(near_cols.weights.T, np.float32)),
    )
