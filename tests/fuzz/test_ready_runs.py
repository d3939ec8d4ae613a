"""What `check` calls ready runs, however poor the samples and the imagery are.

Settings are valid; samples are few, clustered, of one value or beyond limits, imagery is masked, of
few values or copies. GOSSAN_FUZZ_SECONDS bounds the time as in ``test_fuzz``.
"""

from __future__ import annotations

import random
import shutil
import time
from pathlib import Path

import pytest

from gossan.geo.raster import close_files

from .poor_data import write_poor
from .test_fuzz import FIRST, MUTATIONS, SECONDS, command


def test_what_check_calls_ready_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["gossan"])
    begun, late, ready = time.process_time(), [], 0
    for number in range(FIRST, FIRST + max(MUTATIONS // 5, 10)):
        if time.process_time() - begun > SECONDS:
            break
        folder = tmp_path / str(number)
        made_of = write_poor(folder, random.Random(13 * 100_003 + number))
        if command("check", folder).code == 0:
            ready += 1
            ended = command("run", folder, "-q")
            if ended.code != 0:
                late.append(f"{number}: {made_of}: {ended.code} {ended.refusal[:300]}")
        close_files()
        shutil.rmtree(folder, ignore_errors=True)
    assert not late, "\n".join(late)
    assert ready
