"""The samples contract: points in a projected CRS in metres with element columns in known units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import geopandas
import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

from gossan.errors import SurveyError, must


@dataclass(frozen=True, eq=False)
class Samples:
    """The samples of one survey, checked once at the door.

    Parameters
    ----------
    name
        Name of the survey.
    frame
        Points with one float column per element (NaN: not analysed) and, where values are
        censored, a boolean column ``<element>_censored`` and their limit, ``<element>_limit``;
        where it is known, the standard error of each, ``<element>_error``.
    elements
        Names of the element columns.
    units
        Unit of each element column, for example ``{"Cu": "ppm"}``.
    support_m
        Side of the square that one sample stands for, in metres (0: a point).
    medium
        What was sampled ("stream sediment", "soil", ...), if known.
    role
        "fit" or "check" (never fitted, only compared).
    """

    name: str
    frame: geopandas.GeoDataFrame = field(repr=False)
    elements: tuple[str, ...]
    units: Mapping[str, str]
    support_m: float = 0.0
    medium: str | None = None
    role: str = "fit"

    def __post_init__(self) -> None:
        crs = self.frame.crs
        if crs is None:
            raise SurveyError(
                must(f"survey {self.name!r}", "given with a CRS", "none", 'Add crs = "EPSG:..."')
            )
        if not _in_metres(CRS.from_user_input(crs)):
            raise SurveyError(
                must(
                    f"survey {self.name!r}",
                    "in a projected CRS in metres",
                    CRS.from_user_input(crs).name,
                    "Set [project] crs to a projected system such as the area's UTM zone",
                )
            )
        missing = [name for name in self.elements if name not in self.frame.columns]
        if missing:
            raise SurveyError(
                must(
                    f"survey {self.name!r}",
                    f"a table with the column {missing[0]!r}",
                    ", ".join(map(str, self.frame.columns)),
                    "Check the columns of the survey",
                )
            )

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def crs(self) -> CRS:
        """The projected CRS of the points."""
        return CRS.from_user_input(self.frame.crs)

    @property
    def coordinates(self) -> NDArray[np.float64]:
        """(n, 2) easting and northing in metres."""
        geometry = self.frame.geometry
        return np.column_stack([geometry.x.to_numpy(float), geometry.y.to_numpy(float)])

    def values(self, element: str) -> NDArray[np.float64]:
        """(n,) values of an element in its unit; NaN: not analysed."""
        return self.frame[element].to_numpy(float)

    def censored(self, element: str) -> NDArray[np.bool_]:
        """(n,) whether the value of an element is censored (below or above a limit)."""
        column = f"{element}_censored"
        if column not in self.frame.columns:
            return np.zeros(len(self.frame), bool)
        return self.frame[column].to_numpy(bool)

    def limits(self, element: str) -> NDArray[np.float64]:
        """(n,) limit of each censored value of an element; NaN where one was measured."""
        column = f"{element}_limit"
        if column not in self.frame.columns:
            return np.full(len(self.frame), np.nan)
        return np.where(self.censored(element), self.frame[column].to_numpy(float), np.nan)

    def standard_error(self, element: str) -> NDArray[np.float64]:
        """(n,) known standard error of an element in its unit; NaN where it is not known.

        From the survey's column of errors, else from the laboratory's precision.
        """
        column = f"{element}_error"
        if column not in self.frame.columns:
            return np.full(len(self.frame), np.nan)
        return self.frame[column].to_numpy(float)

    def with_errors(self, element: str, errors: NDArray[np.float64]) -> Samples:
        """Return the samples with known standard errors (n,) of an element in its unit."""
        return replace(self, frame=self.frame.assign(**{f"{element}_error": errors}))

    def covariates(self, names: Sequence[str]) -> NDArray[np.float64]:
        """(n, k) further numeric columns of the survey."""
        return self.frame[list(names)].to_numpy(float)

    def subset(self, rows: NDArray[np.bool_] | NDArray[np.int_]) -> Samples:
        """Keep some rows."""
        return replace(self, frame=self.frame.iloc[np.arange(len(self.frame))[rows]])


def _in_metres(crs: CRS) -> bool:
    return crs.is_projected and all(
        abs(axis.unit_conversion_factor - 1) < 1e-9 for axis in crs.axis_info[:2]
    )
