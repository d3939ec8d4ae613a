"""A project of one survey and one imagery, small enough to be run in a second."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import rasterio
from affine import Affine
from pyproj import CRS

from gossan.geo.grid import Grid
from gossan.geo.raster import write_array

GRID = Grid(CRS.from_epsg(32645), Affine(30.0, 0, 500_000.0, 0, -30.0, 4_000_000.0), 50, 60)

PROJECT = """
[project]
name = "tiny"
crs = "EPSG:32645"
elements = ["Cu"]
pixel_m = 30

[[survey]]
name = "s"
path = "s.csv"
x = "easting"
y = "northing"
crs = "EPSG:32645"
unit = "ppm"
support_m = 30

[[imagery]]
name = "im"
paths = ["img.tif"]

[[product]]
name = "kriging"
model = "kriging"

[[product]]
name = "ps"
model = "pyramid"
features = "im.b1+im.b2"
scope = "global"
"""


def bands() -> np.ndarray:
    """Two bands: a smooth pattern each, with noise."""
    rows, cols = np.mgrid[: GRID.height, : GRID.width]
    noise = 0.1 * np.random.default_rng(2).normal(size=(2, *GRID.shape))
    patterns = np.sin(cols / 7.0) * np.cos(rows / 9.0), np.cos(cols / 5.0 + rows / 11.0)
    return (np.stack(patterns) + noise).astype(np.float32)


def write_small(folder: Path) -> Path:
    """Write the project into a folder; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    values = bands()
    write_array(folder / "img.tif", GRID, ("b1", "b2"), values)
    rng = np.random.default_rng(1)
    places = rng.choice(GRID.height * GRID.width, 60, replace=False)
    rows, cols = np.unravel_index(places, GRID.shape)
    easting, northing = GRID.coordinates()
    copper = np.exp(3 + 0.5 * values[0, rows, cols] + 0.1 * rng.normal(size=60)).round(3)
    table = pd.DataFrame({"easting": easting[cols], "northing": northing[rows], "Cu_ppm": copper})
    table["Zn_ppm"] = (2 * copper).round(3)
    table.to_csv(folder / "s.csv", index=False)
    (folder / "project.toml").write_text(PROJECT, encoding="utf-8")
    return folder


def use_vrt(project: Path) -> None:
    """Put a virtual raster before the imagery of a project."""
    with rasterio.open(project / "img.tif") as source:
        size = f'rasterXSize="{source.width}" rasterYSize="{source.height}"'
        place = ", ".join(map(str, source.transform.to_gdal()))
    bands = "".join(
        f'<VRTRasterBand dataType="Float32" band="{n}"><Description>b{n}</Description>'
        f'<SimpleSource><SourceFilename relativeToVRT="1">img.tif</SourceFilename>'
        f"<SourceBand>{n}</SourceBand></SimpleSource></VRTRasterBand>"
        for n in (1, 2)
    )
    text = f"<VRTDataset {size}><SRS>EPSG:32645</SRS><GeoTransform>{place}</GeoTransform>{bands}"
    (project / "img.vrt").write_text(text + "</VRTDataset>", "utf-8")
    path = project / "project.toml"
    path.write_text(path.read_text("utf-8").replace('"img.tif"', '"img.vrt"'), "utf-8")
