"""Element layers by command: from a project file to layers, tables, figures; and bad input."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio

from gossan.geo.raster import open_raster
from gossan.geochem.covariance.model import CovarianceModel, Structure
from gossan.geochem.kriging.estimator import Kriging

Change = Callable[[str, str], Path]
Command = Callable[..., tuple[int, str, str]]
FIXED = 'name = "Small"\ncrs = "EPSG:32638"\npixel_m = 90.0'
FAST = """
[kriging]
alternatives = []
lattice_m = "pixels"
variogram = { nugget = 0.0, structures = [ { kind = "exponential", sill = 0.4, range_m = 900 } ] }

"""
MARK = "[validation]"
CHECK = """
[[survey]]
name = "in detail"
path = "detail.csv"
role = "check"
crs = "EPSG:32638"
x = "easting"
y = "northing"
columns = { Cu = "Cu_ppm" }
unit = "ppm"

"""


@pytest.fixture
def plain(small: Path, changed: Change) -> Path:
    """The small project without imagery, kriged at every pixel with a given variogram."""
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
    changed: Change, command: Command
) -> None:
    project = changed('name = "Small"', FIXED)
    for name in ("clay.tif", "iron.tif"):
        (project.parent / name).unlink()
    code, printed, _ = command("krige", project)
    assert code == 0 and "kriging_Cu_samples" in printed
    folder = project.parent / "krige"
    names = {path.name for path in (folder / "layers").glob("*.tif")}
    kriged = {f"kriging_Cu{end}.tif" for end in ("", "_se", "_distance", "_samples")}
    simple = {f"{word}_Cu.tif" for word in ("idw", "nearest", "natural_neighbour", "spline")}
    assert names == kriged | simple
    tables = {path.stem: pd.read_csv(path) for path in (folder / "tables").glob("*.csv")}
    assert tables["variogram_fits"]["model"].nunique() == 5
    chosen = tables["variogram_fits"].query("chosen")
    assert len(chosen) == 1 and 0.5 < chosen["cv_standardised_variance"].iloc[0] < 2
    assert {"element", "lag", "gamma", "pairs", "direction"} <= set(tables["variogram_points"])
    own = tables["cross_validation"]
    assert np.corrcoef(np.log(own["observed"]), np.log(own["estimate"]))[0, 1] > 0.8
    figure = folder / "figures" / "variogram_kriging_regional_Cu.png"
    assert figure.read_bytes()[1:4] == b"PNG"


def test_without_a_nugget_the_map_goes_through_the_samples(small: Path, command: Command) -> None:
    """On the imagery's grid, whose pixel centres are where the samples lie."""
    swap(small, MARK, FAST + MARK)
    assert command("krige", small, "-q")[0] == 0
    layers = small.parent / "krige" / "layers"
    grid = open_raster(layers / "kriging_Cu.tif").grid
    assert (grid.pixel_width, grid.pixel_height) == (50.0, 40.0)
    table = pd.read_csv(small.parent / "samples.csv")
    at = np.array(grid.index_of(table["easting"].to_numpy(), table["northing"].to_numpy()))
    rows, cols = np.rint(at).astype(int)
    assert np.abs(at - np.rint(at)).max() < 1e-6
    values = band(layers / "kriging_Cu.tif")[rows, cols]
    np.testing.assert_allclose(values, table["Cu_ppm"], rtol=1e-5)
    assert np.abs(band(layers / "kriging_Cu_se.tif")[rows, cols]).max() < 1e-3
    assert band(layers / "kriging_Cu_distance.tif")[rows, cols].max() < 1e-6


OWN = """
method = "universal"
neighbours = 12
search = "quadrant"
lattice_m = "pixels"
"""
OWN_VARIOGRAM = """
nugget = 0.01
anisotropy = { azimuth_deg = 30, ratio = 0.6 }
structures = [ { kind = "spherical", sill = 0.4, range_m = 2500 } ]
"""


