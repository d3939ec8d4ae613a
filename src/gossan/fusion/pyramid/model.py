"""The paper's fusion: low frequencies regressed, high frequencies injected (Eq. 1-3)."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from gossan.arrays.clusters import EMPTY, apply_lines
from gossan.arrays.pyramid import matched_levels
from gossan.arrays.spacing import mean_spacing
from gossan.errors import GossanWarning
from gossan.fusion.features.sources import engine_of
from gossan.fusion.kriging_model import (
    as_measured,
    automatic_variogram,
    check_values,
    variogram_table,
)
from gossan.fusion.lattice import lattice_step, shared_lattice
from gossan.fusion.protocol import Features, Observations, Points, Prediction
from gossan.fusion.pyramid.class_regression import Lines, check_ranks, fit_lines, shrink
from gossan.fusion.pyramid.decompose import decomposition_of
from gossan.fusion.pyramid.decomposition import Decomposition
from gossan.fusion.pyramid.tables import diagnose, regression_table
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geochem.kriging.estimator import Kriging
from gossan.geochem.variogram.fitting import CovarianceModel
from gossan.settings import Settings

__all__ = ["PyramidLayer", "PyramidModel", "PyramidSettings"]

Variant = Literal["literal", "sound"]
ALIKE = 0.99
"""Above this correlation with a feature, a map is that feature in other colours."""


class PyramidSettings(Settings):
    """Options of the paper's fusion.

    ``variant``: "sound" keeps the kriged layer and adds detail (``Geo + b . MS_H``); "literal" is
    Eq. 1-3 word for word. ``scope``: one regression for all ground, or one a class.
    """

    model: Literal["pyramid"] = "pyramid"
    variant: Variant = "sound"
    scope: Literal["global", "local"] = "local"
    clusters: int = Field(default=6, ge=2, le=254)
    """Classes of ground (K-means), for scope = "local"."""
    levels: int | None = Field(default=None, ge=1, le=12)
    """Depth of the pyramid; default: 1 if literal, else matched to the sample spacing."""
    shrinkage: float = Field(default=10.0, ge=0)
    """Sound: number of samples at which a class's own slopes weigh as much as the global ones."""
    neighbours: int = Field(default=32, ge=4, le=200)
    """Samples in each kriged estimate."""
    lattice_m: float | None = Field(default=None, gt=0)
    """Spacing of the kriged lattice; default: an eighth of the range or half a sample spacing."""
    seed: int = 0
    """Of K-means and of the pixels it looks at."""


