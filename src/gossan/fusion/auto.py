"""The product to trust: the best model by spatial cross-validation, kriging when in doubt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from gossan.arrays.bootstrap import Interval, huber, paired_skills
from gossan.errors import FitError
from gossan.fusion.blend import Blend, BlendSettings, mixture, single_models
from gossan.fusion.cross_validation import cross_predict
from gossan.fusion.held_out_folds import InnerFolds, inner_folds
from gossan.fusion.kriging_model import check_values
from gossan.fusion.protocol import Features, FusionModel, Observations, Points, Prediction
from gossan.fusion.registry import factory_of
from gossan.fusion.stacking import blend_weights, cross_blend
from gossan.geo.layer import Layer

__all__ = ["Auto", "AutoSettings", "Verdict", "decide"]

BASELINE = "kriging"
BLEND = "blend"
KNEE = 2.0
"""Robust standard deviations beyond which an error counts linearly."""
Array = NDArray[np.float64]


class AutoSettings(InnerFolds):
    """Steer the choice.

    ``candidates``: words of single models to compare with kriging (their blend is compared too);
    ``confidence``: how sure it must be that the delivered one is better than kriging.
    """

    candidates: tuple[str, ...] = Field(default=("geostatistical", "forest"), min_length=1)
    confidence: float = Field(default=0.95, gt=0.5, lt=1.0)


@dataclass(frozen=True)
class Verdict:
    """Say what was chosen and why.

    ``best`` is the best candidate, ``skill`` its robust skill against kriging with the interval
    that decided; ``chosen`` what is delivered.
    """

    chosen: str
    best: str
    skill: Interval
    reason: str = ""

    def sentence(self, element: str = "") -> str:
        """Give the verdict in one sentence.

        >>> Verdict("kriging", "blend", Interval(-0.02, -0.06, 0.01)).sentence("Au")
        'imagery adds nothing for Au here: skill -0.02 [-0.06, 0.01]; the kriged map is delivered'
        """
        what = f" for {element}" if element else ""
        if self.reason:
            return f"{self.reason}{what}; the kriged map is delivered"
        found = f"skill {self.skill}"
        if self.chosen != BASELINE:
            return f"imagery helps{what} here: {found}; the map of {self.chosen} is delivered"
        if self.skill.value > 0.02:
            return (
                f"imagery is not shown to help{what} here: {found} by {self.best}; "
                "the kriged map is delivered"
            )
        return f"imagery adds nothing{what} here: {found}; the kriged map is delivered"


class Auto:
    """Deliver the candidate that is better than kriging beyond doubt, else kriging.

    Candidates and kriging are predicted at the same held-out samples, everything refitted
    inside each fold; so is their blend, with weights that never saw the fold. The best by
    robust skill is taken if the lower end of its paired block-bootstrap interval is above 0.
    Robust: squared errors grow only linearly beyond two robust standard deviations of kriging's
    errors, so that one freak sample does not decide. The intervals are simultaneous, since
    the best of many is better by luck, and hold 90 %: 5 % lie below, so that the delivered one
    is better with a confidence of 95 %.

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
            nothing = Interval(float("nan"), float("nan"), float("nan"))
            self._say(Verdict(BASELINE, BASELINE, nothing, "there are no features"))
            self.model_ = factory_of(BASELINE)().fit(observations, features)
            self.tables_ = dict(self.model_.tables_)
            return self
        folds, groups = inner_folds(observations, features, self.settings)
        held, failed = _held_out(self.settings.candidates, observations, features, folds)
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
        words = tuple(dict.fromkeys((BASELINE, *self.settings.candidates)))
        table = cross_predict(single_models(words), observations, features, folds)
        return choose_per_fold(table, words, observations.values, folds, groups, self.settings)

    def layer(self, features: Features) -> Layer:
        """Give the map of the chosen model."""
        return self.model_.layer(features)


def choose_per_fold(
    table: pd.DataFrame,
    words: tuple[str, ...],
    observed: Array,
    folds: NDArray[np.int_],
    groups: NDArray[np.int_],
    settings: AutoSettings,
) -> Prediction:
    """Choose for each fold by the other folds; ``table`` as ``cross_predict`` gives it."""
    held = {w: table[table["model"] == w].sort_values("sample") for w in words}
    mean = {w: held[w]["estimate"].to_numpy(float) for w in words}
    error = {w: held[w]["standard_error"].to_numpy(float) for w in words}
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


def decide(
    held: dict[str, Array],
    observed: Array,
    groups: NDArray[np.int_],
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[Verdict, pd.DataFrame]:
    """Choose among held-out predictions; "kriging" is the baseline among them.

    Parameters
    ----------
    held : (n,) held-out predictions of each candidate by word, "kriging" among them.
    observed : (n,) values.
    groups : (n,) spatial block of each sample.
    confidence : how sure it must be that the chosen one is better than kriging, all candidates
        considered together; the intervals leave ``1 - confidence`` on each side.

    Returns
    -------
    The verdict, and a table ``candidate, rmse, skill, robust_skill, lower, upper, chosen, note``;
    the ends are those of the robust skill.
    """
    base = held[BASELINE] - observed
    names = [name for name in held if name != BASELINE]
    knee = KNEE * 1.4826 * float(np.median(np.abs(base)))
    plain = {name: held[name] - observed for name in names}
    found = {BASELINE: Interval(0.0, 0.0, 0.0)}
    if names:
        softened = np.stack([huber(plain[name], knee) for name in names])
        level = 2.0 * confidence - 1.0
        intervals = paired_skills(softened, huber(base, knee), groups, level, seed=seed)
        found |= dict(zip(names, intervals))
    best = max(names, key=lambda name: found[name].value) if names else BASELINE
    chosen = best if found[best].lower > 0.0 else BASELINE
    rows = []
    for name in [BASELINE, *names]:
        error = held[name] - observed
        rows.append(
            {
                "candidate": name,
                "rmse": float(np.sqrt(np.mean(error**2))),
                "skill": 1.0 - float((error @ error) / (base @ base)),
                "robust_skill": found[name].value,
                "lower": found[name].lower,
                "upper": found[name].upper,
                "chosen": name == chosen,
                "note": "",
            }
        )
    return Verdict(chosen, best, found[best]), pd.DataFrame(rows)


def _held_out(
    candidates: tuple[str, ...],
    observations: Observations,
    features: Features,
    folds: NDArray[np.int_],
) -> tuple[dict[str, Array], list[dict[str, object]]]:
    """Predict held-out samples by kriging and each candidate; say which could not be fitted."""
    held: dict[str, Array] = {}
    failed: list[dict[str, object]] = []
    for word, factory in single_models(tuple(dict.fromkeys((BASELINE, *candidates)))).items():
        try:
            table = cross_predict({word: factory}, observations, features, folds)
        except FitError as error:
            if word == BASELINE:
                raise
            failed.append({"candidate": word, "chosen": False, "note": str(error)})
            continue
        estimate = table.sort_values("sample")["estimate"].to_numpy(float)
        if np.isfinite(estimate).all():
            held[word] = estimate
        else:
            failed.append({"candidate": word, "chosen": False, "note": "some estimates are empty"})
    return held, failed
