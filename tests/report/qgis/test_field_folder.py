"""The field folder is complete in itself, and what a user wrote in it stays."""

from __future__ import annotations

from pathlib import Path

import geopandas
import numpy as np
import rasterio
from pyproj import CRS

from gossan.report.qgis.field_folder import NOTE_COLUMNS, NOTES, write_field_folder
from gossan.report.read import open_results


def test_it_holds_the_best_maps_as_they_are_and_points_in_their_system(run_copy: Path) -> None:
    results = open_results(run_copy)
    tables = write_field_folder(results, CRS.from_epsg(32638))
    folder = run_copy / "field"
    for element in results.elements:
        best = results.maps[str(results.best(element)), element]
        with rasterio.open(folder / best.path.name) as copy, rasterio.open(best.path) as source:
            assert copy.transform == source.transform and copy.crs == source.crs
            np.testing.assert_array_equal(copy.read(1), source.read(1))
    for name, table in tables.items():
        read = geopandas.read_file(folder / "field.gpkg", layer=name)
        assert len(read) == len(table) and read.crs.to_epsg() == 32638
    notes = geopandas.read_file(folder / NOTES)
    assert not len(notes) and set(NOTE_COLUMNS) <= set(notes)


def test_a_run_without_anomalies_has_no_targets_to_go_to(bare_copy: Path) -> None:
    results = open_results(bare_copy)
    tables = write_field_folder(results, CRS.from_epsg(32638))
    assert set(tables) == {"samples"}
    names = {path.name for path in (bare_copy / "field").iterdir()}
    assert not {"targets.gpx", "targets.kml"} & names and "gossan_field.qgs" in names
