"""Which band of an imagery sees which part of the spectrum: by sensor, wavelength or name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gossan.catalogue.sensors import aster_bands
from gossan.errors import ImageryError, must
from gossan.imagery.masks.rules import ROLES as SENSOR_ROLES
from gossan.imagery.rasters.band_names import band_name
from gossan.imagery.settings import ImagerySettings

RANGES_UM = {
    "blue": (0.45, 0.52),
    "green": (0.52, 0.60),
    "red": (0.62, 0.69),
    "nir": (0.76, 0.90),
    "swir1": (1.55, 1.75),
    "swir2": (2.08, 2.35),
}
"""Limits of the wide bands of Landsat and Sentinel-2 (micrometres)."""
NAMES = {
    "swir": "swir1",
    "swir16": "swir1",
    "swir_1": "swir1",
    "swir22": "swir2",
    "swir_2": "swir2",
}


def band_roles(
    settings: ImagerySettings, bands: Sequence[str], wavelengths_um: Mapping[str, float]
) -> dict[str, str]:
    """Find the band of each role.

    Parameters
    ----------
    settings
        ``roles`` win over wavelengths, wavelengths over names such as "red".
    bands
        Bands of the imagery.
    wavelengths_um
        Central wavelengths, as far as they are known.

    Raises
    ------
    ImageryError
        A role is given to a band that the imagery does not have.
    """
    if settings.sensor in SENSOR_ROLES:
        known = SENSOR_ROLES[settings.sensor]
        return {role: name for role, name in known.items() if name in bands}
    written = {band_name(name): name for name in bands} | {name: name for name in bands}
    stated = {}
    for role, name in settings.roles.items():
        if name not in written and band_name(name) not in written:
            allowed = f"a band: {', '.join(bands)}"
            raise ImageryError(must(f"roles: {role}", allowed, repr(name), "Name one of them"))
        stated[role] = written.get(name) or written[band_name(name)]
    by_name = {NAMES.get(name.lower(), name.lower()): name for name in bands}
    named = {role: by_name[role] for role in RANGES_UM if role in by_name}
    return named | _by_wavelength(wavelengths_um) | stated


def _by_wavelength(wavelengths_um: Mapping[str, float]) -> dict[str, str]:
    """Return each role the band nearest to the middle of its range."""
    found = {}
    for role, (low, high) in RANGES_UM.items():
        inside = {b: abs(w - (low + high) / 2) for b, w in wavelengths_um.items() if low < w < high}
        if inside:
            found[role] = min(inside, key=lambda band: inside[band])
    return found


def aster_alike(wavelengths_um: Mapping[str, float]) -> dict[str, str]:
    """Find the band nearest to each of ASTER's nine, for sensors that resolve all of them.

    Returns
    -------
    Band by ASTER band (``b1`` ... ``b9``); nothing unless every one has a band of its own within
    its limits.
    """
    found = {}
    for band in aster_bands()[:9]:
        inside = {
            name: abs(wave - band.centre_um)
            for name, wave in wavelengths_um.items()
            if band.low_um <= wave <= band.high_um
        }
        if inside:
            found[band.name] = min(inside, key=lambda name: inside[name])
    return found if len(set(found.values())) == 9 else {}