def test_the_baseline_of_a_run_and_the_section_of_kriging_mean_the_same_by_the_same_keys(
    small: Path, command: Command
) -> None:
    section = f"[kriging]{OWN}alternatives = []\n[kriging.variogram]{OWN_VARIOGRAM}"
    swap(small, MARK, section + MARK)
    code, printed, _ = command("check", small)
    assert code == 0
    assert "baseline" in printed and "32 neighbours, variogram: exponential by reml" in printed
    assert "serves `gossan krige` alone" in " ".join(printed.split())
    product = f'[[product]]\nname = "kriging"\nmodel = "kriging"{OWN}[product.variogram]'
    swap(small, MARK, f"{product}{OWN_VARIOGRAM}\n{MARK}")
    code, printed, _ = command("check", small)
    assert "universal kriging, 12 neighbours, variogram: nugget 0.01" in printed
    assert "serves `gossan krige` alone" not in " ".join(printed.split())
    run = small.parent / "run"
    assert (
        command("krige", small, "-q")[0] == 0 and command("run", small, "--out", run, "-q")[0] == 0
    )
    for name in ("kriging_Cu.tif", "kriging_Cu_se.tif"):
        ours = [band(folder / "layers" / name) for folder in (small.parent / "krige", run)]
        alone, of_run = (one[ours[0] > 1e-3] for one in ours)  # no error at samples
        # a run scales its errors by the coverage of held-out samples
        factor = np.median(of_run / alone) if "_se" in name else 1.0
        np.testing.assert_allclose(of_run, factor * alone, rtol=1e-5)


def test_a_standard_error_declares_the_unit_of_its_scale(small: Path, command: Command) -> None:
    swap(small, MARK, FAST + MARK)
    assert command("krige", small, "-q")[0] == 0
    for name, unit in (("kriging_Cu", "ppm"), ("kriging_Cu_se", "log ppm")):
        with rasterio.open(small.parent / "krige" / "layers" / f"{name}.tif") as source:
            assert source.units == (unit,)
            assert source.tags()["gossan_unit"] == unit


def test_universal_kriging_gives_a_plane_back_the_right_way_up(
    plain: Path, command: Command
) -> None:
    def plane(table: pd.DataFrame) -> pd.DataFrame:
        x, y = table["easting"] - 411_000, table["northing"] - 2_694_000
        return table.assign(Cu_ppm=np.exp(2 + x / 8000 + y / 3000))

    edit(plain, plane)
    swap(plain, "[kriging]", '[kriging]\nmethod = "universal"\nneighbours = "all"')
    assert command("krige", plain, "-q")[0] == 0
    path = plain.parent / "krige" / "layers" / "kriging_Cu.tif"
    easting, northing = np.meshgrid(*open_raster(path).grid.coordinates())
    expected = 2 + (easting - 411_000) / 8000 + (northing - 2_694_000) / 3000
    np.testing.assert_allclose(np.log(band(path)), expected, atol=2e-4)


def test_simple_kriging_falls_back_to_its_mean_and_sill_far_from_samples(
    plain: Path, command: Command
) -> None:
    swap(plain, "range_m = 900", "range_m = 20")
    swap(plain, "[kriging]", '[kriging]\nmethod = "simple"\nmean = { Cu = 2.5 }')
    assert command("krige", plain, "-q")[0] == 0
    layers = plain.parent / "krige" / "layers"
    far = band(layers / "kriging_Cu_distance.tif") > 500
    np.testing.assert_allclose(np.log(band(layers / "kriging_Cu.tif")[far]), 2.5, atol=1e-5)
    np.testing.assert_allclose(band(layers / "kriging_Cu_se.tif")[far], 0.4**0.5, rtol=1e-5)


def test_blocks_have_a_smaller_error_than_points(plain: Path, command: Command) -> None:
    assert command("krige", plain, "-q", "--out", plain.parent / "points")[0] == 0
    swap(plain, "[kriging]", "[kriging]\nblock_m = 600")
    assert command("krige", plain, "-q", "--out", plain.parent / "blocks")[0] == 0
    points, blocks = (
        band(plain.parent / name / "layers" / "kriging_Cu_se.tif") for name in ("points", "blocks")
    )
    away = band(plain.parent / "points" / "layers" / "kriging_Cu_distance.tif") > 300
    assert (blocks[away] < points[away]).all()


