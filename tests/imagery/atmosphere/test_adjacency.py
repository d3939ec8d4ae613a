"""Light from the surroundings: identities, and a disc of dark ground that 6S itself simulates."""

from __future__ import annotations

import math
import re
import subprocess

import numpy as np
import pytest

from gossan.catalogue.sensors import sentinel2_band
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer
from gossan.imagery.atmosphere import sixs
from gossan.imagery.atmosphere.adjacency import AEROSOL, MOLECULES, weights_of, without_adjacency
from gossan.imagery.atmosphere.coefficients import coefficients
from gossan.imagery.atmosphere.sixs import SixsConditions, SixsResult, run_sixs

GRID = Grid.from_bounds(32645, (500_000, 4_000_000, 512_000, 4_012_000), 50)
HAZE = SixsConditions(35.0, 140.0, 0.0, 0.0, 8, 19, "continental", 0.4, 1.0, 0.3, 0.0)
AIR = SixsResult(1.2, 0.05, 0.17, 1900.0, 0.2, 100.0, 0.65, 0.22, 0.4)


def test_uniform_ground_stays_as_it_is_up_to_its_edges_and_holes() -> None:
    values = np.full((1, *GRID.shape), 0.3, np.float32)
    values[0, 30:60, 100:] = np.nan
    found = without_adjacency(ArrayLayer(GRID, ("b1",), values), [AIR]).read(GRID.whole)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(values))
    assert np.nanmax(np.abs(found - 0.3)) < 1e-6


def test_a_dark_disc_that_6s_simulates_in_bright_ground_gets_its_reflectance_back() -> None:
    """6S (card of non-uniform ground): 0.08 within 600 m, 0.40 around, at the centre of the disc.

    Uniform correction takes the disc for 30 % brighter than it is.
    """
    (air,) = run_sixs([sentinel2_band("b03")], HAZE)
    dark, bright, radius = 0.08, 0.40, 600.0
    inside = apparent(dark, bright, radius / 1000)
    outside = apparent(bright, bright, radius / 1000)
    easting, northing = GRID.coordinates()
    away = np.hypot(easting[None, :] - 506_025, northing[:, None] - 4_006_025)
    seen = np.where(away <= radius, inside, outside)[None]
    uniform = coefficients([sentinel2_band("b03")], [air]).surface(seen).astype(np.float32)
    found = without_adjacency(ArrayLayer(GRID, ("b03",), uniform), [air]).read(GRID.whole)
    row, column = np.unravel_index(np.argmin(away), away.shape)
    assert uniform[0, row, column] > 1.25 * dark
    assert found[0, row, column] == pytest.approx(dark, abs=0.006)
    assert found[0, 5, 5] == pytest.approx(bright, abs=0.002)


def apparent(target: float, around: float, radius_km: float) -> float:
    """Run 6S for a disc in other ground; returns reflectance at the top of the atmosphere."""
    card = sixs._card(sentinel2_band("b03"), HAZE, target)
    head, _, tail = card.partition("\n0\n0\n0\n")
    ground = f"1\n0 0 {radius_km}\n{target}\n{around}\n0\n{tail.splitlines()[-1]}\n"
    done = subprocess.run(
        [str(sixs._program())],
        input=f"{head}\n{ground}",
        capture_output=True,
        text=True,
        check=True,
    )
    match = re.search(r"apparent reflectance\s+([\d.]+)", done.stdout)
    assert match, done.stdout[-500:]
    return float(match[1])


@pytest.mark.parametrize("function", [MOLECULES, AEROSOL])
def test_weights_add_up_to_the_environment_function_of_6s(
    function: tuple[tuple[float, float], ...],
) -> None:
    """Light from within r km, as a share of that from within 15 km."""
    cells = Grid.from_bounds(32645, (0, 0, 3000, 3000), 150)
    weights = weights_of(function, cells)
    half = weights.shape[0] // 2
    steps = np.arange(-half, half + 1) * 0.15
    away = np.hypot(steps[None, :], steps[:, None])

    def share(r: float) -> float:
        return 1 - sum(weight * math.exp(-rate * r) for weight, rate in function)

    for r in (0.5, 1.0, 3.0, 8.0):
        assert weights[away <= r].sum() == pytest.approx(share(r) / share(15.0), abs=0.03)


def test_any_block_size_gives_the_same() -> None:
    rng = np.random.default_rng(4)
    layer = ArrayLayer(GRID, ("b1",), rng.uniform(0.1, 0.5, (1, *GRID.shape)).astype(np.float32))
    found = [without_adjacency(layer, [AIR], Blocks(size, 1)) for size in (64, 512)]
    one, other = (each.read(GRID.whole) for each in found)
    np.testing.assert_allclose(one, other, atol=1e-6)
    assert one.std() > layer.array.std()  # contrast returns
