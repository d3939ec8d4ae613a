"""Correct every pixel with 6S for its own height, sun and view angle.

6S runs at the nodes of a lattice; the coefficients of a pixel are interpolated between them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.trilinear import apply_coefficients
from gossan.catalogue.sensors import Band
from gossan.errors import ImageryError, SettingsError, must
from gossan.geo.grid import Window
from gossan.geo.layer import Layer, LikeSource
from gossan.geo.raster import open_raster
from gossan.geo.sampling import spread_windows
from gossan.geo.warp import to_grid
from gossan.imagery.atmosphere.coefficients import (
    AtmosphereCorrection,
    SurfaceReflectance,
    coefficients,
    sixs_conditions,
)
from gossan.imagery.atmosphere.geometry import SceneGeometry
from gossan.imagery.atmosphere.settings import AtmosphereSettings
from gossan.imagery.atmosphere.sixs import SixsResult, run_sixs

ALTITUDE_STEP_M = 500.0
AIRMASS_STEP = 0.1
"""Of the sun: 1 / cos(zenith angle)."""
VIEW_STEP = 0.12
"""Of the sine of the view angle, about 7 degrees."""
NEGLIGIBLE = 0.1
"""Share of a step below which one node serves."""
WATER_SCALE_M = 2000.0
"""Height over which the column of water vapour falls to 1/e (Reitan 1963: 2.0 to 2.3 km)."""


@dataclass(frozen=True, eq=False)
class SixsLattice:
    """Coefficients of 6S on evenly spaced nodes of altitude, airmass of the sun and view.

    Attributes
    ----------
    altitudes_m, airmasses, views
        Nodes; a view is the sine of the view angle along ``axis_azimuth``, negative on the other
        side of nadir.
    axis_azimuth
        Azimuth of the scan, degrees.
    numbers
        (band, 3, altitude, airmass, view): a, b and c.
    """

    altitudes_m: tuple[float, ...]
    airmasses: tuple[float, ...]
    views: tuple[float, ...]
    axis_azimuth: float
    numbers: NDArray[np.float64] = field(repr=False)

    @property
    def nodes(self) -> int:
        """Number of nodes at which 6S has run."""
        return len(self.altitudes_m) * len(self.airmasses) * len(self.views)

    def places(
        self, heights: NDArray[np.floating], angles: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        """Find pixels on the axes: heights (row, column) and ``ANGLES`` (3, row, column)."""
        azimuth = math.radians(self.axis_azimuth)
        view = angles[1] * math.sin(azimuth) + angles[2] * math.cos(azimuth)
        airmass = 1.0 / np.cos(np.radians(angles[0]))
        axes = ((heights, self.altitudes_m), (airmass, self.airmasses), (view, self.views))
        return np.stack([_place(values, nodes) for values, nodes in axes])


@dataclass(frozen=True)
class SurfaceByPixel(LikeSource):
    """Layer of surface reflectance through the air between each pixel, sun and sensor.

    Pixels of unknown height or angle take the middle of the axis.
    """

    source: Layer
    heights: Layer | None
    angles: Layer | None
    lattice: SixsLattice

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read reflectance, heights and angles, and correct."""
        unknown = np.full((3, *window.shape), np.nan, np.float32)
        heights = unknown[0] if self.heights is None else self.heights.read(window)[0]
        angles = unknown if self.angles is None else self.angles.read(window)
        values = np.ascontiguousarray(self.source.read(window), np.float32)
        return apply_coefficients(
            values,
            self.lattice.places(heights, angles),
            self.lattice.numbers.astype(np.float32),
        )


def surface_by_pixel(
    layer: Layer, bands: Sequence[Band], geometry: SceneGeometry, settings: AtmosphereSettings
) -> tuple[Layer, tuple[SixsResult, ...]]:
    """Correct a scene with 6S.

    Parameters
    ----------
    layer
        Reflectance at the top of the atmosphere.
    bands
        The sensor's description of each band of the layer, in its order.
    geometry, settings
        As :func:`fit_lattice` takes them.

    Returns
    -------
    Surface reflectance, and the results of 6S for each band in the middle of the scene.

    Raises
    ------
    ImageryError, SettingsError, MissingDependencyError
        6S or the terrain model fails.
    """
    heights = terrain_of(layer, settings)
    angles = geometry.angles if settings.angles == "pixel" else None
    lattice = fit_lattice(bands, replace(geometry, angles=angles), settings, heights)
    middle = at_height(settings, float(np.mean(lattice.altitudes_m)))
    air = run_sixs(bands, sixs_conditions(geometry, middle))
    if lattice.nodes == 1:
        a, b, c = (tuple(row.tolist()) for row in lattice.numbers[..., 0, 0, 0].T)
        return SurfaceReflectance(layer, AtmosphereCorrection(layer.bands, a, b, c)), air
    placed = None if angles is None else to_grid(angles, layer.grid)
    return SurfaceByPixel(layer, heights, placed, lattice), air


def _place(values: NDArray[np.floating], nodes: Sequence[float]) -> NDArray[np.float32]:
    if len(nodes) == 1:
        return np.zeros(values.shape, np.float32)
    step = nodes[1] - nodes[0]
    found = (values - nodes[0]) / step
    middle = (len(nodes) - 1) / 2
    return np.where(np.isfinite(found), found, middle).astype(np.float32)


