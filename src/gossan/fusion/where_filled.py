"""Models that need every feature: the kriged baseline stands in where one is empty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.array_type import Array
from gossan.errors import FitError, must
from gossan.fusion.protocol import Features, Observations, Prediction
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import Layer

__all__ = ["FilledLayer", "filled_rows", "needs_layer", "predict_where_filled"]


def predict_where_filled(
    base: Prediction, x: Array, estimate: Callable[[NDArray[np.bool_]], tuple[Array, Array]]
) -> Prediction:
    """Take mean and variance of the points that have all features (n, d), else the baseline.

    ``estimate`` gives both for the chosen rows.
    """
    assert base.standard_error is not None
    mean, error = base.mean.copy(), base.standard_error.copy()
    rows = np.asarray(np.isfinite(x).all(axis=1))
    if rows.any():
        mean[rows], variance = estimate(rows)
        error[rows] = np.sqrt(variance)
    return Prediction(mean, error)


@dataclass(frozen=True, eq=False)
class FilledLayer:
    """Estimate pixels that have all features; the baseline where one is empty.

    Parameters
    ----------
    source
        Features.
    smooth
        Fields that vary slowly: coefficients, the kriged residual.
    baseline
        Layer ("estimate", "standard_error").
    estimate
        From features (n, d) and each of the fields (n,) to mean and variance (n,).
    """

    source: Layer
    smooth: Layer
    baseline: Layer
    estimate: Callable[..., tuple[Array, Array]] = field(repr=False)

    @property
    def grid(self) -> Grid:
        """Grid of the features."""
        return self.smooth.grid

    @property
    def bands(self) -> tuple[str, ...]:
        """Estimate and standard error."""
        return ("estimate", "standard_error")

    def read(self, window: Window) -> NDArray[np.float32]:
        """Return (2, height, width), filled everywhere."""
        block = self.source.read(window)
        flat = block.reshape(len(block), -1).T.astype(np.float64)
        filled = np.isfinite(flat).all(axis=1)
        result = self.baseline.read(window).reshape(2, -1)
        if filled.any():
            fields = self.smooth.read(window).reshape(len(self.smooth.bands), -1)[:, filled]
            result[0, filled], variance = self.estimate(flat[filled], *fields)
            result[1, filled] = np.sqrt(variance)
        return result.reshape(2, *window.shape)


def filled_rows(
    observations: Observations, features: Features, fewest: int = 10
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the features of samples that have all of them, and which samples those are.

    Raises
    ------
    FitError
        Too few samples have all features.
    """
    if not features.names:
        raise FitError(
            must("features", "at least one", "none", 'Name some: features = "imagery.all"')
        )
    x = features.at(observations.points)
    filled = np.isfinite(x).all(axis=1)
    if filled.sum() < max(fewest, 5):
        raise FitError(
            must(
                "samples with every feature",
                f"at least {max(fewest, 5)}",
                f"{int(filled.sum())} of {len(x)}",
                "Check masks and extent of the imagery, or leave a feature out",
            )
        )
    return x[filled], np.asarray(filled)


def needs_layer(features: Features, what: str) -> Layer:
    """Return the features at pixels, or say that no map can be made.

    Raises
    ------
    FitError
        The features have no layer to map them with.
    """
    if features.layer is None:
        raise FitError(
            must(
                f"a map by {what}",
                "made of features with a raster",
                "columns of the survey: " + ", ".join(features.names),
                "Use validate, or predict at points that carry these columns",
            )
        )
    return features.layer
