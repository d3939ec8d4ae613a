"""Band sets of the Crosta technique (feature-oriented principal components), as data."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

from gossan.errors import SettingsError, must


@dataclass(frozen=True)
class CrostaSet:
    """Describe a set of four bands for one mineral.

    Attributes
    ----------
    sensor, name
        ``aster`` or ``sentinel2``; the mineral.
    bands
        Bands of the principal components.
    high, low
        Bands where the mineral reflects, and where it absorbs: their loadings must have
        opposite signs in the component that shows it.
    reference, status
        Who used the set; how well it is known.
    """

    sensor: str
    name: str
    bands: tuple[str, ...]
    high: tuple[str, ...]
    low: tuple[str, ...]
    reference: str = "your own"
    status: str = "your own"


@cache
def crosta_sets(sensor: str) -> tuple[CrostaSet, ...]:
    """List the sets of a sensor.

    >>> [found.name for found in crosta_sets("sentinel2")]
    ['hydroxyl', 'iron_oxide']
    """
    text = resources.files("gossan.catalogue").joinpath("crosta_sets.csv").read_text("utf-8")
    return tuple(
        CrostaSet(
            sensor=row["sensor"],
            name=row["name"],
            bands=tuple(row["bands"].split()),
            high=tuple(row["high"].split()),
            low=tuple(row["low"].split()),
            reference=row["reference"],
            status=row["status"],
        )
        for row in csv.DictReader(text.splitlines())
        if row["sensor"] == sensor
    )


def find_crosta_set(sensor: str, name: str) -> CrostaSet:
    """Find a set by its mineral.

    Raises
    ------
    SettingsError
        There is no such set.

    >>> find_crosta_set("aster", "alunite").bands
    ('b1', 'b3', 'b5', 'b7')
    """
    for found in crosta_sets(sensor):
        if found.name == name:
            return found
    known = ", ".join(s.name for s in crosta_sets(sensor)) or f"none for {sensor}"
    raise SettingsError(must("a Crosta set", f"one of {known}", repr(name), "Name another"))
