"""Find, outline and rank the anomalies of a finished run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gossan.arrays.distribution import Distribution
from gossan.errors import FitError, InputError, must
from gossan.evaluate.occurrences import compare_occurrences
from gossan.geo.blocks import Blocks
from gossan.geo.histogram import map_distribution
from gossan.geo.layer import Layer, StackedLayer
from gossan.geo.raster import close_files, open_raster
from gossan.io.contract import BASELINE, ProductRecord
from gossan.io.finished_run import SAMPLING_PLAN, FinishedRun, open_run
from gossan.io.tables import Column, Table
from gossan.names import file_name
from gossan.pipeline.anomaly_evidence import (
    evidence_of,
    occurrences_of,
    probability_of,
    sampled_map,
    smallest_of,
)
from gossan.pipeline.anomaly_rule import rule_of, taken_rule, threshold_doubts
from gossan.pipeline.anomaly_steps import (
    anomalies_made_of,
    best_or_kriged,
    halos_made_of,
    thresholds_made_of,
)
from gossan.pipeline.options.project import AnomalyRule
from gossan.pipeline.product_maps import JOINT_BLOCK
from gossan.pipeline.progress import Reporter, Silent
from gossan.pipeline.target_parts import FittedRun, target_parts
from gossan.targets.anomalies import Anomalies, AnomalySettings, find_anomalies
from gossan.targets.anomaly_files import write_anomalies
from gossan.targets.halo import HaloScore, fit_halo, halo_layer
from gossan.targets.product_numbers import product_numbers
from gossan.targets.thresholds import Threshold, reached_threshold, threshold_table

THRESHOLD_DRAWS = 100
MOST_PIXELS = 16_000_000
"""Pixels of a map that its rows in the table of thresholds are computed from, at most about."""
WRITTEN = (
    Table.THRESHOLDS,
    Table.PRODUCT_NUMBERS,
    Table.ANOMALIES,
    Table.TARGET_PARTS,
    Table.OCCURRENCE_TESTS,
    Table.OCCURRENCE_CURVES,
    Table.PREDICTION_AREA,
    Table.HALO,
)
"""Tables of this command; each is written even without rows, so that none is of earlier maps."""
PLAN_FILES = {f"{SAMPLING_PLAN}.{ending}" for ending in ("gpkg", "gpx", "csv")}
"""Files of another command in the same folder."""
LAYERS = ("halo_", "probability_")
"""How the names of this command's layers begin."""
PATTERNS = ("anomalies/*", *(f"layers/{name}*" for name in LAYERS))
"""Files that this command renews."""
GIVEN = "given"
"""Rule, and source, of a threshold that the user gives."""
SAMPLES = "samples"
"""Source of the thresholds that the samples give."""
HALO_METHODS = ("clr_pca", "mahalanobis", "additive", "multiplicative")


def censored_in(run: FinishedRun, element: str) -> int:
    """Count the samples behind the maps of an element that lie beyond a limit."""
    return max((product.censored for product in run.mapped(element)), default=0)


