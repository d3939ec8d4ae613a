from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gossan.demo.district import District, simulate_district
from gossan.demo.folder import write_district
from gossan.demo.raw_scenes import cloud_mask
from gossan.errors import GossanWarning
from gossan.geo.blocks import Blocks
from gossan.pipeline.inputs import open_inputs
from gossan.pipeline.options.project import load_project


@pytest.fixture(scope="module")
def district() -> District:
    return simulate_district(seed=5, shape=(180, 150))


@pytest.fixture(scope="module")
def prepared(district: District, tmp_path_factory: pytest.TempPathFactory) -> dict:
    folder = tmp_path_factory.mktemp("raw")
    project = load_project(write_district(district, folder, scenes="raw"))
    with pytest.warns(GossanWarning, match="crosstalk correction already"):
        return dict(open_inputs(project, folder / "store", Blocks()).features.imagery)


def inner(district: District) -> tuple[slice, slice]:
    height, width = district.grid.shape
    return slice(10, height - 10), slice(10, width - 10)


@pytest.mark.parametrize("sensor", ["aster", "sentinel2"])
def test_the_chain_undoes_what_the_scenes_were_written_with(
    district: District, prepared: dict, sensor: str
) -> None:
    """Gains, offsets, crosstalk and pixel sizes: reflectance comes back to a per cent of 1."""
    layer = prepared[sensor].bands
    assert layer.grid.aligned_with(district.grid)
    found = layer.read(layer.grid.whole)
    rows, cols = inner(district)
    clear = ~cloud_mask(district.grid)[rows, cols]
    for index, band in enumerate(layer.bands):
        error = found[index, rows, cols] - district.reflectance[sensor][index, rows, cols]
        error = error[clear & np.isfinite(error)]
        assert error.size > 0.9 * clear.sum()
        assert abs(np.median(error)) < 0.004, band
        assert np.sqrt(np.mean(error**2)) < 0.02, band


def test_the_cloud_is_masked_and_nothing_else(district: District, prepared: dict) -> None:
    layer = prepared["sentinel2"].bands
    empty = np.isnan(layer.read(layer.grid.whole)).any(axis=0)
    cloud = cloud_mask(district.grid)
    assert empty[cloud].mean() > 0.9
    assert empty[~cloud].mean() < 0.01


def test_alteration_indices_come_from_the_raw_scene(district: District, prepared: dict) -> None:
    indices = prepared["aster"].indices
    read = indices.read(indices.grid.whole)[indices.bands.index("ferric_iron")]
    true = district.reflectance["aster"][1] / district.reflectance["aster"][0]
    rows, cols = inner(district)
    filled = np.isfinite(read[rows, cols])
    assert np.corrcoef(read[rows, cols][filled], true[rows, cols][filled])[0, 1] > 0.9


def test_a_project_of_both_scenes_makes_the_papers_four_products_of_aster(
    district: District, tmp_path: Path
) -> None:
    from gossan.pipeline.options.products import products_of

    project = load_project(write_district(district, tmp_path, scenes="raw"))
    features = {p.settings.features for p in products_of(project) if p.settings.model == "pyramid"}
    assert features == {"sentinel2.pc2", "aster.indices.pc2", "aster.literal.pc2"}
    names = [p.name for p in products_of(project) if p.name.startswith("aster")]
    assert len(names) == 4
    assert [p.name for p in products_of(project) if p.name.startswith("sentinel2")] == [
        "sentinel2_pc2_sound_local"
    ]
