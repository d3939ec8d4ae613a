"""The project file that ``gossan init`` writes, with a word on every line."""

from __future__ import annotations

from pathlib import Path

from gossan.errors import SettingsError, must
from gossan.geo.raster import atomic_path

TEMPLATE = """\
# A gossan project. Paths are relative to this file. Lines with # are explanations or options.

[project]
name = "My survey"
# crs = "EPSG:32638"       # of the maps; default: that of the imagery. Metres, not degrees.
elements = ["Cu"]
seed = 7                   # same seed, same maps
# pixel_m = 15             # pixel size of the maps; default: that of the finest imagery
# occurrences = "occurrences.geojson"   # known mines or outcrops, for the statistics

# The coarse survey, one table. csv, xlsx, gpkg, geojson or shp.
[[survey]]
name = "regional"
path = "stream_sediment.csv"
x = "easting"              # column names; leave out x, y and crs for gpkg, geojson and shp
y = "northing"
crs = "EPSG:32638"         # of these columns; EPSG:4326 for degrees
columns = { Cu = "Cu_ppm" }
unit = "ppm"
support_m = 1000           # side of the square that one sample stands for (0: a point)
role = "fit"               # "check": never fitted, only compared

# A detailed survey to check the maps with, if there is one.
# [[survey]]
# name = "detailed"
# path = "detailed.csv"
# x = "easting"
# y = "northing"
# crs = "EPSG:32638"
# columns = { Cu = "Cu_ppm" }
# unit = "ppm"
# support_m = 60
# role = "check"

# The imagery. sensor: "bands" (any rasters as they are), "aster" or "sentinel2" (scenes as
# they were downloaded).
[[imagery]]
name = "indices"
sensor = "bands"
paths = ["clay_index.tif", "iron_index.tif"]

# The maps. Without any [[product]]: the kriged baseline, the paper's maps (second principal
# component; literal and sound; global and local) and the product to trust ("auto").
# [[product]]
# name = "fused"
# model = "geostatistical" # "kriging", "pyramid", "geostatistical", "blend", "auto", ...
# features = "indices.all" # <imagery>.pc2, <imagery>.all, <imagery>.<band>
"""


def write_template(folder: Path | str) -> Path:
    """Write ``project.toml`` into a folder, never over an existing one."""
    path = Path(folder) / "project.toml"
    if path.exists():
        cure = "Name another folder, or edit the file that is there"
        raise SettingsError(must("DIR", "a folder without a project.toml", path, cure))
    with atomic_path(path) as temporary:
        temporary.write_text(TEMPLATE, encoding="utf-8", newline="\n")
    return path