def test_median_mean_and_interval_are_layers_of_their_own(plain: Path, command: Command) -> None:
    swap(plain, "[kriging]", '[kriging]\nalso = ["mean", "interval"]')
    assert command("krige", plain, "-q")[0] == 0
    layers = plain.parent / "krige" / "layers"
    found = {
        word: band(layers / f"kriging_Cu{word}.tif").astype(float)
        for word in ("", "_se", "_mean", "_lower90", "_upper90")
    }
    median, error = found[""], found["_se"]
    np.testing.assert_allclose(found["_mean"], median * np.exp(error**2 / 2), rtol=1e-4)
    np.testing.assert_allclose(found["_upper90"], median * np.exp(1.644854 * error), rtol=1e-4)
    np.testing.assert_allclose(found["_lower90"], median * np.exp(-1.644854 * error), rtol=1e-4)
    statistics = {}
    for path in layers.glob("kriging_Cu*.tif"):
        with rasterio.open(path) as file:
            statistics[path.stem] = file.tags()["gossan_statistic"]
    assert statistics["kriging_Cu"] == "median" and statistics["kriging_Cu_mean"] == "mean"


@pytest.mark.parametrize("drift", ["linear", "quadratic"])
def test_all_neighbours_make_the_standard_error_too(
    plain: Path, command: Command, drift: str
) -> None:
    wanted = f'[kriging]\nmethod = "universal"\nneighbours = "all"\ndrift = "{drift}"'
    swap(plain, "[kriging]", wanted)
    assert command("krige", plain, "-q")[0] == 0
    folder = plain.parent / "krige"
    table = pd.read_csv(folder / "tables" / "samples.csv")
    xy, z = table[["easting", "northing"]].to_numpy(float), np.log(table["Cu"].to_numpy(float))
    layer = open_raster(folder / "layers" / "kriging_Cu_se.tif")
    model = CovarianceModel(0.0, (Structure("exponential", 0.4, 900.0),))
    kriging = Kriging(model, "universal", neighbours=None, drift=drift).fit(xy, z)
    expected = np.sqrt(kriging.lattice(layer.grid)[1])
    np.testing.assert_allclose(layer.read(layer.grid.whole)[0], expected, rtol=1e-4, atol=1e-4)


def test_the_mean_of_blocks_averages_like_that_of_points(plain: Path, command: Command) -> None:
    swap(plain, "[kriging]", '[kriging]\nneighbours = "all"\nalso = ["mean"]')
    assert command("krige", plain, "-q", "--out", plain.parent / "points")[0] == 0
    swap(plain, "[kriging]", "[kriging]\nblock_m = 900")
    assert command("krige", plain, "-q", "--out", plain.parent / "blocks")[0] == 0
    points, blocks = (
        band(plain.parent / name / "layers" / "kriging_Cu_mean.tif").astype(float)
        for name in ("points", "blocks")
    )
    edge = 5  # pixels of 90 m: blocks reach beyond the map
    inner = (slice(edge, -edge), slice(edge, -edge))
    summed = np.pad(np.cumsum(np.cumsum(points, 0), 1), ((1, 0), (1, 0)))
    square = summed[10:, 10:] - summed[:-10, 10:] - summed[10:, :-10] + summed[:-10, :-10]
    centred = (square[:-1, :-1] + square[1:, :-1] + square[:-1, 1:] + square[1:, 1:]) / 400
    np.testing.assert_allclose(blocks[inner].mean(), centred.mean(), rtol=0.01)


@pytest.mark.parametrize(
    ("neighbours", "words"), [('"all"', "nearly singular matrix"), ("32", "samples left out")]
)
def test_a_gaussian_variogram_without_nugget_is_refused(
    plain: Path, command: Command, neighbours: str, words: str
) -> None:
    swap(plain, 'kind = "exponential", sill = 0.4, range_m = 900',
         'kind = "gaussian", sill = 0.4, range_m = 9000')  # fmt: skip
    swap(plain, "[kriging]", f"[kriging]\nneighbours = {neighbours}")
    edit(plain, lambda t: t.assign(Cu_ppm=np.exp(np.random.default_rng(0).normal(3, 1, len(t)))))
    code, _, shown = command("krige", plain, "-q")
    assert code == 2 and words in shown and "Add a nugget" in shown
    assert not list((plain.parent / "krige" / "layers").glob("kriging_*"))


