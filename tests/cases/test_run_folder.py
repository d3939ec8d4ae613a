"""What a run owns, what its steps depend on, and who may change it: through the command line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import geopandas
import pandas as pd
import pytest
import rasterio

from gossan.errors import InputError
from gossan.geo.raster import write_array
from gossan.io.folder_lock import LOCK, locked

from .conftest import Command
from .reliability import GRID, bands, use_vrt
from .test_names import edit


def only_kriging(folder: Path) -> Path:
    """Leave the second product out of the project file."""
    path = folder / "project.toml"
    path.write_text(path.read_text(encoding="utf-8").split('[[product]]\nname = "ps"')[0])
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    """Contents of what readers read, but for what tells the time."""
    timed = {".json", ".html", ".gpkg", ".qgs", ".pdf"}
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for name in ("layers", "tables", "anomalies", "figures")
        for path in sorted((folder / name).rglob("*"))
        if path.is_file() and path.suffix not in timed and path.name != "steps.csv"
    }


def maps(folder: Path) -> dict[str, bytes]:
    return {name: found for name, found in tree(folder).items() if name.endswith("_Cu.tif")}


def test_a_second_run_of_the_same_changes_nothing(small: Path, gossan: Command) -> None:
    assert gossan("run", small, "-q").code == 0
    first = tree(small / "run")
    assert first["tables/components.csv"].count(b"\n") > 2
    assert gossan("run", small, "-q").code == 0
    assert tree(small / "run") == first


def test_files_of_what_was_removed_are_gone_and_those_of_the_user_stay(
    small: Path, gossan: Command
) -> None:
    edit(small, ('["Cu"]', '["Cu", "Zn"]'))
    assert gossan("run", small, "-q").code == 0
    mine = small / "run" / "layers" / "mine.tif"
    shutil.copy(small / "img.tif", mine)
    only_kriging(edit(small, ('["Cu", "Zn"]', '["Cu"]')))
    assert gossan("run", small, "-q").code == 0
    names = [p.relative_to(small / "run").as_posix() for p in (small / "run").rglob("*")]
    left = [n for n in names if n.split("/")[0] in ("layers", "tables", "anomalies", "figures")]
    assert not [name for name in left if "Zn" in name or "ps_" in name or "halo_" in name]
    assert mine.exists()
    fresh = gossan("run", small, "-q", "--out", small / "fresh")
    assert fresh.code == 0
    assert set(tree(small / "run")) - {"layers/mine.tif"} == set(tree(small / "fresh"))


def test_the_manifest_lists_every_file_with_its_size(small: Path, gossan: Command) -> None:
    assert gossan("run", only_kriging(small), "-q").code == 0
    listed = json.loads((small / "run" / "manifest.json").read_text(encoding="utf-8"))["files"]
    found = {
        path.relative_to(small / "run").as_posix(): path.stat().st_size
        for path in (small / "run").rglob("*")
        if path.is_file() and path.parent.name not in ("steps",) and "store" not in path.parts
    }
    del found["manifest.json"]
    assert {name: one["bytes"] for name, one in listed.items()} == found


@pytest.mark.parametrize("harm", ["cut", "flip", "remove", "record"])
def test_damaged_outputs_and_records_are_made_again(
    small: Path, gossan: Command, harm: str
) -> None:
    assert gossan("run", small, "-q").code == 0
    first = tree(small / "run")
    path = small / "run" / "layers" / "kriging_Cu.tif"
    if harm == "record":
        path = small / "run" / "steps" / "kriging_Cu.json"
    content = path.read_bytes()
    changed = {"cut": content[:-500], "flip": content[:-9] + b"\x00" + content[-8:]}
    path.write_bytes(changed.get(harm, b"{"))
    if harm == "remove":
        path.unlink()
    assert gossan("run", small, "-q").code == 0
    assert tree(small / "run") == first


def test_only_our_own_temporaries_are_removed(small: Path, gossan: Command) -> None:
    run = small / "run"
    mine = [run / ".download.partial", run / "sub" / ".a.0123abcd.partial.mkv"]
    ours = [run / "layers" / ".a.0123abcd.partial.tif", run / ".manifest.00000000.partial.json"]
    for path in (*mine, *ours):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (run / ".x.partial").mkdir()
    (run / "layers" / ".x.0123abcd.partial").mkdir()
    assert gossan("validate", only_kriging(small), "-q").code == 0
    assert all(path.exists() for path in mine)
    assert not any(path.exists() for path in ours)


def test_a_run_that_was_stopped_halfway_is_refused_by_every_reader(
    small: Path, gossan: Command
) -> None:
    assert gossan("run", small, "-q").code == 0
    edit(small, ('["Cu"]', '["Cu", "Zn"]'))
    command = [sys.executable, "-m", "gossan", "run", str(small)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith(b"Zn: kriging"):
                process.kill()
                break
    assert process.returncode not in (0, 2)
    run = small / "run"
    (small / "places.csv").write_text("easting,northing\n500500,3999500\n", encoding="utf-8")
    readers = (
        ("report", run),
        ("anomalies", run),
        ("sample", run),
        ("predict", run, "--at", small / "places.csv", "--out", small / "out.csv"),
    )
    for reader in readers:
        assert "stopped halfway" in gossan(*reader).refused
    assert gossan("run", small, "-q").code == 0
    assert gossan("report", run).code == 0


def test_a_refused_project_leaves_the_finished_run_as_it_is(small: Path, gossan: Command) -> None:
    assert gossan("run", only_kriging(small), "-q").code == 0
    edit(small, ('path = "s.csv"', 'path = "none.csv"'))
    assert gossan("run", small).refused
    assert gossan("report", small / "run").code == 0


def test_a_second_command_in_a_folder_gets_one_line_that_names_the_first(
    small: Path, gossan: Command
) -> None:
    run = small / "run"
    with locked(run):
        line = gossan("run", small).refused
    assert str(os.getpid()) in line
    assert "one command at a time" in line
    run.mkdir()
    (run / LOCK).write_text('{"host": "elsewhere", "process": 1}', encoding="utf-8")
    assert "process 1 on elsewhere" in gossan("run", small).refused
    here = {"host": os.uname().nodename if hasattr(os, "uname") else "", "process": 999999}
    (run / LOCK).write_text(json.dumps(here), encoding="utf-8")
    with locked(run), pytest.raises(InputError), locked(run):
        pass
    assert not run.exists()


def test_a_lock_ends_with_its_process_however_it_ends(tmp_path: Path) -> None:
    code = f"""
