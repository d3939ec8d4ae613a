"""Standard atmospheres by latitude and month: the climatology where a scene does not tell.

``model_atmospheres.csv`` is Table 2-2 of the FLAASH user's guide (ENVI Atmospheric Correction
Module), which chooses a standard atmosphere by latitude and month. Water columns are those of the
standard atmospheres (McClatchey et al. 1972) as 6S prints them.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources

SEASONS = {"JFMA": (1, 2, 3, 4), "MJ": (5, 6), "JA": (7, 8), "SO": (9, 10), "ND": (11, 12)}
ATMOSPHERES = {
    "SAW": ("sub-arctic winter", 0.419),
    "MLW": ("mid-latitude winter", 0.853),
    "SAS": ("sub-arctic summer", 2.10),
    "MLS": ("mid-latitude summer", 2.93),
    "T": ("tropical", 4.12),
}
"""Name and water vapour column at sea level (g/cm2)."""


@cache
def _table() -> dict[tuple[int, str], str]:
    path = resources.files("gossan.catalogue") / "model_atmospheres.csv"
    rows = csv.DictReader(path.read_text(encoding="utf-8").splitlines())
    return {(int(row["latitude"]), name): row[name] for row in rows for name in SEASONS}


def water_vapour_of(latitude: float, month: int) -> tuple[float, str]:
    """Return the water vapour column over sea level (g/cm2) and the name of the atmosphere.

    Parameters
    ----------
    latitude
        Degrees, north positive.
    month
        1 to 12.

    Examples
    --------
    >>> water_vapour_of(41.6, 7), water_vapour_of(-67.0, 1)
    ((2.93, 'mid-latitude summer'), (0.853, 'mid-latitude winter'))
    """
    nearest = max(-80, min(80, round(latitude / 10) * 10))
    season = next(name for name, months in SEASONS.items() if month in months)
    name, column = ATMOSPHERES[_table()[nearest, season]]
    return column, name