def anomalies_of_run(
    run: Path | str,
    reporter: Reporter | None = None,
    thresholds: Mapping[str, float] | None = None,
    fitted: FittedRun | None = None,
) -> pd.DataFrame:
    """Find the anomalies of every map of a run.

    The [anomalies] of the run's project file hold as they are now; what else has changed there
    since the run is reported. What was found before from the same maps and settings is kept.
    Writes ``RUN/anomalies/<product>_<element>.gpkg`` (styled), ``.geojson``, ``.kml``, ``.gpx``
    and ``.csv``, the tables ``WRITTEN``, a layer of the probability of exceedance for each best
    map, and halo layers where the run has several elements.

    Parameters
    ----------
    run
        Folder of a finished run.
    reporter
        Progress reporter.
    thresholds
        Thresholds by element that win over those of the project.
    fitted
        The run as it was made, where that has just happened: nothing is opened and fitted again.

    Returns
    -------
    The paper's comparison in numbers: one row per element and product.
    """
    reporter = reporter or Silent()
    before = open_run(run)
    finished, notes = taken_rule(before, thresholds or {})
    for note in notes:
        reporter.say(f"Note: {note}")
    rule = rule_of(finished)
    samples = {element: finished.samples[element].to_numpy(float) for element in finished.elements}
    for line in threshold_doubts(rule.threshold, samples):
        reporter.say(f"Note: {line}")
    limits: dict[str, float] = {}
    tables: dict[str, list[pd.DataFrame]] = {name: [] for name in WRITTEN}
    folder = finished.folder
    with folder.amended(finished.manifest, *PATTERNS, keep=PLAN_FILES):
        for element in finished.elements:
            limits[element] = threshold_of(finished, element, rule)
            with reporter.step(f"{element}: thresholds"):
                _gather(tables, folder.tables_once(
                    file_name("thresholds", element),
                    thresholds_made_of(finished, element, rule),
                    partial(_thresholds, finished, element, rule),
                ))  # fmt: skip
        for element in finished.elements:
            with reporter.step(f"{element}: anomalies"):
                _gather(tables, folder.tables_once(
                    file_name("anomalies", element),
                    anomalies_made_of(finished, element, limits, rule),
                    partial(_element, finished, element, limits, rule),
                ))  # fmt: skip
        with reporter.step("Why the maps say so"):
            listed = pd.concat([pd.DataFrame(), *tables[Table.ANOMALIES]], ignore_index=True)
            explained, lacking = (
                target_parts(finished, listed, limits, rule.probability, fitted)
                if len(listed)
                else (listed, [])
            )
            tables[Table.TARGET_PARTS].append(explained)
        for note in lacking:
            reporter.say(f"Note: {note}")
        with reporter.step("Halos of several elements"):
            made_of, work = halos_made_of(finished), partial(_halos, finished)
            _gather(tables, folder.tables_once("halos", made_of, work))
        for name, parts in tables.items():
            filled = [part for part in parts if len(part)]
            whole = pd.concat(filled, ignore_index=True) if filled else pd.DataFrame()
            finished.folder.write_table(name, whole)
    return finished.table(Table.PRODUCT_NUMBERS)


Made = tuple[dict[str, pd.DataFrame], list[Path]]
"""Tables of a step by name, and the files that it has written."""


def _gather(tables: dict[str, list[pd.DataFrame]], found: Mapping[str, pd.DataFrame]) -> None:
    """Add the tables of a step to those of the steps before it."""
    for name, table in found.items():
        tables[name].append(table)


def _thresholds(finished: FinishedRun, element: str, rule: AnomalyRule) -> Made:
    return {Table.THRESHOLDS: thresholds_of(finished, element, rule)[0]}, []


def thresholds_of(
    finished: FinishedRun, element: str, rule: AnomalyRule
) -> tuple[pd.DataFrame, float]:
    """Apply every rule to samples and maps; choose as ``threshold_of`` does."""
    values = finished.samples[element].dropna().to_numpy(float)
    distributions: dict[str, tuple[Distribution, Any]] = {
        SAMPLES: (Distribution.of_samples(values), "samples")
    }
    for product in finished.mapped(element):
        kind = "kriged map" if product.model == BASELINE else "map"
        try:
            found = map_distribution(
                sampled_map(finished, product),
                independent=len(values),
                most_pixels=MOST_PIXELS,
                blocks=Blocks(size=512),
            )
        except FitError:
            continue
        distributions[product.product] = (found, kind)
    table = threshold_table(distributions, draws=THRESHOLD_DRAWS)
    table.insert(0, Column.ELEMENT, element)
    censored = censored_in(finished, element)
    table.insert(len(table.columns) - 1, "samples_censored", censored)
    chosen = chosen_threshold(finished, element, rule)
    own = (table[Column.SOURCE] == SAMPLES) & (table[Column.RULE] == chosen.rule)
    if chosen.rule == GIVEN:
        given = {Column.ELEMENT: element, Column.SOURCE: GIVEN, **vars(chosen)}
        given["samples_censored"] = censored
        table = pd.concat([table, pd.DataFrame([given])], ignore_index=True)
        own = table[Column.SOURCE] == GIVEN
    table[Column.CHOSEN] = own
    table.loc[own, Column.NOTE] = chosen.note
    return table, chosen.value


