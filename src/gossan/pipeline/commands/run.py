"""From surveys and scenes to maps, tables and scores (Ding et al. 2023, Figure 8)."""

from __future__ import annotations

import json
import time
import warnings
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from gossan.errors import FitError, GossanWarning
from gossan.evaluate.alteration import alteration_table
from gossan.evaluate.folds import Division, divide
from gossan.evaluate.verdict import judge
from gossan.fusion.fit_counter import fits_counted
from gossan.fusion.protocol import FusionModel
from gossan.fusion.registry import entry_of
from gossan.geo.blocks import Blocks
from gossan.geo.raster import atomic_path, close_files
from gossan.geochem.transforms import transform_record
from gossan.io.contract import (
    BASELINE,
    SCHEMA,
    Comparison,
    ElementVerdict,
    ProductRecord,
    RunManifest,
    SharedLayer,
)
from gossan.io.finished_run import refuse_folder_of
from gossan.io.run_folder import RunFolder, fingerprint
from gossan.io.tables import Column, Table
from gossan.names import file_name
from gossan.pipeline.class_backgrounds import ClassBackgrounds, class_backgrounds
from gossan.pipeline.commands.anomalies import LAYERS, WRITTEN
from gossan.pipeline.commands.prepare import level_table, mask_table, scene_layers
from gossan.pipeline.commands.survey import judged_laboratories
from gossan.pipeline.engine import blocks_of, engine_at
from gossan.pipeline.fit_product import ElementFits, fits_of, validate_product
from gossan.pipeline.ground_guard import held_out_ground, with_doubt
from gossan.pipeline.imagery_used import ImageryUsed, write_imagery_used
from gossan.pipeline.inputs import RunInputs, grid_record, open_inputs
from gossan.pipeline.options.products import Product, product_to_trust, products_of
from gossan.pipeline.options.project import (
    IMAGERY_LAYERS,
    Project,
    settings_record,
)
from gossan.pipeline.product_maps import ElementMap, joinable, together, write_maps
from gossan.pipeline.profile import Profile, profile_of, steps_table
from gossan.pipeline.progress import Advance, Reporter, Silent, collected_warnings
from gossan.pipeline.provenance import (
    package_version,
    peak_memory_mib,
    versions,
)
from gossan.pipeline.scores import (
    check_layer_scores,
    coarse_scores,
    held_out_scores,
    image_tables,
    summary_of,
)
from gossan.pipeline.surveys import Working, with_partners, working
from gossan.pipeline.target_parts import FittedRun
from gossan.pipeline.unsampled import write_unsampled
from gossan.pipeline.whole_map_tests import ReducedResolution, write_applicability

ANOMALY_TABLES = {f"{name}.csv" for name in WRITTEN}
"""Tables that the command ``anomalies`` writes and renews."""
OF_NO_MAP = {"elements", "name", "occurrences", "paper"}
"""Keys of [project] that no map of a product depends on."""
_WITH_CATCHMENTS = "catchments and what is known of their ground add"
FIRST_MAP_PIXELS = 4_000_000
"""Largest map that is written ahead of the others: a pass over its imagery takes seconds."""


@dataclass(frozen=True, eq=False)
class RunResult:
    """Where the run is, how its products scored, which maps to trust, and what made them."""

    root: Path
    summary: pd.DataFrame
    verdicts: tuple[str, ...]
    fitted: FittedRun = field(repr=False)


