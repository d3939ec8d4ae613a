from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
from threadpoolctl import threadpool_info, threadpool_limits

from gossan.cli import app
from gossan.errors import GossanError, InputError, InterruptedRunError
from gossan.fusion.kriging_model import KrigingModel
from gossan.geo import raster
from gossan.geo.grid import Grid
from gossan.geo.raster import open_raster
from gossan.pipeline.commands.check import check_project
from gossan.pipeline.commands.predict import predict_at
from gossan.pipeline.commands.run import run_project, validate_project
from gossan.pipeline.options.project import load_project
from gossan.pipeline.progress import Advance, Silent

Change = Callable[[str, str], Path]
KRIGING = '\n[[product]]\nname = "kriging"\nmodel = "kriging"\n'
SOUND = (
    '\n[[product]]\nname = "sound"\nmodel = "pyramid"\nvariant = "sound"\nscope = "local"\n'
    'features = "indices.pc2"\nclusters = 3\n'
)
LITERAL = (
    '\n[[product]]\nname = "literal"\nmodel = "pyramid"\nvariant = "literal"\nscope = "global"\n'
    'features = "indices.pc2"\n'
)
PRODUCTS = KRIGING + SOUND + LITERAL


@pytest.fixture
def project(changed: Change) -> Path:
    return changed("folds = 3", "folds = 3\n" + PRODUCTS)


@pytest.mark.parametrize("keep", [False, True])
def test_pixels_of_features_leave_with_the_end_of_a_run_unless_they_are_kept(
    changed: Change, tmp_path: Path, keep: bool
) -> None:
    project = load_project(changed("folds = 3", "folds = 3\n" + KRIGING + SOUND))
    run_project(project, tmp_path / "run", keep_store=keep)
    stored = tmp_path / "run" / "store" / "features"
    assert bool(list(stored.glob("*.tif"))) == keep
    maps = {path: path.stat().st_mtime_ns for path in (tmp_path / "run" / "layers").glob("*.tif")}
    components = pd.read_csv(tmp_path / "run" / "tables" / "components.csv")
    run_project(project, tmp_path / "run", keep_store=keep)
    assert {path: path.stat().st_mtime_ns for path in maps} == maps
    assert bool(list(stored.glob("*.tif"))) == keep
    again = pd.read_csv(tmp_path / "run" / "tables" / "components.csv")
    pd.testing.assert_frame_equal(again, components)


