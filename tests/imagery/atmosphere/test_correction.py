"""Atmosphere words against 6S run by Py6S, and against their defining equations."""

from __future__ import annotations

import csv
import math
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from gossan.catalogue.sensors import AsterBand, Band, aster_band, aster_bands, sentinel2_band
from gossan.errors import ImageryError, InputError, MissingDependencyError, SettingsError
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer
from gossan.imagery.atmosphere.coefficients import AtmosphereCorrection, sixs_correction
from gossan.imagery.atmosphere.correction import correct, fit_correction
from gossan.imagery.atmosphere.geometry import SceneGeometry
from gossan.imagery.atmosphere.settings import AtmosphereSettings
from gossan.imagery.atmosphere.sixs import SixsConditions, run_sixs
from gossan.imagery.calibration import reflectance_per_radiance

from ...presence import missing

GRID = Grid.from_bounds(
    32638, (500_000, 2_400_000, 500_000 + 90 * 15, 2_400_000 + 70 * 20), (15, 20)
)
PLACE = SceneGeometry(62.0, 118.0, date(2004, 7, 15), 5.0, 280.0)
SOLAR = [b for b in aster_bands() if b.group != "TIR"]
BLOCKS = Blocks(size=32, workers=2)
STATED = AtmosphereSettings(method="6s", aot550=0.15, water_g_cm2=2.0)


def toa(seed: int = 0, bands: int = 9) -> ArrayLayer:
    rng = np.random.default_rng(seed)
    values = rng.uniform(0.08, 0.6, (bands, *GRID.shape)).astype(np.float32)
    values[:, :5, :9] = np.nan
    values[:, 20, 30:40] = np.float32(0.05) + np.linspace(0, 0.02, 10, dtype=np.float32)
    return ArrayLayer(GRID, tuple(b.name for b in SOLAR[:bands]), values)


@pytest.fixture(scope="module")
def sixs_rows(reference: Path) -> list[dict[str, str]]:
    lines = (reference / "sixs_py6s.csv").read_text(encoding="utf-8").splitlines()
    try:
        run_sixs([aster_band("b9")], SixsConditions(30, 0, 0, 0, 7, 1, "none"))
    except MissingDependencyError as error:
        missing(str(error))
    return list(csv.DictReader(lines[1:]))


def conditions(row: dict[str, str]) -> tuple[SceneGeometry, AtmosphereSettings]:
    place = SceneGeometry(
        90 - float(row["sun_zenith"]),
        float(row["sun_azimuth"]),
        date(2004, int(row["month"]), int(row["day"])),
        float(row["view_zenith"]),
        float(row["view_azimuth"]),
    )
    air = AtmosphereSettings(
        method="6s",
        aerosol=row["aerosol"],  # type: ignore[arg-type]
        aot550=float(row["aot550"]),
        water_g_cm2=float(row["water"]),
        ozone_cm_atm=float(row["ozone"]),
        altitude_m=float(row["altitude_km"]) * 1000,
    )
    return place, air


def band_of(row: dict[str, str]) -> Band:
    if row["sensor"] == "ASTER":
        return aster_band(row["band"])
    return sentinel2_band(row["band"], row["sensor"])  # type: ignore[arg-type]


def test_6s_forward_and_back_returns_the_surface_for_both_sensors(
    sixs_rows: list[dict[str, str]],
) -> None:
    skies: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for row in sixs_rows:
        skies.setdefault((row["sun_zenith"], row["sensor"]), []).append(row)
    for rows in skies.values():
        place, air = conditions(rows[0])
        bands = list({row["band"]: band_of(row) for row in rows}.values())
        correction = sixs_correction(bands, place, air)
        for row in rows:
            band = band_of(row)
            seen = float(row["apparent_reflectance"])
            if isinstance(band, AsterBand):
                assert band.solar_irradiance is not None
                seen = float(row["apparent_radiance"]) * reflectance_per_radiance(
                    band.solar_irradiance, place.sun_elevation, place.date
                )
            index = correction.bands.index(band.name)
            surface = correction.surface(np.full((len(bands), 1, 1), seen))[index, 0, 0]
            assert surface == pytest.approx(float(row["surface"]), abs=6e-4), row


