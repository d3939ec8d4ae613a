"""What the page's script reads is what the map holds."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gossan.pipeline.commands.predict import estimates_at
from gossan.report.explore import STEPS, exploration, stored
from gossan.report.read import open_results


def opened(found: dict[str, Any]) -> np.ndarray:
    """Read a stored map as the script does."""
    codes = np.frombuffer(base64.b64decode(found["codes"]), "<u2").astype(float)
    values = found["low"] + (codes - 1) / STEPS * found["span"]
    return np.where(codes == 0, np.nan, np.exp(values) if found["log"] else values)


@pytest.mark.parametrize("low", [0.01, -3.0])
def test_a_stored_map_comes_back_to_four_figures(low: float) -> None:
    values = np.random.default_rng(1).uniform(low, 900.0, (5, 7)).astype(np.float32)
    values[2, 3] = np.nan
    np.testing.assert_allclose(opened(stored(values)), values.ravel(), rtol=3e-4, atol=0.02)


def test_a_map_without_values_is_stored() -> None:
    assert np.isnan(opened(stored(np.full((2, 2), np.nan, np.float32)))).all()


def test_interval_and_content_are_those_that_predict_gives(finished_run: Path) -> None:
    results = open_results(finished_run)
    found = exploration(results, "Cu")
    assert found is not None
    columns, rows, left, top, width, height = found["grid"]
    place = np.array([[left + 20.5 * width, top - 30.5 * height]])
    record = results.run.product(str(results.best("Cu")), "Cu")
    assert record is not None
    told = estimates_at(results.run, record, place)
    cell = 30 * columns + 20
    for name, column in (("estimate", "estimate"), ("lower", "lower90"), ("upper", "upper90")):
        assert opened(found[name])[cell] == pytest.approx(float(told[column][0]), rel=2e-3)
    assert rows * columns <= 40_000
    assert len(found["samples"]["x"]) == len(found["samples"]["value"]) > 100
