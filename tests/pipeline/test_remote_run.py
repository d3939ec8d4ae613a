"""Scenes at addresses: STAC items on disk or on a server, whose rasters a server gives."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gossan.errors import ImageryError
from gossan.geo.raster import close_files, open_raster
from gossan.geo.remote import remote_path, remote_stamp
from gossan.pipeline.commands.run import run_project
from gossan.pipeline.options.project import load_project

from .test_levelled_run import write_project

SERVER = Path(__file__).resolve().parent.parent / "range_server.py"


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, str]]:
    """A folder, and the address at which a server on this machine gives its files."""
    folder = tmp_path / "served"
    folder.mkdir()
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    command = [sys.executable, str(SERVER), str(folder), str(tmp_path / "asked.txt")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield folder, f"http://127.0.0.1:{int(process.stdout.readline())}"
        close_files()
        process.terminate()


def write_items(folder: Path, scenes: Path, href: str) -> None:
    folder.mkdir(exist_ok=True)
    for path in sorted(scenes.glob("*.tif")):
        date = path.stem.split("_")[1]
        when = {"datetime": f"{date[:4]}-{date[4:6]}-{date[6:]}T07:00:00Z"}
        assets = {"data": {"href": href.format(name=path.name), "roles": ["data"]}}
        text = json.dumps({"type": "Feature", "properties": when, "assets": assets})
        (folder / f"{path.stem}.json").write_text(text, encoding="utf-8")


def test_a_run_of_remote_items_writes_what_one_of_files_writes(
    served: tuple[Path, str], tmp_path: Path
) -> None:
    folder, address = served
    project = write_project(folder)
    text = project.read_text(encoding="utf-8")
    write_items(folder / "items", folder / "scenes", "../scenes/{name}")
    run_project(load_project(project), tmp_path / "files", workers=1)
    write_items(tmp_path / "items", folder / "scenes", address + "/scenes/{name}")
    local_items = [f"{tmp_path.as_posix()}/items/*.json"]
    remote_items = [f"{address}/items/{one.name}" for one in sorted(folder.glob("items/*.json"))]
    asked = {"local_items": "GET /scenes/", "remote_items": "GET /items/"}  # GDAL keeps pixels
    for name, paths in (("local_items", local_items), ("remote_items", remote_items)):
        project.write_text(text.replace('["scenes/*.tif"]', json.dumps(paths)), encoding="utf-8")
        (tmp_path / "asked.txt").unlink(missing_ok=True)
        run_project(load_project(project), tmp_path / name, workers=1)
        assert asked[name] in (tmp_path / "asked.txt").read_text(encoding="utf-8")
        layers = sorted((tmp_path / "files" / "layers").glob("*.tif"))
        assert any("exposure" in one.name for one in layers)
        for one in layers:
            assert one.read_bytes() == (tmp_path / name / "layers" / one.name).read_bytes(), one


def test_a_changed_remote_raster_has_another_stamp_and_a_missing_one_is_one_line(
    served: tuple[Path, str],
) -> None:
    folder, address = served
    (folder / "a.tif").write_bytes(b"one")
    path = remote_path(f"{address}/a.tif")
    assert path is not None
    before = remote_stamp(path)
    assert remote_stamp(path) == before
    (folder / "a.tif").write_bytes(b"longer")
    assert remote_stamp(path) != before
    missing = remote_path(f"{address}/none.tif")
    assert missing is not None
    with pytest.raises(ImageryError) as caught:
        open_raster(missing)
    assert "\n" not in str(caught.value)
