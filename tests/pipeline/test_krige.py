"""Element layers by command: from a project file to layers, tables, figures; and bad input."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
from conftest import GRID, truth

from gossan.cli import main
from gossan.geo.raster import open_raster

Change = Callable[[str, str], Path]
FIXED = 'name = "Small"\ncrs = "EPSG:32638"\npixel_m = 90.0'
FAST = """
[kriging]
alternatives = []
lattice_m = "pixels"
variogram = { nugget = 0.0, structures = [ { kind = "exponential", sill = 0.4, range_m = 900 } ] }
"""
MARK = "[validation]"


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run the program as a shell would: exit code, standard output, standard error."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["gossan", *map(str, words)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.fixture
def plain(small: Path, changed: Change) -> Path:
    """The small project without imagery, kriged at pixels with a given variogram."""
    changed('name = "Small"', FIXED)
    text = small.read_text(encoding="utf-8")
    start, stop = text.index("[[imagery]]"), text.index(MARK)
    small.write_text(text[:start] + FAST + text[stop:], encoding="utf-8")
    return small


def swap(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def band(path: Path, number: int = 0) -> np.ndarray:
    layer = open_raster(path)
    return layer.read(layer.grid.whole)[number]


def edit(project: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    path = project.parent / "samples.csv"
    change(pd.read_csv(path)).to_csv(path, index=False)


def test_every_layer_table_and_figure_is_made_without_opening_imagery(
    changed: Change, command
) -> None:
    project = changed('name = "Small"', FIXED)
    for name in ("clay.tif", "iron.tif"):
        (project.parent / name).unlink()
    code, printed, _ = command("krige", project, "-q")
    assert code == 0 and "kriging_Cu_samples" in printed
    folder = project.parent / "krige"
    names = {path.name for path in (folder / "layers").glob("*.tif")}
    kriged = {f"kriging_Cu{end}.tif" for end in ("", "_se", "_distance", "_samples")}
    simple = {f"{word}_Cu.tif" for word in ("idw", "nearest", "natural_neighbour", "spline")}
    assert names == kriged | simple
    tables = {path.stem: pd.read_csv(path) for path in (folder / "tables").glob("*.csv")}
    assert tables["variograms"]["model"].nunique() == 5
    chosen = tables["variograms"].query("chosen")
    assert len(chosen) == 1 and 0.5 < chosen["cv_standardised_variance"].iloc[0] < 2
    assert {"element", "lag", "gamma", "pairs", "direction"} <= set(tables["variogram_points"])
    own = tables["cross_validation"]
    assert np.corrcoef(np.log(own["observed"]), np.log(own["estimate"]))[0, 1] > 0.8
    figure = folder / "figures" / "variogram_kriging_regional_Cu.png"
    assert figure.read_bytes()[1:4] == b"PNG"


def test_without_a_nugget_the_map_goes_through_the_samples(plain: Path, command) -> None:
    """Samples are moved to pixel centres, where kriging at pixels must give them back."""
    from gossan.pipeline.krige import krige_project
    from gossan.pipeline.project import load_project

    krige_project(load_project(plain), plain.parent / "first")
    grid = open_raster(plain.parent / "first" / "layers" / "kriging_Cu.tif").grid
    table = pd.read_csv(plain.parent / "samples.csv")
    rows, cols = grid.index_of(table["easting"].to_numpy(), table["northing"].to_numpy())
    easting, northing = grid.coordinates()
    rows, cols = np.rint(rows).astype(int), np.rint(cols).astype(int)
    rows[:4], cols[:4] = (0, 0, -1, -1), (0, -1, 0, -1)
    moved = table.assign(easting=easting[cols], northing=northing[rows])
    moved = moved.drop_duplicates(["easting", "northing"])
    moved.to_csv(plain.parent / "samples.csv", index=False)
    assert command("krige", plain, "-q")[0] == 0
    layers = plain.parent / "krige" / "layers"
    estimate = open_raster(layers / "kriging_Cu.tif")
    at = estimate.grid.index_of(moved["easting"].to_numpy(), moved["northing"].to_numpy())
    assert np.abs(np.array(at) - np.rint(at)).max() < 1e-6 or estimate.grid.shape != grid.shape
    if estimate.grid.shape == grid.shape:
        rows, cols = np.rint(at).astype(int)
        values = band(layers / "kriging_Cu.tif")[rows, cols]
        np.testing.assert_allclose(values, moved["Cu_ppm"], rtol=1e-5)
        assert np.abs(band(layers / "kriging_Cu_se.tif")[rows, cols]).max() < 1e-3
        assert band(layers / "kriging_Cu_distance.tif")[rows, cols].max() < 1e-6
