"""The events that programs read, as docs/json_events.md promises them, through real processes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ..tiny_project import write_tiny

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "json_events.md").read_text(encoding="utf-8")
COMMAND = [sys.executable, "-m", "gossan", "--json"]


def events(*arguments: str, expected: int = 0) -> list[dict[str, Any]]:
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, timeout=300)
    assert done.returncode == expected, done.stderr.decode()
    return read(done.stdout)


def read(output: bytes) -> list[dict[str, Any]]:
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return [json.loads(line, parse_constant=refuse) for line in output.decode("ascii").splitlines()]


def documented() -> dict[str, set[str]]:
    """Fields of each event by the table of the page."""
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| [^|]*\|$", PAGE.split("`files` maps")[0], re.M)
    return {event: set(re.findall(r"`(\w+)`", fields)) for event, fields in rows}


def test_the_handshake_names_the_documented_protocol() -> None:
    hello, result = events("--version")
    assert hello["event"] == "hello"
    assert f"(now {hello['protocol']})" in PAGE
    assert (result["event"], result["exit_code"]) == ("result", 0)


def test_a_run_reports_steps_and_ends_with_its_files_and_scores(tmp_path: Path) -> None:
    project = write_tiny(tmp_path)
    found = events("validate", str(project), "--out", str(tmp_path / "Карта"))
    assert [found[0]["event"], found[-1]["event"]] == ["hello", "result"]
    begun = {e["id"]: e["title"] for e in found if e.get("state") == "begin"}
    ended = {e["id"]: e["title"] for e in found if e.get("state") == "end"}
    assert begun == ended
    assert list(begun) == list(range(1, len(begun) + 1))
    assert Path(found[-1]["files"]["tables"]) == tmp_path / "Карта" / "tables"
    assert {row["product"] for row in found[-1]["tables"]["scores"]} >= {"kriging", "sound"}
    for event in found:
        assert set(event) - {"event"} <= documented()[event["event"]], event


def test_results_list_layers_that_exist(finished_run: Path) -> None:
    result = events("results", str(finished_run))[-1]
    assert set(result) - {"event"} == documented()["result"]
    assert {layer["group"] for layer in result["layers"]} >= {"Targets", "Best map"}
    for layer in result["layers"]:
        assert Path(layer["path"]).exists()
    promised = set(re.findall(r"`(\w+)`", PAGE.split("`layers` lists")[1].split("`settings`")[0]))
    assert set(result["layers"][0]) <= promised
    assert set(result["tables"]["targets"][0]) <= set(
        re.findall(r"`(\w+)`", PAGE.split("`targets` has")[1])
    )
    assert [text.partition(":")[0] for text in result["text"]] == ["Cu", "Zn"]


def test_settings_of_a_project_are_shown(finished_run: Path) -> None:
    result = events("show", str(finished_run.parent))[-1]
    assert result["settings"]["project"]["elements"] == ["Cu", "Zn"]
    assert result["settings"]["survey"][1]["role"] == "check"


def test_check_tells_findings_and_facts(tmp_path: Path) -> None:
    project = write_tiny(tmp_path)
    text = project.read_text(encoding="utf-8")
    project.write_text(text.replace("Cu_ppm", "Cu_pmp"), encoding="utf-8")
    found = events("check", str(project), expected=2)
    errors = [e for e in found if e["event"] == "finding" and e["severity"] == "error"]
    assert any("Cu_pmp" in e["text"] for e in errors)
    assert (found[-1]["event"], found[-1]["exit_code"]) == ("result", 2)


@pytest.mark.parametrize("arguments", [["run", "nowhere"], ["run"], ["nonsense"], ["check", "-x"]])
def test_an_error_is_the_last_event(arguments: list[str]) -> None:
    hello, error = events(*arguments, expected=2)
    assert hello["event"] == "hello"
    assert (error["event"], error["kind"], error["exit_code"]) == ("error", "input", 2)
    assert len(error["lines"]) == 1
    assert set(error) - {"event"} == documented()["error"]


def listen() -> None:
    """Take SIGINT also where the tests run in the background, which ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals between processes")
@pytest.mark.parametrize("sent", ["SIGINT", "SIGTERM"])
def test_a_cancelled_run_says_so_and_leaves_nothing_half_written(tmp_path: Path, sent: str) -> None:
    project = write_tiny(tmp_path)
    with subprocess.Popen(
        [*COMMAND, "run", str(project)], stdout=subprocess.PIPE, preexec_fn=listen
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if b'"Cu: kriging"' in line:
                time.sleep(0.2)
                process.send_signal(getattr(signal, sent))
                break
        lines += process.stdout.readlines()
    assert process.returncode == 130
    last = read(lines[-1])[0]
    assert (last["event"], last["kind"], last["exit_code"]) == ("error", "cancelled", 130)
    assert "finished steps are kept" in last["lines"][0]
    assert not list((tmp_path / "run").rglob("*.partial*"))
