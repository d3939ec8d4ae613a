"""Streamed image measures are held against the array ones; the Wald test against its parts."""

from __future__ import annotations

import numpy as np
import pytest

from gossan.arrays.image_quality import average_gradient, entropy
from gossan.errors import FitError
from gossan.evaluate.image_table import image_table
from gossan.evaluate.reduced_resolution import degrade, reduced_resolution
from gossan.fusion.features.sources import ColumnFeatures, LayerFeatures
from gossan.fusion.kriging_model import KrigingModel
from gossan.fusion.protocol import Observations
from gossan.fusion.registry import factory_of
from gossan.geo.blocks import Blocks
from gossan.geo.layer import ArrayLayer
from gossan.geochem.transforms import Identity

from ..fusion.simulated import simulate


@pytest.mark.parametrize("size", [16, 37, 512])
def test_streamed_measures_agree_with_the_whole_array(size: int) -> None:
    case = simulate(holes=True)
    image = case.features.layer.read(case.features.grid.whole)
    maps = {
        name: ArrayLayer(case.features.grid, ("standard_error", "estimate"), np.stack([a, a + 1]))
        for name, a in zip(("one", "two"), (image[0], 3 * image[2]))
    }
    table = image_table(maps, Blocks(size=size, workers=1)).set_index("product")
    every = np.stack([image[0] + 1, 3 * image[2] + 1])
    limits = (float(np.nanmin(every)), float(np.nanmax(every)))
    for name, values in zip(("one", "two"), every):
        assert table.loc[name, "pixels"] == np.isfinite(values).sum()
        assert table.loc[name, "entropy"] == pytest.approx(entropy(values, limits), abs=1e-3)
        assert table.loc[name, "average_gradient"] == pytest.approx(
            average_gradient(values), rel=1e-5
        )


def test_of_a_large_map_blocks_spread_over_it_are_described() -> None:
    case = simulate()
    whole, some = (
        image_table({"one": case.features.layer}, Blocks(size=16, workers=1), "a", most_pixels=most)
        for most in (None, case.features.grid.height * case.features.grid.width // 3)
    )
    assert 0.25 < some["pixels"][0] / whole["pixels"][0] < 0.4
    for column in ("entropy", "average_gradient"):
        assert some[column][0] == pytest.approx(whole[column][0], rel=0.1)


def test_empty_and_constant_maps_are_described_too() -> None:
    grid = simulate(n=20).features.grid
    empty = ArrayLayer(grid, ("estimate",), np.full((1, *grid.shape), np.nan))
    flat = ArrayLayer(grid, ("estimate",), np.full((1, *grid.shape), 2.0))
    table = image_table({"empty": empty, "flat": flat}).set_index("product")
    assert table.loc["empty", "pixels"] == 0 and np.isnan(table.loc["empty", "entropy"])
    assert table.loc["flat", "entropy"] == 0.0 and table.loc["flat", "average_gradient"] == 0.0


def test_degrading_keeps_means_and_places() -> None:
    case = simulate(n=200)
    found = degrade(case.observations, case.features, ratio=2)
    assert found.features.grid.bounds[0] == case.features.grid.bounds[0]
    wide = found.features.grid.pixel_width
    assert found.observations.points.support_m == 2 * wide
    assert 30 < len(found.observations) < 80
    plane = Observations(
        case.observations.points, case.observations.points.coordinates @ [0.001, 0.002]
    )
    averaged = degrade(plane, case.features, ratio=2).observations
    np.testing.assert_allclose(averaged.values, averaged.points.coordinates @ [0.001, 0.002])


def test_imagery_averaged_block_by_block_is_that_averaged_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = simulate(n=200, holes=True)
    whole = degrade(case.observations, case.features).features
    monkeypatch.setattr("gossan.evaluate.reduced_resolution.BLOCK", 40)
    parts = degrade(case.observations, case.features, blocks=Blocks(workers=2)).features
    assert whole.layer is not None and parts.layer is not None
    grid = whole.grid
    np.testing.assert_allclose(
        parts.layer.read(grid.whole), whole.layer.read(grid.whole), rtol=1e-5, atol=1e-6
    )


def test_a_feature_that_is_the_former_layer_brings_it_back() -> None:
    case = simulate(n=300)
    grid = case.features.grid
    former = KrigingModel().fit(case.observations, case.features).layer(case.features)
    image = ArrayLayer(grid, ("former",), former.read(grid.whole)[:1])
    second = Observations(case.observations.points, 2.0 * case.observations.values + 5.0)
    table = reduced_resolution(
        {"Cu": (case.observations, Identity()), "Zn": (second, Identity())},
        LayerFeatures(image),
        {"kriging": factory_of("kriging"), "fused": factory_of("regression_kriging")},
    )
    rows = table.set_index(["product", "element"])
    for better in ("q", "r"):
        assert rows.loc[("fused", "Cu"), better] > rows.loc[("kriging", "Cu"), better]
    for less in ("ergas", "sam"):
        assert 0 <= rows.loc[("fused", "all"), less] < rows.loc[("kriging", "all"), less]
    np.testing.assert_allclose(
        rows.loc[("fused", "Zn"), "rmse"], 2 * rows.loc[("fused", "Cu"), "rmse"], rtol=1e-3
    )


def test_columns_of_a_survey_have_no_resolution_to_reduce() -> None:
    case = simulate(n=40)
    with pytest.raises(FitError, match="made of rasters"):
        degrade(case.observations, ColumnFeatures(("a",), case.features.grid))
