"""A run whose maps are tiles: the pixels of one file, no seams, missing tiles alone made again."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gossan.geo.raster import close_files, open_raster
from gossan.io.finished_run import open_run
from gossan.pipeline.commands.anomalies import anomalies_of_run
from gossan.pipeline.commands.run import run_project
from gossan.pipeline.options.project import load_project
from gossan.report.build import build_report
from gossan.testing import seam_score

from ..tiny_project import PRODUCTS

NAMES = ("kriging_Cu", "kriging_Cu_se", "sound_Cu")


def test_tiles_are_the_map_and_only_missing_ones_are_made_again(
    small: Path, tmp_path: Path
) -> None:
    text = small.read_text(encoding="utf-8") + PRODUCTS
    small.write_text(text, encoding="utf-8")
    run_project(load_project(small), tmp_path / "whole", workers=1)
    small.write_text(text.replace("seed = 3", "seed = 3\ntile_px = 64"), encoding="utf-8")
    project, root = load_project(small), tmp_path / "tiles"
    run_project(project, root, workers=1)
    for name in NAMES:
        one = open_raster(tmp_path / "whole" / "layers" / f"{name}.tif")
        tiled = open_raster(root / "layers" / f"{name}.vrt")
        np.testing.assert_array_equal(tiled.read(one.grid.whole), one.read(one.grid.whole))
    left = round(one.grid.bounds[0] / one.grid.pixel_width)
    starts = [k * 64 - left for k in range(left // 64 + 1, (left + one.grid.width) // 64 + 1)]
    assert abs(seam_score(one.read(one.grid.whole)[0], starts) - 1) < 0.1
    close_files()
    tiles = sorted((root / "layers" / "sound_Cu").glob("*.tif"))
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in tiles}
    tiles[1].with_suffix(".json").unlink()
    run_project(project, root, workers=1)
    assert {path: path.read_bytes() for path in tiles} == {p: b for p, (b, _) in before.items()}
    changed = [path for path in tiles if path.stat().st_mtime_ns != before[path][1]]
    assert changed == [tiles[1]]
    anomalies_of_run(root)
    build_report(root)
    record = open_run(root).find("sound", "Cu")
    assert record.layer == "layers/sound_Cu.vrt"
    assert (root / "report.html").exists()
