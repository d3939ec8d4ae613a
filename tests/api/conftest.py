"""The demo district in files, small: an ASTER scene as downloaded and a survey's table."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import gossan as gs
from gossan.demo import simulate_district
from gossan.demo.raw_scenes import write_raw_scenes


@pytest.fixture(scope="session")
def district_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with ``AST_L1T.hdf`` and ``stream.csv`` (UTM zone 45 north)."""
    folder = tmp_path_factory.mktemp("district")
    district = simulate_district(seed=3, shape=(100, 90), regional_km2=0.12)
    scenes = write_raw_scenes(district, folder)
    shutil.move(scenes["aster"], folder / "AST_L1T.hdf")
    district.surveys["regional"].frame.to_csv(folder / "stream.csv", index=False)
    return folder


@pytest.fixture(scope="session")
def scene(district_folder: Path) -> gs.Raster:
    return gs.open_aster(district_folder / "AST_L1T.hdf")


@pytest.fixture(scope="session")
def pc2(scene: gs.Raster) -> gs.Raster:
    return gs.principal_components(gs.indices(scene, "paper"))["pc2"]


@pytest.fixture(scope="session")
def cu(district_folder: Path) -> gs.Element:
    survey = gs.read_survey(district_folder / "stream.csv", crs="EPSG:32645", support_m=300)
    return survey.element("Cu")
