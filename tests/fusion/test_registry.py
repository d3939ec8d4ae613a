"""Every word makes a model of the protocol; a wrong word is answered with the right one."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from gossan.errors import SettingsError
from gossan.fusion.protocol import FusionModel
from gossan.fusion.registry import MODELS, factory_of, make_model, options_of, settings_of
from gossan.geo.grid import Window

from .simulated import simulate


@pytest.mark.parametrize("word", sorted(MODELS))
def test_every_word_makes_a_model_of_the_protocol(word: str) -> None:
    assert isinstance(make_model(word), FusionModel)
    assert isinstance(factory_of(word)(), FusionModel)
    assert settings_of(word)().model_dump_json()


@pytest.mark.parametrize("word", sorted(MODELS))
def test_no_option_of_a_model_shadows_what_every_product_has(word: str) -> None:
    shared = {"name", "features", "elements", "transform", "options"}
    assert not shared & set(settings_of(word).model_fields)


@pytest.mark.parametrize("word", sorted(MODELS))
def test_a_fitted_model_and_its_map_survive_a_pickle(word: str) -> None:
    case = simulate(n=60)
    settings = {"number": 3} if "number" in settings_of(word).model_fields else {}
    model = make_model(word, options_of(word, settings)).fit(case.observations, case.features)
    again = pickle.loads(pickle.dumps(model))
    points, window = case.check.points, Window(3, 5, 20, 30)
    found = [one.predict(points, case.features).mean for one in (model, again)]
    np.testing.assert_allclose(*found, rtol=1e-12)  # sums over memory that is aligned anew
    layer = model.layer(case.features)
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(layer)).read(window), layer.read(window)
    )


def test_a_wrong_word_is_answered_with_the_nearest() -> None:
    with pytest.raises(SettingsError, match='Did you mean "kriging"'):
        make_model("krigging")


def test_a_wrong_option_is_answered_with_the_nearest() -> None:
    with pytest.raises(SettingsError, match='Did you mean "neighbours"'):
        options_of("kriging", {"neighbors": 8})
    with pytest.raises(SettingsError, match="neighbours of kriging must be"):
        options_of("kriging", {"neighbours": "many"})
