"""What results were made with: versions and memory."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

LIBRARIES = ("numpy", "scipy", "numba", "scikit-learn", "rasterio", "geopandas", "pandas", "pyproj")


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that results depend on."""
    found = {
        "python": sys.version.split()[0],
        "system": platform.platform(),
        "gossan": package_version(),
    }
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def package_version() -> str:
    """Version of gossan."""
    return version("gossan")


def peak_memory_mib() -> float | None:
    """Largest memory of this process in MiB; None where the system does not report it."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)