def test_a_trend_above_every_sample_beyond_them_is_a_finding(plain: Path, command: Command) -> None:
    def hill(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(Cu_ppm=np.exp(2 + (table["easting"] - 411_000) / 3000))

    edit(plain, hill)
    swap(plain, "[kriging]", '[kriging]\nmethod = "universal"\nneighbours = "all"')
    code, _, shown = command("krige", plain, "-q")
    assert code == 0, shown
    notes = json.loads((plain.parent / "krige" / "manifest.json").read_text())["notes"]
    assert any("no sample supports it" in note for note in notes)


def test_maps_without_imagery_lie_on_multiples_of_the_pixel(plain: Path, command: Command) -> None:
    assert command("krige", plain, "-q")[0] == 0
    left, bottom, right, top = open_raster(
        plain.parent / "krige" / "layers" / "kriging_Cu.tif"
    ).grid.bounds
    assert [edge % 90 for edge in (left, bottom, right, top)] == [0, 0, 0, 0]


def test_simulated_maps_keep_histogram_and_variogram_and_tell_exceedance(
    plain: Path, command: Command
) -> None:
    drawn = "[kriging.simulation]\nrealisations = 12\nthreshold = { Cu = [20, 60] }\n\n"
    swap(plain, MARK, drawn + MARK)
    assert command("krige", plain, "-q")[0] == 0
    layers = plain.parent / "krige" / "layers"
    maps = open_raster(layers / "simulation_Cu.tif")
    assert maps.bands[:2] == ("r001", "r002") and len(maps.bands) == 12
    first = maps.read(maps.grid.whole)
    above = open_raster(layers / "simulation_Cu_exceedance.tif")
    assert above.bands == ("above_20", "above_60")
    shares = above.read(above.grid.whole)
    np.testing.assert_allclose(shares[1], (first > 60).mean(axis=0), atol=1e-6)
    check = pd.read_csv(plain.parent / "krige" / "tables" / "simulation.csv")
    wanted = check.query("check == 'quantile' and at > 0.1 and at < 0.9")
    np.testing.assert_allclose(wanted["found"], wanted["expected"], rtol=0.3)
    curve = check.query("check == 'semivariance'")
    np.testing.assert_allclose(curve["found"], curve["expected"], rtol=0.35)
    seeds = {"realisations = 12": True, "realisations = 12\nseed = 4": False}
    for setting, same in seeds.items():
        swap(plain, "realisations = 12", setting)
        assert command("krige", plain, "-q")[0] == 0
        again = open_raster(layers / "simulation_Cu.tif").read(maps.grid.whole)
        assert np.array_equal(first, again) is same


def test_declustering_weighs_down_a_crowd_of_rich_samples(plain: Path, command: Command) -> None:
    def crowd(table: pd.DataFrame) -> pd.DataFrame:
        rng = np.random.default_rng(2)
        near = np.array([413_000.0, 2_697_000.0]) + rng.uniform(-150, 150, (60, 2))
        rich = pd.DataFrame({"easting": near[:, 0], "northing": near[:, 1]})
        rich["Cu_ppm"] = 150 + np.arange(60) / 10
        return pd.concat([table, rich], ignore_index=True)

    edit(plain, crowd)
    swap(plain, MARK, "[kriging.simulation]\nrealisations = 1\npixel_m = 300\n\n" + MARK)
    medians = []
    for setting in ("", '\ndeclustering = "cells"'):
        swap(plain, "[kriging]", "[kriging]" + setting)
        assert command("krige", plain, "-q")[0] == 0
        check = pd.read_csv(plain.parent / "krige" / "tables" / "simulation.csv")
        medians.append(check.query("check == 'quantile' and at == 0.5")["expected"].iloc[0])
    assert medians[1] < 0.7 * medians[0]


def test_a_fitted_direction_is_found_and_drawn(plain: Path, command: Command) -> None:
    """A field that varies across north only: continuity runs north."""

    def stripes(table: pd.DataFrame) -> pd.DataFrame:
        noise = np.random.default_rng(1).normal(size=len(table))
        return table.assign(Cu_ppm=np.exp(3 + np.sin(table["easting"] / 400) + 0.05 * noise))

    edit(plain, stripes)
    text = plain.read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("variogram ="))
    swap(plain, line, 'variogram = { models = ["exponential"], anisotropy = "fit" }')
    assert command("krige", plain, "-q")[0] == 0
    tables = plain.parent / "krige" / "tables"
    chosen = pd.read_csv(tables / "variogram_fits.csv").iloc[0]
    azimuth = chosen["azimuth_deg"] % 180
    assert min(azimuth, 180 - azimuth) < 20 and chosen["ratio"] < 0.5
    points = pd.read_csv(tables / "variogram_points.csv")
    assert points["direction"].nunique() == 6 and points["direction"].isna().any()


