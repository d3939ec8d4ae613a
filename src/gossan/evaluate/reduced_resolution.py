"""Wald's test: degrade everything, fuse, and compare with what was there before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from gossan.arrays.array_type import Array
from gossan.arrays.image_quality import ergas, spectral_angle, universal_quality
from gossan.arrays.spacing import mean_spacing
from gossan.errors import FitError, must
from gossan.evaluate.scores import score
from gossan.fusion.cross_validation import ModelFactory
from gossan.fusion.features.sources import LayerFeatures, NoFeatures
from gossan.fusion.kriging_model import KrigingModel
from gossan.fusion.protocol import Features, Observations, Points
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer, Layer
from gossan.geo.warp import to_grid
from gossan.geochem.transforms import Transform

__all__ = ["Degraded", "compare_degraded", "degrade", "degrade_all", "reduced_resolution"]


BLOCK = 1024
"""Side in pixels of the imagery that is averaged at a time."""


@dataclass(frozen=True, eq=False)
class Degraded:
    """One element at reduced resolution.

    ``reference`` (height, width) on ``features.grid``: the kriged layer of all samples, at their
    own spacing; ``observations``: samples averaged over cells ``ratio`` times as wide;
    ``features``: imagery averaged to the pixels of the reference.
    """

    reference: Array
    observations: Observations
    features: LayerFeatures
    ratio: float


def degrade(
    observations: Observations, features: Features, ratio: int = 2, blocks: Blocks | None = None
) -> Degraded:
    """Degrade samples and imagery by ``ratio``, so that the kriged layer becomes the truth.

    The pixels of the reference are as wide as the samples are apart; samples are averaged over
    cells ``ratio`` pixels wide (a cell without a sample gives none), at their mean position. The
    whole scene counts: its imagery is averaged block by block, in one pass.

    Raises
    ------
    FitError
        the features have no raster, or fewer than 10 cells hold samples.

    Source: Wald, Ranchin & Mangolini 1997 (their second property), for samples.
    """
    grid = _spaced_grid(features.grid, observations)
    return _degraded(observations, _averaged(features, grid, blocks or Blocks(workers=1)), ratio)


def degrade_all(
    elements: Mapping[str, Observations],
    features: Features,
    ratio: int = 2,
    blocks: Blocks | None = None,
) -> dict[str, Degraded]:
    """Degrade several elements; imagery is averaged once for those with the same sample spacing.

    Raises
    ------
    FitError
        as ``degrade``.
    """
    engine = blocks or Blocks(workers=1)
    averaged: dict[tuple[float, ...], LayerFeatures] = {}
    found = {}
    for element, observations in elements.items():
        grid = _spaced_grid(features.grid, observations)
        place = (*grid.shape, *grid.bounds)
        if place not in averaged:
            averaged[place] = _averaged(features, grid, engine)
        found[element] = _degraded(observations, averaged[place], ratio)
    return found


def _averaged(features: Features, grid: Grid, blocks: Blocks) -> LayerFeatures:
    """Average imagery to a coarse grid, no more than a block of it in memory at a time."""
    if features.layer is None:
        cure = "Leave this test out: it needs imagery"
        raise FitError(must("features", "made of rasters", "columns of the survey", cure))
    means = to_grid(features.layer, grid)
    wide = max(grid.pixel_width / features.grid.pixel_width, 1.0)
    small = replace(blocks, size=max(1, int(BLOCK / wide)), progress=None)
    values = np.empty((len(means.bands), *grid.shape), np.float32)
    for window, part in small.map(means.read, grid):
        values[(slice(None), *window.slices)] = part
    return LayerFeatures(ArrayLayer(grid, means.bands, values), replace(blocks, progress=None))


def _degraded(observations: Observations, features: LayerFeatures, ratio: int) -> Degraded:
    grid = features.grid
    kriged = KrigingModel().fit(observations, features).layer(NoFeatures(grid))
    reference = kriged.read(grid.whole)[0].astype(np.float64)
    coarse = _cell_averages(observations, grid, ratio)
    return Degraded(reference, coarse, features, float(ratio))


def reduced_resolution(
    elements: Mapping[str, tuple[Observations, Transform]],
    features: Features,
    models: Mapping[str, ModelFactory],
    ratio: int = 2,
    blocks: Blocks | None = None,
) -> pd.DataFrame:
    """Compare models at reduced resolution, element by element and over element vectors.

    Parameters
    ----------
    elements
        observations on the working scale, and its transform, by element. All elements
        should share their positions for the angle to mean something.
    features
        imagery.
    models
        factories by name.
    ratio
        how much coarser; 2 leaves a quarter of the samples.

    The reference is itself kriged and therefore smooth: the test says whether a model brings
    back what degrading took away, not which map is nearest the ground. For that see the skill at
    held-out samples.

    Returns
    -------
    Rows per product and element: ``product, element, ratio, n`` (pixels of the reference, which
    cover the whole map), ``pixel_m`` (their width), ``r, rmse, q`` (universal quality over squares
    of 8 pixels); and, element "all": ``ergas`` and ``sam`` (degrees), in the elements' units.

    Source: Ding et al. 2023, sec. 4.4; Wald 2000; Wang & Bovik 2002.
    """
    observed = {name: observations for name, (observations, _) in elements.items()}
    transforms = {name: transform for name, (_, transform) in elements.items()}
    return compare_degraded(degrade_all(observed, features, ratio, blocks), transforms, models)


def compare_degraded(
    cases: Mapping[str, Degraded],
    transforms: Mapping[str, Transform],
    models: Mapping[str, ModelFactory],
) -> pd.DataFrame:
    """Fit models to degraded elements and compare; see ``reduced_resolution``."""
    ratio = next(iter(cases.values())).ratio
    rows: list[dict[str, object]] = []
    for product, factory in models.items():
        truths, maps = [], []
        for element, case in cases.items():
            transform = transforms[element]
            model = factory().fit(case.observations, case.features)
            layer: Layer = model.layer(case.features)
            fused = layer.read(layer.grid.whole)[0].astype(np.float64)
            truth, found = transform.inverse(case.reference), transform.inverse(fused)
            truths.append(np.asarray(truth, dtype=np.float64))
            maps.append(np.asarray(found, dtype=np.float64))
            scores = score(truth, found)
            rows.append(
                {"product": product, "element": element, "ratio": ratio, "n": scores.n,
                 "pixel_m": case.features.grid.pixel_width, "r": scores.r, "rmse": scores.rmse,
                 "q": universal_quality(truth, found, 8)}
            )  # fmt: skip
        whole = {"product": product, "element": "all", "ratio": ratio}
        same = len({t.shape for t in truths}) == 1
        angle = spectral_angle(truths, maps) if same and len(truths) > 1 else np.nan
        rows.append(whole | {"ergas": ergas(truths, maps, ratio), "sam": angle})
    return pd.DataFrame(rows)


def _spaced_grid(grid: Grid, observations: Observations) -> Grid:
    """Cover the grid with pixels as wide as the samples are apart."""
    xy = observations.points.coordinates
    spacing = mean_spacing(xy, grid.pixel_width)
    return Grid.from_bounds(grid.crs, grid.bounds, max(spacing, grid.pixel_width))


def _cell_averages(observations: Observations, grid: Grid, ratio: int) -> Observations:
    """Average samples over cells of ``ratio`` pixels."""
    xy = observations.points.coordinates
    row, col = grid.index_of(xy[:, 0], xy[:, 1])
    cell = np.floor(np.column_stack([row, col]) / ratio + 0.5 / ratio).astype(int)
    _, label = np.unique(cell, axis=0, return_inverse=True)
    label = label.ravel()
    count = np.bincount(label)
    if count.size < 10:
        cure = "Use more samples, or a smaller ratio"
        raise FitError(must("cells with samples", "at least 10", count.size, cure))
    mean = [np.bincount(label, v) / count for v in (*xy.T, observations.values)]
    width = grid.pixel_width * ratio
    return Observations(Points(np.column_stack(mean[:2]), width), mean[2])
