"""Declare the reflectance of a few end-members as smooth analytic curves.

Every curve is a continuum (a level and logistic rises) times Gaussian absorptions. The positions
are those that any text on reflectance spectroscopy gives (Al-OH 2.16 to 2.21 um, Mg-OH and CO3
2.30 to 2.35 um, Fe3+ 0.48 and 0.90 um, Fe2+ 1.0 um, chlorophyll 0.48 and 0.67 um, red edge
0.72 um); depths and widths are chosen by hand. They are drawings of minerals, not measurements.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Absorption:
    """One Gaussian absorption: centre and width (standard deviation) in um, depth 0 to 1."""

    centre_um: float
    width_um: float
    depth: float


@dataclass(frozen=True)
class Rise:
    """One logistic step of the continuum: centre and width in um, height in reflectance."""

    centre_um: float
    width_um: float
    height: float


@dataclass(frozen=True)
class EndMember:
    """The spectrum of one surface material as numbers.

    ``R(w) = (level + sum height / (1 + exp(-(w - c) / s))) * prod (1 - depth exp(-((w-c)/s)^2/2))``
    """

    name: str
    level: float
    rises: tuple[Rise, ...] = ()
    absorptions: tuple[Absorption, ...] = ()

    def reflectance(self, wavelength_um: ArrayLike) -> NDArray[np.float64]:
        """Return the reflectance (0 to 1) at wavelengths in um, in the shape given.

        >>> calcite = END_MEMBERS["calcite"].reflectance([1.65, 2.34])
        >>> bool(calcite[1] < 0.75 * calcite[0])
        True
        """
        wavelength = np.asarray(wavelength_um, dtype=np.float64)
        curve = np.full(wavelength.shape, self.level)
        for rise in self.rises:
            step = np.clip((wavelength - rise.centre_um) / rise.width_um, -60.0, 60.0)
            curve = curve + rise.height / (1.0 + np.exp(-step))
        for dip in self.absorptions:
            distance = (wavelength - dip.centre_um) / dip.width_um
            curve = curve * (1.0 - dip.depth * np.exp(-0.5 * distance**2))
        return curve


def _end_member(
    name: str,
    level: float,
    rises: tuple[tuple[float, float, float], ...] = (),
    absorptions: tuple[tuple[float, float, float], ...] = (),
) -> EndMember:
    return EndMember(
        name, level, tuple(Rise(*r) for r in rises), tuple(Absorption(*a) for a in absorptions)
    )


_WATER = ((1.41, 0.03, 0.25), (1.91, 0.04, 0.30))

_DECLARED = (
    _end_member(
        "kaolinite",
        0.35,
        ((0.42, 0.06, 0.42), (2.12, 0.06, -0.28)),
        (
            (1.40, 0.02, 0.35),
            (1.91, 0.03, 0.10),
            (2.165, 0.020, 0.22),
            (2.207, 0.022, 0.33),
            (2.33, 0.02, 0.12),
            (2.385, 0.025, 0.15),
        ),
    ),
    _end_member(
        "alunite",
        0.40,
        ((0.42, 0.06, 0.28), (2.50, 0.08, -0.15)),
        (
            (1.43, 0.02, 0.30),
            (1.76, 0.02, 0.15),
            (2.17, 0.035, 0.36),
            (2.32, 0.030, 0.20),
            (2.40, 0.030, 0.16),
        ),
    ),
    _end_member(
        "muscovite",
        0.40,
        ((0.45, 0.08, 0.20), (2.45, 0.10, -0.12)),
        (
            (1.41, 0.02, 0.20),
            (1.91, 0.03, 0.08),
            (2.205, 0.020, 0.24),
            (2.35, 0.030, 0.14),
            (2.44, 0.030, 0.10),
        ),
    ),
    _end_member(
        "chlorite",
        0.19,
        ((1.35, 0.16, 0.40), (0.55, 0.03, 0.03), (0.66, 0.03, -0.03)),
        (
            (0.72, 0.08, 0.15),
            (1.05, 0.16, 0.25),
            (1.40, 0.02, 0.10),
            (2.255, 0.028, 0.28),
            (2.335, 0.038, 0.48),
        ),
    ),
    _end_member(
        "calcite",
        0.80,
        ((0.42, 0.06, 0.14),),
        ((1.88, 0.03, 0.05), (2.00, 0.04, 0.08), (2.16, 0.03, 0.04), (2.335, 0.045, 0.33)),
    ),
    _end_member(
        "goethite",
        0.04,
        ((0.56, 0.030, 0.20), (0.74, 0.05, 0.14), (1.25, 0.10, 0.22)),
        ((0.48, 0.04, 0.35), (0.67, 0.04, 0.10), (0.92, 0.09, 0.42), (1.93, 0.05, 0.10)),
    ),
    _end_member("quartz", 0.42, ((0.45, 0.10, 0.16),), ((1.91, 0.04, 0.08), (2.22, 0.05, 0.03))),
    _end_member("feldspar", 0.34, ((0.50, 0.12, 0.12),), _WATER[:1]),
    _end_member("mafic", 0.10, ((1.40, 0.25, 0.09),), ((1.00, 0.14, 0.22), (2.30, 0.12, 0.10))),
    _end_member(
        "vegetation",
        0.035,
        ((0.715, 0.014, 0.50), (1.36, 0.05, -0.24), (1.88, 0.05, -0.17)),
        ((0.48, 0.03, 0.30), (0.67, 0.025, 0.45), (1.20, 0.03, 0.15), *_WATER),
    ),
)

END_MEMBERS: Mapping[str, EndMember] = MappingProxyType({e.name: e for e in _DECLARED})
