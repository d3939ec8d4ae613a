"""Options of kriging: the keys of ``[kriging]`` and of ``[[product]] model = "kriging"``."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from gossan.errors import GossanError, must
from gossan.geochem.covariance.model import Anisotropy, CovarianceModel, Kind, Structure
from gossan.geochem.interpolators import InterpolatorWord
from gossan.geochem.kriging.estimator import Drift, Edge, Kriging, Method, Nugget
from gossan.geochem.kriging.neighbourhood import Search
from gossan.geochem.transforms import Tails, TransformWord
from gossan.geochem.variogram.empirical import Estimator
from gossan.geochem.variogram.fitting import (
    Choice,
    FitMethod,
    VariogramDrift,
    VariogramFit,
    fit_variogram,
)
from gossan.geochem.variogram.least_squares import parse_form
from gossan.settings import Settings

Statistic = Literal["mean", "interval"]


class StructureSettings(Settings):
    """One structure of a given variogram: see ``Structure``."""

    kind: Kind
    """Form of the structure."""
    sill: float = Field(ge=0)
    """Its part of the variance, on the working scale."""
    range_m: float = Field(gt=0)
    """Parameter r of the form, in metres."""
    smoothness: float = Field(default=0.5, ge=0.1, le=10)
    """Of Matern."""


class AnisotropySettings(Settings):
    """A given direction of greatest continuity: see ``Anisotropy``."""

    azimuth_deg: float
    """Direction of the longest range, degrees clockwise from north."""
    ratio: float = Field(gt=0, le=1)
    """Shortest range over longest."""


class VariogramSettings(Settings):
    """Say how the variogram is found, or give it.

    Without ``structures`` and ``nugget`` it is fitted: every form of ``models`` by ``method``, the
    best one taken by ``choose``. With them it is given, in squared units of the working scale.
    """

    estimator: Estimator = "matheron"
    """Of the experimental variogram."""
    models: tuple[str, ...] = Field(
        default=("spherical", "exponential", "gaussian", "matern", "spherical+spherical"),
        min_length=1,
    )
    """Forms to choose from; + joins nested structures."""
    method: FitMethod = "reml"
    """Restricted likelihood, or weighted least squares."""
    choose: Choice = "aic"
    """How the best form is chosen."""
    anisotropy: Literal["none", "fit"] | AnisotropySettings = "none"
    """Or a given one: { azimuth_deg = 30, ratio = 0.5 }."""
    smoothness: float | None = Field(default=None, ge=0.1, le=10)
    """Of Matern forms; default: searched."""
    cutoff_m: float | None = Field(default=None, gt=0)
    """Longest distance of the classes; default: a third of the extent."""
    width_m: float | None = Field(default=None, gt=0)
    """Width of a class; default: 15 classes."""
    longest_range_m: float | None = Field(default=None, gt=0)
    """Largest practical range of a fit; default: the diagonal of the samples' extent."""
    nugget: float | None = Field(default=None, ge=0)
    """Of a given variogram."""
    structures: tuple[StructureSettings, ...] = ()
    """Of a given variogram."""

    @field_validator("models")
    @classmethod
    def _known_forms(cls, models: tuple[str, ...]) -> tuple[str, ...]:
        for form in models:
            try:
                parse_form(form)
            except GossanError as error:
                raise ValueError(str(error)) from None
        return models

    @model_validator(mode="after")
    def _whole(self) -> VariogramSettings:
        if self.given and self.anisotropy == "fit":
            cure = "Set azimuth_deg and ratio, or leave structures and nugget out"
            raise ValueError(must("anisotropy", "given with a given variogram", "fit", cure))
        if self.given and (self.nugget or 0.0) + sum(s.sill for s in self.structures) <= 0:
            cure = "Set a nugget or a structure with a sill"
            raise ValueError(must("the variogram's sill", "above 0", 0, cure))
        return self

    @property
    def given(self) -> bool:
        """Whether the user gives the model."""
        return self.nugget is not None or bool(self.structures)

    @property
    def direction(self) -> Anisotropy | None:
        """The given anisotropy, if any."""
        if isinstance(self.anisotropy, AnisotropySettings):
            return Anisotropy(self.anisotropy.azimuth_deg, self.anisotropy.ratio)
        return None

    @property
    def model(self) -> CovarianceModel:
        """The given model (``given`` must hold).

        >>> print(VariogramSettings(nugget=0.1, structures=[
        ...     {"kind": "spherical", "sill": 0.5, "range_m": 900}]).model)
        nugget 0.1, spherical 0.5 range 900 m
        """
        parts = tuple(Structure(s.kind, s.sill, s.range_m, s.smoothness) for s in self.structures)
        return CovarianceModel(self.nugget or 0.0, parts, self.direction)

    def fit(
        self,
        xy: NDArray[np.float64],
        z: NDArray[np.float64],
        drift: VariogramDrift = "none",
        errors: NDArray[np.float64] | None = None,
    ) -> VariogramFit:
        """Fit the forms to samples at (n, 2) metres with (n,) values of the working scale.

        ``errors`` (n,) are the variances of the samples' known errors.

        Raises
        ------
        FitError
            Too few samples, or constant values.
        """
        return fit_variogram(
            xy, z, errors, estimator=self.estimator, models=self.models, method=self.method,
            choose=self.choose, anisotropy="fit" if self.anisotropy == "fit" else self.direction,
            smoothness=self.smoothness, drift=drift, cutoff_m=self.cutoff_m,
            width_m=self.width_m, longest_range_m=self.longest_range_m,
        )  # fmt: skip