@dataclass(eq=False)
class Walk:
    """What all steps of a run share."""

    project: Project
    run: RunFolder
    inputs: RunInputs
    blocks: Blocks
    reporter: Profile
    maps: bool = True
    used: ImageryUsed = field(default_factory=lambda: ImageryUsed({}))
    timings: dict[str, float] = field(default_factory=dict)
    backgrounds: ClassBackgrounds | None = None
    divisions: dict[str, Division] = field(default_factory=dict)
    fits: dict[str, ElementFits] = field(default_factory=dict)
    models: dict[tuple[str, str], FusionModel] = field(default_factory=dict)

    @cached_property
    def best(self) -> str | None:
        """Name of the product to trust."""
        return product_to_trust(products_of(self.project, self.inputs.features.imagery.values()))

    def key(self, features: str) -> str:
        """Fingerprint of the samples, the grid and the imagery that a step depends on.

        Parameters
        ----------
        features
            Names of the features that the step sees; empty for none.
        """
        project = self.project.project.model_dump(mode="json", exclude=OF_NO_MAP)
        parts: dict[str, Any] = {"project": project, "files": self.inputs.of_surveys}
        parts |= {"gossan": package_version(), "schema": SCHEMA}
        parts["survey"] = [one.model_dump(mode="json") for one in self.project.survey]
        parts["imagery"] = self.inputs.features.made_of(features)
        grid = self.inputs.grid
        parts["grid"] = [grid.crs.to_wkt(), list(grid.transform), grid.shape]
        if self.inputs.surveys.grounds is not None:
            parts["terrain"] = self.project.terrain.model_dump(mode="json")
        return fingerprint(parts)

    def made_of(self, product: Product, element: str) -> dict[str, Any]:
        """Name everything that a product of an element depends on."""
        found = {
            "inputs": self.key(product.settings.features),
            "product": product.settings.model_dump(mode="json", exclude={"elements"}),
            "options": product.settings.options.model_dump(mode="json"),
            "transform": product.transform,
            "validation": self.project.validation.model_dump(mode="json"),
            "element": element,
        }
        if entry_of(product.settings.model).of_partners:
            found["elements"] = self.project.elements
        return found


def run_project(
    project: Project,
    out: Path | str,
    workers: int | None = None,
    reporter: Reporter | None = None,
    keep_store: bool = False,
) -> RunResult:
    """Make, test and write every product of a project for every element.

    Parameters
    ----------
    project
        From ``load_project``.
    out
        Run folder; a second run into it continues from the finished steps whose inputs and
        settings have not changed.
    workers
        Threads; all processors by default. The maps do not depend on it.
    reporter
        Shows progress; silent by default.
    keep_store
        Whether the pixels of features stay in the store, for runs with changed products.

    Raises
    ------
    InputError
        One line for each mistake, before anything is written under a final name.
    """
    return _walk(project, Path(out), workers, reporter or Silent(), True, keep_store)


def validate_project(
    project: Project, out: Path | str, workers: int | None = None, reporter: Reporter | None = None
) -> RunResult:
    """Test every product on unseen samples and write the tables, without making maps."""
    return _walk(project, Path(out), workers, reporter or Silent(), maps=False, keep_store=True)


def _walk(
    project: Project,
    out: Path,
    workers: int | None,
    reporter: Reporter,
    maps: bool,
    keep_store: bool,
) -> RunResult:
    refuse_folder_of("krige", out)
    run = RunFolder(out, tiled=project.project.tile_px is not None)
    with run.changed(), engine_at(project.engine):
        blocks = blocks_of(project.engine, workers)
        with threadpool_limits(1, user_api="blas"):  # threads of BLAS spin while they wait
            result = _make_run(project, run, blocks, profile_of(reporter), maps)
        if not keep_store:
            run.drop_pixels()
        return result


