"""Find the air of a scene: water vapour and aerosol from its bands, else from tables.

Water vapour: the ratio of Sentinel-2 bands 9 (in the absorption at 940 nm) and 8A (beside it) over
bright land, compared with what 6S computes for several columns.

Aerosol: over dark dense vegetation the reflectance in red and blue is half and a quarter of that at
2.2 um (Kaufman et al. 1997); over other dark targets (water, deep shadow) red is 1 %. The optical
thickness is the one with which 6S returns that reflectance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gossan.catalogue.model_atmospheres import water_vapour_of
from gossan.catalogue.sensors import Band
from gossan.geo.layer import Layer
from gossan.geo.sampling import spread_windows
from gossan.imagery.atmosphere.by_pixel import WATER_SCALE_M, altitudes_of, terrain_of
from gossan.imagery.atmosphere.coefficients import (
    AtmosphereCorrection,
    coefficients,
    sixs_conditions,
)
from gossan.imagery.atmosphere.geometry import SceneGeometry
from gossan.imagery.atmosphere.settings import AtmosphereSettings
from gossan.imagery.atmosphere.sixs import run_sixs

VISIBILITY_40_KM = 0.1696
"""Aerosol optical thickness at 550 nm that 6S computes for 40 km visibility, FLAASH's default."""
FIRST_GUESS = {"aot550": VISIBILITY_40_KM, "water_g_cm2": 2.0}
COLUMNS_G_CM2 = (0.1, 0.4, 0.9, 1.6, 2.5, 4.0, 6.0)
THICKNESSES = (0.01, 0.1, 0.2, 0.4, 0.8, 1.5)
SIDE, ACROSS = 64, 4
"""Windows that are looked at: their side in pixels, and how many along each side."""
FEWEST_PIXELS = 50
BRIGHT = 0.1
"""Reflectance at 865 nm from which ground counts as bright land."""
VEGETATED, DARK_SWIR2 = 0.3, 0.15
"""Dark dense vegetation: NDVI above and reflectance at 2.2 um below (Kaufman et al. 1997)."""
DARK_NIR, DARK_SWIR1, DARK_RED = 0.06, 0.02, 0.01
"""Water and deep shadow: reflectance below in the infrared, and taken in the red."""
OF_SWIR2 = {"red": 0.5, "blue": 0.25}


@dataclass(frozen=True)
class SceneAir:
    """Settings of which every word has become a number, and where the numbers come from."""

    settings: AtmosphereSettings
    note: str = ""


@dataclass(frozen=True, eq=False)
class Look:
    """Sampled top-of-atmosphere reflectance of a scene: values and bands by role.

    Roles are ``red``, ``blue``, ``nir``, ``swir1``, ``swir2``, ``vapour`` (in the water absorption
    at 940 nm) and ``beside`` (next to it).
    """

    values: Mapping[str, NDArray[np.float64]]
    bands: Mapping[str, Band]

    def has(self, *roles: str) -> bool:
        """Whether all of these roles have a band."""
        return all(role in self.values for role in roles)


def look_at(layer: Layer, bands: Mapping[str, Band]) -> Look:
    """Sample a scene: windows spread over it, pixels that are filled in all bands.

    Parameters
    ----------
    layer
        Reflectance at the top of the atmosphere that holds the bands.
    bands
        Band of the sensor by role.
    """
    chosen = {role: band for role, band in bands.items() if band.name in layer.bands}
    parts = [
        layer.read(window).reshape(len(layer.bands), -1)
        for window in spread_windows(layer.grid, SIDE, ACROSS)
    ]
    values = np.concatenate(parts, axis=1).astype(np.float64)
    values = values[:, np.isfinite(values).all(axis=0)]
    rows = {role: values[layer.bands.index(band.name)] for role, band in chosen.items()}
    return Look(rows, chosen)


def scene_air(
    look: Callable[[], Look],
    layer: Layer,
    geometry: SceneGeometry,
    settings: AtmosphereSettings,
    latitude: float,
) -> SceneAir:
    """Replace "auto" by numbers.

    Parameters
    ----------
    look
        Samples the scene; called only where something is to be estimated.
    layer
        Any layer on the pixels of the scene, for the heights over it.
    geometry
        Means of the scene serve.
    settings
        Of which ``aot550`` and ``water_g_cm2`` may be "auto". Nothing changes unless the method
        is 6S.
    latitude
        Degrees, for the table of standard atmospheres.

    Raises
    ------
    ImageryError, SettingsError, MissingDependencyError
        6S or the terrain model fails.
    """
    if settings.method != "6s":
        return SceneAir(settings)
    if "auto" not in (settings.aot550, settings.water_g_cm2):
        return SceneAir(settings, _note(settings, geometry, "stated", "stated"))
    heights = terrain_of(layer, settings)
    ground = settings.altitude_m if heights is None else float(np.mean(altitudes_of(heights)))
    assert not isinstance(ground, str)
    seen = look()
    air = settings.model_copy(update={"altitude_m": ground})
    water, of_water = settings.water_g_cm2, "stated"
    if water == "auto":
        water, of_water = _water(seen, geometry, air, latitude, ground)
    air = air.model_copy(update={"water_g_cm2": water})
    thickness, of_aerosol = settings.aot550, "stated"
    if thickness == "auto":
        thickness, of_aerosol = _aerosol(seen, geometry, air)
    found = settings.model_copy(update={"water_g_cm2": water, "aot550": thickness})
    return SceneAir(found, _note(found, geometry, of_aerosol, of_water))


