from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely

from gossan.demo import District, simulate_district, write_district
from gossan.demo.fields import gaussian_field, stream
from gossan.demo.folder import keep_district
from gossan.demo.geology import fault_distance
from gossan.demo.sensors import band_reflectance
from gossan.demo.spectra import END_MEMBERS
from gossan.demo.surveys import composite
from gossan.errors import InputError
from gossan.geo.raster import open_raster


@pytest.fixture(scope="module")
def district() -> District:
    return simulate_district(seed=11, shape=(260, 190), regional_km2=1.0)


def test_the_same_seed_gives_the_same_district(district: District) -> None:
    again = simulate_district(seed=11, shape=(260, 190), regional_km2=1.0)
    for sensor, bands in district.reflectance.items():
        assert np.array_equal(bands, again.reflectance[sensor])
    for element, content in district.truth.items():
        assert np.array_equal(content, again.truth[element])
    for name, survey in district.surveys.items():
        pd.testing.assert_frame_equal(survey.frame, again.surveys[name].frame)
    assert district.cover.geometry.equals(again.cover.geometry)
    assert district.occurrences.geometry.equals(again.occurrences.geometry)


def test_another_seed_gives_another_district(district: District) -> None:
    other = simulate_district(seed=12, shape=(260, 190), regional_km2=1.0)
    assert not np.allclose(district.truth["Cu"], other.truth["Cu"])


def test_leaving_out_an_element_or_a_sensor_changes_nothing_else(district: District) -> None:
    fewer = simulate_district(seed=11, shape=(260, 190), elements=("Cu",), sensors=("aster",))
    assert np.array_equal(fewer.truth["Cu"], district.truth["Cu"])
    assert np.array_equal(fewer.reflectance["aster"], district.reflectance["aster"])


def test_contents_are_log_normal_without_their_links() -> None:
    logarithms = [
        np.log(simulate_district(seed=seed, shape=(150, 200), sensors=()).truth["Sn"])
        for seed in range(8)
    ]
    centred = np.array(logarithms) - np.log(2.2)
    variance = 0.35**2 + 0.35**2 + 0.10**2
    assert np.abs(centred.mean(axis=(1, 2))).max() < 0.01
    # Parts are independent: their covariance over one district is chance and averages out.
    assert abs((centred**2).mean() - variance) < 0.15 * variance
    assert abs((centred**3).mean() / (centred**2).mean() ** 1.5) < 0.25


def test_copper_follows_alteration_and_the_control_does_not() -> None:
    found = []
    for seed in range(24):
        one = simulate_district(seed=seed, shape=(120, 90), pixel_m=60.0, sensors=())
        altered = one.geology.altered.ravel()
        found.append(
            [np.corrcoef(np.log(one.truth[e]).ravel(), altered)[0, 1] for e in ("Cu", "Sn")]
        )
    linked, control = np.array(found).T
    assert linked.mean() > 0.35 and linked.min() > 0
    assert abs(control.mean()) < 2.5 * control.std(ddof=1) / np.sqrt(len(control))


def test_ratios_see_the_alteration_that_they_are_named_after(district: District) -> None:
    aster, zones = district.reflectance["aster"].astype(float), district.geology.alteration
    clear = ~(district.masks["vegetation"] | district.masks["quaternary"])
    argillic = (aster[3] + aster[5]) / aster[4]
    phyllic = (aster[4] + aster[6]) / aster[5]
    chlorite = (aster[5] + aster[8]) / (aster[6] + aster[7])
    core = clear & (zones["argillic"] > 0.7)
    shell, rim = clear & (zones["phyllic"] > 0.7), clear & (zones["propylitic"] > 0.7)
    fresh = clear & (district.geology.altered < 0.05)
    assert np.median(argillic[core]) > np.median(argillic[fresh]) + 0.1
    assert np.median(phyllic[shell]) > np.median(phyllic[fresh]) + 0.05
    assert np.median(chlorite[rim]) > np.median(chlorite[fresh]) + 0.02


