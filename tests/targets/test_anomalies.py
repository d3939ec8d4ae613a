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
from pyproj import CRS, Transformer
from scipy import ndimage, stats

from gossan.errors import GridError, InputError
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer
from gossan.targets.above import AboveLayer, ExceedanceLayer
from gossan.targets.anomalies import (
    Anomalies,
    AnomalySettings,
    _common,
    anomaly_score,
    find_anomalies,
)
from gossan.targets.anomaly_files import write_anomalies
from gossan.targets.evidence import Evidence, SampledGround, UnsupportedLayer
from gossan.targets.product_numbers import product_numbers
from gossan.targets.smallest import open_share, smallest_area_km2

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
        "p": np.clip(0.3 + 0.3 * fine, 0, 1),
        "coarse_p": np.clip(0.3 + 0.3 * coarse, 0, 1),
        "bare": np.clip(0.7 + 0.2 * _smooth(4, 2.0), 0, 1),
        "like": (_smooth(7, 3.0) > 0).astype(float),
    }
    found["Cu"][30:36, 10:30] = np.nan
    return {name: values.astype(np.float32).astype(float) for name, values in found.items()}


@pytest.fixture(scope="module")
def occurrences() -> np.ndarray:
    rng = np.random.default_rng(5)
    left, bottom, right, top = GRID.bounds
    return rng.uniform((left, bottom), (right, top), (7, 2))


@pytest.fixture(scope="module")
def samples(parts: dict[str, np.ndarray]) -> SampledGround:
    rng = np.random.default_rng(6)
    row, col = rng.integers(0, SHAPE[0], 60), rng.integers(0, SHAPE[1], 60)
    easting, northing = GRID.coordinates()
    places = np.column_stack([easting[col], northing[row]])
    values = np.nan_to_num(parts["Cu"][row, col], nan=30.0) * np.exp(0.3 * rng.normal(size=60))
    return SampledGround(places, values, 300.0)


@pytest.fixture(scope="module")
def found(
    parts: dict[str, np.ndarray], occurrences: np.ndarray, samples: SampledGround
) -> Anomalies:
    evidence = Evidence(
        probability=_layer(parts["p"], "p"),
        coarse=_layer(parts["coarse_p"], "p"),
        interval=ArrayLayer(GRID, ("low", "high"), np.stack([parts["Cu"] / 2, parts["Cu"] * 2])),
        applicable=_layer(parts["like"], "applicable"),
        exposure=_layer(parts["bare"], "bare"),
        others={"Zn": AboveLayer(_layer(parts["Zn"], "Zn"), 90.0)},
        occurrences=occurrences,
        samples=samples,
    )
    return find_anomalies(_layer(parts["Cu"], "Cu"), 50.0, element="Cu", evidence=evidence)


def _nested_outlines(p: np.ndarray) -> list[set[tuple[int, int]]]:
    """Find the widest outlines between 0.25 and 0.6 with a mean of 0.6, by a plain search."""
    taken: list[set[tuple[int, int]]] = []
    for level in np.linspace(0.25, 0.6, 8):
        labels, number = ndimage.label(np.nan_to_num(p) >= level, np.ones((3, 3)))
        for label in range(1, number + 1):
            pixels = set(zip(*np.nonzero(labels == label), strict=True))
            wide = len(pixels) >= 4 and np.mean([p[at] for at in pixels]) >= 0.6
            if wide and not any(pixels & other for other in taken):
                taken.append(pixels)
    return taken


def _pixel(row: int, col: int) -> shapely.Geometry:
    easting, northing = GRID.coordinates()
    x, y = easting[col], northing[row]
    return shapely.box(x - 25, y - 40, x + 25, y + 40)


