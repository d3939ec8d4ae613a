"""Kernels run whatever a former version, a crash or a locked folder left in the cache."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

MODULE = """
from numba import njit
from gossan.arrays.compiled import compiled
from {place} import Pair

{decorator}
def kernel(pair):
    return pair.a + pair.b

print(kernel(Pair(1.5, 2.0)), sum(kernel.stats.cache_hits.values()))
"""
LIKELIHOOD = """
import numpy as np
from gossan.geochem.covariance.model import CovarianceModel, Structure
from gossan.geochem.covariance.vecchia import NearestSamples

rng = np.random.default_rng(0)
samples = NearestSamples.of(rng.uniform(0, 9e3, (600, 2)))
covariance = CovarianceModel(0.1, (Structure("exponential", 0.9, 4e3),))
noise, columns = np.full(600, 0.1), rng.normal(size=(600, 3))
sums = samples.sums(covariance, noise, columns, np.array([[1e-8, 0.0, 1e-8]]), noise[None])
print(*(np.asarray(part).tobytes().hex() for part in vars(sums).values()))
"""
OURS, NUMBAS = "@compiled()", "@njit(nogil=True, cache=True)"
PAIR = "from typing import NamedTuple\nclass Pair(NamedTuple):\n    a: float\n    b: float\n"


def call_kernel(folder: Path, place: str = "old_home", decorator: str = OURS) -> str:
    """Result and cache hits of a kernel in a fresh Python, or the last line of its failure."""
    source, text = folder / "user.py", MODULE.format(place=place, decorator=decorator)
    if not source.exists() or source.read_text("utf-8") != text:  # numba looks at its time
        source.write_text(text, encoding="utf-8")
    return last_line(folder, "import user")


def last_line(folder: Path, program: str) -> str:
    """What a fresh Python with a cache of its own prints last."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]),
        "NUMBA_CACHE_DIR": str(folder / "cache"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True
    )
    return (done.stdout or done.stderr).strip().splitlines()[-1]


@pytest.fixture
def upgraded(tmp_path: Path) -> Path:
    """Folder whose cache was filled before the class of an argument moved."""
    (tmp_path / "old_home.py").write_text(PAIR, encoding="utf-8")
    assert call_kernel(tmp_path) == "3.5 0"
    (tmp_path / "old_home.py").rename(tmp_path / "new_home.py")
    return tmp_path


def test_a_cache_that_names_a_moved_module_is_compiled_again(upgraded: Path) -> None:
    assert "No module named 'old_home'" in call_kernel(upgraded, "new_home", NUMBAS)
    assert call_kernel(upgraded, "new_home") == "3.5 0"
    assert call_kernel(upgraded, "new_home") == "3.5 1"


@pytest.mark.parametrize("ending", [".nbi", ".nbc"])
def test_a_damaged_cache_is_compiled_again(tmp_path: Path, ending: str) -> None:
    (tmp_path / "old_home.py").write_text(PAIR, encoding="utf-8")
    assert call_kernel(tmp_path) == "3.5 0"
    (path,) = (tmp_path / "cache").rglob(f"*kernel*{ending}")
    path.write_bytes(path.read_bytes()[:-20])
    assert call_kernel(tmp_path) == "3.5 0"


def test_a_folder_that_cannot_be_written_costs_the_cache_only(tmp_path: Path) -> None:
    (tmp_path / "old_home.py").write_text(PAIR, encoding="utf-8")
    (tmp_path / "cache").write_text("a file where the folder should be", encoding="utf-8")
    source = tmp_path / "__pycache__"
    source.write_text("the same beside the source", encoding="utf-8")
    environment = {"HOME": str(source), "XDG_CACHE_HOME": str(source), "LOCALAPPDATA": str(source)}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        assert call_kernel(tmp_path) == "3.5 0"


def test_a_likelihood_has_the_same_bits_compiled_and_loaded(tmp_path: Path) -> None:
    """The process that compiles kernels and those that load them are one run on a cluster."""
    compiled, loaded = (last_line(tmp_path, LIKELIHOOD) for _ in range(2))
    assert len(compiled.split()) == 4
    assert compiled == loaded
