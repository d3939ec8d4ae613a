"""Every file that a run opens counts for its steps: whatever byte changes, the key of the run does.

What Python opens is traced; GDAL opens files without Python, so all files of a folder that holds
nothing but inputs are changed in turn.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import geopandas
import pandas as pd
import pytest
import rasterio

from gossan.geo.blocks import Blocks
from gossan.geo.raster import close_files
from gossan.io.file_hashes import FileHashes
from gossan.pipeline.inputs import input_paths, open_inputs
from gossan.pipeline.options.project import Project, load_project

from ..tiny_project import write_tiny

OPENED: list[str] = []
"""Paths that Python opened while ``traced`` holds."""
_TRACING = False


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if _TRACING and event == "open" and isinstance(arguments[0], str):
        OPENED.append(arguments[0])


@pytest.fixture
def traced() -> Iterator[list[str]]:
    global _TRACING
    sys.addaudithook(_hook)  # for good: a hook cannot be removed
    OPENED.clear()
    _TRACING = True
    yield OPENED
    _TRACING = False


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The tiny project with inputs of many kinds."""
    folder = tmp_path / "project"
    folder.mkdir()
    path = write_tiny(folder)
    table = pd.read_csv(folder / "samples.csv")
    points = geopandas.points_from_xy(table["easting"], table["northing"], crs="EPSG:32638")
    frame = geopandas.GeoDataFrame(table[["Cu_ppm", "Zn_ppm"]], geometry=points)
    frame.to_file(folder / "samples.shp", encoding="utf-8")
    (folder / "samples.csv").unlink()
    detailed = pd.read_csv(folder / "detailed.csv").assign(ID=lambda t: [f"D{i}" for i in t.index])
    detailed[["ID", "Cu_ppm"]].to_csv(folder / "detailed.csv", index=False)
    detailed[["ID", "easting", "northing"]].to_excel(folder / "sites.xlsx", index=False)
    certified = pd.DataFrame({"standard": ["OREAS 45d"], "Cu": [371.0]})
    certified.to_csv(folder / "certified.csv", index=False)
    _behind_a_vrt(folder)
    text = path.read_text(encoding="utf-8")
    text = text.replace(
        'path = "samples.csv"\nx = "easting"\ny = "northing"\n', 'path = "samples.shp"\n'
    )
    text = text.replace(
        'path = "detailed.csv"\nx', 'path = "detailed.csv"\nid = "ID"\nsites = "sites.xlsx"\nx'
    )
    text = text.replace('role = "fit"', 'role = "fit"\nqc = { certified = "certified.csv" }')
    text = text.replace('"clay.tif"', '"clay.vrt"')
    path.write_text(text, encoding="utf-8")
    return folder


def _behind_a_vrt(folder: Path) -> None:
    with rasterio.open(folder / "clay.tif") as source:
        size = f'rasterXSize="{source.width}" rasterYSize="{source.height}"'
        place = ", ".join(map(str, source.transform.to_gdal()))
        mask = {**source.profile, "dtype": "uint8", "nodata": None}
        filled = (source.read(1) > -9).astype("uint8") * 255
    mask.pop("interleave", None)
    (folder / "clay.vrt").write_text(
        f"<VRTDataset {size}><SRS>EPSG:32638</SRS><GeoTransform>{place}</GeoTransform>"
        '<VRTRasterBand dataType="Float32" band="1"><Description>clay</Description>'
        '<SimpleSource><SourceFilename relativeToVRT="1">clay.tif</SourceFilename>'
        "<SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>",
        encoding="utf-8",
    )
    with rasterio.open(folder / "iron.tif.msk", "w", **mask) as made:
        made.write(filled, 1)
    (folder / "iron.tif.aux.xml").write_text("<PAMDataset></PAMDataset>", encoding="utf-8")


def key(project: Project, store: Path) -> dict[str, str]:
    return FileHashes(store / "hashes.json").of_inputs(input_paths(project))


def test_whatever_byte_of_an_input_changes_the_run_notices(
    folder: Path, tmp_path: Path, traced: list[str]
) -> None:
    project = load_project(folder)
    before = key(project, tmp_path)
    unnoticed = []
    for path in sorted(folder.rglob("*")):
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        if path.name != "project.toml" and key(project, tmp_path) == before:
            unnoticed.append(path.name)
        path.write_bytes(content)
    assert not unnoticed
    assert key(project, tmp_path) == before
    traced.clear()
    open_inputs(project, tmp_path / "store", Blocks(workers=1))
    close_files()
    opened = {Path(name).resolve() for name in traced}
    inside = {path.name for path in opened if path.is_relative_to(folder.resolve())}
    assert {"detailed.csv", "sites.xlsx"} & inside
    assert inside <= {*before, "project.toml"}
