"""A folder for decoded imagery and the like, removed when Python ends."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory


@lru_cache(maxsize=1)
def _folder() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="gossan-", ignore_cleanup_errors=True)


def scratch() -> Path:
    """Return this process's folder for what is computed once and not kept."""
    return Path(_folder().name)