import time
from pathlib import Path
from gossan.io.folder_lock import locked
with locked(Path({str(tmp_path / "run")!r})):
    print("held", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == b"held"
        with pytest.raises(InputError, match=str(process.pid)), locked(tmp_path / "run"):
            pass
        process.kill()
        process.wait()
    with locked(tmp_path / "run"):
        pass


def as_shapefile(folder: Path) -> None:
    table = pd.read_csv(folder / "s.csv")
    places = geopandas.points_from_xy(table["easting"], table["northing"], crs="EPSG:32645")
    geopandas.GeoDataFrame(table[["Cu_ppm"]], geometry=places).to_file(folder / "s.shp")
    edit(folder, ('"s.csv"', '"s.shp"'), ('x = "easting"\ny = "northing"\n', ""))


def test_a_table_beside_its_geometry_counts(small: Path, gossan: Command) -> None:
    as_shapefile(only_kriging(small))
    assert gossan("run", small, "-q").code == 0
    frame = geopandas.read_file(small / "s.shp")
    frame.loc[5:15, "Cu_ppm"] = 99.0
    frame.to_file(small / "t.shp")
    shutil.move(small / "t.dbf", small / "s.dbf")
    assert gossan("run", small, "-q").code == 0
    assert gossan("run", small, "-q", "--out", small / "fresh").code == 0
    assert maps(small / "run") == maps(small / "fresh")


def change_behind_vrt(folder: Path) -> None:
    write_array(folder / "img.tif", GRID, ("b1", "b2"), bands()[::-1])


def change_mask(folder: Path) -> None:
    with rasterio.open(folder / "img.tif") as source:
        profile = {**source.profile, "count": 1, "dtype": "uint8", "nodata": None}
        mask = source.read(1) > 0
    profile.pop("interleave", None)
    with rasterio.open(folder / "img.tif.msk", "w", **profile) as made:
        made.write((255 * mask).astype("uint8"), 1)


@pytest.mark.parametrize("change", [change_behind_vrt, change_mask])
def test_files_behind_and_beside_a_raster_count(
    small: Path, gossan: Command, change: object
) -> None:
    if change is change_behind_vrt:
        use_vrt(small)
    assert gossan("run", small, "-q").code == 0
    change(small)  # type: ignore[operator]
    assert gossan("run", small, "-q").code == 0
    assert gossan("run", small, "-q", "--out", small / "fresh").code == 0
    assert maps(small / "run") == maps(small / "fresh")


def test_a_large_file_counts_as_a_whole(tmp_path: Path) -> None:
    from gossan.io.file_hashes import FileHashes

    path = tmp_path / "big.bin"
    with path.open("wb") as stream:
        stream.truncate(3 * 2**20)
    os.utime(path, ns=(time.time_ns() - 10**11,) * 2)
    before = FileHashes(tmp_path / "hashes.json").of(path)
    with path.open("r+b") as stream:
        stream.seek(10**6)
        stream.write(b"changed")
    os.utime(path, ns=(time.time_ns() - 10**11,) * 2)
    assert FileHashes(tmp_path / "hashes.json").of(path) != before


@pytest.mark.parametrize("command", ["anomalies", "report", "sample"])
def test_a_command_that_is_stopped_while_it_changes_a_run_leaves_it_unfinished(
    command: str, small: Path, gossan: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = small / "run"
    assert gossan("run", only_kriging(small), "-q").code == 0
    writers = {
        "anomalies": "gossan.pipeline.commands.anomalies.write_anomalies",
        "report": "gossan.report.build.page",
        "sample": "gossan.pipeline.commands.sample.write_plan",
    }

    def stopped(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(writers[command], stopped)
        assert gossan(command, run, *COARSE[command]).code == 130
    assert not (run / "manifest.json").exists()
    for reader in ("anomalies", "report", "sample"):
        assert "stopped halfway" in gossan(reader, run).refused
    assert gossan("run", small, "-q").code == 0
    assert gossan(command, run, *COARSE[command]).code == 0
    listed = json.loads((run / "manifest.json").read_text(encoding="utf-8"))["files"]
    assert command != "sample" or "anomalies/sample_next.csv" in listed


COARSE: dict[str, tuple[str, ...]] = {
    "anomalies": ("--threshold", "Cu=15"),
    "report": (),
    "sample": ("--goal", "variance", "--count", "2"),
}
"""Options with which each command has something to write."""


def test_every_command_that_reads_or_changes_a_run_waits_for_its_turn(
    small: Path, gossan: Command
) -> None:
    assert gossan("run", only_kriging(small), "-q").code == 0
    run = small / "run"
    (small / "places.csv").write_text("easting,northing\n500500,3999500\n", encoding="utf-8")
    predict = ("predict", run, "--at", small / "places.csv", "--out", small / "out.csv")
    leftover = small / ".out.0123abcd.partial.csv"
    leftover.write_text("half", encoding="utf-8")
    with locked(run):
        for line in (
            ("anomalies", run),
            ("report", run),
            ("sample", run, *COARSE["sample"]),
            predict,
        ):
            assert "one command at a time" in gossan(*line).refused
    assert not (small / "out.csv").exists()
    assert gossan(*predict).code == 0
    assert not leftover.exists()


def test_the_manifest_of_a_krige_folder_lists_its_figures(small: Path, gossan: Command) -> None:
    assert gossan("krige", small, "-q").code == 0
    folder = small / "krige"
    listed = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["files"]
    drawn = {path.relative_to(folder).as_posix() for path in (folder / "figures").iterdir()}
    assert drawn
    assert drawn <= set(listed)
