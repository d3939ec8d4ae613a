"""Regressors by word, for regression kriging: ridge, forest, boosting."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import (
    ExtraTreesRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import has_fit_parameter

from gossan.errors import FitError, must
from gossan.fusion.trees import Trees

__all__ = ["RegressorWord", "explained_share", "fit_weighted", "regressor", "swift"]

RegressorWord = Literal["ridge", "forest", "boosting"]

_PENALTIES = [10.0**k for k in range(-2, 5)]


def regressor(which: RegressorWord | BaseEstimator, seed: int = 0) -> Any:
    """Make an unfitted scikit-learn regressor by word, or clone the one given.

    "ridge": linear, standardised, penalty by leave-one-out among 0.01 .. 10,000; "forest": extra
    trees, at least 5 samples a leaf (extremely randomised trees step less than a random forest);
    "boosting": histogram gradient boosting, shallow and slow.

    >>> type(regressor("forest")).__name__
    'ExtraTreesRegressor'

    Raises
    ------
    FitError : neither a word nor a scikit-learn regressor.
    """
    if which == "ridge":
        return make_pipeline(StandardScaler(), RidgeCV(_PENALTIES))
    if which == "forest":
        return ExtraTreesRegressor(
            100, min_samples_leaf=5, max_features=1 / 3, random_state=seed, n_jobs=1
        )
    if which == "boosting":
        return HistGradientBoostingRegressor(
            learning_rate=0.05, max_iter=150, max_depth=3, min_samples_leaf=10,
            l2_regularization=1.0, early_stopping=False, random_state=seed,
        )  # fmt: skip
    if not (hasattr(which, "fit") and hasattr(which, "predict")):
        cure = "Use a word, or any scikit-learn regressor"
        raise FitError(must("regressor", "ridge | forest | boosting", repr(which), cure))
    return clone(which)


def fit_weighted(
    unfitted: Any, x: NDArray[np.float64], y: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
) -> Any:  # fmt: skip
    """Fit a regressor to samples (n, d) and (n,) with weights (n,), if it takes any.

    >>> x, y = np.zeros((20, 1)), np.r_[np.zeros(10), np.ones(10)]
    >>> float(fit_weighted(regressor("ridge"), x, y, 1.0 + 2.0 * y).predict(x[:1])[0])
    0.75
    """
    if weights is None:
        return unfitted.fit(x, y)
    last = unfitted.steps[-1][1] if isinstance(unfitted, Pipeline) else unfitted
    if not has_fit_parameter(last, "sample_weight"):
        return unfitted.fit(x, y)
    name = "sample_weight"
    if isinstance(unfitted, Pipeline):
        name = f"{unfitted.steps[-1][0]}__{name}"
    return unfitted.fit(x, y, **{name: weights})


def explained_share(
    residual: NDArray[np.float64], y: NDArray[np.float64], weights: NDArray[np.float64] | None
) -> float:
    """Return the share of the (weighted) variance of y (n,) that residuals (n,) leave explained.

    >>> explained_share(np.array([1.0, -1.0]), np.array([2.0, -2.0]), None)
    0.75
    """
    off = y - np.average(y, weights=weights)
    return 1.0 - float(
        np.average(residual**2, weights=weights) / np.average(off**2, weights=weights)
    )


def swift(fitted: Any) -> Any:
    """Return a fitted regressor in a form that is quick at pixels: forests as flat trees.

    >>> import numpy as np
    >>> swift(regressor("forest").fit(np.zeros((20, 1)), np.zeros(20))).predict(np.zeros((2, 1)))
    array([0., 0.])
    """
    forests = (RandomForestRegressor, ExtraTreesRegressor)
    return Trees.of(fitted) if isinstance(fitted, forests) else fitted