def test_reflectance_lies_between_0_and_1_and_shading_cancels_in_ratios() -> None:
    still = simulate_district(seed=5, shape=(60, 50), noise=0.0, sun_elevation=80.0)
    slanted = simulate_district(seed=5, shape=(60, 50), noise=0.0, sun_elevation=30.0)
    high, low = still.reflectance["aster"], slanted.reflectance["aster"]
    assert high.min() > 0 and high.max() < 1.2
    assert not np.allclose(high[3], low[3])
    assert np.allclose(high[3] / high[5], low[3] / low[5], rtol=1e-5)


@pytest.mark.parametrize("support_m", [60.0, 1000.0, 2000.0])
def test_a_composite_is_the_mean_of_the_truth_over_its_support(
    district: District, support_m: float
) -> None:
    survey = district.surveys["regional"]
    xy = survey.frame[["easting", "northing"]].to_numpy()
    got = composite(district.truth["Cu"], district.grid, xy, support_m)
    easting, northing = district.grid.coordinates()
    for (e, n), value in zip(xy, got, strict=True):
        rows = (northing >= n - support_m / 2) & (northing < n + support_m / 2)
        columns = (easting >= e - support_m / 2) & (easting < e + support_m / 2)
        inside = rows[:, None] & columns[None, :]
        assert value == pytest.approx(district.truth["Cu"][inside].mean(), rel=1e-12)


def test_the_laboratory_reports_the_composite_with_a_small_error(district: District) -> None:
    survey = district.surveys["regional"]
    assert survey.support_m == 1000.0
    xy = survey.frame[["easting", "northing"]].to_numpy()
    exact = composite(district.truth["Cu"], district.grid, xy, 1000.0)
    assert np.array_equal(survey.truth["Cu"], exact)
    ratio = survey.frame["Cu_ppm"].astype(float) / exact
    assert abs(ratio.mean() - 1) < 0.02 and 0.02 < ratio.std() < 0.08


def test_values_below_the_detection_limit_are_marked() -> None:
    poor = simulate_district(seed=2, shape=(160, 140), sensors=(), regional_km2=0.2,
                             regional_support_m=60.0)  # fmt: skip
    for element, mark, limit in (("Sn", "<0.5", 0.5), ("Au", "<0.001", 0.001)):
        text = poor.surveys["regional"].frame[f"{element}_ppm"]
        below = text.str.startswith("<")
        assert below.any() or element == "Sn"
        assert (text[below] == mark).all()
        assert (text[~below].astype(float) >= limit * 0.9999).all()


def test_duplicates_stand_beside_their_originals(district: District) -> None:
    frame = district.surveys["detailed"].frame.set_index("sample_id")
    twice = frame[frame["duplicate_of"] != ""]
    assert len(twice) == round(0.05 * (len(frame) - len(twice)))
    original = frame.loc[twice["duplicate_of"]]
    apart = np.hypot(
        twice["easting"].to_numpy() - original["easting"].to_numpy(),
        twice["northing"].to_numpy() - original["northing"].to_numpy(),
    )
    assert np.allclose(apart, 15 * np.sqrt(2))
    assert (twice["Cu_ppm"].to_numpy() != original["Cu_ppm"].to_numpy()).all()


def test_distance_to_faults_agrees_with_shapely(district: District) -> None:
    small = district.grid.crop(district.grid.whole._replace(row=13, col=40, height=9, width=14))
    easting, northing = np.meshgrid(*small.coordinates())
    lines = shapely.MultiLineString([f.tolist() for f in district.geology.faults])
    expected = shapely.distance(shapely.points(easting, northing), lines)
    assert np.allclose(fault_distance(small, district.geology.faults), expected)


def test_cover_polygons_have_the_area_of_their_masks(district: District) -> None:
    area = district.cover.dissolve("cover").area
    for kind in ("quaternary", "vegetation"):
        assert area[kind] == pytest.approx(district.masks[kind].sum() * 900.0)


