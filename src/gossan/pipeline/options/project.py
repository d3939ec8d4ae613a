"""The project file: typed, validated whole, every mistake reported at once."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError, field_validator
from pyproj import CRS
from pyproj.exceptions import CRSError

from gossan.errors import SettingsError, must, reason_of
from gossan.evaluate.folds import ValidationSettings
from gossan.fusion.registry import entry_of, settings_of
from gossan.geochem.batch_levelling import SurveyLevelling
from gossan.geochem.kriging.settings import KrigeSettings
from gossan.geochem.table.survey import SurveySettings
from gossan.geochem.transforms import TransformWord
from gossan.imagery.settings import ImagerySettings
from gossan.imagery.terrain.settings import TerrainSettings
from gossan.io.contract import BASELINE, SharedLayer
from gossan.mistakes import Mistake, mistakes_in
from gossan.names import Name, file_name, sharing_a_file
from gossan.settings import Settings
from gossan.targets.anomalies import AnomalySettings
from gossan.targets.thresholds import Rule

Record = TypeVar("Record", bound=BaseModel)
PLAIN = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
IMAGERY_LAYERS = ("bands", "indices", "pc", "exposure", "composite")
"""Layers of each imagery: ``layers/<imagery>_<layer>.tif``."""
MOST_BYTES = 2 * 2**20
DEEPEST = 20
"""Largest project file, and how deep its tables may be nested."""


class ProjectSettings(Settings):
    """What the run is about."""

    name: str = "gossan project"
    """Title of the report."""
    crs: str | None = None
    """Of the output grid; default: that of the imagery."""
    elements: tuple[Name, ...] = Field(min_length=1)
    """Elements to map, such as ["Cu", "Zn"]; any numeric column can be one."""
    seed: int = Field(default=7, ge=0, lt=2**32)
    """Of everything drawn at random: same seed, same maps."""
    transform: TransformWord = "log"
    """Scale on which elements are kriged and fused."""
    levelling: SurveyLevelling = "none"
    """Bring further fitted surveys to the level of the first one; "border": by the samples beside
    their common border alone, so that true differences stay."""
    border_band_m: float | None = Field(default=None, gt=0)
    """Width of the band on either side of a border; default: twelve sample spacings."""
    pixel_m: Annotated[float, Field(gt=0)] | Literal["finest"] = "finest"
    """Pixel size of the output grid: the finest imagery's, or metres."""
    extent: Literal["survey", "imagery"] = "survey"
    """Map the surveyed ground and two sample spacings around it, or all of the imagery."""
    tile_px: int | None = Field(default=None, ge=64)
    """Write maps in tiles of so many pixels a side, of a fixed lattice; default: one file a map."""
    paper: bool | tuple[Name, ...] = False
    """Also make the paper's maps as printed, where no [[product]] is named: of every imagery, or
    of these, such as ["aster"]."""
    occurrences: Path | None = None
    """Known mines and outcrops, for the occurrence statistics."""

    @field_validator("crs")
    @classmethod
    def _known(cls, crs: str | None) -> str | None:
        try:
            if crs is not None:
                CRS.from_user_input(crs)
        except CRSError:
            cure = 'Write "EPSG:<code>", such as "EPSG:32638" for zone 38 north of UTM'
            raise ValueError(f"must be a known coordinate system. {cure}") from None
        return crs

    @field_validator("paper", mode="before")
    @classmethod
    def _all_or_names(cls, paper: Any) -> Any:
        if isinstance(paper, bool) or (isinstance(paper, list | tuple) and paper):
            return paper
        raise ValueError('must be true, false or names of [[imagery]], such as ["aster"]')

    def makes_paper(self, imagery: str) -> bool:
        """Whether the paper's maps are made of an imagery."""
        return self.paper if isinstance(self.paper, bool) else imagery in self.paper

    @field_validator("elements")
    @classmethod
    def _once(cls, elements: tuple[str, ...]) -> tuple[str, ...]:
        for same in sharing_a_file(elements):
            raise ValueError(f"must name {same[0]} once (upper and lower case are the same)")
        return elements


