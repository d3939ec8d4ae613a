"""Declare the bands of the two simulated sensors and average spectra over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gossan.demo.spectra import EndMember

SensorName = Literal["aster", "sentinel2"]


@dataclass(frozen=True)
class SensorBand:
    """One band: name, limits in um (flat response between them), noise in reflectance."""

    name: str
    low_um: float
    high_um: float
    noise: float


def _centred(name: str, centre_nm: float, width_nm: float, noise: float) -> SensorBand:
    return SensorBand(
        name, (centre_nm - width_nm / 2) / 1000, (centre_nm + width_nm / 2) / 1000, noise
    )


SENSORS: Mapping[str, tuple[SensorBand, ...]] = MappingProxyType(
    {
        # Limits: ASTER user handbook, nominal bands 1, 2, 3N and 4 to 9.
        "aster": (
            SensorBand("b1", 0.52, 0.60, 0.003),
            SensorBand("b2", 0.63, 0.69, 0.003),
            SensorBand("b3", 0.76, 0.86, 0.003),
            SensorBand("b4", 1.60, 1.70, 0.004),
            SensorBand("b5", 2.145, 2.185, 0.006),
            SensorBand("b6", 2.185, 2.225, 0.006),
            SensorBand("b7", 2.235, 2.285, 0.006),
            SensorBand("b8", 2.295, 2.365, 0.006),
            SensorBand("b9", 2.36, 2.43, 0.007),
        ),
        # Centres and widths: Sentinel-2A, ESA spectral responses; the 60 m bands are left out.
        "sentinel2": (
            _centred("b02", 492.4, 64.3, 0.003),
            _centred("b03", 559.9, 34.8, 0.003),
            _centred("b04", 664.6, 30.6, 0.003),
            _centred("b05", 704.1, 14.0, 0.003),
            _centred("b06", 740.5, 13.6, 0.003),
            _centred("b07", 782.8, 19.0, 0.003),
            _centred("b08", 832.8, 104.8, 0.003),
            _centred("b8a", 864.7, 20.5, 0.003),
            _centred("b11", 1613.7, 89.7, 0.003),
            _centred("b12", 2202.4, 173.6, 0.004),
        ),
    }
)


def band_reflectance(
    members: tuple[EndMember, ...], sensor: SensorName, points: int = 33
) -> NDArray[np.float64]:
    """Average end-member spectra over the bands of a sensor: ``(member, band)``, 0 to 1.

    The response is flat between the band's limits; ``points`` wavelengths are averaged.

    >>> from gossan.demo.spectra import END_MEMBERS
    >>> kaolinite = band_reflectance((END_MEMBERS["kaolinite"],), "aster")[0]
    >>> bool(kaolinite[3] + kaolinite[5] > 2.2 * kaolinite[4])  # argillic ratio (4 + 6) / 5
    True
    """
    steps = (np.arange(points) + 0.5) / points
    return np.array(
        [
            [
                member.reflectance(band.low_um + (band.high_um - band.low_um) * steps).mean()
                for band in SENSORS[sensor]
            ]
            for member in members
        ]
    )
