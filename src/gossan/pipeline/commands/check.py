"""Check a project before a run: tables, headers, and pixels under the samples."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gossan.arrays.spacing import sample_spacing
from gossan.errors import InputError
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.sampling import SampledBlocks
from gossan.geochem.findings import Findings, understood
from gossan.geochem.table.coordinates import check_extent
from gossan.imagery.atmosphere.settings import AtmosphereSettings
from gossan.imagery.sentinel2.jp2_store import without_decoding
from gossan.imagery.sentinel2.sen2cor import require_program
from gossan.imagery.settings import ImagerySettings
from gossan.pipeline.anomaly_rule import threshold_doubts
from gossan.pipeline.feature_sets import feature_errors
from gossan.pipeline.imagery import Imagery, open_imagery
from gossan.pipeline.inputs import place
from gossan.pipeline.options.products import (
    Product,
    baseline_facts,
    baseline_notes,
    products_of,
)
from gossan.pipeline.options.project import Project
from gossan.pipeline.output_grid import project_crs
from gossan.pipeline.pace import Ground
from gossan.pipeline.preflight import (
    disk_mib,
    free_mib,
    late_errors,
    memory_mib,
    memory_warnings,
)
from gossan.pipeline.progress import Silent, collected_warnings
from gossan.pipeline.surveys import Surveys, read_surveys, working
from gossan.pipeline.time_needed import (
    Expected,
    longest_text,
    seconds_needed,
    steps_expected,
    time_text,
)
from gossan.pipeline.training_sets import training_errors
from gossan.pipeline.under_samples import look_under

FEWEST_SAMPLES = 30
"""Samples below which a variogram, and so every map, is on weak feet."""
SAMPLE = SampledBlocks()


@dataclass(frozen=True)
class CheckFinding:
    """One thing to know about the input: an "error" stops a run, a "warning" does not."""

    severity: str
    text: str

    @classmethod
    def parse(cls, line: str) -> CheckFinding:
        """Read a line that may begin with its severity.

        >>> CheckFinding.parse("warning: few samples").severity
        'warning'
        """
        severity, mark, text = line.partition(": ")
        if mark and severity in ("error", "warning", "note"):
            return cls(severity, text)
        return cls("warning", line)

    def __str__(self) -> str:
        return f"{self.severity}: {self.text}"


@dataclass(frozen=True, eq=False)
class Checked:
    """What a run is made of (facts), and what is wrong (records, worst first)."""

    facts: pd.DataFrame
    records: tuple[CheckFinding, ...]

    @property
    def findings(self) -> tuple[str, ...]:
        """The records as lines."""
        return tuple(map(str, self.records))

    @property
    def blocked(self) -> bool:
        """Whether a run would fail."""
        return any(finding.severity == "error" for finding in self.records)


def check_project(project: Project) -> Checked:
    """Look at every input of a project, as a run would, without making a map.

    Reads the tables, the occurrences, the headers of rasters, the pixels of plain rasters and of
    ASTER scenes under the samples, and the pixels of some windows; of Sentinel-2 products a few
    blocks. Corrections that a run fits to whole scenes are fitted to a few windows, as a note
    says. Reports CRS, overlap of samples and imagery, units, counts, memory and disk needed, and
    how to correct what is wrong.
    """
    with tempfile.TemporaryDirectory(prefix="gossan_") as scratch, without_decoding():
        return _checked(project, Path(scratch))


def _checked(project: Project, scratch: Path) -> Checked:
    """Check a project; images that must be decoded whole are decoded into ``scratch``."""
    errors: list[str] = []
    imagery: list[Imagery] = []
    warned: list[str] = []
    for settings in project.imagery:
        try:
            one, found = _opened(project, settings, scratch)
            imagery.append(one)
            warned += found
        except InputError as error:
            errors += str(error).splitlines()
    facts = [_imagery_fact(one) for one in imagery]
    complete = not errors
    if complete:
        errors += feature_errors(project, imagery)
    surveys, grid, more = _placed(project, imagery, complete)
    errors += more
    warnings = [line if line.startswith("note: ") else f"warning: {line}" for line in warned]
    if surveys is not None:
        facts += _survey_facts(surveys)
        errors += _element_errors(project, surveys)
        warnings += _threshold_warnings(project, surveys)
        warnings += [
            f"{finding.severity}: {name}: {finding.line().removeprefix(finding.severity + ': ')}"
            for name, found in surveys.findings.items()
            for finding in found
            if finding.severity != "note"
        ]
    if surveys is not None and grid is not None:
        facts += _grid_facts(project, imagery, surveys, grid)
        warnings += _grid_warnings(surveys, grid)
        warnings += memory_warnings(imagery, grid)
        late = late_errors(project, imagery, grid)
        errors += late
        if not errors:
            errors += training_errors(project, surveys, imagery, grid)
        for one in imagery:
            try:
                warnings += look_under(one, surveys.coordinates, grid.crs).lines()
            except InputError as error:
                errors += str(error).splitlines()
    warnings += [f"note: imagery {one.settings.name!r}: {n}" for one in imagery for n in one.notes]
    warnings += [f"note: {line}" for line in baseline_notes(project)]
    table = pd.DataFrame(facts, columns=["what", "found"])
    wrong = [CheckFinding("error", line) for line in errors]
    return Checked(table, (*wrong, *map(CheckFinding.parse, warnings)))


def _opened(
    project: Project, settings: ImagerySettings, scratch: Path
) -> tuple[Imagery, list[str]]:
    """Open an imagery, and return what was warned of or noted meanwhile.

    Corrections that a run fits to a whole scene are fitted to windows spread over it; where these
    do not suffice (no slope, no dark pixel in them), the whole scene decides.
    """
    settings = _without_sen2cor(settings)
    crs = project.project.crs
    with collected_warnings(Silent()) as found:
        if not settings.fitted_to_scene:
            return open_imagery(settings, project.base, scratch, Blocks(), crs), found
        try:
            one = open_imagery(settings, project.base, scratch, SAMPLE, crs)
        except InputError:
            return open_imagery(settings, project.base, scratch, Blocks(), crs), found
    return one, [*found, f"note: imagery {settings.name!r}: {_sampled(settings)}"]


def _sampled(settings: ImagerySettings) -> str:
    """Say what check looked at instead of every pixel."""
    around = settings.atmosphere.method == "6s" and settings.atmosphere.adjacency
    return (
        f"check fitted its corrections to at most {SAMPLE.across**2} windows of {SAMPLE.side} x "
        f"{SAMPLE.side} pixels of each scene{' and left the adjacency effect in' * around}; "
        "prepare and run use every pixel"
    )


def _without_sen2cor(settings: ImagerySettings) -> ImagerySettings:
    """Look at a product as it is: Sen2Cor takes half an hour, and only must be there."""
    if settings.atmosphere.method != "sen2cor":
        return settings
    if not all("MSIL2A" in path.name for path in settings.paths):
        require_program()
    return settings.model_copy(update={"atmosphere": AtmosphereSettings()})


def _placed(
    project: Project, imagery: list[Imagery], complete: bool
) -> tuple[Surveys | None, Grid | None, list[str]]:
    """Read the surveys and choose the grid; what fails is reported, the rest is still checked."""
    try:
        if complete:
            surveys, grid = place(project, imagery)
            return surveys, grid, []
        if not imagery and project.project.crs is None:
            return None, None, []  # what is wrong with the imagery is reported already
        crs = project_crs(project.project.crs, [one.bands for one in imagery])
        return read_surveys(project, crs), None, []
    except InputError as error:
        return None, None, str(error).splitlines()


def _imagery_fact(one: Imagery) -> tuple[str, str]:
    grid = one.bands.grid
    unit = grid.crs.axis_info[0].unit_name if grid.crs.axis_info else "?"
    found = (
        f"{len(one.bands.bands)} bands, {grid.width} x {grid.height} pixels of "
        f"{grid.pixel_width:g} x {grid.pixel_height:g} {unit}, {grid.crs.name}"
    )
    return f"imagery {one.settings.name}", found


def _survey_facts(surveys: Surveys) -> list[tuple[str, str]]:
    rows = []
    for samples in (*surveys.fit, *surveys.check):
        spacing = sample_spacing(samples.coordinates)
        units = ", ".join(
            " in ".join(filter(None, [element, samples.units[element]]))
            for element in samples.elements
        )
        support = f"support {samples.support_m:g} m" if samples.support_m else "points"
        found = f"{len(samples)} samples, spacing {spacing:.0f} m, {support}; {units}"
        rows.append((f"survey {samples.name} ({samples.role})", found))
        known = understood(surveys.findings.get(samples.name, Findings()))
        rows += [(f"{samples.name}: {what}", message) for what, message in known]
    return rows


def _element_errors(project: Project, surveys: Surveys) -> list[str]:
    """Find elements that no model could be fitted to."""
    errors = []
    for element in project.elements:
        try:
            data = working(surveys, element, project.project.transform)
        except InputError as error:
            errors += str(error).splitlines()
            continue
        count = len(data.observations)
        if count < 10:
            errors.append(
                f"{element} must be given for at least 10 samples; got {count}. Add samples or "
                "leave the element out."
            )
        elif data.observations.values.std() == 0:
            errors.append(
                f"{element} must be of at least two sizes; got one value {count} times. "
                "Leave the element out."
            )
    return errors


def _threshold_warnings(project: Project, surveys: Surveys) -> list[str]:
    """Doubt thresholds of anomalies and of simulations that the samples do not reach."""
    contents = {
        element: np.concatenate([s.values(element) for s in surveys.fit if element in s.elements])
        for element in project.elements
        if any(element in samples.elements for samples in surveys.fit)
    }
    simulated = {
        element: float(value)
        for element, values in project.kriging.simulation.threshold.items()
        for value in np.atleast_1d(values)
    }
    lines = [
        *threshold_doubts(project.anomalies.threshold, contents),
        *threshold_doubts(simulated, contents),
    ]
    return [f"warning: {line}" for line in dict.fromkeys(lines)]


def _grid_facts(
    project: Project, imagery: list[Imagery], surveys: Surveys, grid: Grid
) -> list[tuple[str, str]]:
    products = products_of(project, imagery)
    disk, free = disk_mib(project, imagery, grid), free_mib(project.base)
    fitted = len(surveys.coordinates) * len(project.elements)
    return [
        (
            "maps",
            f"{grid.width} x {grid.height} pixels of {grid.pixel_width:g} m, {grid.crs.name}",
        ),
        ("products", ", ".join(_words(product) for product in products)),
        ("baseline", baseline_facts(products)),
        ("time needed", _time_fact(project, imagery, surveys, grid)),
        ("memory needed", f"about {memory_mib(imagery, grid, fitted=fitted):.0f} MiB"),
        ("disk needed", f"at most {disk:.0f} MiB; {free:.0f} MiB free"),
    ]


def checked_steps(project: Project) -> list[Expected]:
    """Forecast the steps of a run of a project that ``check_project`` finds no error in."""
    with tempfile.TemporaryDirectory(prefix="gossan_") as scratch, without_decoding():
        imagery = [_opened(project, one, Path(scratch))[0] for one in project.imagery]
        return _steps(project, imagery, *place(project, imagery))


def _steps(
    project: Project, imagery: list[Imagery], surveys: Surveys, grid: Grid
) -> list[Expected]:
    places = surveys.coordinates
    support = max((samples.support_m for samples in surveys.fit), default=0.0)
    mixings = 0 if surveys.grounds is None else len(surveys.grounds.basins.mixings)
    ground = Ground(len(places), sample_spacing(places), support, 0, grid.pixel_width, mixings)
    return steps_expected(project, imagery, ground, grid)


def _time_fact(project: Project, imagery: list[Imagery], surveys: Surveys, grid: Grid) -> str:
    """Time of a run on this machine, where nothing else runs, and its longest steps."""
    steps = _steps(project, imagery, surveys, grid)
    return f"about {time_text(seconds_needed(steps))}; longest: {longest_text(steps)}"


def _words(product: Product) -> str:
    return f"{product.name} ({product.settings.model})"


def _grid_warnings(surveys: Surveys, grid: Grid) -> list[str]:
    coordinates = surveys.coordinates
    lines = []
    for samples in surveys.fit:
        lines += check_extent(samples, grid.bounds, grid.crs).lines()
    if len(coordinates) < FEWEST_SAMPLES:
        lines.append(
            f"warning: {len(coordinates)} samples are few for a variogram; expect wide errors."
        )
    return lines
