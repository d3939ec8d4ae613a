"""The contract of a run folder: comparisons and the manifest, as types.

Whatever a run writes and another command reads is named here or in ``io.tables``: writers build
these records, ``io.finished_run`` is the only reader.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict

from gossan.errors import InputError, must

__all__ = [
    "BASELINE",
    "SCHEMA",
    "Comparison",
    "ComparisonKind",
    "ElementVerdict",
    "FoldWord",
    "GridRecord",
    "ImageryShare",
    "KrigeManifest",
    "KrigedRecord",
    "ProductRecord",
    "RunManifest",
    "StepRecord",
    "Stratum",
]

SCHEMA = 2
"""Version of the run folder; increase it when a reader of the older one would go wrong."""
BASELINE = "kriging"
"""The product without imagery, against which all others are scored."""
FoldWord = Literal["blocks", "drainage", "knndm", "column", "random"]
"""How samples can be divided into folds."""


class ComparisonKind(StrEnum):
    """What a map is compared with."""

    BLOCKS = "blocks"
    DRAINAGE = "drainage"
    KNNDM = "knndm"
    COLUMN = "column"
    RANDOM = "random"
    CHECK = "check"
    COARSE = "coarse layer"
    CHECK_LAYER = "check layer"


class Stratum(StrEnum):
    """What held-out samples are classed by, to see where intervals hold."""

    DISTANCE = "distance_m"
    ESTIMATE = "estimate"
    EXPOSURE = "exposure"
    MASKED = "masked_features"

    @property
    def label(self) -> str:
        """Name for people."""
        return _STRATA[self]


_STRATA = {
    Stratum.DISTANCE: "distance to the nearest fitted sample (m)",
    Stratum.ESTIMATE: "estimate",
    Stratum.EXPOSURE: "share of the ground around the sample that no mask hides",
    Stratum.MASKED: "features that are masked at the sample",
}
_LABELS = {
    ComparisonKind.BLOCKS: "spatial blocks",
    ComparisonKind.DRAINAGE: "folds by drainage",
    ComparisonKind.KNNDM: "kNNDM folds",
    ComparisonKind.COLUMN: "folds by column",
    ComparisonKind.RANDOM: "random folds (optimistic)",
    ComparisonKind.CHECK: "check survey {}",
    ComparisonKind.COARSE: "coarse layer",
    ComparisonKind.CHECK_LAYER: "kriged check survey {}",
}


_SPATIAL = (
    ComparisonKind.BLOCKS,
    ComparisonKind.DRAINAGE,
    ComparisonKind.KNNDM,
    ComparisonKind.COLUMN,
)
"""Folds that keep neighbours together."""


@dataclass(frozen=True)
class Comparison:
    """What the maps of a run were compared with.

    ``str()`` gives the text in tables, ``label`` the one for people, and ``parse`` reads the
    former.

    Parameters
    ----------
    kind
        Held-out folds, a check survey, or a map.
    survey
        Name of the check survey.

    Examples
    --------
    >>> check = Comparison(ComparisonKind.CHECK, "detailed")
    >>> str(check), check.label
    ('check: detailed', 'check survey detailed')
    >>> Comparison.parse("check: detailed") == check
    True
    >>> Comparison.parse("blocks").is_spatial, Comparison.parse("random").is_optimistic
    (True, True)
    """

    kind: ComparisonKind
    survey: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.survey}" if self.survey else str(self.kind)

    @classmethod
    def parse(cls, text: object) -> Self:
        """Read the text of a table.

        Raises
        ------
        InputError
            The text names no comparison.
        """
        kind, _, survey = str(text).partition(": ")
        try:
            return cls(ComparisonKind(kind), survey)
        except ValueError:
            allowed = "one of " + ", ".join(ComparisonKind)
            cure = "Run the project again with this version of gossan"
            raise InputError(must("comparison", allowed, repr(text), cure)) from None

    @property
    def label(self) -> str:
        """Text for people."""
        return _LABELS[self.kind].format(self.survey)

    @property
    def is_spatial(self) -> bool:
        """True for folds that keep neighbouring samples together."""
        return self.kind in _SPATIAL

    @property
    def is_optimistic(self) -> bool:
        """True for random folds, whose held-out samples have neighbours in the fit."""
        return self.kind is ComparisonKind.RANDOM

    @property
    def is_check(self) -> bool:
        """True for the samples of an independent survey."""
        return self.kind is ComparisonKind.CHECK

    @property
    def counts_pixels(self) -> bool:
        """True where two maps are compared pixel by pixel; the others compare at samples."""
        return self.kind in (ComparisonKind.COARSE, ComparisonKind.CHECK_LAYER)


class _Record(BaseModel):
    """Base of the manifest's records."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class GridRecord(_Record):
    """Grid of the maps."""

    crs: str
    """Authority code, or WKT where there is none."""
    bounds: tuple[float, float, float, float]
    height: int
    width: int
    pixel_m: tuple[float, float]
    sample_spacing_m: float


