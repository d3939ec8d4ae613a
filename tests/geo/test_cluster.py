"""A cluster of processes returns the same bytes as threads, also while its workers are killed."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cloudpickle
import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from gossan.errors import InterruptedRunError, SettingsError
from gossan.geo import cluster
from gossan.geo.blocks import Blocks
from gossan.geo.cluster import cluster_at
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import MappedLayer
from gossan.geo.raster import RasterLayer, RasterWriter, open_raster
from gossan.pipeline.progress import Silent

GRID = Grid.from_bounds(32638, (1010, 530, 1010 + 183 * 15, 530 + 161 * 20), (15, 20))
WIDE = Grid.from_bounds(32638, (1010, 530, 1010 + 1283 * 15, 530 + 761 * 20), (15, 20))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import tests
    with cluster_at("local:2") as found:
        yield found


@pytest.fixture
def scene(tmp_path: Path) -> RasterLayer:
    values = np.random.default_rng(0).integers(0, 500, size=(2, *WIDE.shape)).astype("uint16")
    writer = RasterWriter(tmp_path / "scene.tif", WIDE, ("b1", "b2"), "uint16", 0)
    writer.write(WIDE.whole, values)
    writer.close()
    return open_raster(tmp_path / "scene.tif")


def test_a_written_map_has_the_same_bytes_with_threads_and_processes(
    scene: RasterLayer, address: str, tmp_path: Path
) -> None:
    half = 0.5
    layer = MappedLayer(scene, lambda values: values * half, scene.bands)
    for name, blocks in (
        ("one", Blocks(256, 1)),
        ("two", Blocks(512, 2)),
        ("processes", Blocks(256, scheduler=address)),
        ("large", Blocks(1024, scheduler=address)),
    ):
        blocks.write(layer, tmp_path / f"{name}.tif")
    with cluster_at("local:7") as many:
        Blocks(256, scheduler=many).write(layer, tmp_path / "seven.tif")
    written = [path.read_bytes() for path in tmp_path.glob("*.tif") if path.stem != "scene"]
    assert len(written) == 5 and len(set(written)) == 1


def test_results_come_in_order_and_progress_is_reported(address: str) -> None:
    seen: list[tuple[int, int]] = []
    blocks = Blocks(16, scheduler=address, progress=lambda done, total: seen.append((done, total)))
    windows = [(window, found) for window, found in blocks.map(_corner, GRID)]
    assert [window for window, _ in windows] == blocks.windows(GRID)
    assert all((window.row, window.col) == found for window, found in windows)
    assert seen == [(n + 1, len(windows)) for n in range(len(windows))]


def test_killed_workers_change_nothing(scene: RasterLayer, address: str) -> None:
    from distributed import get_client

    expected = [found for _, found in Blocks(16, 1).map(_Slow(scene), GRID)]
    client = get_client(address)
    stop = threading.Event()
    kills = 0

    def kill() -> None:
        nonlocal kills
        while kills < 3 and not stop.wait(1):
            pids = list(client.run(os.getpid, on_error="ignore").values())
            if pids and isinstance(pids[0], int):
                os.kill(pids[0], signal.SIGKILL)
                kills += 1

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        found = [value for _, value in Blocks(16, scheduler=address).map(_Slow(scene), GRID)]
    finally:
        stop.set()
        killer.join()
    assert kills >= 1
    assert found == expected


def test_an_error_in_a_window_is_raised_as_it_is(address: str) -> None:
    with pytest.raises(ZeroDivisionError):
        list(Blocks(64, scheduler=address).map(_fails, GRID))


def test_a_task_that_hangs_goes_to_another_worker(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distributed import get_client

    get_client(address).wait_for_workers(2)
    monkeypatch.setattr(cluster, "PATIENCE_S", 0.5)
    begun = time.monotonic()
    found = list(cluster.on_cluster(address, _HangsOnce(tmp_path / "hung"), [3, 4]))
    assert found == [9, 16]
    assert (tmp_path / "hung").exists() and time.monotonic() - begun < 60


def test_a_task_that_always_hangs_is_given_up_with_the_cure(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "PATIENCE_S", 0.2)
    monkeypatch.setattr(cluster, "ATTEMPTS", 2)
    with pytest.raises(InterruptedRunError, match=r"got 2 attempts.*finished steps are kept"):
        list(cluster.on_cluster(address, time.sleep, [5]))


@pytest.mark.skipif(sys.platform == "win32", reason="limits of files are a system call of Unix")
def test_a_full_disk_at_one_worker_sends_its_tasks_to_the_other(
    address: str, tmp_path: Path
) -> None:
    from distributed import get_client

    client = get_client(address)
    client.wait_for_workers(2)
    first = sorted(client.nthreads())[0]
    client.run(_limit_files, 0, workers=[first])
    try:
        assert list(cluster.on_cluster(address, _Writes(tmp_path), list(range(8)))) == [*range(8)]
        client.run(_limit_files, 0)
        with pytest.raises(OSError, match="large"):
            list(cluster.on_cluster(address, _Writes(tmp_path), [8]))
    finally:
        client.run(_limit_files, None)


def test_a_worker_that_its_cluster_gave_up_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    from distributed import get_client

    monkeypatch.setattr(cluster, "RESTART_S", 0.5)
    with cluster_at("local:1") as alone:
        client = get_client(alone)
        (lost,) = client.nthreads()
        client.retire_workers([lost])
        assert list(cluster.on_cluster(alone, _square, [3])) == [9]
        assert lost not in client.nthreads()


def test_too_little_memory_names_the_step_and_the_setting() -> None:
    import dask
    import distributed

    assert distributed.__version__  # its defaults are there before one of them is changed

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        cluster_at("local:1", memory="400MiB") as small,
        pytest.raises(InterruptedRunError) as caught,
        Silent().step("Kriging"),
    ):
        list(cluster.on_cluster(small, _fills_memory, [1]))
    line = str(caught.value)
    assert line.startswith("Kriging: ") and "[engine] memory" in line and "\n" not in line
    assert "their memory was full" in line


def test_a_scheduler_that_goes_away_is_one_line() -> None:
    from distributed import Client, LocalCluster, get_client

    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as going,
        Client(going.scheduler_address, timeout="3s"),
        cluster_at(get_client(going.scheduler_address)) as address,
    ):
        threading.Timer(1.0, going.close).start()
        with pytest.raises(InterruptedRunError, match="the scheduler of the cluster must be run"):
            list(cluster.on_cluster(address, time.sleep, [0.3] * 100))


def test_folds_are_shared_in_order(address: str) -> None:
    assert list(Blocks(scheduler=address).each(_square, [3, 1, 2])) == [9, 1, 4]
    assert list(Blocks(workers=2).each(_square, [3, 1, 2])) == [9, 1, 4]


def test_linear_algebra_of_a_worker_keeps_to_one_thread() -> None:
    """Workers that no nanny starts have as many threads as processors."""
    from distributed import Client

    with Client(
        processes=False, n_workers=1, threads_per_worker=1, dashboard_address=":0"
    ) as client:
        before = client.submit(_blas_threads, 0).result()
        found = list(cluster.on_cluster(client.scheduler.address, _blas_threads, [0]))
        client.submit(threadpool_limits, before, user_api="blas").result()
    assert found == [1]


def test_a_scheduler_that_does_not_answer_is_one_line() -> None:
    with (
        pytest.raises(SettingsError, match="which does not answer"),
        cluster_at("tcp://127.0.0.1:9"),
    ):
        pass


def _corner(window: Window) -> tuple[int, int]:
    return window.row, window.col


def _square(value: int) -> int:
    return value * value


def _fails(window: Window) -> float:
    return 1 / 0


class _Slow:
    def __init__(self, layer: RasterLayer) -> None:
        self.layer = layer

    def __call__(self, window: Window) -> float:
        time.sleep(0.02)
        return float(np.nansum(self.layer.read(window)))


class _HangsOnce:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __call__(self, value: int) -> int:
        try:
            self.mark.touch(exist_ok=False)
        except FileExistsError:
            return value * value
        time.sleep(60)
        return 0


class _Writes:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, value: int) -> int:
        (self.folder / str(value)).write_bytes(bytes(1000))
        return value


def _limit_files(size: int | None) -> None:
    """Let no file of this process grow: what a full disk does. None lifts the limit."""
    import resource

    size = resource.RLIM_INFINITY if size is None else size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def _fills_memory(count: int) -> int:
    held = []
    for _ in range(200):
        held.append(bytearray(os.urandom(10_000_000)))
        time.sleep(0.02)
    return len(held)


def _blas_threads(_: int) -> int:
    return max(one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas")
