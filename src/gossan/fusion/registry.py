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
from gossan.settings import Settings

__all__ = ["MODELS", "Entry", "entry_of", "factory_of", "make_model", "settings_of"]


@dataclass(frozen=True)
class Entry:
    """Name the settings record and the class of a model, and where they live."""

    module: str
    settings: str
    model: str
    says: str

    def load(self) -> tuple[type[Settings], Callable[[Any], FusionModel]]:
        """Import the settings record and the class."""
        module = import_module(self.module)
        return getattr(module, self.settings), getattr(module, self.model)


MODELS: dict[str, Entry] = {
    "kriging": Entry(
        "gossan.fusion.kriging_model", "KrigingSettings", "KrigingModel",
        "ordinary kriging without imagery: the baseline",
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


def settings_of(word: str, options: Mapping[str, Any] | None = None) -> Settings:
    """Make the settings record of a model from options.

    >>> settings_of("kriging", {"neighbours": 16}).neighbours
    16

    Raises
    ------
    SettingsError : the model or an option does not exist, or an option has a wrong value.
    """
    record, _ = entry_of(word).load()
    known = dict(options or {})
    if "model" in record.model_fields:
        known["model"] = word
    try:
        return record(**known)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or word
        near = difflib.get_close_matches(name, record.model_fields, 1)
        if first["type"] == "extra_forbidden":
            cure = f'Did you mean "{near[0]}"?' if near else "Leave it out"
            allowed = "one of " + ", ".join(record.model_fields)
            raise SettingsError(must(f"option of {word}", allowed, repr(name), cure)) from None
        got = repr(first.get("input"))
        raise SettingsError(
            must(f"{name} of {word}", first["msg"].removeprefix("Input should be "), got, "Mend it")
        ) from None


def make_model(settings: Settings) -> FusionModel:
    """Make an unfitted model from its settings record.

    >>> type(make_model(settings_of("kriging"))).__name__
    'KrigingModel'
    """
    word = getattr(settings, "model", None)
    if word is None:
        raise SettingsError(must("settings", "those of a model", type(settings).__name__, "Use settings_of"))
    _, model = entry_of(str(word)).load()
    return model(settings)


def factory_of(word: str, options: Mapping[str, Any] | None = None) -> Callable[[], FusionModel]:
    """Give a function that makes fresh, unfitted models of one kind, for cross-validation.

    >>> factory_of("kriging")() is factory_of("kriging")()
    False
    """
    settings = settings_of(word, options)
    return lambda: make_model(settings)
