"""Wald's test: degrade everything, fuse, and compare with what was there before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.arrays.image_quality import ergas, spectral_angle, universal_quality
from gossan.errors import FitError, must
from gossan.evaluate.scores import score
from gossan.fusion.cross_validation import ModelFactory
from gossan.fusion.features import LayerFeatures, NoFeatures
from gossan.fusion.kriging_model import KrigingModel
from gossan.fusion.protocol import Features, Observations, Points
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer, Layer
from gossan.geo.warp import to_grid
from gossan.geochem.transforms import Transform

__all__ = ["Degraded", "degrade", "reduced_resolution"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Degraded:
    """Hold one element at reduced resolution.

    ``reference`` (height, width) on ``features.grid``: the kriged layer of all samples, at their
    own spacing; ``observations``: samples averaged over cells ``ratio`` times as wide;
    ``features``: imagery averaged to the pixels of the reference.
    """

    reference: Array
    observations: Observations
    features: LayerFeatures
    ratio: float


def degrade(observations: Observations, features: Features, ratio: int = 2) -> Degraded:
    """Degrade samples and imagery by ``ratio``, so that the kriged layer becomes the truth.

    The pixels of the reference are as wide as the samples are apart; samples are averaged over
    cells ``ratio`` pixels wide (a cell without a sample gives none), at their mean position.

    Raises
    ------
    FitError : the features have no raster, or fewer than 10 cells hold samples.

    Source: Wald, Ranchin & Mangolini 1997 (their second property), for samples.
    """
    if features.layer is None:
        cure = "Leave this test out: it needs imagery"
        raise FitError(must("features", "made of rasters", "columns of the survey", cure))
    grid = _spaced_grid(features.grid, observations)
    kriged = KrigingModel().fit(observations, features).layer(NoFeatures(grid))
    reference = kriged.read(grid.whole)[0].astype(np.float64)
    means = to_grid(features.layer, grid)
    held = ArrayLayer(grid, means.bands, means.read(grid.whole))
    coarse = _cell_averages(observations, grid, ratio)
    return Degraded(reference, coarse, LayerFeatures(held), float(ratio))


def reduced_resolution(
    elements: Mapping[str, tuple[Observations, Transform]],
    features: Features,
    models: Mapping[str, ModelFactory],
    ratio: int = 2,
) -> pd.DataFrame:
    """Compare models at reduced resolution, element by element and over element vectors.

    Parameters
    ----------
    elements : observations on the working scale, and its transform, by element. All elements
        should share their positions for the angle to mean something.
    features : imagery.
    models : factories by name.
    ratio : how much coarser; 2 leaves a quarter of the samples.

    The reference is itself kriged and therefore smooth: the test says whether a model brings
    back what degrading took away, not which map is nearest the ground. For that see the skill at
    held-out samples.

    Returns
    -------
    Rows per product and element: ``product, element, ratio, n`` (pixels), ``r, rmse, q`` (universal
    quality over squares of 8 pixels); and, element "all": ``ergas`` and ``sam`` (degrees), in the
    elements' units.

    Source: Ding et al. 2023, sec. 4.4; Wald 2000; Wang & Bovik 2002.
    """
    cases = {name: degrade(obs, features, ratio) for name, (obs, _) in elements.items()}
    rows: list[dict[str, object]] = []
    for product, factory in models.items():
        truths, maps = [], []
        for element, case in cases.items():
            transform = elements[element][1]
            model = factory().fit(case.observations, case.features)
            layer: Layer = model.layer(case.features)
            fused = layer.read(layer.grid.whole)[0].astype(np.float64)
            truth, found = transform.inverse(case.reference), transform.inverse(fused)
            truths.append(np.asarray(truth, dtype=np.float64))
            maps.append(np.asarray(found, dtype=np.float64))
            scores = score(truth, found)
            rows.append(
                {"product": product, "element": element, "ratio": ratio, "n": scores.n,
                 "r": scores.r, "rmse": scores.rmse, "q": universal_quality(truth, found, 8)}
            )  # fmt: skip
        whole = {"product": product, "element": "all", "ratio": ratio}
        same = len({t.shape for t in truths}) == 1
        angle = spectral_angle(truths, maps) if same and len(truths) > 1 else np.nan
        rows.append(whole | {"ergas": ergas(truths, maps, float(ratio)), "sam": angle})
    return pd.DataFrame(rows)


def _spaced_grid(grid: Grid, observations: Observations) -> Grid:
    """Cover the grid with pixels as wide as the samples are apart."""
    xy = observations.points.coordinates
    extent = np.maximum(np.ptp(xy, axis=0), grid.pixel_width)
    spacing = float(np.sqrt(np.prod(extent) / len(xy)))
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
        cure = "Give more samples, or a smaller ratio"
        raise FitError(must("cells with samples", "at least 10", count.size, cure))
    mean = [np.bincount(label, v) / count for v in (*xy.T, observations.values)]
    width = grid.pixel_width * ratio
    return Observations(Points(np.column_stack(mean[:2]), width), mean[2])