class AnomalyRule(AnomalySettings):
    """How thresholds are set and what counts as an anomaly."""

    rule: Rule = "median_mad"
    """Threshold rule, applied to the samples; all rules are shown beside it."""
    threshold: dict[str, float] = Field(default_factory=dict)
    """Thresholds of your own by element, in its unit; they win over the rule."""
    commodities: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Commodities of occurrences that count for an element; default: its own; ["*"] for all."""


class ProductSettings(Settings):
    """One map: a name, a model's word, its features and the model's own options."""

    name: Name
    """Name of the product; its files begin with it."""
    model: str
    """Model that makes the map."""
    features: str = ""
    """What the model sees: "<imagery>.all", "<imagery>.pc2", "<imagery>.<band>", joined by " +
    "."""
    elements: tuple[str, ...] | None = None
    """Elements to map; default: all of the project."""
    transform: TransformWord | None = None
    """Scale the model works on; default: that of [project], raw units for the literal pyramid."""
    options: Settings = Settings()

    @field_validator("name")
    @classmethod
    def _plain(cls, name: str) -> str:
        if not PLAIN.match(name):
            raise ValueError("must be letters, digits, _ and -, since it names files")
        return name


class EngineSettings(Settings):
    """Where the work is done; the maps do not depend on it."""

    cluster: str | None = None
    """local:4 (processes) or the address of a scheduler of dask.distributed."""
    workers: int | None = Field(default=None, ge=1)
    """Threads on this machine; default: one for each processor."""
    threads: int = Field(default=1, ge=1)
    """Threads of each process of cluster = "local:N"."""
    memory: str | None = Field(default=None, pattern=r"^[0-9.]+ ?[KMGT]i?B$")
    """Most memory of each such process; default: an equal share of this machine's."""


class Project(Settings):
    """A whole project file."""

    base: Path
    project: ProjectSettings
    survey: tuple[SurveySettings, ...] = Field(min_length=1)
    imagery: tuple[ImagerySettings, ...] = ()
    validation: ValidationSettings = ValidationSettings(folds=5)
    anomalies: AnomalyRule = AnomalyRule()
    kriging: KrigeSettings = KrigeSettings()
    terrain: TerrainSettings = TerrainSettings()
    engine: EngineSettings = EngineSettings()
    product: tuple[ProductSettings, ...] = ()

    @property
    def elements(self) -> tuple[str, ...]:
        """Elements of the run."""
        return self.project.elements

    def path(self, path: Path | str) -> Path:
        """Resolve a path of the project file against its folder."""
        return self.base / path


SECTIONS: dict[str, type[BaseModel]] = {
    "project": ProjectSettings,
    "validation": ValidationSettings,
    "anomalies": AnomalyRule,
    "kriging": KrigeSettings,
    "engine": EngineSettings,
    "terrain": TerrainSettings,
}
LISTS: dict[str, type[BaseModel]] = {"survey": SurveySettings, "imagery": ImagerySettings}


def load_project(path: Path | str) -> Project:
    """Read and validate a project file.

    ``${NAME}`` and ``${NAME:-default}`` in strings are replaced from the environment. Paths are
    relative to the file's folder.

    Raises
    ------
    SettingsError
        One line for each mistake, all together.
    """
    path = Path(path)
    if path.is_dir():
        path = path / "project.toml"
    if not path.exists():
        cure = "Check the path, or make one with `gossan init DIR`"
        raise SettingsError(must("project file", "an existing file", path, cure))
    try:
        text = path.read_bytes()
        if len(text) > MOST_BYTES:
            raise ValueError(f"{len(text) / 2**20:.0f} MiB")
        content = tomllib.loads(text.decode("utf-8-sig"))
        _check_depth(content)
    except RecursionError:
        got = "tables or lists inside one another, hundreds deep"
        raise SettingsError(must(path.name, "flat", got, "Take the nested keys out")) from None
    except ValueError as error:
        cure = "Correct the line it names (on Windows write paths with / or in 'single quotes')"
        allowed = f"valid TOML in UTF-8, at most {MOST_BYTES // 2**20} MiB"
        raise SettingsError(must(path.name, allowed, reason_of(error), cure)) from error
    return parse_project(content, path.parent.resolve())


def _check_depth(value: Any, depth: int = 0) -> None:
    """Refuse what no reader of settings could walk through."""
    if depth > DEEPEST:
        raise RecursionError
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, (dict, list)):
            _check_depth(item, depth + 1)


