"""Call sharpeners from outside gossan as programs, and measure what a program costs.

SAGA's "GWR for Grid Downscaling" is the program ``saga_cmd``. pyDMS (decision trees, Gao et al.
2012) is a folder named by GOSSAN_PYDMS, run by the Python named by GOSSAN_GDAL_PYTHON (default
``python3``), which must have GDAL's bindings and scikit-learn. Both take a coarse layer and fine
bands, and neither is part of gossan.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TREES = """
import sys
place, fine, coarse, out, window = sys.argv[1:]
sys.path.insert(0, place)
from osgeo import gdal
from pyDMS import pyDMSUtils
from pyDMS.pyDMS import DecisionTreeSharpener
trees = DecisionTreeSharpener(
    highResFiles=[fine], lowResFiles=[coarse], movingWindowSize=int(window), regressorOpt={},
    baggingRegressorOpt={"n_estimators": 30, "random_state": 1})
trees.trainSharpener()
sharp = trees.applySharpener(fine, coarse)
_, mended = trees.residualAnalysis(sharp, coarse, doCorrection=True)
where = gdal.Open(fine)
pyDMSUtils.saveImg(
    mended.GetRasterBand(1).ReadAsArray(), where.GetGeoTransform(), where.GetProjection(), out)
"""

WATCH = """
import json, os, subprocess, sys, time
began = time.perf_counter()
process = subprocess.Popen(sys.argv[2:], stdout=open(sys.argv[1], "wb"), stderr=subprocess.STDOUT)
_, status, used = os.wait4(process.pid, 0)
print(json.dumps([time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss,
                  status]))
"""
"""A small program that starts another: a big parent would lend the child its own peak memory."""


@dataclass(frozen=True)
class Cost:
    """Hold what a whole program took: wall and processor seconds, peak memory in MiB."""

    wall_s: float
    cpu_s: float
    peak_mib: float


def measured(command: list[str], log: Path, threads: int) -> Cost:
    """Run a program to its end and measure it; what it printed goes to a file."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": "1"}
    watched = [sys.executable, "-S", "-c", WATCH, str(log), *command]
    found = subprocess.run(watched, check=True, capture_output=True, env=environment)
    wall, cpu, peak, status = json.loads(found.stdout)
    if status:
        raise SystemExit(f"{command[0]} failed: {log.read_text(errors='replace')[-600:]}")
    return Cost(wall, cpu, peak / (2**20 if sys.platform == "darwin" else 2**10))


def saga_gwr(folder: Path, bands: int, threads: int, radius: int) -> tuple[Path, Cost]:
    """Sharpen coarse.tif by b1.tif ...: regression within ``radius`` cells, residual added."""
    out = folder / "saga.sgrd"
    predictors = ";".join(str(folder / f"b{k + 1}.tif") for k in range(bands))
    command = [
        "saga_cmd", f"--cores={threads}", "statistics_regression", "14",
        "-PREDICTORS", predictors, "-DEPENDENT", str(folder / "coarse.tif"),
        "-REGRESSION", str(folder / "saga_plain.sgrd"), "-REG_RESCORR", str(out),
        "-QUALITY", str(folder / "saga_r2.sgrd"), "-RESIDUALS", str(folder / "saga_left.sgrd"),
        "-SEARCH_RANGE", "0", "-SEARCH_RADIUS", str(radius), "-DW_WEIGHTING", "3",
        "-DW_BANDWIDTH", str(radius * 0.4),
    ]  # fmt: skip
    cost = measured(command, folder / "saga.log", threads)
    return out.with_suffix(".sdat"), cost


def trees(folder: Path, bands: int, threads: int, window: int) -> tuple[Path, Cost]:
    """Sharpen coarse.tif by features.tif: bagged trees, in windows of coarse cells and over all."""
    python = os.environ.get("GOSSAN_GDAL_PYTHON", "python3")
    out = folder / "pydms.tif"
    command = [
        shutil.which(python) or python, "-c", TREES, os.environ["GOSSAN_PYDMS"],
        str(folder / "features.tif"), str(folder / "coarse.tif"), str(out), str(window),
    ]  # fmt: skip
    return out, measured(command, folder / "pydms.log", threads)


Sharpener = Callable[[Path, int, int, int], tuple[Path, Cost]]


def installed() -> dict[str, tuple[Sharpener, int]]:
    """Name the sharpeners that are here, with their windows; say once which are not."""
    found: dict[str, tuple[Sharpener, int]] = {}
    if shutil.which("saga_cmd"):
        found["SAGA GWR, radius 10"] = (saga_gwr, 10)
    else:
        _say("SAGA is left out: saga_cmd is not installed.")
    if Path(os.environ.get("GOSSAN_PYDMS", "none"), "pyDMS").is_dir():
        found["pyDMS, windows and global"] = (trees, 15)
        found["pyDMS, global"] = (trees, 0)
    else:
        _say("pyDMS is left out: GOSSAN_PYDMS does not name its folder.")
    return found


@cache
def _say(words: str) -> None:
    print(words, flush=True)