def _make_run(
    project: Project, run: RunFolder, blocks: Blocks, reporter: Profile, maps: bool
) -> RunResult:
    begun = time.perf_counter()
    with reporter.step("Surveys and imagery"), collected_warnings(reporter) as notes:
        inputs = open_inputs(project, run.store, blocks)
    inputs.notes.extend(notes)
    run.withdraw()
    walk = Walk(project, run, inputs, blocks, reporter, maps)
    products = products_of(project, inputs.features.imagery.values())
    if maps:
        with reporter.step("Composites and exposure") as advance:
            shown = replace(blocks, progress=advance)
            scene_layers(run, inputs, shown)
            walk.used = write_imagery_used(run, inputs.features, products, shown)
        inputs.notes.extend(walk.used.notes())
    _unsampled(walk)
    _backgrounds(walk)
    waiting: list[Made] = []
    for element in project.elements:
        waiting += _element(walk, element, [p for p in products if element in p.elements])
    _write_waiting(walk, waiting)
    with run.renewed("tables/*", keep=ANOMALY_TABLES):
        with reporter.step("Applicability and reduced resolution"):
            _whole_maps(walk, products)
        with reporter.step("Tables"):
            tables = _gather(walk, products)
    _drop_old_layers(walk, products)
    adding = "the imagery adds" if inputs.surveys.grounds is None else _WITH_CATCHMENTS
    verdicts = _verdicts(tables, products, project.elements, adding)
    _write_manifest(walk, products, verdicts, time.perf_counter() - begun)
    sentences = tuple(f"{element}: {one.sentence}" for element, one in verdicts.items())
    fitted = FittedRun(project, inputs, walk.models)
    return RunResult(run.root, summary_of(tables[Table.SCORES]), sentences, fitted)


def _unsampled(walk: Walk) -> None:
    """Mark the ground of no catchment, where samples stand for catchments."""
    grounds = walk.inputs.surveys.grounds
    if walk.maps and grounds is not None:
        with walk.reporter.step("Ground without samples"):
            notes = write_unsampled(walk.run, grounds, walk.inputs.grid, walk.key(""), walk.blocks)
        walk.inputs.notes.extend(notes)


def _backgrounds(walk: Walk) -> None:
    """Find what the classes of ground hold, where there is a map of classes."""
    inputs, elements = walk.inputs, walk.project.elements
    maps = [one.name for one in walk.project.imagery if one.sensor == "classes"]
    if not maps:
        return
    with walk.reporter.step("Background by classes of ground"):
        walk.backgrounds = class_backgrounds(inputs.surveys, inputs.features, elements, walk.blocks)
        if walk.maps:
            key = walk.key(" + ".join(f"{name}.all" for name in maps))
            walk.backgrounds.write(walk.run, key, walk.blocks)


def _drop_old_layers(walk: Walk, products: list[Product]) -> None:
    """Remove the maps of products, elements and imagery that the project no longer has."""
    features = any(product.settings.features for product in products)
    made = {
        SharedLayer.APPLICABILITY: features,
        SharedLayer.IMAGERY_USED: features,
        SharedLayer.UNSAMPLED: walk.inputs.surveys.grounds is not None,
        SharedLayer.BACKGROUND: walk.backgrounds is not None,
    }
    known = {str(layer) for layer, there in made.items() if there}
    known |= {file_name(i.name, layer) for i in walk.project.imagery for layer in IMAGERY_LAYERS}
    for product in products:
        for element in product.elements:
            known |= {file_name(product.name, element), file_name(product.name, element, "se")}
    walk.run.drop_layers(lambda stem: stem in known or stem.startswith(LAYERS))


def _whole_maps(walk: Walk, products: list[Product]) -> None:
    """Compute what belongs to the map as a whole."""
    _applicability(walk, walk.inputs.features.widest(p.settings.features for p in products))
    reduced = ReducedResolution(walk.inputs, products, walk.blocks)
    tables: list[pd.DataFrame] = []
    for product in reduced.products:
        seen = reduced.features_of(product)
        made_of = {
            "products": [walk.made_of(product, element) for element in product.elements],
            "inputs": walk.key(seen),
            "features": seen,
        }
        step = file_name("reduced", product.name)
        tables += walk.run.tables_once(step, made_of, partial(reduced.made, product)).values()
    if tables:
        walk.run.write_table(Table.REDUCED_RESOLUTION, pd.concat(tables, ignore_index=True))


