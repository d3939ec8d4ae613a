"""The whole road: surface, air, crosstalk, gains, files, and back again, word by word."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from gossan.catalogue.sensors import aster_bands, unit_conversion
from gossan.demo.overpass import DESERT_AIR, GHOSTS, Overpass
from gossan.demo.write_aster import (
    simulate_scene,
    write_aster_hdf,
)
from gossan.errors import GossanWarning, ImageryError, MissingDependencyError
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer
from gossan.imagery.aster.reflectance import aster_stack, open_aster
from gossan.imagery.aster.scene import AsterScene
from gossan.imagery.aster.settings import AsterSettings, LeakSettings
from gossan.imagery.atmosphere.settings import AtmosphereSettings
from gossan.imagery.atmosphere.sixs import _program
from gossan.imagery.calibration import reflectance_per_radiance
from gossan.imagery.scenes import open_scenes
from gossan.imagery.settings import ImagerySettings

from ...presence import missing
from .granules import write_aster_geotiffs, write_surface_reflectance

BANDS = tuple(f"b{i}" for i in range(1, 10))
GRID = Grid.from_bounds(32638, (500_000, 2_400_000, 500_000 + 15 * 240, 2_400_000 + 15 * 200), 15)
BLOCKS = Blocks(size=64, workers=2)
SIX_S = AtmosphereSettings(
    method="6s", aerosol="desert", aot550=0.15, water_g_cm2=1.0, altitude_m=800
)
RELATIVE = ("iarr", "log_residual", "flat_field")


@pytest.fixture(scope="module")
def surface(reference: Path) -> ArrayLayer:
    """Smooth mixtures of the USGS minerals that have a visible spectrum, and a lake."""
    text = (reference / "mineral_band_reflectance.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines()[1:])
    columns = [f"aster_{b if b != 'b3' else 'b3N'}" for b in BANDS]
    minerals = np.array([[float(row[c]) for c in columns] for row in rows])
    minerals = minerals[np.isfinite(minerals).all(axis=1)]
    assert len(minerals) >= 6
    rng = np.random.default_rng(4)
    fields = np.stack([gaussian_filter(rng.normal(size=GRID.shape), 9) for _ in minerals])
    shares = np.exp(fields / fields.std() * 1.5)
    shares /= shares.sum(axis=0)
    values = 0.7 * np.einsum("mb,mhw->bhw", minerals, shares)
    values[:, 150:190, 20:60] = 0.01
    values[:, :6] = np.nan
    return ArrayLayer(GRID, BANDS, values.astype(np.float32))


@pytest.fixture(scope="module")
def hdf(surface: ArrayLayer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_aster_hdf(tmp_path_factory.mktemp("chain"), simulate_scene(surface, Overpass()))


def half_steps() -> NDArray[np.float64]:
    """Half a digital number, as reflectance at the top of the atmosphere."""
    o = Overpass()
    return np.array(
        [
            0.5
            * unit_conversion(b.name, o.gains[b.name]).per_dn
            * reflectance_per_radiance(b.solar_irradiance or 1, o.sun_elevation, o.time.date())
            for b in aster_bands()
            if b.name in BANDS
        ]
    )


def truth_at_15_m(surface: ArrayLayer) -> NDArray[np.float32]:
    """The surface as a perfect chain gives it: short-wave bands through 30 m pixels."""
    scene = simulate_scene(surface, replace(Overpass(), air=None))
    perfect = np.empty((9, *GRID.shape), np.float32)
    perfect[:3] = surface.array[:3]
    from gossan.geo.layer import SelectedLayer
    from gossan.geo.warp import to_grid

    short = to_grid(to_grid(SelectedLayer(surface, BANDS[3:]), scene.grids["SWIR"]), GRID)
    perfect[3:] = short.read(GRID.whole)
    return perfect


def errors(found: NDArray[np.floating], truth: NDArray[np.floating], relative: bool) -> NDArray:
    """Root mean square error per band; relative words are scaled to the truth's mean first."""
    both = np.isfinite(found).all(axis=0) & np.isfinite(truth).all(axis=0)
    f, t = found[:, both].astype(float), truth[:, both].astype(float)
    if relative:
        f = f * (t.mean(axis=1) / f.mean(axis=1))[:, None]
    return np.sqrt(((f - t) ** 2).mean(axis=1))


