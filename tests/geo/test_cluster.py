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

from gossan.errors import InterruptedRunError, SettingsError
from gossan.geo import cluster
from gossan.geo.blocks import Blocks
from gossan.geo.cluster import cluster_at
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import MappedLayer
from gossan.geo.raster import RasterLayer, RasterWriter, open_raster

GRID = Grid.from_bounds(32638, (1010, 530, 1010 + 183 * 15, 530 + 161 * 20), (15, 20))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import tests
    with cluster_at("local:2") as found:
        yield found


@pytest.fixture
def scene(tmp_path: Path) -> RasterLayer:
    values = np.random.default_rng(0).integers(0, 500, size=(2, *GRID.shape)).astype("uint16")
    writer = RasterWriter(tmp_path / "scene.tif", GRID, ("b1", "b2"), "uint16", 0)
    writer.write(GRID.whole, values)
    writer.close()
    return open_raster(tmp_path / "scene.tif")


def test_a_written_map_has_the_same_bytes_with_threads_and_processes(
    scene: RasterLayer, address: str, tmp_path: Path
) -> None:
    half = 0.5
    layer = MappedLayer(scene, lambda values: values * half, scene.bands)
    for name, blocks in (
        ("one", Blocks(64, 1)),
        ("two", Blocks(64, 2)),
        ("processes", Blocks(64, scheduler=address)),
        ("other_blocks", Blocks(32, scheduler=address)),
    ):
        blocks.write(layer, tmp_path / f"{name}.tif")
    written = {path.read_bytes() for path in tmp_path.glob("*.tif") if path.stem != "scene"}
    pixels = [open_raster(tmp_path / f"{n}.tif").read(GRID.whole) for n in ("one", "other_blocks")]
    np.testing.assert_array_equal(*pixels)
    assert len(written) <= 2  # statistics of other blocks may differ in their last digit


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


def test_a_task_that_hangs_is_given_up_with_the_cure(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "PATIENCE_S", 0.3)
    monkeypatch.setattr(cluster, "ATTEMPTS", 2)
    submitted: list[list[int]] = []
    submit = cluster._Tasks.submit

    def counted(tasks: cluster._Tasks, items: list[int]) -> object:
        submitted.append(items)
        return submit(tasks, items)

    monkeypatch.setattr(cluster._Tasks, "submit", counted)
    with pytest.raises(InterruptedRunError, match="finished steps are kept"):
        list(cluster.on_cluster(address, time.sleep, [3]))
    assert submitted == [[3], [3]]


def test_folds_are_shared_in_order(address: str) -> None:
    assert list(Blocks(scheduler=address).each(_square, [3, 1, 2])) == [9, 1, 4]
    assert list(Blocks(workers=2).each(_square, [3, 1, 2])) == [9, 1, 4]


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