def _applicability(walk: Walk, name: str) -> None:
    """Map where the imagery of features looks like no sample."""
    if not (walk.maps and name):
        return
    element = walk.project.elements[0]
    made_of = {
        "inputs": walk.key(name),
        "features": name,
        "element": element,
        "validation": walk.project.validation.model_dump(mode="json"),
    }
    path = walk.run.shared_layer(SharedLayer.APPLICABILITY)

    def work() -> None:
        close_files()
        path.unlink(missing_ok=True)  # it is of other things
        data = working(walk.inputs.surveys, element, walk.project.project.transform)
        features = walk.inputs.features.get(name)
        write_applicability(walk.run, features, data, _division(walk, element), walk.blocks)

    walk.run.once(SharedLayer.APPLICABILITY, made_of, [], work, [path])


def _element(walk: Walk, element: str, products: list[Product]) -> list[Made]:
    """Make all products of one element; the folds are the same for all of them.

    Returns those whose maps wait to be written together with those of other elements.
    """
    scale = working(walk.inputs.surveys, element, walk.project.project.transform)
    division = _division(walk, element)
    waiting = []
    for product in _best_first(products):
        waiting += _product(walk, product, _data(walk, product, element), division)
    _alteration(walk, scale, division)
    return waiting


def _best_first(products: list[Product]) -> list[Product]:
    """Put the map to trust behind kriging, before what is offered for comparison."""
    best = product_to_trust(products)
    return sorted(products, key=lambda one: (one.name != BASELINE, one.name != best))


def _alteration(walk: Walk, data: Working, division: Division) -> None:
    """Measure what every index and component adds to kriging, alone and together."""
    name = walk.inputs.features.everything()
    folds = division.spatial
    if not name or folds is None:
        return
    parts = walk.run.parts("alteration", data.element)
    made_of = {"inputs": walk.key(name), "features": name, "element": data.element}
    made_of["validation"] = fingerprint(walk.project.validation.model_dump(mode="json"))

    def work() -> None:
        features = walk.inputs.features.get(name)
        table = alteration_table(data.validation_samples, features, folds)
        table.insert(0, "element", data.element)
        with atomic_path(parts / "alteration.csv") as temporary:
            table.to_csv(temporary, index=False, float_format="%.6g")

    with walk.reporter.step(f"{data.element}: which alteration information helps") as advance:
        outputs = [parts / "alteration.csv"]
        try:
            with fits_counted(advance, len(np.unique(folds.labels))):
                walk.run.once(file_name("alteration", data.element), made_of, outputs, work)
        except FitError as error:
            walk.reporter.say(f"Note: {error}")


def _division(walk: Walk, element: str) -> Division:
    """Divide the samples of an element, once for all products."""
    if element not in walk.divisions:
        project = walk.project
        data = working(walk.inputs.surveys, element, project.project.transform)
        walk.divisions[element] = divide(
            data.observations, project.validation, walk.inputs.grid, project.project.seed
        )
    return walk.divisions[element]


@dataclass(frozen=True, eq=False)
class Made:
    """A product that is fitted and tested for an element, and the map still to be written."""

    name: str
    made_of: dict[str, Any]
    outputs: list[Path]
    facts: dict[str, Any]
    notes: list[str]
    seconds: float
    map: ElementMap | None


def _product(walk: Walk, product: Product, data: Working, division: Division) -> list[Made]:
    """Make one product for one element, unless it is there already.

    A map that can be written together with those of other elements is returned and written at
    the end: one pass over the imagery then serves them all.
    """
    name = file_name(product.name, data.element)
    parts = walk.run.parts(product.name, data.element)
    outputs = [parts / "done.json"]
    if walk.maps and walk.inputs.features.mapped(product.settings.features):
        outputs.append(walk.run.layer(product.name, data.element))
    made_of = walk.made_of(product, data.element)
    with walk.reporter.step(f"{data.element}: {product.name}") as advance:
        begun = time.perf_counter()
        walk.timings[name] = 0.0
        if walk.run.stands(name, made_of, outputs):
            return []
        walk.run.forget(product.name, data.element)
        counted = fits_counted(advance, fits_of(product, division))
        with collected_warnings(walk.reporter) as notes, counted:
            facts, mapped = _make(walk, product, data, division, len(outputs) > 1, parts)
        if mapped is not None:
            mapped = replace(mapped, key=fingerprint(made_of))
        seconds = time.perf_counter() - begun
        made = Made(name, made_of, outputs, facts, notes, seconds, mapped)
        ahead = _ahead_of_all(walk, product, data.element)
        if mapped is not None and joinable(mapped) and len(product.elements) > 1 and not ahead:
            return [made]
        _finish(walk, [made], advance)
    if ahead and mapped is not None:
        walk.reporter.say(f"The first map is there: {walk.run.layer(product.name, data.element)}")
    return []


