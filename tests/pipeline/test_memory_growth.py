"""What the passes of a run hold does not grow with the rows of the scene."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gossan.evaluate.agreement import agreement
from gossan.evaluate.applicability import ApplicabilityLayer, fit_applicability
from gossan.evaluate.image_table import image_table
from gossan.fusion.features.sources import LayerFeatures
from gossan.fusion.kriging_model import KrigingModel, KrigingSettings
from gossan.fusion.protocol import Features, FusionModel, Observations, Points
from gossan.fusion.pyramid import decompose, lowpass
from gossan.fusion.pyramid.model import PyramidModel, PyramidSettings
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.histogram import map_distribution
from gossan.geo.layer import Layer
from gossan.geo.raster import RasterWriter, close_files, open_raster
from gossan.geo.tiles import TiledMap, write_tiles
from gossan.targets import patches
from gossan.targets.patches import patches_at

WIDTH, SHORT, TALL = 256, 512, 2048
ENGINE = Blocks(size=64, workers=1)
BANDS = ("b1", "b2", "b3")


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Layer]:
    """Two scenes in files, one four times as tall."""
    folder, found = tmp_path_factory.mktemp("scenes"), {}
    for rows in (SHORT, TALL):
        grid = Grid.from_bounds(32638, (0, 0, 20 * WIDTH, 20 * rows), 20)
        writer = RasterWriter(folder / f"{rows}.tif", grid, BANDS)
        for window in ENGINE.windows(grid):
            rng = np.random.default_rng(window.row * WIDTH + window.col)
            easting, northing = np.meshgrid(*grid.coordinates(window))
            waves = [np.sin(easting / 300 + k) + np.cos(northing / 300) for k in range(3)]
            writer.write(window, np.float32(waves) + rng.random((3, *window.shape), np.float32))
        writer.close()
        found[rows] = open_raster(folder / f"{rows}.tif")
    return found


def samples(layer: Layer) -> tuple[Observations, Features]:
    """60 samples on the ground that both scenes have."""
    features = LayerFeatures(layer, ENGINE)
    top = layer.grid.bounds[3]
    places = np.random.default_rng(1).uniform((0, top - 20 * SHORT), (20 * WIDTH, top), (60, 2))
    values = features.at(Points(places))[:, 0] + places[:, 0] / 3000
    return Observations(Points(places), values), features


def mapped(model: FusionModel) -> Callable[[Layer, Path], object]:
    def write(layer: Layer, folder: Path) -> object:
        observations, features = samples(layer)
        fitted = model.fit(observations, features).layer(features)
        return ENGINE.write(fitted, folder / "map.tif")

    return write


def tiled(layer: Layer, folder: Path) -> object:
    one = TiledMap(folder / "map.vrt", layer.bands, "a")
    return write_tiles(layer, [one], 128, ENGINE, lambda path: str(path.stat().st_size))


def applicable(layer: Layer, folder: Path) -> object:
    observations, features = samples(layer)
    found = fit_applicability(observations, features, np.arange(60) % 3)
    return ENGINE.write(ApplicabilityLayer(layer, found), folder / "applicability.tif")


PASSES: dict[str, Callable[[Layer, Path], object]] = {
    "kriging": mapped(KrigingModel(KrigingSettings(lattice_m=1000))),
    "pyramid": mapped(PyramidModel(PyramidSettings(clusters=3, levels=2, lattice_m=1000))),
    "tiles": tiled,
    "applicability": applicable,
    "image quality": lambda layer, folder: image_table({"a": layer}, ENGINE),
    "agreement": lambda layer, folder: agreement(layer, layer, ENGINE, most_pixels=50_000),
    "thresholds": lambda layer, folder: map_distribution(layer, bins=64, tiles=4, blocks=ENGINE),
    "anomalies": lambda layer, folder: next(
        patches_at(layer, [2.95], overlays=layer, minimum_pixels=2000, strip_rows=64)
    ),
}


@pytest.mark.parametrize("name", PASSES)
def test_four_times_the_rows_take_no_more_memory(
    name: str, scenes: dict[int, Layer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lowpass, "HELD_BYTES", 0)  # coarse levels are held up to so much
    monkeypatch.setattr(decompose, "SAMPLE", 5000)
    monkeypatch.setattr(patches, "WINDOW", ENGINE.size)
    work = PASSES[name]
    work(scenes[SHORT], tmp_path)  # compiles, imports and fills caches
    peaks = {}
    for rows in (SHORT, TALL):
        tracemalloc.start()
        work(scenes[rows], tmp_path)
        peaks[rows] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        close_files()
    one_band_more = 4 * WIDTH * (TALL - SHORT)
    assert peaks[TALL] < peaks[SHORT] + one_band_more / 2, (name, peaks)