def test_linear_algebra_runs_on_one_thread_in_every_step(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads of BLAS that spin beside those of the engine cost many times what they save."""
    fit, threads = KrigingModel.fit, []

    def counted(model: KrigingModel, *arguments: object) -> KrigingModel:
        blas = [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]
        threads.append(max(blas, default=1))
        return fit(model, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(KrigingModel, "fit", counted)
    with threadpool_limits(2, user_api="blas"):
        run_project(load_project(project), tmp_path / "run")
    assert threads and set(threads) == {1}


class Told(Silent):
    """Writes down the steps, and that the first map was there when it was announced."""

    def __init__(self, first: Path) -> None:
        self.first = first
        self.steps: list[str] = []

    @contextmanager
    def step(self, title: str) -> Iterator[Advance]:
        self.steps.append(title)
        yield lambda done, total: None

    def say(self, text: str) -> None:
        if text.startswith("The first map"):
            assert self.first.exists() and str(self.first) in text
            self.steps.append("first map")


def test_the_best_map_of_the_first_element_comes_before_the_rest(
    changed: Change, tmp_path: Path
) -> None:
    best = SOUND.replace('"sound"', '"best"', 1).replace('"pyramid"', '"recipe"')
    best = "\n".join(line for line in best.splitlines() if not re.match("variant|scope|clu", line))
    project = load_project(changed("folds = 3", "folds = 3\n" + SOUND + KRIGING + best))
    told = Told(tmp_path / "run" / "layers" / "best_Cu.tif")
    run_project(project, tmp_path / "run", reporter=told)
    begun = told.steps.index("Cu: kriging")
    assert told.steps[begun : begun + 4] == ["Cu: kriging", "Cu: best", "first map", "Cu: sound"]
    assert told.steps.count("first map") == 1


def test_an_element_with_few_samples_is_linked_to_its_partner(
    changed: Change, tmp_path: Path
) -> None:
    """Zn follows Cu, but 25 of the samples alone have it."""
    changed('elements = ["Cu"]', 'elements = ["Zn", "Cu"]')
    path = changed('{ Cu = "Cu_ppm" }', '{ Cu = "Cu_ppm", Zn = "Zn_ppm" }')
    table = pd.read_csv(path.parent / "samples.csv")
    noise = np.random.default_rng(2).normal(size=len(table))
    table["Zn_ppm"] = (5.0 * table["Cu_ppm"] ** 0.8 * np.exp(0.05 * noise)).round(3)
    table.loc[table.index >= 25, "Zn_ppm"] = np.nan
    table.to_csv(path.parent / "samples.csv", index=False)
    product = '\n[[product]]\nname = "linked"\nmodel = "partnered"\nbase = "kriging"\n'
    project = load_project(changed("folds = 3", "folds = 3\n" + KRIGING + product))
    run_project(project, tmp_path / "run")
    partners = pd.read_csv(tmp_path / "run" / "tables" / "partners.csv")
    assert partners[["element", "partner", "chosen"]].values.tolist() == [["Zn", "Cu", True]]
    assert partners.slope[0] == pytest.approx(0.8, abs=0.1)
    layers = tmp_path / "run" / "layers"
    maps = {name: open_raster(layers / f"{name}.tif") for name in ("linked_Zn", "kriging_Cu")}
    zn, cu = (np.log(one.read(one.grid.whole)[0]) for one in maps.values())
    assert np.corrcoef(zn.ravel(), cu.ravel())[0, 1] > 0.97


def test_a_run_keeps_the_contract_of_its_folder(project: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    result = run_project(load_project(project), run)
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["seed"] == 3 and set(manifest["inputs"]) >= {"samples.csv", "clay.tif"}
    assert {"settings", "versions", "timings_s", "peak_memory_mib", "products"} <= set(manifest)
    for entry in manifest["products"]:
        with rasterio.open(run / entry["layer"]) as layer:
            assert layer.dtypes[0] == "float32" and np.isnan(layer.nodata)
            assert layer.units[0] == "ppm" and layer.tags(1)["STATISTICS_MEAN"]
            assert layer.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
    scores = pd.read_csv(run / "tables" / "scores.csv")
    wanted = ["product", "element", "comparison", "n", "r", "spearman", "rmse", "bias", "skill"]
    assert set(wanted) <= set(scores.columns)
    assert set(scores["product"]) == {"kriging", "sound", "literal"}
    for name in ("variograms", "components", "regressions"):
        assert len(pd.read_csv(run / "tables" / f"{name}.csv")), name
    regressions = pd.read_csv(run / "tables" / "regressions.csv")
    columns = {"product", "element", "cluster", "coefficient", "r2", "pixels", "samples"}
    assert columns <= set(regressions.columns)
    assert len(result.summary)


def test_two_surveys_of_different_support_are_fitted_together(small: Path, tmp_path: Path) -> None:
    table = pd.read_csv(small.parent / "samples.csv")
    table.iloc[:50].to_csv(small.parent / "samples.csv", index=False)
    table.iloc[50:].to_csv(small.parent / "detailed.csv", index=False)
    text = small.read_text(encoding="utf-8")
    survey = text[text.index("[[survey]]") : text.index("[[imagery]]")]
    coarse = survey.replace('role = "fit"', 'role = "fit"\nsupport_m = 400')
    fine = survey.replace("regional", "detailed").replace("samples.csv", "detailed.csv")
    small.write_text(text.replace(survey, coarse + fine), encoding="utf-8")
    run_project(load_project(small), tmp_path / "run")
    found = pd.read_csv(tmp_path / "run" / "tables" / "hyperparameters.csv")
    assert {"nugget", "nugget of survey 2"} <= set(found["name"])
    held_out = pd.read_csv(tmp_path / "run" / "tables" / "held_out.csv")
    assert set(held_out.groupby(["product", "comparison"]).size()) == {len(table)}


def test_the_map_has_no_negative_ppm_and_follows_the_truth(
    project: Path, tmp_path: Path, true_ln_cu: tuple[Grid, np.ndarray]
) -> None:
    grid, truth = true_ln_cu
    run_project(load_project(project), tmp_path / "run")
    layer = open_raster(tmp_path / "run" / "layers" / "kriging_Cu.tif")
    values = layer.read(layer.grid.whole)[0]
    assert np.nanmin(values) >= 0
    rows, cols = grid.covering(layer.grid.bounds).slices
    assert np.corrcoef(np.log(values).ravel(), truth[rows, cols].ravel())[0, 1] > 0.8


def test_masked_ground_is_kriged_flagged_and_reported(
    project: Path, small: Path, tmp_path: Path
) -> None:
    grid = open_raster(small.with_name("clay.tif")).grid
    holes = np.zeros(grid.shape, bool)
    holes[40:70, 20:55] = True
    for name in ("clay", "iron"):
        values = open_raster(small.with_name(f"{name}.tif")).read(grid.whole)
        values[:, holes] = np.nan
        raster.write_array(small.with_name(f"{name}.tif"), grid, (name,), values)
    run_project(load_project(project), tmp_path / "run")
    maps = tmp_path / "run" / "layers"
    flag = open_raster(maps / "imagery_used.tif")
    assert flag.bands == ("indices.pc2",)
    with rasterio.open(flag.path) as file:
        assert file.dtypes == ("uint8",) and file.nodata is None
    masked = flag.read(flag.grid.whole)[0] == 0
    share = masked.mean()
    assert 0 < share < 1 and masked.sum() == holes.sum()
    read = {n: open_raster(maps / f"{n}_Cu.tif").read(flag.grid.whole)[0] for n in (
        "kriging", "sound", "literal")}  # fmt: skip
    np.testing.assert_allclose(read["sound"][masked], read["kriging"][masked], rtol=1e-5)
    assert np.abs(read["sound"] / read["kriging"] - 1)[~masked].mean() > 0.01
    np.testing.assert_array_equal(np.isnan(read["literal"]), masked)
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))
    told = {entry["product"]: entry["imagery_used"] for entry in manifest["products"]}
    assert told["kriging"] is None and told["sound"]["part"] == 0
    assert told["sound"]["kriged_only"] == pytest.approx(share)
    assert any(f"masked on {100 * share:.3g} % of the map" in note for note in manifest["notes"])
    says = next(e["warnings"] for e in manifest["products"] if e["product"] == "literal")
    assert any("the literal map is empty" in text for text in says)


def test_one_worker_makes_the_same_maps_as_many(project: Path, tmp_path: Path) -> None:
    for workers in (1, 3):
        run_project(load_project(project), tmp_path / f"run{workers}", workers=workers)
    for path in (tmp_path / "run1" / "layers").glob("*.tif"):
        first, other = open_raster(path), open_raster(tmp_path / "run3" / "layers" / path.name)
        np.testing.assert_allclose(
            first.read(first.grid.whole), other.read(first.grid.whole), rtol=1e-5
        )


def test_a_second_run_keeps_what_stands_and_remakes_what_changed(
    project: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    run_project(load_project(project), run)
    before = {path.name: path.stat().st_mtime_ns for path in (run / "layers").iterdir()}
    run_project(load_project(project), run)
    assert before == {path.name: path.stat().st_mtime_ns for path in (run / "layers").iterdir()}
    text = project.read_text(encoding="utf-8").replace("clusters = 3", "clusters = 4")
    project.write_text(text, encoding="utf-8")
    run_project(load_project(project), run)
    after = {path.name: path.stat().st_mtime_ns for path in (run / "layers").iterdir()}
    assert after["kriging_Cu.tif"] == before["kriging_Cu.tif"]
    assert after["sound_Cu.tif"] != before["sound_Cu.tif"]


@pytest.mark.parametrize(
    ("old", "new", "seen_by"),
    [
        ('unit = "ppm"', 'unit = "ppm"\nwhere = { id = "<= 60" }', "all"),
        ('unit = "ppm"', 'unit = "ppm"\nsupport_m = 400', "all"),
        ('sensor = "bands"', 'sensor = "bands"\nnodata = 0.5', "imagery"),
        ('sensor = "bands"', 'sensor = "bands"\noffset = 2.0', "imagery"),
    ],
)
def test_a_changed_setting_of_survey_or_imagery_remakes_all_that_sees_it(
    project: Path, changed: Change, tmp_path: Path, old: str, new: str, seen_by: str
) -> None:
    run = tmp_path / "run"
    run_project(load_project(project), run)
    before = {path: path.stat().st_mtime_ns for path in (run / "steps").glob("*_Cu.json")}
    run_project(load_project(changed(old, new)), run)
    after = {path: path.stat().st_mtime_ns for path in (run / "steps").glob("*_Cu.json")}
    assert before.keys() == after.keys()
    kept = [path.name for path in after if after[path] == before[path]]
    assert kept == ([] if seen_by == "all" else ["kriging_Cu.json"])


def test_validation_after_a_change_leaves_no_map_of_the_old_settings(
    project: Path, changed: Change, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    run_project(load_project(project), run)
    layer = run / "layers" / "sound_Cu.tif"
    with rasterio.open(layer) as source:
        before = source.read(1)
    raster.close_files()
    new = load_project(changed("clusters = 3", "clusters = 2"))
    validate_project(new, run)
    entries = json.loads((run / "manifest.json").read_text(encoding="utf-8"))["products"]
    told = {entry["product"]: entry["layer"] for entry in entries}
    assert told["sound"] is None
    assert told["kriging"] == "layers/kriging_Cu.tif"
    run_project(new, run)
    with rasterio.open(layer) as source:
        assert not np.array_equal(source.read(1), before, equal_nan=True)


def test_changed_samples_remake_everything(project: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run_project(load_project(project), run)
    before = (run / "layers" / "kriging_Cu.tif").stat().st_mtime_ns
    table = pd.read_csv(tmp_path / "samples.csv")
    table["Cu_ppm"] *= 1.5
    table.to_csv(tmp_path / "samples.csv", index=False)
    run_project(load_project(project), run)
    assert (run / "layers" / "kriging_Cu.tif").stat().st_mtime_ns != before


def test_a_killed_run_leaves_nothing_half_written_and_goes_on(
    project: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-m", "gossan", "run", str(project), "--out", str(run), "--quiet"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (run / "layers" / "kriging_Cu.tif").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert not (run / "manifest.json").exists()
    for path in (run / "layers").glob("[!.]*.tif"):
        layer = open_raster(path)
        assert np.isfinite(layer.read(layer.grid.whole)).any()
    kept = (run / "layers" / "kriging_Cu.tif").stat().st_mtime_ns
    marked = (run / "steps" / "kriging_Cu.json").exists()
    run_project(load_project(project), run)
    if marked:
        assert (run / "layers" / "kriging_Cu.tif").stat().st_mtime_ns == kept
    assert (run / "manifest.json").exists()
    assert not list(run.rglob("*.partial*"))


def test_a_full_disk_is_one_line_and_keeps_finished_steps(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    true_copy = raster.gdal_copy

    def full(source: Path, target: Path, **options: str) -> None:
        if "sound" in Path(target).name:
            raise OSError(28, "No space left on device")
        true_copy(source, target, **options)

    monkeypatch.setattr(raster, "gdal_copy", full)
    with pytest.raises(InterruptedRunError, match="No space left") as caught:
        run_project(load_project(project), run)
    assert "\n" not in str(caught.value)
    assert (run / "layers" / "kriging_Cu.tif").exists()
    assert not (run / "layers" / "sound_Cu.tif").exists()
    monkeypatch.undo()
    run_project(load_project(project), run)
    assert (run / "layers" / "sound_Cu.tif").exists()


def test_a_standard_error_declares_the_unit_of_its_scale(project: Path, tmp_path: Path) -> None:
    run_project(load_project(project), tmp_path / "run")
    layers = tmp_path / "run" / "layers"
    for name, unit in (("kriging_Cu", "ppm"), ("kriging_Cu_se", "log ppm")):
        with rasterio.open(layers / f"{name}.tif") as source:
            assert source.units == (unit,)
            assert source.tags()["gossan_unit"] == unit


def test_predict_adds_three_columns_that_agree_with_the_map(project: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run_project(load_project(project), run)
    layer = open_raster(run / "layers" / "kriging_Cu.tif")
    easting, northing = layer.grid.coordinates()
    table = pd.DataFrame({"site": ["a", "b", "c"], "easting": easting[[3, 9, 9]]})
    table["northing"] = [northing[5], northing[7], 0.0]
    table.to_csv(tmp_path / "places.csv", index=False)
    predict_at(run, tmp_path / "places.csv", "kriging", None, tmp_path / "out.csv")
    found = pd.read_csv(tmp_path / "out.csv")
    assert list(found.columns) == ["site", "easting", "northing", "estimate", "lower90", "upper90"]
    values = layer.read(layer.grid.whole)[0]
    assert found["estimate"][0] == pytest.approx(values[5, 3], rel=1e-5)
    assert (found["lower90"][:2] < found["estimate"][:2]).all()
    assert (found["estimate"][:2] < found["upper90"][:2]).all()
    assert found.loc[2, ["estimate", "lower90", "upper90"]].isna().all()
    predict_at(run, tmp_path / "places.csv", "literal", "Cu", tmp_path / "plain.csv")
    plain = pd.read_csv(tmp_path / "plain.csv")
    assert plain["estimate"].notna().any() and plain["lower90"].isna().all()


def test_check_reads_headers_and_reports_that_all_is_well(project: Path) -> None:
    found = check_project(load_project(project))
    assert not found.blocked
    assert {"imagery indices", "survey regional (fit)", "maps", "memory needed"} <= set(
        found.facts["what"]
    )


# --- bad input: one clear line, exit code 2, nothing half-written ---------------------------------


def text_in_numbers(folder: Path) -> str:
    table = pd.read_csv(folder / "samples.csv", dtype=str)
    table.loc[4, "Cu_ppm"] = "see remark"
    table.to_csv(folder / "samples.csv", index=False)
    return "row 6"


def constant_element(folder: Path) -> str:
    table = pd.read_csv(folder / "samples.csv")
    table.assign(Cu_ppm=5.0).to_csv(folder / "samples.csv", index=False)
    return "two sizes|constant"


def few_samples(folder: Path) -> str:
    pd.read_csv(folder / "samples.csv").head(6).to_csv(folder / "samples.csv", index=False)
    return "at least 10"


def no_overlap(folder: Path) -> str:
    table = pd.read_csv(folder / "samples.csv")
    table["easting"] += 90_000
    table.to_csv(folder / "samples.csv", index=False)
    return "must be inside the imagery; got none of 80"


def no_crs(folder: Path) -> str:
    rewrite(folder / "iron.tif", crs=None)
    return "georeferenced with a CRS"


def rotated(folder: Path) -> str:
    from affine import Affine

    rewrite(folder / "iron.tif", transform=Affine(50, 9, 411_000, 0, -40, 2_700_000))
    return "north-up"


def all_empty(folder: Path) -> str:
    rewrite(folder / "iron.tif", values=np.nan)
    return "'iron' is empty: left out"


def missing_raster(folder: Path) -> str:
    (folder / "iron.tif").unlink()
    return "existing file"


def missing_table(folder: Path) -> str:
    (folder / "samples.csv").unlink()
    return "samples.csv"


def wrong_column(folder: Path) -> str:
    pd.read_csv(folder / "samples.csv").rename(columns={"Cu_ppm": "Cu_pm"}).to_csv(
        folder / "samples.csv", index=False
    )
    return "Cu_pm"


def degrees(folder: Path) -> str:
    path = folder / "project.toml"
    text = path.read_text(encoding="utf-8").replace("seed = 3", 'seed = 3\ncrs = "EPSG:4326"')
    path.write_text(text, encoding="utf-8")
    return "EPSG:32638"


def too_many_clusters(folder: Path) -> str:
    path = folder / "project.toml"
    text = path.read_text(encoding="utf-8").replace("clusters = 3", "clusters = 30000")
    path.write_text(text, encoding="utf-8")
    return "clusters"


def rewrite(path: Path, values: float | None = None, **changes: object) -> None:
    with rasterio.open(path) as source:
        profile, band = source.profile, source.read()
    if values is not None:
        band[:] = values
    profile.update(driver="GTiff", **changes)
    for key in ("blockxsize", "blockysize", "tiled", "interleave", "compress", "layout"):
        profile.pop(key, None)
    raster.close_files()
    path.unlink()
    with rasterio.open(path, "w", **profile) as target:
        target.write(band)


SPOILT = [
    text_in_numbers,
    constant_element,
    few_samples,
    no_overlap,
    no_crs,
    rotated,
    all_empty,
    missing_raster,
    missing_table,
    wrong_column,
    degrees,
    too_many_clusters,
]


@pytest.mark.parametrize("spoil", SPOILT, ids=lambda f: f.__name__)
def test_bad_input_is_one_clear_line_and_no_map(
    project: Path, tmp_path: Path, spoil: Callable[[Path], str]
) -> None:
    message = spoil(tmp_path)
    with pytest.raises(GossanError, match=message) as caught:
        run_project(load_project(project), tmp_path / "run")
    assert all(len(line) < 400 for line in str(caught.value).splitlines())
    assert not (tmp_path / "run" / "manifest.json").exists()
    written = [p for p in (tmp_path / "run").rglob("*") if p.is_file()]
    assert not [p for p in written if "partial" in p.name]


def test_the_command_line_ends_with_code_two_and_no_trace(project: Path, tmp_path: Path) -> None:
    missing_raster(tmp_path)
    command = [sys.executable, "-m", "gossan", "run", str(project), "--quiet"]
    ended = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
    assert ended.returncode == 2
    assert "existing file" in ended.stderr and "Traceback" not in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


def test_check_reports_everything_wrong_and_the_cure(project: Path, tmp_path: Path) -> None:
    missing_raster(tmp_path)
    found = check_project(load_project(project))
    assert found.blocked and "existing file" in found.findings[0]


def test_duplicated_positions_are_averaged_and_reported(project: Path, tmp_path: Path) -> None:
    table = pd.read_csv(tmp_path / "samples.csv")
    pd.concat([table, table.head(5)]).to_csv(tmp_path / "samples.csv", index=False)
    run_project(load_project(project), tmp_path / "run")
    findings = pd.read_csv(tmp_path / "run" / "tables" / "findings.csv")
    assert findings["message"].str.contains("same place|duplicate", case=False).any()


def test_every_command_has_help() -> None:
    names = {command.name or command.callback.__name__ for command in app.registered_commands}
    wanted = {"init", "check", "run", "predict", "indices", "demo", "prepare", "survey", "krige"}
    assert wanted <= names
    assert all(command.callback.__doc__ for command in app.registered_commands)


def test_which_alteration_information_helps_is_a_table(district_run: Path) -> None:
    table = pd.read_csv(district_run / "tables" / "alteration.csv")
    assert {"feature", "skill", "lower", "upper", "sign", "stability"} <= set(table.columns)
    assert table["feature"].str.contains("aster.indices").any()


def test_covariates_without_a_raster_are_tested_and_predict_but_make_no_map(
    small: Path, tmp_path: Path
) -> None:
    table = pd.read_csv(tmp_path / "samples.csv")
    rng = np.random.default_rng(2)
    table["k_gamma"] = np.log(table["Cu_ppm"]) + 0.1 * rng.normal(size=len(table))
    table.to_csv(tmp_path / "samples.csv", index=False)
    text = small.read_text(encoding="utf-8")
    text = text.replace('unit = "ppm"', 'unit = "ppm"\ncovariates = ["k_gamma"]')
    text += '\n[[product]]\nname = "gamma"\nmodel = "geostatistical"\nfeatures = "covariates"\n'
    small.write_text(text, encoding="utf-8")
    run = tmp_path / "run"
    result = run_project(load_project(small), run)
    assert not (run / "layers" / "gamma_Cu.tif").exists()
    skill = result.summary.set_index("product").loc["gamma", "skill"]
    assert np.max(skill) > 0.2
    predict_at(run, tmp_path / "samples.csv", "gamma", "Cu", tmp_path / "out.csv")
    found = pd.read_csv(tmp_path / "out.csv")
    assert np.corrcoef(np.log(found["estimate"]), np.log(found["Cu_ppm"]))[0, 1] > 0.9
    assert (found["lower90"] < found["upper90"]).all()
    with pytest.raises(InputError, match="'k_gamma'"):
        table.drop(columns="k_gamma").to_csv(tmp_path / "places.csv", index=False)
        predict_at(run, tmp_path / "places.csv", "gamma", "Cu", tmp_path / "out.csv")


def test_the_example_runs_on_the_real_survey(
    test_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kriging and pyramid for Cu, Zn, Ni, Cr; the literal equations are worse than kriging."""
    monkeypatch.setenv("GOSSAN_TEST_DATA", str(test_data))
    example = Path(__file__).resolve().parents[3] / "examples" / "ad_dawadimi" / "project.toml"
    project = load_project(example)
    kept = tuple(p for p in project.product if p.model in ("kriging", "pyramid"))
    run_project(project.model_copy(update={"product": kept}), tmp_path / "run")
    scores = pd.read_csv(tmp_path / "run" / "tables" / "scores.csv")
    held = scores[scores["comparison"] == "blocks"].set_index(["product", "element"])
    for element in ("Cu", "Zn", "Ni", "Cr"):
        assert held.loc[("pc2_literal_global", element), "skill"] < -1
        assert held.loc[("pc2_sound_global", element), "skill"] > -1
        assert held.loc[("kriging", element), "n"] > 500
        assert (tmp_path / "run" / "layers" / f"pc2_sound_local_{element}.tif").exists()
