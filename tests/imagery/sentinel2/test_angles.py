"""Grids of sun and view angles as the metadata of a tile print them."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import numpy as np
import pytest
from pyproj import CRS

from gossan.errors import ImageryError
from gossan.imagery.sentinel2.angles import read_angles

CORNER = (600_000.0, 4_400_040.0)


def block(name: str, zenith: list[list[float]], azimuth: float, **attributes: object) -> str:
    """Print one grid as the products do."""
    stated = " ".join(f'{key}="{value}"' for key, value in attributes.items())
    parts = ""
    for tag, rows in (("Zenith", zenith), ("Azimuth", [[azimuth] * len(r) for r in zenith])):
        values = "".join(f"<VALUES>{' '.join(map(str, row))}</VALUES>" for row in rows)
        parts += (
            f'<{tag}><COL_STEP unit="m">5000</COL_STEP><ROW_STEP unit="m">5000</ROW_STEP>'
            f"<Values_List>{values}</Values_List></{tag}>"
        )
    return f"<{name} {stated}>{parts}</{name}>"


NAN = math.nan
SUN = block("Sun_Angles_Grid", [[30.0, 30.5, 31.0], [30.2, 30.7, 31.2]], 140.0)
WEST = block(
    "Viewing_Incidence_Angles_Grids",
    [[8.0, 6.0, NAN], [NAN, 6.0, NAN]],
    104.0,
    bandId=1,
    detectorId=5,
)
EAST = block(
    "Viewing_Incidence_Angles_Grids",
    [[NAN, 6.0, 4.0], [NAN, 6.0, NAN]],
    104.0,
    bandId=1,
    detectorId=6,
)


def read(*blocks: str):
    return read_angles(
        ElementTree.fromstring(f"<Tile_Angles>{''.join(blocks)}</Tile_Angles>"),
        CRS.from_epsg(32645),
        CORNER,
    )


def test_nodes_stand_every_5_km_from_the_corner_of_the_tile() -> None:
    found = read(SUN, WEST, EAST)
    easting, northing = found.grid.coordinates()
    assert easting.tolist() == [600_000.0, 605_000.0, 610_000.0]
    assert northing.tolist() == [4_400_040.0, 4_395_040.0]
    zenith = found.read(found.grid.whole)[0]
    np.testing.assert_allclose(zenith, [[30.0, 30.5, 31.0], [30.2, 30.7, 31.2]], rtol=1e-6)


def test_views_of_detectors_are_joined_and_beyond_the_swath_is_the_nearest() -> None:
    found = read(SUN, WEST, EAST)
    _, east, north = found.read(found.grid.whole)
    zenith = np.degrees(np.arcsin(np.hypot(east, north)))
    np.testing.assert_allclose(zenith[0], [8.0, 6.0, 4.0], atol=1e-4)
    assert zenith[1, 0] == pytest.approx(8.0, abs=1e-4)
    np.testing.assert_allclose(np.degrees(np.arctan2(east, north)), 104.0, atol=1e-3)


def test_products_without_grids_have_none() -> None:
    assert read(SUN) is None and read(WEST) is None


def test_a_damaged_step_is_named() -> None:
    with pytest.raises(ImageryError, match="COL_STEP in the metadata must be a number"):
        read(SUN.replace('unit="m">5000</COL_STEP>', 'unit="m">far</COL_STEP>'), WEST)
