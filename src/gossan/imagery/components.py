"""Principal components of any number of bands: fitted by added sums, read as a layer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.arrays.moments import Moments, moments, principal_axes
from gossan.arrays.projection import combine
from gossan.errors import ImageryError, must
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Window
from gossan.geo.layer import Layer, OnSourceGrid
from gossan.geo.sampling import sample_pixels
from gossan.geo.stored import read_strips
from gossan.imagery.sensors import SENSORS

__all__ = ["ComponentLayer", "Components", "Scaling", "component_scaling", "fit_components"]

Scaling = Literal["covariance", "correlation", "robust"]
ROBUST_LIMIT = 4.0
"""Robust scaling: pixels beyond so many spreads enter the covariance as if they were there."""
MAD_TO_DEVIATION = 1.4826022185056018


@dataclass(frozen=True, eq=False)
class Components:
    """Principal components: how bands are scaled, and the loadings of each component.

    ``pc[k] = sum_j loadings[k, j] (band[j] - centre[j]) / scale[j]``

    Parameters
    ----------
    bands
        Names of the bands they were fitted to.
    scaling
        "covariance", "correlation" or "robust".
    centre, scale
        (bands,) of each band: mean and 1, mean and standard deviation, or median and 1.4826 MAD.
    loadings
        (components, bands) unit vectors.
    variances
        (components,) variance of each component.
    pixels
        Number of pixels that they were fitted to.
    positive
        Band whose loading is positive in every component; None: the largest one.
    """

    bands: tuple[str, ...]
    scaling: Scaling
    centre: NDArray[np.float64] = field(repr=False)
    scale: NDArray[np.float64] = field(repr=False)
    loadings: NDArray[np.float64] = field(repr=False)
    variances: NDArray[np.float64]
    pixels: int
    positive: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the components: pc1, pc2 ..."""
        return tuple(f"pc{k + 1}" for k in range(len(self.loadings)))

    @property
    def shares(self) -> NDArray[np.float64]:
        """(components,) share of the total variance that each explains."""
        return self.variances / max(float(self.variances.sum()), 1e-300)

    def weights(self, names: tuple[str, ...]) -> NDArray[np.float64]:
        """Return the factors (components asked, bands) that the centred bands are weighed with."""
        return self.loadings[[self.names.index(name) for name in names]] / self.scale

    def table(self) -> pd.DataFrame:
        """Lay out loadings and explained variance: one row a component and band.

        Columns ``component, band, loading, centre, scale, variance, share, scaling, positive,
        pixels``; ``positive`` says which band's loading was made positive.
        """
        parts = []
        for name, loading, variance, share in zip(
            self.names, self.loadings, self.variances, self.shares
        ):
            largest = self.bands[int(np.abs(loading).argmax())]
            columns = {
                "component": name,
                "band": self.bands,
                "loading": loading,
                "centre": self.centre,
                "scale": self.scale,
                "variance": variance,
                "share": share,
                "scaling": self.scaling,
                "positive": self.positive or largest,
                "pixels": self.pixels,
            }
            parts.append(pd.DataFrame(columns))
        return pd.concat(parts, ignore_index=True)


