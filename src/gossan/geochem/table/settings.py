"""The settings of a survey: one ``[[survey]]`` of a project."""

from __future__ import annotations

import difflib
from typing import Literal

from pydantic import Field, field_validator, model_validator

from gossan.errors import must
from gossan.geochem.batch_levelling import Levelling
from gossan.geochem.censoring import Censoring
from gossan.geochem.table.duplicates import DuplicatePolicy
from gossan.geochem.table.findings import CODES
from gossan.settings import Settings


class SurveySettings(Settings):
    """Say where a survey's table is and how it is meant: one ``[[survey]]`` of a project."""

    name: str = "survey"
    path: str
    sheet: str | None = None
    """Sheet of a spreadsheet, or layer of a GeoPackage."""
    delimiter: str = "auto"
    """"comma", "semicolon", "tab", "pipe", "space", or the sign itself; "auto" finds it."""
    decimal: Literal["auto", "point", "comma"] = "auto"
    encoding: str = "auto"
    """"utf-8", "cp1252", "cp1251", "gb18030", ...; "auto" finds it."""
    header_row: int | None = Field(default=None, ge=1)
    """Row of the header; default: found."""

    x: str | None = None
    y: str | None = None
    crs: str | None = None
    id: str | None = None
    """Column of the samples' names."""
    sites: str | None = None
    """Second table, with the positions, when this one has none; ``id`` joins the two."""

    columns: dict[str, str] = Field(default_factory=dict)
    unit: str | dict[str, str] | None = None
    covariates: tuple[str, ...] = ()
    """Further numeric columns, for models that use them."""
    where: dict[str, str | float | list[str | float]] = Field(default_factory=dict)
    """Rows to keep: a word (with * and ?), a list of words, or a comparison such as "<= 30"."""

    support_m: float = Field(default=0.0, ge=0.0)
    role: Literal["fit", "check"] = "fit"
    medium: str | None = None
    """What was sampled."""
    medium_column: str | None = None
    """Column that says it row by row."""
    horizon: str | None = None
    horizon_column: str | None = None
    """Column of the horizon, row by row."""
    mixture: Literal["refuse", "accept", "level"] = "refuse"
    """What to do with several media or horizons in one table."""
    batch: str | None = None
    """Column of the laboratory's batches."""
    levelling: Levelling = "none"
    """Bring batches, or media where mixture = "level", to one level."""

    missing: tuple[str | float, ...] = ()
    """Further words or numbers for "not analysed"."""
    below: tuple[str, ...] = ()
    """Further words for "below the detection limit"."""
    detection_limits: dict[str, float] = Field(default_factory=dict)
    """Detection limit by element, in the column's unit, for cells that do not tell it."""
    negative: Literal["below", "missing", "refuse"] = "below"
    """What negative numbers mean: limits, by default."""
    zero: Literal["keep", "below", "missing"] = "keep"
    """What zeros mean."""
    censoring: Censoring = "half"
    """What stands in for values beyond a limit."""

    duplicates: DuplicatePolicy = "mean"
    """What to do with several samples of one place."""
    same_place_m: float = Field(default=1.0, ge=0.0)
    """Samples nearer than this are one place."""
    duplicate_m: float | None = Field(default=None, ge=0.0)
    """Distance of field duplicates; default: a tenth of the median distance to the third
    nearest place, at most 50 m."""
    accept: tuple[str, ...] = ()
    """Codes of errors to take as warnings."""
    drop: tuple[str, ...] = ()
    """Codes of findings whose rows are left out."""

    @model_validator(mode="after")
    def _levelling_stated(self) -> SurveySettings:
        if self.mixture == "level" and self.levelling == "none":
            raise ValueError(
                must(
                    "levelling", "median, robust or quantile", "none", 'mixture = "level" needs it'
                )
            )
        if self.levelling != "none" and self.mixture != "level" and self.batch is None:
            cure = 'Add batch = "...", or mixture = "level" for media'
            raise ValueError(must("batch", "stated where levelling is", "none", cure))
        if self.sites is not None and self.id is None:
            raise ValueError(must("id", "stated where sites is", "none", "Name the common column"))
        return self

    @field_validator("accept", "drop")
    @classmethod
    def _known_codes(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        for code in codes:
            if code not in CODES:
                near = difflib.get_close_matches(code, CODES, 1, 0.0)[0]
                raise ValueError(must("code", "that of a finding", code, f"Did you mean {near!r}"))
        return codes

    @field_validator("path", "sites")
    @classmethod
    def _not_blank(cls, value: str | None) -> str | None:
        if value is not None and not value.strip():
            raise ValueError("must be a file name; got an empty one. Name the table.")
        return value
