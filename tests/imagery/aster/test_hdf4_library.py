"""Without a working pyhdf gossan runs, and what needs HDF4 says how to get it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

READ = "gossan.open_aster('AST_L1T.hdf')"
WRITE = """
from pathlib import Path
from gossan.demo import simulate_district
from gossan.demo.raw_scenes import write_raw_scenes
write_raw_scenes(simulate_district(seed=3, shape=(40, 40), sensors=("aster",)), Path("scenes"))
"""


@pytest.mark.parametrize("code", [READ, WRITE], ids=["read", "write"])
@pytest.mark.parametrize(
    "reason", ["No module named 'pyhdf'", "DLL load failed while importing _hdfext"]
)
def test_a_pyhdf_that_does_not_load_is_an_error_with_its_cure(
    tmp_path: Path, code: str, reason: str
) -> None:
    (tmp_path / "AST_L1T.hdf").write_bytes(b"\x0e\x03\x13\x01")
    (tmp_path / "pyhdf").mkdir()
    (tmp_path / "pyhdf" / "__init__.py").write_text(f"raise ImportError({reason!r})\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", f"import gossan\n{code}"],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True,
    )  # fmt: skip
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("gossan.errors.MissingDependencyError: pyhdf must be installed")
    assert reason in last and "pip install pyhdf" in last
    assert not list(tmp_path.rglob("scenes/*.hdf"))
