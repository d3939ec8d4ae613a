"""The forecast of a run's time adds up counts that a real run reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gossan.geo.grid import Grid
from gossan.pipeline import time_needed
from gossan.pipeline.options.products import Product, products_of
from gossan.pipeline.options.project import load_project
from gossan.pipeline.pace import Ground, Pace
from gossan.pipeline.time_needed import fits_expected, seconds_needed, steps_expected
from gossan.settings import Settings

GROUND = Ground(samples=100, spacing_m=600.0, support_m=0.0, features=0, pixel_m=50.0)
MODELS = """
[[product]]
name = "kriging"
model = "kriging"

[[product]]
name = "auto"
model = "auto"
features = "indices.all"
candidates = ["atprk", "gwr"]
number = 4

[[product]]
name = "guarded"
model = "guarded_pyramid"
features = "indices.pc2"
number = 3

[[product]]
name = "linear"
model = "geostatistical"
features = "indices.all"
"""


@pytest.fixture
def products(small: Path) -> dict[str, Product]:
    small.write_text(small.read_text(encoding="utf-8") + MODELS, encoding="utf-8")
    return {product.name: product for product in products_of(load_project(small))}


def test_fits_are_folds_times_models(products: dict[str, Product]) -> None:
    found = {name: fits_expected(one, folds=6, spatial=3) for name, one in products.items()}
    assert found == {
        "kriging": 1 + 6,
        "auto": 1 + 4 * 3 + 3 * 3,  # held out by itself: kriging and two candidates in each fold
        "guarded": (1 + 3 * 2) * (1 + 6),  # kriging and the pyramid in folds inside each fold
        "linear": 1 + 6 * time_needed.WARM,  # folds begin where the map's fit ended
    }


def test_the_forecast_is_fits_times_seconds_and_pixels_times_seconds(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_needed, "timed", lambda *_: Pace(samples=50, fit=0.5, pixel=1e-6))
    monkeypatch.setattr(time_needed, "timed_file", lambda: 2e-6)
    small.write_text(small.read_text(encoding="utf-8") + MODELS, encoding="utf-8")
    grid = Grid.from_bounds(32638, (0, 0, 10_000, 10_000), 10)
    steps = {one.title: one for one in steps_expected(load_project(small), [], GROUND, grid)}
    kriging = steps[next(title for title in steps if title.startswith("Kriging"))]
    fits = 1 + 3 + 3 + time_needed.TRIED
    # a hundred samples cost twice as much as the fifty that were timed
    assert kriging.processor == pytest.approx(fits * 1.0 + 1e6 * (1e-6 + 2 * 2e-6))
    threads = [seconds_needed(steps.values(), workers) for workers in (1, 2, 4)]
    assert threads[0] == pytest.approx(sum(one.processor for one in steps.values()))
    assert threads[0] > threads[1] > threads[2] > sum(one.alone for one in steps.values())


def test_check_says_how_long_a_run_takes_and_which_steps_are_longest(
    small: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    code, out, _ = command("check", small)
    line = next(line for line in out.splitlines() if line.startswith("time needed"))
    assert code == 0 and "about" in line and "longest: report" in line


def test_samples_of_catchments_are_timed_with_every_mixing_and_held_against_squares(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed: list[tuple[str, int]] = []

    def pace(model: str, options: Settings, ground: Ground) -> Pace:
        timed.append((getattr(options, "support", "none"), ground.mixings))
        return Pace(samples=100, fit=1.0, pixel=0.0)

    monkeypatch.setattr(time_needed, "timed", pace)
    monkeypatch.setattr(time_needed, "timed_file", lambda: 1e-9)
    small.write_text(small.read_text(encoding="utf-8") + MODELS, encoding="utf-8")
    grid, project = Grid.from_bounds(32638, (0, 0, 1000, 1000), 10), load_project(small)
    seconds = []
    for mixings in (0, 8):
        timed.clear()
        steps = steps_expected(project, [], replace(GROUND, mixings=mixings), grid)
        seconds.append(sum(one.processor for one in steps if one.title.startswith("Geostat")))
        assert ("evidence", mixings) in timed and (("square", 0) in timed) == (mixings > 0)
    assert seconds[1] - seconds[0] == pytest.approx(project.validation.folds)