def threshold_of(finished: FinishedRun, element: str, rule: AnomalyRule) -> float:
    """Return the user's threshold, else that of the project's rule on the samples."""
    return chosen_threshold(finished, element, rule).value


def chosen_threshold(finished: FinishedRun, element: str, rule: AnomalyRule) -> Threshold:
    """Choose the lower limit of an element's anomalies; NaN where there are too few samples."""
    own = rule.threshold.get(element)
    if own is not None:
        return Threshold(GIVEN, own, np.nan, np.nan, "", np.nan, np.nan)
    try:
        samples = Distribution.of_samples(finished.samples[element].to_numpy(float))
        return reached_threshold(samples, rule.rule)
    except FitError as error:
        return Threshold(rule.rule, np.nan, np.nan, np.nan, "", np.nan, np.nan, str(error))


def _element(
    finished: FinishedRun, element: str, thresholds: Mapping[str, float], rule: AnomalyRule
) -> Made:
    """Find the anomalies of every product of one element, and hold them against occurrences."""
    products, threshold = finished.mapped(element), thresholds[element]
    if not products or not (np.isfinite(threshold) and threshold > 0):
        return {}, []
    found: dict[str, Anomalies] = {}
    files: list[Path] = []
    with _mapped_probabilities(finished, element, threshold) as mapped:
        for product in products:
            found[product.product] = _product(finished, product, thresholds, rule, mapped)
            stem = file_name(product.product, element)
            written = write_anomalies(found[product.product], finished.folder.anomalies, stem)
            files += written.values()
        probability = best_or_kriged(finished, element) in mapped
    if probability:
        files.append(finished.folder.layer("probability", element))
    listed = [
        pd.DataFrame(one.table.drop(columns="geometry")).assign(**{Column.PRODUCT: name})
        for name, one in found.items()
        if len(one)
    ]
    tables: dict[str, pd.DataFrame] = {Table.PRODUCT_NUMBERS: product_numbers(found, BASELINE)}
    if listed:
        tables[Table.ANOMALIES] = pd.concat(listed, ignore_index=True)
    return tables | _occurrence_tables(finished, products, rule), files


@contextmanager
def _mapped_probabilities(
    finished: FinishedRun, element: str, threshold: float
) -> Iterator[dict[str, Layer]]:
    """Map the probability of exceedance that several maps of an element are held against.

    That of the best map is a layer of the run; that of kriging is scratch, as long as it is needed.

    Yields
    ------
    The probabilities by product, where they are known.
    """
    best = _write_probability(finished, element, threshold)
    kriged = finished.product(BASELINE, element)
    if kriged is None or kriged.layer is None or kriged.product in best:
        yield best
        return
    layer = probability_of(finished, kriged, threshold)
    if layer is None:
        yield best
        return
    path = finished.folder.store / "features" / f"{file_name('probability', BASELINE, element)}.tif"
    try:
        yield {**best, kriged.product: Blocks(size=JOINT_BLOCK).store(layer, path)}
    finally:
        close_files()
        path.unlink(missing_ok=True)


def _write_probability(finished: FinishedRun, element: str, threshold: float) -> dict[str, Layer]:
    """Map the probability that the best map's element exceeds its threshold.

    Returns
    -------
    The map by the name of the product; empty where there is none.
    """
    product = finished.product(best_or_kriged(finished, element), element)
    if product is None or product.layer is None:
        return {}
    layer = probability_of(finished, product, threshold)
    if layer is None:
        return {}
    path = finished.folder.layer("probability", element)
    says = (f"{element} above {threshold:.4g} {product.unit}",)
    Blocks().write(layer, path, {"gossan_threshold": f"{threshold:.9g}"}, "", says)
    return {product.product: open_raster(path, layer.bands)}


