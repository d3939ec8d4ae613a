"""What is wrong in settings is worded as a person would: no words of the validator's."""

from __future__ import annotations

import pytest

from gossan.errors import SettingsError
from gossan.geochem.kriging.settings import KrigeSettings
from gossan.pipeline.options.project import validated


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"neighbours": "many"}, "neighbours: must be a whole number or \"all\"; got 'many'."),
        ({"neighbours": 1000}, 'neighbours must be 1 to 500 or "all"; got 1000. Use 32.'),
        ({"mean": "x"}, "mean: must be a number or a table in { braces }; got 'x'."),
        ({"cell_m": -1}, "cell_m: must be above 0; got -1."),
        ({"fewest": 0.5}, "fewest: must be a whole number; got 0.5."),
        ({"also": "mean"}, "also: must be a list in [square brackets]; got 'mean'."),
        ({"variogram": {"nuget": 1}}, "'variogram.nuget' is not a known key"),
        (
            {"variogram": {"structures": [{"kind": "spherical", "sill": 1}]}},
            "variogram.structures.0.range_m is missing.",
        ),
        (
            {"method": "magic"},
            'method: must be "ordinary", "simple" or "universal"; got \'magic\'.',
        ),
    ],
    ids=lambda part: str(part)[:40],
)
def test_a_wrong_key_is_one_plain_sentence(row: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        validated(KrigeSettings, row, "[kriging]")
    assert str(caught.value).startswith(f"[kriging]: {sentence}")
    assert len(str(caught.value).splitlines()) == 1
