"""Find, outline and rank the anomalies of a finished run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.arrays.distribution import Distribution
from gossan.errors import FitError, InputError
from gossan.evaluate.occurrences import compare_occurrences
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.histogram import map_distribution
from gossan.geo.layer import Layer, MappedLayer, RenamedLayer, StackedLayer
from gossan.geo.raster import open_raster
from gossan.geo.warp import to_grid
from gossan.geochem.transforms import Transform, transform_from_record
from gossan.io.contract import BASELINE, ProductRecord
from gossan.io.finished_run import FinishedRun, open_run
from gossan.io.tables import Column, Table
from gossan.pipeline.options.project import AnomalyRule
from gossan.pipeline.progress import Reporter, Silent
from gossan.targets.above import AboveLayer, ExceedanceLayer
from gossan.targets.anomalies import Anomalies, AnomalySettings, find_anomalies
from gossan.targets.anomaly_files import write_anomalies
from gossan.targets.evidence import Evidence
from gossan.targets.halo import fit_halo, halo_layer
from gossan.targets.product_numbers import product_numbers
from gossan.targets.thresholds import find_threshold, threshold_table

THRESHOLD_DRAWS = 100
HALO_METHODS = ("clr_pca", "mahalanobis", "additive", "multiplicative")


@dataclass(frozen=True)
class Forward:
    """Bring the estimate back to the working scale, beside its standard error."""

    transform: Transform

    def __call__(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map ("estimate", "standard_error")."""
        result = values.copy()
        tiny = np.finfo(np.float32).tiny
        result[0] = self.transform.forward(np.maximum(values[0].astype(float), tiny))
        return result


def rule_of(run: FinishedRun) -> AnomalyRule:
    """Read the [anomalies] of the project that a run was made of."""
    return AnomalyRule.model_validate(run.manifest.settings.get("anomalies", {}))


def exposure_of(run: FinishedRun, grid: Grid) -> Layer | None:
    """Open the exposure layer on a grid, if one was made."""
    paths = run.scene_layers("exposure")
    return to_grid(open_raster(paths[0]), grid) if paths else None


def probability_of(run: FinishedRun, product: ProductRecord, threshold: float) -> Layer | None:
    """Probability that the element exceeds a threshold, where the product has an error."""
    error = run.standard_error(product)
    if error is None:
        return None
    estimate = RenamedLayer(run.estimate(product), ("estimate",))
    transform = transform_from_record(product.transform_record)
    working = MappedLayer(
        StackedLayer((estimate, error)), Forward(transform), ("estimate", "standard_error")
    )
    return ExceedanceLayer(working, float(transform.forward(np.array([threshold]))[0]))


def censored_in(run: FinishedRun, element: str) -> int:
    """Count the samples behind the maps of an element that lie beyond a limit."""
    return max((product.censored for product in run.mapped(element)), default=0)


def anomalies_of_run(run: Path | str, reporter: Reporter | None = None) -> pd.DataFrame:
    """Find the anomalies of every map of a run.

    Writes ``RUN/anomalies/<product>_<element>.gpkg`` (styled), ``.geojson``, ``.kml``, ``.csv``;
    tables thresholds, anomalies, product_numbers, occurrence_tests, occurrence_curves and halo;
    halo layers where the run has several elements.

    Returns
    -------
    The paper's comparison in numbers: one row per element and product.
    """
    reporter = reporter or Silent()
    finished = open_run(run)
    thresholds: dict[str, float] = {}
    tables: dict[str, list[pd.DataFrame]] = {}
    for element in finished.elements:
        with reporter.step(f"{element}: thresholds"):
            table, thresholds[element] = thresholds_of(finished, element)
            tables.setdefault(Table.THRESHOLDS, []).append(table)
    for element in finished.elements:
        with reporter.step(f"{element}: anomalies"):
            for name, table in _element(finished, element, thresholds).items():
                tables.setdefault(name, []).append(table)
    with reporter.step("Halos of several elements"):
        tables[Table.HALO] = _halos(finished)
    for name, parts in tables.items():
        filled = [part for part in parts if len(part)]
        if filled:
            finished.folder.write_table(name, pd.concat(filled, ignore_index=True))
    return pd.concat(tables[Table.PRODUCT_NUMBERS], ignore_index=True)


def thresholds_of(finished: FinishedRun, element: str) -> tuple[pd.DataFrame, float]:
    """Show every rule on samples and maps; choose as ``threshold_of`` does."""
    values = finished.samples[element].dropna().to_numpy(float)
    distributions: dict[str, tuple[Distribution, Any]] = {
        "samples": (Distribution.of_samples(values), "samples")
    }
    for product in finished.mapped(element):
        kind = "kriged map" if product.model == BASELINE else "map"
        layer = finished.estimate(product)
        try:
            found = map_distribution(layer, independent=len(values), blocks=Blocks())
        except FitError:
            continue
        distributions[product.product] = (found, kind)
    table = threshold_table(distributions, draws=THRESHOLD_DRAWS)
    table.insert(0, Column.ELEMENT, element)
    table.insert(len(table.columns) - 1, "samples_censored", censored_in(finished, element))
    return table, threshold_of(finished, element)