def test_a_check_survey_has_layers_of_its_own_on_the_same_pixels(
    plain: Path, command: Command
) -> None:
    table = pd.read_csv(plain.parent / "samples.csv")
    part = table.query("easting < 414500 and northing > 2696500")
    part.to_csv(plain.parent / "detail.csv", index=False)
    swap(plain, MARK, CHECK + MARK)
    assert command("krige", plain, "-q")[0] == 0
    layers = plain.parent / "krige" / "layers"
    whole = open_raster(layers / "kriging_Cu.tif").grid
    own = open_raster(layers / "kriging-in-detail_Cu.tif").grid
    assert own.width < whole.width
    row, col = whole.index_of(own.transform.c, own.transform.f)
    for place in (row + 0.5, col + 0.5):
        assert abs(place - round(float(place))) < 1e-6
    tables = plain.parent / "krige" / "tables"
    assert set(pd.read_csv(tables / "variogram_fits.csv")["survey"]) == {"regional", "in detail"}
    assert (plain.parent / "krige/figures/variogram_kriging_in-detail_Cu.png").exists()


def test_a_check_survey_that_cannot_be_kriged_is_reported_and_left_out(
    plain: Path, command: Command
) -> None:
    few = pd.read_csv(plain.parent / "samples.csv").head(4)
    few.to_csv(plain.parent / "detail.csv", index=False)
    swap(plain, MARK, CHECK + MARK)
    code, _, shown = command("krige", plain)
    assert code == 0 and "in detail: no layers of Cu" in shown and "at least 10" in shown
    manifest = json.loads((plain.parent / "krige" / "manifest.json").read_text(encoding="utf-8"))
    assert any("in detail: no layers of Cu" in note for note in manifest["notes"])


def test_censored_samples_are_counted_in_tags_tables_and_manifest(
    plain: Path, command: Command
) -> None:
    def censor(table: pd.DataFrame) -> pd.DataFrame:
        words = table["Cu_ppm"].astype(str)
        return table.assign(Cu_ppm=words.where(table["Cu_ppm"] > 12, "<12"))

    count = int((pd.read_csv(plain.parent / "samples.csv")["Cu_ppm"] <= 12).sum())
    assert count > 3
    edit(plain, censor)
    swap(plain, 'unit = "ppm"', 'unit = "ppm"\ncensoring = "likelihood"')
    assert command("krige", plain, "-q")[0] == 0
    folder = plain.parent / "krige"
    for path in (folder / "layers").glob("*.tif"):
        with rasterio.open(path) as file:
            tags = file.tags()
        assert (tags["gossan_censored"], tags["gossan_censoring"]) == (str(count), "likelihood")
    rows = pd.read_csv(folder / "tables" / "layers.csv")
    assert set(rows["censored"]) == {count} and set(rows["censoring"]) == {"likelihood"}
    assert pd.read_csv(folder / "tables" / "samples.csv")["Cu_censored"].sum() == count
    (entry,) = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["products"]
    assert (entry["censored"], entry["censoring"]) == (count, "likelihood")


