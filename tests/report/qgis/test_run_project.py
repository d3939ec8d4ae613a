"""The QGIS projects of a run, opened and rendered by QGIS itself: one process for all tests."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import geopandas
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from gossan.io.finished_run import open_run
from gossan.pipeline.commands.sample import next_samples
from gossan.report.answer import targets_of
from gossan.report.qgis import NOTES, write_qgis
from gossan.report.read import open_results

from ...presence import missing_program

PYTHON_OF_QGIS = Path("/usr/bin/python3")


@pytest.fixture(scope="module")
def run(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tiny run with a sampling plan and its QGIS projects, moved after writing."""
    folder = tmp_path_factory.mktemp("qgis")
    copy = Path(shutil.copytree(finished_run, folder / "run"))
    next_samples(copy, 4)
    write_qgis(open_results(copy))
    return copy.rename(folder / "moved elsewhere")


@pytest.fixture(scope="module")
def tablet(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The field folder alone, as a tablet has it."""
    return Path(shutil.copytree(run / "field", tmp_path_factory.mktemp("tablet") / "in the 现场"))


@pytest.fixture(scope="module")
def seen(run: Path, tablet: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What QGIS says of the project of the run, and of that of the field folder on a tablet."""
    home = tmp_path_factory.mktemp("home")
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "XDG_RUNTIME_DIR": str(home)}
    environment.pop("PYTHONPATH", None)
    asked = [str(PYTHON_OF_QGIS), "-c", "import qgis.core"]
    installed = PYTHON_OF_QGIS.exists()
    if not installed or subprocess.run(asked, capture_output=True, env=environment).returncode:
        missing_program("QGIS is not installed: apt-get install qgis python3-qgis")
    script = Path(__file__).with_name("open_in_qgis.py")
    projects = [run / "gossan.qgs", tablet / "gossan_field.qgs"]
    found = subprocess.run(
        [*asked[:1], str(script), *map(str, projects)],
        capture_output=True, text=True, env=environment, check=True,
    )  # fmt: skip
    return list(json.loads(found.stdout.strip().splitlines()[-1]))


def test_both_projects_open_with_every_layer_valid(
    run: Path, tablet: Path, seen: list[dict[str, Any]]
) -> None:
    for path, facts in zip((run / "gossan.qgs", tablet / "gossan_field.qgs"), seen):
        assert facts["read"] and facts["invalid"] == []
        assert facts["crs"] == "EPSG:32638"
        assert facts["layers"] == len(list(ElementTree.parse(path).iter("maplayer")))
    assert seen[0]["groups"][:4] == [
        "Targets", "Field data", "Best map", "Its error and applicability",
    ]  # fmt: skip


def test_the_default_view_shows_best_map_targets_and_samples_but_no_network(
    run: Path, tablet: Path, seen: list[dict[str, Any]]
) -> None:
    best = open_run(run).best("Cu")
    shown = [source.replace(str(run), "") for source in seen[0]["visible"]]
    assert f"/layers/{best}_Cu.tif" in shown
    assert "/field/field.gpkg|layername=samples" in shown
    assert "/field/field.gpkg|layername=targets|subset=\"element\" = 'Cu'" in shown
    assert not [source for facts in seen for source in facts["visible"] if "https:" in source]
    assert "Basemap (needs a network)" in seen[0]["groups"]
    assert colours(run / "gossan.png") > 100
    assert colours(tablet / "gossan_field.png") > 100


def colours(picture: Path) -> int:
    pixels = np.asarray(Image.open(picture).convert("RGB")).reshape(-1, 3)
    return len(np.unique(pixels, axis=0))


def test_the_targets_group_draws_every_target_with_its_name(
    run: Path, seen: list[dict[str, Any]]
) -> None:
    assert colours(run / "gossan_targets.png") > 5
    targets = targets_of(open_results(run), "Cu", 10)
    assert seen[0]["features"]["Cu: targets"] == len(targets) > 0
    assert "Cu: targets" in seen[0]["labelled"]
    assert {"Target", "Expected (90 % interval)"} <= set(seen[0]["aliases"]["Cu: targets"])


def test_samples_are_classed_by_round_contents_and_by_censoring(
    seen: list[dict[str, Any]],
) -> None:
    classes = list(seen[0]["classes"]["Cu: samples [ppm]"])
    assert classes[0] == "beyond a limit of the laboratory"
    limits = [float(word) for text in classes[1:] for word in text.split() if word[0].isdigit()]
    assert limits and all(float(f"{limit:.1g}") == limit for limit in limits)
    assert all(text.endswith(" ppm") for text in classes[1:])


def test_legends_of_maps_are_round_numbers_with_units(
    run: Path, seen: list[dict[str, Any]]
) -> None:
    title = open_results(run).title(str(open_run(run).best("Cu")), "Cu")
    labels = seen[0]["legends"][f"Cu: {title} [ppm]"]
    assert len(labels) > 4
    for label in labels:
        number, unit = label.split()
        assert unit == "ppm" and float(f"{float(number):.2g}") == float(number)


