"""A file counts with everything that belongs to it, and is hashed anew when it was touched."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.shutil import copy

from gossan.io.file_hashes import (
    FINE_NS,
    REMEMBERED_BYTES,
    FileHashes,
    _settled,
    belonging,
    file_hash,
)


def test_a_hash_is_that_of_the_standard_library(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(range(256)) * 9000)
    wanted = hashlib.sha256(path.read_bytes()).hexdigest()
    assert file_hash(path) == wanted == FileHashes(tmp_path / "h.json").of(path)


def test_a_large_file_is_remembered_until_it_is_touched(tmp_path: Path) -> None:
    path, memory = tmp_path / "a.bin", tmp_path / "h.json"
    path.write_bytes(b"a" * REMEMBERED_BYTES)
    os.utime(path, ns=(10**18, 10**18))
    first = FileHashes(memory).of(path)
    path.write_bytes(b"b" * REMEMBERED_BYTES)
    os.utime(path, ns=(10**18 + 1, 10**18 + 1))
    assert FileHashes(memory).of(path) == file_hash(path) != first


@pytest.mark.parametrize(
    ("age_ns", "finely", "remembered"),
    [(10**6, True, False), (10**6, False, False), (10**9, True, True), (10**9, False, False),
     (3 * 10**9, False, True)],
)  # fmt: skip
def test_a_file_is_remembered_once_it_cannot_change_unseen(
    age_ns: int, finely: bool, remembered: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = 10**18 + (1 if finely else 0)
    monkeypatch.setattr("time.time_ns", lambda: changed + age_ns)
    assert _settled(changed) == remembered


def test_hashes_travel_to_another_process_with_what_they_remember(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"a" * REMEMBERED_BYTES)
    stamp = path.stat()
    known = [stamp.st_size, stamp.st_mtime_ns, stamp.st_ctime_ns, stamp.st_ino]
    (tmp_path / "h.json").write_text(json.dumps({str(path): [known, "as remembered"]}))
    travelled = pickle.loads(pickle.dumps(FileHashes(tmp_path / "h.json")))
    assert travelled.of(path) == "as remembered"


def test_several_files_are_hashed_and_remembered_at_a_time(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.bin" for number in range(9)]
    for number, path in enumerate(paths):
        path.write_bytes(bytes([number]) * REMEMBERED_BYTES)
        os.utime(path, ns=(10**18, 10**18))
    time.sleep(FINE_NS / 1e9)
    memory = tmp_path / "h.json"
    found = FileHashes(memory).of_all(paths)
    assert found == list(map(file_hash, paths))
    assert set(json.loads(memory.read_text())) == set(map(str, paths))


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 3}'])
def test_a_damaged_memory_is_forgotten(text: str, tmp_path: Path) -> None:
    (tmp_path / "h.json").write_text(text)
    path = tmp_path / "a.bin"
    path.write_bytes(b"a" * REMEMBERED_BYTES)
    assert FileHashes(tmp_path / "h.json").of(path) == file_hash(path)


def test_side_files_and_what_a_virtual_raster_is_made_of_belong_to_it(tmp_path: Path) -> None:
    source, shape = tmp_path / "in" / "a.tif", (3, 4)
    source.parent.mkdir()
    profile = {"driver": "GTiff", "height": 3, "width": 4, "count": 1, "dtype": "uint8",
               "crs": "EPSG:32638", "transform": rasterio.Affine(1, 0, 5, 0, -1, 9)}  # fmt: skip
    with rasterio.open(source, "w", **profile) as made:
        made.write(np.ones((1, *shape), np.uint8))
    virtual = tmp_path / "a.vrt"
    copy(source, virtual, driver="VRT")
    for name in ("a.tfw", "A.PRJ", "a.tif.aux.xml", "ab.tfw", "a.txt"):
        (source.parent / name).touch()
    names = {path.name for path in belonging(virtual)}
    assert names == {"a.vrt", "a.tif", "a.tfw", "A.PRJ", "a.tif.aux.xml"}


def test_any_file_of_a_product_folder_stands_for_the_folder(tmp_path: Path) -> None:
    safe = tmp_path / "X.SAFE"
    (safe / "GRANULE").mkdir(parents=True)
    for name in ("MTD.xml", "GRANULE/b02.jp2"):
        (safe / name).write_text(name)
    assert belonging(safe / "MTD.xml") == belonging(safe)
    found = FileHashes(tmp_path / "h.json").of_inputs([safe])
    assert set(found) == {"X.SAFE/MTD.xml", "X.SAFE/GRANULE/b02.jp2"}
    assert json.dumps(found)


def test_files_of_one_name_are_distinguished(tmp_path: Path) -> None:
    paths = [tmp_path / folder / "samples.csv" for folder in ("one", "two")]
    for path in paths:
        path.parent.mkdir()
        path.write_text(path.parent.name)
    found = FileHashes(tmp_path / "h.json").of_inputs(paths)
    assert sorted(found.values()) == sorted(map(file_hash, paths))