def test_our_cards_give_6s_the_same_air_as_py6s(sixs_rows: list[dict[str, str]]) -> None:
    for row in sixs_rows[1:12:4]:
        c = SixsConditions(
            *(float(row[k]) for k in ("sun_zenith", "sun_azimuth", "view_zenith", "view_azimuth")),
            int(row["month"]),
            int(row["day"]),
            row["aerosol"],
            float(row["aot550"]),
            float(row["water"]),
            float(row["ozone"]),
            float(row["altitude_km"]),
        )
        (found,) = run_sixs([band_of(row)], c, target=float(row["surface"]))
        assert found.reflectance == pytest.approx(float(row["apparent_reflectance"]), abs=2e-7)
        assert found.radiance == pytest.approx(float(row["apparent_radiance"]), abs=2e-3)


def test_6s_follows_a_table_of_water_vapour(sixs_rows: list[dict[str, str]]) -> None:
    """Band 9 loses a fifth between 0.5 and 3 g/cm2; band 7 next to nothing."""
    place = SceneGeometry(60.0, 0.0, date(2004, 7, 1), 5.0, 0.0)
    bands = [aster_band("b7"), aster_band("b9")]
    a = [
        sixs_correction(
            bands,
            place,
            STATED.model_copy(update={"aerosol": "desert", "water_g_cm2": w, "altitude_m": 1000.0}),
        ).a
        for w in (0.5, 3.0)
    ]
    assert a[1][0] / a[0][0] == pytest.approx(1.0, abs=0.01)
    assert a[1][1] / a[0][1] == pytest.approx(0.1946 / 0.1538, abs=0.01)


def test_thermal_bands_are_refused_by_6s(sixs_rows: list[dict[str, str]]) -> None:
    with pytest.raises(ImageryError, match="one that sees sunlight; got 12"):
        sixs_correction([aster_band("b12")], PLACE, STATED)


def test_without_the_program_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "gossan.imagery.atmosphere.sixs.importlib.util.find_spec", lambda name: None
    )
    with pytest.raises(MissingDependencyError, match=r"pip install 'gossan\[atmosphere\]'"):
        sixs_correction(SOLAR, PLACE, STATED)


def test_surface_and_top_of_atmosphere_are_inverse() -> None:
    air = AtmosphereCorrection(("b1", "b2"), (1.22, 1.15), (0.05, 0.03), (0.11, 0.08))
    surface = np.random.default_rng(1).uniform(0, 1, (2, 5, 7))
    assert np.allclose(air.surface(air.top_of_atmosphere(surface)), surface, atol=1e-12)


def test_none_gives_the_same_layer() -> None:
    layer = toa()
    assert correct(layer, SOLAR, PLACE, AtmosphereSettings(), BLOCKS) is layer


def test_iarr_makes_the_mean_of_every_band_one() -> None:
    layer = correct(toa(), SOLAR, PLACE, AtmosphereSettings(method="iarr"), BLOCKS)
    found = layer.read(GRID.whole)
    assert np.nanmean(found, axis=(1, 2), dtype=float) == pytest.approx(np.ones(9), abs=1e-5)
    assert np.isnan(found[:, :5, :9]).all()


def test_log_residuals_have_no_mean_over_pixels_nor_over_bands() -> None:
    layer = correct(toa(), SOLAR, PLACE, AtmosphereSettings(method="log_residual"), BLOCKS)
    logs = np.log(layer.read(GRID.whole).astype(float))
    assert np.nanmean(logs, axis=(1, 2)) == pytest.approx(np.zeros(9), abs=1e-5)
    assert np.nanmax(np.abs(logs.mean(axis=0))) < 1e-5


def test_log_residuals_do_not_see_shading() -> None:
    plain = toa()
    shade = np.linspace(0.3, 1.0, GRID.width, dtype=np.float32)
    shaded = ArrayLayer(GRID, plain.bands, plain.array * shade)
    word = AtmosphereSettings(method="log_residual")
    one = correct(plain, SOLAR, PLACE, word, BLOCKS).read(GRID.whole)
    other = correct(shaded, SOLAR, PLACE, word, BLOCKS).read(GRID.whole)
    assert np.nanmax(np.abs(one / other - 1)) < 1e-4


def test_the_dark_object_gets_one_percent() -> None:
    layer = toa()
    word = AtmosphereSettings(method="dos")
    found = correct(layer, SOLAR, PLACE, word, BLOCKS).read(GRID.whole)
    assert np.nanmin(found) == pytest.approx(0.01, abs=0.004)
    assert np.nanmax(np.abs((layer.array - found) - (layer.array - found)[:, 30:31, 30:31])) < 1e-6