def test_bookmarks_and_print_layouts_lead_to_the_targets(
    run: Path, seen: list[dict[str, Any]]
) -> None:
    targets = targets_of(open_results(run), "Cu", 10)
    names = [one.name for one in targets]
    assert set(names[:5]) <= set(seen[0]["bookmarks"])
    layout = next(one for one in seen[0]["layouts"] if one["name"] == "Targets of Cu")
    assert layout["pages"] == names and layout["exported"] == 0
    assert colours(Path(layout["picture"])) > 100


def test_the_field_folder_needs_nothing_outside_of_it(run: Path) -> None:
    root = ElementTree.parse(run / "field" / "gossan_field.qgs").getroot()
    sources = [layer.findtext("datasource") or "" for layer in root.iter("maplayer")]
    files = {text.removeprefix("./").split("|")[0] for text in sources if "https:" not in text}
    assert files and all((run / "field" / name).is_file() for name in files)
    assert root.find(".//Absolute").text == "false"  # type: ignore[union-attr]


def test_a_tablet_with_the_field_folder_alone_shows_all_of_it(
    tablet: Path, seen: list[dict[str, Any]]
) -> None:
    facts = seen[1]
    sources = [source for source in facts["sources"] if "https:" not in source]
    assert sources and all(source.startswith(str(tablet)) for source in sources)
    held = geopandas.read_file(tablet / "field.gpkg", layer="targets")
    assert facts["features"]["Cu: targets"] == (held["element"] == "Cu").sum() > 0


def test_a_tablet_adds_an_observation(tablet: Path, seen: list[dict[str, Any]]) -> None:
    assert seen[1]["added"] == {"Your observations": True}
    (one,) = geopandas.read_file(tablet / NOTES).to_dict("records")
    assert one["note"] == "malachite" and one["geometry"].x == pytest.approx(411_500)


@pytest.mark.parametrize(
    ("name", "layer", "count"), [("targets.gpx", "waypoints", "targets"),
                                 ("targets.kml", "Tiny <district>: targets", "targets"),
                                 ("field.gpkg", "samples", "samples"),
                                 ("field.gpkg", "occurrences", "occurrences")],
)  # fmt: skip
def test_another_program_reads_each_file_of_the_field_folder(
    run: Path, name: str, layer: str, count: str
) -> None:
    if shutil.which("ogrinfo") is None:
        missing_program("ogrinfo is not installed: apt-get install gdal-bin")
    path = run / "field" / name
    words = ["ogrinfo", "-ro", "-so", str(path), layer]
    found = subprocess.run(words, capture_output=True, text=True, check=True)
    assert not found.stderr.strip()
    wanted = geopandas.read_file(run / "field" / "field.gpkg", layer=count)
    assert f"Feature Count: {len(wanted)}\n" in found.stdout
    system = "WGS 84 / UTM zone 38N" if path.suffix == ".gpkg" else 'GEOGCRS["WGS 84"'
    assert system in found.stdout


def test_receivers_tablets_and_spreadsheet_name_the_same_places(run: Path) -> None:
    results = open_results(run)
    expected = {
        one.name: (one.row["peak_longitude"], one.row["peak_latitude"])
        for element in results.elements
        for one in targets_of(results, element, 10)
    }
    for name, layer in (("targets.gpx", "waypoints"), ("targets.kml", None)):
        table = geopandas.read_file(run / "field" / name, layer=layer)
        labels = table["name" if "name" in table else "Name"]
        found = {label: (at.x, at.y) for label, at in zip(labels, table.geometry)}
        assert found.keys() == expected.keys()
        for label, place in expected.items():
            assert found[label] == pytest.approx(place, abs=1e-6)
    plan = pd.read_csv(run / "anomalies" / "sample_next.csv")
    held = geopandas.read_file(run / "field" / "field.gpkg", layer="plan")
    assert held["name"].tolist() == plan["name"].tolist()


def test_observations_of_the_user_are_kept(run_copy: Path) -> None:
    results = open_results(run_copy)
    write_qgis(results)
    path = run_copy / "field" / NOTES
    table = geopandas.read_file(path)
    assert len(table) == 0 and "note" in table
    path.write_bytes(b"my notes")
    write_qgis(results)
    assert path.read_bytes() == b"my notes"


def test_ids_of_layers_are_unique_and_longer_than_qgis_ignores(run: Path) -> None:
    project = ElementTree.parse(run / "gossan.qgs")
    found = [layer.findtext("id") or "" for layer in project.iter("maplayer")]
    assert len(set(found)) == len(found) and min(map(len, found)) > 10


def test_where_imagery_was_used_has_a_legend(run: Path) -> None:
    path = run / "layers" / "imagery_used.tif"
    project = ElementTree.parse(run / "gossan.qgs")
    found = [m for m in project.iter("maplayer") if "imagery was used" in m.findtext("layername")]
    assert [layer.findtext("layername")[24:] for layer in found] == ["indices.clay"]
    assert [r.get("band") for layer in found for r in layer.iter("rasterrenderer")] == ["1"]
    (style,) = ElementTree.parse(path.with_suffix(".qml")).iter("rasterrenderer")
    assert style.get("type") == "paletted" and style.get("band") == "1"
    labels = {entry.get("value"): entry.get("label") for entry in style.iter("paletteEntry")}
    assert labels["0"] == "kriged only: imagery is masked" and set(labels) == {"0", "1", "2"}
