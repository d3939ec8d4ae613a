"""Predict held-out samples, everything refitted inside each fold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from gossan.arrays.folds import distance_to_fit
from gossan.fusion.features.sources import engine_of
from gossan.fusion.fit_counter import one_fitted, uncounted
from gossan.fusion.protocol import Features, FusionModel, Observations, Prediction, WarmStarts

__all__ = ["ModelFactory", "cross_predict", "held_out", "spatial_side", "warm_started"]

ModelFactory = Callable[[], FusionModel]
"""Makes a fresh, unfitted model."""

Training = Callable[[NDArray[np.int_]], Observations]
"""Gives the observations of some rows, on the scale that these rows alone lead to."""
BLOCKS_PER_FOLD = 2


def spatial_side(
    coordinates: NDArray[np.float64], range_m: float, folds: int
) -> tuple[float, bool]:
    """Choose the side of the spatial blocks: the residual range, if the survey is wide enough.

    Parameters
    ----------
    coordinates : (n, 2) easting, northing in metres.
    range_m : range of the residual in metres.
    folds : number of folds wanted.

    Returns
    -------
    Side in metres, and whether it reaches the range. Where the range is so long that fewer than
    two blocks a fold would remain, the side is that of two blocks a fold of the surveyed
    rectangle, and the answer is False: held-out samples are then not independent.

    >>> xy = np.array([[0.0, 0.0], [40_000.0, 10_000.0]])
    >>> spatial_side(xy, 2000.0, 5)
    (2000.0, True)
    >>> spatial_side(xy, 30_000.0, 10)
    (4472.13595499958, False)
    """
    extent = np.maximum(np.ptp(coordinates, axis=0), 1e-6 * np.ptp(coordinates) + 1e-9)
    widest = float(np.sqrt(np.prod(extent) / (BLOCKS_PER_FOLD * folds)))
    if range_m <= widest:
        return float(range_m), True
    return widest, False


def warm_started(factory: ModelFactory, fitted: FusionModel) -> ModelFactory:
    """Make models for folds: their searches begin where that of the whole fit ended.

    What a fold finds is still the optimum of its own samples; only the way there is shorter.
    """
    return partial(copy, fitted.restarted()) if isinstance(fitted, WarmStarts) else factory


def held_out(
    factory: ModelFactory,
    observations: Observations,
    features: Features,
    folds: NDArray[np.int_],
    training: Training | None = None,
    known: bool = False,
) -> Iterator[tuple[NDArray[np.int_], FusionModel, Prediction]]:
    """Fit a fresh model without each fold and predict that fold.

    Nothing of a fold reaches the model that predicts it: variogram, components of the samples,
    clusters, gains and hyperparameters belong to the model and are refitted.

    Parameters
    ----------
    factory : makes a fresh model.
    observations : n samples on the working scale.
    features : what the imagery says at the samples.
    folds : (n,) label of the fold of each sample.
    training : gives the observations of the rows that are fitted, where their working scale has
        to be fitted to them too; default: these rows of the observations.
    known : such a model has been fitted to all samples, so that what depends on imagery alone is
        there; else the first fold is fitted alone, before the others, and finds it.

    Yields
    ------
    Rows held out, the fitted model, and its prediction of them.

    Notes
    -----
    Folds share the threads of the features' engine, or the workers of its cluster.
    """

    fitted_to = observations.subset if training is None else training

    def one(fold: int) -> tuple[NDArray[np.int_], FusionModel, Prediction]:
        rows, rest = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        with uncounted():
            model = factory().fit(fitted_to(rest), features)
        return rows, model, model.predict(observations.points.subset(rows), features)

    others = np.unique(folds).tolist()
    if not known:
        with threadpool_limits(1, user_api="blas"):
            found = one(others.pop(0))
            one_fitted()
            yield found
    for found in engine_of(features).each(one, others):
        one_fitted()
        yield found


def cross_predict(
    models: Mapping[str, ModelFactory],
    observations: Observations,
    features: Features | Mapping[str, Features],
    folds: NDArray[np.int_],
    training: Training | None = None,
    known: bool = False,
) -> pd.DataFrame:
    """Predict every sample by models that never saw its fold.

    Parameters
    ----------
    models : factory of each model, by name.
    observations : n samples on the working scale.
    features : for all models, or by the name of each.
    folds : (n,) label of the fold of each sample.
    training, known : see ``held_out``.

    Returns
    -------
    One row per model and sample: ``model, fold, sample, easting, northing, observed, estimate,
    standard_error, distance_m`` (to the nearest sample outside the fold), working scale; NaN
    where a model gives nothing.
    """
    xy = observations.points.coordinates
    distance = distance_to_fit(xy, folds)
    parts = []
    for name, factory in models.items():
        mean = np.full(len(observations), np.nan)
        error = np.full(len(observations), np.nan)
        chosen = features[name] if isinstance(features, Mapping) else features
        for rows, _, prediction in held_out(factory, observations, chosen, folds, training, known):
            mean[rows] = prediction.mean
            if prediction.standard_error is not None:
                error[rows] = prediction.standard_error
        columns = {
            "model": name,
            "fold": folds,
            "sample": np.arange(len(observations)),
            "easting": xy[:, 0],
            "northing": xy[:, 1],
            "observed": observations.values,
            "estimate": mean,
            "standard_error": error,
            "distance_m": distance,
        }
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)
