"""Features of a project by name: what the literal and the sound components are taken of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gossan.demo.overpass import Overpass
from gossan.demo.write_aster import simulate_scene, write_aster_hdf
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer
from gossan.imagery.components import fit_components
from gossan.imagery.settings import ImagerySettings
from gossan.pipeline.feature_sets import component_notes
from gossan.pipeline.imagery import Imagery, open_imagery
from gossan.pipeline.options.project import load_project

GRID = Grid.from_bounds(32638, (500_010, 4_000_000, 500_010 + 90 * 20, 4_000_000 + 90 * 16), 15)
NINE = tuple(f"b{i}" for i in range(1, 10))


@pytest.fixture(scope="module")
def aster(tmp_path_factory: pytest.TempPathFactory) -> Imagery:
    rng = np.random.default_rng(4)
    surface = ArrayLayer(GRID, NINE, rng.uniform(0.1, 0.5, (9, *GRID.shape)))
    warm = ArrayLayer(GRID, ("t",), rng.uniform(290, 320, (1, *GRID.shape)))
    folder = tmp_path_factory.mktemp("aster")
    path = write_aster_hdf(folder, simulate_scene(surface, Overpass(), warm))
    words = ImagerySettings(name="aster", sensor="aster", paths=[path])
    return open_imagery(words, folder, folder, Blocks())


def test_literal_components_are_those_of_the_raw_ratios(aster: Imagery) -> None:
    source = aster.component_source("literal")
    assert len(source.bands) == 20  # Tables 1 and 2 without repeats, thermal ratios among them
    assert aster.scaling("literal") == "covariance"
    values = aster.indices.read(aster.bands.grid.whole).reshape(20, -1).astype(float)
    values = values[:, np.isfinite(values).all(axis=0)]
    found = fit_components(source, aster.scaling("literal")).components
    _, vectors = np.linalg.eigh(np.cov(values))
    second = vectors[:, -2]
    agreement = abs(second @ found.loadings[1])
    assert agreement == pytest.approx(1.0, abs=1e-6)


def test_sound_components_leave_out_copies(aster: Imagery) -> None:
    assert len(aster.component_source("indices").bands) < 20
    assert aster.scaling("indices") == "robust"


def test_thermal_bands_come_along_but_not_among_bands_of_reflectance(aster: Imagery) -> None:
    assert len(aster.bands.bands) == 14
    assert aster.everything("bands").bands == NINE
    assert aster.component_source("bands").bands == NINE
    assert any("thermal bands b10 to b14 (radiance)" in note for note in aster.notes)
    assert any("no atmospheric correction" in note for note in aster.notes)
    assert any("crosstalk correction of the short-wave bands is off" in n for n in aster.notes)


def test_notes_say_which_components_are_literal_and_which_maps_take_them(
    aster: Imagery, tmp_path: Path
) -> None:
    products = "".join(
        f'[[product]]\nname = "{name}"\nmodel = "pyramid"\nfeatures = "{features}"\n'
        for name, features in (
            ("printed", "aster.literal.pc2"),
            ("robust", "aster.indices.pc2"),
            ("plain", "aster.pc1"),
            ("one_band", "aster.b4"),
        )
    )
    (tmp_path / "s.csv").write_text("easting,northing,Cu_ppm\n1,2,3\n", encoding="utf-8")
    (tmp_path / "project.toml").write_text(
        '[project]\nelements = ["Cu"]\n[[survey]]\nname = "s"\npath = "s.csv"\n'
        'x = "easting"\ny = "northing"\ncrs = "EPSG:32638"\ncolumns = { Cu = "Cu_ppm" }\n'
        'unit = "ppm"\n[[imagery]]\nname = "aster"\nsensor = "aster"\npaths = ["s.csv"]\n'
        + products,
        encoding="utf-8",
    )
    notes = component_notes(load_project(tmp_path), [aster])
    assert notes[0] == (
        "aster: components literal, of 20 ratios as printed (covariance), in printed"
    )
    assert "sound, of " in notes[1] and notes[1].endswith("(robust scaling), in robust")
    assert notes[2] == "aster: components of 9 bands (covariance), in plain"
    assert len(notes) == 3