def test_samples_below_a_limit_are_kriged_as_such_and_not_tested_at(
    plain: Path, command: Command
) -> None:
    """A limit far above all contents says nothing: the map is that of the other samples."""
    rows = np.arange(0, 80, 4)
    others = pd.read_csv(plain.parent / "samples.csv").drop(index=rows)

    def censor(table: pd.DataFrame) -> pd.DataFrame:
        words = table["Cu_ppm"].astype(str)
        words.iloc[rows] = "<20000"
        return table.assign(Cu_ppm=words)

    edit(plain, censor)
    swap(plain, 'unit = "ppm"', 'unit = "ppm"\ncensoring = "likelihood"')
    swap(plain, "alternatives = []", 'alternatives = []\nneighbours = "all"')
    assert command("krige", plain, "-q")[0] == 0
    folder = plain.parent / "krige"
    grid = open_raster(folder / "layers" / "kriging_Cu.tif").grid
    model = CovarianceModel(0.0, (Structure("exponential", 0.4, 900.0),))
    kriging = Kriging(model, neighbours=None).fit(
        others[["easting", "northing"]], np.log(others["Cu_ppm"])
    )
    expected = kriging.lattice(grid)[0]
    found = np.log(band(folder / "layers" / "kriging_Cu.tif"))
    known = np.isfinite(found)
    np.testing.assert_allclose(found[known], expected[known], atol=1e-3)
    assert len(pd.read_csv(folder / "tables" / "cross_validation.csv")) == len(others)


def test_known_errors_of_samples_reach_the_map(plain: Path, command: Command) -> None:
    def doubtful(table: pd.DataFrame) -> pd.DataFrame:
        errors = np.where(np.arange(len(table)) % 3, 1e-6, 0.5) * table["Cu_ppm"]
        return table.assign(Cu_err=errors)

    edit(plain, doubtful)
    swap(plain, 'unit = "ppm"', 'unit = "ppm"\nerrors = { Cu = "Cu_err" }')
    assert command("krige", plain, "-q")[0] == 0
    folder = plain.parent / "krige"
    grid = open_raster(folder / "layers" / "kriging_Cu.tif").grid
    table = pd.read_csv(plain.parent / "samples.csv")
    model = CovarianceModel(0.0, (Structure("exponential", 0.4, 900.0),))
    variance = np.log1p((table["Cu_err"] / table["Cu_ppm"]) ** 2)
    kriging = Kriging(model, edge="smooth").fit(
        table[["easting", "northing"]], np.log(table["Cu_ppm"]), variance
    )
    expected = kriging.lattice(grid)
    found = band(folder / "layers" / "kriging_Cu.tif")
    known = np.isfinite(found)
    np.testing.assert_allclose(np.log(found[known]), expected[0][known], atol=1e-3)
    error = band(folder / "layers" / "kriging_Cu_se.tif")[known]
    np.testing.assert_allclose(error, np.sqrt(expected[1][known]), atol=1e-3)


def test_samples_a_few_metres_apart_do_not_upset_any_layer(plain: Path, command: Command) -> None:
    def doubled(table: pd.DataFrame) -> pd.DataFrame:
        near = table.head(20).assign(easting=lambda t: t["easting"] + 2.0)
        near["Cu_ppm"] *= 1.3
        return pd.concat([table, near], ignore_index=True)

    edit(plain, doubled)
    swap(plain, "alternatives = []\n", "")
    swap(plain, "nugget = 0.0", "nugget = 0.02")
    swap(plain, 'unit = "ppm"', 'unit = "ppm"\nduplicates = "keep"')
    assert command("krige", plain, "-q")[0] == 0
    rows = pd.read_csv(plain.parent / "krige" / "tables" / "layers.csv").set_index("layer")
    values = pd.read_csv(plain.parent / "samples.csv")["Cu_ppm"]
    for word in ("kriging", "idw", "nearest", "natural_neighbour", "spline"):
        row = rows.loc[f"{word}_Cu"]
        assert values.min() / 4 < row["minimum"] and row["maximum"] < 4 * values.max(), word


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ('method = "cokriging"', "method"),
        ("neighbours = 0", "neighbours"),
        ("mean = 3.0", "simple kriging only"),
        ("block_m = -5", "block_m"),
        ('search = "octant"\nneighbours = "all"', "search and radius_m"),
        ("cell_m = 500", "declustering"),
        ("latice_m = 100", "did you mean 'lattice_m'"),
    ],
)
def test_a_wrong_setting_is_one_line(
    plain: Path, command: Command, setting: str, words: str
) -> None:
    swap(plain, "[kriging]", f"[kriging]\n{setting}")
    code, _, shown = command("krige", plain, "-q")
    assert code == 2 and words in shown and len(shown.strip().splitlines()) == 1


