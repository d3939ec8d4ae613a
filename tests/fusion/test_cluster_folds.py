"""Folds that are fitted on a cluster read no imagery there: what is known of it travels."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gossan.fusion.cross_validation import cross_predict
from gossan.fusion.features.sources import LayerFeatures
from gossan.fusion.protocol import Observations, Points
from gossan.fusion.registry import factory_of
from gossan.geo.blocks import Blocks
from gossan.geo.cluster import cluster_at
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import ArrayLayer

GRID = Grid.from_bounds(32638, (0, 0, 12_000, 9_000), 100)


@dataclass(frozen=True)
class Watched:
    """A layer that notes the process of every reading in a folder."""

    source: ArrayLayer
    folder: Path

    @property
    def grid(self) -> Grid:
        return self.source.grid

    @property
    def bands(self) -> tuple[str, ...]:
        return self.source.bands

    def read(self, window: Window) -> NDArray[np.float32]:
        (self.folder / str(os.getpid())).touch()
        return self.source.read(window)


@pytest.mark.parametrize("word", ["pyramid", "geostatistical"])
def test_folds_on_workers_read_no_imagery_and_say_what_threads_say(
    word: str, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    image = ArrayLayer(GRID, ("a",), rng.normal(size=(1, *GRID.shape)).astype(np.float32))
    places = Points(rng.uniform(100, 8_900, (80, 2)), support_m=300.0)
    plain = LayerFeatures(image, Blocks(64, 1, None))
    trend = places.coordinates[:, 0] / 4_000
    observed = Observations(places, trend + plain.at(places)[:, 0] + rng.normal(size=80) / 10)
    folds = np.arange(80) % 4
    factory = factory_of(word)
    expected = cross_predict({word: factory}, observed, plain, folds)
    with cluster_at("local:2") as address:
        features = LayerFeatures(Watched(image, tmp_path), Blocks(64, None, address))
        factory().fit(observed, features)
        for one in tmp_path.iterdir():
            one.unlink()
        found = cross_predict({word: factory}, observed, features, folds, known=True)
    assert [one.name for one in tmp_path.iterdir()] == []
    np.testing.assert_allclose(found.estimate, expected.estimate, rtol=1e-12, atol=1e-12)
