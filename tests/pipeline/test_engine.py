"""The caller's choice of engine wins over the project's, and without either threads do the work."""

from __future__ import annotations

import distributed
import pytest

from gossan.errors import SettingsError
from gossan.geo.cluster import cluster_in_use
from gossan.pipeline.engine import blocks_of, engine_at
from gossan.pipeline.options.project import EngineSettings

NOWHERE = "tcp://127.0.0.1:1"


def test_without_a_cluster_threads_do_the_work() -> None:
    with engine_at(EngineSettings()) as address:
        assert address is None and cluster_in_use() is None
    assert blocks_of(EngineSettings(workers=3)).workers == 3
    assert blocks_of(EngineSettings(workers=3), 2).workers == 2


@pytest.mark.parametrize(("of_file", "wanted"), [(NOWHERE, None), (None, NOWHERE)])
def test_a_scheduler_that_is_not_there_is_one_line(
    of_file: str | None, wanted: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:

    def refuse(address: str, **options: object) -> None:
        raise OSError(f"Timed out trying to connect to {address}")

    monkeypatch.setattr(distributed, "Client", refuse)
    settings = EngineSettings(cluster=of_file)
    with pytest.raises(SettingsError, match=NOWHERE), engine_at(settings, wanted):
        pass
    assert cluster_in_use() is None


@pytest.mark.parametrize("memory", ["a lot", "4", "-1GiB"])
def test_a_memory_that_is_none_is_refused(memory: str) -> None:
    with pytest.raises(ValueError, match="memory"):
        EngineSettings(memory=memory)
