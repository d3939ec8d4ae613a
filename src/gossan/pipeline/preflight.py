"""What a run would stop at later: `check` lists it, `run` refuses it before it writes a map."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import psutil

from gossan.arrays.moments import Moments, moments
from gossan.errors import InputError, must
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import Layer, SelectedLayer, StackedLayer
from gossan.geo.raster import CACHE_MIB
from gossan.geo.sampling import PixelPattern, spread_windows
from gossan.io.vectors import read_points
from gossan.pipeline.feature_sets import COVARIATES, layer_behind, split_name
from gossan.pipeline.imagery import Imagery
from gossan.pipeline.options.products import Product, products_of
from gossan.pipeline.options.project import Project

SAMPLED_ACROSS = 4
SAMPLED_PIXELS = 64
"""Windows across the map, and their side, that are read first: all pixels only where these show no
difference."""
COPIES = 3.5
"""Times that a pixel in progress is held: the source, its features, sums and the result."""
BASE_MIB = 370.0
"""Memory of a run without pixels: Python, its libraries and compiled kernels."""
KEPT_MIB = 0.03
"""Memory of the fitted models of an element, by the sample: they explain the targets at the end."""
HOPELESS = 2.0
"""Times the free memory that a forecast may be out by before a run is refused."""
FEWEST_ACROSS = 8
"""Pixels along each side that cells of a model of cells are made of."""
SAMPLED_FOR_CLASSES = 100_000
"""Pixels that classes of ground are found from."""
INDEPENDENT = 1e-9
"""Smallest eigenvalue of the correlation matrix of features that tell different things."""


def late_errors(
    project: Project, imagery: Sequence[Imagery], grid: Grid, blocks: Blocks | None = None
) -> list[str]:
    """List what would stop a run after hours: disk, memory, occurrences, dependent features.

    Parameters
    ----------
    project
        Validated project.
    imagery
        Its imagery, each on its own grid.
    grid
        Grid of the maps.
    blocks
        Engine that reads the pixels.
    """
    blocks = blocks or Blocks()
    room = [*_disk_errors(project, imagery, grid), *_memory_errors(imagery, grid)]
    errors = [*room, *_support_errors(project, grid), *_occurrence_errors(project, grid)]
    if room:
        return errors  # the pixels would take hours to look at
    by_name = {one.settings.name: one.on(grid) for one in imagery if _is_stored(one)}
    for product in products_of(project, imagery):
        if product.settings.model == "pyramid":
            errors += _feature_errors(product, by_name, grid, blocks)
        if product.settings.model == "atprk" and min(grid.shape) < FEWEST_ACROSS:
            shape = f"{grid.height} x {grid.width} pixels"
            cure = "Choose smaller pixels (pixel_m), or another model"
            allowed = f"at least {FEWEST_ACROSS} x {FEWEST_ACROSS} pixels for model 'atprk'"
            errors.append(must("the map", allowed, shape, cure))
        errors += _class_errors(product, by_name, grid, blocks)
    return errors


def disk_mib(project: Project, imagery: Sequence[Imagery], grid: Grid) -> float:
    """Most room that a run's maps and stores can take."""
    maps = sum(2 * len(product.elements) for product in products_of(project, imagery))
    return grid.height * grid.width * 4 / 2**20 * (maps + 3 + 3 * len(project.imagery))


def free_mib(folder: Path) -> float:
    """Free room on the disk of a folder."""
    return shutil.disk_usage(folder).free / 2**20


def _disk_errors(project: Project, imagery: Sequence[Imagery], grid: Grid) -> list[str]:
    needed, free = disk_mib(project, imagery, grid), free_mib(project.base)
    if needed <= free:
        return []
    cure = "Choose larger pixels (pixel_m), a smaller extent, or free the disk"
    return [must("the disk", f"able to hold {needed:.0f} MiB", f"{free:.0f} MiB free", cure)]


def memory_mib(
    imagery: Sequence[Imagery], grid: Grid, workers: int | None = None, fitted: int = 0
) -> float:
    """Forecast the memory of a run from the pixels that its workers hold at once.

    Parameters
    ----------
    imagery
        Its imagery; every band counts.
    grid
        Grid of the maps.
    workers
        Threads; default: one for each processor.
    fitted
        Samples times elements that models are fitted to.
    """
    bands = sum(len(one.bands.bands) for one in imagery) + 1
    return forecast_mib(bands, grid.height * grid.width, workers or os.cpu_count() or 1, fitted)


def forecast_mib(bands: int, pixels: int, workers: int, fitted: int = 0) -> float:
    """Forecast the memory of a run: libraries, blocks of files, windows in progress, fitted models.

    Each worker has a window in progress and one that waits to be written, and one more is on its
    way. The constants are those of whole runs (``benchmarks/bench_run.py``).

    >>> forecast_mib(bands=3, pixels=20_000, workers=2) < forecast_mib(11, 120_560_400, 2) < 2048
    True
    """
    scene_mib = bands * 4 * pixels / 2**20
    window_mib = bands * 4 * Blocks().size ** 2 / 2**20
    in_progress = min(scene_mib, (2 * workers + 1) * window_mib)
    kept = BASE_MIB + KEPT_MIB * fitted
    return kept + min(CACHE_MIB, scene_mib) + COPIES * in_progress


def free_memory_mib() -> float:
    """Memory that programs can still take without swapping."""
    return psutil.virtual_memory().available / 2**20


def memory_warnings(imagery: Sequence[Imagery], grid: Grid) -> list[str]:
    """Say where a run may need more memory than is free; ``late_errors`` says where it must."""
    needed, free = memory_mib(imagery, grid), free_memory_mib()
    if not free < needed <= HOPELESS * free:
        return []
    cure = "close other programs, or use fewer --workers"
    return [f"warning: a run needs about {needed:.0f} MiB of memory; {free:.0f} MiB free: {cure}."]