def parse_project(content: dict[str, Any], base: Path) -> Project:
    """Validate the content of a project file (as ``load_project`` does, from a dictionary).

    Raises
    ------
    SettingsError
        One line for each mistake, all together.
    """
    mistakes: list[str] = []
    content = _from_environment(content, mistakes)
    parsed: dict[str, Any] = {"base": base}
    known = [*SECTIONS, *LISTS, "product"]
    mistakes += [_unknown(key, known, "the project file") for key in content if key not in known]
    for key, record in SECTIONS.items():
        if key in content or key == "project":
            parsed[key] = _validate(record, content.get(key, {}), f"[{key}]", mistakes)
    for key, record in LISTS.items():
        rows = _rows(content, key, mistakes)
        parsed[key] = tuple(_validate(record, r, _label(key, i, r), mistakes) for i, r in rows)
    rows = _rows(content, "product", mistakes)
    parsed["product"] = tuple(_product(row, _label("product", i, row), mistakes) for i, row in rows)
    if not parsed["survey"]:
        mistakes.append("[[survey]]: at least one survey is needed.")
    if not mistakes:
        mistakes += _contradictions(parsed)
    if mistakes:
        raise SettingsError("\n".join(mistakes))
    return Project(**parsed)


def settings_record(project: Project) -> dict[str, Any]:
    """Return the project's settings as plain values, products with their options."""
    record = project.model_dump(mode="json", exclude={"base", "product"})
    record["product"] = [
        product.model_dump(mode="json", exclude={"options"})
        | product.options.model_dump(mode="json", exclude={"model"})
        for product in project.product
    ]
    return record


