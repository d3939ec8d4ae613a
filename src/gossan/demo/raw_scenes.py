"""Write the district as it would be downloaded: an ASTER L1T file and a Sentinel-2 SAFE folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gossan.demo.district import District
from gossan.demo.overpass import GHOSTS, Overpass
from gossan.demo.sensors import SENSORS, SensorName
from gossan.demo.write_aster import simulate_scene, write_aster_hdf
from gossan.demo.write_sentinel2 import scene_of, write_sentinel2
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer, Layer
from gossan.geo.warp import to_grid

GAINS = {"b3": "LO1"} | dict.fromkeys(("b5", "b6", "b7", "b8"), "LO1") | {"b9": "LO2"}
"""Low gain where the normal one would saturate this bright ground."""
CLOUD_SHARE = 0.05
"""Radius of the one cloud, as a share of the district's width."""
ROCK, VEGETATION, CLOUD = 5, 4, 9
"""Codes of Sen2Cor's scene classification."""


def write_raw_scenes(district: District, folder: Path | str) -> dict[str, Path]:
    """Write the district's surface as both satellites deliver it.

    ASTER: an L1T-like HDF4 file with gains and with ghosts of band 4 in the short-wave bands.
    Sentinel-2: an L2A-like SAFE folder (JPEG 2000) with the radiometric offset, scene classes
    and one cloud.

    Returns
    -------
    Path of each sensor's scene.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, Path] = {}
    if "aster" in district.reflectance:
        surface = to_grid(_surface(district, "aster"), _finer(district.grid, 15.0))
        overpass = replace(Overpass(), air=None, leaks=GHOSTS, gains={**Overpass().gains, **GAINS})
        found["aster"] = write_aster_hdf(folder, simulate_scene(surface, overpass))
    if "sentinel2" in district.reflectance:
        cloud = cloud_mask(district.grid)
        surface = _surface(district, "sentinel2", cloud)
        classes = np.where(district.masks["vegetation"], VEGETATION, ROCK)
        classes = np.where(cloud, CLOUD, classes).astype(np.float32)
        scene = scene_of(surface, ArrayLayer(district.grid, ("scl",), classes[None]))
        found["sentinel2"] = write_sentinel2(scene, folder)
    return found


def cloud_mask(grid: Grid) -> NDArray[np.bool_]:
    """Place one round cloud in the north-east of the district."""
    easting, northing = grid.coordinates()
    left, bottom, right, top = grid.bounds
    centre = left + 0.85 * (right - left), bottom + 0.85 * (top - bottom)
    radius = CLOUD_SHARE * (right - left)
    return np.hypot(easting[None, :] - centre[0], northing[:, None] - centre[1]) < radius


def _surface(
    district: District, sensor: SensorName, cloud: NDArray[np.bool_] | None = None
) -> Layer:
    values = district.reflectance[sensor]
    if cloud is not None:
        values = np.where(cloud, np.float32(0.8), values)
    return ArrayLayer(district.grid, tuple(band.name for band in SENSORS[sensor]), values)


def _finer(grid: Grid, pixel_m: float) -> Grid:
    return Grid.from_bounds(grid.crs, grid.bounds, pixel_m)


def imagery_text(scenes: dict[str, Path], folder: Path, pixel_m: float) -> str:
    """Return the [[imagery]] tables of a project that starts from raw scenes (TOML)."""
    leaks = ", ".join(
        f'{{ band = "{leak.band}", share = {leak.share}, shift_m = {leak.shift_m:g} }}'
        for leak in GHOSTS
    )
    parts = []
    for sensor, path in scenes.items():
        relative = path.relative_to(folder).as_posix()
        lines = [
            "[[imagery]]",
            f'name = "{sensor}"',
            f'sensor = "{sensor}"',
            f'paths = ["{relative}"]',
            f"pixel_size_m = {pixel_m:g}" if sensor == "sentinel2" else "",
            'masks = ["nodata", "saturated", "cloud"]' if sensor == "sentinel2" else "",
            f'aster = {{ crosstalk = "supplied", leaks = [{leaks}] }}' if sensor == "aster" else "",
        ]
        parts.append("\n".join(line for line in lines if line) + "\n")
    return "\n".join(parts)