def _memory_errors(imagery: Sequence[Imagery], grid: Grid) -> list[str]:
    """Refuse what cannot fit with a single worker."""
    needed, free = memory_mib(imagery, grid, workers=1), free_memory_mib()
    if needed <= HOPELESS * free:
        return []
    cure = "Choose larger pixels (pixel_m), a smaller extent, or fewer bands"
    got = f"{free:.0f} MiB free"
    return [must("the memory", f"able to hold about {needed:.0f} MiB", got, cure)]


def _support_errors(project: Project, grid: Grid) -> list[str]:
    """Refuse samples that would stand for more ground than the map has."""
    left, bottom, right, top = grid.bounds
    widest = max(right - left, top - bottom)
    cure = "State the side of the square that one sample stands for, in metres"
    return [
        must(f"support_m of survey {one.name!r}", f"at most {widest:.0f} m, the side of the map",
             f"{one.support_m:g} m", cure)
        for one in project.survey
        if one.support_m > widest
    ]  # fmt: skip


def _occurrence_errors(project: Project, grid: Grid) -> list[str]:
    if project.project.occurrences is None:
        return []
    try:
        read_points(project.path(project.project.occurrences), grid.crs)
    except InputError as error:
        return str(error).splitlines()
    return []


def _is_stored(imagery: Imagery) -> bool:
    """Whether the pixels can be read without decoding whole scenes first."""
    return all(one.scene.stored for one in imagery.stack.scenes)


def _feature_errors(
    product: Product, imagery: Mapping[str, Imagery], grid: Grid, blocks: Blocks
) -> list[str]:
    """Find plain features of a product that are constant or repeat each other."""
    layers = _plain_layers(product.settings.features, imagery)
    if not layers:
        return []
    layer = layers[0] if len(layers) == 1 else StackedLayer(tuple(layers))
    read = partial(_moments, layer)
    chosen = spread_windows(grid, SAMPLED_PIXELS, SAMPLED_ACROSS)
    if _independent(blocks.reduce(read, grid, chosen)):
        return []
    found = blocks.reduce(read, grid)
    name = f"[[product]] {product.name!r}: features {product.settings.features!r}"
    if not found.count:
        cure = "Check formulas, masks and nodata of the imagery, and whether pixel_m is too coarse"
        return [must(name, "filled together in some pixel of the maps", "none", cure)]
    if _independent(found):
        return []
    got = f"features that are constant or repeat each other over {found.count} pixels"
    allowed = "independent and of more than one value"
    return [must(name, allowed, got, "Leave such features out")]


def _class_errors(
    product: Product, imagery: Mapping[str, Imagery], grid: Grid, blocks: Blocks
) -> list[str]:
    """Find products with more classes of ground than their imagery has pixels that differ."""
    options = product.settings.options
    classes = getattr(options, "clusters", 1) if getattr(options, "scope", "") == "local" else 1
    parts = [part.strip() for part in product.settings.features.split("+") if part.strip()]
    found = [layer_behind(part, imagery) for part in parts if part != COVARIATES]
    layers = [layer for layer in found if layer is not None]
    if classes < 2 or not layers or len(layers) < len(parts):
        return []
    pattern = PixelPattern.stratified(grid, SAMPLED_FOR_CLASSES, getattr(options, "seed", 0))
    chosen = spread_windows(grid, SAMPLED_PIXELS, SAMPLED_ACROSS)
    read = partial(_differing, layers, pattern)
    seen: set[bytes] = set()
    for windows in (chosen, None):
        for _, values in blocks.map(read, grid, windows):
            seen |= values
            if len(seen) >= classes:
                return []
    name = f"[[product]] {product.name!r}: clusters"
    allowed = f"1 to {len(seen)}, the number of pixels of {product.settings.features!r} that differ"
    return [must(name, allowed, classes, 'Ask for fewer clusters, or scope = "global"')]


def _differing(layers: Sequence[Layer], pattern: PixelPattern, window: Window) -> set[bytes]:
    """Return the values of the picked pixels of a window that are filled, each once."""
    values = np.concatenate([layer.read(window) for layer in layers])
    _, picked = pattern.take(values, window)
    filled = picked[:, np.isfinite(picked).all(axis=0)].T
    return {pixel.tobytes() for pixel in np.unique(np.ascontiguousarray(filled), axis=0)}


def _plain_layers(features: str, imagery: Mapping[str, Imagery]) -> list[Layer]:
    """Open the bands and indices that features name; none where components are among them."""
    layers: list[Layer] = []
    for part in filter(None, (part.strip() for part in features.split("+"))):
        if part == COVARIATES:
            return []
        source, kind, what = split_name(part)
        if source not in imagery or kind not in ("bands", "indices"):
            return []
        base = imagery[source].layer(kind)
        if what != "all" and what not in base.bands:
            return []  # a component
        layers.append(base if what == "all" else SelectedLayer(base, (what,)))
    return layers


def _moments(layer: Layer, window: Window) -> Moments:
    return moments(layer.read(window))


def _independent(found: Moments) -> bool:
    """Whether features vary and differ.

    >>> x = np.array([[1.0, 2, 3, 5], [2.0, 4, 6, 10]])
    >>> _independent(moments(x)), _independent(moments(x[:1]))
    (False, True)
    """
    spread = found.deviation
    if found.count < 2 or not (spread > 1e-12 * (1 + np.abs(found.mean))).all():
        return False
    correlation = found.covariance / np.outer(spread, spread)
    return bool(np.linalg.eigvalsh(correlation)[0] > INDEPENDENT)