class ImageryShare(_Record):
    """Shares of the map where imagery was used whole, in part, or not at all."""

    used: float
    part: float
    kriged_only: float


class _MapRecord(_Record):
    """What every map says of itself."""

    product: str
    """Name of the product; its files begin with it."""
    title: str
    """Name for people."""
    model: str
    element: str
    layer: str | None
    """Map of the estimate, relative to the run folder; None where no map was made."""
    standard_error: str | None
    """Map of the standard error on the working scale, relative to the run folder."""
    unit: str
    transform: str
    """Name of the transform to the working scale."""
    transform_record: dict[str, Any]
    """Fitted transform, for ``transform_from_record``."""
    samples: int
    censored: int
    censoring: str
    statistics: dict[str, dict[str, float]]
    """Minimum, mean, maximum ... of each file of the map, by its stem."""

    @property
    def scale_unit(self) -> str:
        """Unit of the working scale.

        For example "ln ppm", and the unit itself where values are not transformed.
        """
        word = {"log": "ln", "identity": ""}.get(self.transform, self.transform)
        return f"{word} {self.unit}".strip()


class ProductRecord(_MapRecord):
    """One product of a run for one element."""

    features: str
    support_m: float
    """Side of the square that a sample stands for."""
    covariates: tuple[str, ...]
    """Columns of the survey that a product without a map needs at each place."""
    options: dict[str, Any]
    """Options of the model."""
    calibration: str | None
    """What held-out samples say of the intervals, in a sentence."""
    interval_scale: float
    """Factor of the 90 % interval; ``standard_error`` already holds it."""
    choice: str | None
    """What a model that chooses among others chose; its skill there is not that of the map."""
    imagery_used: ImageryShare | None
    warnings: tuple[str, ...]
    seconds: float


class ElementVerdict(_Record):
    """Which map of an element to trust, and why, in a sentence."""

    product: str | None
    sentence: str


class StepRecord(_Record):
    """What one step of a command cost; None where the system does not tell."""

    step: str
    wall_s: float
    processor_s: float
    peak_mib: float | None
    """Highest memory of the process during the step, without pages of files."""
    read_mib: float | None
    """Bytes read from files, also where the system had them in memory."""
    written_mib: float | None


class FileRecord(_Record):
    """What a file must be to be whole."""

    bytes: int
    hash: str


class _Manifest(_Record):
    """What both kinds of folder say of themselves."""

    schema_version: Literal[2] = 2
    gossan: str
    name: str
    created: str
    seed: int
    elements: tuple[str, ...]
    settings: dict[str, Any]
    grid: GridRecord
    inputs: dict[str, str]
    files: dict[str, FileRecord] = {}
    """Every file that readers read, below the run folder."""
    versions: dict[str, str]
    seconds: float
    peak_memory_mib: float | None
    notes: tuple[str, ...]


class RunManifest(_Manifest):
    """Everything a run says of itself: ``manifest.json`` of ``gossan run`` and ``validate``."""

    command: Literal["run"] = "run"
    project_folder: str
    products: tuple[ProductRecord, ...]
    verdicts: dict[str, ElementVerdict]
    timings_s: dict[str, float]
    steps: tuple[StepRecord, ...] = ()
    """Steps of the commands that made the folder, in their order."""


class KrigedRecord(_MapRecord):
    """The kriged layers of one element of one survey."""

    survey: str
    variogram: str
    method: str
    mean: float | None
    block_m: float | None
    nugget: str
    cross_validation: Mapping[str, Any]


class KrigeManifest(_Manifest):
    """Everything a folder of ``gossan krige`` says of itself."""

    command: Literal["krige"] = "krige"
    products: tuple[KrigedRecord, ...]
