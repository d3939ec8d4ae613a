"""Estimators: the models of the registry with keyword options, as Python users expect them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, Signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import CRS

from gossan.api.rasters import Raster, RasterLike, as_raster
from gossan.api.surveys import Element
from gossan.arrays.spacing import sample_spacing
from gossan.errors import FitError, GridError, SettingsError, must
from gossan.evaluate.calibration import Calibration
from gossan.fusion.features.sources import LayerFeatures, NoFeatures
from gossan.fusion.protocol import Features, FusionModel, Points
from gossan.fusion.registry import entry_of, make_model, options_of, settings_of
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.layer import Layer, MappedLayer
from gossan.geochem.back_transforms import InUnit, Statistic
from gossan.geochem.transforms import TransformWord
from gossan.pipeline.options.products import on_scale
from gossan.pipeline.output_grid import survey_bounds
from gossan.settings import Settings

if TYPE_CHECKING:
    import geopandas
    import xarray

__all__ = ["Estimator", "estimator_class"]

PIXELS_PER_SPACING = 10
"""Pixels between two samples, on a map that no imagery gives the pixels of."""
Scale = Literal["unit", "working"]


class Estimator:
    """A model of the registry: options by keyword, then ``fit``, ``predict`` and ``map``.

    The constructor only stores. What is learnt ends in an underscore: ``element_``, ``features_``,
    ``transform_``, ``model_``, and ``tables_``, which hold what the model learnt as data frames.
    """

    word: ClassVar[str]
    """Name of the model in project files."""

    def __init__(self, *, transform: TransformWord | None = None, **options: Any) -> None:
        known = self._names()
        for name in options:
            if name not in known:
                raise TypeError(_unknown(type(self).__name__, name, known))
        self.transform = transform
        defaults = _defaults(self.word)
        for name in known[1:]:
            setattr(self, name, options.get(name, defaults[name]))

    @classmethod
    def _names(cls) -> tuple[str, ...]:
        return ("transform", *_defaults(cls.word))

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return all options by name, as scikit-learn's estimators do."""
        return {name: getattr(self, name) for name in self._names()}

    def set_params(self, **options: Any) -> Self:
        """Change options; the estimator has to be fitted again.

        Raises
        ------
        ValueError
            There is no such option; the message lists those there are.
        """
        known = self._names()
        for name, value in options.items():
            if name not in known:
                raise ValueError(_unknown(type(self).__name__, name, known))
            setattr(self, name, value)
        return self

    def _planned(self) -> tuple[Settings, TransformWord]:
        """Validate the options and choose the scale, as a project does."""
        options = {k: v for k, v in self.get_params().items() if k != "transform"}
        return on_scale(options_of(self.word, options), self.transform)

    def factory(self, element: str | None = None) -> Callable[[], FusionModel]:
        """Return a function that makes fresh, unfitted models with the options of an element."""
        settings, _ = self._planned()
        return lambda: make_model(self.word, settings, element)

    def fit(
        self,
        element: Element,
        features: RasterLike | Sequence[RasterLike] | None = None,
        *,
        grid: Grid | None = None,
    ) -> Self:
        """Fit to the samples of an element and, if the model looks at any, to imagery.

        Parameters
        ----------
        element
            Samples: ``read_survey(...).element("Cu")``.
        features
            Bands, indices or components that the samples are explained by; several rasters are
            stacked on the grid of the first.
        grid
            Pixels of the map; default: those of the imagery. Without imagery: the surveyed ground,
            a tenth of the sample spacing each.

        Raises
        ------
        FitError
            The samples are too few, or the model needs features and got none.
        """
        self._check(features)
        settings, word = self._planned()
        placed, known = _features(element, features, grid)
        data = placed.working(word)
        self.element_, self.features_, self.data_ = placed, known, data
        self.transform_ = data.transform
        self.calibration_: Calibration | None = None
        self.model_ = make_model(self.word, settings, element.name).fit(data.observations, known)
        return self

    def _check(self, features: object) -> None:
        if features is None and entry_of(self.word).needs_features:
            cure = "Pass imagery: fit(element, features)"
            raise FitError(must(f"features of {type(self).__name__}", "given", "none", cure))

    @property
    def tables_(self) -> dict[str, pd.DataFrame]:
        """Tables of what the model learnt."""
        return self._fitted().tables_

    def _fitted(self) -> FusionModel:
        if not hasattr(self, "model_"):
            cure = "Call fit(element, features) first"
            raise FitError(must(type(self).__name__, "fitted", "unfitted", cure))
        return self.model_

    def predict(
        self,
        points: NDArray[np.float64] | geopandas.GeoDataFrame,
        *,
        scale: Scale = "unit",
        support_m: float = 0.0,
    ) -> pd.DataFrame:
        """Estimate at points.

        Parameters
        ----------
        points
            (n, 2) easting and northing in the system of the fitted samples (``element_.crs``), or
            a GeoDataFrame of points in any system.
        scale
            "unit": the element's unit; "working": the scale that the model works on.
        support_m
            Side of the square that each point stands for; 0 for a point.

        Returns
        -------
        Columns estimate (the median), standard_error, and lower90 and upper90, the bounds of the
        90 % interval of a new sample. NaN where the model gives none.
        """
        model, xy = self._fitted(), self._coordinates(points)
        found = model.predict(Points(xy, support_m), self.features_)
        error = found.standard_error
        values = np.stack([found.mean, np.full(len(xy), np.nan) if error is None else error])
        names: tuple[Statistic, ...] = ("median", "standard_error", "lower90", "upper90")
        columns = self._statistics(names, scale)(values[:, None])[:, 0]
        index = getattr(points, "index", None)
        return pd.DataFrame(dict(zip(("estimate", *names[1:]), columns.astype(float))), index=index)

    def _coordinates(self, points: Any) -> NDArray[np.float64]:
        crs = getattr(points, "crs", None)
        if hasattr(points, "geometry"):
            if crs is None:
                cure = "Set it: points.set_crs('EPSG:...')"
                raise GridError(must("points", "given with a CRS", "none", cure))
            places = points.to_crs(self.element_.crs).geometry
            return np.column_stack([places.x.to_numpy(float), places.y.to_numpy(float)])
        xy = np.asarray(points, np.float64)
        if xy.ndim != 2 or xy.shape[1] != 2:
            cure = "Pass easting and northing as columns"
            raise GridError(must("points", "of shape (n, 2)", xy.shape, cure))
        return xy

    def _statistics(self, names: tuple[Statistic, ...], scale: Scale = "unit") -> InUnit:
        found = self.calibration_
        factor = 1.0 if found is None else found.factor(0.9)
        transform = self.transform_ if scale == "unit" else None
        return InUnit(transform, names, factor)

    def layer(self, statistics: Sequence[Statistic] = ("median", "lower90", "upper90")) -> Raster:
        """Return the map as a raster, computed when it is read.

        Parameters
        ----------
        statistics
            Of "median", "mean", "standard_error", "lower90" and "upper90", in the element's unit.
            A model without a standard error gives the median alone.
        """
        source = self._fitted().layer(self.features_)
        names: tuple[Statistic, ...] = tuple(statistics)
        if "standard_error" not in source.bands:
            names = tuple(name for name in names if name == "median")
        mapped: Layer = MappedLayer(source, self._statistics(names), names)
        return Raster(mapped)

    def map(
        self, statistics: Sequence[Statistic] = ("median", "lower90", "upper90")
    ) -> xarray.Dataset:
        """Compute the map in memory.

        Parameters
        ----------
        statistics
            As of ``layer``.

        Returns
        -------
        Data set with a variable for each statistic, units and coordinate system set;
        ``ds.gossan.to_cog(path)`` writes it. Use ``to_cog`` for maps larger than memory.
        """
        from gossan.api.maps import dataset_of

        layer = self.layer(statistics)
        facts = {"element": self.element_.name, "model": repr(self)}
        return dataset_of(layer, self.element_.unit, facts)

    def to_cog(
        self, path: Path | str, statistics: Sequence[Statistic] = ("median", "lower90", "upper90")
    ) -> Path:
        """Stream the map to a cloud-optimised GeoTIFF, in bounded memory."""
        layer, tags = self.layer(statistics), {"gossan_element": self.element_.name}
        unit = self.element_.unit
        Blocks().write(layer.source, Path(path), tags | {"gossan_unit": unit}, unit)
        return Path(path)

    def __repr__(self) -> str:
        defaults = {"transform": None, **_defaults(self.word)}
        changed = {k: v for k, v in self.get_params().items() if v != defaults[k]}
        shown = ", ".join(f"{name}={value!r}" for name, value in changed.items())
        return f"{type(self).__name__}({shown})"

    def _repr_html_(self) -> str:
        from gossan.api.notebook import card

        facts = {name: repr(value) for name, value in self.get_params().items()}
        if not hasattr(self, "model_"):
            return card(type(self).__name__, facts)
        facts = {"fitted to": f"{self.element_.name}, {len(self.element_)} samples", **facts}
        return card(type(self).__name__, facts, self.layer(["median"]).picture())


