"""Points for the field are those of the run's tables, in classes that cover every content."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyproj import CRS

from gossan.report.answer import targets_of
from gossan.report.palette import Scale
from gossan.report.qgis.field_layers import (
    field_items,
    field_tables,
    sample_classes,
    target_items,
)
from gossan.report.read import Results, open_results

UTM = CRS.from_epsg(32638)


@pytest.fixture(scope="module")
def results(finished_run: Path) -> Results:
    return open_results(finished_run)


def test_tables_hold_every_sample_occurrence_and_target(results: Results) -> None:
    tables = field_tables(results, UTM)
    assert set(tables) == {"targets", "samples", "occurrences"}  # no plan was made
    assert len(tables["samples"]) == len(results.samples)
    targets = [one.name for name in results.elements for one in targets_of(results, name, 10)]
    assert tables["targets"]["name"].tolist() == targets


def test_points_lie_where_their_columns_say(results: Results) -> None:
    table = field_tables(results, UTM)["targets"]
    frame = pd.DataFrame(table)
    places = [(one.x, one.y) for one in table.geometry]
    np.testing.assert_allclose(places, frame[["easting", "northing"]])


@pytest.mark.parametrize("limits", [(9.0, 60.0, True), (0.0, 7.0, False)])
def test_classes_leave_no_content_out_and_brighten_with_it(limits: tuple) -> None:
    classes = sample_classes(Scale(*limits, "ppm"))
    assert np.isnan([classes[0][0], classes[-1][1]]).all()
    for (_, high, _), (low, _, _) in itertools.pairwise(classes):
        assert high == low
    colours = [colour for _, _, colour in classes]
    assert len(set(colours)) == len(colours)


def test_only_the_layers_that_the_folder_holds_are_listed() -> None:
    scales = {name: Scale(1, 9, False, "ppm") for name in ("Cu", "Zn")}
    units = dict.fromkeys(scales, "ppm")
    found = field_items(["samples"], scales, units, "field/")
    assert [one.title for one in found] == ["Cu: samples [ppm]", "Zn: samples [ppm]"]
    assert [one.visible for one in found] == [True, False]
    assert all(one.source.startswith("field/field.gpkg|layername=samples") for one in found)
    assert field_items([], scales, units, "") == []


def test_an_element_with_a_quotation_mark_is_asked_for_by_its_own_name() -> None:
    (item,) = target_items(["O'Brien"], "", "")
    assert item.source.endswith("subset=\"element\" = 'O''Brien'")
