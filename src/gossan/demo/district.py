"""Simulate a whole district with known truth: ground, scenes, true element maps, surveys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS

from gossan.demo.elements import ELEMENTS, element_map
from gossan.demo.fields import stream
from gossan.demo.fluvial import fluvial_relief
from gossan.demo.geology import Geology, simulate_geology
from gossan.demo.scene import simulate_abundances, simulate_reflectance
from gossan.demo.sensors import SENSORS, SensorName
from gossan.demo.surveys import SimulatedSurvey, draw_stream_survey, draw_survey
from gossan.errors import InputError, must
from gossan.geo.grid import Grid
from gossan.io.geometry_tables import GeoTable, geometry_table
from gossan.targets.outlines import outline

_ORIGIN = (563_040.0, 4_392_210.0)


@dataclass(frozen=True)
class District:
    """A simulated district; arrays are (rows, columns) or (band, rows, columns).

    ``reflectance``: per sensor, 0 to 1, float32. ``truth``: per element, ppm. ``geology``: the
    true ground. ``surveys``: regional or stream (fit), detailed (check). ``faults``, ``cover``
    and ``occurrences``: tables with geometry in the grid's CRS.
    """

    seed: int
    grid: Grid
    reflectance: Mapping[str, NDArray[np.float32]] = field(repr=False)
    truth: Mapping[str, NDArray[np.float64]] = field(repr=False)
    geology: Geology = field(repr=False)
    surveys: Mapping[str, SimulatedSurvey] = field(repr=False)
    faults: GeoTable = field(repr=False)
    cover: GeoTable = field(repr=False)
    occurrences: GeoTable = field(repr=False)

    @property
    def drained(self) -> bool:
        """Whether the survey to fit is one of stream sediments."""
        return self.fitted.catchments

    @property
    def fitted(self) -> SimulatedSurvey:
        """The survey to fit."""
        return next(survey for survey in self.surveys.values() if survey.role == "fit")

    @property
    def masks(self) -> dict[str, NDArray[np.bool_]]:
        """Masks of what hides rock: quaternary, vegetation (share > 0.3), shadow (shade < 0.4)."""
        ground = self.geology
        return {
            "quaternary": ground.quaternary,
            "vegetation": ground.vegetation > 0.3,
            "shadow": ground.shade < 0.4,
        }


def simulate_district(
    seed: int = 7,
    shape: tuple[int, int] = (600, 500),
    pixel_m: float = 30.0,
    *,
    elements: tuple[str, ...] = tuple(ELEMENTS),
    sensors: tuple[SensorName, ...] = ("aster", "sentinel2"),
    regional_km2: float = 1.5,
    regional_support_m: float = 1000.0,
    detailed_km2: float = 0.2,
    detailed_support_m: float = 60.0,
    occurrences: int = 12,
    noise: float = 1.0,
    sun_elevation: float = 52.0,
    sun_azimuth: float = 148.0,
    drained: bool = False,
) -> District:
    """Simulate a mining district: same arguments, same district.

    Parameters
    ----------
    seed : of every random stream.
    shape : (rows, columns) of the imagery; at least 40 x 40.
    pixel_m : pixel size, metres.
    elements : names out of ``demo.elements.ELEMENTS``; Sn is the control (no link to imagery).
    sensors : "aster", "sentinel2".
    regional_km2, detailed_km2 : area per sample, km2. The detailed survey covers the middle.
    regional_support_m, detailed_support_m : side of the square a composite stands for, metres.
    occurrences : number of known mineral occurrences.
    noise : factor on the sensors' noise.
    sun_elevation, sun_azimuth : degrees.
    drained : rivers have cut the relief, and the survey to fit is one of stream sediments, each
        the mixture of what its catchment erodes, instead of squares.

    Raises
    ------
    InputError : a shape, pixel or name that cannot be.

    >>> district = simulate_district(seed=3, shape=(60, 50))
    >>> district.reflectance["aster"].shape, sorted(district.truth)
    ((9, 60, 50), ['Au', 'Cu', 'Ni', 'Sn', 'Zn'])
    """
    _check(shape, pixel_m, elements, sensors)
    grid = Grid(
        CRS.from_epsg(32645), Affine(pixel_m, 0, _ORIGIN[0], 0, -pixel_m, _ORIGIN[1]), *shape
    )
    relief = fluvial_relief(grid, seed) if drained else None
    ground = simulate_geology(grid, seed, sun_elevation, sun_azimuth, relief)
    shares = simulate_abundances(ground, pixel_m, seed)
    truth = {e: element_map(ELEMENTS[e], ground, pixel_m, seed) for e in elements}
    detailed = draw_survey(
        truth, grid, name="detailed", role="check", km2_per_sample=detailed_km2,
        support_m=detailed_support_m, seed=seed, bounds=_middle(grid),
    )  # fmt: skip
    regional = (
        draw_stream_survey(truth, grid, ground.elevation, regional_km2, seed)
        if drained
        else draw_survey(
            truth, grid, name="regional", role="fit", km2_per_sample=regional_km2,
            support_m=regional_support_m, seed=seed,
        )
    )  # fmt: skip
    return District(
        seed=seed,
        grid=grid,
        reflectance={
            s: simulate_reflectance(shares, ground.shade, s, seed, noise) for s in sensors
        },
        truth=truth,
        geology=ground,
        surveys={one.name: one for one in (regional, detailed)},
        faults=geometry_table(
            {"name": [f"F{i + 1}" for i in range(len(ground.faults))]},
            [shapely.LineString(line) for line in ground.faults],
            grid.crs,
        ),
        cover=_cover(ground, grid),
        occurrences=_occurrences(ground, grid, seed, occurrences),
    )


def _check(
    shape: tuple[int, int], pixel_m: float, elements: tuple[str, ...], sensors: tuple[str, ...]
) -> None:
    if min(shape) < 40 or not pixel_m > 0:
        raise InputError(
            must("shape", "at least (40, 40) pixels of positive size", f"{shape}, {pixel_m} m",
                 "Use a larger shape")
        )  # fmt: skip
    for name, known in [(e, ELEMENTS) for e in elements] + [(s, SENSORS) for s in sensors]:
        if name not in known:
            raise InputError(
                must("a name", f"one of {', '.join(known)}", repr(name), "Choose from these")
            )


def _middle(grid: Grid, share: float = 0.62) -> tuple[float, float, float, float]:
    """Return the bounds of the middle part of the grid; sides are ``share`` of the whole."""
    left, bottom, right, top = grid.bounds
    inset_x, inset_y = (right - left) * (1 - share) / 2, (top - bottom) * (1 - share) / 2
    return left + inset_x, bottom + inset_y, right - inset_x, top - inset_y


def _cover(ground: Geology, grid: Grid) -> GeoTable:
    """Outline Quaternary and dense vegetation as one table of polygons."""
    parts = {"quaternary": ground.quaternary, "vegetation": ground.vegetation > 0.3}
    shapes = {kind: outline(mask, grid) for kind, mask in parts.items()}
    return geometry_table(
        {"cover": [kind for kind, found in shapes.items() for _ in found]},
        [shape for found in shapes.values() for shape in found],
        grid.crs,
    )


def _occurrences(ground: Geology, grid: Grid, seed: int, number: int) -> GeoTable:
    """Find outcrops of ore where alteration is strongest, a quarter of them anywhere on rock."""
    rng = stream(seed, "occurrences")
    ore = (ground.alteration["phyllic"] + ground.alteration["argillic"]) ** 3
    ore = np.where(ground.quaternary, 0.0, ore)
    rock = np.where(ground.quaternary, 0.0, 1.0)
    easting, northing = grid.coordinates()
    rows = []
    for i in range(number):
        favour = np.cumsum(rock if i % 4 == 3 else ore)
        pixel = min(int(np.searchsorted(favour, rng.random() * favour[-1])), favour.size - 1)
        row, column = divmod(pixel, grid.width)
        commodity = str(rng.choice(["Cu", "Cu-Au", "Au", "Zn"], p=[0.5, 0.25, 0.15, 0.1]))
        rows.append((f"O{i + 1:02d}", commodity, shapely.Point(easting[column], northing[row])))
    names, commodities, points = zip(*rows) if rows else ((), (), ())
    return geometry_table({"name": names, "commodity": commodities}, points, grid.crs)
