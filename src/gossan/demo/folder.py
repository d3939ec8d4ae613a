"""Write a simulated district as a folder that any project could have sent."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.expressions import Expression
from gossan.demo.district import District
from gossan.demo.geology import LITHOLOGIES
from gossan.demo.raw_scenes import imagery_text, write_raw_scenes
from gossan.demo.sensors import SENSORS
from gossan.geo.raster import atomic_path, write_array
from gossan.io.geometry_tables import write_geojson, write_geopackage
from gossan.io.run_folder import RunFolder

# Alteration ratios of ASTER bands 1 to 9: Kalinowski & Oliver 2004; the last three Ninomiya 2003.
ALTERATION_RATIOS = {
    "ferric_iron": "b2 / b1",
    "ferrous_iron": "b5 / b3 + b1 / b2",
    "gossan": "b4 / b2",
    "ferric_oxides": "b4 / b3",
    "carb_chl_epi": "(b7 + b9) / b8",
    "epi_chl_amp": "(b6 + b9) / (b7 + b8)",
    "amphibole": "b6 / b8",
    "dolomite": "(b6 + b8) / b7",
    "phyllic": "(b5 + b7) / b6",
    "argillic": "(b4 + b6) / b5",
    "phengite": "b5 / b6",
    "ohi": "(b7 / b6) * (b4 / b6)",
    "kli": "(b4 / b5) * (b8 / b6)",
    "cli": "(b6 / b8) * (b9 / b8)",
}


def alteration_ratios(aster: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the ratios of :data:`ALTERATION_RATIOS`, (ratio, row, column), from nine bands.

    >>> alteration_ratios(np.ones((9, 2, 3), np.float32)).shape
    (14, 2, 3)
    """
    bands = {band.name: aster[i] for i, band in enumerate(SENSORS["aster"])}
    return np.stack([Expression(f)(bands) for f in ALTERATION_RATIOS.values()]).astype(np.float32)


GROUND = """
[terrain]
dem = "dem.tif"
snap_m = 30
stream_km2 = 0.2

[[imagery]]
name = "terrain"
sensor = "terrain"
paths = ["dem.tif"]
bands = ["slope", "wetness", "position_9"]

[[imagery]]
name = "geology"
sensor = "classes"
paths = ["geology.tif"]
faults = "faults.gpkg"

[[product]]
name = "squares"
model = "geostatistical"
features = "alteration.all + geology.all + terrain.all"
support = "square"

[[product]]
name = "catchments"
model = "geostatistical"
features = "alteration.all + geology.all + terrain.all"

[validation]
kinds = ["drainage"]
folds = 5
"""
"""Rest of the project file of a drained district."""


Scenes = Literal["rasters", "raw"]


def write_district(district: District, folder: Path | str, scenes: Scenes = "rasters") -> Path:
    """Write imagery, surveys, vectors, truth and a ready project file; return the latter's path.

    ``imagery/aster.tif``, ``imagery/aster_ratios.tif``, ``imagery/sentinel2.tif`` (reflectance
    and ratios), ``regional.csv``, ``detailed.csv``, ``occurrences.geojson``, ``faults.gpkg``,
    ``cover.gpkg``, ``truth/<element>.tif`` (ppm), ``truth/alteration.tif``, ``project.toml``.
    Every file appears whole or not at all; the project file comes last. With ``scenes="raw"`` the
    project starts from scenes as they are downloaded, written beside the rasters.

    Raises
    ------
    InterruptedRunError : the disk is full or the folder cannot be written.
    """
    folder = Path(folder)
    _write_imagery(district, folder / "imagery")
    imagery, paper = raster_text(district), "true"
    if scenes == "raw":
        raw = write_raw_scenes(district, folder / "scenes")
        imagery, paper = imagery_text(raw, folder, district.grid.pixel_width), '["aster"]'
    _write_truth(district, folder / "truth")
    if district.drained:
        _write_ground(district, folder)
        imagery = imagery + GROUND
    for survey in district.surveys.values():
        with atomic_path(folder / f"{survey.name}.csv") as path:
            survey.frame.to_csv(path, index=False, lineterminator="\n")
    write_geojson(folder / "occurrences.geojson", district.occurrences)
    write_geopackage(folder / "cover.gpkg", {"cover": district.cover})
    write_geopackage(folder / "faults.gpkg", {"faults": district.faults})
    project = folder / "project.toml"
    with atomic_path(project) as temporary:
        text = project_text(district, imagery, paper)
        temporary.write_text(text, encoding="utf-8", newline="\n")
    return project


