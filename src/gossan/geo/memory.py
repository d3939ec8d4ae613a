"""Keep freed memory from staying with the process."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

__all__ = ["bound_heap", "trim_heap"]

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_LIMIT_BYTES = 4 * 2**20
"""Smaller arrays are kept: new pages have to be cleared, which costs more than filling them."""


@cache
def bound_heap() -> bool:
    """Make the C library return the memory of large arrays as soon as they are freed.

    By default glibc raises the size from which it maps an array on its own, up to 32 MiB, as
    arrays of that size are freed. Windows of pixels then come from the heaps of the threads, which
    fragment and never shrink: a run over a whole scene would hold several times what it uses.
    Fixing the threshold turns this adaptation off. Done once per process.

    Returns
    -------
    True where the C library knows the setting (glibc), False elsewhere, where nothing happens.

    References
    ----------
    ``mallopt(3)``, M_MMAP_THRESHOLD and M_TRIM_THRESHOLD.

    Examples
    --------
    >>> bound_heap() is bound_heap()
    True
    """
    library = _c_library()
    if library is None:
        return False
    return all(
        library.mallopt(name, _LIMIT_BYTES) == 1 for name in (_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD)
    )


def trim_heap() -> bool:
    """Return freed small objects to the system too, such as those of tables and figures.

    Returns
    -------
    True where anything was returned (glibc), else False.

    References
    ----------
    ``malloc_trim(3)``.

    Examples
    --------
    >>> trim_heap() in (True, False)
    True
    """
    library = _c_library()
    return library is not None and bool(library.malloc_trim(0))


@cache
def _c_library() -> ctypes.CDLL | None:
    """Return glibc where this process stands on it."""
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    known = hasattr(library, "mallopt") and hasattr(library, "gnu_get_libc_version")
    return library if known else None
