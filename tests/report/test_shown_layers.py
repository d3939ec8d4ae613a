"""What a GIS is told to load exists, is styled, and stands in the order of the QGIS project."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from gossan.report.build import build_report
from gossan.report.shown_layers import (
    layers_of_run,
    styled_layers,
    targets_of_run,
    verdicts_of_run,
)


def test_a_run_lists_the_layers_of_its_project(run_copy: Path) -> None:
    build_report(run_copy)
    layers = layers_of_run(run_copy)
    tree = ET.parse(run_copy / "gossan.qgs").getroot().find("layer-tree-group")
    assert tree is not None
    listed = [(group.get("name"), own.get("name")) for group in tree for own in group]
    assert [(layer.group, layer.title) for layer in layers] == listed[:-1]  # no basemap
    for layer in layers:
        assert layer.path.is_absolute() and layer.path.exists()
        assert (layer.style is not None and layer.style.exists()) == (layer.kind == "raster")
        assert layer.identity in {node.get("id") for group in tree for node in group}
    assert sum(layer.visible for layer in layers if layer.group == "Best map") == 1


def test_targets_are_listed_best_first_for_every_element(run_copy: Path) -> None:
    targets = targets_of_run(run_copy)
    assert set(targets["element"]) <= {"Cu", "Zn"}
    for _, own in targets.groupby("element"):
        assert own["rank"].tolist() == sorted(own["rank"])
    assert [sentence.partition(":")[0] for sentence in verdicts_of_run(run_copy)] == ["Cu", "Zn"]


def test_rasters_without_a_report_get_a_style_and_the_first_is_visible(run_copy: Path) -> None:
    paths = [run_copy / "layers" / name for name in ("kriging_Cu.tif", "kriging_Cu_se.tif")]
    for path in paths:
        path.with_suffix(".qml").unlink(missing_ok=True)
    layers = styled_layers(paths, "Kriging")
    assert [layer.visible for layer in layers] == [True, False]
    assert all("pseudocolor" in path.with_suffix(".qml").read_text() for path in paths)
