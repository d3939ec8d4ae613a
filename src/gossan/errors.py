"""What can go wrong, as one tree.

GossanError
├── InputError                 the user's mistake: one line, exit code 2
│   ├── SettingsError          the project file
│   ├── SurveyError            tables and samples
│   ├── ImageryError           rasters and scenes
│   ├── GridError              coordinate systems, overlap, geometry
│   ├── FitError               too little or unfit data for a model
│   └── MissingDependencyError an optional package is not installed
└── InterruptedRunError        the disk filled up or the run was stopped

Every message says what must hold, what was found, and the cure:
``<name> must be <allowed>; got <value>. <Cure>.``
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class GossanError(Exception):
    """Base of all errors that gossan raises on purpose."""


class InputError(GossanError):
    """The input must change before this can work."""


class SettingsError(InputError):
    """The project file or an option is wrong."""


class SurveyError(InputError):
    """A survey table or its samples cannot be used as they are."""


class ImageryError(InputError):
    """A raster or scene cannot be used as it is."""


class GridError(InputError):
    """Coordinate systems or extents do not fit together."""


class FitError(InputError):
    """The data do not support the model asked for."""


class MissingDependencyError(InputError):
    """An optional package is needed for what was asked."""


class InterruptedRunError(GossanError):
    """A run ended early; finished steps are kept and a second run goes on from them."""


class GossanWarning(UserWarning):
    """Something the user should know, though the result stands."""


def must(name: str, allowed: str, got: object, cure: str) -> str:
    """Word an error so that it teaches.

    >>> must("clusters", "at least 2", 1, "Use scope = \\"global\\" for one cluster")
    'clusters must be at least 2; got 1. Use scope = "global" for one cluster.'
    """
    return f"{name} must be {allowed}; got {got}. {cure.rstrip('.')}."


LIBRARIES = {
    *("rasterio", "pyogrio", "fiona", "shapely", "pyproj", "pandas", "pyarrow", "openpyxl"),
    *("python_calamine", "pyhdf", "zipfile", "zlib", "tomllib", "json", "xml", "defusedxml", "csv"),
}
"""Libraries that read, write or parse: an error of theirs is about a file, not about our code."""


def from_outside(error: BaseException) -> str | None:
    """Word a failure of a file, the system or a library that reads, writes or parses.

    Returns
    -------
    One line, or None where the error is a bug of gossan.

    >>> from_outside(OSError(28, "No space left on device", "map.tif"))
    'map.tif could not be read or written (No space left on device). Check the path, ...'
    >>> from_outside(KeyError("x")) is None
    True
    """
    if isinstance(error, MemoryError):
        return "There is not enough memory. Use fewer --workers, a smaller extent or larger pixels."
    if isinstance(error, OSError):
        name = error.filename or "A file"
        cure = "Check the path, permissions and free space"
        return (
            f"{name} could not be read or written ({error.strerror or reason_of(error)}). {cure}."
        )
    if isinstance(error, (UnicodeError, EOFError)) or _raised_by_library(error):
        cure = "The file is damaged or of another kind than it says: save it again or get a copy"
        return f"A file could not be read or written ({reason_of(error)}). {cure}."
    return None


def reason_of(error: BaseException) -> str:
    """First line of an error's message, or its type where it has none."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[0].rstrip(".")


def _raised_by_library(error: BaseException) -> bool:
    return bool(
        {kind.__module__.lstrip("_").split(".")[0] for kind in type(error).__mro__} & LIBRARIES
    )


@contextmanager
def reading(path: Path | str, kind: type[InputError] = InputError) -> Iterator[None]:
    """Turn whatever goes wrong while a file is read into one line that names the file.

    Raises
    ------
    GossanError
        What goes wrong inside, as one line that names the file.

    >>> with reading("a.csv", SurveyError):
    ...     raise IndexError("list index out of range")
    Traceback (most recent call last):
        ...
    gossan.errors.SurveyError: a.csv must be readable; got list index out of range. ...
    """
    try:
        yield
    except GossanError:
        raise
    except MemoryError as error:
        cure = "Close other programs, or cut the file"
        raise kind(must(str(path), "small enough for the memory", "too large", cure)) from error
    except UnicodeEncodeError as error:  # of a name: contents are decoded
        name = str(path).encode("ascii", "backslashreplace").decode()
        got = "a file or folder whose name is not UTF-8"
        raise kind(must(name, "readable", got, "Rename it")) from error
    except Exception as error:
        cure = "The file is damaged or of another kind: save it again, or get another copy"
        reason = getattr(error, "strerror", None) or reason_of(error)
        raise kind(must(str(path), "readable", reason, cure)) from error
