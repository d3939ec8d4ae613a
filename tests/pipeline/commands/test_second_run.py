"""A second run makes nothing again that stands, and all that depends on what has changed."""

from __future__ import annotations

import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import geopandas
import pytest
import rasterio

from gossan.io.file_hashes import file_hash
from gossan.pipeline.commands.anomalies import HALO_METHODS

RESULTS = ("layers", "anomalies", "figures", "targets", "field")
OF_ONE_RUN = {"steps.csv", "manifest.json", "report.html", "hashes.json"}
"""Files that tell when a run was made and how long it took."""
FURTHER = """
[[product]]
name = "nearby"
model = "regression_kriging"
features = "indices.iron"
elements = ["Cu"]
"""
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def tiny(finished_run: Path, tmp_path: Path) -> Path:
    """A finished project, in another place than where it was made."""
    return Path(shutil.copytree(finished_run.parent, tmp_path / "moved"))


def stamps(run: Path) -> dict[str, int]:
    """When each file of the results was written."""
    files = [path for name in RESULTS for path in (run / name).rglob("*") if path.is_file()]
    files += [*run.glob("*.html"), *run.glob("*.qgs")]
    return {path.relative_to(run).as_posix(): path.stat().st_mtime_ns for path in files}


def rewritten(run: Path, before: dict[str, int]) -> set[str]:
    return {name for name, stamp in stamps(run).items() if before.get(name) != stamp}


