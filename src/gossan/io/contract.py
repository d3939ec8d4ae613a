"""The contract of a run folder: comparisons and the manifest, as types.

Whatever a run writes and another command reads is named here or in ``io.tables``: writers build
these records, ``io.finished_run`` is the only reader.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Literal, Self

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

SCHEMA: Final = 3
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


class SharedLayer(StrEnum):
    """Layers that belong to a run as a whole: ``layers/<name>.tif``."""

    APPLICABILITY = "applicability"
    """How unlike the samples the imagery of a pixel is; of runs with features."""
    IMAGERY_USED = "imagery_used"
    """Where imagery was used, for each set of features."""
    UNSAMPLED = "unsampled"
    """Ground of no catchment, where samples stand for catchments."""
    BACKGROUND = "background"
    """What maps of classes lead to expect of each element."""


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
    """Left, bottom, right, top, in metres of the coordinate system."""
    height: int
    """Rows of pixels."""
    width: int
    """Columns of pixels."""
    pixel_m: tuple[float, float]
    """Width and height of a pixel in metres."""
    sample_spacing_m: float
    """Typical distance between samples."""


class ImageryShare(_Record):
    """Shares of the map where imagery was used whole, in part, or not at all."""

    used: float
    """Every feature was seen."""
    part: float
    """Some features were masked."""
    kriged_only: float
    """All were masked: the map holds the kriged value."""


class _MapRecord(_Record):
    """What every map says of itself."""

    product: str
    """Name of the product; its files begin with it."""
    title: str
    """Name for people."""
    model: str
    """Word of the model in the project file."""
    element: str
    """Element that is mapped."""
    layer: str | None
    """Map of the estimate, relative to the run folder; None where no map was made."""
    standard_error: str | None
    """Map of the standard error on the working scale, relative to the run folder."""
    unit: str
    """Unit of the map of the estimate."""
    transform: str
    """Name of the transform to the working scale."""
    transform_record: dict[str, Any]
    """Fitted transform, for ``transform_from_record``."""
    samples: int
    """Number of samples that were fitted."""
    censored: int
    """How many of them are below a detection limit."""
    censoring: str
    """What stood in for them."""
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
    """What the model saw of the imagery, as in the project file."""
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
    """None for products without imagery."""
    warnings: tuple[str, ...]
    """What the model warned of."""
    seconds: float
    """Time of fitting, testing and mapping."""


class ElementVerdict(_Record):
    """Which map of an element to trust, and why, in a sentence."""

    product: str | None
    """The map to trust; None where nothing could be tested."""
    sentence: str
    """What held-out samples say, for people."""


class StepRecord(_Record):
    """What one step of a command cost; None where the system does not tell."""

    step: str
    """Title of the step."""
    wall_s: float
    """Seconds by the clock."""
    processor_s: float
    """Seconds of processors."""
    peak_mib: float | None
    """Highest memory of the process during the step, without pages of files."""
    read_mib: float | None
    """Bytes read from files, also where the system had them in memory."""
    written_mib: float | None
    """Bytes written to files."""


class FileRecord(_Record):
    """What a file must be to be whole."""

    bytes: int
    """Size of the file."""
    hash: str
    """Hash of its content."""


class _Manifest(_Record):
    """What both kinds of folder say of themselves."""

    schema_version: Literal[3] = SCHEMA
    """Version of this contract."""
    gossan: str
    """Version of gossan that wrote the folder."""
    name: str
    """Title of the project."""
    created: str
    """Date and time of the run, with its time zone."""
    seed: int
    """Seed of everything drawn at random."""
    elements: tuple[str, ...]
    """Elements in the order of the project file."""
    settings: dict[str, Any]
    """Every setting of the project, defaults included, by section."""
    grid: GridRecord
    """Grid of all maps."""
    inputs: dict[str, str]
    """Hash of each input file, by its path."""
    files: dict[str, FileRecord] = {}
    """Every file that readers read, below the run folder."""
    versions: dict[str, str]
    """Versions of Python and of the libraries that computed."""
    seconds: float
    """Time of the whole run."""
    peak_memory_mib: float | None
    """Highest memory of the process; None where the system does not tell."""
    notes: tuple[str, ...]
    """Warnings of the run, for people."""


class RunManifest(_Manifest):
    """Everything a run says of itself: ``manifest.json`` of ``gossan run`` and ``validate``."""

    command: Literal["run"] = "run"
    """Command that made the folder."""
    project_folder: str
    """Folder of the project file."""
    products: tuple[ProductRecord, ...]
    """One record for each product and element."""
    verdicts: dict[str, ElementVerdict]
    """Which map to trust, by element."""
    timings_s: dict[str, float]
    """Seconds of each step, by its title."""
    steps: tuple[StepRecord, ...] = ()
    """Steps of the commands that made the folder, in their order."""


class KrigedRecord(_MapRecord):
    """The kriged layers of one element of one survey."""

    survey: str
    """Name of the survey."""
    variogram: str
    """Fitted variogram, in words."""
    method: str
    """Kind of kriging."""
    mean: float | None
    """Mean on the working scale; None where kriging estimates it at each place."""
    block_m: float | None
    """Side of the blocks; None for points."""
    nugget: str
    """How kriging treats the nugget, as in the project file."""
    cross_validation: Mapping[str, Any]
    """Scores of leaving samples out."""


class KrigeManifest(_Manifest):
    """Everything a folder of ``gossan krige`` says of itself."""

    command: Literal["krige"] = "krige"
    """Command that made the folder."""
    products: tuple[KrigedRecord, ...]
    """One record for each element of each survey."""
