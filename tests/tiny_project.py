"""A tiny project in files, of which the tests of everything that reads a run make one real run."""

from __future__ import annotations

from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
from affine import Affine
from pyproj import CRS

from gossan.geo.grid import Grid
from gossan.geo.raster import write_array

GRID = Grid(CRS.from_epsg(32638), Affine(60.0, 0, 411_000.0, 0, -50.0, 2_700_000.0), 90, 100)

STREAM_SURVEY = """
[project]
name = "valleys"
elements = ["Cu"]
extent = "imagery"

[[survey]]
name = "stream"
path = "stream.csv"
crs = "EPSG:32638"
unit = "ppm"
support = "catchment"
"""
"""Head of a project whose survey stands for catchments; further keys of it may follow."""


def survey_text(name: str, file: str, columns: str, role: str) -> str:
    """Lines of a survey in ppm."""
    return f"""
[[survey]]
name = "{name}"
path = "{file}"
x = "easting"
y = "northing"
crs = "EPSG:32638"
columns = {{ {columns} }}
unit = "ppm"
role = "{role}"
"""


IMAGERY = """
[[imagery]]
name = "indices"
sensor = "bands"
paths = ["clay.tif", "iron.tif"]

[validation]
folds = 3
"""
PRODUCTS = """
[[product]]
name = "kriging"
model = "kriging"

[[product]]
name = "sound"
model = "pyramid"
variant = "sound"
features = "indices.clay"
scope = "global"
"""
HEAD = """
[project]
name = "Tiny <district>"
elements = ["Cu", "Zn"]
seed = 3
occurrences = "mines.geojson"
"""
MORE = """
[[product]]
name = "literal"
model = "pyramid"
variant = "literal"
features = "indices.clay"
scope = "global"
elements = ["Cu"]

[[product]]
name = "geostatistical"
model = "geostatistical"
features = "indices.clay"
elements = ["Cu"]
"""
PROJECT = (
    HEAD
    + survey_text("regional", "samples.csv", 'Cu = "Cu_ppm", Zn = "Zn_ppm"', "fit")
    + survey_text("detailed", "detailed.csv", 'Cu = "Cu_ppm"', "check")
    + IMAGERY
    + "\n[anomalies]\nthreshold = { Cu = 40.0 }\n"
    + PRODUCTS
    + MORE
)


def surfaces(grid: Grid = GRID, slope: float = 0.5) -> dict[str, np.ndarray]:
    """Clay, iron and ln Cu, which follows clay and a smooth trend of a slope."""
    easting, northing = np.meshgrid(*grid.coordinates())
    x, y = (easting - 411_000) / 1000, (2_700_000 - northing) / 1000
    rng = np.random.default_rng(11)
    clay = np.sin(2.1 * x) * np.cos(1.7 * y) + 0.1 * rng.normal(size=grid.shape)
    iron = np.cos(1.3 * x + 0.8 * y) + 0.1 * rng.normal(size=grid.shape)
    return {"clay": clay, "iron": iron, "ln_cu": 3.0 + 0.5 * clay + slope * (0.3 * x - 0.2 * y)}


def write_tiny(folder: Path) -> Path:
    """Write the tiny project into a folder; returns the project file.

    Zn has nothing to do with the imagery. The check survey covers the north-west.
    """
    made = surfaces()
    for name in ("clay", "iron"):
        write_array(folder / f"{name}.tif", GRID, (name,), made[name][None].astype(np.float32))
    rng = np.random.default_rng(5)
    height, width = GRID.shape
    regional = _samples(made["ln_cu"], rng.integers(0, height, 80), rng.integers(0, width, 80))
    regional["Zn_ppm"] = np.exp(4 + 0.3 * rng.normal(size=len(regional))).round(3)
    regional.to_csv(folder / "samples.csv", index=False)
    detailed = _samples(made["ln_cu"], rng.integers(0, 60, 70), rng.integers(0, 50, 70))
    detailed.to_csv(folder / "detailed.csv", index=False)
    easting, northing = GRID.coordinates()
    places = geopandas.points_from_xy(easting[[70, 20, 60, 40, 80, 30]], northing[[20, 30, 60] * 2])
    mines = geopandas.GeoDataFrame(geometry=places, crs=GRID.crs).to_crs(4326)
    mines.to_file(folder / "mines.geojson")
    path = folder / "project.toml"
    path.write_text(PROJECT, encoding="utf-8")
    return path


def _samples(ln_cu: np.ndarray, rows: np.ndarray, cols: np.ndarray) -> pd.DataFrame:
    easting, northing = GRID.coordinates()
    noise = 0.05 * np.random.default_rng(len(rows)).normal(size=len(rows))
    table = pd.DataFrame(
        {
            "easting": easting[cols],
            "northing": northing[rows],
            "Cu_ppm": np.exp(ln_cu[rows, cols] + noise).round(3),
        }
    )
    return table.drop_duplicates(["easting", "northing"])
