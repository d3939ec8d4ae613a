"""A short timing of the products on this machine."""

from __future__ import annotations

from gossan.fusion.registry import options_of
from gossan.pipeline import pace
from gossan.pipeline.pace import MOST_SAMPLES, Ground, timed, timed_file

GROUND = Ground(samples=3 * MOST_SAMPLES, spacing_m=600.0, support_m=0.0, features=1, pixel_m=50.0)


def test_a_model_is_timed_once_on_a_part_of_the_samples() -> None:
    pace._timed.clear()
    options = options_of("pyramid", {})
    first = timed("pyramid", options, GROUND)
    assert first.samples == MOST_SAMPLES and first.fit > 0 and first.pixel > 0
    assert timed("pyramid", options, GROUND) is first


def test_writing_a_pixel_takes_less_than_a_thousandth_of_a_second() -> None:
    assert 0 < timed_file() < 1e-3