class PyramidModel:
    """Fuse a kriged layer with imagery by a Laplacian pyramid and linear regression.

    The layer Geo and every feature MS are split into low and high frequencies. Per class of
    ground, or over all of it, least squares gives ``Geo_L = a + b . MS_L``. Then

    - literal: ``Geo_f = (a + b . MS_L) + (Geo_H + a + b . MS_H)``, one level deep. The constant
      enters twice and the kriged background gives way to its regression, as printed.
    - sound: ``Geo_f = Geo + b . MS_H``, as deep as the samples are apart; slopes of classes with
      few samples are drawn to the global ones.

    Where imagery is masked there is no detail: the sound map is the kriged layer there, the
    literal one stays empty, as printed, and says so.

    What depends on the features alone is computed once for all elements and folds.

    Parameters
    ----------
    settings
        Variant, scope and the rest.
    variogram
        Used as it is; fitted to the observations when None.
    blocks
        The engine of the passes over the features.

    Examples
    --------
    >>> from gossan.fusion.features.sources import LayerFeatures
    >>> from gossan.geo.layer import ArrayLayer
    >>> rng = np.random.default_rng(0)
    >>> grid = Grid.from_bounds(32638, (0, 0, 4000, 3000), 50)
    >>> image = ArrayLayer(grid, ("pc2",), rng.normal(size=(1, 60, 80)))
    >>> xy = rng.uniform(0, 3000, (60, 2))
    >>> samples = Observations(Points(xy), xy[:, 0] / 1000 + rng.normal(size=60) / 10)
    >>> features = LayerFeatures(image)
    >>> model = PyramidModel(PyramidSettings(scope="global")).fit(samples, features)
    >>> model.layer(features).read(grid.whole).shape
    (1, 60, 80)

    Source: Ding et al. 2023, Remote Sensing 15, 1993, sec. 4.3, Eq. 1-3, Figure 8.
    """

    def __init__(
        self,
        settings: PyramidSettings | None = None,
        variogram: CovarianceModel | None = None,
        blocks: Blocks | None = None,
    ) -> None:
        self.settings = settings or PyramidSettings()
        self.variogram = variogram
        self.blocks = blocks

    def fit(self, observations: Observations, features: Features) -> Self:
        """Krige the observations to a lattice and regress them on the features.

        Raises
        ------
        FitError
            Too few or constant samples; features without a layer, empty, constant, or with
            fewer distinct pixels than classes.
        """
        check_values(observations)
        observations = as_measured(observations)
        options, xy = self.settings, observations.points.coordinates
        values, known = observations.values, observations.error_variance
        self.variogram_ = self.variogram or automatic_variogram(xy, values, errors=known)
        self.kriging_ = Kriging(self.variogram_, neighbours=min(options.neighbours, len(xy)))
        self.kriging_.fit(xy, values, known)
        self.decomposition_ = self._decompose(xy, features)
        self.lattice_ = self.kriging_.estimate_lattice(self.decomposition_.lattice)
        self.samples_ = np.nan_to_num(self.decomposition_.at(observations.points).share).sum(axis=0)
        self.lines_ = self._regress()
        vars(self).pop("tables_", None)
        return self

    def _decompose(self, xy: NDArray[np.float64], features: Features) -> Decomposition:
        options, grid = self.settings, features.grid
        pixel = math.sqrt(grid.pixel_width * grid.pixel_height)
        spacing = mean_spacing(xy, pixel)
        matched = 1 if options.variant == "literal" else matched_levels(spacing / pixel)
        step = options.lattice_m or lattice_step(xy, self.variogram_.practical_range_m, grid)
        classes = options.clusters if options.scope == "local" else 1
        return decomposition_of(
            features,
            options.levels or matched,
            classes,
            shared_lattice(step, grid),
            options.seed,
            self.blocks or engine_of(features),
        )

    def _regress(self) -> Lines:
        """Fit Geo_L = a + b . MS_L per class, from the sums."""
        parts = self.decomposition_
        level = float(self.lattice_.mean())
        cross = parts.cross(parts.smooth.inner(self.lattice_ - level))
        own, whole = (
            fit_lines(parts.sums, cross),
            fit_lines(parts.sums.merged(), cross.sum(0)[None]),
        )
        if self.settings.variant == "literal":
            check_ranks(
                own, parts.sums, parts.names, 'Ask for fewer clusters, or variant = "sound"'
            )
        else:
            check_ranks(whole, parts.sums.merged(), parts.names, "Leave such features out")
            own = shrink(own, whole, parts.sums, cross, self.samples_, self.settings.shrinkage)
        return Lines(own.constants + level, own.slopes, own.ranks)

    def predict(self, points: Points, features: Features) -> Prediction:
        """Return what the map says: at the pixel of each point, detail averaged over its support.

        Where the support holds no filled pixel: kriged if sound (off the grid at the point
        itself), NaN if literal. The model has no standard error.
        """
        parts, lines = self.decomposition_, self.lines_
        row, col, share, values, low = parts.at(points)
        inside = row >= 0
        geo, geo_high = np.full(len(row), np.nan), np.full(len(row), np.nan)
        geo[inside] = parts.cubic.at(self.lattice_, row[inside], col[inside])
        if self.settings.variant == "sound":
            if not inside.all():
                geo[~inside] = self.kriging_.predict(points.coordinates[~inside])[0]
            return Prediction(geo + self._detail(values - low))
        low_part, high_part = (
            np.einsum("nkd,kd->n", part, lines.slopes) for part in (low, values - low)
        )
        inner = parts.smooth.inner(self.lattice_)
        geo_high[inside] = geo[inside] - parts.smooth.at(inner, row[inside], col[inside])
        constant = share @ np.nan_to_num(lines.constants)
        return Prediction((constant + low_part) + (geo_high + constant + high_part))

    def injected(self, points: Points) -> NDArray[np.float64]:
        """Return the detail (n,) that the sound map adds at points; 0 where imagery is masked."""
        _, _, _, values, low = self.decomposition_.at(points)
        return self._detail(values - low)

    def _detail(self, high: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return b . MS_H (n,) of high frequencies (n, classes, features); 0 where masked."""
        detail = np.einsum("nkd,kd->n", high, self.lines_.slopes)
        return np.where(np.isnan(detail), 0.0, detail)

    def layer(self, features: Features) -> PyramidLayer:
        """Return the fused map ("estimate").

        Warns when the map is a feature in other colours (|r| > 0.99), and when a literal map is
        empty somewhere.
        """
        found = self.tables_["pyramid"]
        alike = found[(found.quantity == "r_map_feature") & (found.value.abs() > ALIKE)]
        for name, r in zip(alike.feature, alike.value):
            warnings.warn(
                f"the fused map is {name} in other colours: r = {r:.4f}. Look at the kriged map "
                'beside it, or use variant = "sound".',
                GossanWarning,
                stacklevel=2,
            )
        empty = 1.0 - float(self.decomposition_.sums.count.sum()) / math.prod(features.grid.shape)
        if self.settings.variant == "literal" and empty > 0:
            warnings.warn(
                f"the literal map is empty on {100 * empty:.3g} % of its pixels, where imagery is "
                'masked, as printed; variant = "sound" gives the kriged value there.',
                GossanWarning,
                stacklevel=2,
            )
        return PyramidLayer(self.decomposition_, self.lattice_, self.lines_, self.settings.variant)

    @cached_property
    def tables_(self) -> dict[str, pd.DataFrame]:
        """What was learnt: regressions, classes, variogram, and diagnostics of the map."""
        if not hasattr(self, "lines_"):
            return {}
        parts = self.decomposition_
        arguments = (parts, self.lattice_, self.lines_)
        return {
            "regressions": regression_table(*arguments, self.samples_),
            "clusters": parts.clusters.table().assign(pixels=parts.sums.count.astype(int)),
            "pyramid": diagnose(*arguments, self.settings.variant),
            "variograms": variogram_table(self.variogram_),
        }


@dataclass(frozen=True, eq=False)
class PyramidLayer:
    """Compose the fused map, window by window.

    Parameters
    ----------
    decomposition
        Features, their low-pass and classes.
    lattice
        Kriged layer on ``decomposition.lattice``.
    lines
        Regression of each class.
    variant
        "literal" or "sound".
    """

    decomposition: Decomposition
    lattice: NDArray[np.float64] = field(repr=False)
    lines: Lines = field(repr=False)
    variant: Variant = "sound"

    @property
    def grid(self) -> Grid:
        """Grid of the features."""
        return self.decomposition.grid

    @property
    def bands(self) -> tuple[str, ...]:
        """The estimate."""
        return ("estimate",)

    def read(self, window: Window) -> NDArray[np.float32]:
        """Return (1, height, width); where a feature is empty: Geo if sound, NaN if literal."""
        parts, lines = self.decomposition, self.lines
        geo = parts.cubic.window(self.lattice, window)
        if self.variant == "sound":
            return (geo + self.injected(window))[None]
        image, image_low = parts.low_pass.split(window)
        labels = parts.clusters.labels(image)
        geo_low = parts.smooth.window(parts.smooth.inner(self.lattice), window)
        low_fused = apply_lines(labels, image_low, lines.constants, lines.slopes)  # Eq. 1
        high = apply_lines(labels, image - image_low, lines.constants, lines.slopes)
        high_fused = (geo - geo_low) + high  # Eq. 2
        return (low_fused + high_fused)[None]  # Eq. 3

    def injected(self, window: Window) -> NDArray[np.float32]:
        """Return the detail that the sound map adds to the kriged one, b . MS_H; 0 where masked."""
        image, image_low = self.decomposition.low_pass.split(window)
        labels = self.decomposition.clusters.labels(image)
        nothing = np.zeros(len(self.lines.constants))
        detail = apply_lines(labels, image - image_low, nothing, self.lines.slopes)
        detail[labels == EMPTY] = 0.0
        return detail
