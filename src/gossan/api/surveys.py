"""Surveys of the Python API: a table becomes samples, and a column of it an element."""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import CRS

from gossan.api.scratch import scratch
from gossan.errors import GossanWarning, SurveyError, must
from gossan.geo.samples import Samples
from gossan.geochem.findings import Findings
from gossan.geochem.table.columns import known_elements
from gossan.geochem.table.reading import SurveyTable, read_table
from gossan.geochem.table.settings import SurveySettings
from gossan.geochem.table.survey import read_survey as read_table_of_survey
from gossan.geochem.transforms import TransformWord
from gossan.pipeline.options.project import validated
from gossan.pipeline.surveys import Surveys, Working, working

if TYPE_CHECKING:
    import geopandas

__all__ = ["Element", "Survey", "read_survey"]

WEB_MERCATOR = "EPSG:3857"
"""Metres all over the world: good enough to find the UTM zone in."""


def read_survey(
    source: str | Path | geopandas.GeoDataFrame, *, to_crs: Any = None, **options: Any
) -> Survey:
    """Read a geochemical survey; values below detection limits are recognised, not taken as zero.

    Parameters
    ----------
    source
        Table (CSV, Excel, GeoPackage, shapefile ...) or a GeoDataFrame of points.
    to_crs
        Projected coordinate system in metres that the samples are brought to. Default: that of the
        coordinates, or the UTM zone of the survey where these are degrees.
    **options
        Keys of ``[[survey]]`` in a project file: ``crs`` of the coordinates, ``support_m``,
        ``columns={"Cu": "cu_icp"}``, ``unit="ppm"``, ``x``, ``y``, ``censoring`` and so on.

    Returns
    -------
    Survey, whose ``element(name)`` is what models are fitted to.

    Raises
    ------
    SurveyError
        The table cannot be read as it is; the message has one line for each mistake.
    """
    path = source if isinstance(source, str | Path) else _as_file(source)
    settings = validated(SurveySettings, {"path": str(path), **options}, "read_survey")
    if to_crs is None:
        to_crs = _projected(settings)
    return Survey(settings, CRS.from_user_input(to_crs))


def _as_file(frame: geopandas.GeoDataFrame) -> Path:
    """Put a frame where the reader finds it: the same checks then hold as for a file."""
    folder = scratch() / uuid.uuid4().hex
    folder.mkdir()
    path = folder / "samples.gpkg"
    frame.to_file(path, layer="survey", driver="GPKG")
    return path


def _projected(settings: SurveySettings) -> CRS:
    """Choose a system in metres: that of the coordinates, or the UTM zone of the samples."""
    stated = settings.crs or _table(settings).crs
    if stated is None:
        cure = "Pass crs='EPSG:...' of the coordinates"
        raise SurveyError(must("crs", "stated where the table does not", "none", cure))
    system = CRS.from_user_input(stated)
    if system.is_projected:
        return system
    samples, _ = read_table_of_survey(settings, (), WEB_MERCATOR)
    return CRS.from_user_input(samples.frame.to_crs(4326).estimate_utm_crs())


def _table(settings: SurveySettings) -> SurveyTable:
    return read_table(Path(settings.path), settings.file_options())