def test_every_attribute_is_what_a_plain_loop_over_pixels_says(
    found: Anomalies,
    parts: dict[str, np.ndarray],
    occurrences: np.ndarray,
    samples: SampledGround,
) -> None:
    easting, northing = GRID.coordinates()
    mapped = np.where(np.isnan(parts["Cu"]), np.nan, parts["p"])
    outlines = _nested_outlines(mapped)
    assert len(found) == len(outlines) > 3
    back = Transformer.from_crs(4326, 32645, always_xy=True)
    for row in found.table.itertuples():
        peak = (int(np.argmin(abs(northing - row.peak_northing))),
                int(np.argmin(abs(easting - row.peak_easting))))  # fmt: skip
        pixels = list(next(outline for outline in outlines if peak in outline))
        contents = [parts["Cu"][p] for p in pixels]
        area = len(pixels) * 50 * 80 / 1e6
        assert row.area_km2 == pytest.approx(area)
        assert row.peak == max(contents)
        assert row.mean == pytest.approx(sum(contents) / len(contents))
        assert row.contrast == pytest.approx(row.mean / 50.0)
        assert row.contrast_area == pytest.approx(row.mean / 50.0 * area)
        assert row.area_2x_km2 == pytest.approx(sum(c >= 100 for c in contents) * 0.004)
        assert row.zone == max(z for z in (1, 2, 4) if z == 1 or max(contents) >= 50 * z)
        degrees = back.transform(row.peak_longitude, row.peak_latitude)
        assert degrees == pytest.approx((row.peak_easting, row.peak_northing), abs=0.05)
        assert row.peak_probability == pytest.approx(parts["p"][peak])
        assert (row.peak_lower90, row.peak_upper90) == pytest.approx((row.peak / 2, row.peak * 2))

        averaged = {"probability": "p", "exposure": "bare", "applicable": "like"}
        for column, name in (averaged | {"coarse_probability": "coarse_p"}).items():
            mean = np.mean([parts[name][p] for p in pixels])
            assert getattr(row, column) == pytest.approx(mean, rel=1e-6)
        assert row.probability >= 0.6
        assert row.overlap == pytest.approx(np.mean([parts["coarse_p"][p] >= 0.25 for p in pixels]))
        share = np.mean([parts["Zn"][p] >= 90 for p in pixels])
        assert row.coincident == ("Zn" if share >= 0.1 else "")
        boxes = [_pixel(*at) for at in pixels]
        near = min(box.distance(shapely.Point(o)) for box in boxes for o in occurrences)
        assert row.occurrence_m == pytest.approx(near)
        inside = sum(any(box.contains(shapely.Point(o)) for box in boxes) for o in occurrences)
        assert row.occurrences == inside
        away = np.array([min(b.distance(shapely.Point(s)) for b in boxes) for s in samples.places])
        close, hit = samples.values[away <= 300], samples.values[away == 0]
        assert (row.samples, row.samples_near) == (len(hit), len(close))
        assert row.samples_above == (close >= 50).sum()
        assert row.highest_sample == pytest.approx(close.max()) if len(close) else np.nan
        to_peak = np.hypot(*(samples.places - (row.peak_easting, row.peak_northing)).T)
        assert row.sample_m == pytest.approx(to_peak.min())
        assert row.sample_share == pytest.approx(((close >= 50).sum() + 1) / (len(close) + 2))
        known = row.coarse_probability >= 0.4 or (hit >= 50).any()
        new = row.coarse_probability < 0.2 and not (close >= 50).any()
        assert row.status == ("known" if known else "new" if new else "extended")
        score = row.contrast_area * row.probability * row.exposure * row.applicable
        assert row.score == pytest.approx(score * row.sample_share * (1 + row.coincident_n))
    assert found.table["score"].is_monotonic_decreasing
    assert found.table["rank"].tolist() == list(range(1, len(found) + 1))
    assert set(found.table["status"]) == {"known", "new", "extended"}


def test_reasons_name_the_samples_and_what_is_unlike_them(found: Anomalies) -> None:
    for row in found.table.itertuples():
        assert (f"{row.samples_above} of {row.samples_near} samples" in row.supports) == (
            row.samples_above > 0
        )
        assert ("no sample lies inside or near" in row.against) == (row.samples_near == 0)
        assert ("looks like no ground that was sampled" in row.against) == (row.applicable < 0.5)
        assert ("also anomalous here: Zn" in row.supports) == (row.coincident == "Zn")


def test_no_anomaly_rests_on_estimates_above_every_sample_beyond_the_samples() -> None:
    ramp = np.tile(np.linspace(10.0, 400.0, SHAPE[1]), (SHAPE[0], 1))
    easting, northing = np.meshgrid(*GRID.coordinates())
    surveyed = (np.arange(SHAPE[1]) < 50) & (np.arange(SHAPE[0]) % 6 == 0)[:, None]
    surveyed &= np.arange(SHAPE[1]) % 6 == 0
    places = np.column_stack([easting[surveyed], northing[surveyed]])
    samples = SampledGround(places, ramp[surveyed], 320.0)
    layer = _layer(ramp, "Cu")
    unsupported = UnsupportedLayer(layer, samples.hull, samples.highest)
    flags = unsupported.read(GRID.whole)[0]
    beyond = easting > places[:, 0].max() + 160
    assert (flags == (beyond & (ramp > samples.highest)))[5:55].all()
    evidence = Evidence(unsupported=unsupported, samples=samples)
    high = find_anomalies(layer, samples.highest * 1.2, element="Cu", evidence=evidence)
    assert len(high) == 0
    low = find_anomalies(layer, samples.highest * 0.8, element="Cu", evidence=evidence)
    assert len(low) == 1 and 0 < low.table["unsupported"][0] < 1
    assert "above the highest of them" in low.table["against"][0]


