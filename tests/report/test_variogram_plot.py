"""Variograms are drawn by number of pairs, with the model in use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from gossan.pipeline.commands.krige import krige_project
from gossan.pipeline.options.project import load_project
from gossan.report.variogram_plot import draw_variogram, draw_variograms

from ..tiny_project import write_tiny

LAGS = np.array([200.0, 400.0, 800.0])


def points(directions: tuple[float, ...]) -> pd.DataFrame:
    one = pd.DataFrame({"lag": LAGS, "gamma": LAGS / 10, "pairs": [4, 30, 9], "model": LAGS / 9})
    parts = [one[::-1].assign(direction=way) for way in directions]
    return pd.concat(parts, ignore_index=True)


def rows(reach: float = 500.0) -> pd.DataFrame:
    return pd.DataFrame({"description": ["spherical"], "nugget": [0.0], "sill": [80.0],
                         "practical_range_m": [reach], "survey": ["regional"], "element": ["Cu"],
                         "cv_rmse": [0.31]})  # fmt: skip


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Figure]:
    """Draw, and look at the figure."""
    kept: list[Figure] = []
    save = Figure.savefig

    def keep(figure: Figure, *args: object, **options: object) -> None:
        kept.append(figure)
        save(figure, *args, **options)

    def draw(found: pd.DataFrame, about: pd.DataFrame) -> Figure:
        monkeypatch.setattr(Figure, "savefig", keep)
        draw_variogram(found, about, tmp_path / "v.png")
        assert (tmp_path / "v.png").read_bytes()[1:4] == b"PNG"
        return kept[-1]

    return draw


def test_classes_lie_at_their_distance_and_grow_with_their_pairs(drawn: Callable) -> None:
    axes = drawn(points((np.nan,)), rows()).axes[0]
    (dots,) = axes.collections
    np.testing.assert_allclose(dots.get_offsets(), np.column_stack([LAGS, LAGS / 10]))
    assert np.argmax(dots.get_sizes()) == 1
    curve = next(line for line in axes.lines if len(line.get_xdata()) == 3)
    np.testing.assert_allclose(curve.get_xydata(), np.column_stack([LAGS, LAGS / 9]))
    assert "regional, Cu" in axes.get_title() and "0.31" in axes.get_title()


def test_sill_and_range_are_marked_where_they_are_in_sight(drawn: Callable) -> None:
    def upright(reach: float) -> list[float]:
        axes = drawn(points((np.nan,)), rows(reach)).axes[0]
        assert [80.0, 80.0] in [list(line.get_ydata()) for line in axes.lines]
        return [line.get_xdata()[0] for line in axes.lines if len(set(line.get_xdata())) == 1]

    assert upright(500.0) == [500.0] and upright(9e9) == []


def test_directions_have_a_legend(drawn: Callable) -> None:
    axes = drawn(points((0.0, 90.0, np.nan)), rows()).axes[0]
    assert [one.get_text() for one in axes.get_legend().get_texts()] == [
        "0°", "90°", "all directions",
    ]  # fmt: skip


def test_a_variogram_without_classes_is_drawn(drawn: Callable) -> None:
    assert not drawn(points((np.nan,)).head(0), rows()).axes[0].collections


def test_every_kriged_element_has_a_figure(tmp_path: Path) -> None:
    path = write_tiny(tmp_path)
    text = path.read_text().replace("[anomalies]", "[kriging]\nalternatives = []\n\n[anomalies]")
    path.write_text(text)
    krige_project(load_project(path), tmp_path / "krige")
    for one in (tmp_path / "krige" / "figures").glob("*.png"):
        one.unlink()
    found = {one.name for one in draw_variograms(tmp_path / "krige")}
    assert found == {
        "variogram_kriging_regional_Cu.png", "variogram_kriging_regional_Zn.png",
        "variogram_kriging_detailed_Cu.png",
    }  # fmt: skip
    assert all((tmp_path / "krige" / "figures" / name).exists() for name in found)
