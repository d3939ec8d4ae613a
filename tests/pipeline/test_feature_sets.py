"""Features by name, from the imagery on the grid of the maps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gossan.errors import SettingsError
from gossan.geo.blocks import Blocks
from gossan.geo.raster import open_raster
from gossan.pipeline.feature_sets import FeatureSets, component_number, split_name
from gossan.pipeline.inputs import open_inputs
from gossan.pipeline.options.project import load_project


@pytest.fixture
def features(small: Path, tmp_path: Path) -> FeatureSets:
    return open_inputs(load_project(small), tmp_path / "store", Blocks()).features


def test_a_band_is_the_raster_on_the_grid_of_the_maps(features: FeatureSets, small: Path) -> None:
    layer = features.layer("indices.clay")
    raster = open_raster(small.with_name("clay.tif"))
    inside = raster.read(raster.grid.covering(layer.grid.bounds))
    np.testing.assert_array_equal(layer.read(layer.grid.whole), inside)


def test_components_are_those_of_the_correlation_matrix(features: FeatureSets) -> None:
    bands = features.layer("indices.all")
    values = bands.read(bands.grid.whole).reshape(2, -1).astype(float)
    z = (values - values.mean(axis=1, keepdims=True)) / values.std(axis=1, keepdims=True)
    vectors = np.linalg.eigh(np.corrcoef(values))[1]
    second = features.layer("indices.pc2").read(bands.grid.whole).ravel()
    assert abs(np.corrcoef(second, vectors[:, 0] @ z)[0, 1]) == pytest.approx(1, abs=1e-4)
    table = features.component_tables()
    assert set(table["source"]) == {"indices"} and set(table["component"]) == {"pc1", "pc2"}


def test_small_imagery_is_computed_once_and_reads_the_same(
    features: FeatureSets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = tmp_path / "store" / "features"
    assert not list(stored.glob("*_bands_*.tif"))  # not before somebody asks for it
    small = features.layer(features.everything().partition(" + ")[0])
    assert len(list(stored.glob("*_bands_*.tif"))) == 1
    monkeypatch.setattr("gossan.pipeline.feature_sets.KEPT_VALUES", 0)
    large = replace(features, _at_hand={}).layer("indices.all")
    assert len(list(stored.glob("*_bands_*.tif"))) == 1
    np.testing.assert_array_equal(small.read(small.grid.whole), large.read(small.grid.whole))


def test_the_same_name_gives_the_same_features(features: FeatureSets) -> None:
    assert features.get("indices.clay") is features.get("indices.clay")
    both = features.get("indices.clay + indices.pc1")
    assert both.names == ("indices.clay", "indices.pc1")
    assert features.get("").names == ()
    assert features.everything() == "indices.all + indices.pc1 + indices.pc2"


def test_the_widest_features_are_those_of_most_bands_not_of_the_longest_name(
    features: FeatureSets,
) -> None:
    assert features.widest(["", "indices.pc2", "indices.all"]) == "indices.all"
    assert features.widest(["covariates", ""]) == ""


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("aster.pc2", "features must be of indices; got 'aster'"),
        ("indices.pc7", "pc1 to pc2"),
        ("indices.gold", "one of clay, iron"),
        ("clay", "<imagery>.<what>"),
        ("indices.indices.clay", "aster or sentinel2 for indices"),
    ],
)
def test_features_that_are_not_there_are_refused_by_name(
    features: FeatureSets, name: str, printed: str
) -> None:
    with pytest.raises(SettingsError, match=printed):
        features.layer(name)


def test_names_are_split_into_imagery_kind_and_what() -> None:
    assert split_name("aster.crosta.alunite") == ("aster", "crosta", "alunite")
    assert component_number("pc12") == 12 and component_number("pcx") is None