def test_a_field_has_the_correlation_that_its_range_says() -> None:
    found = []
    for seed in range(6):
        field = gaussian_field(stream(seed, "test"), (400, 500), 10.0, 400.0, 0.5)
        found.append((field[:, :-20] * field[:, 20:]).mean())
    # Exponential model with length range / 2: correlation exp(-200 / 200) at 200 m.
    assert abs(np.mean(found) - np.exp(-1.0)) < 0.06


def test_drawn_minerals_rank_as_measured_ones_do(test_data: Path) -> None:
    measured = pd.read_csv(test_data / "spectra_usgs" / "usgs_splib07_1nm_selected.csv")
    pairs = {
        "kaolinite": "Kaolinite_CM9", "alunite": "Alunite_GDS96", "muscovite": "Muscovite_GDS113",
        "chlorite": "Chlorite_SMR", "calcite": "Calcite_WS272",
    }  # fmt: skip
    wavelength = measured.iloc[:, 0].to_numpy(float)
    wavelength = wavelength / 1000 if wavelength.max() > 100 else wavelength
    swir = (wavelength > 2.1) & (wavelength < 2.43)
    for name, record in pairs.items():
        column = next(c for c in measured.columns if c.startswith(record))
        real = measured[column].to_numpy(float)[swir]
        drawn = END_MEMBERS[name].reflectance(wavelength[swir])
        assert np.corrcoef(real, drawn)[0, 1] > 0.7, name


def test_bands_average_the_spectrum() -> None:
    flat = END_MEMBERS["vegetation"]
    fine = np.linspace(0.63, 0.69, 20_001)
    assert band_reflectance((flat,), "aster")[0, 1] == pytest.approx(
        flat.reflectance(fine).mean(), abs=1e-4
    )


@pytest.mark.parametrize(
    "wrong", [{"shape": (10, 10)}, {"elements": ("Xx",)}, {"regional_km2": 0.0}, {"pixel_m": -1.0}]
)
def test_what_cannot_be_is_refused_in_one_line(wrong: dict) -> None:
    with pytest.raises(InputError) as caught:
        simulate_district(**{"shape": (50, 40), "sensors": (), **wrong})
    assert "\n" not in str(caught.value) and "must be" in str(caught.value)


def test_a_written_district_reads_back(tmp_path: Path) -> None:
    small = simulate_district(seed=4, shape=(70, 55))
    project = write_district(small, tmp_path / "with space")
    folder = project.parent
    settings = tomllib.loads(project.read_text(encoding="utf-8"))
    assert settings["project"]["elements"] == list(small.truth)
    for imagery in settings["imagery"]:
        for path in imagery["paths"]:
            layer = open_raster(folder / path)
            assert layer.grid.aligned_with(small.grid)
    for survey in settings["survey"]:
        table = pd.read_csv(folder / survey["path"], dtype=str)
        assert set(survey["columns"].values()) <= set(table.columns)
    truth = open_raster(folder / "truth" / "Cu.tif")
    assert np.array_equal(truth.read(truth.grid.whole)[0], small.truth["Cu"].astype(np.float32))
    sentinel = open_raster(folder / "imagery" / "sentinel2.tif")
    assert sentinel.bands[-1] == "b12"
    names = {p.name for p in folder.rglob("*") if p.is_file()}
    assert {"cover.gpkg", "faults.gpkg", "occurrences.geojson", "alteration.tif"} <= names
    assert not [n for n in names if "partial" in n]


def test_a_district_that_stands_is_kept_with_what_the_user_changed(
    district: District, tmp_path: Path
) -> None:
    project = keep_district(district, tmp_path)
    project.write_text(project.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")}
    assert keep_district(district, tmp_path) == project
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")} == before
    (tmp_path / "regional.csv").unlink()
    keep_district(district, tmp_path)
    assert (tmp_path / "regional.csv").exists()


def test_another_seed_in_the_same_folder_writes_another_district(tmp_path: Path) -> None:
    for seed in (1, 2):
        keep_district(simulate_district(seed, shape=(40, 44)), tmp_path)
        assert f"seed = {seed}" in (tmp_path / "project.toml").read_text(encoding="utf-8")
