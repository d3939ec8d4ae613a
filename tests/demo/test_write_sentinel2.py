from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gossan.demo.district import simulate_district
from gossan.demo.sensors import SENSORS
from gossan.demo.write_sentinel2 import SimulatedSentinel2, scene_of, write_sentinel2
from gossan.geo.layer import ArrayLayer
from gossan.geo.warp import to_grid
from gossan.imagery.indices import available_indices, index_layer
from gossan.imagery.scenes import open_scenes
from gossan.imagery.settings import ImagerySettings


@pytest.mark.parametrize("baseline", ["03.01", "05.11"])
def test_a_district_written_as_a_safe_folder_comes_back_as_the_ground_it_was(
    tmp_path: Path, baseline: str
) -> None:
    district = simulate_district(seed=5, shape=(62, 70), sensors=("sentinel2",), elements=("Cu",))
    names = tuple(band.name for band in SENSORS["sentinel2"])
    surface = ArrayLayer(district.grid, names, district.reflectance["sentinel2"])
    cover = np.where(district.masks["vegetation"], 4, np.where(district.masks["shadow"], 2, 5))
    classes = ArrayLayer(district.grid, ("scl",), cover[None].astype(float))
    scene = scene_of(surface, classes, SimulatedSentinel2({}, {}, baseline=baseline))
    safe = write_sentinel2(scene, tmp_path)
    words = ImagerySettings(name="s2", sensor="sentinel2", paths=(safe,))
    found = open_scenes(words, tmp_path, tmp_path / "store")
    assert found.bands.bands == names and found.bands.grid.shape == (186, 210)
    back = to_grid(found.bands, district.grid)
    values, truth = back.read(district.grid.whole), district.reflectance["sentinel2"]
    error = np.abs(values - truth)[:, 3:-3, 3:-3]
    assert np.median(error) < 0.004 and (error < 0.03).mean() > 0.98
    for ours, theirs in zip(values, truth):
        assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.9
    choice = available_indices("sentinel2", ["gossan", "laterite_alteration"], names)
    ratio = to_grid(index_layer(found.bands, choice), district.grid).read(district.grid.whole)
    wanted = index_layer(surface, choice).read(district.grid.whole)
    assert np.corrcoef(ratio[0].ravel(), wanted[0].ravel())[0, 1] > 0.9