@dataclass(frozen=True)
class ComponentLayer(OnSourceGrid):
    """Layer of the principal components of another layer.

    A pixel with an empty band is empty.

    Parameters
    ----------
    source
        The bands.
    components
        As ``fit_components`` finds them.
    bands
        Components to give: "pc1", "pc2" ...
    """

    source: Layer
    components: Components
    bands: tuple[str, ...]

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read the source and combine its bands."""
        weights = self.components.weights(self.bands)
        result = np.empty((len(self.bands), *window.shape), np.float32)
        for part, values, empty in read_strips(self.source, window):
            result[:, part] = combine(values, self.components.centre, weights, empty)
        return result

    def select(self, bands: tuple[str, ...]) -> ComponentLayer:
        """Keep some components; the others are then not computed.

        Raises
        ------
        ImageryError
            There is no such component.
        """
        missing = [name for name in bands if name not in self.components.names]
        if missing:
            allowed = f"pc1 to pc{len(self.components.names)}"
            raise ImageryError(must("component", allowed, repr(missing[0]), "Name another"))
        return replace(self, bands=tuple(bands))

    def table(self) -> pd.DataFrame:
        """Lay out loadings and explained variance of all components."""
        return self.components.table()


def fit_components(
    layer: Layer,
    scaling: Scaling = "covariance",
    *,
    positive: str | None = None,
    seed: int = 0,
    blocks: Blocks | None = None,
) -> ComponentLayer:
    """Find the principal components of all bands of a layer.

    The covariance is added up over blocks in float64, so that it is exact. Pixels with an empty
    band are left out.

    Parameters
    ----------
    layer
        Two or more bands.
    scaling
        "covariance": of the bands as they are; "correlation": of bands divided by their standard
        deviation; "robust": of bands less their median, divided by 1.4826 median absolute
        deviations, pixels beyond four of these counting as four.
    positive
        Band whose loading shall be positive in every component. None: the largest loading of
        each component is positive.
    seed
        Robust only: of the 200,000 pixels from which median and spread are taken.
    blocks
        The engine.

    Returns
    -------
    ComponentLayer with bands pc1, pc2 ... in falling order of variance.

    Raises
    ------
    ImageryError
        Fewer than two filled pixels, a band of a single value that would have to be divided by
        its spread, or an unknown band in ``positive``.

    Examples
    --------
    >>> from gossan.geo.grid import Grid
    >>> from gossan.geo.layer import ArrayLayer
    >>> grid = Grid.from_bounds(32638, (0, 0, 40, 30), 10)
    >>> rng = np.random.default_rng(0)
    >>> first = rng.normal(size=(3, 4))
    >>> found = fit_components(ArrayLayer(grid, ("b1", "b2"), np.stack([first, 2 * first])))
    >>> found.bands, found.components.shares.round(6).tolist()
    (('pc1', 'pc2'), [1.0, 0.0])

    Source: Ding et al. 2023, sec. 4.1; method of Pearson 1901 and Hotelling 1933.
    """
    engine = blocks or Blocks()
    if positive is not None and positive not in layer.bands:
        allowed = f"one of {', '.join(layer.bands)}"
        raise ImageryError(must("positive", allowed, repr(positive), "Name a band of the layer"))
    d = len(layer.bands)
    centre, scale, limit = np.zeros(d), np.ones(d), np.inf
    if scaling == "robust":
        centre, scale, limit = *_robust_scale(layer, seed, engine), ROBUST_LIMIT
    found = engine.reduce(partial(_moments, layer, centre, scale, limit), layer.grid)
    if found.count < 2:
        raise ImageryError(
            must("bands", "filled together somewhere", f"{found.count} pixels", "Check the masks")
        )
    covariance = found.covariance
    if scaling == "correlation":
        scale = found.deviation
        _check_spread(layer.bands, scale)
        covariance = covariance / np.outer(scale, scale)
    if scaling != "robust":
        centre = found.mean
    axes = principal_axes(covariance, None if positive is None else layer.bands.index(positive))
    components = Components(
        layer.bands, scaling, centre, scale, axes.loadings, axes.variances, found.count, positive
    )
    return ComponentLayer(layer, components, components.names)


def component_scaling(sensor: str, kind: str, literal: bool = False) -> Scaling:
    """Choose the scaling that suits what enters the components.

    Bands of one sensor share a unit (covariance); plain rasters do not (correlation); logarithms
    of ratios have long tails (robust). ``literal``: covariance, as the paper's software does.

    >>> component_scaling("aster", "bands"), component_scaling("aster", "indices")
    ('covariance', 'robust')
    """
    if literal:
        return "covariance"
    if kind == "indices":
        return "robust"
    return "covariance" if SENSORS[sensor].sees_light else "correlation"


def _moments(
    layer: Layer,
    centre: NDArray[np.float64],
    scale: NDArray[np.float64],
    limit: float,
    window: Window,
) -> Moments:
    parts = [
        moments(values, centre, scale, limit, empty)
        for _, values, empty in read_strips(layer, window)
    ]
    return sum(parts[1:], parts[0])


def _robust_scale(
    layer: Layer, seed: int, blocks: Blocks
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    pixels = sample_pixels(layer, seed=seed, blocks=blocks).astype(float)
    if not pixels.size:
        raise ImageryError(must("bands", "filled together somewhere", "no pixel", "Check masks"))
    centre = np.median(pixels, axis=1)
    scale = MAD_TO_DEVIATION * np.median(np.abs(pixels - centre[:, None]), axis=1)
    scale = np.where(scale > 0, scale, pixels.std(axis=1))  # more than half of one value
    _check_spread(layer.bands, scale)
    return centre, scale


def _check_spread(bands: tuple[str, ...], scale: NDArray[np.float64]) -> None:
    if not (scale > 0).all():
        name = bands[int(np.flatnonzero(~(scale > 0))[0])]
        cure = 'Leave it out of [[imagery]] paths or bands, or set components = "literal"'
        raise ImageryError(must(f"band {name!r}", "of more than one value", "no spread", cure))
