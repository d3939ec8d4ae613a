"""One table look-up gives what the chain of steps gives, number by number."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from gossan.demo.overpass import DESERT_AIR, Overpass
from gossan.demo.write_aster import simulate_scene, write_aster_hdf
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import ArrayLayer
from gossan.imagery.aster.scene import AsterScene, open_aster
from gossan.imagery.atmosphere.coefficients import AtmosphereCorrection, SurfaceReflectance
from gossan.imagery.tabulated import Tabulated, tabulate

from .aster.granules import write_aster_geotiffs

VISIBLE = ("b1", "b2", "b3")


@pytest.fixture(scope="module", params=["hdf", "tif"])
def scene(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsterScene:
    grid = Grid.from_bounds(32638, (500_000, 2_400_000, 500_000 + 15 * 91, 2_400_000 + 15 * 70), 15)
    rng = np.random.default_rng(8)
    values = rng.uniform(0, 1.2, (3, *grid.shape)).astype(np.float32)
    values[:, :4] = np.nan
    kelvin = ArrayLayer(grid, ("t",), rng.uniform(270, 330, (1, *grid.shape)))
    seen = simulate_scene(ArrayLayer(grid, VISIBLE, values), Overpass(), kelvin)
    folder: Path = tmp_path_factory.mktemp("tabulated")
    write = write_aster_hdf if request.param == "hdf" else write_aster_geotiffs
    return open_aster(write(folder, seen))


def air() -> AtmosphereCorrection:
    return AtmosphereCorrection(VISIBLE, DESERT_AIR.a[:3], DESERT_AIR.b[:3], DESERT_AIR.c[:3])


def test_reflectance_by_table_is_bitwise_that_of_the_steps(scene: AsterScene) -> None:
    steps = SurfaceReflectance(scene.reflectance("VNIR"), air())
    table = tabulate(steps)
    assert isinstance(table, Tabulated)
    for window in (steps.grid.whole, Window(3, 5, 20, 31)):
        assert np.array_equal(table.read(window), steps.read(window), equal_nan=True)


def test_temperature_by_table_is_bitwise_that_of_the_steps(scene: AsterScene) -> None:
    steps = scene.temperature()
    table = tabulate(steps)
    assert isinstance(table, Tabulated)
    whole = steps.grid.whole
    assert np.array_equal(table.read(whole), steps.read(whole), equal_nan=True)


def test_a_table_takes_further_steps_on(scene: AsterScene) -> None:
    steps = SurfaceReflectance(scene.reflectance("VNIR"), air())
    twice = tabulate(SurfaceReflectance(tabulate(scene.reflectance("VNIR")), air()))
    assert isinstance(twice, Tabulated) and not isinstance(twice.source, Tabulated)
    whole = steps.grid.whole
    assert np.array_equal(twice.read(whole), steps.read(whole), equal_nan=True)


def test_saturated_pixels_are_empty_and_it_pickles(scene: AsterScene) -> None:
    table = tabulate(scene.reflectance("VNIR"))
    whole = table.grid.whole
    full = scene.saturation("VNIR").read(whole) == 1
    assert full.any()
    assert np.isnan(table.read(whole)[full]).all()
    again = pickle.loads(pickle.dumps(table))
    assert np.array_equal(again.read(whole), table.read(whole), equal_nan=True)


def test_what_is_no_chain_on_numbers_stays_as_it_is(scene: AsterScene) -> None:
    numbers = scene.numbers("VNIR")
    assert tabulate(numbers) is numbers
    grid = numbers.grid
    plain = ArrayLayer(grid, VISIBLE, np.ones((3, *grid.shape), np.float32))
    steps = SurfaceReflectance(plain, air())
    assert tabulate(steps) is steps