def test_anomalies_on_ground_that_no_sample_stands_for_count_less_and_say_so() -> None:
    """Two equal peaks; the second lies on ground that drains past all samples."""
    easting, northing = np.meshgrid(*GRID.coordinates())
    left, bottom, right, top = GRID.bounds
    middle, wide = (bottom + top) / 2, (right - left) / 12
    peaks = (left + (right - left) / 4, left + 3 * (right - left) / 4)
    hills = [np.hypot(easting - x, northing - middle) < wide for x in peaks]
    content = np.where(hills[0] | hills[1], 100.0, 10.0)
    nowhere = _layer(np.where(easting > (left + right) / 2, 1.0, 0.0), "unsampled")
    found = find_anomalies(
        _layer(content, "Cu"), 50.0, element="Cu", evidence=Evidence(unsampled=nowhere)
    )
    table = found.table.sort_values("peak_easting")
    assert table["unsampled"].tolist() == [0.0, 1.0]
    assert table["score"].iloc[0] > 0 and table["score"].iloc[1] == 0
    assert "100 % of it drains past all samples" in table["against"].iloc[1]
    assert "drains past" not in table["against"].iloc[0]


def test_smaller_anomalies_are_shown_where_the_map_leaves_less_open() -> None:
    rng = np.random.default_rng(8)
    estimate = rng.normal(scale=0.8, size=SHAPE)
    error = np.full(SHAPE, 0.4)
    estimate[3:9] = np.nan
    working = ArrayLayer(GRID, ("estimate", "standard_error"), np.stack([estimate, error]))
    share = open_share(working, Blocks(16))
    assert share == pytest.approx(0.16 / (0.16 + np.nanvar(estimate)), rel=1e-4)
    assert smallest_area_km2(1000.0, share) == pytest.approx(share / 2)


def test_the_open_share_of_a_large_map_is_that_of_whole_windows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(9)
    error = rng.uniform(0.3, 0.5, SHAPE)
    pair = np.stack([rng.normal(scale=0.8, size=SHAPE), error])
    working = ArrayLayer(GRID, ("estimate", "standard_error"), pair)
    whole = open_share(working, Blocks(4))
    monkeypatch.setattr("gossan.targets.smallest.MOST_PIXELS", SHAPE[0] * SHAPE[1] // 4)
    assert open_share(working, Blocks(4)) == pytest.approx(whole, rel=0.1)
    assert open_share(working, Blocks(4)) != whole


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


def test_zones_are_cut_to_their_anomalies() -> None:
    rng = np.random.default_rng(3)
    corners = rng.integers(0, 40, (400, 2))
    shapes = shapely.box(*corners.T, *(corners + rng.integers(1, 9, (400, 2))).T)
    owners = np.array([shapely.box(0, 0, 18, 40), shapely.box(18, 0, 50, 30).difference(
        shapely.box(25, 5, 33, 12))])[rng.integers(0, 2, 400)]  # fmt: skip
    found, expected = _common(shapes, owners), shapely.intersection(shapes, owners)
    assert shapely.equals(found, expected).all()
    assert 50 < shapely.equals(found, shapes).sum() < 350


def test_probabilities_of_exceedance_are_normal(parts: dict[str, np.ndarray]) -> None:
    estimate, error = np.log(parts["coarse"]), np.full(SHAPE, 0.3)
    error[0, :2] = 0.0
    error[1, 1] = np.nan
    estimate[1, 2], error[1, 2] = np.nan, 0.0
    layer = ArrayLayer(GRID, ("estimate", "standard_error"), np.stack([estimate, error]))
    got = ExceedanceLayer(layer, float(np.log(55.0))).read(GRID.whole)[0]
    expected = stats.norm.sf(np.log(55.0), estimate, 0.3)
    assert np.allclose(got[2:], expected[2:], atol=1e-5)
    assert set(got[0, :2].tolist()) <= {0.0, 1.0} and np.isnan(got[1, 1:3]).all()
    with pytest.raises(InputError):
        ExceedanceLayer(_layer(estimate, "estimate"), 1.0)


def test_wrong_thresholds_zones_and_grids_are_refused(parts: dict[str, np.ndarray]) -> None:
    layer = _layer(parts["Cu"], "Cu")
    for threshold in (0.0, -1.0, float("nan")):
        with pytest.raises(InputError):
            find_anomalies(layer, threshold, element="Cu")
    with pytest.raises(ValueError, match="must be rising"):
        AnomalySettings(zones=(2.0, 4.0))
    with pytest.raises(ValueError, match="at most probability"):
        AnomalySettings(probability=0.5, grow_to=0.6)
    other = ArrayLayer(GRID.coarsen(2), ("p",), np.ones((1, *GRID.coarsen(2).shape)))
    with pytest.raises(GridError):
        find_anomalies(layer, 50.0, element="Cu", evidence=Evidence(probability=other))


def test_the_stated_score_ignores_what_is_unknown() -> None:
    columns = {
        "contrast_area": [4.0, 4.0], "probability": [0.5, np.nan], "exposure": [np.nan, 0.5],
        "coincident_n": [0, 2],
    }  # fmt: skip
    assert anomaly_score(columns).tolist() == [2.0, 6.0]
