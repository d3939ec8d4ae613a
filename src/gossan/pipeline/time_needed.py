"""Forecast the time of a run: counts of its work, times what one fit and one pixel take here."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from gossan.evaluate.validation import HoldsOut
from gossan.fusion.inner_folds import InnerFolds
from gossan.fusion.protocol import WarmStarts
from gossan.fusion.registry import entry_of
from gossan.geo.grid import Grid
from gossan.pipeline.ground_guard import weighs_ground
from gossan.pipeline.imagery import Imagery
from gossan.pipeline.options.products import Product, products_of
from gossan.pipeline.options.project import Project
from gossan.pipeline.pace import Ground, Pace, timed, timed_file

DENSE = 500
"""Samples up to which a fit takes longer by the sample."""
SPARSE = 0.15
"""A sample beyond those costs this share: models of many samples are sparse."""
PASSES = 3.0
"""Passes over all bands beside those of the maps, each about as long as writing a map: of a full
tile (``benchmarks/bench_run.py``), as are the next ones."""
ANOMALY_PASSES = 3.0
"""Passes over every map for its tables, thresholds and anomalies."""
TRIED = 3.0
"""Fits of each product beside: two at the samples' spacing for the tests of the whole map, one that
explains the targets."""
WARM = 0.45
"""A fold whose search begins where the fit to all samples ended takes this share of that fit
(``benchmarks/bench_elements.py --folds 10``)."""
PRODUCT_S, ELEMENT_S, START_S = 1.5, 8.0, 2.0
"""Processor seconds of what no model takes: tables, thresholds and anomalies of a product of one
element; figures, sheets and chapter of an element; start. Measured on meuse by
``benchmarks/bench_run.py --time-of`` (docs/scale.md has the shares)."""


@dataclass(frozen=True)
class Expected:
    """A step, with the processor seconds of what runs alone and of what the workers share."""

    title: str
    alone: float
    shared: float

    @property
    def processor(self) -> float:
        """Processor seconds of all."""
        return self.alone + self.shared

    def seconds(self, workers: int) -> float:
        """Wall time where nothing else runs."""
        return self.alone + self.shared / workers


def seconds_needed(steps: Iterable[Expected], workers: int | None = None) -> float:
    """Add the wall time of all steps; one worker for each processor by default.

    >>> seconds_needed([Expected("one", 2.0, 6.0), Expected("two", 1.0, 0.0)], workers=3)
    5.0
    """
    return sum(step.seconds(_threads(workers)) for step in steps)


def _threads(workers: int | None) -> int:
    return workers or os.cpu_count() or 1


def time_text(seconds: float) -> str:
    """Write a time as it is forecast: to two figures.

    >>> [time_text(s) for s in (8.2, 71, 434, 3300, 9000)]
    ['8 s', '71 s', '7 min', '55 min', '2.5 h']
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.2g} h"


def longest_text(steps: Sequence[Expected], workers: int | None = None, count: int = 3) -> str:
    """Name the longest steps and their times, longest first.

    >>> longest_text([Expected("a", 1.0, 0.0), Expected("b", 9.0, 0.0)], 1, 1)
    'b 9 s'
    """
    threads = _threads(workers)
    ranked = sorted(steps, key=lambda step: -step.seconds(threads))[:count]
    return ", ".join(f"{step.title} {time_text(step.seconds(threads))}" for step in ranked)


def steps_expected(
    project: Project, imagery: Sequence[Imagery], ground: Ground, grid: Grid
) -> list[Expected]:
    """Forecast the steps of a run from counts of folds, models and pixels, and a short timing.

    Parameters
    ----------
    project
        Validated project.
    imagery
        Its imagery.
    ground
        Samples of an element, their spacing and support.
    grid
        Grid of the maps.
    """
    products, pixels = products_of(project, imagery), grid.height * grid.width
    bands = {one.settings.name: len(one.bands.bands) for one in imagery}
    folds = project.validation.folds * len(project.validation.kinds)
    spatial = project.validation.folds if folds else 0
    file = timed_file()
    made = [_product(one, ground, bands, (folds, spatial), pixels, file) for one in products]
    count = sum(len(product.elements) for product in products)
    passes = PASSES * sum(bands.values()) * pixels * file
    tables = count * ANOMALY_PASSES * pixels * file
    return [
        Expected("opening files, composites and masks", START_S, passes),
        *made,
        Expected("tables and anomalies", count * PRODUCT_S, tables),
        Expected("report", len(project.elements) * ELEMENT_S, 0.0),
    ]


def _product(
    product: Product, ground: Ground, bands: Mapping[str, int], folds: tuple[int, int],
    pixels: int, file: float,
) -> Expected:  # fmt: skip
    """Fits without each fold and of all samples, and the map, of all elements."""
    parts = [part.strip() for part in product.settings.features.split("+") if part.strip()]
    seen = sum(bands.get(part.split(".")[0], 1) if part.endswith(".all") else 1 for part in parts)
    own = replace(ground, features=seen)
    pace = timed(product.settings.model, product.settings.options, own)
    fit, elements = fit_seconds(pace, ground.samples), len(product.elements)
    fits = fits_expected(product, *folds) + TRIED
    shared = fit * max(fits - 2, 0) + pixels * (pace.pixel + 2 * file)
    if ground.mixings and weighs_ground(product):
        shared += folds[1] * _squares_seconds(product, own)
    return Expected(product.title, elements * 2 * fit, elements * shared)


def _squares_seconds(product: Product, ground: Ground) -> float:
    """Processor seconds of a fit by squares, which catchments are held against."""
    options = product.settings.options.model_copy(update={"support": "square"})
    pace = timed(product.settings.model, options, replace(ground, mixings=0))
    return fit_seconds(pace, ground.samples)


def fit_seconds(pace: Pace, samples: int) -> float:
    """Carry the time of a fit to another number of samples.

    >>> fit_seconds(Pace(100, 1.0, 0.0), 300)
    3.0
    """
    return pace.fit * _growth(samples) / _growth(pace.samples)


def _growth(samples: int) -> float:
    return min(samples, DENSE) + SPARSE * max(samples - DENSE, 0)


def fits_expected(product: Product, folds: int, spatial: int) -> float:
    """Count fits of a product of one element: folds times models, and the map's own.

    A fold that begins where the map's fit ended counts as ``WARM`` of one.

    Parameters
    ----------
    product
        The product.
    folds, spatial
        Folds of all kinds, and of the first spatial one.
    """
    options = product.settings.options
    inner = options.fitted_in_folds if isinstance(options, InnerFolds) else 0
    own = 1 + (options.number * inner if isinstance(options, InnerFolds) else 0)
    model = product.factory(product.elements[0])()
    if entry_of(product.settings.model).of_models:
        return own + spatial * (inner if isinstance(model, HoldsOut) else own)
    return own + folds * own * (WARM if isinstance(model, WarmStarts) else 1.0)
