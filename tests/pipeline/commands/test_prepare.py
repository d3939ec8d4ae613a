"""Layers of raw scenes, without any samples."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import rasterio

from gossan.pipeline.commands.prepare import prepare_project
from gossan.pipeline.options.project import load_project
from gossan.report.read import open_results
from gossan.report.tables import run_tables


def test_prepare_writes_every_layer_of_raw_scenes(district: Path) -> None:
    out = district.parent / "prepared"
    table = prepare_project(load_project(district), out)
    assert set(table["imagery"]) == {"aster", "sentinel2"}
    layers = {"bands", "indices", "pc", "exposure", "composite", "table2_alteration_composite"}
    assert set(table["layer"]) == layers
    bands = pd.read_csv(out / "tables" / "bands.csv").set_index(["imagery", "band"])
    assert bands.loc[("aster", "b4"), "native_m"] == 30
    assert bands.loc[("aster", "b1"), "quantity"] == "reflectance at the top of the atmosphere"
    assert all((out / "layers" / name).exists() for name in table["file"])
    components = pd.read_csv(out / "tables" / "components.csv")
    assert components["reading"].str.startswith("PC").all()
    masks = pd.read_csv(out / "tables" / "masks.csv")
    assert masks["share"].between(0, 1).all()
    shift = pd.read_csv(out / "tables" / "registration.csv")
    assert shift[["east_px", "north_px"]].abs().to_numpy().max() < 0.5


def test_composites_are_ready_for_display(district_run: Path) -> None:
    for imagery in ("aster", "sentinel2"):
        with rasterio.open(district_run / "layers" / f"{imagery}_composite.tif") as source:
            assert source.count == 3 and source.dtypes[0] == "uint8"


def test_the_report_shows_what_each_mask_takes_of_each_imagery(district_run: Path) -> None:
    (table,) = [
        one for one in run_tables(open_results(district_run)) if one.title == "Masked ground"
    ]
    imagery = {row[table.columns.index("imagery")].text for row in table.rows}
    assert "sentinel2" in imagery  # ASTER has no mask of its own here
