from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from xml.etree import ElementTree

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from affine import Affine
from pyproj import CRS
from scipy import ndimage, stats

from gossan.errors import GridError, InputError
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer
from gossan.targets.above import AboveLayer, ExceedanceLayer
from gossan.targets.anomalies import (
    Anomalies,
    AnomalySettings,
    Evidence,
    anomaly_score,
    find_anomalies,
    old_anomalies,
)
from gossan.targets.anomaly_files import write_anomalies
from gossan.targets.product_numbers import product_numbers

SHAPE = (61, 84)
GRID = Grid(CRS.from_epsg(32645), Affine(50.0, 0, 500_000.0, 0, -80.0, 4_400_000.0), *SHAPE)


def _layer(values: np.ndarray, name: str) -> ArrayLayer:
    return ArrayLayer(GRID, (name,), values[None])


def _smooth(seed: int, width: float) -> np.ndarray:
    field = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(SHAPE), width)
    return (field - field.mean()) / field.std()


@pytest.fixture(scope="module")
def parts() -> dict[str, np.ndarray]:
    coarse = _smooth(1, 9.0)
    fine = 0.7 * coarse + 0.7 * _smooth(2, 2.5)
    found = {
        "Cu": np.exp(3.5 + 0.9 * fine),
        "coarse": np.exp(3.5 + 0.7 * coarse),
        "Zn": np.exp(4.0 + 0.6 * fine + 0.4 * _smooth(3, 3.0)),
        "p": np.clip(0.5 + 0.3 * fine, 0, 1),
        "bare": np.clip(0.7 + 0.2 * _smooth(4, 2.0), 0, 1),
    }
    found["Cu"][30:36, 10:30] = np.nan
    return {name: values.astype(np.float32).astype(float) for name, values in found.items()}


@pytest.fixture(scope="module")
def occurrences() -> np.ndarray:
    rng = np.random.default_rng(5)
    left, bottom, right, top = GRID.bounds
    return rng.uniform((left, bottom), (right, top), (7, 2))


@pytest.fixture(scope="module")
def found(parts: dict[str, np.ndarray], occurrences: np.ndarray) -> Anomalies:
    evidence = Evidence(
        coarse=old_anomalies(_layer(parts["coarse"], "Cu"), 55.0),
        probability=_layer(parts["p"], "p"),
        exposure=_layer(parts["bare"], "bare"),
        others={"Zn": AboveLayer(_layer(parts["Zn"], "Zn"), 90.0)},
        occurrences=occurrences,
    )
    return find_anomalies(_layer(parts["Cu"], "Cu"), 50.0, element="Cu", evidence=evidence)


def test_every_attribute_is_what_a_plain_loop_over_pixels_says(
    found: Anomalies, parts: dict[str, np.ndarray], occurrences: np.ndarray
) -> None:
    easting, northing = GRID.coordinates()
    labels, number = ndimage.label(np.nan_to_num(parts["Cu"]) >= 50.0, np.ones((3, 3)))
    kept = [i for i in range(1, number + 1) if (labels == i).sum() >= 4]
    assert len(found) == len(kept) > 3
    for row in found.table.itertuples():
        peak = labels[
            int(np.argmin(abs(northing - row.peak_northing))),
            int(np.argmin(abs(easting - row.peak_easting))),
        ]
        pixels = list(zip(*np.nonzero(labels == peak), strict=True))
        contents = [parts["Cu"][p] for p in pixels]
        area = len(pixels) * 50 * 80 / 1e6
        assert row.area_km2 == pytest.approx(area)
        assert row.peak == max(contents)
        assert row.mean == pytest.approx(sum(contents) / len(contents))
        assert row.contrast == pytest.approx(row.mean / 50.0)
        assert row.contrast_area == pytest.approx(row.mean / 50.0 * area)
        assert row.area_2x_km2 == pytest.approx(sum(c >= 100 for c in contents) * 0.004)
        assert row.zone == max(z for z in (1, 2, 4) if max(contents) >= 50 * z)
        overlap = sum(parts["coarse"][p] >= 55 for p in pixels) / len(pixels)
        assert row.overlap == pytest.approx(overlap)
        expected = "known" if overlap >= 0.8 else "extended" if overlap >= 0.05 else "new"
        assert row.status == expected
        share = sum(parts["Zn"][p] >= 90 for p in pixels) / len(pixels)
        assert row.coincident == ("Zn" if share >= 0.1 else "")
        probability = sum(parts["p"][p] for p in pixels) / len(pixels)
        exposure = sum(parts["bare"][p] for p in pixels) / len(pixels)
        assert row.probability == pytest.approx(probability, rel=1e-6)
        assert row.exposure == pytest.approx(exposure, rel=1e-6)
        boxes = [shapely.box(easting[c] - 25, northing[r] - 40, easting[c] + 25, northing[r] + 40)
                 for r, c in pixels]  # fmt: skip
        near = min(box.distance(shapely.Point(o)) for box in boxes for o in occurrences)
        assert row.occurrence_m == pytest.approx(near)
        inside = sum(any(box.contains(shapely.Point(o)) for box in boxes) for o in occurrences)
        assert row.occurrences == inside
        score = row.contrast_area * probability * exposure * (1 + (row.coincident != ""))
        assert row.score == pytest.approx(score, rel=1e-6)
    assert found.table["score"].is_monotonic_decreasing
    assert found.table["rank"].tolist() == list(range(1, len(found) + 1))