@pytest.fixture(scope="module")
def six_s() -> None:
    """6S is installed."""
    try:
        _program()
    except MissingDependencyError as error:
        missing(str(error))


@pytest.mark.usefixtures("six_s")
def test_6s_with_the_true_air_returns_the_surface_to_half_a_digital_number(
    hdf: Path, surface: ArrayLayer
) -> None:
    stack = aster_stack(open_aster(hdf), AsterSettings(atmosphere=SIX_S), BLOCKS)
    assert stack.bands == BANDS
    assert stack.grid.aligned_with(GRID)
    found = stack.read(GRID.whole)
    allowed = half_steps() * np.array(DESERT_AIR.a) * 1.1 + 2e-4
    for index in range(3):
        assert np.nanmax(np.abs(found[index] - surface.array[index])) < allowed[index]
    rms = errors(found, truth_at_15_m(surface), relative=False)
    assert (rms < allowed).all(), rms


@pytest.mark.parametrize(
    ("word", "visible", "short_wave"),
    [("none", 0.025, 0.1), ("dos", 0.05, 0.1), ("cost", 0.015, 0.1)],
)
def test_image_words_stay_within_their_stated_error(
    word: str, visible: float, short_wave: float, hdf: Path, surface: ArrayLayer
) -> None:
    settings = AsterSettings(atmosphere=AtmosphereSettings(method=word))  # type: ignore[arg-type]
    found = aster_stack(open_aster(hdf), settings, BLOCKS).read(GRID.whole)
    rms = errors(found, truth_at_15_m(surface), relative=False)
    assert (rms[:3] < visible).all() and (rms[3:] < short_wave).all(), rms


@pytest.mark.parametrize("word", RELATIVE)
def test_relative_words_get_the_shape_of_every_band_right(
    word: str, hdf: Path, surface: ArrayLayer
) -> None:
    left, _, _, top = GRID.bounds
    area = (left + 15 * 100, top - 15 * 60, left + 15 * 140, top - 15 * 20)
    atmosphere = AtmosphereSettings(method=word, flat_field=area)  # type: ignore[arg-type]
    found = aster_stack(open_aster(hdf), AsterSettings(atmosphere=atmosphere), BLOCKS)
    values, truth = found.read(GRID.whole), truth_at_15_m(surface)
    if word == "log_residual":
        values, truth = values[:, :140], truth[:, :140]
        truth = truth / np.exp(np.log(truth).mean(axis=0))
    inside = [
        np.corrcoef(v[np.isfinite(v) & np.isfinite(t)], t[np.isfinite(v) & np.isfinite(t)])[0, 1]
        for v, t in zip(values, truth)
    ]
    # log residuals keep the additive haze, which shows in the blue-most bands
    assert min(inside[:3]) > (0.93 if word == "log_residual" else 0.99), inside
    assert min(inside[3:]) > 0.99, inside


def test_two_field_targets_undo_the_air(hdf: Path, surface: ArrayLayer, tmp_path: Path) -> None:
    easting, northing = GRID.coordinates()
    truth = truth_at_15_m(surface)
    path = tmp_path / "targets.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["easting", "northing", *BANDS])
        for row, col in [(170, 40), *((r, c) for r in range(20, 140, 12) for c in (90, 150, 210))]:
            writer.writerow([easting[col], northing[row], *truth[:, row, col]])
    atmosphere = AtmosphereSettings(method="empirical_line", targets=path)
    found = aster_stack(open_aster(hdf), AsterSettings(atmosphere=atmosphere), BLOCKS)
    rms = errors(found.read(GRID.whole), truth, relative=False)
    assert (rms < 0.006).all(), rms


