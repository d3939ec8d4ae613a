from __future__ import annotations

from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pytest
import rasterio

from gossan.demo.district import simulate_district
from gossan.demo.folder import write_district
from gossan.errors import InputError
from gossan.pipeline.commands.anomalies import anomalies_of_run
from gossan.pipeline.commands.predict import notes_on, predict_at
from gossan.pipeline.commands.prepare import prepare_project
from gossan.pipeline.commands.run import run_project
from gossan.pipeline.options.project import load_project
from gossan.report.read import open_results
from gossan.report.tables import run_tables

PRODUCTS = """
[anomalies]
threshold = { Cu = 40.0 }

[[product]]
name = "kriging"
model = "kriging"

[[product]]
name = "sound"
model = "pyramid"
features = "aster.indices.pc2"
"""


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small district as raw scenes, and its project file with two products."""
    folder = tmp_path_factory.mktemp("district")
    made = simulate_district(seed=4, shape=(220, 200), regional_km2=0.6, elements=("Cu", "Zn"))
    path = write_district(made, folder, scenes="raw")
    path.write_text(path.read_text(encoding="utf-8") + PRODUCTS, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run(district: Path) -> Path:
    folder = district.parent / "run"
    run_project(load_project(district), folder)
    anomalies_of_run(folder)
    return folder


def test_prepare_writes_every_layer_of_raw_scenes(district: Path) -> None:
    out = district.parent / "prepared"
    table = prepare_project(load_project(district), out)
    assert set(table["imagery"]) == {"aster", "sentinel2"}
    layers = {"bands", "indices", "pc", "exposure", "composite", "table2_alteration_composite"}
    assert set(table["layer"]) == layers
    bands = pd.read_csv(out / "tables" / "bands.csv").set_index(["imagery", "band"])
    assert bands.loc[("aster", "b4"), "native_m"] == 30
    assert bands.loc[("aster", "b1"), "quantity"] == "reflectance at the top of the atmosphere"
    assert all((out / "layers" / name).exists() for name in table["file"])
    components = pd.read_csv(out / "tables" / "components.csv")
    assert components["reading"].str.startswith("PC").all()
    masks = pd.read_csv(out / "tables" / "masks.csv")
    assert masks["share"].between(0, 1).all()
    shift = pd.read_csv(out / "tables" / "registration.csv")
    assert shift[["east_px", "north_px"]].abs().to_numpy().max() < 0.5


def test_composites_are_ready_for_display(run: Path) -> None:
    with rasterio.open(run / "layers" / "aster_composite.tif") as source:
        assert source.count == 3 and source.dtypes[0] == "uint8"


def test_the_report_shows_what_each_mask_takes_of_each_imagery(run: Path) -> None:
    (table,) = [one for one in run_tables(open_results(run)) if one.title == "Masked ground"]
    imagery = {row[table.columns.index("imagery")].text for row in table.rows}
    assert "sentinel2" in imagery  # ASTER has no mask of its own here


def test_anomalies_come_as_files_for_gis_and_field(run: Path) -> None:
    for ending in ("gpkg", "geojson", "kml", "csv"):
        assert (run / "anomalies" / f"sound_Cu.{ending}").exists(), ending
    numbers = pd.read_csv(run / "tables" / "product_numbers.csv")
    assert set(numbers["product"]) == {"kriging", "sound"}
    thresholds = pd.read_csv(run / "tables" / "thresholds.csv")
    assert {"samples", "kriging", "sound"} <= set(thresholds["source"])
    assert set(thresholds["rule"]) >= {"median_mad", "trimmed_mean", "tukey", "fractal"}
    assert (thresholds["samples_censored"] >= 0).all()


def test_the_kriged_anomalies_lie_in_themselves(run: Path) -> None:
    table = pd.read_csv(run / "tables" / "anomalies.csv")
    own = table[table["product"] == "kriging"]
    assert len(own) and np.allclose(own["overlap"], 1.0) and (own["status"] == "known").all()


def test_occurrences_are_tested_with_chance_beside(run: Path) -> None:
    table = pd.read_csv(run / "tables" / "occurrence_tests.csv")
    assert {"auc", "chance_lower95", "chance_upper95", "n"} <= set(table.columns)


def test_which_alteration_information_helps_is_a_table(run: Path) -> None:
    table = pd.read_csv(run / "tables" / "alteration.csv")
    assert {"feature", "skill", "lower", "upper", "sign", "stability"} <= set(table.columns)
    assert table["feature"].str.contains("aster.indices").any()


def test_places_may_come_in_any_table_that_a_survey_may_be(run: Path, tmp_path: Path) -> None:
    with rasterio.open(run / "layers" / "kriging_Cu.tif") as source:
        left, bottom, right, top = source.bounds
        crs = source.crs
    x = left + np.array([0.3111, 0.6123]) * (right - left)
    y = bottom + np.array([0.4133, 0.7171]) * (top - bottom)
    frame = pd.DataFrame({"Platz": ["ä", "b"], "Rechtswert": x.round(2), "Hochwert": y.round(2)})
    frame.to_csv(tmp_path / "a.csv", sep=";", decimal=",", index=False, encoding="cp1252")
    frame.to_excel(tmp_path / "a.xlsx", index=False)
    points = geopandas.GeoDataFrame(
        frame[["Platz"]], geometry=geopandas.points_from_xy(x, y), crs=crs
    )
    points.to_crs(4326).to_file(tmp_path / "a.gpkg")
    found = []
    for name in ("a.csv", "a.xlsx", "a.gpkg"):
        assert predict_at(run, tmp_path / name, "kriging", "Cu", tmp_path / "out.csv") == 2
        table = pd.read_csv(tmp_path / "out.csv")
        assert table["Platz"].tolist() == ["ä", "b"]
        found.append(table["estimate"].to_numpy())
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, [found[0]] * 3, rtol=1e-3)


def test_degrees_under_the_name_of_metres_are_refused(run: Path, tmp_path: Path) -> None:
    pd.DataFrame({"x": [87.1], "y": [40.2]}).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(InputError, match=r"degrees in row 2.*Call the columns longitude"):
        predict_at(run, tmp_path / "a.csv", "kriging", "Cu", tmp_path / "out.csv")


def test_what_the_numbers_do_not_say_is_said(run: Path, tmp_path: Path) -> None:
    pd.DataFrame({"x": [9e5], "y": [9e5]}).to_csv(tmp_path / "a.csv", index=False)
    predict_at(run, tmp_path / "a.csv", "kriging", "Cu", tmp_path / "out.csv")
    assert (
        "1 of 1 places have no estimate" in notes_on(run, "kriging", "Cu", tmp_path / "out.csv")[0]
    )


def test_anomalies_of_no_run_say_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gossan run"):
        anomalies_of_run(tmp_path)


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
