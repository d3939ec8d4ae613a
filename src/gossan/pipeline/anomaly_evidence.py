"""What a finished run knows of its anomalies beside a map: errors, samples, other maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.spacing import sample_spacing
from gossan.catalogue.commodities import names_commodity
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.layer import (
    LastWindowLayer,
    Layer,
    MappedLayer,
    RenamedLayer,
    SelectedLayer,
    StackedLayer,
)
from gossan.geo.raster import open_raster
from gossan.geo.warp import to_grid
from gossan.geochem.back_transforms import InUnit, Statistic
from gossan.geochem.transforms import Transform, forward_of_map, transform_from_record
from gossan.io.contract import BASELINE, ProductRecord, SharedLayer
from gossan.io.finished_run import FinishedRun
from gossan.io.tables import Column, Table
from gossan.pipeline.options.project import AnomalyRule
from gossan.targets.above import AboveLayer, ExceedanceLayer
from gossan.targets.evidence import Evidence, SampledGround, UnsupportedLayer
from gossan.targets.smallest import open_share, smallest_area_km2

BANDS = ("estimate", "standard_error")
BOUNDS: tuple[Statistic, ...] = ("lower90", "upper90")
ANY = "*"


@dataclass(frozen=True)
class Forward:
    """Bring the estimate to the working scale, beside its error or with a constant one."""

    transform: Transform
    error: float | None = None

    def __call__(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map (estimate, standard error), or (estimate,), to both on the working scale."""
        estimate = forward_of_map(self.transform, values[0]).astype(np.float32)
        if self.error is None:
            return np.stack([estimate, values[1]])
        constant = np.where(np.isnan(estimate), np.nan, self.error)
        return np.stack([estimate, constant.astype(np.float32)])


def working_layer(run: FinishedRun, product: ProductRecord) -> Layer | None:
    """Stack estimate and standard error of a map on its working scale.

    A product without standard errors has that of its held-out samples everywhere; None where it
    was not tested either.
    """
    transform = transform_from_record(product.transform_record)
    estimate = RenamedLayer(run.estimate(product), BANDS[:1])
    error = run.standard_error(product)
    if error is not None:
        return MappedLayer(StackedLayer((estimate, error)), Forward(transform), BANDS)
    tested = held_out_error(run, product, transform)
    return None if tested is None else MappedLayer(estimate, Forward(transform, tested), BANDS)


def held_out_error(run: FinishedRun, product: ProductRecord, transform: Transform) -> float | None:
    """Return the root mean square error at held-out samples; None for a product not tested."""
    for comparison, rows in run.compared(Table.HELD_OUT, product.element):
        own = rows[rows[Column.PRODUCT] == product.product]
        if comparison.is_spatial and len(own):
            observed, estimate = (
                forward_of_map(transform, own[name].to_numpy(float))
                for name in (Column.OBSERVED, Column.ESTIMATE)
            )
            return float(np.sqrt(np.nanmean((observed - estimate) ** 2)))
    return None


def probability_of(run: FinishedRun, product: ProductRecord, threshold: float) -> Layer | None:
    """Probability that an element exceeds a threshold; None where no error is known."""
    working = working_layer(run, product)
    if working is None:
        return None
    transform = transform_from_record(product.transform_record)
    limit = float(forward_of_map(transform, np.array([threshold]))[0])
    return LastWindowLayer(ExceedanceLayer(working, limit))


def sampled_ground(run: FinishedRun, element: str) -> SampledGround:
    """Return the fitted samples of an element with a content."""
    table = run.samples[run.samples[element].notna()]
    places = table[[Column.EASTING, Column.NORTHING]].to_numpy(float)
    support = max((product.support_m for product in run.mapped(element)), default=0.0)
    values = table[element].to_numpy(float)
    return SampledGround(places, values, max(sample_spacing(places), support))


def occurrences_of(run: FinishedRun, element: str, rule: AnomalyRule) -> NDArray[np.float64] | None:
    """Return the known occurrences that count for an element: (n, 2), or None without any.

    Where the occurrences state commodities, those of another commodity do not count.
    """
    table = run.table(Table.OCCURRENCES)
    wanted = rule.commodities.get(element, (element,))
    if Column.COMMODITY in table and table[Column.COMMODITY].notna().any() and ANY not in wanted:
        texts = table[Column.COMMODITY].fillna("").astype(str)
        counts = [any(names_commodity(text, one) for one in wanted) for text in texts]
        table = table[counts]
    places = table[[Column.EASTING, Column.NORTHING]].to_numpy(float)
    return places if len(places) else None


