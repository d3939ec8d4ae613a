"""A small run folder, written by hand, so that the report is tested without any science."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from affine import Affine
from pyproj import CRS

from gossan.geo.grid import Grid
from gossan.geo.raster import write_array
from gossan.io.run_folder import RunFolder

GRID = Grid(CRS.from_epsg(32645), Affine(30.0, 0.0, 561_015.0, 0.0, -20.0, 4_377_010.0), 90, 140)


def surface(number: int) -> np.ndarray:
    rows, cols = np.mgrid[: GRID.height, : GRID.width]
    hill = np.exp(-((rows - 25) ** 2 + (cols - 100) ** 2) / 200)
    return (20 + 8 * np.sin(cols / (9 + number)) + 200 * hill)[None].astype(np.float32)


def held_out(products: list[str], checks: bool) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    easting, northing = rng.uniform(561_100, 565_000, 60), rng.uniform(4_375_300, 4_376_900, 60)
    observed = np.exp(rng.normal(3, 0.5, 60))
    parts = []
    for product in products:
        for way in ["spatial folds", "random folds (optimistic)", *["check: detailed"] * checks]:
            off = np.exp(rng.normal(0, 0.3, 60))
            parts.append(pd.DataFrame({
                "product": product, "element": "Cu", "sample": range(60), "easting": easting,
                "northing": northing, "observed": observed, "estimate": observed * off,
                "standard_error": 0.3 if product == "kriging" else np.nan, "comparison": way,
            }))  # fmt: skip
    return pd.concat(parts)


def scores(products: list[str], checks: bool) -> pd.DataFrame:
    rows = []
    for way in ["spatial folds", "random folds (optimistic)", *["check: detailed"] * checks]:
        for number, product in enumerate(products):
            fused = product != "kriging"
            rows.append({
                "product": product, "element": "Cu", "comparison": way, "n": 60, "r": 0.6,
                "rmse": 0.5, "skill": 0.1 * number, "skill_low": 0.02 if fused else np.nan,
                "skill_high": 0.2 if fused else np.nan,
            })  # fmt: skip
    rows += [
        {"product": p, "element": "Cu", "comparison": "coarse layer", "n": 12_600, "r": 0.9}
        for p in products
        if p != "kriging"
    ]
    return pd.DataFrame(rows)


def manifest(products: list[str], written: bool) -> dict[str, Any]:
    entries = [
        {
            "product": name, "model": "kriging" if name == "kriging" else "pyramid",
            "features": "", "element": "Cu", "layer": f"layers/{name}_Cu.tif" if written else None,
            "standard_error": "layers/kriging_Cu_se.tif" if name == "kriging" else None,
            "unit": "ppm", "transform": "log", "transform_record": {"word": "log"},
            "warnings": ["<b>a note</b> & more"], "calibration": None, "verdict": None,
        }
        for name in products
    ]  # fmt: skip
    return {
        "gossan": "0.1.0", "name": "Hand-made <district>", "created": "2026-01-02T03:04:05+0000",
        "seed": 7, "elements": ["Cu"], "settings": {"project": {"name": "x", "occurrences": None}},
        "grid": {"crs": "EPSG:32645", "bounds": GRID.bounds, "height": 90, "width": 140,
                 "pixel_m": [30.0, 20.0]},
        "inputs": {"a.csv": "00ff"}, "products": entries, "versions": {"numpy": "2"},
        "timings_s": {}, "seconds": 1.0, "peak_memory_mib": None, "notes": [],
    }  # fmt: skip


@pytest.fixture(autouse=True)
def coarse_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw figures small: these tests ask what is told, not how sharp it is."""
    monkeypatch.setattr("gossan.report.figures.DPI", 60)


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Path]:
    def make(
        products: list[str],
        checks: bool = True,
        empty: bool = False,
        tables: bool = True,
        maps: bool = True,
    ) -> Path:
        run = RunFolder(tmp_path / "run")
        run.root.mkdir()
        for number, name in enumerate(products if maps else []):
            values = surface(number) * (np.nan if empty else 1)
            write_array(run.layer(name, "Cu"), GRID, ["estimate"], values.astype(np.float32), "ppm")
        if maps and "kriging" in products:
            error = np.full((1, 90, 140), np.nan if empty else 0.3, np.float32)
            write_array(run.layer("kriging", "Cu", "se"), GRID, ["standard_error"], error)
        if tables:
            run.write_table("held_out", held_out(products, checks))
            run.write_table("scores", scores(products, checks))
            run.write_table("variograms", pd.DataFrame({
                "product": ["kriging"] * 2, "element": ["Cu"] * 2, "structure": [0, 1],
                "kind": ["nugget", "spherical"], "sill": [0.1, 0.4], "range_m": [0, 900.0],
                "practical_range_m": [0, 900.0], "smoothness": [np.nan] * 2,
            }))  # fmt: skip
        run.manifest_path.write_text(json.dumps(manifest(products, maps)), encoding="utf-8")
        return run.root

    return make
