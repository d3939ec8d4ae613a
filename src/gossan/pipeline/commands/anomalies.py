"""Find, outline and rank the anomalies of a finished run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
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
from gossan.io.run_folder import RunFolder
from gossan.pipeline.options.products import BASELINE, TRUSTED
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


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """Read what anomalies need from a run folder."""

    folder: RunFolder
    blocks: Blocks

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The manifest."""
        return self.folder.manifest()

    @cached_property
    def rule(self) -> AnomalyRule:
        """The project's [anomalies]."""
        return AnomalyRule.model_validate(self.manifest["settings"].get("anomalies", {}))

    @cached_property
    def samples(self) -> pd.DataFrame:
        """The fitted samples."""
        table = self.folder.table("samples")
        return table[table["role"] == "fit"]

    @cached_property
    def occurrences(self) -> NDArray[np.float64] | None:
        """(n, 2) known occurrences, or None."""
        table = self.folder.table("occurrences")
        return table[["easting", "northing"]].to_numpy(float) if len(table) else None

    def censored(self, element: str) -> int:
        """Number of samples behind the maps of an element that lie beyond a limit."""
        return max((int(entry["censored"] or 0) for entry in self.entries(element)), default=0)

    @property
    def elements(self) -> list[str]:
        """Elements of the run."""
        return list(self.manifest["elements"])

    def entries(self, element: str) -> list[dict[str, Any]]:
        """Products of an element that have a map, the baseline first."""
        found = [e for e in self.manifest["products"] if e["element"] == element and e["layer"]]
        return sorted(found, key=lambda entry: entry["product"] != BASELINE)

    def layer(self, entry: Mapping[str, Any]) -> Layer:
        """The estimate of a product."""
        return open_raster(self.folder.root / entry["layer"], [entry["element"]])

    def exposure(self, grid: Grid) -> Layer | None:
        """The exposure layer, if one was made."""
        paths = sorted(self.folder.layers.glob("*_exposure.tif"))
        return to_grid(open_raster(paths[0]), grid) if paths else None

    def probability(self, entry: Mapping[str, Any], threshold: float) -> Layer | None:
        """Probability that the element exceeds a threshold, where the product has an error."""
        if not entry["standard_error"]:
            return None
        error = open_raster(self.folder.root / entry["standard_error"], ["standard_error"])
        estimate = RenamedLayer(self.layer(entry), ("estimate",))
        transform = transform_from_record(entry["transform_record"])
        working = MappedLayer(
            StackedLayer((estimate, error)), Forward(transform), ("estimate", "standard_error")
        )
        return ExceedanceLayer(working, float(transform.forward(np.array([threshold]))[0]))


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
    finished = FinishedRun(RunFolder(Path(run)), Blocks())
    thresholds: dict[str, float] = {}
    tables: dict[str, list[pd.DataFrame]] = {}
    for element in finished.elements:
        with reporter.step(f"{element}: thresholds"):
            table, thresholds[element] = thresholds_of(finished, element)
            tables.setdefault("thresholds", []).append(table)
    for element in finished.elements:
        with reporter.step(f"{element}: anomalies"):
            for name, table in _element(finished, element, thresholds).items():
                tables.setdefault(name, []).append(table)
    with reporter.step("Halos of several elements"):
        tables["halo"] = _halos(finished)
    for name, parts in tables.items():
        filled = [part for part in parts if len(part)]
        if filled:
            finished.folder.write_table(name, pd.concat(filled, ignore_index=True))
    return pd.concat(tables["product_numbers"], ignore_index=True)


def thresholds_of(finished: FinishedRun, element: str) -> tuple[pd.DataFrame, float]:
    """Show every rule on samples and maps; choose as ``threshold_of`` does."""
    values = finished.samples[element].dropna().to_numpy(float)
    distributions: dict[str, tuple[Distribution, Any]] = {
        "samples": (Distribution.of_samples(values), "samples")
    }
    for entry in finished.entries(element):
        kind = "kriged map" if entry["model"] == BASELINE else "map"
        layer = finished.layer(entry)
        try:
            found = map_distribution(layer, independent=len(values), blocks=finished.blocks)
        except FitError:
            continue
        distributions[entry["product"]] = (found, kind)
    table = threshold_table(distributions, draws=THRESHOLD_DRAWS)
    table.insert(0, "element", element)
    table.insert(len(table.columns) - 1, "samples_censored", finished.censored(element))
    return table, threshold_of(finished, element)


