"""How near each word of ``atmosphere`` comes to the true reflectance of a simulated ASTER scene.

``python benchmarks/aster_atmosphere.py`` writes a scene (mixtures of USGS spectra, a lake, desert
haze of 0.15, water vapour 1.0 g/cm2, ground at 800 m, normal gains) as an L1T file, reads it with
each word, and prints the root mean square error of each band; words without a scale are scaled to
the mean of the truth first.
"""

from __future__ import annotations

import csv
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from gossan.demo.overpass import Overpass
from gossan.demo.write_aster import simulate_scene, write_aster_hdf
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer, SelectedLayer
from gossan.geo.warp import to_grid
from gossan.imagery.aster.reflectance import aster_stack, open_aster
from gossan.imagery.aster.settings import AsterSettings
from gossan.imagery.atmosphere.settings import AtmosphereSettings

BANDS = tuple(f"b{i}" for i in range(1, 10))
GRID = Grid.from_bounds(32638, (500_000, 2_400_000, 500_000 + 15 * 240, 2_400_000 + 15 * 200), 15)
SPECTRA = Path(__file__).resolve().parents[1] / "tests/reference/mineral_band_reflectance.csv"
KNOWN = {"aerosol": "desert", "aot550": 0.15, "water_g_cm2": 1.0, "altitude_m": 800}
FLAT = (*GRID.bounds[:1], GRID.bounds[3] - 900, GRID.bounds[0] + 600, GRID.bounds[3] - 300)
WAYS: dict[str, dict[str, object]] = {
    "none": {"method": "none"},
    "dos": {"method": "dos"},
    "cost": {"method": "cost"},
    "6s, air known": {"method": "6s", **KNOWN},
    "6s, water 2.0": {"method": "6s", **KNOWN, "water_g_cm2": 2.0},
    "6s, haze continental 0.30": {"method": "6s", **KNOWN, "aerosol": "continental", "aot550": 0.3},
    "iarr (scaled)": {"method": "iarr"},
    "flat_field (scaled)": {"method": "flat_field", "flat_field": FLAT},
}


def surface() -> ArrayLayer:
    """Smooth mixtures of the minerals that have a visible spectrum, and a lake."""
    rows = csv.DictReader(SPECTRA.read_text(encoding="utf-8").splitlines()[1:])
    columns = [f"aster_{band if band != 'b3' else 'b3N'}" for band in BANDS]
    minerals = np.array([[float(row[column]) for column in columns] for row in rows])
    minerals = minerals[np.isfinite(minerals).all(axis=1)]
    rng = np.random.default_rng(4)
    fields = np.stack([gaussian_filter(rng.normal(size=GRID.shape), 9) for _ in minerals])
    shares = np.exp(fields / fields.std() * 1.5)
    values = 0.7 * np.einsum("mb,mhw->bhw", minerals, shares / shares.sum(axis=0))
    values[:, 150:190, 20:60] = 0.01
    return ArrayLayer(GRID, BANDS, values.astype(np.float32))


def truth_of(ground: ArrayLayer) -> np.ndarray:
    """What a perfect chain gives: short-wave bands through pixels of 30 m."""
    short_grid = simulate_scene(ground, replace(Overpass(), air=None)).grids["SWIR"]
    short = to_grid(to_grid(SelectedLayer(ground, BANDS[3:]), short_grid), GRID)
    return np.concatenate([ground.array[:3], short.read(GRID.whole)]).astype(float)


def errors(found: np.ndarray, truth: np.ndarray, scaled: bool) -> np.ndarray:
    both = np.isfinite(found).all(axis=0) & np.isfinite(truth).all(axis=0)
    one, other = found[:, both].astype(float), truth[:, both]
    if scaled:
        one = one * (other.mean(axis=1) / one.mean(axis=1))[:, None]
    return np.sqrt(((one - other) ** 2).mean(axis=1))


def main() -> None:
    """Print a row for each word."""
    ground = surface()
    truth = truth_of(ground)
    print("word | " + " | ".join(BANDS))
    print("mean of the surface | " + " | ".join(f"{m:.3f}" for m in np.nanmean(truth, axis=(1, 2))))
    with tempfile.TemporaryDirectory() as folder:
        scene = write_aster_hdf(Path(folder), simulate_scene(ground, Overpass()))
        for word, options in WAYS.items():
            settings = AsterSettings(atmosphere=AtmosphereSettings.model_validate(options))
            stack = aster_stack(open_aster(scene), settings, Blocks(size=64, workers=2))
            rms = errors(stack.read(GRID.whole), truth, "scaled" in word)
            print(f"{word} | " + " | ".join(f"{e:.3f}" for e in rms), flush=True)


if __name__ == "__main__":
    main()