def fit_lattice(
    bands: Sequence[Band],
    geometry: SceneGeometry,
    settings: AtmosphereSettings,
    heights: Layer | None = None,
) -> SixsLattice:
    """Run 6S at the altitudes and angles that a scene spans.

    Parameters
    ----------
    bands
        Of the sensor.
    geometry
        With its layer of angles, if they are to change over the scene.
    settings
        ``aot550`` and ``water_g_cm2`` must be numbers. The column of water vapour is that at the
        middle altitude; over lower and higher ground it follows the height.
    heights
        Terrain over the scene; without it ``altitude_m`` counts.

    Raises
    ------
    ImageryError
        The terrain is empty over the scene, or 6S refuses the conditions.
    """
    altitudes = (_altitude(settings),) if heights is None else altitudes_of(heights)
    azimuth, airmasses, views = _angle_nodes(geometry)
    middle = sum(altitudes) / len(altitudes)
    found = []
    for altitude, airmass, view in product(altitudes, airmasses, views):
        air = at_height(settings, altitude, middle)
        conditions = sixs_conditions(_seen(geometry, airmass, view, azimuth), air)
        found.append(coefficients(bands, run_sixs(bands, conditions)))
    shape = (len(altitudes), len(airmasses), len(views), 3, len(bands))
    numbers = np.array([(one.a, one.b, one.c) for one in found]).reshape(shape)
    if geometry.sun_of_reflectance == "scene":
        mean = 1.0 / math.sin(math.radians(geometry.sun_elevation))
        numbers[..., 0, :] *= (np.asarray(airmasses) / mean)[None, :, None, None]
    ordered = np.moveaxis(numbers, (4, 3), (0, 1))
    return SixsLattice(altitudes, airmasses, views, azimuth, ordered)


def at_height(
    settings: AtmosphereSettings, altitude_m: float, reference_m: float | None = None
) -> AtmosphereSettings:
    """State the air over ground of a height, from that over ground of a reference height."""
    if isinstance(settings.water_g_cm2, str):
        return settings.model_copy(update={"altitude_m": altitude_m})
    reference_m = altitude_m if reference_m is None else reference_m
    share = math.exp((reference_m - altitude_m) / WATER_SCALE_M)
    water = min(settings.water_g_cm2 * share, 10.0)
    return settings.model_copy(update={"altitude_m": altitude_m, "water_g_cm2": water})


def _seen(geometry: SceneGeometry, airmass: float, view: float, azimuth: float) -> SceneGeometry:
    """Return a geometry with the sun and view of a node."""
    return replace(
        geometry,
        sun_elevation=math.degrees(math.asin(1.0 / airmass)),
        view_zenith=math.degrees(math.asin(min(abs(view), 1.0))),
        view_azimuth=(azimuth if view >= 0 else azimuth + 180.0) % 360.0,
    )


def _angle_nodes(
    geometry: SceneGeometry,
) -> tuple[float, tuple[float, ...], tuple[float, ...]]:
    """Return the azimuth of the scan and the nodes of the sun's airmass and of the view."""
    if geometry.angles is None:
        airmass = 1.0 / math.sin(math.radians(geometry.sun_elevation))
        return geometry.view_azimuth, (airmass,), (math.sin(math.radians(geometry.view_zenith)),)
    zenith, east, north = geometry.angles.read(geometry.angles.grid.whole).astype(np.float64)
    known = np.isfinite(zenith + east + north)
    vectors = np.stack([east[known], north[known]])
    axis = np.linalg.eigh(vectors @ vectors.T)[1][:, -1]
    view, airmass = axis @ vectors, 1.0 / np.cos(np.radians(zenith[known]))
    azimuth = math.degrees(math.atan2(axis[0], axis[1]))
    return azimuth % 360.0, _nodes(airmass, AIRMASS_STEP), _nodes(view, VIEW_STEP)


def _nodes(values: NDArray[np.floating], step: float) -> tuple[float, ...]:
    """Spread nodes evenly over values, at most a step apart.

    Examples
    --------
    >>> _nodes(np.array([0.0, 1.5]), 1.0), _nodes(np.array([2.0, 2.05]), 1.0)
    ((0.0, 0.75, 1.5), (2.025,))
    """
    low, high = float(values.min()), float(values.max())
    if high - low <= NEGLIGIBLE * step:
        return ((low + high) / 2,)
    return tuple(np.linspace(low, high, math.ceil((high - low) / step) + 1).tolist())


def altitudes_of(heights: Layer) -> tuple[float, ...]:
    """Spread altitudes over the heights of some windows, at most 500 m apart.

    Raises
    ------
    ImageryError
        No height is known there.
    """
    seen = [heights.read(window) for window in spread_windows(heights.grid, 64, 8)]
    values = np.concatenate([part[np.isfinite(part)] for part in seen])
    if not values.size:
        raise ImageryError(must("the DEM", "filled over the scene", "no height", "Use another"))
    return _nodes(values, ALTITUDE_STEP_M)


def terrain_of(layer: Layer, settings: AtmosphereSettings) -> Layer | None:
    """Return the terrain on the pixels of a scene; None where one altitude is stated.

    Raises
    ------
    SettingsError
        ``altitude_m = "dem"`` without a terrain model.
    """
    if settings.altitude_m != "dem":
        return None
    if settings.dem is None:
        cure = 'Set dem = "heights.tif" in the [[imagery]]'
        raise SettingsError(must('altitude_m = "dem"', "used with a DEM", "none", cure))
    return to_grid(open_raster(settings.dem), layer.grid)


def _altitude(settings: AtmosphereSettings) -> float:
    assert not isinstance(settings.altitude_m, str)
    return settings.altitude_m
