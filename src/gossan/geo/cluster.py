"""Work on a dask.distributed cluster: batches of windows or folds as tasks, in order.

Tasks may be lost at any time, because a worker is killed, hangs or runs out of memory. A lost task
is submitted again, elsewhere if there is a free worker; what a task returns does not depend on
where it ran.
"""

from __future__ import annotations

import pickle
import re
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from gossan.errors import InterruptedRunError, MissingDependencyError, SettingsError, must

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["cluster_at", "cluster_in_use", "dashboard_of", "on_cluster"]

Item = TypeVar("Item")
Result = TypeVar("Result")

PATIENCE_S = 600.0
"""A task that takes longer is submitted again to another worker."""
ATTEMPTS = 5
"""How often a task is submitted in all."""
_in_use: ContextVar[str | None] = ContextVar("scheduler", default=None)
_LOCAL = re.compile(r"local:(\d+)")


@contextmanager
def cluster_at(where: str | Client, threads: int = 1, memory: str | None = None) -> Iterator[str]:
    """Connect to a cluster, or start one on this machine, and yield the scheduler's address.

    Every engine (:class:`gossan.geo.blocks.Blocks`) made inside this context uses the cluster.

    Parameters
    ----------
    where
        ``"local:4"`` starts four worker processes on this machine; another text is the address
        of a running scheduler, such as ``"tcp://10.0.0.5:8786"``; a client is used as it is and
        stays open.
    threads
        Threads of each process that is started here.
    memory
        Most memory of each such process, such as ``"4GiB"``; default: its share of the machine's.

    Raises
    ------
    SettingsError
        The scheduler cannot be reached.
    MissingDependencyError
        dask.distributed is not installed.
    """
    distributed = _distributed()
    if not isinstance(where, str):
        address = str(where.scheduler_info(n_workers=0)["address"])
        with _using(address):
            yield address
        return
    local = _LOCAL.fullmatch(where)
    if local is not None:
        with (
            distributed.LocalCluster(
                n_workers=int(local[1]),
                threads_per_worker=threads,
                memory_limit=memory or "auto",
                processes=True,
                dashboard_address=":0",
            ) as cluster,
            distributed.Client(cluster),
            _using(cluster.scheduler_address),
        ):
            yield cluster.scheduler_address
        return
    try:
        client = distributed.Client(where, timeout="10s")
    except (TimeoutError, OSError, ValueError) as error:
        raise SettingsError(
            must(
                "cluster",
                "local:N or the address of a running scheduler",
                f"{where!r}, which does not answer",
                "Start it with `dask scheduler` and name its address, such as tcp://host:8786",
            )
        ) from error
    with client, _using(where):
        yield where


def cluster_in_use() -> str | None:
    """Return the scheduler's address of the cluster that new engines use; None for threads."""
    return _in_use.get()


def dashboard_of(address: str) -> str:
    """Return the link to the dashboard of a connected scheduler."""
    return str(_distributed().get_client(address).dashboard_link)


@contextmanager
def _using(address: str) -> Iterator[None]:
    token = _in_use.set(address)
    try:
        yield
    finally:
        _in_use.reset(token)


def on_cluster(
    address: str, function: Callable[[Item], Result], items: Sequence[Item], batch: int = 1
) -> Iterator[Result]:
    """Yield ``function(item)`` of all items in order, computed by the workers of a cluster.

    The function travels once to each worker. About two batches per thread of the cluster are
    under way at any time, so that neither the scheduler nor the results held here grow with the
    number of items.

    Parameters
    ----------
    address
        Of the scheduler (see :func:`cluster_at`).
    function
        Any function that cloudpickle can send.
    items
        What it is called with.
    batch
        Items of one task.

    Raises
    ------
    InterruptedRunError
        A task was lost ``ATTEMPTS`` times.
    """
    tasks = _Tasks(address, function)
    waiting: deque[_Task] = deque()
    try:
        for start in range(0, len(items), batch):
            waiting.append(_Task(tasks, list(items[start : start + batch])))
            if len(waiting) >= tasks.most_ahead():
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        for task in waiting:
            task.cancel()


class _Tasks:
    """The client and the function that all tasks of a pass share."""

    def __init__(self, address: str, function: Callable[[Any], Any]) -> None:
        distributed = _distributed()
        self.client = distributed.get_client(address)
        self.lost = (distributed.KilledWorker, distributed.client.FutureCancelledError)
        self._function = _cloudpickle().dumps(function)
        self._shared = self._send()

    def _send(self) -> Any:
        """Send the function as a task: unlike scattered data, it is made again when lost."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*large graph.*", category=UserWarning)
            return self.client.submit(_itself, self._function, pure=False)

    def submit(self, items: list[Any]) -> Any:
        return self.client.submit(_each, self._shared, items, pure=False)

    def send_again(self) -> None:
        if self._shared.status in ("error", "cancelled", "lost"):
            self._shared = self._send()

    def most_ahead(self) -> int:
        return 2 * max(1, sum(self.client.nthreads().values()))


class _Task:
    """A batch of items under way on the cluster."""

    def __init__(self, tasks: _Tasks, items: list[Any]) -> None:
        self._tasks, self._items = tasks, items
        self._submit()

    def _submit(self) -> None:
        self._future = self._tasks.submit(self._items)

    def result(self) -> list[Any]:
        """Wait for the batch; submit it again when it is lost or late."""
        for attempt in range(ATTEMPTS):
            if attempt:
                self._tasks.send_again()
                self._submit()
            try:
                found: list[Any] = self._future.result(timeout=PATIENCE_S)
                return found
            except (*self._tasks.lost, TimeoutError) as error:
                trouble = error
            self.cancel()
        raise InterruptedRunError(
            must(
                "the cluster",
                f"able to finish a task of {len(self._items)} blocks",
                f"it lost {ATTEMPTS} times ({type(trouble).__name__})",
                "Give its workers more memory or fewer threads; finished steps are kept",
            )
        )

    def cancel(self) -> None:
        self._future.cancel(force=True)


def _itself(sent: bytes) -> bytes:
    return sent


def _each(sent: bytes, items: Sequence[Any]) -> list[Any]:
    function = _unpacked(sent)
    return [function(item) for item in items]


@lru_cache(maxsize=4)
def _unpacked(sent: bytes) -> Callable[[Any], Any]:
    """Unpack a function once on each worker: it may hold the tables of a fitted model."""
    function: Callable[[Any], Any] = pickle.loads(sent)
    return function


def _cloudpickle() -> Any:
    import cloudpickle  # comes with dask.distributed

    return cloudpickle


def _distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise MissingDependencyError(
            must(
                "dask.distributed", "installed", "no such package", "pip install 'gossan[cluster]'"
            )
        ) from error
    return distributed
