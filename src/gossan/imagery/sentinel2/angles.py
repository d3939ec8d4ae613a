"""Read the grids of sun and view angles in the metadata of a Sentinel-2 tile.

``MTD_TL.xml`` states zenith and azimuth every 5 km from the upper left corner of the tile: once for
the sun, and for the view once for each band and detector, NaN where the detector does not look.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS
from scipy.ndimage import distance_transform_edt

from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer
from gossan.imagery.atmosphere.geometry import ANGLES
from gossan.imagery.sentinel2.safe import elements, number


def read_angles(granule: Element, crs: CRS, corner: tuple[float, float]) -> ArrayLayer | None:
    """Read the angles of a tile.

    Parameters
    ----------
    granule
        Root of ``MTD_TL.xml``.
    crs, corner
        System of the tile, and easting and northing of its upper left corner.

    Returns
    -------
    Layer of ``ANGLES`` whose pixels have the nodes in their centres; the view is the mean over
    bands and detectors. None where the metadata hold no grids.

    Raises
    ------
    ImageryError
        A step is no number.
    ValueError
        Grids are damaged.
    """
    sun = next(elements(granule, "Sun_Angles_Grid"), None)
    views = list(elements(granule, "Viewing_Incidence_Angles_Grids"))
    if sun is None or not views:
        return None
    zenith, _, step = _grid(sun)
    vectors = [np.stack(_vectors(*_grid(view)[:2])) for view in views]
    east, north = _mean(vectors)
    values = np.stack([_filled(one) for one in (zenith, east, north)])
    place = Affine(step, 0, corner[0] - step / 2, 0, -step, corner[1] + step / 2)
    return ArrayLayer(Grid(crs, place, *zenith.shape), ANGLES, values)


def _grid(element: Element) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Read zenith and azimuth in degrees (row, column), and the distance between nodes."""
    zenith, azimuth = (_values(next(elements(element, name))) for name in ("Zenith", "Azimuth"))
    step = next(elements(element, "COL_STEP")).text
    return zenith, azimuth, number(step, "COL_STEP")


def _values(element: Element) -> NDArray[np.float64]:
    rows = [(row.text or "").split() for row in elements(element, "VALUES")]
    return np.array(rows, np.float64)


def _vectors(
    zenith: NDArray[np.float64], azimuth: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    level, angle = np.sin(np.radians(zenith)), np.radians(azimuth)
    return level * np.sin(angle), level * np.cos(angle)


def _mean(vectors: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Average views over bands and detectors, leaving out where they do not look."""
    total = np.sum([np.nan_to_num(one) for one in vectors], axis=0)
    count = np.sum([np.isfinite(one) for one in vectors], axis=0)
    return np.where(count, total / np.maximum(count, 1), np.nan)


def _filled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fill nodes beyond the swath with the value of the nearest known node."""
    unknown = ~np.isfinite(values)
    if unknown.all():
        raise ValueError("angles that are NaN everywhere")
    nearest = distance_transform_edt(unknown, return_distances=False, return_indices=True)
    filled: NDArray[np.float64] = values[tuple(nearest)]
    return filled
