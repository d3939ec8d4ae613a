from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from gossan.catalogue.sensors import sentinel2_band
from gossan.demo.overpass import Overpass
from gossan.demo.write_aster import simulate_scene, write_aster_hdf
from gossan.demo.write_sentinel2 import SimulatedSentinel2, scene_of, write_sentinel2
from gossan.errors import ImageryError
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer
from gossan.imagery.atmosphere.coefficients import sixs_correction
from gossan.imagery.atmosphere.geometry import SceneGeometry
from gossan.imagery.atmosphere.settings import AtmosphereSettings
from gossan.imagery.components import fit_components
from gossan.imagery.coregistration import PAIRS, coregistration
from gossan.imagery.scenes import open_scenes
from gossan.imagery.sentinel2.scene import SPECTRAL
from gossan.imagery.settings import ImagerySettings
from gossan.imagery.stack import stack

from .aster.granules import write_aster_geotiffs

NINE = tuple(f"b{i}" for i in range(1, 10))
BOUNDS = (563040.0, 4390140.0, 566040.0, 4392240.0)  # 3 x 2.1 km


def ground(pixel: float, bands: tuple[str, ...], lift: float = 0.0) -> ArrayLayer:
    """One textured ground for both sensors; every band a little different."""
    grid = Grid.from_bounds(32645, BOUNDS, pixel)
    rng = np.random.default_rng(8)
    fine = Grid.from_bounds(32645, BOUNDS, 5)
    shared = gaussian_filter(rng.normal(size=fine.shape), 4) * 25
    fields = []
    for _ in bands:
        own = gaussian_filter(rng.normal(size=fine.shape), 12) * 25
        fields.append(0.25 + lift + 0.05 * shared + 0.02 * own)
    step = round(pixel / 5)
    means = np.stack(fields).reshape(len(bands), grid.height, step, grid.width, step).mean((2, 4))
    return ArrayLayer(grid, bands, means.astype(np.float32))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("both")
    surface = ground(15, NINE)
    bright = surface.array.copy()
    bright[3, 40:44, 60:64] = 3.0  # beyond what band 4 can count
    aster = simulate_scene(ArrayLayer(surface.grid, NINE, bright), Overpass(air=None))
    s2 = write_sentinel2(scene_of(ground(10, SPECTRAL)), folder)
    return {"aster": write_aster_hdf(folder, aster), "s2": s2, "folder": folder}


def words(name: str, files: dict[str, Path], **more) -> ImagerySettings:
    sensor = "aster" if name == "aster" else "sentinel2"
    return ImagerySettings(name=name, sensor=sensor, paths=(files[name],), **more)


def test_an_aster_file_becomes_nine_bands_indices_and_masks(files: dict[str, Path]) -> None:
    found = open_scenes(words("aster", files, masks=("nodata", "saturated")), ".", Path("unused"))
    assert found.bands.bands == NINE and found.bands.grid.pixel_width == 15
    assert found.choice.names and len(found.choice.lacking) == 7  # no thermal bands brought along
    shares = found.mask_table().set_index("mask")["share"]
    pixels = found.bands.grid.height * found.bands.grid.width
    assert 16 <= shares["saturated"] * pixels <= 64 and shares["kept"] > 0.97
    values = found.bands.read(found.bands.grid.whole)
    assert np.isnan(values[:, 41:43, 61:63]).all()
    truth = ground(15, NINE).array
    error = np.abs(values - truth)[:3]
    assert np.nanmedian(error) < 0.003
    pc = fit_components(found.component_indices, "robust")
    assert len(pc.bands) == len(found.component_indices.bands)


def test_both_sensors_lie_on_each_other_on_one_grid(files: dict[str, Path], tmp_path: Path) -> None:
    aster = open_scenes(words("aster", files), ".", tmp_path)
    s2 = open_scenes(words("s2", files), ".", tmp_path)
    shift = coregistration(s2.bands, aster.bands, (PAIRS["sentinel2"], PAIRS["aster"]), tile=64)
    assert shift.length_px < 0.1 and shift.pixel_m == 15, shift.reading
    from gossan.geo.layer import RenamedLayer

    renamed = RenamedLayer(aster.bands, tuple(f"aster_{b}" for b in aster.bands.bands))
    both = stack([s2.bands, renamed])
    assert both.grid.pixel_width == 10 and len(both.bands) == 19
    values = both.read(both.grid.whole)[:, 5:-5, 5:-5]
    red, aster_red = values[SPECTRAL.index("b04")], values[10 + 1]
    assert np.corrcoef(red.ravel(), aster_red.ravel())[0, 1] > 0.85  # one ground


