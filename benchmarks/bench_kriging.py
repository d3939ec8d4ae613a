"""Kriging against R gstat, PyKrige, GSTools and gstlearn, side by side.

    python benchmarks/bench_kriging.py                  # every case and peer that is there
    python benchmarks/bench_kriging.py local --rounds 1

Cases: local (32 nearest, with variance), global (mean from all samples), large (20,000
samples to 1,000 x 1,000 nodes). Every engine runs in a process of its own with one thread, in
turn, and estimates two numbers of cells: the slope is microseconds a cell, the rest is set-up,
both in processor time; the best round counts. Estimates are compared with ours, and peak memory
is that of the process. The large case is wall time with one thread and with all. gstat needs
Rscript; gstlearn, PyKrige and GSTools are left out where missing.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

EXTENT = 100_000.0
NUGGET, SILL, RANGE = 0.05, 1.0, 15_000.0
ONE_THREAD = {
    name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
}
Estimate = Callable[[np.ndarray], np.ndarray]


def survey(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    xy = rng.uniform(0, EXTENT, (n, 2))
    z = np.sin(xy[:, 0] / 9000) + np.cos(xy[:, 1] / 7000) + 0.2 * rng.normal(size=n)
    return xy, z


def lattice(side: int) -> np.ndarray:
    """Nodes of a side x side lattice, row by row."""
    centres = (np.arange(side) + 0.5) * EXTENT / side
    east, north = np.meshgrid(centres, centres[::-1])
    return np.column_stack([east.ravel(), north.ravel()])


def ours(xy: np.ndarray, z: np.ndarray, case: str, threads: int) -> Estimate:
    from gossan.geochem.kriging.estimator import Kriging
    from gossan.geochem.variogram.fitting import CovarianceModel, Structure

    model = CovarianceModel(NUGGET, (Structure("spherical", SILL, RANGE),))
    neighbours = None if case == "global" else 32
    kriging = Kriging(model, neighbours=neighbours, workers=threads).fit(xy, z)
    if case == "global":
        return kriging.estimate
    return lambda targets: kriging.predict(targets)[0]


def pykrige(xy: np.ndarray, z: np.ndarray, case: str, threads: int) -> Estimate:
    from pykrige.ok import OrdinaryKriging

    parameters = {"psill": SILL, "range": RANGE, "nugget": NUGGET}
    kriging = OrdinaryKriging(
        *xy.T, z, variogram_model="spherical", variogram_parameters=parameters
    )
    if case == "global":
        return lambda t: kriging.execute("points", *t.T, backend="vectorized")[0].data
    return lambda t: kriging.execute("points", *t.T, backend="C", n_closest_points=32)[0]


def gstools(xy: np.ndarray, z: np.ndarray, case: str, threads: int) -> Estimate:
    import gstools

    model = gstools.Spherical(dim=2, var=SILL, len_scale=RANGE, nugget=NUGGET)
    kriging = gstools.krige.Ordinary(model, xy.T, z, exact=True)
    return lambda t: kriging(t.T, return_var=False)


def gstlearn(xy: np.ndarray, z: np.ndarray, case: str, threads: int) -> Estimate:
    import gstlearn as gl

    def db(places: np.ndarray) -> object:
        made = gl.Db.createFromSamples(len(places), gl.ELoadBy.COLUMN, [])
        made.addColumns(np.ascontiguousarray(places[:, 0]), "x", gl.ELoc.X, 0)
        made.addColumns(np.ascontiguousarray(places[:, 1]), "y", gl.ELoc.X, 1)
        return made

    samples = db(xy)
    samples.addColumns(z, "z", gl.ELoc.Z)
    model = gl.Model.createFromParam(gl.ECov.NUGGET, sill=NUGGET)
    model.addCovFromParam(gl.ECov.SPHERICAL, RANGE, SILL)
    model.setDriftIRF(0)
    near = gl.NeighMoving.create(False, 32, 1e9, 1, useBallTree=True)
    search = gl.NeighUnique.create() if case == "global" else near

    def estimate(targets: np.ndarray) -> np.ndarray:
        out = db(targets)
        gl.kriging(samples, out, model, search, flag_std=case != "global")
        return out.getColumn("Kriging.z.estim")

    return estimate


ENGINES = {"gossan": ours, "PyKrige": pykrige, "GSTools": gstools, "gstlearn": gstlearn}
R_SCRIPT = """
suppressMessages({{library(gstat); library(sp)}})
s <- read.csv("{folder}/samples.csv"); coordinates(s) <- ~x+y
t <- read.csv("{folder}/targets.csv"); coordinates(t) <- ~x+y
m <- vgm({sill}, "Sph", {range}, {nugget})
run <- function(k) {{ n <- min({small}, k); t0 <- sum(proc.time()[1:2])
  o <- krige(z ~ 1, s, t[1:k, ], m, nmax = {nmax}, debug.level = 0)
  list(sum(proc.time()[1:2]) - t0, o@data[[1]]) }}
a <- run({small}); b <- run({large})
status <- grep("VmHWM", readLines("/proc/self/status"), value = TRUE)
peak <- gsub("[^0-9]", "", status)
writeLines(format(b[[2]], digits = 17), "{folder}/estimate.txt")
cat(a[[1]], b[[1]], as.numeric(peak) / 1024)
"""


def child(engine: str, case: str, n: int, small: int, large: int, threads: int, out: str) -> None:
    """Run one engine and print its times and peak memory."""
    xy, z = survey(n)
    targets = cells(case, large)
    ENGINES[engine](xy[:64], z[:64], case, threads)(targets[:64])  # compile and import
    clock = time.process_time if threads == 1 else time.perf_counter
    start = clock()
    estimate = ENGINES[engine](xy, z, case, threads)
    estimate(targets[:small])
    first = clock() - start
    start = clock()
    found = estimate(targets)
    second = clock() - start
    np.save(out, np.asarray(found))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"first": first, "second": second, "peak": peak}))


def cells(case: str, count: int) -> np.ndarray:
    """The first ``count`` of a lattice's nodes, spread over the map by whole rows."""
    side = 1000 if case == "large" else 500
    return lattice(side)[: max(count, 1)]


