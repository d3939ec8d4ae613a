"""Simulate the ground of the district: relief, rocks, faults, alteration halos and cover."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gossan.arrays.array_type import Array
from gossan.demo.fields import gaussian_field, step_up, stream
from gossan.geo.grid import Grid

LITHOLOGIES = ("andesite", "limestone", "sandstone", "basalt", "granodiorite")
_STRATA = (0, 2, 1, 0, 3, 0, 2, 3, 1, 2)
_REGIONAL_STRIKE = np.deg2rad(118.0)
_KM2_PER_CENTRE = 24.0


@dataclass(frozen=True)
class Geology:
    """The true ground at pixel scale; every array is (rows, columns).

    ``lithology`` indexes :data:`LITHOLOGIES`; ``alteration`` maps zone to intensity 0 to 1;
    ``elevation`` and ``fault_distance`` are in metres; ``shade`` is the cosine of the sun's
    incidence over that of flat ground; ``quaternary`` is a mask; ``vegetation`` a share 0 to 1;
    ``faults`` are polylines (n, 2) of easting, northing; ``centres`` (n, 2) the hydrothermal
    centres.
    """

    elevation: Array
    shade: Array
    lithology: NDArray[np.int8]
    faults: tuple[Array, ...]
    fault_distance: Array
    centres: Array
    alteration: Mapping[str, Array]
    quaternary: NDArray[np.bool_]
    vegetation: Array

    @property
    def altered(self) -> Array:
        """Total alteration intensity, 0 to 1."""
        return np.clip(sum(self.alteration[z] for z in ("argillic", "phyllic", "propylitic")), 0, 1)


def simulate_geology(
    grid: Grid, seed: int, sun_elevation: float, sun_azimuth: float, relief: Array | None = None
) -> Geology:
    """Simulate the ground on a grid of square pixels in metres.

    Parameters
    ----------
    grid : the district.
    seed : of all random streams.
    sun_elevation, sun_azimuth : degrees; azimuth clockwise from north.
    relief : heights in metres (rows, columns); hills without rivers by default.

    Returns
    -------
    Geology, the same for the same grid size, pixel and seed.
    """
    size = grid.pixel_width
    elevation = _hills(grid, seed) if relief is None else relief
    intrusion = gaussian_field(stream(seed, "intrusion"), grid.shape, size, 5000.0, 2.0)
    margin = float(np.quantile(intrusion, 0.82))
    lithology = _strata(grid, seed)
    lithology[intrusion > margin] = LITHOLOGIES.index("granodiorite")
    faults = _faults(grid, seed)
    distance = fault_distance(grid, faults)
    centres = _centres(grid, seed, distance, np.abs(intrusion - margin))
    quaternary, vegetation = _cover(grid, seed, elevation)
    return Geology(
        elevation=elevation,
        shade=_shade(elevation, size, sun_elevation, sun_azimuth),
        lithology=lithology,
        faults=faults,
        fault_distance=distance,
        centres=centres,
        alteration=_alteration(grid, seed, centres, distance),
        quaternary=quaternary,
        vegetation=vegetation,
    )


def _hills(grid: Grid, seed: int) -> Array:
    rng = stream(seed, "elevation")
    return 1400.0 + 160.0 * gaussian_field(rng, grid.shape, grid.pixel_width, 5000.0, 1.5)


def _strata(grid: Grid, seed: int) -> NDArray[np.int8]:
    """Fold a stack of beds: rock by warped distance across the regional strike."""
    easting, northing = grid.coordinates()
    across = np.cos(_REGIONAL_STRIKE) * (easting[None, :] - easting[0]) - np.sin(
        _REGIONAL_STRIKE
    ) * (northing[:, None] - northing[0])
    rng = stream(seed, "strata")
    warp = gaussian_field(rng, grid.shape, grid.pixel_width, 7000.0, 2.0)
    bed = np.floor((across + 1800.0 * warp) / 1300.0).astype(int)
    return np.array(_STRATA, np.int8)[np.mod(bed + int(rng.integers(len(_STRATA))), len(_STRATA))]


def _faults(grid: Grid, seed: int, number: int = 7) -> tuple[Array, ...]:
    """Draw wandering polylines near the regional strike."""
    rng = stream(seed, "faults")
    left, bottom, right, top = grid.bounds
    diagonal = np.hypot(right - left, top - bottom)
    faults = []
    for _ in range(number):
        middle = rng.uniform((left, bottom), (right, top))
        strike = _REGIONAL_STRIKE + rng.normal(0.0, np.deg2rad(14.0))
        along = np.array([np.sin(strike), np.cos(strike)])
        across = np.array([along[1], -along[0]])
        way = np.linspace(-0.5, 0.5, 13) * diagonal * rng.uniform(0.5, 1.0)
        wander = np.cumsum(rng.normal(0.0, 0.012 * diagonal, way.size))
        faults.append(middle + way[:, None] * along + wander[:, None] * across)
    return tuple(faults)


def fault_distance(grid: Grid, faults: tuple[Array, ...]) -> Array:
    """Return the distance of every pixel centre to the nearest polyline, metres.

    >>> from affine import Affine
    >>> from pyproj import CRS
    >>> grid = Grid(CRS.from_epsg(32645), Affine(10.0, 0, 0, 0, -10.0, 20.0), 2, 3)
    >>> fault_distance(grid, (np.array([[0.0, 5.0], [30.0, 5.0]]),))[:, 0].tolist()
    [10.0, 0.0]
    """
    easting, northing = grid.coordinates()
    nearest = np.full(grid.shape, np.inf)
    for line in faults:
        for start, end in pairwise(line):
            step = end - start
            east, north = easting[None, :] - start[0], northing[:, None] - start[1]
            along = np.clip((east * step[0] + north * step[1]) / (step @ step), 0.0, 1.0)
            square = (east - along * step[0]) ** 2 + (north - along * step[1]) ** 2
            np.minimum(nearest, square, out=nearest)
    return np.sqrt(nearest)


def _centres(grid: Grid, seed: int, fault_m: Array, margin: Array) -> Array:
    """Place hydrothermal centres where faults meet the margins of intrusions."""
    rng = stream(seed, "centres")
    area_km2 = fault_m.size * grid.pixel_width**2 / 1e6
    number = max(2, round(area_km2 / _KM2_PER_CENTRE))
    favour = np.exp(-fault_m / 400.0 - margin / 0.4)
    easting, northing = grid.coordinates()
    centres: list[Array] = []
    for _ in range(number):
        chosen = int(np.searchsorted(np.cumsum(favour), rng.random() * favour.sum()))
        row, column = divmod(min(chosen, favour.size - 1), grid.width)
        centres.append(np.array([easting[column], northing[row]]))
        apart = np.hypot(easting[None, :] - centres[-1][0], northing[:, None] - centres[-1][1])
        favour = favour * -np.expm1(-((apart / 2500.0) ** 2))
    return np.array(centres)


def _alteration(grid: Grid, seed: int, centres: Array, fault_m: Array) -> dict[str, Array]:
    """Zone the halos: argillic core, phyllic shell, propylitic rim, iron cap in patches."""
    rng = stream(seed, "alteration")
    texture = gaussian_field(rng, grid.shape, grid.pixel_width, 900.0, 0.7)
    patches = gaussian_field(rng, grid.shape, grid.pixel_width, 400.0, 0.7)
    easting, northing = grid.coordinates()
    along = np.array([np.sin(_REGIONAL_STRIKE), np.cos(_REGIONAL_STRIKE)])
    potential = np.zeros(grid.shape)
    for centre in centres:
        size, stretch = rng.uniform(260.0, 720.0), rng.uniform(1.3, 2.6)
        east, north = easting[None, :] - centre[0], northing[:, None] - centre[1]
        parallel = (east * along[0] + north * along[1]) / (size * stretch)
        square = parallel**2 + ((east * along[1] - north * along[0]) / size) ** 2
        potential = np.maximum(potential, rng.uniform(0.6, 1.0) * np.exp(-0.5 * square))
    potential *= (0.65 + 0.35 * np.exp(-fault_m / 350.0)) * np.exp(0.33 * texture)
    argillic = step_up(potential, 0.62, 0.05)
    phyllic = step_up(potential, 0.36, 0.05) * (1.0 - argillic)
    propylitic = step_up(potential, 0.16, 0.03) * (1.0 - argillic - phyllic)
    cap = (argillic + phyllic) * step_up(patches, 0.6, 0.25)
    return {"argillic": argillic, "phyllic": phyllic, "propylitic": propylitic, "gossan": cap}


def _cover(grid: Grid, seed: int, elevation: Array) -> tuple[NDArray[np.bool_], Array]:
    """Fill the valleys with Quaternary and let plants follow the damp ground."""
    rng = stream(seed, "cover")
    rough = gaussian_field(rng, grid.shape, grid.pixel_width, 1200.0, 1.0)
    patches = gaussian_field(rng, grid.shape, grid.pixel_width, 500.0, 0.7)
    ground = elevation + 25.0 * rough
    quaternary = ground < np.quantile(ground, 0.17)
    damp = (np.quantile(elevation, 0.25) - elevation) / elevation.std()
    vegetation = 0.03 + 0.65 * step_up(1.2 * damp + 0.9 * patches, 1.3, 0.25)
    return ndimage.binary_opening(quaternary, iterations=2), vegetation


def _shade(elevation: Array, size: float, sun_elevation: float, sun_azimuth: float) -> Array:
    """Return cos(incidence) / sin(sun elevation), at least 0.2: Lambert's rule with sky light."""
    south, east = np.gradient(elevation, size)
    azimuth, height = np.deg2rad(sun_azimuth), np.deg2rad(sun_elevation)
    towards = (np.sin(azimuth) * np.cos(height), np.cos(azimuth) * np.cos(height), np.sin(height))
    cosine = (-east * towards[0] + south * towards[1] + towards[2]) / np.sqrt(
        1.0 + east**2 + south**2
    )
    return 0.15 + 0.85 * np.maximum(cosine / np.sin(height), 0.06)