def test_versions_003_and_004_are_not_mixed_in_one_mosaic(
    files: dict[str, Path], tmp_path: Path
) -> None:
    later = Overpass(time=datetime(2005, 8, 1, 7, 52, 31, tzinfo=UTC), air=None)
    granule = write_aster_geotiffs(tmp_path, simulate_scene(ground(15, NINE), later))
    mixed = ImagerySettings(name="aster", sensor="aster", paths=(files["aster"], granule))
    with pytest.raises(ImageryError, match="version"):
        open_scenes(mixed, ".", tmp_path)
    bands = tuple(sorted(granule.glob("*.tif")))
    alone = ImagerySettings(name="aster", sensor="aster", paths=bands)  # the bands' own paths
    assert open_scenes(alone, ".", tmp_path).bands.bands == NINE


def test_two_aster_dates_join_and_the_newer_wins(files: dict[str, Path], tmp_path: Path) -> None:
    later = Overpass(time=datetime(2005, 8, 1, 7, 52, 31, tzinfo=UTC), air=None)
    second = write_aster_hdf(tmp_path, simulate_scene(ground(15, NINE, lift=0.1), later))
    both = ImagerySettings(name="aster", sensor="aster", paths=(files["aster"], second))
    found = open_scenes(both, ".", tmp_path)
    values = found.bands.read(found.bands.grid.whole)
    assert np.nanmedian(values[0]) == pytest.approx(0.35, abs=0.02)
    oldest = open_scenes(both.model_copy(update={"overlap": "oldest"}), ".", tmp_path)
    assert np.nanmedian(oldest.bands.read(found.bands.grid.whole)[0]) == pytest.approx(
        0.25, abs=0.02
    )


TEMPLATE = SimulatedSentinel2({}, {}, level="L1C")
AIR = AtmosphereSettings(
    method="6s", aerosol="desert", aot550=0.15, water_g_cm2=1.0, altitude_m=1500
)


def level_1c(folder: Path, surface: ArrayLayer) -> Path:
    """Look at a surface through known air and write a Level-1C product."""
    geometry = SceneGeometry(
        sun_elevation=90 - TEMPLATE.sun_zenith_deg,
        sun_azimuth=TEMPLATE.sun_azimuth_deg,
        date=TEMPLATE.time.date(),
        view_zenith=3.6,
        view_azimuth=104.5,
    )
    bands = surface.bands
    correction = sixs_correction([sentinel2_band(b) for b in bands], geometry, AIR)
    made = scene_of(surface, template=TEMPLATE)
    seen = {
        name: correction.top_of_atmosphere(np.repeat(values[None].astype(float), len(bands), 0))[
            bands.index(name)
        ]
        for name, values in made.reflectance.items()
    }
    return write_sentinel2(replace(made, reflectance=seen), folder)


def test_top_of_atmosphere_reflectance_comes_back_to_the_surface_through_6s(tmp_path: Path) -> None:
    """L1C: surface, 6S air, DN with offset, files; then 6s again. Error by band below 0.001."""
    bands = ("b02", "b04", "b08", "b11", "b12")
    surface = ground(10, bands)
    safe = level_1c(tmp_path, surface)
    base = {"name": "s2", "sensor": "sentinel2", "paths": (safe,), "bands": bands, "indices": ()}
    fixed = open_scenes(ImagerySettings(**base, atmosphere=AIR), ".", tmp_path / "store").bands
    raw = open_scenes(ImagerySettings(**base), ".", tmp_path / "store").bands
    error = {}
    for layer in (fixed, raw):
        values = layer.read(layer.grid.whole)[:, 6:-6, 6:-6]
        difference = np.abs(values - surface.array[:, 6:-6, 6:-6]).mean(axis=(1, 2))
        error[layer is fixed] = dict(zip(bands, difference))
    assert max(error[True][b] for b in ("b02", "b04", "b08")) < 0.001, error
    assert max(error[True].values()) < 0.008, error  # 20 m bands are sharpened from averages
    assert error[False]["b02"] > 0.015 and error[False]["b04"] > 0.004, error


def test_water_vapour_of_a_product_is_found_from_bands_9_and_8a(tmp_path: Path) -> None:
    surface = ground(10, ("b02", "b8a", "b09"))
    same = np.stack([surface.array[0], surface.array[1], surface.array[1]])
    safe = level_1c(tmp_path, ArrayLayer(surface.grid, surface.bands, same))
    air = AIR.model_copy(update={"water_g_cm2": "auto"})
    words = ImagerySettings(
        name="s2", sensor="sentinel2", paths=(safe,), bands=("b02",), indices=(), atmosphere=air
    )
    found = open_scenes(words, ".", tmp_path / "store")
    (note,) = found.notes
    column = re.search(r"water vapour ([0-9.]+) g/cm2 \(from bands 9 and 8A", note)
    assert column and float(column[1]) == pytest.approx(1.0, abs=0.05), note
    assert "optical thickness 0.15 at 550 nm (stated)" in note and "adjacency off" in note