def test_cost_divides_visible_bands_by_the_cosine_and_leaves_short_wave_ones() -> None:
    dos = fit_correction(toa(), SOLAR, PLACE, AtmosphereSettings(method="dos"), BLOCKS)
    cost = fit_correction(toa(), SOLAR, PLACE, AtmosphereSettings(method="cost"), BLOCKS)
    assert cost.a[:3] == pytest.approx((1 / math.cos(math.radians(28)),) * 3)
    assert cost.a[3:] == dos.a[3:] == (1.0,) * 6
    assert cost.b[3:] == dos.b[3:]


def test_flat_field_divides_by_the_mean_of_the_area() -> None:
    layer = toa()
    left, _, _, top = GRID.bounds
    area = (left + 40 * 15, top - 60 * 20, left + 60 * 15, top - 45 * 20)
    word = AtmosphereSettings(method="flat_field", flat_field=area)
    found = correct(layer, SOLAR, PLACE, word, BLOCKS).read(GRID.whole)
    assert found[:, 45:60, 40:60].mean(axis=(1, 2)) == pytest.approx(np.ones(9), abs=1e-5)


def test_empirical_line_returns_the_field_spectra(tmp_path: Path) -> None:
    layer = toa(bands=3)
    gain, offset = np.array([1.3, 1.1, 0.9]), np.array([-0.05, -0.02, 0.01])
    easting, northing = GRID.coordinates()
    path = tmp_path / "targets.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["easting", "northing", "b1", "b2", "b3"])
        for row, col in ((40, 20), (50, 60), (65, 80)):
            truth = layer.array[:, row, col] * gain + offset
            writer.writerow([easting[col], northing[row], *truth])
    word = AtmosphereSettings(method="empirical_line", targets=path)
    found = correct(layer, SOLAR[:3], PLACE, word, BLOCKS).read(GRID.whole)
    expected = layer.array * gain[:, None, None] + offset[:, None, None]
    assert np.nanmax(np.abs(found - expected)) < 1e-5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "flat_field"}, "left, bottom, right, top of a featureless area"),
        ({"method": "flat_field", "flat_field": (0, 0, 9, 9)}, "inside the scene"),
        (
            {"method": "flat_field", "flat_field": (500_000, 2_401_330, 500_100, 2_401_390)},
            "filled",
        ),
        ({"method": "empirical_line"}, "a CSV of easting, northing and bands"),
    ],
)
def test_missing_field_input_is_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        correct(toa(), SOLAR, PLACE, AtmosphereSettings(**options), BLOCKS)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("easting,northing,b1\n1,2,0.1\n", "none called b2"),
        ("easting,northing,b1,b2\n500100,2400700,0.1,dark\n", "numbers only"),
        ("easting,northing,b1,b2\n500100,2400700,0.1,0.2\n", "at least two"),
        ("", "none called easting"),
    ],
)
def test_bad_target_tables_are_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ImageryError, match=message):
        correct(
            toa(bands=2),
            SOLAR[:2],
            PLACE,
            AtmosphereSettings(method="empirical_line", targets=path),
            BLOCKS,
        )


def test_settings_without_a_file_are_a_settings_error(tmp_path: Path) -> None:
    word = AtmosphereSettings(method="empirical_line", targets=tmp_path / "none.csv")
    with pytest.raises(SettingsError):
        correct(toa(bands=2), SOLAR[:2], PLACE, word, BLOCKS)


@pytest.mark.parametrize("word", ["dos", "cost", "iarr", "log_residual"])
def test_any_block_size_gives_the_same(word: str) -> None:
    settings = AtmosphereSettings(method=word)  # type: ignore[arg-type]
    found = [
        correct(toa(), SOLAR, PLACE, settings, Blocks(size=s, workers=1)).read(GRID.whole)
        for s in (17, 4096)
    ]
    assert np.allclose(found[0], found[1], atol=1e-6, equal_nan=True)


def test_an_empty_band_is_refused_by_name() -> None:
    values = toa().array.copy()
    values[4] = np.nan
    with pytest.raises(ImageryError, match="band b5 must be filled somewhere"):
        correct(
            ArrayLayer(GRID, toa().bands, values),
            SOLAR,
            PLACE,
            AtmosphereSettings(method="iarr"),
            BLOCKS,
        )