def threshold_of(finished: FinishedRun, element: str) -> float:
    """Give the user's threshold, else that of the project's rule on the samples."""
    rule = rule_of(finished)
    own = rule.threshold.get(element)
    if own is not None:
        return own
    try:
        samples = Distribution.of_samples(finished.samples[element].to_numpy(float))
        chosen = find_threshold(samples, rule.rule, draws=0).value
        if not np.isfinite(chosen):
            chosen = find_threshold(samples, "median_mad", draws=0).value
    except FitError:
        return float("nan")
    return chosen


def _element(
    finished: FinishedRun, element: str, thresholds: Mapping[str, float]
) -> dict[str, pd.DataFrame]:
    """Find the anomalies of every product of one element, and hold them against occurrences."""
    products, threshold = finished.mapped(element), thresholds[element]
    if not products or not (np.isfinite(threshold) and threshold > 0):
        return {Table.PRODUCT_NUMBERS: pd.DataFrame()}
    found: dict[str, Anomalies] = {}
    for product in products:
        found[product.product] = _product(finished, product, thresholds)
        stem = f"{product.product}_{element}"
        write_anomalies(found[product.product], finished.folder.anomalies, stem)
    listed = [
        pd.DataFrame(one.table.drop(columns="geometry")).assign(**{Column.PRODUCT: name})
        for name, one in found.items()
        if len(one)
    ]
    tables: dict[str, pd.DataFrame] = {Table.PRODUCT_NUMBERS: product_numbers(found, BASELINE)}
    if listed:
        tables[Table.ANOMALIES] = pd.concat(listed, ignore_index=True)
    return tables | _occurrence_tables(finished, element, products)


def _product(
    finished: FinishedRun, product: ProductRecord, thresholds: Mapping[str, float]
) -> Anomalies:
    element, unit = product.element, product.unit
    layer = finished.estimate(product)
    evidence = Evidence(
        coarse=_coarse(finished, element, thresholds[element]),
        probability=probability_of(finished, product, thresholds[element]),
        exposure=exposure_of(finished, layer.grid),
        others=_others(finished, product, thresholds),
        occurrences=finished.occurrences,
    )
    settings = AnomalySettings(**rule_of(finished).model_dump(exclude={"rule", "threshold"}))
    return find_anomalies(
        layer,
        thresholds[element],
        element=element,
        unit=unit,
        evidence=evidence,
        settings=settings,
    )


def _coarse(finished: FinishedRun, element: str, threshold: float) -> Layer | None:
    """Probability of exceedance by the kriged baseline."""
    kriged = finished.product(BASELINE, element)
    mapped = kriged is not None and kriged.layer is not None
    return probability_of(finished, kriged, threshold) if kriged and mapped else None


def _above(
    finished: FinishedRun, name: str, element: str, thresholds: Mapping[str, float]
) -> Layer | None:
    """Where a product exceeds the threshold of an element; None where it has no map of it."""
    product, threshold = finished.product(name, element), thresholds[element]
    usable = np.isfinite(threshold) and threshold > 0
    if product is None or product.layer is None or not usable:
        return None
    return AboveLayer(finished.estimate(product), threshold)


def _others(
    finished: FinishedRun, product: ProductRecord, thresholds: Mapping[str, float]
) -> dict[str, Layer]:
    """The same product's anomalies of the other elements."""
    found = {
        other: _above(finished, product.product, other, thresholds)
        for other in finished.elements
        if other != product.element
    }
    return {other: layer for other, layer in found.items() if layer is not None}


def _occurrence_tables(
    finished: FinishedRun, element: str, products: list[ProductRecord]
) -> dict[str, pd.DataFrame]:
    """Success rates of every product's map at the known occurrences."""
    if finished.occurrences is None:
        return {}
    layers = {product.product: finished.estimate(product) for product in products}
    try:
        table, tests = compare_occurrences(layers, finished.occurrences, blocks=Blocks())
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


def _halos(finished: FinishedRun) -> list[pd.DataFrame]:
    """Score the elements together and map the score of the product to trust."""
    elements = [e for e in finished.elements if finished.samples[e].notna().any()]
    loadings: list[pd.DataFrame] = []
    if len(elements) < 2:
        return loadings
    maps = _halo_maps(finished, elements)
    for method in HALO_METHODS:
        try:
            contents = finished.samples[elements].to_numpy(float)
            score = fit_halo(contents, elements, method)  # type: ignore[arg-type]
        except FitError:
            continue
        loadings.append(score.loadings)
        if maps is not None:
            path = finished.folder.layers / f"halo_{method}.tif"
            Blocks().write(halo_layer(score, maps), path)
    return loadings


def _halo_maps(finished: FinishedRun, elements: list[str]) -> Layer | None:
    """Stack the best map of each element; None where an element has none."""
    found = [finished.product(finished.best(e) or BASELINE, e) for e in elements]
    products = [one for one in found if one is not None and one.layer is not None]
    if len(products) < len(elements):
        return None
    return StackedLayer(tuple(finished.estimate(one) for one in products))
