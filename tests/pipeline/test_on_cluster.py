"""A whole run on a cluster of processes writes the same bytes as one on threads."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from gossan.geo.cluster import cluster_at
from gossan.pipeline.commands.run import run_project
from gossan.pipeline.options.project import load_project

PRODUCTS = """
[[product]]
name = "kriging"
model = "kriging"

[[product]]
name = "pyramid"
model = "pyramid"
features = "indices.pc2"

[[product]]
name = "geostatistical"
model = "geostatistical"
features = "indices.all"
"""


def test_a_run_on_a_cluster_whose_workers_are_killed_writes_the_bytes_of_one_on_threads(
    small: Path, tmp_path: Path
) -> None:
    from distributed import get_client

    small.write_text(small.read_text(encoding="utf-8") + PRODUCTS, encoding="utf-8")
    project = load_project(small)
    run_project(project, tmp_path / "threads", workers=2)
    stop = threading.Event()
    with cluster_at("local:2") as address:
        client = get_client(address)

        def kill() -> None:
            for _ in range(4):
                if stop.wait(2.5):
                    return
                found = list(client.run(os.getpid, on_error="ignore").values())
                if found and isinstance(found[0], int):
                    os.kill(found[0], signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        try:
            run_project(project, tmp_path / "cluster")
        finally:
            stop.set()
            killer.join()
    for path in sorted((tmp_path / "threads" / "layers").glob("*.tif")):
        assert path.read_bytes() == (tmp_path / "cluster" / "layers" / path.name).read_bytes(), path
    scores = [
        pd.read_csv(tmp_path / run / "tables" / "scores.csv") for run in ("threads", "cluster")
    ]
    pd.testing.assert_frame_equal(*scores)


def test_the_command_line_takes_a_cluster(
    small: Path, tmp_path: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    small.write_text(
        small.read_text(encoding="utf-8") + PRODUCTS[: PRODUCTS.index("[[product]]", 30)]
    )
    code, _, error = command("run", small, "--out", tmp_path / "run", "--cluster", "local:1")
    assert code == 0, error
    assert (tmp_path / "run" / "layers" / "kriging_Cu.tif").exists()
    code, _, error = command("run", small, "--cluster", "tcp://127.0.0.1:9")
    assert code == 2 and "which does not answer" in error and error.count("\n") == 1
