"""Maps of several elements: one pass over the imagery, the same pixels, safe when it fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gossan.errors import InterruptedRunError
from gossan.fusion.geostatistical.map_layer import PosteriorLayer
from gossan.geo import raster
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.raster import open_raster
from gossan.pipeline.commands.run import run_project
from gossan.pipeline.options.project import load_project

BEST = (
    '\n[[product]]\nname = "best"\nmodel = "geostatistical"\naveraging = "mode"\n'
    'features = "indices.all"\n'
)
PYRAMID = '\n[[product]]\nname = "sound"\nmodel = "pyramid"\nfeatures = "indices.pc2"\n'


@pytest.fixture
def two(small: Path) -> Path:
    """A project of two elements in units of their own."""
    path = small.with_name("samples.csv")
    table = pd.read_csv(path)
    table["Au_ppb"] = (30.0 / np.sqrt(table["Cu_ppm"])).round(3)
    table.to_csv(path, index=False)
    text = small.read_text(encoding="utf-8")
    text = text.replace('elements = ["Cu"]', 'elements = ["Cu", "Au"]')
    text = text.replace('Cu = "Cu_ppm" }', 'Cu = "Cu_ppm", Au = "Au_ppb" }')
    text = text.replace('unit = "ppm"', 'unit = { Cu = "ppm", Au = "ppb" }')
    small.write_text(text + BEST, encoding="utf-8")
    return small


def pixels(run: Path, name: str) -> np.ndarray:
    layer = open_raster(run / "layers" / f"{name}.tif")
    return layer.read(layer.grid.whole)


def test_elements_of_a_product_are_mapped_in_one_pass_and_as_if_alone(
    two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[tuple[Grid, int]] = []
    true_read = PosteriorLayer.read

    def counted(layer: PosteriorLayer, window: Window) -> np.ndarray:
        reads.append((layer.grid, len(layer.elements)))
        return true_read(layer, window)

    monkeypatch.setattr(PosteriorLayer, "read", counted)
    run_project(load_project(two), tmp_path / "run")
    mapped = open_raster(tmp_path / "run" / "layers" / "best_Cu.tif").grid
    assert [count for grid, count in reads if grid == mapped] == [2]
    for element, unit in (("Cu", "ppm"), ("Au", "ppb")):
        text = two.read_text(encoding="utf-8").replace('["Cu", "Au"]', f'["{element}"]')
        two.with_name(f"{element}.toml").write_text(text, encoding="utf-8")
        alone = tmp_path / element
        run_project(load_project(two.with_name(f"{element}.toml")), alone)
        for name in (f"best_{element}", f"best_{element}_se"):
            np.testing.assert_array_equal(pixels(tmp_path / "run", name), pixels(alone, name))
            one, other = (
                open_raster(run / "layers" / f"{name}.tif") for run in (tmp_path / "run", alone)
            )
            assert one.bands == other.bands
        manifest = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))
        entry = next(
            e for e in manifest["products"] if (e["product"], e["element"]) == ("best", element)
        )
        assert entry["unit"] == unit
        assert set(entry["statistics"]) == {f"best_{element}", f"best_{element}_se"}
        assert manifest["timings_s"][f"best_{element}"] > 0


def test_a_failure_while_maps_are_written_leaves_none_of_them_and_the_next_run_makes_them(
    two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, true_copy = tmp_path / "run", raster.gdal_copy

    def full(source: Path, target: Path, **options: str) -> None:
        if "best_Au" in Path(target).name:
            raise OSError(28, "No space left on device")
        true_copy(source, target, **options)

    monkeypatch.setattr(raster, "gdal_copy", full)
    with pytest.raises(InterruptedRunError, match="No space left"):
        run_project(load_project(two), run)
    assert (run / "layers" / "kriging_Au.tif").exists()
    assert not list((run / "layers").glob("best_*"))
    assert not list((run / "steps").glob("best_*"))
    monkeypatch.undo()
    before = (run / "layers" / "kriging_Au.tif").stat().st_mtime_ns
    run_project(load_project(two), run)
    assert (run / "layers" / "best_Au_se.tif").exists()
    assert (run / "layers" / "kriging_Au.tif").stat().st_mtime_ns == before
    kept = (run / "layers" / "best_Au.tif").stat().st_mtime_ns
    run_project(load_project(two), run)
    assert (run / "layers" / "best_Au.tif").stat().st_mtime_ns == kept


def test_a_lost_map_is_made_again_and_the_others_are_kept(two: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run_project(load_project(two), run)
    whole = pixels(run, "best_Cu")
    kept = (run / "layers" / "best_Au.tif").stat().st_mtime_ns
    raster.close_files()
    (run / "layers" / "best_Cu.tif").unlink()
    run_project(load_project(two), run)
    np.testing.assert_array_equal(pixels(run, "best_Cu"), whole)
    assert (run / "layers" / "best_Au.tif").stat().st_mtime_ns == kept


def test_models_pass_over_the_imagery_with_the_workers_of_the_run(
    two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []
    true_map = Blocks.map

    def seen(blocks: Blocks, *arguments: Any) -> Iterator[Any]:
        threads.append(blocks.threads)
        return true_map(blocks, *arguments)

    monkeypatch.setattr(Blocks, "map", seen)
    two.write_text(two.read_text(encoding="utf-8") + PYRAMID, encoding="utf-8")
    run_project(load_project(two), tmp_path / "run", workers=3)
    assert len(threads) > 10
    assert set(threads) == {3}
