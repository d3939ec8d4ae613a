"""What each step of the anomalies is made of, so that one that stands is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gossan.io.contract import BASELINE, SCHEMA, ProductRecord, SharedLayer
from gossan.io.finished_run import FinishedRun
from gossan.io.tables import Table
from gossan.pipeline.options.project import AnomalyRule
from gossan.pipeline.provenance import package_version

SHARED = (SharedLayer.APPLICABILITY, SharedLayer.UNSAMPLED, SharedLayer.BACKGROUND)
"""Layers of the whole run that anomalies are judged by."""
OF_MODELS = ("survey", "imagery", "terrain")
"""Sections of a project that a fitted model depends on, beside what the map says of itself."""
OF_OTHERS = ("seconds", "warnings", "imagery_used", "statistics")
"""What the manifest says of a product that no anomaly depends on."""


def thresholds_made_of(run: FinishedRun, element: str, rule: AnomalyRule) -> dict[str, Any]:
    """Name everything that the thresholds of an element depend on.

    Parameters
    ----------
    run
        A finished run.
    element
        The element.
    rule
        What counts as an anomaly.
    """
    return {
        **_version(),
        "element": element,
        "maps": _maps(run, element),
        "samples": _rows(run, Table.SAMPLES),
        "shared": _shared(run),
        "rule": rule.rule,
        "given": rule.threshold.get(element),
    }


def anomalies_made_of(
    run: FinishedRun, element: str, limits: Mapping[str, float], rule: AnomalyRule
) -> dict[str, Any]:
    """Name everything that the anomalies of an element depend on.

    The other elements count, since the same map of another element may support an anomaly.

    Parameters
    ----------
    run
        A finished run.
    element
        The element.
    limits
        Lower limit of anomalies by element.
    rule
        What counts as an anomaly.
    """
    names = {product.product for product in run.mapped(element)}
    others = [p for e in run.elements if e != element for p in run.mapped(e) if p.product in names]
    return {
        **thresholds_made_of(run, element, rule),
        "rule": rule.model_dump(mode="json", exclude={"threshold"}),
        "limits": {name: repr(limit) for name, limit in limits.items()},
        "best": run.best(element),
        "others": {f"{p.product} {p.element}": _map(run, p) for p in others},
        "held_out": _rows(run, Table.HELD_OUT, element),
        "occurrences": _rows(run, Table.OCCURRENCES),
        "exposure": [run.folder.hashes_of_map(path) for path in run.scene_layers("exposure")],
    }


def halos_made_of(run: FinishedRun) -> dict[str, Any]:
    """Name everything that the scores of several elements together depend on.

    Parameters
    ----------
    run
        A finished run.
    """
    best = {element: run.product(best_or_kriged(run, element), element) for element in run.elements}
    return {
        **_version(),
        "elements": run.elements,
        "samples": _rows(run, Table.SAMPLES),
        "maps": {element: one and _map(run, one) for element, one in best.items()},
    }


def best_or_kriged(run: FinishedRun, element: str) -> str:
    """Name the map of an element to trust; the kriged one where none is.

    Parameters
    ----------
    run
        A finished run.
    element
        The element.
    """
    return run.best(element) or BASELINE


def parts_made_of(
    run: FinishedRun, record: ProductRecord, targets: str, threshold: float, least: float
) -> dict[str, Any]:
    """Name everything that the parts of the best map at its targets depend on.

    Parameters
    ----------
    run
        A finished run.
    record
        The best map.
    targets
        The targets in words.
    threshold
        Lower limit of anomalies.
    least
        Probability that an anomaly must have.
    """
    return {
        **_version(),
        "settings": {name: run.manifest.settings.get(name) for name in OF_MODELS},
        "samples": _rows(run, Table.SAMPLES),
        "map": _map(run, record),
        "targets": targets,
        "threshold": repr(threshold),
        "least": least,
    }


def _version() -> dict[str, Any]:
    return {"gossan": package_version(), "schema": SCHEMA}


def _maps(run: FinishedRun, element: str) -> dict[str, Any]:
    return {product.product: _map(run, product) for product in run.mapped(element)}


def _map(run: FinishedRun, product: ProductRecord) -> dict[str, Any]:
    """Name a map by the bytes of its files and by what the manifest says of it."""
    record = product.model_dump(mode="json", exclude=set(OF_OTHERS))
    files = [name for name in (product.layer, product.standard_error) if name is not None]
    return {"record": record, "files": [run.folder.hashes_of_map(run.root / f) for f in files]}


def _rows(run: FinishedRun, table: Table, element: str | None = None) -> str:
    return run.table(table, element).to_csv(index=False)


def _shared(run: FinishedRun) -> dict[str, list[str]]:
    paths = {name: run.shared_layer(name) for name in SHARED}
    return {n: run.folder.hashes_of_map(path) for n, path in paths.items() if path is not None}
