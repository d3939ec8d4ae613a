"""Every word makes a model of the protocol; a wrong word is answered with the right one."""

from __future__ import annotations

import pytest

from gossan.errors import SettingsError
from gossan.fusion.protocol import FusionModel
from gossan.fusion.registry import MODELS, factory_of, make_model, options_of, settings_of


@pytest.mark.parametrize("word", sorted(MODELS))
def test_every_word_makes_a_model_of_the_protocol(word: str) -> None:
    assert isinstance(make_model(word), FusionModel)
    assert isinstance(factory_of(word)(), FusionModel)
    assert settings_of(word)().model_dump_json()


@pytest.mark.parametrize("word", sorted(MODELS))
def test_no_option_of_a_model_shadows_what_every_product_has(word: str) -> None:
    shared = {"name", "features", "elements", "transform", "options"}
    assert not shared & set(settings_of(word).model_fields)


def test_a_wrong_word_is_answered_with_the_nearest() -> None:
    with pytest.raises(SettingsError, match='Did you mean "kriging"'):
        make_model("krigging")


def test_a_wrong_option_is_answered_with_the_nearest() -> None:
    with pytest.raises(SettingsError, match='Did you mean "neighbours"'):
        options_of("kriging", {"neighbors": 8})
    with pytest.raises(SettingsError, match="neighbours of kriging must be"):
        options_of("kriging", {"neighbours": "many"})
