"""Write a simulated district as an ASTER scene: through air, crosstalk and gains into files.

The files look like those of L1T version 003 (one HDF4 file), version 004 (one GeoTIFF per band)
and of the level 2 surface reflectance AST_07XT, so that the demo starts where a user starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from gossan.catalogue.sensors import AsterBand, aster_band, aster_bands, unit_conversion
from gossan.demo.aster_metadata_text import product_texts
from gossan.demo.overpass import Overpass
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer, Layer, SelectedLayer
from gossan.geo.raster import atomic_path
from gossan.geo.warp import to_grid
from gossan.imagery.aster.crosstalk import CrosstalkFree
from gossan.imagery.aster.hdf import hdf4_library
from gossan.imagery.atmosphere.coefficients import AtmosphereCorrection
from gossan.imagery.calibration import reflectance_per_radiance

Group = Literal["VNIR", "SWIR", "TIR"]


@dataclass(frozen=True)
class SimulatedAster:
    """Digital numbers by band, and the grid of each telescope that was on."""

    overpass: Overpass
    grids: Mapping[Group, Grid]
    numbers: Mapping[str, NDArray[np.integer]] = field(repr=False)

    def bands(self, group: Group) -> list[AsterBand]:
        """Bands of a telescope that have data."""
        return [b for b in aster_bands() if b.group == group and b.name in self.numbers]


def simulate_scene(
    surface: Layer, overpass: Overpass | None = None, temperature: Layer | None = None
) -> SimulatedAster:
    """Look at a surface as ASTER does.

    Parameters
    ----------
    surface
        Surface reflectance ``b1`` ... ``b9`` at 15 m (fewer bands: fewer in the scene); the
        short-wave bands are averaged to 30 m. NaN becomes background.
    overpass
        Time, sun, gains, air, ghosts.
    temperature
        One band, black-body temperature (K); without it the thermal telescope is off.

    Returns
    -------
    Digital numbers: ``round(L / unit conversion) + 1``, 255 (4095) when too bright, 0 background.
    """
    overpass = overpass or Overpass()
    grids: dict[Group, Grid] = {}
    numbers: dict[str, NDArray[np.integer]] = {}
    for group in ("VNIR", "SWIR"):
        names = tuple(b.name for b in aster_bands() if b.group == group and b.name in surface.bands)
        if not names:
            continue
        grids[group] = telescope_grid(surface.grid, aster_band(names[0]).pixel_m)
        placed = to_grid(SelectedLayer(surface, names), grids[group])
        seen = _at_sensor(placed, overpass, group)
        for name, radiance in zip(names, seen):
            per_dn = unit_conversion(name, overpass.gains[name]).per_dn
            numbers[name] = _digitise(radiance, per_dn, aster_band(name).saturated)
    if temperature is not None:
        grids["TIR"] = telescope_grid(surface.grid, 90)
        warm = to_grid(temperature, grids["TIR"]).read(grids["TIR"].whole)[0].astype(np.float64)
        for band in (b for b in aster_bands() if b.group == "TIR"):
            radiance = (band.k1 or 0.0) / np.expm1((band.k2 or 0.0) / warm)
            per_dn = unit_conversion(band.name, "NOR").per_dn
            numbers[band.name] = _digitise(radiance, per_dn, band.saturated)
    return SimulatedAster(overpass, grids, numbers)


def telescope_grid(fine: Grid, pixel_m: int) -> Grid:
    """Return a telescope's grid: the centres of the first pixels of all telescopes coincide."""
    east = fine.transform.c + fine.pixel_width / 2 - pixel_m / 2
    north = fine.transform.f - fine.pixel_height / 2 + pixel_m / 2
    transform = Affine(pixel_m, 0.0, east, 0.0, -pixel_m, north)
    height = max(round(fine.height * fine.pixel_height / pixel_m), 1)
    width = max(round(fine.width * fine.pixel_width / pixel_m), 1)
    return Grid(fine.crs, transform, height, width)


def _at_sensor(surface: Layer, overpass: Overpass, group: Group) -> NDArray[np.floating]:
    """Return radiance (band, row, column): sunlight, air, and ghosts of band 4."""
    values = surface.read(surface.grid.whole)
    if overpass.air is not None:
        air = overpass.air
        chosen = [air.bands.index(name) for name in surface.bands]
        a, b, c = (tuple(part[i] for i in chosen) for part in (air.a, air.b, air.c))
        values = AtmosphereCorrection(surface.bands, a, b, c).top_of_atmosphere(values)
    for index, name in enumerate(surface.bands):
        irradiance = aster_band(name).solar_irradiance or 0.0
        values[index] /= reflectance_per_radiance(
            irradiance, overpass.sun_elevation, overpass.time.date()
        )
    if group == "SWIR" and overpass.leaks:
        layer = ArrayLayer(surface.grid, surface.bands, values)
        mean = float(np.nanmean(values[surface.bands.index("b4")], dtype=np.float64))
        leaking = CrosstalkFree(layer, overpass.leaks, overpass.track_azimuth, mean, sign=1)
        values = leaking.read(surface.grid.whole)
    return values


def _digitise(radiance: NDArray[np.floating], per_dn: float, full: int) -> NDArray[np.integer]:
    steps = np.rint(np.nan_to_num(radiance / per_dn, nan=-1.0)) + 1
    steps = np.where(steps >= full, full, np.maximum(steps, 1))
    steps[np.isnan(radiance)] = 0
    return steps.astype(np.uint8 if full == 255 else np.uint16)


def granule_name(overpass: Overpass, version: str = "003", product: str = "AST_L1T") -> str:
    """Name a granule as the archive does.

    >>> granule_name(Overpass())
    'AST_L1T_00307152004075231_20240101000000'
    """
    return f"{product}_{version}{overpass.time:%m%d%Y%H%M%S}_20240101000000"


def write_aster_hdf(folder: Path, scene: SimulatedAster) -> Path:
    """Write a scene as one L1T-like HDF4 file (V003); returns its path.

    The file has the data sets, dimension names and ODL metadata that readers use.
    """
    library = hdf4_library()
    SD, SDC = library.SD, library.SDC
    path = Path(folder) / f"{granule_name(scene.overpass)}_12345.hdf"
    with atomic_path(path) as temporary:
        file = SD(str(temporary), SDC.WRITE | SDC.CREATE | SDC.TRUNC)
        try:
            for name, text in product_texts(scene.overpass, scene.grids, path.stem).items():
                file.attr(name).set(SDC.CHAR, text)
            for group in scene.grids:
                for band in scene.bands(group):
                    values = scene.numbers[band.name]
                    kind = SDC.UINT8 if values.dtype == np.uint8 else SDC.UINT16
                    data = file.create(band.dataset, kind, values.shape)
                    data.dim(0).setname(f"ImageLine_{group}_Swath")
                    data.dim(1).setname(f"ImagePixel_{group}_Swath")
                    data[:] = values
                    data.endaccess()
        finally:
            file.end()
    return path