def evidence_of(
    run: FinishedRun,
    product: ProductRecord,
    thresholds: Mapping[str, float],
    rule: AnomalyRule,
    mapped: Mapping[str, Layer] | None = None,
) -> Evidence:
    """Gather what a run knows of the anomalies of one map.

    Parameters
    ----------
    run
        A finished run.
    product
        The map.
    thresholds
        Lower limit of anomalies by element.
    rule
        What counts as an anomaly and as an occurrence.
    mapped
        Probability of exceedance by product, where it lies in a file already; others are computed.
    """
    threshold, layer = thresholds[product.element], run.estimate(product)
    transform = transform_from_record(product.transform_record)
    working = working_layer(run, product)
    samples = sampled_ground(run, product.element)
    kriged = run.product(BASELINE, product.element)
    exposure = run.scene_layers("exposure")

    def exceeds(one: ProductRecord | None) -> Layer | None:
        if one is None or one.layer is None:
            return None
        found = (mapped or {}).get(one.product)
        return probability_of(run, one, threshold) if found is None else found

    probability = exceeds(product)
    return Evidence(
        probability=probability,
        interval=MappedLayer(working, InUnit(transform, BOUNDS), BOUNDS) if working else None,
        coarse=probability if product == kriged else exceeds(kriged),
        applicable=_applicable(run, product, layer.grid),
        exposure=to_grid(open_raster(exposure[0]), layer.grid) if exposure else None,
        unsupported=UnsupportedLayer(layer, samples.hull, samples.highest),
        unsampled=_unsampled(run),
        background=_background(run, product.element),
        others=_others(run, product, thresholds),
        occurrences=occurrences_of(run, product.element, rule),
        samples=samples,
    )


def smallest_of(run: FinishedRun, product: ProductRecord) -> float:
    """Return the area in km2 below which the map of a product shows no anomaly."""
    working = working_layer(run, product)
    share = 1.0 if working is None else open_share(working, Blocks(size=512))
    return smallest_area_km2(sampled_ground(run, product.element).spacing_m, share)


def _applicable(run: FinishedRun, product: ProductRecord, grid: Grid) -> Layer | None:
    """Where imagery looks like that of some sample; kriging needs no imagery."""
    path = run.shared_layer(SharedLayer.APPLICABILITY)
    if path is None or not product.features:
        return None
    return to_grid(SelectedLayer(open_raster(path), ("applicable",)), grid, classes=True)


def _unsampled(run: FinishedRun) -> Layer | None:
    """Ground of no catchment, on the grid of the maps; None where samples stand for squares."""
    path = run.shared_layer(SharedLayer.UNSAMPLED)
    return None if path is None else open_raster(path)


def _background(run: FinishedRun, element: str) -> Layer | None:
    """What maps of classes lead to expect, on the grid of the maps; None without such maps."""
    path = run.shared_layer(SharedLayer.BACKGROUND)
    return None if path is None else SelectedLayer(open_raster(path), (element,))


def sampled_map(run: FinishedRun, product: ProductRecord) -> Layer:
    """Return the map of a product, empty on ground of no catchment."""
    layer, nowhere = run.estimate(product), _unsampled(run)
    if nowhere is None:
        return layer
    return MappedLayer(StackedLayer((layer, nowhere)), _where_sampled, layer.bands)


def _where_sampled(values: NDArray[np.float32]) -> NDArray[np.floating]:
    return np.where(values[-1] == 1, np.float32(np.nan), values[:-1])


def _others(
    run: FinishedRun, product: ProductRecord, thresholds: Mapping[str, float]
) -> dict[str, Layer]:
    """Where the same product exceeds the thresholds of the other elements."""
    found: dict[str, Layer] = {}
    for element, threshold in thresholds.items():
        other = run.product(product.product, element)
        usable = np.isfinite(threshold) and threshold > 0
        if element != product.element and other is not None and other.layer and usable:
            found[element] = AboveLayer(run.estimate(other), threshold)
    return found