@dataclass(frozen=True, eq=False, repr=False)
class Survey:
    """One survey: where its table is, how it is meant, and the system its samples come to.

    Parameters
    ----------
    settings
        As in ``[[survey]]`` of a project file.
    crs
        Projected system in metres.
    """

    settings: SurveySettings
    crs: CRS

    @property
    def elements(self) -> tuple[str, ...]:
        """Elements that the names of the columns state, and those that the settings name."""
        found = known_elements(list(map(str, _table(self.settings).frame.columns)))
        return tuple(dict.fromkeys((*self.settings.columns, *found)))

    def element(self, name: str) -> Element:
        """Read one element.

        Parameters
        ----------
        name
            Symbol, oxide, or name of a column.

        Raises
        ------
        SurveyError
            There is no such element, or its values cannot be used as they are.

        Warns
        -----
        GossanWarning
            For each thing in the table that should be looked at.
        """
        samples, findings = self._read([name])
        for finding in findings.of_severity("warning"):
            line = finding.line().removeprefix("warning: ")
            warnings.warn(f"{samples.name}: {line}", GossanWarning, stacklevel=2)
        return Element(samples, name, findings, self.settings.censoring)

    def findings(self, *elements: str) -> pd.DataFrame:
        """List what the reader found, corrected or assumed; of all elements where none is named."""
        return self._read(elements or self.elements)[1].to_frame()

    def to_geodataframe(self, *elements: str) -> geopandas.GeoDataFrame:
        """Return the samples with the values of elements; of all where none is named."""
        return self._read(elements or self.elements)[0].frame.copy()

    def _read(self, elements: Sequence[str]) -> tuple[Samples, Findings]:
        return read_table_of_survey(self.settings, elements, self.crs)

    def __repr__(self) -> str:
        return f"Survey({Path(self.settings.path).name!r}: {', '.join(self.elements)})"

    def _repr_html_(self) -> str:
        from gossan.api.notebook import card, dots

        frame = self.to_geodataframe(*self.elements[:1])
        places = np.column_stack([frame.geometry.x, frame.geometry.y])
        name = Path(self.settings.path).name
        facts = {
            "samples": str(len(frame)),
            "elements": ", ".join(self.elements),
            "system": self.crs.name,
        }
        return card(f"Survey {name}", facts, dots(places, np.arange(len(frame), dtype=float)))


@dataclass(frozen=True, eq=False, repr=False)
class Element:
    """Samples of one element; NaN where it was not analysed.

    Parameters
    ----------
    samples
        The survey's samples.
    name
        Name of the element.
    findings
        What the reader found.
    censoring
        How values below detection limits were estimated.
    """

    samples: Samples
    name: str
    findings: Findings
    censoring: Any = "half"

    @property
    def unit(self) -> str:
        """Unit of the values."""
        return self.samples.units[self.name]

    @property
    def values(self) -> NDArray[np.float64]:
        """(n,) values in the unit, estimated where they are below a detection limit."""
        return self.samples.values(self.name)

    @property
    def censored(self) -> NDArray[np.bool_]:
        """(n,) which values are beyond a detection limit."""
        return self.samples.censored(self.name)

    @property
    def coordinates(self) -> NDArray[np.float64]:
        """(n, 2) easting and northing in metres."""
        return self.samples.coordinates

    @property
    def crs(self) -> CRS:
        """Coordinate system of the samples."""
        return self.samples.crs

    @property
    def support_m(self) -> float:
        """Side of the square that each sample stands for; 0 for a point."""
        return self.samples.support_m

    def to_crs(self, crs: Any) -> Element:
        """Bring the samples to another projected system in metres."""
        return replace(self, samples=replace(self.samples, frame=self.samples.frame.to_crs(crs)))

    def working(self, transform: TransformWord = "log") -> Working:
        """Bring the values to the scale that models work on, as a run does."""
        name = self.samples.name
        surveys = Surveys((self.samples,), (), {name: self.findings}, {name: self.censoring})
        return working(surveys, self.name, transform)

    def to_geodataframe(self) -> geopandas.GeoDataFrame:
        """Return the samples: values, whether they are censored, and places."""
        return self.samples.frame.copy()

    def __len__(self) -> int:
        return int(np.isfinite(self.values).sum())

    def __repr__(self) -> str:
        low, middle, high = np.nanquantile(self.values, (0, 0.5, 1))
        text = f"{len(self)} samples, {low:.4g} to {high:.4g} {self.unit}, median {middle:.4g}"
        below = int(self.censored.sum())
        return f"Element({self.name}: {text}{f', {below} censored' if below else ''})"

    def _repr_html_(self) -> str:
        from gossan.api.notebook import card, dots

        low, middle, high = np.nanquantile(self.values, (0, 0.5, 1))
        facts = {
            "samples": f"{len(self)}, of which {int(self.censored.sum())} censored",
            self.unit: f"{low:.4g} to {high:.4g}, median {middle:.4g}",
            "support": f"{self.support_m:g} m",
            "system": self.crs.name,
        }
        return card(f"Element {self.name}", facts, dots(self.coordinates, self.values))