class SimulationSettings(Settings):
    """Ask for conditional simulation: see ``Simulation``."""

    realisations: int = Field(default=0, ge=0, le=1000)
    """0: none."""
    threshold: dict[str, float | tuple[float, ...]] = Field(default_factory=dict)
    """By element, in its unit; default: those of [anomalies]."""
    transform: TransformWord = "normal-score"
    """Scale on which it is Gaussian; "normal-score" keeps the histogram."""
    tails: Tails = "lognormal"
    """What lies beyond the lowest and the highest sample."""
    neighbours: int = Field(default=48, ge=4, le=200)
    """Samples and simulated places in each step."""
    pixel_m: float | None = Field(default=None, gt=0)
    """Pixel of the simulated maps; default: that of the maps."""
    seed: int | None = None
    """Default: that of [project]."""


class KrigingOptions(Settings):
    """Options of kriging, the same in every place: in ``[kriging]`` and in a product."""

    method: Method = "ordinary"
    """Kind of kriging."""
    mean: float | dict[str, float] | None = None
    """Known mean of simple kriging (by element), on the working scale; default: the samples'."""
    drift: Drift = "linear"
    """Of universal kriging."""
    neighbours: int | Literal["all"] = 32
    """Samples in each estimate."""
    search: Search = "nearest"
    """How they are chosen."""
    radius_m: float | None = Field(default=None, gt=0)
    """How far they are looked for; default: any distance."""
    edge: Edge | None = None
    """"smooth" fades neighbours out, so that the map has no steps, "sharp" is as in gstat; default:
    smooth, or sharp where neighbours or search is set."""
    fewest: int = Field(default=1, ge=1)
    """With fewer samples in reach the map is empty."""
    block_m: float | None = Field(default=None, gt=0)
    """Side of the block that an estimate stands for; default: a point."""
    nugget: Nugget = "exact"
    """"exact" honours the samples, "filtered" takes the nugget as error."""
    lattice_m: float | Literal["pixels"] | None = None
    """Spacing kriged at, brought to pixels by cubic convolution; default: an eighth of the range
    or half of the sample spacing; "pixels": every pixel by itself."""
    declustering: Literal["none", "cells"] = "none"
    """Weights of the samples in the normal score and in the mean of simple kriging."""
    cell_m: float | None = Field(default=None, gt=0)
    """Side of declustering cells; default: found."""
    variogram: VariogramSettings = VariogramSettings()
    """How the variogram is fitted, or the variogram itself."""

    @field_validator("neighbours")
    @classmethod
    def _some(cls, neighbours: int | str) -> int | str:
        if isinstance(neighbours, int) and not 1 <= neighbours <= 500:
            raise ValueError(must("neighbours", '1 to 500 or "all"', neighbours, "Use 32"))
        return neighbours

    @field_validator("lattice_m")
    @classmethod
    def _positive(cls, lattice_m: float | str | None) -> float | str | None:
        if isinstance(lattice_m, float) and not lattice_m > 0:
            raise ValueError(must("lattice_m", "above 0", lattice_m, "Use metres"))
        return lattice_m

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.mean is not None and self.method != "simple":
            cure = 'Set method = "simple", or leave mean out'
            raise ValueError(must("mean", "given for simple kriging only", self.mean, cure))
        if self.cell_m is not None and self.declustering == "none":
            cure = 'Set declustering = "cells"'
            raise ValueError(must("cell_m", "given with declustering", self.cell_m, cure))
        if self.edge == "smooth" and self.search != "nearest":
            cure = 'Leave edge out, or set search = "nearest"'
            raise ValueError(must("edge", 'smooth with search "nearest"', self.search, cure))
        if self.neighbours == "all" and (self.search != "nearest" or self.radius_m is not None):
            cure = "Set neighbours, for example 32"
            raise ValueError(must("search and radius_m", "used with neighbours", "all", cure))
        return self

    @property
    def edge_used(self) -> Edge:
        """The edge of the neighbourhood: as set, else smooth for the default neighbourhood.

        >>> KrigingOptions().edge_used, KrigingOptions(neighbours=16).edge_used
        ('smooth', 'sharp')
        """
        if self.edge is not None:
            return self.edge
        chosen = {"neighbours", "search"} & self.model_fields_set
        return "sharp" if chosen else "smooth"

    @property
    def drift_of_variogram(self) -> VariogramDrift:
        """The drift that is taken off before a variogram is fitted."""
        return self.drift if self.method == "universal" else "none"

    def for_element(self, element: str) -> Self:
        """Return the options of one element: its own mean where means are given by element.

        >>> KrigingOptions(method="simple", mean={"Cu": 3.1}).for_element("Cu").mean
        3.1
        """
        if not isinstance(self.mean, dict):
            return self
        return self.model_copy(update={"mean": self.mean.get(element)})

    def estimator(
        self,
        variogram: CovarianceModel,
        values: NDArray[np.float64],
        weights: NDArray[np.float64] | None = None,
    ) -> Kriging:
        """Return the unfitted kriging of samples.

        Parameters
        ----------
        variogram
            Of the samples.
        values
            (n,) samples on the working scale.
        weights
            (n,) declustering weights; with ``values`` the mean of simple kriging that is not given.
        """
        mean = None
        if self.method == "simple":
            given = None if isinstance(self.mean, dict) else self.mean
            mean = float(np.average(values, weights=weights)) if given is None else given
        everyone = self.neighbours == "all"
        return Kriging(
            variogram, method=self.method, drift=self.drift, mean=mean, block_m=self.block_m,
            neighbours=None if everyone else min(int(self.neighbours), len(values)),
            nugget=self.nugget, radius_m=self.radius_m, search=self.search, fewest=self.fewest,
            edge=self.edge_used,
        )  # fmt: skip


class KrigeSettings(KrigingOptions):
    """Options of ``gossan krige``, the ``[kriging]`` section: those of kriging, and what to write.

    They do not steer a run: the baseline takes the same keys under ``[[product]]``.
    """

    also: tuple[Statistic, ...] = ()
    """Beside the median: the unbiased "mean", the 90 % "interval"."""
    alternatives: tuple[InterpolatorWord, ...] = ("idw", "nearest", "natural_neighbour", "spline")
    """Simple methods to compare with."""
    simulation: SimulationSettings = SimulationSettings()
    """Simulated maps, where asked for."""
