"""A whole run on a cluster of processes writes the same bytes as one on threads."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gossan as gs
from gossan.geo.cluster import cluster_at, cluster_in_use
from gossan.pipeline.commands.run import run_project
from gossan.pipeline.options.project import load_project

if TYPE_CHECKING:
    from distributed import Client

KRIGING = """
[[product]]
name = "kriging"
model = "kriging"
"""
PRODUCTS = (
    KRIGING
    + """

[[product]]
name = "pyramid"
model = "pyramid"
features = "indices.pc2"

[[product]]
name = "geostatistical"
model = "geostatistical"
features = "indices.all"
"""
)


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
    for name in ("scores.csv", "held_out.csv", "calibration.csv"):
        one, other = (tmp_path / run / "tables" / name for run in ("threads", "cluster"))
        assert one.read_bytes() == other.read_bytes(), name


def test_the_project_file_and_a_client_name_the_cluster(small: Path, tmp_path: Path) -> None:
    from distributed import Client, LocalCluster

    text = small.read_text(encoding="utf-8") + KRIGING
    small.write_text(text, encoding="utf-8")
    plain = run_project(load_project(small), tmp_path / "threads", workers=1)
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        by_client = gs.run(small, tmp_path / "client", client=client)
        assert client.status == "running" and _tasks_done(client) > 0
        before = _tasks_done(client)
        small.write_text(f'{text}\n[engine]\ncluster = "{cluster.scheduler_address}"\n')
        by_file = run_project(load_project(small), tmp_path / "file")
        assert _tasks_done(client) > before
    assert cluster_in_use() is None
    name = "layers/kriging_Cu.tif"
    found = {(run.root / name).read_bytes() for run in (plain, by_client, by_file)}
    assert len(found) == 1


def _tasks_done(client: Client) -> int:
    """Count the tasks that the workers have finished so far."""

    def transitions(dask_scheduler: Any) -> int:
        return sum(1 for one in dask_scheduler.transition_log if one[2] == "memory")

    return int(client.run_on_scheduler(transitions))


def test_the_command_line_takes_a_cluster(
    small: Path, tmp_path: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    small.write_text(small.read_text(encoding="utf-8") + KRIGING, encoding="utf-8")
    code, _, error = command("run", small, "--out", tmp_path / "run", "--cluster", "local:1")
    assert code == 0, error
    assert (tmp_path / "run" / "layers" / "kriging_Cu.tif").exists()
    code, _, error = command("run", small, "--cluster", "tcp://127.0.0.1:9")
    assert code == 2 and "which does not answer" in error and error.count("\n") == 1