def _features(element: Element, features: Any, grid: Grid | None) -> tuple[Element, Features]:
    """Bring samples and imagery together in one coordinate system."""
    if features is None:
        return element, NoFeatures(grid or _own_grid(element))
    raster = as_raster(features)
    if grid is not None:
        raster = raster.to_grid(grid)
    system = raster.crs
    if system.is_geographic:
        cure = "Warp it to the survey's UTM zone, for example with rioxarray's reproject"
        raise GridError(must("imagery", "in a projected CRS in metres", system.name, cure))
    element = element.to_crs(system) if element.crs != system else element
    if not raster.grid.contains(*element.coordinates.T).any():
        cure = "Check both coordinate systems"
        raise FitError(must("imagery", "under the samples", "imagery elsewhere", cure))
    return element, LayerFeatures(raster.source)


def _own_grid(element: Element) -> Grid:
    """Cover the surveyed ground with a tenth of the sample spacing."""
    xy = element.coordinates
    pixel = sample_spacing(xy) / PIXELS_PER_SPACING
    if not pixel > 0:
        raise FitError(must("samples", "at different places", f"{len(xy)} at one", "Add samples"))
    return Grid.from_bounds(CRS.from_user_input(element.crs), survey_bounds(xy), pixel)


def _defaults(word: str) -> Mapping[str, Any]:
    """Return the options of a model and their defaults, from the record of the project file."""
    fields = settings_of(word).model_fields
    return {
        name: field.get_default(call_default_factory=True)
        for name, field in fields.items()
        if name != "model"
    }