def test_zones_lie_in_their_anomaly_and_have_its_areas(found: Anomalies) -> None:
    whole = found.table.set_index("anomaly")
    for row in found.zones.itertuples():
        outline = whole.loc[row.anomaly, "geometry"]
        assert outline.buffer(1e-6).contains(row.geometry)
        assert row.lower_limit == 50.0 * row.zone
    areas = found.zones.groupby(["zone", "anomaly"])["area_km2"].sum()
    for name in whole.index:
        assert areas[1.0, name] == pytest.approx(whole.loc[name, "area_km2"])
        assert areas.get((2.0, name), 0.0) == pytest.approx(whole.loc[name, "area_2x_km2"])
        assert areas.get((4.0, name), 0.0) == pytest.approx(whole.loc[name, "area_4x_km2"])


def test_product_numbers_add_up(found: Anomalies, parts: dict[str, np.ndarray]) -> None:
    coarse = find_anomalies(_layer(parts["coarse"], "Cu"), 55.0, element="Cu")
    table = product_numbers({"fused": found, "kriging": coarse}, coarse="kriging")
    assert table["product"].tolist() == ["kriging", "fused"]
    fused = table.iloc[1]
    area = found.table["area_km2"]
    assert fused["number"] == len(found) == fused["known"] + fused["extended"] + fused["new"]
    assert fused["total_km2"] == pytest.approx(area.sum())
    assert fused["median_km2"] == pytest.approx(area.median())
    inside = (area * found.table["overlap"]).sum() / area.sum()
    assert fused["inside_share"] == pytest.approx(inside)


def test_small_anomalies_are_left_out(parts: dict[str, np.ndarray]) -> None:
    layer = _layer(parts["Cu"], "Cu")
    everything = find_anomalies(
        layer, 50.0, element="Cu", settings=AnomalySettings(minimum_pixels=1)
    )
    large = find_anomalies(
        layer, 50.0, element="Cu", settings=AnomalySettings(minimum_area_km2=0.5)
    )
    assert (large.table["area_km2"] >= 0.5).all()
    assert len(large) == (everything.table["area_km2"] >= 0.5).sum() < len(everything)


def test_without_evidence_the_table_has_the_same_columns(
    found: Anomalies, parts: dict[str, np.ndarray]
) -> None:
    plain = find_anomalies(_layer(parts["Cu"], "Cu"), 50.0, element="Cu")
    assert list(plain.table.columns) == list(found.table.columns)
    assert plain.table["probability"].isna().all() and (plain.table["status"] == "").all()
    assert np.allclose(plain.table["score"], plain.table["contrast_area"])