def _product(
    finished: FinishedRun,
    product: ProductRecord,
    thresholds: Mapping[str, float],
    rule: AnomalyRule,
    mapped: Mapping[str, Layer],
) -> Anomalies:
    wanted = rule.model_dump(include=set(AnomalySettings.model_fields))
    if rule.minimum_area_km2 is None:
        wanted["minimum_area_km2"] = smallest_of(finished, product)
    return find_anomalies(
        finished.estimate(product),
        thresholds[product.element],
        element=product.element,
        unit=product.unit,
        evidence=evidence_of(finished, product, thresholds, rule, mapped),
        settings=AnomalySettings(**wanted),
    )


def _occurrence_tables(
    finished: FinishedRun, products: list[ProductRecord], rule: AnomalyRule
) -> dict[str, pd.DataFrame]:
    """Success rates of every product's map at the known occurrences of an element."""
    element, known = products[0].element, finished.table(Table.OCCURRENCES)
    if not len(known):
        return {}
    counted = occurrences_of(finished, element, rule)
    layers = {product.product: finished.estimate(product) for product in products}
    try:
        if counted is None:
            allowed = f"at least one of {element}"
            cure = f'Set [anomalies] commodities = {{ {element} = ["*"] }} to count all of them'
            raise FitError(must("occurrences", allowed, f"none of {len(known)}", cure))
        table, tests = compare_occurrences(layers, counted, blocks=Blocks())
    except (FitError, InputError) as error:
        note = pd.DataFrame({Column.ELEMENT: [element], Column.NOTE: [str(error)]})
        return {Table.OCCURRENCE_TESTS: note}
    table.insert(0, Column.ELEMENT, element)
    about = {name: {Column.PRODUCT: name, Column.ELEMENT: element} for name in tests}
    curves = [one.curve.assign(**about[name]) for name, one in tests.items()]
    plots = [one.area_plot.assign(**about[name]) for name, one in tests.items()]
    return {
        Table.OCCURRENCE_TESTS: table,
        Table.OCCURRENCE_CURVES: pd.concat(curves, ignore_index=True),
        Table.PREDICTION_AREA: pd.concat(plots, ignore_index=True),
    }


def _halos(finished: FinishedRun) -> Made:
    """Score the elements together and map the score of the product to trust."""
    elements = [e for e in finished.elements if finished.samples[e].notna().any()]
    if len(elements) < 2:
        return {}, []
    scores: list[HaloScore] = []
    for method in HALO_METHODS:
        try:
            contents = finished.samples[elements].to_numpy(float)
            scores.append(fit_halo(contents, elements, method))  # type: ignore[arg-type]
        except FitError:
            continue
    maps = _halo_maps(finished, elements)
    if not scores:
        return {}, []
    files = _write_halos(finished, scores, maps) if maps is not None else []
    return {Table.HALO: pd.concat([score.loadings for score in scores], ignore_index=True)}, files


def _write_halos(finished: FinishedRun, scores: Sequence[HaloScore], maps: Layer) -> list[Path]:
    """Write the maps of all scores in one pass over the maps of the elements."""
    layer = halo_layer(scores, maps)
    paths = [finished.folder.layers / f"halo_{score.method}.tif" for score in scores]
    tags = [{"gossan_halo": s.method, "gossan_halo_drivers": s.drivers} for s in scores]
    says = tuple(f"{score.method} halo, driven by {score.drivers}" for score in scores)
    files = {path: (band,) for path, band in zip(paths, layer.bands)}
    Blocks(size=JOINT_BLOCK).write_many(layer, files, dict(zip(paths, tags)), None, says)
    return paths


def _halo_maps(finished: FinishedRun, elements: list[str]) -> Layer | None:
    """Stack the best map of each element; None where an element has none."""
    found = [finished.product(best_or_kriged(finished, e), e) for e in elements]
    products = [one for one in found if one is not None and one.layer is not None]
    if len(products) < len(elements):
        return None
    return StackedLayer(tuple(finished.estimate(one) for one in products))