def measure(engine: str, case: str, n: int, small: int, large: int, threads: int) -> dict | None:
    """Run an engine in a process of its own; None where it is missing or fails."""
    with tempfile.TemporaryDirectory() as folder:
        if engine == "gstat":
            return gstat(Path(folder), case, n, small, large)
        out = str(Path(folder) / "estimate.npy")
        numbers = [str(v) for v in (n, small, large, threads)]
        command = [sys.executable, __file__, "--child", engine, case, *numbers, out]
        run = subprocess.run(
            command, capture_output=True, text=True, env=os.environ | ONE_THREAD, check=False
        )
        if run.returncode:
            print(f"  {engine} failed: {run.stderr.strip().splitlines()[-1:]}")
            return None
        times = json.loads(run.stdout.strip().splitlines()[-1])
        return times | {"estimate": np.load(out)}


def gstat(folder: Path, case: str, n: int, small: int, large: int) -> dict | None:
    xy, z = survey(n)
    samples = np.column_stack([xy, z])
    np.savetxt(folder / "samples.csv", samples, "%.17g", ",", header="x,y,z", comments="")
    np.savetxt(folder / "targets.csv", cells(case, large), "%.17g", ",", header="x,y", comments="")
    nmax = "Inf" if case == "global" else "32"
    script = R_SCRIPT.format(
        folder=folder.as_posix(), sill=SILL, range=RANGE, nugget=NUGGET, small=small, large=large,
        nmax=nmax,
    )  # fmt: skip
    run = subprocess.run(
        ["Rscript", "-e", script], capture_output=True, text=True, check=False,
        env=os.environ | ONE_THREAD,
    )  # fmt: skip
    if run.returncode:
        print(f"  gstat failed: {run.stderr.strip().splitlines()[-1:]}")
        return None
    first, second, peak = (float(v) for v in run.stdout.split())
    found = np.loadtxt(folder / "estimate.txt")
    # both runs make the whole system anew, so both hold the set-up
    return {"first": first, "second": second, "peak": peak, "estimate": found, "anew": True}


def cost(times: dict, small: int, large: int) -> tuple[float, float]:
    """Microseconds a cell and seconds of set-up."""
    if "anew" in times:
        slope = (times["second"] - times["first"]) / (large - small)
    else:
        slope = times["second"] / large
    return 1e6 * slope, max(times["first"] - slope * small, 0.0)


def compare(case: str, n: int, sizes: dict[str, tuple[int, int]], rounds: int) -> None:
    print(f"{case}: {n:,} samples, one thread, processor time, best of {rounds}")
    best: dict[str, tuple[float, float, float]] = {}
    estimates: dict[str, np.ndarray] = {}
    for _ in range(rounds):
        for engine, (small, large) in sizes.items():
            if not available(engine):
                continue
            times = measure(engine, case, n, small, large, 1)
            if times is None:
                continue
            estimates[engine] = times["estimate"]
            found = (*cost(times, small, large), times["peak"])
            best[engine] = min(best.get(engine, found), found)
    if "gossan" not in best:
        return
    base = best["gossan"][0]
    print(f"  {'engine':9} {'us a cell':>10} {'ratio':>8} {'set-up s':>9} {'MiB':>6}  difference")
    for engine, (us, setup, peak) in best.items():
        own, other = estimates["gossan"], estimates[engine]
        shared = min(len(own), len(other))
        gap = np.max(np.abs(own[:shared] - other[:shared]))
        print(f"  {engine:9} {us:10.2f} {us / base:8.1f} {setup:9.2f} {peak:6.0f}  {gap:.1e}")


def available(engine: str) -> bool:
    if engine == "gstat":
        return shutil.which("Rscript") is not None
    return engine == "gossan" or importlib.util.find_spec(engine.lower()) is not None


def large_case(rounds: int) -> None:
    print("large: 20,000 samples to 1,000 x 1,000 nodes, 32 nearest, with variance")
    threads = sorted({1, os.cpu_count() or 1})
    for count in threads:
        runs = [measure("gossan", "large", 20_000, 100, 1_000_000, count) for _ in range(rounds)]
        seconds = min(r["second"] for r in runs if r)
        peak = max(r["peak"] for r in runs if r)
        print(f"  {count} threads: {seconds:6.2f} s, peak {peak:.0f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", default=["local", "global", "large"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", nargs=7)
    args = parser.parse_args()
    if args.child:
        engine, case, n, small, large, threads, out = args.child
        child(engine, case, int(n), int(small), int(large), int(threads), out)
        return
    if "local" in args.cases:
        many, few = (1000, 100_000), (1000, 20_000)
        sizes = {"gossan": many, "gstat": few, "PyKrige": many, "gstlearn": few}
        for n in (1400, 10_000):
            compare("local", n, sizes, args.rounds)
    if "global" in args.cases:
        sizes = {
            "gossan": (1000, 250_000), "gstat": (200, 2200), "PyKrige": (200, 2200),
            "GSTools": (200, 1200), "gstlearn": (100, 600),
        }  # fmt: skip
        compare("global", 1400, sizes, args.rounds)
    if "large" in args.cases:
        large_case(args.rounds)


if __name__ == "__main__":
    main()
