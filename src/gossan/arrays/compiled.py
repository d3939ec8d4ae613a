"""Compile kernels with Numba and keep the machine code on disk, whatever lies there already."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from numba import njit
from numba.core.caching import FunctionCache, IndexDataCacheFile


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Decorate a kernel: compile it without the GIL and cache the machine code on disk.

    It differs from ``numba.njit(cache=True)`` in three ways. Cache files that cannot be read count
    as absent: an upgrade that moves a class leaves indexes behind that name its old module, and
    Numba would raise ``ModuleNotFoundError`` from the first call. And where no folder can be
    written the kernel is compiled for this process alone, where Numba would refuse the import.
    Kernels are inlined into the kernels that call them. Otherwise these call whichever copy is
    there, one compiled by itself in the process that compiles both and one optimised in place in
    processes that load them, and results differ in their last digits.
    Kernels of other packages are not affected.

    Parameters
    ----------
    **options
        Further options of ``numba.njit``, such as ``error_model``.

    Returns
    -------
    The decorator.

    Examples
    --------
    >>> @compiled()
    ... def double(x):
    ...     return 2 * x
    >>> double(4)
    8
    """

    def decorate(function: Callable[..., Any]) -> Any:
        kernel = njit(nogil=True, forceinline=True, **options)(function)
        with suppress(RuntimeError):  # no folder for the cache can be written
            kernel._cache = _Cache(function)
        return kernel

    return decorate


class _Cache(FunctionCache):  # type: ignore[misc]
    """Numba's cache of one kernel, which ignores files that it cannot read."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file = _CacheFile(
            self._cache_path, self._impl.filename_base, self._impl.locator.get_source_stamp()
        )


class _CacheFile(IndexDataCacheFile):  # type: ignore[misc]
    """Index and data files; unpickling a stale or damaged one can raise any exception."""

    def load(self, key: object) -> Any:
        """Return the cached kernel for a signature, or None."""
        try:
            return super().load(key)
        except OSError:
            raise
        except Exception:
            return None

    def _load_index(self) -> dict[Any, str]:
        try:
            return dict(super()._load_index())
        except OSError:
            raise
        except Exception:
            return {}
