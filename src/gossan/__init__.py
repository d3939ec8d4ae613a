"""gossan: a fine element map from a coarse geochemical survey and satellite imagery.

What ``gossan`` itself offers is public; every other module is internal and may change. Names are
loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gossan.api.imagery import (
        indices,
        open_aster,
        open_raster,
        open_sentinel2,
        principal_components,
    )
    from gossan.api.patterns import halo, singularity, spectrum_area
    from gossan.api.projects import check, cluster, krige, load_project, open_run, run
    from gossan.api.rasters import Raster
    from gossan.api.surveys import Element, Survey, read_survey
    from gossan.api.validation import calibrate, cross_validate
    from gossan.errors import GossanError, GossanWarning
    from gossan.geochem.composition import Clr, Ilr

_HOMES = {
    "api.imagery": (
        "open_aster", "open_sentinel2", "open_raster", "indices", "principal_components",
    ),
    "api.surveys": ("read_survey", "Survey", "Element"),
    "api.rasters": ("Raster",),
    "api.models": ("Kriging", "Pyramid", "Geostatistical", "Recipe", "Auto", "Blend"),
    "api.validation": ("cross_validate", "calibrate"),
    "api.projects": ("load_project", "check", "run", "krige", "open_run", "cluster"),
    "api.patterns": ("singularity", "spectrum_area", "halo"),
    "geochem.composition": ("Clr", "Ilr"),
    "errors": ("GossanError", "GossanWarning"),
}  # fmt: skip
"""Module of this package -> public names that it defines."""
_HOME_OF = {name: f"gossan.{home}" for home, names in _HOMES.items() for name in names}
_MODULES = {"models": "gossan.api.models", "testing": "gossan.testing"}

__all__ = [*_HOME_OF, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        found = getattr(import_module(_HOME_OF[name]), name)
    elif name in _MODULES:
        found = import_module(_MODULES[name])
    elif name == "__version__":
        from importlib.metadata import version

        found = version("gossan")
    else:
        raise AttributeError(f"module 'gossan' has no attribute {name!r}; see dir(gossan)")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