def _ahead_of_all(walk: Walk, product: Product, element: str) -> bool:
    """Whether to write a map at once, so that there is one to look at while the rest is made."""
    grid = walk.inputs.grid
    small = grid.height * grid.width <= FIRST_MAP_PIXELS
    return small and product.name == walk.best and element == walk.project.elements[0]


def _write_waiting(walk: Walk, waiting: list[Made]) -> None:
    """Write the maps that were left to the end; one pass for those of the same imagery."""
    for group in together([made.map for made in waiting if made.map is not None]):
        chosen = [waiting[number] for number in group]
        with walk.reporter.step("Maps: " + ", ".join(made.name for made in chosen)) as advance:
            _finish(walk, chosen, advance)


def _finish(walk: Walk, group: list[Made], advance: Advance) -> None:
    """Write the maps of a group, then record its products as done."""
    begun = time.perf_counter()
    maps = [made.map for made in group if made.map is not None]
    statistics: list[dict[str, Any]] = [{} for _ in group]
    with collected_warnings(walk.reporter) as notes:
        if maps:
            side = walk.project.project.tile_px
            statistics = write_maps(walk.run, maps, walk.blocks, advance, side)
    share = (time.perf_counter() - begun) / len(group)
    for made, found in zip(group, statistics):
        walk.timings[made.name] = made.seconds + share
        facts = {**made.facts, "statistics": found, "warnings": made.notes + notes}
        walk.run.write_json(made.outputs[0], {**facts, "seconds": made.seconds + share})
        walk.run.keep(made.name, made.made_of, [*made.outputs, *_further(walk, made)])


def _further(walk: Walk, made: Made) -> list[Path]:
    """Further files of a product: its tables, its standard error, and the tiles of both."""
    maps = list(made.map.files(walk.run)) if made.map is not None else []
    files = [file for path in maps for file in walk.run.with_tiles(path)]
    return [*sorted(made.outputs[0].parent.glob("*.csv")), *files]


def _make(
    walk: Walk, product: Product, data: Working, division: Division, mapped: bool, parts: Path
) -> tuple[dict[str, Any], ElementMap | None]:
    """Fit, test and write the tables; return what the manifest says of the product, and its map."""
    features = walk.inputs.features
    model = _fitted(walk, product, data)
    walk.models[product.name, data.element] = model
    tested = validate_product(product, data, features, model, division)
    if not mapped and not features.mapped(product.settings.features):
        warnings.warn(
            f"{product.name} uses covariates that exist at the samples only: it is tested, "
            "and predicts where a table carries the same columns; no map is made.",
            GossanWarning,
            stacklevel=2,
        )
    ground = held_out_ground(product, data, features, model, tested.found, division)
    if ground is not None and ground.contradicts:
        warnings.warn(ground.sentence, GossanWarning, stacklevel=2)
    made = None
    if mapped:
        layer = model.layer(features.get(product.settings.features))
        made = ElementMap(product, data, layer, tested.factor)
    tables = {**tested.tables(), **model.tables_}
    if ground is not None:
        tables[Table.GROUND_TESTS] = ground.table
    for name, table in tables.items():
        _write_part(parts, name, product, data.element, table)
    said = (getattr(model, "verdict_", None), None if ground is None else ground.sentence)
    facts = {
        "unit": data.unit,
        "transform": product.transform,
        "transform_record": transform_record(data.transform),
        "support_m": data.observations.points.support_m,
        "covariates": [] if mapped else list(features.covariates),
        "options": product.settings.options.model_dump(mode="json", exclude={"model"}),
        "samples": len(data.observations),
        "censored": data.censored,
        "censoring": data.censoring,
        "calibration": tested.calibration.sentence if tested.calibration else None,
        "interval_scale": tested.factor,
        "choice": " ".join(filter(None, said)) or None,
    }
    return facts, made