def _unknown(owner: str, name: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, known, 1)
    cure = f"Did you mean {near[0]!r}?" if near else f"Options: {', '.join(known)}"
    return f"{owner} has no option {name!r}. {cure}"


def estimator_class(word: str) -> type[Estimator]:
    """Make the estimator of a model: its signature and documentation come from its settings.

    Raises
    ------
    SettingsError
        There is no such model.

    Examples
    --------
    >>> Kriging = estimator_class("kriging")
    >>> Kriging(neighbours=16)
    Kriging(neighbours=16)
    """
    entry = entry_of(word)
    name = class_name(word)
    settings = settings_of(word)
    document = f"{entry.says[:1].upper()}{entry.says[1:]}.\n\n{settings.__doc__ or ''}"
    made = type(name, (Estimator,), {"word": word, "__doc__": document})
    made.__module__, made.__qualname__ = "gossan.api.models", name
    only = Parameter.KEYWORD_ONLY
    options = {"transform": None, **_defaults(word)}
    parameters = [Parameter(option, only, default=value) for option, value in options.items()]
    made.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    return made


_ACRONYMS = ("atprk", "gwr")


def class_name(word: str) -> str:
    """Spell a model's name as a class.

    >>> class_name("guarded_pyramid"), class_name("gwr")
    ('GuardedPyramid', 'GWR')
    """
    if word in _ACRONYMS:
        return word.upper()
    return "".join(part.capitalize() for part in word.split("_"))


def word_of(name: str) -> str:
    """Find the model whose class bears a name.

    Raises
    ------
    SettingsError
        There is none.
    """
    from gossan.fusion.registry import MODELS

    names = {class_name(word): word for word in MODELS}
    if name not in names:
        cure = "Use one of these"
        raise SettingsError(must("a model", " | ".join(names), repr(name), cure))
    return names[name]
