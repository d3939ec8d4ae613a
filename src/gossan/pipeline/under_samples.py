"""Look at plain rasters under the samples: empty ground, and values that should be empty."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

from gossan.errors import ImageryError, must
from gossan.geo.layer import values_at
from gossan.geochem.table.coordinates import project
from gossan.geochem.table.findings import Finding, Findings
from gossan.pipeline.imagery import Imagery

MOST_SAMPLES = 2000
"""More samples than this are thinned out: a question of shares needs no more."""
LIKELY_EMPTY = (0.0, -9999.0, -99999.0, -32768.0, -32767.0, -999.0, -99.0, 255.0, 65535.0)
"""Values that often stand for empty without being declared; so does anything beyond 1e30."""
REPEATED = 0.03
"""Share of samples on one such value from which it is told."""


def look_under(imagery: Imagery, coordinates: NDArray[np.float64], crs: CRS) -> Findings:
    """Look at the pixels of plain rasters under samples; scenes have masks of their own.

    Parameters
    ----------
    imagery
        An open imagery, on its own grid.
    coordinates, crs
        (n, 2) positions of the samples, and their system.

    Returns
    -------
    Warnings "empty" where a band is empty under a fifth of the samples or more, and "nodata"
    where many samples lie on one value that looks like an undeclared code for empty.

    Raises
    ------
    ImageryError
        All bands are empty under all samples.
    """
    if imagery.settings.sensor != "bands":
        return Findings()
    step = -(-len(coordinates) // MOST_SAMPLES)
    grid = imagery.bands.grid
    places = project(coordinates[::step], crs, grid.crs)
    places = places[grid.contains(places[:, 0], places[:, 1])]
    if not len(places):
        return Findings()
    values = values_at(imagery.bands, places)
    name = f"imagery {imagery.settings.name!r}"
    if np.isnan(values).all():
        cure = "Check nodata, masks and the extent of the files"
        got = f"empty pixels under all {len(values)}"
        raise ImageryError(must(name, "filled under some sample", got, cure))
    found = []
    for band, column in zip(imagery.bands.bands, values.T):
        found += _band(f"{name}, band {band!r}", column)
    return Findings(tuple(found))


def _band(name: str, values: NDArray[np.float64]) -> list[Finding]:
    empty = int(np.isnan(values).sum())
    found = []
    if empty >= 0.2 * len(values):
        share = f"{empty} of {len(values)} samples"
        message = f"{name} is empty under {share}: kriging alone serves there"
        found.append(Finding("warning", "empty", message))
    for code, count in zip(*np.unique(values[np.isfinite(values)], return_counts=True)):
        likely = code in LIKELY_EMPTY or abs(code) > 1e30
        if likely and count >= max(3, REPEATED * len(values)) and _outermost(code, values):
            message = (
                f"{name} is exactly {code:g} under {count} of {len(values)} samples: if that means "
                f"empty, set nodata = {code:g} in the [[imagery]]"
            )
            found.append(Finding("warning", "nodata", message))
    return found


def _outermost(code: float, values: NDArray[np.float64]) -> bool:
    """Tell whether the code lies beyond all other values, or is 0, as codes for empty do."""
    others = values[np.isfinite(values) & (values != code)]
    if not len(others):
        return False
    return bool(code < others.min() or code > others.max() or code == 0)
