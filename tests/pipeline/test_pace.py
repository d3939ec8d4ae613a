"""A short timing of the products on this machine."""

from __future__ import annotations

from dataclasses import replace

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


def test_a_survey_of_stream_sediments_is_timed_by_samples_that_stand_for_catchments() -> None:
    """As many ways to mix are weighed as there are in the survey."""
    for mixings in (4, 8):
        _, observations = pace._problem(replace(GROUND, mixings=mixings))
        grounds = observations.points.grounds
        assert grounds is not None and len(grounds.basins.mixings) == mixings
        assert len(grounds) == MOST_SAMPLES and (grounds.area_km2 > 0).all()
    options = options_of("geostatistical", {"averaging": "mode"})
    small = replace(GROUND, samples=30, mixings=4)
    assert timed("geostatistical", options, small).fit > 0


def test_writing_a_pixel_takes_less_than_a_thousandth_of_a_second() -> None:
    assert 0 < timed_file() < 1e-3
