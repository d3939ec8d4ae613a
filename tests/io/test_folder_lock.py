"""One command at a time works in a folder; a lock leaves nothing behind."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from gossan.errors import InputError, InterruptedRunError
from gossan.io.folder_lock import LOCK, locked


def test_the_second_in_a_folder_is_refused_with_the_name_of_the_first(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with locked(folder):
        assert json.loads((folder / LOCK).read_text())["process"] == os.getpid()
        with pytest.raises(InputError, match=rf"process {os.getpid()} on .* since \d{{4}}-"):
            locked(folder).__enter__()
        (folder / "layer.tif").touch()
    assert [path.name for path in folder.iterdir()] == ["layer.tif"]
    with locked(folder):
        pass


def test_a_folder_that_nothing_was_written_to_is_gone(tmp_path: Path) -> None:
    with locked(tmp_path / "run"):
        pass
    assert not (tmp_path / "run").exists()


def test_a_lock_is_released_by_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="inside"), locked(tmp_path / "run"):
        raise ValueError("inside")
    with locked(tmp_path / "run"):
        pass


def test_what_another_computer_says_is_believed(tmp_path: Path) -> None:
    (tmp_path / LOCK).write_text(json.dumps({"host": "elsewhere", "process": 7}))
    with pytest.raises(InputError, match="process 7 on elsewhere"):
        locked(tmp_path).__enter__()


@pytest.mark.parametrize("text", ["", "{", "[1]"])
def test_the_text_of_a_killed_process_does_not_matter(text: str, tmp_path: Path) -> None:
    (tmp_path / LOCK).write_text(text)
    with locked(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "run").touch()
    with pytest.raises(InterruptedRunError) as refused, locked(tmp_path / "run"):
        pass
    assert "\n" not in str(refused.value)
