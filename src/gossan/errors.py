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


class GossanError(Exception):
    """Root of every error that gossan raises on purpose."""


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
