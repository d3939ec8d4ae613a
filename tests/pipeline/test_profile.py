"""Steps of a command are measured by what they are known to do."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gossan.io.finished_run import open_run
from gossan.io.tables import Column, Table
from gossan.pipeline.profile import Profile, with_total
from gossan.pipeline.progress import Silent


def test_a_step_counts_its_bytes_memory_and_clocks(tmp_path: Path) -> None:
    profile = Profile(Silent())
    content = bytes(8 * 2**20)
    with profile.step("writes 8 MiB"):
        (tmp_path / "file").write_bytes(content)
    with profile.step("reads them"):
        assert (tmp_path / "file").read_bytes() == content
    with profile.step("holds 64 MiB"):
        held = np.ones(8 * 2**20)
    with profile.step("sleeps"):
        time.sleep(0.2)
    writes, reads, holds, sleeps = profile.steps
    assert writes.written_mib == pytest.approx(8, abs=0.5)
    assert reads.read_mib == pytest.approx(8, abs=0.5)
    assert holds.peak_mib is not None and reads.peak_mib is not None
    assert holds.peak_mib - reads.peak_mib > 50 and held.nbytes == 64 * 2**20
    assert sleeps.wall_s >= 0.2 > sleeps.processor_s


def test_a_step_that_fails_is_measured_too() -> None:
    profile = Profile(Silent())
    with pytest.raises(ZeroDivisionError), profile.step("fails"):
        _ = 1 / 0
    assert [one.step for one in profile.steps] == ["fails"]


def test_a_run_prints_its_steps_and_keeps_them(
    small: Path, tmp_path: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    product = '\n[[product]]\nname = "kriging"\nmodel = "kriging"\n'
    small.write_text(small.read_text(encoding="utf-8") + product, encoding="utf-8")
    code, out, error = command("run", small, "--out", tmp_path / "run", "--profile")
    assert code == 0, error
    finished = open_run(tmp_path / "run")
    titles = [step.step for step in finished.manifest.steps]
    assert titles[0] == "Surveys and imagery" and titles[-1] == "Report"
    assert "Cu: anomalies" in titles and "Cu: kriging" in titles
    table = finished.table(Table.STEPS)
    assert table[Column.STEP].tolist() == titles
    assert all(title in out for title in titles)
    total = with_total(finished.manifest.steps).iloc[-1]
    assert total[Column.WALL_S] == pytest.approx(table[Column.WALL_S].sum(), abs=0.01)
    assert total[Column.PEAK_MIB] == table[Column.PEAK_MIB].max()
