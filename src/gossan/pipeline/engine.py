"""Where a command computes: threads of this machine, or the cluster that the project names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gossan.geo.blocks import Blocks
from gossan.geo.cluster import cluster_at, cluster_in_use
from gossan.pipeline.options.project import EngineSettings

if TYPE_CHECKING:
    from gossan.geo.cluster import Client

__all__ = ["blocks_of", "engine_at"]


@contextmanager
def engine_at(settings: EngineSettings, wanted: str | Client | None = None) -> Iterator[str | None]:
    """Use the cluster that the caller or else the project names, inside this context.

    A cluster that is in use already stays in use: the command line wins over the project file.

    Parameters
    ----------
    settings
        The project's ``[engine]``.
    wanted
        What the caller asks for: ``"local:4"``, an address, or a connected client.

    Yields
    ------
    Address of the scheduler, None for threads of this machine.
    """
    where = wanted
    if where is None and cluster_in_use() is None:
        where = settings.cluster
    if where is None:
        yield cluster_in_use()
        return
    with cluster_at(where, settings.threads, settings.memory) as address:
        yield address


def blocks_of(settings: EngineSettings, workers: int | None = None) -> Blocks:
    """Make the engine of a command: as many threads as the caller or else the project asks for."""
    return Blocks(workers=workers or settings.workers)
