"""Catchments through the command line: a real nested survey, mixing, and refusals."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from pyproj import CRS
from typer.testing import CliRunner

from gossan.cli import app
from gossan.errors import SettingsError
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer
from gossan.geo.raster import write_array
from gossan.imagery.terrain.catchments import delineate
from gossan.imagery.terrain.drainage import drainage_of_directions, drainage_of_heights
from gossan.pipeline.commands.catchments import catchments_project
from gossan.pipeline.options.project import load_project


def project(folder: Path, terrain: str, table: Path, crs: str, extra: str = "") -> Path:
    text = f"""
[project]
name = "rivers"
elements = ["Cu"]

[[survey]]
name = "stream"
path = "{table.as_posix()}"
crs = "{crs}"
{extra}
{terrain}
"""
    (folder / "project.toml").write_text(text, encoding="utf-8")
    return folder


def catchments(folder: Path) -> tuple[int, str]:
    ended = CliRunner().invoke(app, ["catchments", str(folder)])
    return ended.exit_code, ended.output


@pytest.fixture(scope="module")
def cairngorms(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cairngorms")
    data = test_data / "cairngorms"
    with rasterio.open(data / "d8.tif") as source:
        grid = Grid(CRS.from_epsg(27700), source.transform, source.height, source.width)
        write_array(folder / "d8.tif", grid, ("d8",), source.read().astype(np.int16))
    extra = 'x = "x_coordinate"\ny = "y_coordinate"\nunit = "ppm"\nid = "sample_name"'
    terrain = '[terrain]\nflow = "d8.tif"\nstream_km2 = 0.04\nsnap_m = 0'
    project(folder, terrain, data / "sample_data.csv", "EPSG:27700", extra)
    code, printed = catchments(folder)
    assert code == 0, printed
    return folder / "catchments"


def test_real_nested_samples_have_nested_catchments(cairngorms: Path) -> None:
    """The samples lie on the drainage already; those of one river drain into one another."""
    table = pd.read_csv(cairngorms / "catchments_stream.csv")
    assert len(table) == 63 and (table["moved_m"] < 150).all()
    inner = table[table["below"] > 0]
    assert len(inner) > 20
    larger = table.set_index("sample").loc[inner["below"], "area_km2"].to_numpy()
    assert (larger >= inner["area_km2"].to_numpy()).all()
    tops = table[~table["sample"].isin(table["below"])]
    np.testing.assert_allclose(tops["own_km2"], tops["area_km2"])


def test_the_table_joins_the_survey_by_its_ids(cairngorms: Path, test_data: Path) -> None:
    survey = pd.read_csv(test_data / "cairngorms" / "sample_data.csv")
    table = pd.read_csv(cairngorms / "catchments_stream.csv")
    outlines = gpd.read_file(cairngorms / "catchments_stream.gpkg", layer="catchments")
    assert outlines["sample_id"].astype(str).tolist() == table["sample_id"].astype(str).tolist()
    joined = table.merge(survey, left_on="sample_id", right_on="sample_name", validate="1:1")
    assert len(joined) == len(table)
    np.testing.assert_allclose(joined["Cu_x"], joined["Cu_y"])


def test_own_grounds_add_up_to_the_catchments_and_their_polygons_have_their_area(
    cairngorms: Path,
) -> None:
    table = gpd.read_file(cairngorms / "catchments_stream.gpkg", layer="catchments")
    np.testing.assert_allclose(table.area / 1e6, table["own_km2"], rtol=1e-6, atol=1e-4)
    for row in table.itertuples():
        upstream, found = {row.sample}, True
        while found:
            above = set(table[table["below"].isin(upstream)]["sample"]) - upstream
            upstream, found = upstream | above, bool(above)
        whole = table[table["sample"].isin(upstream)]["own_km2"].sum()
        assert whole == pytest.approx(row.area_km2, rel=1e-3)


def test_ground_that_drains_past_every_sample_is_empty_in_the_map(cairngorms: Path) -> None:
    table = pd.read_csv(cairngorms / "catchments_stream.csv")
    with rasterio.open(cairngorms / "catchments_stream_Cu.tif") as layer:
        copper = layer.read(1, masked=True)
    assert copper.count() * 0.04 == pytest.approx(table["own_km2"].sum(), rel=1e-6)
    known = table["Cu"].to_numpy(np.float32)
    assert np.isin(copper.compressed(), known).all()


def test_the_content_of_the_own_ground_comes_back_from_mixed_sediment() -> None:
    """Conservative mixing by area: each sample holds the mean of its catchment."""
    rng = np.random.default_rng(5)
    codes = np.full((30, 21), 4)
    codes[:, :10], codes[:, 11:] = 1, 16  # both sides drain to the middle, which runs south
    drainage = drainage_of_directions(Grid.from_bounds(32638, (0, 0, 2100, 3000), 100), codes)
    easting, northing = drainage.grid.coordinates(drainage.grid.whole)
    rows = (9, 19, 29)
    places = np.array([[easting[10], northing[row]] for row in rows])
    own = rng.uniform(10, 90, 3)
    truth = np.repeat(own, 10)[:, None] * np.ones((30, 21))
    found = delineate(drainage, places, snap_m=10, stream_km2=0.1)
    assert found.below.tolist() == [1, 2, -1]
    np.testing.assert_allclose(found.own_content(found.mean(truth)), own)


def test_samples_far_from_streams_and_missing_terrain_are_reported(tmp_path: Path) -> None:
    grid = Grid.from_bounds(32638, (500_000, 4_000_000, 503_000, 4_003_000), 100)
    y, x = np.mgrid[:30, :30]
    heights = 100.0 + 2 * (30 - y) + 5 * abs(x - 15)
    write_array(tmp_path / "dem.tif", grid, ("h",), heights[None].astype(np.float32))
    places = [(501_550, 4_000_500), (501_500, 4_002_000), (500_300, 4_002_000)]
    table = pd.DataFrame(places, columns=["easting", "northing"])
    table.assign(Cu_ppm=[40, 30, 20]).to_csv(tmp_path / "stream.csv", index=False)
    project(tmp_path, '[terrain]\ndem = "dem.tif"', tmp_path / "stream.csv", "EPSG:32638")
    code, printed = catchments(tmp_path)
    assert code == 0 and "have no catchment (row 4)" in printed
    found = pd.read_csv(tmp_path / "catchments" / "catchments_stream.csv")
    assert found["row"].tolist() == [2, 3] and "sample_id" not in found
    project(tmp_path, "", tmp_path / "stream.csv", "EPSG:32638")
    with pytest.raises(SettingsError, match=r"\[terrain\] must be in the project file"):
        catchments_project(load_project(tmp_path), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_background_is_that_of_the_rocks_upstream_and_the_source_ranks_first(
    tmp_path: Path,
) -> None:
    """Valleys on two rocks; one of poor rock holds an ore, which the sample below it dilutes."""
    grid = Grid.from_bounds(32638, (500_000, 4_000_000, 508_000, 4_004_000), 100)
    y, x = np.mgrid[:40, :80]
    heights = 300.0 - 2 * y + 5.0 * abs(x % 10 - 5)
    rock = np.where(x < 40, 1, 2)
    content = np.where(rock == 1, 20.0, 80.0)
    content[8:12, 13:18] += 300.0
    write_array(tmp_path / "dem.tif", grid, ("h",), heights[None].astype(np.float32))
    write_array(tmp_path / "rock.tif", grid, ("rock",), rock[None].astype(np.uint8))
    drainage = drainage_of_heights(ArrayLayer(grid, ("h",), heights[None]))
    mixed = drainage.upstream_mean(content)
    rows, columns = np.meshgrid((14, 24, 36), np.arange(5, 80, 10))
    easting, northing = grid.coordinates(grid.whole)
    table = pd.DataFrame(
        {"easting": easting[columns.ravel()], "northing": northing[rows.ravel()]}
    ).assign(Cu_ppm=mixed[rows.ravel(), columns.ravel()])
    table.to_csv(tmp_path / "stream.csv", index=False)
    rocks = '[[imagery]]\nname = "rock"\nsensor = "classes"\npaths = ["rock.tif"]'
    terrain = f'{rocks}\n[terrain]\ndem = "dem.tif"\nsnap_m = 0\nstream_km2 = 0.1'
    project(tmp_path, terrain, tmp_path / "stream.csv", "EPSG:32638")
    code, said = catchments(tmp_path)
    assert code == 0, said
    known = pd.read_csv(tmp_path / "catchments" / "backgrounds_stream.csv").set_index("class")
    assert known.loc["rock.class_2", "mean"] == pytest.approx(80.0, rel=0.05)
    assert known.loc["rock.class_1", "mean"] < 60
    found = pd.read_csv(tmp_path / "catchments" / "catchments_stream.csv")
    source = found[found["Cu_rank"] == 1].iloc[0]
    assert table.loc[source["sample"] - 1, "easting"] == 501_550
    assert (
        source["area_km2"]
        == found[found["below"] > 0]
        .loc[lambda t: t["sample"] == source["sample"], "area_km2"]
        .item()
    )
    assert source["Cu_undiluted"] > source["Cu"] > source["Cu_background"]
    rich = found[table["easting"] > 504_000]
    assert rich["Cu_residual"].abs().max() < 8
