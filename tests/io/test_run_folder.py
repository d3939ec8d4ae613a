"""Steps are kept as long as what they were made of and what they left stands."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from gossan.errors import InputError
from gossan.io.finished_run import open_run
from gossan.io.run_folder import RunFolder, fingerprint


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "run")


def step(folder: RunFolder, made_of: dict[str, object], text: str = "made") -> bool:
    path = folder.layers / "a.tif"

    def work() -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return folder.once("a step", made_of, [path], work)


def test_a_step_is_done_once_until_its_settings_change(folder: RunFolder) -> None:
    assert step(folder, {"k": 1}) and not step(folder, {"k": 1})
    assert step(folder, {"k": 2}) and step(folder, {"k": 1})


def test_a_step_whose_output_was_changed_or_lost_is_done_again(folder: RunFolder) -> None:
    step(folder, {})
    (folder.layers / "a.tif").write_text("edited")
    assert step(folder, {})
    (folder.layers / "a.tif").unlink()
    assert step(folder, {})


@pytest.mark.parametrize("text", ["", "[]", '{"key": "x", "outputs": 3}', "{"])
def test_a_damaged_record_of_a_step_is_none(text: str, folder: RunFolder) -> None:
    step(folder, {})
    (record,) = (folder.root / "steps").iterdir()
    record.write_text(text)
    assert step(folder, {})


def test_an_output_that_may_be_missing_counts_where_it_is_there(folder: RunFolder) -> None:
    extra = folder.layers / "extra.tif"

    def work() -> None:
        folder.layers.mkdir(parents=True)
        for name in ("a.tif", "extra.tif"):
            (folder.layers / name).write_text(name)

    out = [folder.layers / "a.tif"]
    assert folder.once("s", {}, out, work, also=[extra, folder.layers / "never.tif"])
    extra.write_text("edited")
    assert not folder.stands("s", {}, out)


def test_settings_have_one_fingerprint_whatever_their_order() -> None:
    assert fingerprint({"a": 1, "b": [1, 2]}) == fingerprint({"b": [1, 2], "a": 1})
    assert fingerprint({"b": [1, 2]}) != fingerprint({"b": [2, 1]})


def test_the_manifest_lists_what_readers_read_and_nothing_else(run_copy: Path) -> None:
    opened = open_run(run_copy)
    (run_copy / "layers" / ".x.tif.0123abcd.partial.tif").touch()
    opened.folder.write_manifest(opened.manifest)
    listed = json.loads((run_copy / "manifest.json").read_text())["files"]
    wanted = {
        path.relative_to(run_copy).as_posix(): path.stat().st_size
        for name in ("layers", "tables", "figures", "anomalies", "targets")
        for path in (run_copy / name).rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }
    top = {k: v["bytes"] for k, v in listed.items() if "/" in k}
    assert top == wanted


def test_a_withdrawn_run_is_refused_until_its_manifest_is_written_again(run_copy: Path) -> None:
    opened = open_run(run_copy)
    opened.folder.withdraw()
    with pytest.raises(InputError):
        open_run(run_copy)
    opened.folder.write_manifest(opened.manifest)
    assert open_run(run_copy).products and not opened.folder.unfinished_path.exists()


def test_only_listed_files_that_are_not_written_again_are_removed(run_copy: Path) -> None:
    folder, tables = open_run(run_copy).folder, run_copy / "tables"
    (tables / "mine.csv").write_text("a user's")
    kept, lost = sorted(path.name for path in tables.glob("*.csv") if path.name != "mine.csv")[:2]
    with folder.renewed("tables/*.csv", keep=(kept,)):
        folder.write_table("scores", pd.read_csv(tables / "scores.csv"))
    names = {path.name for path in tables.iterdir()}
    assert {"mine.csv", "scores.csv", kept} <= names and lost not in names


def test_layers_that_nobody_wants_go_with_what_lies_beside_them(run_copy: Path) -> None:
    folder = open_run(run_copy).folder
    (run_copy / "layers" / "sketch.tif").write_text("a user's")
    folder.drop_layers(lambda stem: stem.startswith("kriging"))
    left = {path.name.split(".")[0] for path in (run_copy / "layers").iterdir()}
    assert {"sketch", "kriging_Cu", "kriging_Cu_se"} <= left
    assert not {one for one in left if one.startswith("sound")}
