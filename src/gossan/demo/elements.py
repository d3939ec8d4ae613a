"""Declare the elements of the district and simulate their true maps at pixel scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gossan.demo.fields import gaussian_field, stream
from gossan.demo.geology import LITHOLOGIES, Geology

_COVER_SMOOTHING_M = 1500.0


@dataclass(frozen=True)
class SimulatedElement:
    """How one element behaves; all effects are on the natural logarithm of its content.

    ``background_ppm`` per lithology (in the order of LITHOLOGIES); ``links`` adds to the logarithm
    at full intensity of an alteration zone; ``regional``, ``local`` and ``nugget`` are standard
    deviations of fields that imagery cannot see (ranges 6 km, 1.5 km and none);
    ``detection_limit`` in ppm; ``laboratory`` is the relative standard deviation of an analysis.
    """

    name: str
    background_ppm: tuple[float, ...]
    links: Mapping[str, float] = field(default_factory=dict)
    regional: float = 0.25
    local: float = 0.25
    nugget: float = 0.10
    detection_limit: float = 0.5
    laboratory: float = 0.05


ELEMENTS: Mapping[str, SimulatedElement] = MappingProxyType(
    {
        e.name: e
        for e in (
            SimulatedElement(
                "Cu",
                (38.0, 11.0, 14.0, 62.0, 24.0),
                {"argillic": 1.1, "phyllic": 1.7, "propylitic": 0.5, "gossan": 0.6},
            ),
            SimulatedElement(
                "Zn",
                (75.0, 42.0, 34.0, 98.0, 52.0),
                {"argillic": 0.1, "phyllic": 0.5, "propylitic": 1.1, "gossan": 0.4},
                detection_limit=1.0,
            ),
            SimulatedElement(
                "Ni", (24.0, 10.0, 13.0, 120.0, 9.0), {"argillic": -0.3}, detection_limit=1.0
            ),
            SimulatedElement(
                "Au",
                (0.0016, 0.0008, 0.001, 0.0015, 0.0014),
                {"argillic": 2.2, "phyllic": 1.4, "gossan": 0.8},
                local=0.45,
                nugget=0.35,
                detection_limit=0.001,
                laboratory=0.12,
            ),
            # The control: nothing that imagery sees moves it.
            SimulatedElement("Sn", (2.2,) * 5, regional=0.35, local=0.35, detection_limit=0.5),
        )
    }
)


def element_map(
    element: SimulatedElement, geology: Geology, pixel_m: float, seed: int
) -> NDArray[np.float64]:
    """Simulate the true content of one element in the surface, ppm, (rows, columns).

    ``ln c = ln background(rock) + sum link * zone + regional + local + nugget``; under Quaternary
    and where it is transported, the first two terms are those of the surroundings, smoothed.

    Raises
    ------
    ValueError
        The element has not one background for each lithology.

    >>> ELEMENTS["Sn"].links
    {}
    """
    shape = geology.lithology.shape
    if len(element.background_ppm) != len(LITHOLOGIES):
        raise ValueError(f"{element.name}: one background per lithology")
    seen = np.log(np.array(element.background_ppm))[geology.lithology]
    for zone, effect in element.links.items():
        seen = seen + effect * geology.alteration[zone]
    transported = ndimage.gaussian_filter(seen, _COVER_SMOOTHING_M / pixel_m, mode="nearest")
    logarithm = np.where(geology.quaternary, transported, seen)
    rng = stream(seed, f"element {element.name}")
    logarithm += element.regional * gaussian_field(rng, shape, pixel_m, 6000.0, 1.0)
    logarithm += element.local * gaussian_field(rng, shape, pixel_m, 1500.0, 0.5)
    logarithm += element.nugget * rng.standard_normal(shape)
    return np.exp(logarithm)
