"""A full disk, or a file that another program holds, is one line; nothing half-written stays."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import geopandas
import pandas as pd
import pytest

from gossan.errors import InterruptedRunError
from gossan.io.field_files import write_gpx, write_points_kml
from gossan.io.geometry_tables import write_csv, write_geojson, write_geopackage
from gossan.io.run_folder import RunFolder

Writer = Callable[[Path, geopandas.GeoDataFrame], None]

WRITERS: dict[str, Writer] = {
    "a.gpkg": lambda path, table: write_geopackage(path, {"places": table}),
    "a.geojson": write_geojson,
    "a.csv": write_csv,
    "a.kml": lambda path, table: write_points_kml(path, table, "name", "places"),
    "a.gpx": lambda path, table: write_gpx(path, table, "name", "places"),
}


def places(count: int = 3) -> geopandas.GeoDataFrame:
    table = pd.DataFrame({"name": [f"place {i}" for i in range(count)]})
    points = geopandas.points_from_xy(range(count), range(count), crs="EPSG:32638")
    return geopandas.GeoDataFrame(table, geometry=points)


@pytest.mark.parametrize("name", WRITERS)
def test_a_target_that_another_program_holds_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under Windows an open file cannot be replaced."""
    path = tmp_path / name
    path.write_text("of before", encoding="utf-8")

    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(errno.EACCES, "Access is denied", str(self), None, str(target))

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(InterruptedRunError, match=f"Close the program that has {name} open"):
        WRITERS[name](path, places())
    assert [one.name for one in tmp_path.iterdir()] == [name]
    assert path.read_text(encoding="utf-8") == "of before"


@pytest.mark.parametrize("name", WRITERS)
def test_a_disk_that_fills_up_while_bytes_go_to_it_is_one_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(number: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InterruptedRunError, match="No space left on device"):
        WRITERS[name](tmp_path / name, places())
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="files have no limit of size there")
def test_writes_that_really_fail_leave_nothing_behind(tmp_path: Path) -> None:
    """Through a real process whose files may have 8 KiB: the system refuses the bytes beyond."""
    code = f"""
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).resolve().parents[1])!r})
from io_tests import WRITERS, places
from gossan.errors import InterruptedRunError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
table = places(20_000)
resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
for name, write in WRITERS.items():
    try:
        write(Path({str(tmp_path)!r}) / name, table)
        print("written", name)
    except InterruptedRunError as error:
        assert len(str(error).splitlines()) == 1
        print("refused", name)
"""
    loader = (
        "import importlib.util, sys\n"
        f"spec = importlib.util.spec_from_file_location('io_tests', {str(Path(__file__))!r})\n"
        "module = importlib.util.module_from_spec(spec)\n"
        "sys.modules['io_tests'] = module\n"
        "spec.loader.exec_module(module)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", loader + code], capture_output=True, text=True, timeout=300
    )
    assert done.stdout.splitlines() == [f"refused {name}" for name in WRITERS], done.stderr
    assert not list(tmp_path.iterdir())


def test_a_table_that_cannot_be_written_keeps_the_one_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunFolder(tmp_path)
    run.write_table("clusters", pd.DataFrame({"pixels": [5]}))

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(InterruptedRunError, match="No space left on device"):
        run.write_table("clusters", pd.DataFrame({"pixels": [6]}))
    assert run.table("clusters")["pixels"].tolist() == [5]
    assert [one.name for one in (tmp_path / "tables").iterdir()] == ["clusters.csv"]
