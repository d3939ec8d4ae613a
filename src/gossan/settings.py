"""The base of every settings record: frozen, typed, unknown keys refused."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Store options, validated once.

    Each room declares its own records beside the step that they steer; the project file
    is composed of them.

    >>> class Spacing(Settings):
    ...     spacing_m: float = 1000.0
    >>> Spacing(spacing_m=500).spacing_m
    500.0
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False
    )