def test_no_anomaly_and_one_over_everything_are_written_all_the_same(tmp_path: Path) -> None:
    flat = _layer(np.full(SHAPE, 10.0), "Cu")
    none = find_anomalies(flat, 20.0, element="Cu")
    one = find_anomalies(flat, 5.0, element="Cu", evidence=Evidence(occurrences=np.empty((0, 2))))
    assert len(none) == 0 and len(one) == 1
    assert one.table["area_km2"][0] == pytest.approx(SHAPE[0] * SHAPE[1] * 0.004)
    for name, anomalies in (("none", none), ("one", one)):
        paths = write_anomalies(anomalies, tmp_path, name)
        assert len(gpd.read_file(paths["gpkg"], layer="anomalies")) == len(anomalies)
        assert len(pd.read_csv(paths["csv"])) == len(anomalies)
        ElementTree.parse(paths["kml"])
    numbers = product_numbers({"none": none, "one": one})
    assert numbers["number"].tolist() == [0, 1] and np.isnan(numbers["median_km2"][0])


def test_files_carry_the_table_and_its_styles(found: Anomalies, tmp_path: Path) -> None:
    paths = write_anomalies(found, tmp_path / "new folder", "Cu <fused> & more")
    package = gpd.read_file(paths["gpkg"], layer="anomalies")
    assert package.crs.to_epsg() == 32645
    assert package.geometry.geom_equals(found.table.geometry.reset_index(drop=True)).all()
    assert np.allclose(package["score"], found.table["score"])
    with sqlite3.connect(paths["gpkg"]) as database:
        styles = dict(database.execute("select f_table_name, styleQML from layer_styles"))
    assert set(styles) == {"anomalies", "zones"}
    for text in styles.values():
        assert ElementTree.fromstring(text).find("renderer-v2") is not None
    geojson = json.loads(paths["geojson"].read_text(encoding="utf-8"))
    first = np.array(geojson["features"][0]["geometry"]["coordinates"][0][0], dtype=object)
    assert len(geojson["features"]) == len(found) and first is not None
    left, bottom, right, top = found.table.to_crs(4326).total_bounds
    globe = gpd.read_file(paths["geojson"])
    assert globe.total_bounds == pytest.approx([left, bottom, right, top], abs=1e-6)
    kml = ElementTree.parse(paths["kml"]).getroot()
    space = {"k": "http://www.opengis.net/kml/2.2"}
    names = [e.text for e in kml.findall(".//k:Placemark/k:name", space)]
    assert names == found.table["anomaly"].tolist()
    csv = pd.read_csv(paths["csv"])
    points = shapely.points(csv["easting"], csv["northing"])
    assert shapely.intersects(points, found.table.geometry.to_numpy()).all()


def test_probabilities_of_exceedance_are_normal(parts: dict[str, np.ndarray]) -> None:
    estimate, error = np.log(parts["coarse"]), np.full(SHAPE, 0.3)
    error[0, :2] = 0.0
    error[1, 1] = np.nan
    layer = ArrayLayer(GRID, ("estimate", "standard_error"), np.stack([estimate, error]))
    got = ExceedanceLayer(layer, float(np.log(55.0))).read(GRID.whole)[0]
    expected = stats.norm.sf(np.log(55.0), estimate, 0.3)
    assert np.allclose(got[2:], expected[2:], atol=1e-5)
    assert set(got[0, :2].tolist()) <= {0.0, 1.0} and np.isnan(got[1, 1])
    with pytest.raises(InputError):
        ExceedanceLayer(_layer(estimate, "estimate"), 1.0)


def test_wrong_thresholds_zones_and_grids_are_refused(parts: dict[str, np.ndarray]) -> None:
    layer = _layer(parts["Cu"], "Cu")
    for threshold in (0.0, -1.0, float("nan")):
        with pytest.raises(InputError):
            find_anomalies(layer, threshold, element="Cu")
    with pytest.raises(ValueError, match="must be rising"):
        AnomalySettings(zones=(2.0, 4.0))
    other = ArrayLayer(GRID.coarsen(2), ("p",), np.ones((1, *GRID.coarsen(2).shape)))
    with pytest.raises(GridError):
        find_anomalies(layer, 50.0, element="Cu", evidence=Evidence(probability=other))


def test_the_stated_score_ignores_what_is_unknown() -> None:
    columns = {
        "contrast_area": [4.0, 4.0], "probability": [0.5, np.nan], "exposure": [np.nan, 0.5],
        "coincident_n": [0, 2],
    }  # fmt: skip
    assert anomaly_score(columns).tolist() == [2.0, 6.0]