def _fitted(walk: Walk, product: Product, data: Working) -> FusionModel:
    """Fit a product to an element; on a cluster, elements that follow are fitted meanwhile."""
    fits = walk.fits.setdefault(
        product.name, ElementFits(product, walk.inputs.features, walk.blocks.scheduler)
    )
    later = product.elements[product.elements.index(data.element) + 1 :]
    return fits.of(data, (_data(walk, product, element) for element in later))


def _data(walk: Walk, product: Product, element: str) -> Working:
    """Bring an element to the scale of a product, with its partners where the model asks."""
    surveys = walk.inputs.surveys
    data = working(surveys, element, product.transform)
    if entry_of(product.settings.model).of_partners:
        data = with_partners(data, surveys, walk.project.elements)
    return data


def _write_part(
    folder: Path, name: str, product: Product, element: str, table: pd.DataFrame
) -> None:
    named = table.copy()
    for column, value in (("element", element), ("product", product.name)):
        if column in named.columns:
            named = named.drop(columns=column)
        named.insert(0, column, value)
    with atomic_path(folder / f"{name}.csv") as temporary:
        named.to_csv(temporary, index=False, float_format="%.10g")


def _gather(walk: Walk, products: list[Product]) -> dict[str, pd.DataFrame]:
    """Join the tables of all products, and score them."""
    found: dict[str, list[pd.DataFrame]] = {}
    for product in products:
        for element in product.elements:
            for path in sorted(walk.run.parts(product.name, element).glob("*.csv")):
                table = pd.read_csv(path)
                if len(table):
                    found.setdefault(path.stem, []).append(table)
    for element in walk.project.elements:
        path = walk.run.parts("alteration", element) / "alteration.csv"
        if path.exists():
            found.setdefault(Table.ALTERATION, []).append(pd.read_csv(path))
    tables = {name: pd.concat(parts, ignore_index=True) for name, parts in found.items()}
    held_out = tables.get(Table.HELD_OUT, pd.DataFrame())
    scored = [_scored(walk, products, element, held_out) for element in walk.project.elements]
    tables[Table.SCORES] = _with_notes(walk, _joined(scored, SCORED, Table.SCORES))
    if walk.maps:
        tables[Table.IMAGE_QUALITY] = _joined(scored, (Table.IMAGE_QUALITY,), Table.IMAGE_QUALITY)
        tables[Table.MASKS] = mask_table(walk.run, walk.inputs)
    tables[Table.COMPONENTS] = walk.inputs.features.component_tables()
    if len(levelled := level_table(walk.inputs)):
        tables[Table.LEVELLING] = levelled
    if walk.inputs.occurrences is not None:
        tables[Table.OCCURRENCES] = walk.inputs.occurrences
    tables[Table.SAMPLES] = walk.inputs.surveys.samples_table()
    if walk.backgrounds is not None:
        tables[Table.BACKGROUNDS] = walk.backgrounds.table
        tables[Table.SAMPLES] = tables[Table.SAMPLES].join(walk.backgrounds.samples)
    surveys, of_controls = judged_laboratories(walk.project, walk.inputs.surveys)
    tables |= of_controls
    tables[Table.FINDINGS] = surveys.findings_table()
    for name, table in tables.items():
        walk.run.write_table(name, table)
    return tables


SCORED = ("held_out", "coarse", "check_layer")
"""Kinds of scores, in the order of the table."""


