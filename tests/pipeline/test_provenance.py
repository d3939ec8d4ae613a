from __future__ import annotations

from importlib.metadata import version

import numpy as np

from gossan.pipeline.provenance import peak_memory_mib, versions


def test_versions_are_those_of_the_installed_packages() -> None:
    found = versions()
    assert found["numpy"] == np.__version__ == version("numpy")
    assert found["gossan"] == version("gossan")


def test_memory_counts_what_was_held_at_most() -> None:
    held = np.ones(2**25).nbytes / 2**20
    peak = peak_memory_mib()
    assert peak is None or peak >= held
