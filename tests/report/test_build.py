"""Building a report renews its files, and leaves the run finished and everything else alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gossan.errors import InputError
from gossan.io.finished_run import open_run
from gossan.report.build import build_report


def test_a_report_renews_its_own_files_and_leaves_the_run_finished(run_copy: Path) -> None:
    old, mine = run_copy / "figures" / "old_Cu.png", run_copy / "figures" / "mine.png"
    old.parent.mkdir(exist_ok=True)
    old.write_bytes(b"of an earlier report")
    before = open_run(run_copy)
    before.folder.write_manifest(before.manifest)  # lists the old figure
    mine.write_bytes(b"a user's")
    path = build_report(run_copy)
    assert path == run_copy / "report.html" and path.stat().st_size > 10_000
    assert mine.exists() and not old.exists()
    after = open_run(run_copy).manifest
    assert after.products == before.manifest.products
    assert after.verdicts == before.manifest.verdicts
    listed = set(json.loads((run_copy / "manifest.json").read_text())["files"])
    assert {"report.html", "figures/answer_Cu.png", "targets/Cu.pdf"} <= listed
    made = {p.relative_to(run_copy).as_posix() for p in (run_copy / "figures").iterdir()}
    assert made <= listed


def test_an_unfinished_run_is_refused_and_nothing_is_written(run_copy: Path) -> None:
    open_run(run_copy).folder.withdraw()
    with pytest.raises(InputError):
        build_report(run_copy)
    assert not (run_copy / "report.html").exists()