def _note(
    settings: AtmosphereSettings, geometry: SceneGeometry, of_aerosol: str, of_water: str
) -> str:
    return (
        f"atmosphere: 6S, {settings.aerosol.replace('_', ' ')} aerosol of optical thickness "
        f"{settings.aot550:.3g} at 550 nm ({of_aerosol}), water vapour "
        f"{settings.water_g_cm2:.3g} g/cm2 ({of_water}), ozone {settings.ozone_cm_atm:.3g} cm-atm "
        f"(stated), {_place(settings, geometry)}, "
        f"adjacency {'on' if settings.adjacency else 'off'}, "
        "aerosol and water one value for the scene"
    )


def _place(settings: AtmosphereSettings, geometry: SceneGeometry) -> str:
    """Word the heights and angles that the correction follows."""
    by_pixel = settings.angles == "pixel" and geometry.angles is not None
    angles = "sun and view of each pixel" if by_pixel else "mean sun and view of the scene"
    if settings.altitude_m == "dem":
        return f"height of each pixel (dem), {angles}"
    return f"ground at {settings.altitude_m:g} m (stated), {angles}"


def _water(
    look: Look,
    geometry: SceneGeometry,
    settings: AtmosphereSettings,
    latitude: float,
    altitude_m: float,
) -> tuple[float, str]:
    """Estimate the column of water vapour, or take it from the table."""
    if look.has("vapour", "beside"):
        bright = look.values["beside"] > BRIGHT
        if bright.sum() >= FEWEST_PIXELS:
            ratio = float(np.median(look.values["vapour"][bright] / look.values["beside"][bright]))
            expected = _ratios(look, geometry, settings)
            if expected[-1] < ratio < expected[0]:
                column = float(np.interp(-ratio, -expected, COLUMNS_G_CM2))
                pixels = f"from bands 9 and 8A over {int(bright.sum())} pixels"
                return column, f"{pixels}; no map, because their ratio follows iron minerals too"
    column, name = water_vapour_of(latitude, geometry.date.month)
    column *= float(np.exp(-max(altitude_m, 0.0) / WATER_SCALE_M))
    return column, f"table: {name} atmosphere, reduced to {altitude_m:.0f} m"


def _ratios(
    look: Look, geometry: SceneGeometry, settings: AtmosphereSettings
) -> NDArray[np.float64]:
    """Compute the ratio of the bands in and beside the absorption for each column."""
    bands = [look.bands["vapour"], look.bands["beside"]]
    guess = FIRST_GUESS["aot550"] if settings.aot550 == "auto" else settings.aot550
    found = []
    for column in COLUMNS_G_CM2:
        air = settings.model_copy(update={"water_g_cm2": column, "aot550": guess})
        inside, outside = run_sixs(bands, sixs_conditions(geometry, air))
        found.append(inside.reflectance / outside.reflectance)
    return np.array(found)


def _aerosol(
    look: Look, geometry: SceneGeometry, settings: AtmosphereSettings
) -> tuple[float, str]:
    """Estimate the optical thickness on dark vegetation, else on dark targets, else take 40 km."""
    for name, chosen, wanted in _dark_targets(look):
        if chosen.sum() < FEWEST_PIXELS:
            continue
        excess = _excess(look, chosen, wanted, geometry, settings)
        if excess[0] > 0 > excess[-1]:
            thickness = float(np.interp(0.0, -excess, THICKNESSES))
            return thickness, f"from {int(chosen.sum())} pixels of {name}"
    return VISIBILITY_40_KM, "no dark targets: that of 40 km visibility"


Wanted = Mapping[str, Callable[[Mapping[str, NDArray[np.float64]]], NDArray[np.float64]]]


def _dark_targets(look: Look) -> list[tuple[str, NDArray[np.bool_], Wanted]]:
    """List kinds of dark ground: name, pixels, and reflectance that each band should have."""
    found: list[tuple[str, NDArray[np.bool_], Wanted]] = []
    if look.has("red", "nir", "swir2"):
        red, nir, swir2 = (look.values[role] for role in ("red", "nir", "swir2"))
        dense = ((nir - red) > VEGETATED * (nir + red)) & (swir2 < DARK_SWIR2) & (swir2 > 0.01)
        wanted: Wanted = {
            role: (lambda surface, share=share: share * surface["swir2"])  # type: ignore[misc]
            for role, share in OF_SWIR2.items()
            if look.has(role)
        }
        found.append(("dark dense vegetation", dense, wanted))
    if look.has("red", "nir", "swir1"):
        dark = (look.values["nir"] < DARK_NIR) & (look.values["swir1"] < DARK_SWIR1)
        found.append(("dark targets", dark, {"red": lambda _: np.array([DARK_RED])}))
    return found


def _excess(
    look: Look,
    chosen: NDArray[np.bool_],
    wanted: Wanted,
    geometry: SceneGeometry,
    settings: AtmosphereSettings,
) -> NDArray[np.float64]:
    """Compute, for each thickness, how much brighter dark ground is than it should be."""
    roles = [role for role in ("red", "blue", "swir2") if look.has(role)]
    seen = np.stack([look.values[role][chosen] for role in roles])[:, None]
    found = []
    for thickness in THICKNESSES:
        air = settings.model_copy(update={"aot550": thickness})
        correction = _correction([look.bands[role] for role in roles], geometry, air)
        surface = dict(zip(roles, correction.surface(seen)[:, 0]))
        excess = [np.median(surface[role] - of(surface)) for role, of in wanted.items()]
        found.append(float(np.mean(excess)))
    return np.array(found)


def _correction(
    bands: Sequence[Band], geometry: SceneGeometry, settings: AtmosphereSettings
) -> AtmosphereCorrection:
    return coefficients(bands, run_sixs(bands, sixs_conditions(geometry, settings)))
