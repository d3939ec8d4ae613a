"""Words for models: what ``model = "..."`` of a product means."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from pydantic import ValidationError

from gossan.errors import SettingsError, must
from gossan.fusion.protocol import FusionModel
from gossan.geochem.kriging.settings import KrigingOptions
from gossan.mistakes import mistakes_in
from gossan.settings import Settings

__all__ = ["MODELS", "Entry", "entry_of", "factory_of", "make_model", "options_of", "settings_of"]


@dataclass(frozen=True)
class Entry:
    """Name the settings record and the class of a model, and where they live.

    ``needs_features``: it is nothing without features; the others are kriging then.
    ``of_models``: it refits several models in each fold. ``needs_raster``: it passes over pixels,
    so that columns of the survey cannot be its features. ``of_partners``: it looks at the samples
    of other elements.
    """

    module: str
    settings: str
    model: str
    says: str
    needs_features: bool = False
    of_models: bool = False
    needs_raster: bool = False
    of_partners: bool = False

    def load(self) -> tuple[type[Settings], Callable[[Any], FusionModel]]:
        """Import the settings record and the class."""
        module = import_module(self.module)
        return getattr(module, self.settings), getattr(module, self.model)


_REGRESSION = "gossan.fusion.rivals.regression_kriging"

MODELS: dict[str, Entry] = {
    "kriging": Entry(
        "gossan.fusion.kriging_model", "KrigingSettings", "KrigingModel",
        "ordinary kriging without imagery: the baseline",
    ),
    "atprk": Entry(
        "gossan.fusion.rivals.atprk", "AreaToPointSettings", "AreaToPoint",
        "area-to-point regression kriging of the block-kriged layer",
        needs_features=True, needs_raster=True,
    ),
    "pyramid": Entry(
        "gossan.fusion.pyramid.model", "PyramidSettings", "PyramidModel",
        "the paper's fusion: detail of the imagery injected into the kriged layer",
        needs_features=True, needs_raster=True,
    ),
    "guarded_pyramid": Entry(
        "gossan.fusion.pyramid.guarded", "GuardedPyramidSettings", "GuardedPyramid",
        "the pyramid, its detail scaled by what held-out samples bear out",
        needs_features=True, needs_raster=True,
    ),
    "geostatistical": Entry(
        "gossan.fusion.geostatistical.model", "GeostatisticalSettings", "Geostatistical",
        "imagery at the samples' support plus a spatial term, by restricted likelihood",
    ),
    "geostatistical_forest": Entry(
        "gossan.fusion.geostatistical.forest", "GeostatisticalForestSettings",
        "GeostatisticalForest",
        "the geostatistical model and half of what a forest finds in its held-out residuals",
    ),
    "regression_kriging": Entry(
        _REGRESSION, "RegressionKrigingSettings", "RegressionKriging",
        "a regressor of the features plus its kriged residual (linear ridge by default)",
        needs_features=True,
    ),
    "forest": Entry(
        _REGRESSION, "ForestSettings", "RegressionKriging", "regression kriging with a forest",
        needs_features=True,
    ),
    "boosting": Entry(
        _REGRESSION, "BoostingSettings", "RegressionKriging",
        "regression kriging with gradient boosting",
        needs_features=True,
    ),
    "kriging_prior": Entry(
        "gossan.fusion.rivals.kriging_prior", "KrigingPriorSettings", "KrigingPrior",
        "a forest of the features, the kriging estimate and its standard error",
        needs_features=True,
    ),
    "gwr": Entry(
        "gossan.fusion.rivals.gwr", "GeographicallyWeightedSettings", "GeographicallyWeighted",
        "regression whose slopes vary over the ground, residual kriged",
        needs_features=True,
    ),
    "recipe": Entry(
        "gossan.fusion.selection.recipe", "RecipeSettings", "Recipe",
        "the map to trust: a fixed mean of geostatistical_forest, curves and kriging_prior",
    ),
    "partnered": Entry(
        "gossan.fusion.selection.partnered", "PartneredSettings", "Partnered",
        "an element with few samples, linked to a partner with many",
        of_partners=True,
    ),
    "blend": Entry(
        "gossan.fusion.selection.blend", "BlendSettings", "Blend",
        "weighted mean of several models, weights by spatial cross-validation",
        of_models=True,
    ),
    "auto": Entry(
        "gossan.fusion.selection.auto", "AutoSettings", "Auto",
        "the best of several models, kriging unless one is better beyond doubt",
        of_models=True,
    ),
}  # fmt: skip
"""Word of each model -> where it lives. A new model is one file and one line here."""


def entry_of(word: str) -> Entry:
    """Find a model by its word.

    >>> entry_of("kriging").model
    'KrigingModel'

    Raises
    ------
    SettingsError : there is no such model; the nearest word is named.
    """
    if word in MODELS:
        return MODELS[word]
    near = difflib.get_close_matches(word, MODELS, 1)
    cure = f'Did you mean "{near[0]}"?' if near else "Use one of these"
    raise SettingsError(must("model", " | ".join(MODELS), repr(word), cure))


def settings_of(word: str) -> type[Settings]:
    """Find the settings record of a model by its word.

    >>> settings_of("kriging").__name__
    'KrigingSettings'
    """
    return entry_of(word).load()[0]


def options_of(word: str, options: Mapping[str, Any] | None = None) -> Settings:
    """Make the settings of a model from options by name.

    >>> options_of("kriging", {"neighbours": 16}).neighbours
    16

    Raises
    ------
    SettingsError : the model or an option does not exist, or an option has a wrong value.
    """
    record = settings_of(word)
    try:
        return record.model_validate(dict(options or {}))
    except ValidationError as error:
        first = next(mistakes_in(error))
        if first.kind == "unknown":
            near = difflib.get_close_matches(first.key, record.model_fields, 1)
            cure = f'Did you mean "{near[0]}"?' if near else "Leave it out"
            allowed = "one of " + ", ".join(record.model_fields)
            raise SettingsError(must(f"option of {word}", allowed, repr(first.key), cure)) from None
        if "must " in first.allowed:
            raise SettingsError(f"{word}: {first.sentence()}") from None
        got = repr(first.got)
        raise SettingsError(
            must(f"{first.key} of {word}", first.allowed, got, "Correct it")
        ) from None


def make_model(
    word: str, settings: Settings | None = None, element: str | None = None
) -> FusionModel:
    """Make an unfitted model of a kind, with its settings record (its defaults when None).

    Options that are stated by element become those of ``element``.

    >>> type(make_model("kriging")).__name__
    'KrigingModel'
    """
    record, model = entry_of(word).load()
    options = settings or record()
    if element is not None and isinstance(options, KrigingOptions):
        options = options.for_element(element)
    return model(options)


def factory_of(word: str, options: Mapping[str, Any] | None = None) -> Callable[[], FusionModel]:
    """Return a function that makes fresh, unfitted models of one kind, for cross-validation.

    >>> factory_of("kriging")() is factory_of("kriging")()
    False
    """
    settings = options_of(word, options)
    return lambda: make_model(word, settings)