# --- bad input: one clear line with its rows, exit code 2, nothing written ------------------------


def zeros(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(Cu_ppm=table["Cu_ppm"].where(~table.index.isin([3, 4, 9]), 0))


def negatives(table: pd.DataFrame) -> pd.DataFrame:
    """Negative numbers are limits unless the project refuses them."""
    return zeros(table).assign(Cu_ppm=lambda t: t["Cu_ppm"].replace(0, -3.5))


def all_censored(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(Cu_ppm="<5")


def one_sample(table: pd.DataFrame) -> pd.DataFrame:
    return table.head(1)


def collinear(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(northing=2_690_000 + 2 * (table["easting"] - 410_000))


def degrees(table: pd.DataFrame) -> pd.DataFrame:
    lon = 44.1 + (table["easting"] - 411_000) / 1e5
    return table.assign(easting=lon, northing=24.4 + (table["northing"] - 2.7e6) / 1e5)


def mixed_units(table: pd.DataFrame) -> pd.DataFrame:
    values = table["Cu_ppm"].where(table.index < 60, table["Cu_ppm"] / 10_000)
    return table.assign(Cu_ppm=values)


def words_for_numbers(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(Cu_ppm=table["Cu_ppm"].astype(str).where(table.index != 4, "purple"))


@pytest.mark.parametrize("name", ["krige", "check"])
@pytest.mark.parametrize(
    ("spoil", "words", "rows"),
    [
        (zeros, "positive under transform 'log'", "rows 5, 6, 11"),
        (negatives, "negative", "rows 5, 6, 11"),
        (all_censored, "all beyond a limit", "rows 2-"),
        (one_sample, "at least 2", "row 2"),
        (collinear, "on one line", "rows 2-"),
        (degrees, "degrees", "rows 2-"),
        (mixed_units, "in one unit", "rows 62-"),
        (words_for_numbers, "'purple'", "row 6"),
    ],
)
def test_bad_input_is_one_clear_line_with_its_rows(
    plain: Path,
    command: Command,
    name: str,
    spoil: Callable[[pd.DataFrame], pd.DataFrame],
    words: str,
    rows: str,
) -> None:
    if spoil is negatives:
        swap(plain, 'unit = "ppm"', 'unit = "ppm"\nnegative = "refuse"')
    edit(plain, spoil)
    code, printed, shown = command(name, plain, *(["-q"] if name == "krige" else []))
    everything = printed + shown
    lines = [line for line in everything.splitlines() if words in line]
    assert code == 2 and len(lines) == 1 and rows in lines[0], everything
    if name == "krige":
        assert len(shown.strip().splitlines()) == 1, shown
        assert not list((plain.parent / "krige").rglob("*.tif"))


@pytest.mark.parametrize("name", ["krige", "check", "survey"])
def test_a_sample_ten_kilometres_off_is_reported_with_its_row(
    plain: Path, command: Command, name: str
) -> None:
    def far(table: pd.DataFrame) -> pd.DataFrame:
        table.loc[7, "northing"] += 10_000
        return table

    edit(plain, far)
    code, printed, shown = command(name, plain)
    lines = [line for line in (printed + shown).splitlines() if "from every other" in line]
    assert code == 0 and len(lines) == 1 and "row 9" in lines[0]
