"""Folds by word, with a note of how far held-out samples are from the fitted ones."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from gossan.arrays.folds import distance_to_fit
from gossan.errors import SettingsError
from gossan.evaluate.folds import ValidationSettings, divide, make_folds, residual_range
from gossan.fusion.protocol import Observations, Points
from gossan.io.contract import Comparison

from ..fusion.simulated import simulate


def test_folds_of_a_column_are_taken_as_they_are() -> None:
    case = simulate(n=60)
    sheets = np.repeat([3.0, 7.0, 9.0], 20)
    points = Points(case.observations.points.coordinates, 0.0, {"sheet": sheets})
    observations = Observations(points, case.observations.values)
    settings = ValidationSettings(kinds=("column",), column="sheet")
    folds = make_folds("column", observations, settings, 500.0)
    assert np.unique(np.column_stack([folds.labels, sheets]), axis=0).shape[0] == 3
    with pytest.raises(SettingsError, match="column"):
        make_folds("column", observations, ValidationSettings(), 500.0)
    with pytest.raises(SettingsError, match="It has sheet"):
        make_folds("column", observations, ValidationSettings(column="map"), 500.0)


def test_blocks_reach_the_range_or_say_that_they_cannot() -> None:
    case = simulate(n=150)
    settings = ValidationSettings(folds=4)
    wide = make_folds("blocks", case.observations, settings, 60_000.0)
    assert "less than the residual's range of 60 km" in wide.note
    short = make_folds("blocks", case.observations, settings, 900.0)
    assert short.note == "spatial blocks of 0.9 km" and short.comparison.is_spatial
    assert make_folds("random", case.observations, settings, 900.0).comparison.is_optimistic
    own = make_folds("blocks", case.observations, ValidationSettings(block_km=1.5), 900.0)
    assert own.note == "spatial blocks of 1.5 km"


def test_the_residual_range_is_that_of_what_features_leave() -> None:
    case = simulate(n=400, share=0.5, noise=0.05)
    found = residual_range(case.observations, case.features)
    assert 500 < found < 4000  # a Gaussian filter of 9 pixels of 60 m by 40 m


def test_random_folds_alone_are_refused() -> None:
    with pytest.raises(ValidationError, match='Add "blocks"'):
        ValidationSettings(kinds=("random",))


def test_samples_are_divided_in_every_way_asked_for_and_few_are_not() -> None:
    case = simulate(n=60)
    settings = ValidationSettings(kinds=("random", "knndm", "blocks"), folds=4)
    division = divide(case.observations, settings, case.features.grid, 1)
    assert list(division.folds) == ["random", "knndm", "blocks"]
    assert division.spatial is division.folds["knndm"]
    assert division.note(Comparison.parse("blocks")).startswith("spatial blocks")
    assert division.note(Comparison.parse("check: soil")) == "independent samples of soil"
    assert division.note(Comparison.parse("coarse layer")) == ""
    few = divide(case.observations.subset(np.arange(19)), settings, case.features.grid, 1)
    assert not few.folds and few.spatial is None


def test_spatial_folds_keep_held_out_samples_away() -> None:
    case = simulate(n=150)
    settings = ValidationSettings(kinds=("blocks", "random"), folds=5, block_km=1.5)
    division = divide(case.observations, settings, case.features.grid, 1)
    xy = case.observations.points.coordinates
    away = {k: np.median(distance_to_fit(xy, f.labels)) for k, f in division.folds.items()}
    assert away["blocks"] > 1.5 * away["random"]