def test_crosstalk_with_the_true_leaks_is_undone(surface: ArrayLayer, tmp_path: Path) -> None:
    clean = simulate_scene(surface, replace(Overpass(), air=None))
    dirty = simulate_scene(surface, replace(Overpass(), air=None, leaks=GHOSTS))
    path = write_aster_hdf(tmp_path, dirty)
    leaks = tuple(
        LeakSettings(band=k.band, share=k.share, shift_m=k.shift_m, sigma_m=k.sigma_m)
        for k in GHOSTS
    )
    settings = AsterSettings(crosstalk="supplied", leaks=leaks, track_azimuth=190.0)
    with pytest.warns(GossanWarning, match="the L1T guide lists a crosstalk correction"):
        stack = aster_stack(open_aster(path), settings, BLOCKS)
    truth = truth_at_15_m(surface)
    after = errors(stack.read(GRID.whole), truth, relative=False)
    before = errors(aster_stack(open_aster(path), None, BLOCKS).read(GRID.whole), truth, False)
    assert dirty.numbers["b5"].astype(int).sum() > clean.numbers["b5"].astype(int).sum()
    for index in (4, 8):  # bands 5 and 9
        assert after[index] < 0.25 * before[index]
    assert (after[3:] < 1.2 * half_steps()[3:] + 2e-4).all(), after


def test_hdf_and_geotiff_give_the_same_stack(
    hdf: Path, surface: ArrayLayer, tmp_path: Path
) -> None:
    folder = write_aster_geotiffs(tmp_path, simulate_scene(surface, Overpass()))
    one = aster_stack(open_aster(hdf), None, BLOCKS).read(GRID.whole)
    other = aster_stack(open_aster(folder), None, BLOCKS).read(GRID.whole)
    assert np.array_equal(one, other, equal_nan=True)


def test_any_gain_gives_the_same_reflectance(surface: ArrayLayer, tmp_path: Path) -> None:
    low = {b: "LO1" for b in BANDS}
    scene = simulate_scene(surface, replace(Overpass(), gains=low))
    found = aster_stack(open_aster(write_aster_hdf(tmp_path, scene)), None, BLOCKS)
    normal = simulate_scene(surface, Overpass())
    other = aster_stack(open_aster(write_aster_geotiffs(tmp_path, normal)), None, BLOCKS)
    difference = np.abs(found.read(GRID.whole) - other.read(GRID.whole))
    assert (np.nanmean(difference, axis=(1, 2)) < 2 * half_steps()).all()


def test_any_block_size_gives_the_same_stack(hdf: Path) -> None:
    stack = aster_stack(open_aster(hdf), AsterSettings(thermal="bring"), BLOCKS)
    whole = stack.read(GRID.whole)
    for size in (37, 100):
        for window, part in Blocks(size=size, workers=2).map(stack.read, GRID):
            assert np.allclose(part, whole[(slice(None), *window.slices)], 0, 1e-6, True)


def test_thermal_bands_come_along_as_temperature(surface: ArrayLayer, tmp_path: Path) -> None:
    kelvin = np.broadcast_to(np.linspace(288, 318, GRID.width), (1, *GRID.shape))
    scene = simulate_scene(surface, Overpass(), ArrayLayer(GRID, ("t",), kelvin))
    opened = open_aster(write_aster_hdf(tmp_path, scene))
    stack = aster_stack(opened, AsterSettings(thermal="temperature"), BLOCKS)
    assert stack.bands[9:] == ("b10", "b11", "b12", "b13", "b14")
    found = stack.read(GRID.whole)[9:, 20:-20, 20:-20]
    assert np.abs(found - kelvin[:, 20:-20, 20:-20]).max() < 0.15
    assert aster_stack(opened, AsterSettings(thermal="bring"), BLOCKS).bands == stack.bands


def late(scene: AsterScene) -> AsterScene:
    return replace(scene, metadata=replace(scene.metadata, time=datetime(2011, 5, 1, tzinfo=UTC)))


def test_short_wave_bands_after_april_2008_are_refused_unless_allowed(hdf: Path) -> None:
    scene = late(open_aster(hdf))
    with pytest.raises(ImageryError, match=r"before 2008-04-23 .* got 2011-05-01"):
        aster_stack(scene, None, BLOCKS)
    left = aster_stack(scene, AsterSettings(swir_after_2008="leave_out"), BLOCKS)
    assert left.bands == ("b1", "b2", "b3")
    assert aster_stack(scene, AsterSettings(swir_after_2008="accept"), BLOCKS).bands == BANDS


