"""Work on a dask.distributed cluster: batches of windows or folds as tasks, in order.

Tasks may be lost at any time, because a worker is killed, hangs or runs out of memory. A lost task
is submitted again; one that is late, or that met a full disk or a missing file, goes to another
worker as well, and the first answer counts. What a task returns does not depend on where it ran.
"""

from __future__ import annotations

import pickle
import re
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache, lru_cache, partial
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from threadpoolctl import threadpool_limits

from gossan.errors import (
    ImageryError,
    InterruptedRunError,
    MissingDependencyError,
    SettingsError,
    must,
)

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["begun_on", "cluster_at", "cluster_in_use", "dashboard_of", "on_cluster"]

Item = TypeVar("Item")
Result = TypeVar("Result")

PATIENCE_S = 600.0
"""A task that takes longer is also given to another worker, then after twice as long, and so on."""
ATTEMPTS = 5
"""How often a task is submitted in all."""
NO_WORKERS_S = 3600.0
"""How long a pass waits for a cluster without workers, such as jobs that queue."""
TICK_S = 2.0
"""Time between two looks at the state of the cluster."""
RESTART_S = 20.0
"""Time that a lost process of a cluster on this machine has to come back by itself."""
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
            _kept_at(cluster, int(local[1])),
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
def _kept_at(cluster: Any, count: int) -> Iterator[None]:
    """Keep a cluster on this machine at its number of processes.

    Its own nannies start a killed process again, except one that is killed while it starts or that
    takes longer than 15 s to start: after enough of those no worker is left and all tasks wait.
    """
    done = Event()
    thread = Thread(target=_replace_lost, args=(cluster, count, done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _replace_lost(cluster: Any, count: int, done: Event) -> None:
    missing_since: float | None = None
    while not done.wait(TICK_S):
        alive, now = len(cluster.scheduler_info["workers"]), time.monotonic()
        missing_since = None if alive >= count else missing_since or now
        if missing_since is not None and now - missing_since > RESTART_S:
            cluster.scale(alive)  # gives up those that do not answer
            done.wait(TICK_S)
            cluster.scale(count)
            missing_since = None


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
        Most items of one task; fewer where each thread would get less than four tasks.

    Raises
    ------
    InterruptedRunError
        A task was lost or late ``ATTEMPTS`` times, workers had too little memory, or the cluster is
        gone.
    """
    tasks = _Pass(address, function)
    waiting: deque[_Task] = deque()
    try:
        size = tasks.batch_of(len(items), batch)
        for start in range(0, len(items), size):
            waiting.append(_Task(tasks, list(items[start : start + size])))
            if len(waiting) >= tasks.most_ahead():
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        for task in waiting:
            task.cancel()


def begun_on(
    address: str, function: Callable[[Item], Result], items: Sequence[Item]
) -> list[Callable[[], Result]]:
    """Begin ``function(item)`` of a few long items on a cluster, and return at once.

    Parameters
    ----------
    address, function, items
        As of ``on_cluster``.

    Returns
    -------
    For each item a function that waits for its result; it raises what ``on_cluster`` raises.
    """
    tasks = _Pass(address, function)
    return [partial(_only, _Task(tasks, [item])) for item in items]


def _only(task: _Task) -> Any:
    (result,) = task.result()
    return result


class _Pass:
    """The client and the function that all tasks of a pass over windows or folds share."""

    def __init__(self, address: str, function: Callable[[Any], Any]) -> None:
        distributed = _distributed()
        self.client = distributed.get_client(address)
        self.lost = (distributed.KilledWorker, distributed.client.FutureCancelledError)
        self._full = len(self._memory_events())
        self._function = _cloudpickle().dumps(function)
        self._shared = self._send()
        self._looked, self._threads = -TICK_S, 1
        self._empty_since: float | None = None

    def _send(self) -> Any:
        """Send the function as a task: unlike scattered data, it is made again when lost."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*large graph.*", category=UserWarning)
            return self.client.submit(_itself, self._function, pure=False)

    def submit(self, items: list[Any], avoided: set[str]) -> Any:
        """Submit a batch, away from the workers to be avoided where there are others."""
        if self._shared.status in ("error", "cancelled", "lost"):
            self._shared = self._send()
        others = sorted(set(self.workers()) - avoided) if avoided else None
        return self.client.submit(
            _each, self._shared, items, pure=False, workers=others or None,
            allow_other_workers=bool(others),
        )  # fmt: skip

    def workers(self) -> dict[str, int]:
        """Return the threads of each worker.

        Raises
        ------
        InterruptedRunError
            The scheduler is gone.
        """
        try:
            return dict(self.client.nthreads())
        except (OSError, RuntimeError) as error:
            raise _gone() from error

    def busy_with(self, future: Any) -> set[str]:
        """Return the workers that have a task on their list.

        Raises
        ------
        InterruptedRunError
            The scheduler is gone.
        """
        try:
            found = self.client.processing()
        except (OSError, RuntimeError) as error:
            raise _gone() from error
        return {worker for worker, keys in found.items() if future.key in keys}

    def restart(self, workers: set[str]) -> None:
        """Restart workers that hang: each would keep a thread, and every task that it is given."""
        if workers:
            with suppress(Exception):  # it may be gone, or have nobody who could restart it
                self.client.restart_workers(sorted(workers), timeout=30, raise_for_error=False)

    def most_ahead(self) -> int:
        """Return how many batches may be under way: two for each thread."""
        if time.monotonic() - self._looked >= TICK_S:
            self._looked = time.monotonic()
            self._threads = max(1, sum(self.workers().values()))
        return 2 * self._threads

    def batch_of(self, items: int, most: int) -> int:
        """Choose the items of a task: few enough that all threads finish at about one time."""
        return max(1, min(most, items // (2 * self.most_ahead())))

    def out_of_memory(self) -> bool:
        """Whether a worker was stopped since the pass began because its memory was full."""
        return len(self._memory_events()) > self._full

    def _memory_events(self) -> Sequence[Any]:
        return self.client.get_events("worker-restart-memory") or ()

    def check_alive(self) -> bool:
        """Whether the cluster has workers; an error when it is gone or had none for long.

        Raises
        ------
        InterruptedRunError
            The scheduler is gone, or no worker has been there for too long.
        """
        if self.client.status not in ("running", "connecting"):
            raise _gone()
        if self.workers():
            self._empty_since = None
            return True
        now = time.monotonic()
        self._empty_since = self._empty_since or now
        if now - self._empty_since > NO_WORKERS_S:
            cure = "Start workers and run the command again; finished steps are kept"
            got = f"none for {NO_WORKERS_S:.0f} s"
            raise InterruptedRunError(must("workers of the cluster", "at least one", got, cure))
        return False


class _Task:
    """A batch of items under way on the cluster: usually once, twice where the first is late."""

    def __init__(self, shared: _Pass, items: list[Any]) -> None:
        self._pass, self._items = shared, items
        self._copies = [shared.submit(items, set())]
        self._avoided: set[str] = set()
        self._submitted = 1

    def result(self) -> list[Any]:
        """Wait for the batch; submit it again when it is lost, and elsewhere when it is late."""
        patience, begun = PATIENCE_S, time.monotonic()
        while True:
            found = self._look(min(TICK_S, patience) / len(self._copies))
            if found is not None:
                self._leave()
                return found
            alive = self._pass.check_alive()
            if not self._copies:
                self._again("lost")
            elif not alive:
                begun = time.monotonic()
            elif time.monotonic() - begun > patience:
                for copy in self._copies:
                    self._avoided |= self._pass.busy_with(copy)
                self._again(f"later than {patience:.0f} s")
                begun, patience = time.monotonic(), 2 * patience

    def _leave(self) -> None:
        """Forget the copies; restart workers that are still at it long after others are done."""
        late = self._copies if len(self._copies) > 1 else []
        hung = {worker for copy in late if not copy.done() for worker in self._pass.busy_with(copy)}
        self.cancel()
        self._pass.restart(hung)

    def _look(self, seconds: float) -> list[Any] | None:
        """Look at each copy for so long; forget those that are lost."""
        for copy in list(self._copies):
            try:
                found: list[Any] | _Trouble = copy.result(timeout=seconds)
            except TimeoutError:
                continue
            except self._pass.lost:
                self._copies.remove(copy)
                continue
            if isinstance(found, list):
                return found
            self._copies.remove(copy)
            self._move_from(found)
        return None

    def _move_from(self, trouble: _Trouble) -> None:
        """Try a worker that has not failed; raise its trouble where all have."""
        self._avoided.add(trouble.worker)
        left = set(self._pass.workers()) - self._avoided
        if not left or self._submitted >= ATTEMPTS:
            if isinstance(trouble.error, MemoryError):
                raise self._given_up("no memory left at a worker") from trouble.error
            raise trouble.error
        self._again("in trouble")

    def _again(self, why: str) -> None:
        if self._submitted >= ATTEMPTS:
            raise self._given_up(f"{ATTEMPTS} attempts, the last one {why}")
        if why == "lost" and self._pass.out_of_memory():
            raise self._given_up("workers stopped because their memory was full")
        self._submitted += 1
        self._copies.append(self._pass.submit(self._items, self._avoided))

    def _given_up(self, got: str) -> InterruptedRunError:
        return InterruptedRunError(
            must(
                "the cluster",
                f"able to finish a task of {len(self._items)} blocks or folds",
                got,
                "Allow its workers more memory ([engine] memory, or dask worker --memory-limit) or "
                "fewer threads; finished steps are kept",
            )
        )

    def cancel(self) -> None:
        """Forget every copy."""
        with suppress(OSError, RuntimeError):
            for copy in self._copies:
                copy.cancel(force=True)


def _gone() -> InterruptedRunError:
    cure = "Start it and run the command again; finished steps are kept"
    return InterruptedRunError(must("the scheduler of the cluster", "running", "no answer", cure))


class _Trouble(NamedTuple):
    """What failed on a worker and may not fail elsewhere: its disk, its mounts, its memory."""

    worker: str
    error: Exception


def _itself(sent: bytes) -> bytes:
    return sent


def _each(sent: bytes, items: Sequence[Any]) -> list[Any] | _Trouble:
    function = _unpacked(sent)
    _one_blas_thread()
    try:
        return [function(item) for item in items]
    except (OSError, ImageryError, MemoryError) as error:
        return _Trouble(_distributed().get_worker().address, error)


@lru_cache(maxsize=4)
def _unpacked(sent: bytes) -> Callable[[Any], Any]:
    """Unpack a function once on each worker: it may hold the tables of a fitted model."""
    function: Callable[[Any], Any] = pickle.loads(sent)
    return function


@cache
def _one_blas_thread() -> None:
    """Hold the linear algebra of this worker to one thread for good, whoever started it.

    Nannies do so; other ways to start a worker leave it all processors. Products of matrices differ
    in their last digits with the number of threads, and those of tasks beside each other spin.
    """
    threadpool_limits(1, user_api="blas")


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
