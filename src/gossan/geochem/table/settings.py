"""The settings of a survey: one ``[[survey]]`` of a project."""

from __future__ import annotations

import difflib
from typing import Literal

from pydantic import Field, field_validator, model_validator

from gossan.errors import must
from gossan.geochem.batch_levelling import Levelling
from gossan.geochem.censoring import Censoring
from gossan.geochem.findings import CODES
from gossan.geochem.table.cells import CodeMeaning, Words
from gossan.geochem.table.duplicates import DuplicatePolicy
from gossan.geochem.table.notation import Decimal, Thousands
from gossan.geochem.table.reading import FileOptions
from gossan.names import Name
from gossan.settings import Settings


class TableFile(Settings):
    """How the file of a table is read."""

    sheet: str | None = None
    """Sheet of a workbook, or layer of a vector file."""
    delimiter: str = "auto"
    """"comma", "semicolon", "tab", "pipe", "space", or the sign itself; "auto" finds it."""
    decimal: Decimal = "auto"
    """Decimal sign: "point" or "comma"; "auto" finds it and asks where it cannot."""
    thousands: Thousands = "auto"
    """What parts thousands: "comma", "point", "none" (blanks and apostrophes are always read)."""
    encoding: str = "auto"
    """"utf-8", "cp1252", "cp1251", "gb18030", "cp932" ...; "auto" finds it."""
    header_row: int | None = Field(default=None, ge=1)
    """Row of the header, the first of the file being 1; default: found."""

    def file_options(self) -> FileOptions:
        """Collect what the reader of the file needs."""
        return FileOptions(**{name: getattr(self, name) for name in TableFile.model_fields})


class SitesSettings(TableFile):
    """The second table of a survey, which holds the positions."""

    path: str
    """Table with the positions."""
    id: str | None = None
    """Column of the names; default: that of the survey, else the one whose names agree."""


class QualityControl(Settings):
    """The laboratory's controls among the rows of a survey; what is not stated is recognised."""

    column: str | None = None
    """Column of sample types; default: found."""
    standards: tuple[str, ...] = ()
    """Names of certified materials, with * and ?, such as "OREAS*"."""
    blanks: tuple[str, ...] = ()
    """Names of blanks."""
    duplicates: tuple[str, ...] = ()
    """Names of field duplicates, such as "*-D"."""
    repeats: tuple[str, ...] = ()
    """Names of repeated analyses."""
    original: str | None = None
    """Column that names the sample which a duplicate or repeat is one of."""
    date: str | None = None
    """Column by which the results are ordered; default: the order of rows."""
    certified: str | dict[str, dict[str, float]] | None = None
    """Certified contents: a table with the name in its first column and one column per element, or
    { "OREAS 45d" = { Cu = 371 } } in the unit delivered."""


class SurveySettings(TableFile):
    """Where a survey's table is and what it means: one ``[[survey]]`` of a project."""

    name: Name = "survey"
    """Name of the survey, in files and tables."""
    path: str
    """Table of the samples; relative to the project file."""

    x: str | None = None
    """Column of the easting or longitude."""
    y: str | None = None
    """Column of the northing or latitude."""
    crs: str | None = None
    """Coordinate system of x and y."""
    zone_column: str | None = None
    """Column of the UTM or grid zone, row by row; "none": not used; default: found."""
    id: str | None = None
    """Column of the samples' names."""
    sites: str | SitesSettings | None = None
    """Second table with the positions: its path, or { path = ..., sheet = ..., id = ... }."""

    columns: dict[str, str] = Field(default_factory=dict)
    """Column by element, where its name does not say it."""
    unit: str | dict[str, str] | None = None
    """Unit where the columns do not state it; by element it overrules their names."""
    unit_column: str | None = None
    """Column of the unit, row by row; "none": not used; default: found."""
    qualifiers: str | dict[str, str] | None = None
    """Column of qualifiers (<, N, L, G ...), for all or by element; "none"; default: found."""
    qualifier_codes: dict[str, CodeMeaning] = Field(default_factory=dict)
    """Meaning of further qualifiers: "below", "above", "missing" or "measured"."""
    analyte: str | None = None
    """Long table: column that names the analyte of each row; "none"; default: found."""
    value: str | None = None
    """Long table: column of the contents; default: found."""
    covariates: tuple[str, ...] = ()
    """Further numeric columns, for models that use them."""
    where: dict[str, str | float | list[str | float]] = Field(default_factory=dict)
    """Rows to keep: a word (with * and ?), a list of words, or a comparison such as "<= 30"."""

    support_m: float = Field(default=0.0, ge=0.0)
    """Side of the square that one sample stands for."""
    support: Literal["square", "catchment"] = "square"
    """What one sample stands for: a square, or all ground that drains to it (needs [terrain])."""
    role: Literal["fit", "check"] = "fit"
    """"fit": its samples make the maps; "check": they only judge them."""
    medium: str | None = None
    """What was sampled."""
    medium_column: str | None = None
    """Column that states it row by row."""
    horizon: str | None = None
    """Soil horizon to keep ("B", "B*"); needs horizon_column unless it is found by its name."""
    horizon_column: str | None = None
    """Column of the horizon, row by row."""
    mixture: Literal["refuse", "accept", "level"] = "refuse"
    """What to do with several media or horizons in one table."""
    batch: str | None = None
    """Column of the laboratory's batches."""
    levelling: Levelling = "none"
    """Bring batches, or media where mixture = "level", to one level."""

    qc: QualityControl = Field(default_factory=QualityControl)
    """The laboratory's controls: standards, blanks, duplicates; recognised by default."""
    errors: dict[str, str] = Field(default_factory=dict)
    """Column of the standard error of each content by element, in the unit of the contents."""
    precision: Literal["none", "repeats", "duplicates"] = "none"
    """Where the other errors are known from: repeated analyses, by batch where a batch has 8 of
    them, or field duplicates. Models take known errors for noise of that sample."""

    missing: tuple[str | float, ...] = ()
    """Further words or numbers for "not analysed"."""
    below: tuple[str | float, ...] = ()
    """Further words for "below the detection limit", or numbers that are limits (-99: below 99)."""
    detection_limits: dict[str, float | str] = Field(default_factory=dict)
    """Detection limit by element, in the column's unit, or the column that holds it, for cells
    that do not state it."""
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

    @property
    def sites_table(self) -> SitesSettings | None:
        """The second table, however it was written; it reads numbers as the first one does."""
        if isinstance(self.sites, str):
            return SitesSettings(path=self.sites, decimal=self.decimal, thousands=self.thousands)
        return self.sites

    def words(self) -> Words:
        """Collect the words, numbers and codes that the user adds."""
        return Words(self.missing, self.below, self.qualifier_codes)

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
        if self.value is not None and self.analyte is None:
            cure = "Name the column of the analytes"
            raise ValueError(must("analyte", "stated where value is", "none", cure))
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
    def _not_blank(cls, value: str | SitesSettings | None) -> str | SitesSettings | None:
        if isinstance(value, str) and not value.strip():
            raise ValueError("must be a file name; got an empty one. Name the table.")
        return value
