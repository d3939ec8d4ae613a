"""The product to trust: the best model by spatial cross-validation, kriging when in doubt."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from gossan.arrays.array_type import Array
from gossan.arrays.bootstrap import Interval
from gossan.errors import FitError
from gossan.fusion.cross_validation import cross_predict
from gossan.fusion.inner_folds import InnerFolds, inner_folds
from gossan.fusion.kriging_model import check_values
from gossan.fusion.protocol import Features, FusionModel, Observations, Points, Prediction
from gossan.fusion.registry import factory_of
from gossan.fusion.selection.blend import Blend, BlendSettings, mixture, single_models
from gossan.fusion.selection.choice import BASELINE, BLEND, Verdict, decide
from gossan.fusion.selection.stacking import blend_weights, cross_blend
from gossan.geo.layer import Layer

__all__ = ["Auto", "AutoSettings", "choose_per_fold"]


class AutoSettings(InnerFolds):
    """Options of the choice.

    ``candidates``: words of single models to compare with kriging (their blend is compared too);
    ``confidence``: how sure it must be that the delivered one is better than kriging.
    """

    candidates: tuple[str, ...] = Field(default=("geostatistical_forest", "forest"), min_length=1)
    confidence: float = Field(default=0.95, gt=0.5, lt=1.0)

    @property
    def fitted_in_folds(self) -> int:
        """Kriging and the candidates."""
        return len({BASELINE, *self.candidates})


class Auto:
    """Deliver the candidate that is better than kriging beyond doubt, else kriging.

    Candidates and kriging are predicted at the same held-out samples, everything refitted
    inside each fold; so is their blend, with weights that never saw the fold. ``decide`` then takes
    one only if it is better than kriging beyond doubt.

    Parameters
    ----------
    settings
        Candidates, folds, confidence.

    Attributes
    ----------
    choice_ : what was chosen and why; ``choice_.sentence("Cu")`` says it of an element.
    verdict_ : the same sentence without an element.
    model_ : the chosen model, fitted on all observations.
    """

    def __init__(self, settings: AutoSettings | None = None) -> None:
        self.settings = settings or AutoSettings()
        self.tables_: dict[str, pd.DataFrame] = {}

    def fit(self, observations: Observations, features: Features) -> Self:
        """Compare, choose, and fit the chosen model on all observations."""
        check_values(observations)
        if not features.names:
            return self._krige(observations, features, "there are no features")
        folds, groups = inner_folds(observations, features, self.settings)
        try:
            tables, failed = _held_out(self.settings.candidates, observations, features, folds)
        except FitError:  # kriging itself cannot be fitted without a fold
            return self._krige(observations, features, "there are too few samples to choose by")
        held = {word: table["estimate"].to_numpy(float) for word, table in tables.items()}
        every = dict(held)
        members = [word for word in held if word != BASELINE]
        if len(members) > 1:
            stacked = np.column_stack([held[word] for word in members])
            every[BLEND] = cross_blend(stacked, observations.values, folds)
        verdict, choice = decide(
            every, observations.values, groups, self.settings.confidence, self.settings.seed
        )
        self._say(verdict)
        choice = pd.concat([choice, pd.DataFrame(failed)], ignore_index=True)
        self.model_ = self._fit_chosen(observations, features, held, folds)
        self.tables_ = {**self.model_.tables_, "choice": choice}
        return self

    def _krige(self, observations: Observations, features: Features, reason: str) -> Self:
        nothing = Interval(float("nan"), float("nan"), float("nan"))
        self._say(Verdict(BASELINE, BASELINE, nothing, reason))
        self.model_ = factory_of(BASELINE)().fit(observations, features)
        self.tables_ = dict(self.model_.tables_)
        return self

    def _say(self, verdict: Verdict) -> None:
        self.choice_, self.verdict_ = verdict, verdict.sentence()

    def _fit_chosen(
        self,
        observations: Observations,
        features: Features,
        held: dict[str, Array],
        folds: NDArray[np.int_],
    ) -> FusionModel:
        if self.choice_.chosen != BLEND:
            return factory_of(self.choice_.chosen)().fit(observations, features)
        members = tuple(word for word in held if word != BASELINE)
        stacked = np.column_stack([held[word] for word in members])
        weights, share = blend_weights(stacked, observations.values, folds)
        errors = np.sqrt(np.mean((stacked - observations.values[:, None]) ** 2, axis=0))
        fitted = [factory_of(word)().fit(observations, features) for word in members]
        return Blend(BlendSettings(members=members)).join(fitted, weights, errors, share)

    def predict(self, points: Points, features: Features) -> Prediction:
        """Predict by the chosen model."""
        return self.model_.predict(points, features)

    def hold_out(
        self,
        observations: Observations,
        features: Features,
        folds: NDArray[np.int_],
        groups: NDArray[np.int_],
    ) -> Prediction:
        """Predict every fold by the choice that the other folds lead to.

        Every candidate is refitted without each fold; the choice for a fold (and the weights of
        the blend) is made by the held-out predictions of the other folds only. This judges the
        choice at the price of one cross-validation instead of one inside each fold.

        Parameters
        ----------
        observations : n samples on the working scale.
        features : what the imagery says.
        folds, groups : (n,) fold and spatial block of each sample.

        Returns
        -------
        (n,) held-out estimates and standard errors.
        """
        tables, _ = _held_out(self.settings.candidates, observations, features, folds)
        return choose_per_fold(tables, observations.values, folds, groups, self.settings)

    def layer(self, features: Features) -> Layer:
        """Return the map of the chosen model."""
        return self.model_.layer(features)


def choose_per_fold(
    tables: dict[str, pd.DataFrame],
    observed: Array,
    folds: NDArray[np.int_],
    groups: NDArray[np.int_],
    settings: AutoSettings,
) -> Prediction:
    """Choose for each fold by the other folds; ``tables`` of ``cross_predict`` by word."""
    words = list(tables)
    mean = {w: table["estimate"].to_numpy(float) for w, table in tables.items()}
    error = {w: table["standard_error"].to_numpy(float) for w, table in tables.items()}
    members = [w for w in words if w != BASELINE]
    result, spread = np.empty(len(observed)), np.empty(len(observed))
    for fold in np.unique(folds):
        own, rest = folds == fold, folds != fold
        every = {w: mean[w][rest] for w in words}
        if len(members) > 1:
            stacked = np.column_stack([mean[w][rest] for w in members])
            every[BLEND] = cross_blend(stacked, observed[rest], folds[rest])
        verdict, _ = decide(every, observed[rest], groups[rest], settings.confidence, settings.seed)
        if verdict.chosen != BLEND:
            result[own], spread[own] = mean[verdict.chosen][own], error[verdict.chosen][own]
            continue
        weights, _ = blend_weights(stacked, observed[rest], folds[rest])
        rmse = np.sqrt(np.mean((stacked - observed[rest][:, None]) ** 2, axis=0))
        errors = [
            np.where(np.isfinite(error[w][own]), error[w][own], r) for w, r in zip(members, rmse)
        ]
        result[own], spread[own] = mixture(
            np.stack([mean[w][own] for w in members]), np.stack(errors), weights
        )
    return Prediction(result, spread)


def _held_out(
    candidates: tuple[str, ...],
    observations: Observations,
    features: Features,
    folds: NDArray[np.int_],
) -> tuple[dict[str, pd.DataFrame], list[dict[str, object]]]:
    """Predict held-out samples by kriging and each candidate; say which could not be fitted."""
    held: dict[str, pd.DataFrame] = {}
    failed: list[dict[str, object]] = []
    for word, factory in single_models(tuple(dict.fromkeys((BASELINE, *candidates)))).items():
        try:
            table = cross_predict({word: factory}, observations, features, folds)
        except FitError as error:
            if word == BASELINE:
                raise
            failed.append({"candidate": word, "chosen": False, "note": str(error)})
            continue
        if table["estimate"].notna().all():
            held[word] = table.sort_values("sample")
        else:
            failed.append({"candidate": word, "chosen": False, "note": "some estimates are empty"})
    return held, failed