def test_saturated_short_wave_bands_are_refused_whatever_the_date(
    surface: ArrayLayer, tmp_path: Path
) -> None:
    scene = simulate_scene(surface, Overpass())
    numbers = {k: v.copy() for k, v in scene.numbers.items()}
    for name in BANDS[4:]:
        numbers[name][:30] = 255
    path = write_aster_hdf(tmp_path, replace(scene, numbers=numbers))
    with pytest.raises(ImageryError, match=r"not saturated; got \d+% saturated pixels"):
        aster_stack(open_aster(path), None, BLOCKS)


def test_level_2_takes_no_second_correction(surface: ArrayLayer, tmp_path: Path) -> None:
    opened = open_aster(write_surface_reflectance(tmp_path, surface, Overpass()))
    found = aster_stack(opened, None, BLOCKS).read(GRID.whole)
    rms = errors(found, truth_at_15_m(surface), relative=False)
    assert (rms < 0.0005).all()
    with pytest.raises(ImageryError, match="crosstalk must be 'none' for AST_07XT"):
        aster_stack(opened, AsterSettings(crosstalk="fitted"), BLOCKS)
    with pytest.raises(ImageryError, match="atmosphere must be 'none' for AST_07XT"):
        aster_stack(opened, AsterSettings(atmosphere=AtmosphereSettings(method="dos")), BLOCKS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"crosstalk": "supplied", "track_azimuth": 190.0}, "accompanied by leaks; got none"),
        ({"crosstalk": "fitted"}, "the direction of flight must be"),
    ],
)
def test_crosstalk_without_its_parameters_is_refused(
    options: dict[str, object], message: str, hdf: Path
) -> None:
    scene = open_aster(hdf)
    scene = replace(scene, metadata=replace(scene.metadata, track_azimuth=None))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GossanWarning)
        with pytest.raises(ImageryError, match=message):
            aster_stack(scene, AsterSettings(**options), BLOCKS)  # type: ignore[arg-type]


def test_a_scene_of_thermal_bands_alone_serves_the_silica_indices(
    surface: ArrayLayer, tmp_path: Path
) -> None:
    kelvin = np.broadcast_to(np.linspace(288, 318, GRID.width), (1, *GRID.shape))
    scene = simulate_scene(surface, Overpass(), ArrayLayer(GRID, ("t",), kelvin))
    opened = open_aster(write_aster_hdf(tmp_path, scene))
    night = replace(opened, telescopes={"TIR": opened.telescopes["TIR"]})
    stack = aster_stack(night, None, BLOCKS)
    assert stack.bands == ("b10", "b11", "b12", "b13", "b14")
    assert stack.grid.pixel_width == 90
    with pytest.raises(ImageryError, match="daytime"):
        aster_stack(night, AsterSettings(thermal="leave"), BLOCKS)


def test_thermal_bands_alone_take_no_correction_of_sunlight_and_no_note_on_it(
    surface: ArrayLayer, tmp_path: Path
) -> None:
    kelvin = np.broadcast_to(np.linspace(288, 318, GRID.width), (1, *GRID.shape))
    scene = simulate_scene(surface, Overpass(), ArrayLayer(GRID, ("t",), kelvin))
    granule = write_aster_geotiffs(tmp_path, scene)
    for path in granule.glob("*_[VS]*IR_B*.tif"):
        path.unlink()
    words = {"name": "night", "sensor": "aster", "paths": (granule,)}
    notes = open_scenes(ImagerySettings(**words), tmp_path, tmp_path).notes
    assert "thermal bands b10 to b14 (radiance) have pixels of 90 m" in notes
    assert not [note for note in notes if "atmospher" in note]
    for word in ("6s", "dos"):
        with pytest.raises(ImageryError, match='"none" for thermal bands alone'):
            open_scenes(ImagerySettings(**words, atmosphere=word), tmp_path, tmp_path)


def stated_errors(hdf: Path, surface: ArrayLayer, words: Sequence[AtmosphereSettings]) -> str:
    """Table for the documentation: root mean square error per band and word."""
    truth = truth_at_15_m(surface)
    lines = []
    for word in words:
        stack = aster_stack(open_aster(hdf), AsterSettings(atmosphere=word), BLOCKS)
        rms = errors(stack.read(GRID.whole), truth, word.method in RELATIVE)
        lines.append(f"{word.method:15s}" + " ".join(f"{v:.4f}" for v in rms))
    return "\n".join(lines)
