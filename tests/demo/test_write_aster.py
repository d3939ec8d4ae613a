"""The simulated district as raw ASTER files, and what the chain makes of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gossan.arrays.expressions import Expression
from gossan.demo.district import simulate_district
from gossan.demo.overpass import DESERT_AIR, Overpass
from gossan.demo.write_aster import simulate_scene, telescope_grid, write_aster_hdf
from gossan.geo.blocks import Blocks
from gossan.geo.layer import ArrayLayer
from gossan.imagery.aster.reflectance import AsterSettings, aster_stack, open_aster

BANDS = tuple(f"b{i}" for i in range(1, 10))


@pytest.fixture(scope="module")
def ground() -> ArrayLayer:
    district = simulate_district(seed=3, shape=(90, 124), pixel_m=15.0, sensors=("aster",))
    return ArrayLayer(district.grid, BANDS, district.reflectance["aster"])


@pytest.mark.parametrize("word", ["none", "iarr"])
def test_alteration_ratios_of_the_district_survive_files_air_and_gains(
    word: str, ground: ArrayLayer, tmp_path: Path
) -> None:
    path = write_aster_hdf(tmp_path, simulate_scene(ground, Overpass()))
    settings = AsterSettings.model_validate({"atmosphere": {"method": word}})
    stack = aster_stack(open_aster(path), settings, Blocks(64, 2))
    inner = (slice(None), slice(4, -4), slice(4, -4))
    found = stack.read(ground.grid.whole)[inner]
    truth = aster_stack(
        open_aster(write_aster_hdf(tmp_path / "clear", simulate_scene(ground, clear()))), None
    ).read(ground.grid.whole)[inner]
    for formula in ("(b4 + b6) / b5", "(b5 + b7) / b6", "b4 / b2", "b2 / b1"):
        ratio = Expression(formula)
        ours, theirs = (ratio(dict(zip(BANDS, v))) for v in (found, truth))
        good = np.isfinite(ours) & np.isfinite(theirs)
        least = 0.9 if formula == "b2 / b1" else 0.97  # haze is added most to band 1
        assert np.corrcoef(ours[good], theirs[good])[0, 1] > least, formula


def clear() -> Overpass:
    return replace(Overpass(), air=None)


def test_the_air_of_the_demo_is_that_of_6s_and_dims_band_9() -> None:
    assert DESERT_AIR.bands == BANDS
    assert DESERT_AIR.a[8] == max(DESERT_AIR.a)
    assert DESERT_AIR.b[0] == max(DESERT_AIR.b)


def test_a_30_metre_district_is_seen_at_15_and_30_metres(tmp_path: Path) -> None:
    district = simulate_district(seed=3, shape=(50, 41), pixel_m=30.0, sensors=("aster",))
    scene = simulate_scene(ArrayLayer(district.grid, BANDS, district.reflectance["aster"]))
    assert scene.numbers["b1"].shape == (100, 82)
    assert scene.numbers["b5"].shape == (50, 41)
    assert telescope_grid(district.grid, 15).pixel_width == 15


def test_the_same_district_gives_the_same_file(ground: ArrayLayer, tmp_path: Path) -> None:
    scene = simulate_scene(ground)
    first, second = (write_aster_hdf(tmp_path / n, scene) for n in ("a", "b"))
    one, other = open_aster(first), open_aster(second)
    for group, layer in one.telescopes.items():
        whole = layer.grid.whole
        again = other.telescopes[group]
        assert np.array_equal(layer.read(whole), again.read(whole), equal_nan=True)


def test_nothing_half_written_stays_behind(ground: ArrayLayer, tmp_path: Path) -> None:
    scene = simulate_scene(ground)
    broken = replace(scene, numbers={**scene.numbers, "b9": np.zeros(3, np.uint8)})
    with pytest.raises(Exception):  # noqa: B017 - whatever the library says
        write_aster_hdf(tmp_path, broken)
    assert not list(tmp_path.iterdir())
