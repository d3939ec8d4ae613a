"""Why the best map says what it says at its targets: its model is taken apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri
from threadpoolctl import threadpool_limits

from gossan.errors import GossanError
from gossan.fusion.geostatistical.contributions import Parts, parts_of, smooth_part, with_adjustment
from gossan.fusion.protocol import FusionModel, Points
from gossan.geo.blocks import Blocks
from gossan.geo.layer import values_at
from gossan.geochem.transforms import Transform, transform_from_record
from gossan.io.contract import ProductRecord
from gossan.io.finished_run import FinishedRun
from gossan.io.tables import Column, Table
from gossan.names import file_name
from gossan.pipeline.anomaly_evidence import working_layer
from gossan.pipeline.anomaly_steps import parts_made_of
from gossan.pipeline.fit_product import fit_model
from gossan.pipeline.inputs import RunInputs, open_inputs
from gossan.pipeline.options.products import Product, products_of
from gossan.pipeline.options.project import Project, load_project
from gossan.pipeline.surveys import working

__all__ = ["FittedRun", "drop_below", "target_parts"]

TARGETS = 10
"""Targets of an element that are explained."""


@dataclass(frozen=True, eq=False)
class FittedRun:
    """What a run was made of: its project, its opened inputs, and models that it has fitted.

    Parameters
    ----------
    project
        The project.
    inputs
        Its surveys and imagery.
    models
        Fitted models by product and element; one that is missing is fitted when it is asked for.
    """

    project: Project
    inputs: RunInputs
    models: Mapping[tuple[str, str], FusionModel] = field(default_factory=dict)

    def model(self, product: Product, element: str) -> FusionModel:
        """Return the model of a product, fitted to all samples of an element."""
        known = self.models.get((product.name, element))
        if known is not None:
            return known
        data = working(self.inputs.surveys, element, product.transform)
        with threadpool_limits(1, user_api="blas"):
            return fit_model(product, data, self.inputs.features)


def target_parts(
    run: FinishedRun,
    anomalies: pd.DataFrame,
    thresholds: Mapping[str, float],
    least: float,
    fitted: FittedRun | None = None,
) -> tuple[pd.DataFrame, list[str]]:
    """Take the best map's estimate at the peak of each first target apart.

    Parameters
    ----------
    run
        A finished run.
    anomalies
        Table of anomalies of all products.
    thresholds
        Lower limit of anomalies by element.
    least
        Probability that an anomaly must have.
    fitted
        The same run as it was made; None: its project and inputs, which must be as they were, are
        opened again and the models fitted again, unless the parts are known from before.

    Returns
    -------
    Rows of element, anomaly, ``part`` and ``effect`` (working scale; those of an anomaly add up to
    the estimate) and ``change_below``: one more sample at the peak with less than this content
    would bring the peak's probability below ``least``. And notes on what is left out.
    """
    best = {name: run.best(name) for name in run.elements}
    wanted = anomalies[anomalies[Column.PRODUCT] == anomalies[Column.ELEMENT].map(best)]
    wanted = wanted[wanted[Column.RANK] <= TARGETS]
    if wanted.empty:
        return pd.DataFrame(), []
    again = cache(lambda: fitted or _opened(run))
    rows: list[pd.DataFrame] = []
    try:
        for element, own in wanted.groupby(Column.ELEMENT, sort=False):
            record = run.product(str(best[str(element)]), str(element))
            if record is not None and record.layer is not None:
                limit = thresholds[str(element)]
                made_of = parts_made_of(run, record, own.to_csv(index=False), limit, least)
                work = partial(_explained, run, again, record, own, limit, least)
                step = file_name("why", str(element))
                rows += run.folder.tables_once(step, made_of, work).values()
    except _CannotOpenError as error:
        return pd.DataFrame(), [f"Why the map says so is left out: {error}"]
    return (pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()), []


class _CannotOpenError(Exception):
    """Project and inputs of a finished run cannot be opened as they were."""


def _opened(run: FinishedRun) -> FittedRun:
    """Open the project of a run and its inputs as they were."""
    try:
        project = load_project(Path(run.manifest.project_folder) / "project.toml")
        inputs = open_inputs(project, run.folder.store, Blocks())
    except GossanError as error:
        raise _CannotOpenError(str(error).splitlines()[0]) from error
    if inputs.hashes != run.manifest.inputs:
        raise _CannotOpenError("project or data have changed since the run.")
    return FittedRun(project, inputs)


def _explained(
    run: FinishedRun, again: Callable[[], FittedRun], record: ProductRecord, targets: pd.DataFrame,
    threshold: float, least: float,
) -> tuple[dict[str, pd.DataFrame], list[Path]]:  # fmt: skip
    made = again()
    products = products_of(made.project, made.inputs.features.imagery.values())
    product = next((one for one in products if one.name == record.product), None)
    if product is None:
        return {}, []
    found = _element(run, made, (product, record), targets, threshold, least)
    return ({} if found is None else {Table.TARGET_PARTS: found}), []


def _element(
    run: FinishedRun, made: FittedRun, best: tuple[Product, ProductRecord], targets: pd.DataFrame,
    threshold: float, least: float,
) -> pd.DataFrame | None:  # fmt: skip
    product, record = best
    model = made.model(product, record.element)
    smooth = smooth_part(model)
    if smooth is None:
        return None
    peaks = targets[[Column.PEAK_EASTING, Column.PEAK_NORTHING]].to_numpy(float)
    features, points = made.inputs.features.get(product.settings.features), Points(peaks)
    estimate = model.predict(points, features).mean
    parts = with_adjustment(parts_of(smooth, points, features), estimate)
    transform = transform_from_record(record.transform_record)
    changes = _changes(run, record, parts, peaks, transform, threshold, least)
    about: dict[str, Any] = {
        Column.ELEMENT: record.element,
        Column.ANOMALY: targets[Column.ANOMALY].to_numpy(),
        Column.CHANGE_BELOW: changes,
    }
    wide = parts.table.assign(**about)
    return wide.melt(list(about), var_name=Column.PART, value_name=Column.EFFECT)


def _changes(
    run: FinishedRun, record: ProductRecord, parts: Parts, peaks: NDArray[np.float64],
    transform: Transform, threshold: float, least: float,
) -> NDArray[np.float64]:  # fmt: skip
    """Content of one more sample at each peak that would change the verdict, in the unit."""
    layer = working_layer(run, record)
    if layer is None:
        return np.full(len(peaks), np.nan)
    mean, error = values_at(layer, peaks).astype(np.float64).T
    limit = float(np.asarray(transform.forward(np.array([threshold])))[0])
    needed = drop_below(mean, error**2, parts.nugget, limit, least)
    return np.asarray(transform.inverse(needed), np.float64)


def drop_below(
    mean: NDArray[np.float64], variance: NDArray[np.float64], nugget: float, threshold: float,
    least: float,
) -> NDArray[np.float64]:  # fmt: skip
    """Find the value of one more sample at a place that would lower its probability to ``least``.

    A place has a new sample ``y ~ N(mean, variance)``, of which ``nugget`` is the sample's own.
    After a sample there, with the gain ``g = (variance - nugget) / variance``, the mean is
    ``mean + g (y - mean)`` and the variance ``(1 - g) (variance - nugget) + nugget``: conditioning
    of a normal law.

    Returns
    -------
    The value; NaN where the probability is below ``least`` already, or no sample can change it.

    Examples
    --------
    >>> needed = drop_below(np.array([2.0]), np.array([1.0]), 0.2, 1.0, 0.6)
    >>> gain, after = 0.8, 0.2 * 0.8 + 0.2
    >>> from scipy.special import ndtr
    >>> p = ndtr((2.0 + gain * (needed[0] - 2.0) - 1.0) / np.sqrt(after))
    >>> round(float(p), 6)
    0.6
    """
    hidden = np.maximum(variance - nugget, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = hidden / variance
        after = (1 - gain) * hidden + nugget
        needed = mean + (threshold + ndtri(least) * np.sqrt(after) - mean) / gain
        already = mean < threshold + ndtri(least) * np.sqrt(variance)
    return np.where(already | (gain <= 0), np.nan, needed)
