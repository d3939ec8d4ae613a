"""A small simulated district for the figures of the documentation: its ground truth is known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
from numpy.typing import NDArray

import gossan as gs
from gossan.api.rasters import Raster
from gossan.api.surveys import Element, Survey
from gossan.demo import District, simulate_district
from gossan.demo.raw_scenes import write_raw_scenes


@dataclass(frozen=True)
class SmallDistrict:
    """What a figure needs: a survey, alteration indices, and the truth in ppm."""

    district: District
    survey: Survey
    copper: Element
    scene: Raster
    indices: Raster
    extent: tuple[float, float, float, float]
    """West, east, south and north edge in km, for ``imshow``."""

    @property
    def truth(self) -> NDArray[np.float64]:
        """True copper, ppm."""
        return self.district.truth["Cu"]

    @property
    def places(self) -> NDArray[np.float64]:
        """Easting and northing of the samples, km."""
        return self.copper.coordinates / 1000.0


@cache
def small_district(seed: int = 5) -> SmallDistrict:
    """Simulate 9 x 7.5 km with a composite sample every 0.6 km2, and read it as a user would."""
    folder = Path(mkdtemp())
    district = simulate_district(seed, (300, 250), regional_km2=0.6, regional_support_m=600)
    scene = gs.open_aster(write_raw_scenes(district, folder)["aster"])
    path = folder / "stream.csv"
    district.surveys["regional"].frame.to_csv(path, index=False)
    survey = gs.read_survey(path, crs=district.grid.crs.to_string(), support_m=600)
    west, south, east, north = (edge / 1000 for edge in district.grid.bounds)
    indices = gs.indices(scene, "paper")
    extent = (west, east, south, north)
    return SmallDistrict(district, survey, survey.element("Cu"), scene, indices, extent)
