"""Sort the files of a new project's imagery by sensor."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from glob import glob
from pathlib import Path

from gossan.errors import ImageryError, must
from gossan.geo.grid import Grid
from gossan.geo.raster import open_raster
from gossan.imagery.aster.metadata import NAME as ASTER_NAME
from gossan.imagery.sensors import Sensor

RASTERS = (".tif", ".tiff", ".vrt", ".img", ".jp2", ".asc")
_SENTINEL2 = re.compile(r"^S2[A-D]_MSI|\.SAFE(\.zip)?$", re.I)
_SENTINEL2_BAND = re.compile(r"^T\d{2}[A-Z]{3}_\d{8}T\d{6}_B\d", re.I)
_NAMES: dict[Sensor, str] = {"aster": "aster", "sentinel2": "sentinel2", "bands": "rasters"}


@dataclass(frozen=True)
class FoundImagery:
    """One [[imagery]]: its name, sensor and files; ``grids`` of plain rasters."""

    name: str
    sensor: Sensor
    paths: tuple[Path, ...]
    grids: tuple[Grid, ...] = ()


def find_imagery(patterns: Sequence[str]) -> list[FoundImagery]:
    """Sort files, folders and glob patterns into imageries, one for each sensor.

    Raises
    ------
    ImageryError
        A pattern matches no scene or raster, or a plain raster cannot be used.
    """
    by_sensor: dict[Sensor, list[Path]] = {}
    for pattern in patterns:
        found = [(sensor, path) for path in _matching(pattern) if (sensor := sensor_of(path))]
        if not found:
            cure = "Check the path (in quotes, so that the shell leaves * alone)"
            allowed = "the path or pattern of rasters or scenes"
            raise ImageryError(must("--imagery", allowed, repr(pattern), cure))
        for sensor, path in found:
            if path not in by_sensor.setdefault(sensor, []):
                by_sensor[sensor].append(path)
    return [
        FoundImagery(
            _NAMES[sensor],
            sensor,
            tuple(paths),
            tuple(open_raster(path).grid for path in paths) if sensor == "bands" else (),
        )
        for sensor, paths in by_sensor.items()
    ]


def sensor_of(path: Path) -> Sensor | None:
    """Detect the sensor of a file or scene folder by its name; None for other files.

    >>> sensor_of(Path("AST_L1T_00307152004075231_20150505.hdf")), sensor_of(Path("clay.tif"))
    ('aster', 'bands')
    >>> sensor_of(Path("S2A_MSIL2A_20200101T075231_N0213_R135_T38QKJ.SAFE"))
    'sentinel2'
    >>> sensor_of(Path("readme.md")) is None
    True
    """
    name = path.name
    if _SENTINEL2.search(name) or _SENTINEL2_BAND.match(name):
        return "sentinel2"
    if ASTER_NAME.search(name) and path.suffix.lower() in (".hdf", ".tif", ".tiff"):
        return "aster"
    return "bands" if path.suffix.lower() in RASTERS else None


def _matching(pattern: str) -> Iterable[Path]:
    """List what a pattern matches; a plain folder stands for what it holds."""
    literal = Path(pattern).exists()  # brackets in the name of a folder are no pattern
    for name in [pattern] if literal else sorted(glob(pattern)):  # noqa: PTH207 (Path.glob takes no absolute pattern)
        path = Path(name)
        if path.is_dir() and sensor_of(path) is None:
            yield from sorted(path.iterdir())
        else:
            yield path