def keep_district(district: District, folder: Path | str, scenes: Scenes = "rasters") -> Path:
    """Write a district as ``write_district`` does, unless it stands in the folder already.

    It stands if seed, shape, elements, sensors and gossan's version are those it was written with
    and no file is missing; what the user changed in ``project.toml`` is kept then.
    """
    made_of = {
        "seed": district.seed,
        "grid": [district.grid.shape, list(district.grid.transform)],
        "elements": list(district.truth),
        "sensors": list(district.reflectance),
        "scenes": scenes,
        "drained": district.drained,
        "gossan": version("gossan"),
    }
    names = ["project.toml", "occurrences.geojson", "cover.gpkg", "faults.gpkg", "imagery", "truth"]
    names += [f"{survey.name}.csv" for survey in district.surveys.values()]
    names += ["scenes"] if scenes == "raw" else []
    names += ["dem.tif", "geology.tif", "geology.csv"] if district.drained else []
    files = [Path(folder) / name for name in names]
    run = RunFolder(Path(folder))
    if not (run.stands("district", made_of, ()) and all(path.exists() for path in files)):
        write_district(district, folder, scenes)
        run.keep("district", made_of, ())  # without hashes: users may change what was written
    return Path(folder) / "project.toml"


def _write_imagery(district: District, folder: Path) -> None:
    for sensor, bands in district.reflectance.items():
        names = [band.name for band in SENSORS[sensor]]
        write_array(folder / f"{sensor}.tif", district.grid, names, bands)
    if "aster" in district.reflectance:
        ratios = alteration_ratios(district.reflectance["aster"])
        write_array(folder / "aster_ratios.tif", district.grid, list(ALTERATION_RATIOS), ratios)


def _write_ground(district: District, folder: Path) -> None:
    """Write the terrain model and the geological map of a drained district."""
    ground = district.geology
    heights = ground.elevation[None].astype(np.float32)
    write_array(folder / "dem.tif", district.grid, ["height"], heights, unit="m")
    rocks = ground.lithology[None].astype(np.uint8) + 1
    write_array(folder / "geology.tif", district.grid, ["lithology"], rocks)
    lines = [f"{number},{name}" for number, name in enumerate(LITHOLOGIES, 1)]
    legend = "\n".join(["code,name", *lines]) + "\n"
    with atomic_path(folder / "geology.csv") as temporary:
        temporary.write_text(legend, encoding="utf-8", newline="\n")


def _write_truth(district: District, folder: Path) -> None:
    for element, content in district.truth.items():
        array = content[None].astype(np.float32)
        write_array(folder / f"{element}.tif", district.grid, [element], array, unit="ppm")
    zones = district.geology.alteration
    array = np.stack(list(zones.values())).astype(np.float32)
    write_array(folder / "alteration.tif", district.grid, list(zones), array)
    for name, mask in district.masks.items():
        write_array(folder / f"{name}.tif", district.grid, [name], mask[None].astype(np.uint8))


def project_text(district: District, imagery: str, paper: str) -> str:
    """Return the project file of a written district (TOML).

    Given its [[imagery]] tables, and of which imagery the paper's maps are made.
    """
    elements = list(district.truth)
    quoted = ", ".join(f'"{e}"' for e in elements)
    epsg = district.grid.crs.to_epsg()
    columns = ", ".join(f'{e} = "{e}_ppm"' for e in elements)
    parts = [
        "# A simulated district: its truth is known and lies in truth/.\n"
        f'[project]\nname = "Simulated district {district.seed}"\ncrs = "EPSG:{epsg}"\n'
        f"elements = [{quoted}]\nseed = {district.seed}\n"
        f"pixel_m = {district.grid.pixel_width:g}\n"
        'occurrences = "occurrences.geojson"\n'
        f"paper = {paper}\n"
    ]
    for survey in district.surveys.values():
        support = f"support_m = {survey.support_m:g}"
        support = 'support = "catchment"' if survey.catchments else support
        parts.append(
            f'[[survey]]\nname = "{survey.name}"\npath = "{survey.name}.csv"\n'
            f'x = "easting"\ny = "northing"\ncrs = "EPSG:{epsg}"\n'
            f'columns = {{ {columns} }}\nunit = "ppm"\n'
            f'{support}\nrole = "{survey.role}"\n'
        )
    return "\n".join([*parts, imagery])


def raster_text(district: District) -> str:
    """Return the [[imagery]] tables of a project that starts from rasters (TOML)."""
    parts = []
    imagery = {"sentinel2": "sentinel2", "aster": "aster_ratios"}
    for sensor, stem in imagery.items():
        if sensor in district.reflectance:
            name = "alteration" if sensor == "aster" else sensor
            parts.append(
                f'[[imagery]]\nname = "{name}"\nsensor = "bands"\npaths = ["imagery/{stem}.tif"]\n'
            )
    return "\n".join(parts)
