"""Every model of the registry keeps the contract, and the suite finds those that do not."""

from __future__ import annotations

import numpy as np
import pytest

from gossan.fusion.kriging_model import KrigingModel
from gossan.fusion.registry import MODELS, factory_of
from gossan.testing import MODEL_CHECKS, Case, check_model, simulated_case

OPTIONS = {
    "geostatistical_forest": {"trees": 20},
    "kriging_prior": {"trees": 20},
    "partnered": {"base": "kriging"},
    "blend": {"members": ["kriging", "gwr"], "number": 3},
    "auto": {"candidates": ["gwr"], "number": 3},
}
"""Smaller models of models, so that the suite stays quick."""


@pytest.fixture(scope="module")
def case() -> Case:
    return simulated_case()


@pytest.mark.parametrize("word", sorted(MODELS))
def test_every_model_of_the_registry_conforms(word: str, case: Case) -> None:
    check_model(factory_of(word, OPTIONS.get(word)), case)


class Forgetful(KrigingModel):
    """A model with a fault for each check to find."""

    fault = ""

    def __init__(self) -> None:
        super().__init__()
        if self.fault == "constructor_only_stores":
            self.mean_ = 0.0
        if self.fault == "pickles":
            self.function = lambda: None

    def fit(self, observations, features):  # type: ignore[no-untyped-def]
        if self.fault == "refits" and hasattr(self, "kriging_"):
            return self
        if self.fault == "errors_teach":
            return self
        super().fit(observations, features)
        return None if self.fault == "fit_returns_self" else self

    def predict(self, points, features):  # type: ignore[no-untyped-def]
        found = super().predict(points, features)
        if self.fault == "deterministic":
            found.mean[:] += np.random.default_rng().normal(size=len(points))
        if self.fault == "points_are_independent":
            found.mean[:] -= found.mean.mean()
        if self.fault == "learns":
            found.mean[:] *= -1
        if self.fault == "map_agrees_with_points":
            found.mean[:] += 5.0
        if self.fault == "predictions":
            found.standard_error[:] *= -1
        return found


@pytest.mark.parametrize("fault", sorted(set(MODEL_CHECKS) - {"protocol", "maps"}))
def test_each_check_finds_its_fault(fault: str, case: Case) -> None:
    model = type("Faulty", (Forgetful,), {"fault": fault})
    globals()["Faulty"] = model
    model.__qualname__, model.__module__ = "Faulty", __name__
    with pytest.raises(AssertionError):
        MODEL_CHECKS[fault](model, case)


def test_the_suite_names_model_and_check(case: Case) -> None:
    model = type("Faulty", (Forgetful,), {"fault": "learns"})
    with pytest.raises(AssertionError, match="Faulty fails 'learns'"):
        check_model(model, case)
