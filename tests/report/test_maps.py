"""Maps are drawn true to scale, with a scale bar as long as it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from gossan.geo.grid import Grid
from gossan.report.maps import crs_text, panel_figure, round_length, single
from gossan.report.palette import EMPTY, Scale
from gossan.report.read import open_results

GRID = Grid.from_bounds(32638, (0, 0, 8000, 4000), 100)
SCALE = Scale(0.0, 1.0, False, "ppm")


def values() -> np.ndarray:
    return np.random.default_rng(1).random(GRID.shape)


def test_a_map_is_drawn_at_its_place_and_as_wide_as_it_is() -> None:
    figure, axes = panel_figure([("a", values(), GRID, SCALE)], SCALE)
    assert axes[0].get_xlim() == (0, 8000) and axes[0].get_ylim() == (0, 4000)
    figure.draw_without_rendering()
    box = axes[0].get_window_extent()
    assert box.width / box.height == pytest.approx(2.0, rel=0.01)


def test_the_scale_bar_is_as_long_as_its_label() -> None:
    _, axes = panel_figure([("a", values(), GRID, SCALE)], SCALE)
    (label,) = [one.get_text() for one in axes[0].texts if one.get_text().endswith("m")]
    bars = [line for line in axes[0].lines if np.ptp(line.get_ydata()) == 0]
    drawn = {float(np.ptp(line.get_xdata())) for line in bars}
    metres = float(label.split()[0]) * (1000 if label.endswith("km") else 1)
    assert metres in drawn and metres == round_length(8000)


def test_a_north_arrow_the_system_and_the_unit_are_on_every_map() -> None:
    figure, axes = panel_figure([("a", values(), GRID, SCALE)] * 2, SCALE)
    for place in axes:
        assert any("N" in one.get_text() for one in place.texts)
        assert place.get_xlabel() == "EPSG:32638"
    assert "ppm" in [one.get_xlabel() for one in figure.axes]


def test_a_map_without_values_says_so() -> None:
    _, axes = panel_figure([("a", np.full(GRID.shape, np.nan), GRID, SCALE)], SCALE)
    assert "no values" in [one.get_text() for one in axes[0].texts]
    assert axes[0].get_facecolor()[:3] == pytest.approx(to_rgb(EMPTY))


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (2, 2), (3, 3), (4, 2), (5, 3)])
def test_panels_fill_rows_and_spare_places_stay_empty(count: int, columns: int) -> None:
    figure, axes = panel_figure([(str(i), values(), GRID, SCALE) for i in range(count)], None)
    assert len(axes) == count
    assert axes[0].get_gridspec().ncols == columns
    assert sum(one.axison for one in figure.axes) == count


def test_a_map_of_a_run_is_drawn_with_its_own_bar(finished_run: Path) -> None:
    one = open_results(finished_run).maps["kriging", "Cu"]
    figure, axes = single(one, SCALE, "Copper")
    assert axes.get_title(loc="left") == "Copper" and len(figure.axes) == 2
    assert crs_text(one.grid) == "EPSG:32638"


def test_a_system_without_a_code_is_called_by_its_name() -> None:
    own = Grid.from_bounds("+proj=tmerc +lon_0=12.3 +ellps=GRS80 +units=m", (0, 0, 10, 10), 1)
    assert crs_text(own) == own.crs.name
