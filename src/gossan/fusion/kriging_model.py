"""Ordinary kriging without imagery: the baseline that every product is measured against."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from gossan.errors import FitError, must
from gossan.fusion.lattice import lattice_step, shared_lattice, smooth_layer
from gossan.fusion.protocol import Features, Observations, Points, Prediction
from gossan.geo.grid import Window
from gossan.geo.layer import Layer, OnSourceGrid
from gossan.geochem.kriging.estimator import Kriging
from gossan.geochem.variogram.fitting import CovarianceModel, fit_variogram
from gossan.settings import Settings

__all__ = [
    "KrigingModel",
    "KrigingSettings",
    "RootLayer",
    "automatic_variogram",
    "check_values",
    "variogram_table",
]


class KrigingSettings(Settings):
    """Options of the kriged baseline.

    ``variogram``: by restricted "likelihood" or by "least_squares" on the classes of distance;
    ``forms``: of the variogram to choose from; ``neighbours`` nearest samples make each estimate;
    ``lattice_m``: spacing of the lattice that is kriged and brought to pixels by cubic convolution
    (default: an eighth of the variogram's range, or half of the sample spacing if less).
    """

    variogram: Literal["likelihood", "least_squares"] = "likelihood"
    forms: tuple[str, ...] = Field(default=("exponential",), min_length=1)
    neighbours: int = Field(default=32, ge=4, le=200)
    """Samples in each estimate."""
    lattice_m: float | None = Field(default=None, gt=0)


class KrigingModel:
    """Krige samples with an automatic variogram.

    Ordinary kriging of the working scale; the map is kriged on a lattice and brought to pixels
    by cubic convolution. Features are not looked at.

    Parameters
    ----------
    settings
        Neighbours and lattice.
    variogram
        Used as it is; fitted to the observations when None.

    Examples
    --------
    >>> from gossan.geo.grid import Grid
    >>> from gossan.fusion.features.sources import NoFeatures
    >>> rng = np.random.default_rng(0)
    >>> xy = rng.uniform(0, 10_000, (80, 2))
    >>> features = NoFeatures(Grid.from_bounds(32638, (0, 0, 10_000, 10_000), 100))
    >>> observations = Observations(Points(xy), np.sin(xy[:, 0] / 2000) + xy[:, 1] / 5000)
    >>> model = KrigingModel().fit(observations, features)
    >>> middle = model.predict(Points(np.array([[5000.0, 5000.0]])), features)
    >>> bool(abs(middle.mean[0] - (np.sin(2.5) + 1.0)) < 0.2)
    True

    Source: Ding et al. 2023, sec. 4.2 and 4.3.1.
    """

    def __init__(
        self, settings: KrigingSettings | None = None, variogram: CovarianceModel | None = None
    ) -> None:
        self.settings = settings or KrigingSettings()
        self.variogram = variogram
        self.tables_: dict[str, pd.DataFrame] = {}

    def fit(self, observations: Observations, features: Features) -> Self:
        """Fit the variogram and take the samples."""
        check_values(observations)
        xy = observations.points.coordinates
        self.variogram_ = self.variogram or automatic_variogram(
            xy, observations.values, self.settings
        )
        neighbours = min(self.settings.neighbours, len(observations))
        self.kriging_ = Kriging(self.variogram_, neighbours=neighbours)
        self.kriging_.fit(xy, observations.values)
        self.coordinates_ = xy
        self.tables_ = {"variograms": variogram_table(self.variogram_)}
        return self

    def predict(self, points: Points, features: Features) -> Prediction:
        """Krige at points; the standard error is that of a new sample there."""
        estimate, variance = self.kriging_.predict(points.coordinates)
        return Prediction(estimate, np.sqrt(np.maximum(variance, 0.0)))

    def layer(self, features: Features) -> Layer:
        """Return estimate and standard error on the grid of the features."""
        grid = features.grid
        step = self.settings.lattice_m or lattice_step(
            self.coordinates_, self.variogram_.practical_range_m, grid
        )
        lattice = shared_lattice(step, grid)  # the pyramid's: where it injects nothing, it is this
        fields = self.kriging_.lattice(lattice)
        return RootLayer(smooth_layer(lattice, fields, ("estimate", "variance"), grid))


@dataclass(frozen=True)
class RootLayer(OnSourceGrid):
    """Turn the second band of a layer, "variance", into a standard error.

    Variances interpolate and add; standard errors do not. Further bands stay.
    """

    source: Layer

    @property
    def bands(self) -> tuple[str, ...]:
        """Those of the source, with the standard error in place of the variance."""
        return ("estimate", "standard_error", *self.source.bands[2:])

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read the source and take the root of its second band."""
        block = self.source.read(window)
        block[1] = np.sqrt(np.maximum(block[1], np.float32(0.0)))
        return block


def automatic_variogram(
    coordinates: NDArray[np.float64],
    values: NDArray[np.float64],
    settings: KrigingSettings | None = None,
) -> CovarianceModel:
    """Fit a variogram without being asked anything: exponential, by restricted likelihood.

    Likelihood uses every pair of samples rightly weighted where classes of distance throw
    much away; on real surveys thinned to a quarter it lowered the squared error of kriging by
    3 to 4 percent against least squares over five forms.
    """
    options = settings or KrigingSettings()
    method: Literal["reml", "wls"] = "reml" if options.variogram == "likelihood" else "wls"
    xy, z = np.ascontiguousarray(coordinates, np.float64), np.ascontiguousarray(values, np.float64)
    return _fitted(xy.tobytes(), z.tobytes(), method, options.forms)


@lru_cache(maxsize=256)
def _fitted(
    coordinates: bytes, values: bytes, method: Literal["reml", "wls"], forms: tuple[str, ...]
) -> CovarianceModel:
    """Fit once what every product asks again: the samples of an element, and of each fold."""
    xy = np.frombuffer(coordinates).reshape(-1, 2)
    return fit_variogram(xy, np.frombuffer(values), method=method, models=forms).model


def check_values(observations: Observations, fewest: int = 10) -> None:
    """Refuse observations that no variogram can be had from."""
    if len(observations) < fewest:
        raise FitError(
            must(
                "samples with a value",
                f"at least {fewest}",
                len(observations),
                "Add samples, or leave this element out",
            )
        )
    if np.ptp(observations.values) == 0.0:
        raise FitError(
            must(
                "values",
                "of at least two sizes",
                f"{len(observations)} times {observations.values[0]:g}",
                "Leave this element out",
            )
        )


def variogram_table(variogram: CovarianceModel) -> pd.DataFrame:
    """Lay a variogram out: one row a structure, the nugget first.

    Columns ``structure, kind, sill, range_m, practical_range_m, smoothness``; sills in squared
    units of the working scale.
    """
    rows: list[dict[str, object]] = [
        {"structure": 0, "kind": "nugget", "sill": variogram.nugget, "range_m": 0.0,
         "practical_range_m": 0.0, "smoothness": float("nan")}
    ]  # fmt: skip
    for number, part in enumerate(variogram.structures, 1):
        rows.append(
            {
                "structure": number,
                "kind": part.kind,
                "sill": part.sill,
                "range_m": part.range_m,
                "practical_range_m": part.practical_range_m,
                "smoothness": part.smoothness if part.kind == "matern" else float("nan"),
            }
        )
    return pd.DataFrame(rows)