def maps(names: set[str]) -> set[str]:
    return {Path(name).stem for name in names if name.startswith("layers/") and ".tif" in name}


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Products whose models are fitted."""
    from gossan.pipeline import fit_product, target_parts

    made, fit = [], fit_product.fit_model

    def counted(product, data, features):
        made.append(f"{product.name} {data.element}")
        return fit(product, data, features)

    monkeypatch.setattr(fit_product, "fit_model", counted)
    monkeypatch.setattr(target_parts, "fit_model", counted)
    return made


def run(command: Command, project: Path) -> None:
    code, _, said = command("run", project, "--quiet")
    assert code == 0, said


def test_a_second_run_makes_nothing_again(tiny: Path, command: Command, fits: list[str]) -> None:
    run(command, tiny)  # the report is still missing
    assert fits == []
    before = stamps(tiny / "run")
    assert any(name.startswith("targets/") for name in before)
    for path in tiny.glob("*.*"):
        path.touch()  # the same bytes
    run(command, tiny)
    assert rewritten(tiny / "run", before) == set()
    assert before.keys() == stamps(tiny / "run").keys() and fits == []


def test_what_is_missing_or_damaged_is_made_again(tiny: Path, command: Command) -> None:
    before = stamps(tiny / "run")
    (tiny / "run" / "anomalies" / "sound_Zn.kml").unlink()
    (tiny / "run" / "layers" / "halo_additive.tif").write_bytes(b"II*")
    run(command, tiny)
    made = rewritten(tiny / "run", before)
    assert before.keys() <= stamps(tiny / "run").keys()
    assert maps(made) == {f"halo_{method}" for method in HALO_METHODS} | {"probability_Zn"}
    anomalies = {name for name in made if name.startswith("anomalies/")}
    assert anomalies and all("_Zn." in name for name in anomalies)


def test_one_more_product_leaves_the_others(tiny: Path, command: Command, fits: list[str]) -> None:
    before = stamps(tiny / "run")
    with (tiny / "project.toml").open("a", encoding="utf-8") as file:
        file.write(FURTHER)
    run(command, tiny)
    assert fits == ["nearby Cu"]
    made = rewritten(tiny / "run", before)
    of_all = {"imagery_used"}  # has a band for each set of features
    assert maps(made) == {"nearby_Cu", "nearby_Cu_se", "probability_Cu"} | of_all
    anomalies = {name for name in made if name.startswith("anomalies/")}
    assert anomalies and all("_Cu." in name for name in anomalies)


def test_another_threshold_leaves_every_map_of_contents(
    tiny: Path, command: Command, fits: list[str]
) -> None:
    before = stamps(tiny / "run")
    text = (tiny / "project.toml").read_text(encoding="utf-8")
    changed = text.replace("threshold = { Cu = 40.0 }", "threshold = { Cu = 30.0 }")
    (tiny / "project.toml").write_text(changed, encoding="utf-8")
    run(command, tiny)
    made = rewritten(tiny / "run", before)
    assert {"probability_Cu"} <= maps(made) <= {"probability_Cu", "probability_Zn"}
    assert all(one.endswith(" Cu") for one in fits)
    with rasterio.open(tiny / "run" / "layers" / "probability_Cu.tif") as layer:
        assert {**layer.tags(), **layer.tags(1)}["gossan_threshold"] == "30"


def test_other_imagery_leaves_what_does_not_see_it(
    tiny: Path, command: Command, fits: list[str]
) -> None:
    kriged = file_hash(tiny / "run" / "layers" / "kriging_Zn.tif")
    before = stamps(tiny / "run")
    with rasterio.open(tiny / "clay.tif", "r+", IGNORE_COG_LAYOUT_BREAK="YES") as clay:
        clay.write(clay.read() * 1.1)
    run(command, tiny)
    assert fits and not [one for one in fits if one.startswith("kriging")]
    made = maps(rewritten(tiny / "run", before))
    assert not [name for name in made if name.startswith("kriging")]
    assert {"sound_Cu", "literal_Cu", "geostatistical_Cu", "sound_Zn", "applicability"} <= made
    shutil.rmtree(tiny / "run")
    run(command, tiny)
    assert file_hash(tiny / "run" / "layers" / "kriging_Zn.tif") == kriged


def test_other_occurrences_leave_every_fit(tiny: Path, command: Command, fits: list[str]) -> None:
    before = stamps(tiny / "run")
    mines = geopandas.read_file(tiny / "mines.geojson")
    mines.iloc[:5].to_file(tiny / "mines.geojson")
    run(command, tiny)
    assert not [one for one in fits if one.startswith(("kriging", "sound", "literal"))]
    assert maps(rewritten(tiny / "run", before)) <= {"probability_Cu", "probability_Zn"}


@pytest.mark.skipif(sys.platform == "win32", reason="no signal that cannot be caught")
@pytest.mark.parametrize("reached", ["steps/thresholds_Zn.json", "steps/halos.json"])
def test_a_run_killed_after_its_maps_ends_with_the_same_bytes(
    finished_run: Path, tmp_path: Path, reached: str, command: Command
) -> None:
    whole, killed = (Path(shutil.copytree(finished_run.parent, tmp_path / n)) for n in "ab")
    for base in (whole, killed):
        for step in ("thresholds", "anomalies", "why", "halos", "scores"):
            for path in (base / "run" / "steps").glob(f"{step}*.json"):
                path.unlink()
    run(command, whole)
    words = [sys.executable, "-m", "gossan", "run", str(killed), "--quiet"]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (killed / "run" / reached).exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (killed / "run" / "manifest.json").exists()
    run(command, killed)
    first, second = (contents(base / "run") for base in (whole, killed))
    assert first == second
    assert not list((killed / "run").rglob("*.partial*"))


def contents(run: Path) -> dict[str, str]:
    """Bytes of every file that does not tell when or how long; of databases what they hold."""
    files = [path for path in run.rglob("*") if path.is_file() and path.name not in OF_ONE_RUN]
    return {
        p.relative_to(run).as_posix(): held(p) if p.suffix == ".gpkg" else file_hash(p)
        for p in files
        if p.parent.name != "steps"
    }


def held(database: Path) -> str:
    with closing(sqlite3.connect(database)) as opened:
        text = "\n".join(opened.iterdump())
    return re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "", text)