def _scored(
    walk: Walk, products: list[Product], element: str, held_out: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Score the products of an element by kind; entropy and gradient of their maps too."""
    own = [replace(one, elements=(element,)) for one in products if element in one.elements]
    made_of = {
        "products": {one.name: walk.made_of(one, element) for one in own},
        "maps": walk.maps,
    }

    def work() -> tuple[dict[str, pd.DataFrame], list[Path]]:
        rows = held_out[held_out[Column.ELEMENT] == element] if len(held_out) else held_out
        found = {"held_out": held_out_scores(rows, own, walk.inputs, walk.project)}
        if walk.maps:
            run, blocks = walk.run, walk.blocks
            found["coarse"] = coarse_scores(run, own, blocks)
            found["check_layer"] = check_layer_scores(run, own, walk.inputs, walk.project, blocks)
            found[Table.IMAGE_QUALITY] = image_tables(run, own, blocks)
        return found, []

    return walk.run.tables_once(file_name("scores", element), made_of, work)


def _joined(
    scored: list[dict[str, pd.DataFrame]], kinds: tuple[str, ...], table: Table
) -> pd.DataFrame:
    """Join the tables of all elements, kind by kind."""
    found = [one[kind] for kind in kinds for one in scored if kind in one]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=table.columns)


def _with_notes(walk: Walk, scores: pd.DataFrame) -> pd.DataFrame:
    """Add to each score whether it is optimistic, and how its samples were chosen."""
    kinds = [Comparison.parse(text) for text in scores[Column.COMPARISON]]
    notes = [_division(walk, e).note(one) for e, one in zip(scores[Column.ELEMENT], kinds)]
    table = scores.copy()
    table[Column.OPTIMISTIC], table[Column.NOTE] = [one.is_optimistic for one in kinds], notes
    return table


def _verdicts(
    tables: dict[str, pd.DataFrame], products: list[Product], elements: tuple[str, ...], adding: str
) -> dict[str, ElementVerdict]:
    """Decide which map of each element to trust; doubts about its catchments follow."""
    scores = tables[Table.SCORES]
    found = {}
    for element in elements:
        own = [product for product in products if element in product.elements]
        titles = {product.name: product.title for product in own}
        mine = scores[scores[Column.ELEMENT] == element]
        verdict = judge(mine, titles, product_to_trust(own), adding)
        found[element] = with_doubt(verdict, element, tables.get(Table.GROUND_TESTS))
    return found


def _write_manifest(
    walk: Walk, products: list[Product], verdicts: dict[str, ElementVerdict], seconds: float
) -> None:
    project = walk.project
    walk.run.write_table(Table.STEPS, steps_table(walk.reporter.steps))
    walk.run.write_manifest(
        RunManifest(
            gossan=package_version(),
            name=project.project.name,
            created=time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            seed=project.project.seed,
            elements=project.elements,
            settings=settings_record(project),
            project_folder=str(project.base),
            grid=grid_record(walk.inputs.grid, walk.inputs.surveys.coordinates),
            inputs=walk.inputs.hashes,
            products=tuple(_record(walk, p, element) for p in products for element in p.elements),
            verdicts=verdicts,
            versions=versions(),
            timings_s={name: round(value, 3) for name, value in walk.timings.items()},
            steps=tuple(walk.reporter.steps),
            seconds=round(seconds, 3),
            peak_memory_mib=peak_memory_mib(),
            notes=tuple(walk.inputs.notes),
        )
    )


def _record(walk: Walk, product: Product, element: str) -> ProductRecord:
    facts = json.loads(
        (walk.run.parts(product.name, element) / "done.json").read_text(encoding="utf-8")
    )
    return ProductRecord(
        product=product.name,
        title=product.title,
        model=product.settings.model,
        features=product.settings.features,
        element=element,
        layer=_relative(walk.run, walk.run.layer(product.name, element)),
        standard_error=_relative(walk.run, walk.run.layer(product.name, element, "se")),
        imagery_used=walk.used.shares.get(product.settings.features),
        **facts,
    )


def _relative(run: RunFolder, path: Path) -> str | None:
    return path.relative_to(run.root).as_posix() if path.exists() else None