def _rows(
    content: dict[str, Any], key: str, mistakes: list[str]
) -> list[tuple[int, dict[str, Any]]]:
    rows = content.get(key, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        mistakes.append(f"[[{key}]] must be a list of tables; write [[{key}]] in double brackets.")
        return []
    return list(enumerate(rows, 1))


def _label(key: str, number: int, row: dict[str, Any]) -> str:
    return f"[[{key}]] {row.get('name', number)!r}"


def _validate(
    record: type[BaseModel], row: Any, label: str, mistakes: list[str]
) -> BaseModel | None:
    try:
        return record.model_validate(row)
    except ValidationError as error:
        fields = _field_names(record)
        mistakes += [_sentence(one, fields, label) for one in mistakes_in(error)]
        return None


def validated(record: type[Record], row: Any, label: str) -> Record:
    """Make one settings record from keys and values.

    Raises
    ------
    SettingsError
        One line for each mistake, all together.
    """
    mistakes: list[str] = []
    found = _validate(record, row, label, mistakes)
    if not isinstance(found, record):
        raise SettingsError("\n".join(mistakes))
    return found


def _field_names(record: type[BaseModel]) -> list[str]:
    return [info.alias or name for name, info in record.model_fields.items()]


def _sentence(mistake: Mistake, fields: list[str], label: str) -> str:
    if mistake.kind == "unknown":
        return _unknown(mistake.key, fields, label)
    return f"{label}: {mistake.sentence()}"


def _unknown(key: str, known: list[str], label: str) -> str:
    near = difflib.get_close_matches(key, known, 1, 0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}."
    return f"{label}: {key!r} is not a known key; {hint}"


def _product(row: dict[str, Any], label: str, mistakes: list[str]) -> ProductSettings | None:
    """Split a product's table into what every product has and its model's own options."""
    common = [name for name in ProductSettings.model_fields if name != "options"]
    shared = {key: value for key, value in row.items() if key in common}
    product = _validate(ProductSettings, shared, label, mistakes)
    if not isinstance(product, ProductSettings):
        return None
    try:
        record = settings_of(product.model)
    except SettingsError as error:
        mistakes.append(f"{label}: {error}")
        return None
    own = {key: value for key, value in row.items() if key not in common}
    before = len(mistakes)
    for key in [key for key in own if key not in record.model_fields]:
        mistakes.append(_unknown(key, [*common, *_field_names(record)], label))
        del own[key]
    options = _validate(record, own, label, mistakes)
    if len(mistakes) > before or not isinstance(options, Settings):
        return None
    return product.model_copy(update={"options": options})


def _contradictions(parsed: dict[str, Any]) -> list[str]:
    """Find what is wrong between the parts."""
    mistakes = []
    for key in ("survey", "imagery", "product"):
        for same in sharing_a_file(row.name for row in parsed[key]):
            mistakes.append(
                f"[[{key}]]: the name {same[0]!r} is used twice (upper and lower case are the "
                "same); names must differ."
            )
    mistakes += _shared_files(parsed)
    mistakes += _catchments(parsed)
    if not any(survey.role == "fit" for survey in parsed["survey"]):
        mistakes.append('[[survey]]: at least one survey must have role = "fit".')
    imagery = [row.name for row in parsed["imagery"]]
    paper = parsed["project"].paper
    for name in () if isinstance(paper, bool) else paper:
        if name not in imagery:
            mistakes.append(
                f"[project]: paper must be true, false or names of [[imagery]] "
                f"({', '.join(imagery) or 'none'}); got {name!r}."
            )
    for product in parsed["product"]:
        members = getattr(product.options, "members", ()) if product.model == "blend" else ()
        needing = [m for m in (product.model, *members) if entry_of(m).needs_features]
        if needing and not product.features.strip():
            mistakes.append(
                f"[[product]] {product.name!r}: model = {product.model!r} needs features, such as "
                f'features = "{(imagery or ["indices"])[0]}.all"; got none.'
            )
        if product.name == BASELINE and product.model != BASELINE:
            mistakes.append(
                f"[[product]] {BASELINE!r}: the baseline of all scores must be model = "
                f"{BASELINE!r}; got {product.model!r}. Rename the product."
            )
        for feature in filter(None, (f.strip() for f in product.features.split("+"))):
            source = feature.split(".")[0]
            if feature == "covariates":
                if not any(survey.covariates for survey in parsed["survey"]):
                    mistakes.append(
                        f"[[product]] {product.name!r}: features = 'covariates' needs covariates "
                        "in the [[survey]]; got none."
                    )
            elif source not in imagery:
                known = ", ".join(imagery) or "none"
                mistakes.append(
                    f"[[product]] {product.name!r}: features must begin with the name of an "
                    f"[[imagery]] ({known}); got {feature!r}."
                )
        for element in product.elements or ():
            if element not in parsed["project"].elements:
                mistakes.append(
                    f"[[product]] {product.name!r}: element {element!r} is not among the "
                    f"project's elements ({', '.join(parsed['project'].elements)})."
                )
    return mistakes


def _catchments(parsed: dict[str, Any]) -> list[str]:
    """Find what is wrong with surveys whose samples stand for catchments."""
    surveys = [survey for survey in parsed["survey"] if survey.support == "catchment"]
    if not surveys:
        return []
    label, found = f"[[survey]] {surveys[0].name!r}: support = 'catchment'", []
    terrain = parsed.get("terrain")
    if terrain is None or (terrain.dem is None and terrain.flow is None):
        found.append(
            f'{label} needs [terrain] with dem = "heights.tif" or flow = "d8.tif"; got none.'
        )
    if surveys[0].role != "fit" or sum(one.role == "fit" for one in parsed["survey"]) > 1:
        cure = 'Set role = "check" for the others, with a square as their support.'
        found.append(f"{label} must be that of the one survey to fit; got several surveys. {cure}")
    return found


def _shared_files(parsed: dict[str, Any]) -> list[str]:
    """Find names that are different but would give two maps the same file."""
    files = {str(layer): [str(layer)] for layer in SharedLayer}
    for one in parsed["imagery"]:
        for layer in IMAGERY_LAYERS:
            files.setdefault(file_name(one.name, layer), []).append(f"imagery {one.name!r}")
    for product in parsed["product"]:
        for element in product.elements or parsed["project"].elements:
            for ending in ("", "se"):
                made = f"product {product.name!r} of {element!r}"
                files.setdefault(file_name(product.name, element, ending), []).append(made)
    by_file: dict[str, list[str]] = {}
    for name, makers in files.items():
        by_file.setdefault(name.casefold(), []).extend(makers)
    return [
        f"{makers[0]} and {makers[1]} would write the same file {name}.tif; rename one of them."
        for name, makers in by_file.items()
        if len(makers) > 1
    ]


_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def _from_environment(value: Any, mistakes: list[str]) -> Any:
    if isinstance(value, dict):
        return {key: _from_environment(item, mistakes) for key, item in value.items()}
    if isinstance(value, list):
        return [_from_environment(item, mistakes) for item in value]
    if not isinstance(value, str):
        return value
    if not value.isprintable():
        mistakes.append(
            f"{value!r} holds a line break, a tab or another sign that cannot be seen: write "
            "Windows paths with / or in 'single quotes'."
        )

    def replace(match: re.Match[str]) -> str:
        found = os.environ.get(match[1], match[2])
        if found is None:
            mistakes.append(f"environment variable {match[1]} is not set; set it or give a path.")
            return ""
        return found

    return _VARIABLE.sub(replace, value)
