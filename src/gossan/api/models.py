"""A class for each model of the registry: ``models.Kriging``, ``models.GWR``, and your own.

A model that is added to ``gossan.fusion.registry.MODELS`` is here too, under its name in capitals:
"inverse_distance" becomes ``InverseDistance``.
"""

from __future__ import annotations

from functools import cache

from gossan.api.estimators import Estimator, class_name, estimator_class, word_of
from gossan.errors import SettingsError
from gossan.fusion.registry import MODELS

__all__ = ["Estimator"]


@cache
def _class(name: str) -> type[Estimator]:
    return estimator_class(word_of(name))


def __getattr__(name: str) -> type[Estimator]:
    if name.startswith("_"):
        raise AttributeError(name)
    try:
        return _class(name)
    except SettingsError as error:
        raise AttributeError(str(error)) from None


def __dir__() -> list[str]:
    return sorted([*__all__, *map(class_name, MODELS)])