def threshold_of(finished: FinishedRun, element: str) -> float:
    """Give the user's threshold, else that of the project's rule on the samples."""
    own = finished.rule.threshold.get(element)
    if own is not None:
        return own
    try:
        samples = Distribution.of_samples(finished.samples[element].to_numpy(float))
        chosen = find_threshold(samples, finished.rule.rule, draws=0).value
        if not np.isfinite(chosen):
            chosen = find_threshold(samples, "median_mad", draws=0).value
    except FitError:
        return float("nan")
    return chosen


def _element(
    finished: FinishedRun, element: str, thresholds: Mapping[str, float]
) -> dict[str, pd.DataFrame]:
    """Find the anomalies of every product of one element, and hold them against occurrences."""
    entries, threshold = finished.entries(element), thresholds[element]
    if not entries or not (np.isfinite(threshold) and threshold > 0):
        return {"product_numbers": pd.DataFrame()}
    found: dict[str, Anomalies] = {}
    for entry in entries:
        found[entry["product"]] = _product(finished, entry, thresholds)
        stem = f"{entry['product']}_{element}"
        write_anomalies(found[entry["product"]], finished.folder.root / "anomalies", stem)
    listed = [
        pd.DataFrame(one.table.drop(columns="geometry")).assign(product=name)
        for name, one in found.items()
        if len(one)
    ]
    tables = {"product_numbers": product_numbers(found, BASELINE)}
    if listed:
        tables["anomalies"] = pd.concat(listed, ignore_index=True)
    return tables | _occurrence_tables(finished, element, entries)


def _product(
    finished: FinishedRun, entry: Mapping[str, Any], thresholds: Mapping[str, float]
) -> Anomalies:
    element = entry["element"]
    layer = finished.layer(entry)
    evidence = Evidence(
        coarse=_coarse(finished, element, thresholds[element]),
        probability=finished.probability(entry, thresholds[element]),
        exposure=finished.exposure(layer.grid),
        others=_others(finished, entry, thresholds),
        occurrences=finished.occurrences,
    )
    settings = AnomalySettings(**finished.rule.model_dump(exclude={"rule", "threshold"}))
    unit = entry["unit"]
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
    entries = [one for one in finished.entries(element) if one["product"] == BASELINE]
    return finished.probability(entries[0], threshold) if entries else None


def _others(
    finished: FinishedRun, entry: Mapping[str, Any], thresholds: Mapping[str, float]
) -> dict[str, Layer]:
    """The same product's anomalies of the other elements."""
    others: dict[str, Layer] = {}
    for other in finished.elements:
        path = finished.folder.layer(entry["product"], other)
        usable = np.isfinite(thresholds[other]) and thresholds[other] > 0
        if other != entry["element"] and path.exists() and usable:
            others[other] = AboveLayer(open_raster(path, [other]), thresholds[other])
    return others


def _occurrence_tables(
    finished: FinishedRun, element: str, entries: list[dict[str, Any]]
) -> dict[str, pd.DataFrame]:
    """Success rates of every product's map at the known occurrences."""
    if finished.occurrences is None:
        return {}
    layers = {entry["product"]: finished.layer(entry) for entry in entries}
    try:
        table, tests = compare_occurrences(layers, finished.occurrences, blocks=finished.blocks)
    except (FitError, InputError) as error:
        note = pd.DataFrame({"element": [element], "note": [str(error)]})
        return {"occurrence_tests": note}
    table.insert(0, "element", element)
    curves = [one.curve.assign(product=name, element=element) for name, one in tests.items()]
    plots = [one.area_plot.assign(product=name, element=element) for name, one in tests.items()]
    return {
        "occurrence_tests": table,
        "occurrence_curves": pd.concat(curves, ignore_index=True),
        "prediction_area": pd.concat(plots, ignore_index=True),
    }


def _halos(finished: FinishedRun) -> list[pd.DataFrame]:
    """Score the elements together and map the score of the product to trust."""
    elements = [e for e in finished.elements if finished.samples[e].notna().any()]
    loadings: list[pd.DataFrame] = []
    if len(elements) < 2:
        return loadings
    product = _best_product(finished)
    maps = [finished.folder.layer(product, element) for element in elements]
    whole = all(path.exists() for path in maps)
    for method in HALO_METHODS:
        try:
            contents = finished.samples[elements].to_numpy(float)
            score = fit_halo(contents, elements, method)  # type: ignore[arg-type]
        except FitError:
            continue
        loadings.append(score.loadings)
        if whole:
            stack = StackedLayer(tuple(open_raster(p, [e]) for p, e in zip(maps, elements)))
            finished.blocks.write(
                halo_layer(score, stack), finished.folder.layers / f"halo_{method}.tif"
            )
    return loadings


def _best_product(finished: FinishedRun) -> str:
    names = [entry["product"] for entry in finished.manifest["products"] if entry["layer"]]
    return TRUSTED if TRUSTED in names else names[-1]
