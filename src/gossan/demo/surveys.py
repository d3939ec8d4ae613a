"""Draw surveys from the true maps: composites, laboratory error, detection limits, duplicates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.demo.elements import ELEMENTS
from gossan.demo.fields import stream
from gossan.demo.fluvial import drainage_of_relief, erosion, sediment, stream_sites
from gossan.errors import InputError, must
from gossan.geo.grid import Grid

_POSITION_M = 10.0


@dataclass(frozen=True)
class SimulatedSurvey:
    """One survey as a laboratory sends it, and what is true under it.

    ``frame``: sample_id, easting, northing, medium, duplicate_of, then one text column
    ``<element>_ppm`` per element (``<0.5`` below the limit). ``truth``: the exact composite of
    each row, ppm, before laboratory error. ``support_m``: side of the square a sample stands for.
    ``catchments``: whether it stands for its catchment instead.
    """

    name: str
    role: str
    support_m: float
    frame: pd.DataFrame = field(repr=False)
    truth: pd.DataFrame = field(repr=False)
    catchments: bool = False


def composite(
    values: NDArray[np.float64], grid: Grid, coordinates: NDArray[np.float64], support_m: float
) -> NDArray[np.float64]:
    """Average a map over the square support of each sample.

    The mean is over the pixels whose centres lie in ``[e - s/2, e + s/2) x [n - s/2, n + s/2)``;
    a support that holds no centre takes the pixel under the sample.

    Parameters
    ----------
    values : (rows, columns).
    grid : where they are.
    coordinates : (n, 2) easting, northing, metres.
    support_m : side of the square, metres; 0 takes the pixel.

    Returns
    -------
    (n,) means.

    >>> from affine import Affine
    >>> from pyproj import CRS
    >>> grid = Grid(CRS.from_epsg(32645), Affine(10.0, 0, 0, 0, -10.0, 20.0), 2, 3)
    >>> composite(np.arange(6.0).reshape(2, 3), grid, np.array([[10.0, 10.0]]), 20.0).tolist()
    [2.0]
    """
    easting, northing = grid.coordinates()
    half = support_m / 2
    left, right = (np.searchsorted(easting, coordinates[:, 0] + side) for side in (-half, half))
    top, bottom = (
        np.searchsorted(-northing, -coordinates[:, 1] + side, side="right")
        for side in (-half, half)
    )
    row, column = (np.floor(i + 0.5).astype(int) for i in grid.index_of(*coordinates.T))
    means = np.empty(len(coordinates))
    for i in range(len(coordinates)):
        window = values[top[i] : bottom[i], left[i] : right[i]]
        means[i] = window.mean() if window.size else values[row[i], column[i]]
    return means


def jittered_positions(
    grid: Grid,
    bounds: tuple[float, float, float, float],
    km2_per_sample: float,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Place one sample in the middle half of each cell of a square lattice: (n, 2) metres."""
    left, bottom, right, top = bounds
    side = 1000.0 * np.sqrt(km2_per_sample)
    columns, rows = max(1, round((right - left) / side)), max(1, round((top - bottom) / side))
    cells = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).reshape(-1, 2)
    shares = (cells + rng.uniform(0.25, 0.75, cells.shape)) / (columns, rows)
    return np.round(np.array([left, bottom]) + shares * (right - left, top - bottom), 1)


def draw_survey(
    truth: Mapping[str, NDArray[np.float64]],
    grid: Grid,
    *,
    name: str,
    role: str,
    km2_per_sample: float,
    support_m: float,
    seed: int,
    bounds: tuple[float, float, float, float] | None = None,
    duplicate_share: float = 0.05,
) -> SimulatedSurvey:
    """Sample the true maps as a survey would.

    A value is ``c (1 + laboratory N(0, 1)) + limit / 4 N(0, 1)``, with c the composite over the
    support; below the detection limit it is written ``<limit``. ``duplicate_share`` of the sites
    is sampled a second time 15 m away and analysed afresh.

    Raises
    ------
    InputError : a density, support or share that cannot be.
    """
    if not (km2_per_sample > 0 and support_m >= 0 and 0 <= duplicate_share <= 1):
        raise InputError(
            must(
                "a survey",
                "given a positive density, a support >= 0 and a share 0 to 1",
                f"{km2_per_sample} km2, {support_m} m, {duplicate_share}",
                "Change the survey",
            )
        )
    rng = stream(seed, f"survey {name}")
    sites = jittered_positions(grid, bounds or grid.bounds, km2_per_sample, rng)
    twice = np.sort(rng.permutation(len(sites))[: round(duplicate_share * len(sites))])
    moved = sites[twice] + 15.0 * np.where(grid.contains(*(sites[twice] + 15.0).T), 1, -1)[:, None]
    positions = np.concatenate([sites, moved])
    ids = [f"{name[:1].upper()}{i + 1:04d}" for i in range(len(sites))]
    frame = pd.DataFrame(
        {
            "sample_id": ids + [f"{ids[i]}D" for i in twice],
            "easting": positions[:, 0],
            "northing": positions[:, 1],
            "medium": "weathered surface",
            "duplicate_of": [""] * len(sites) + [ids[i] for i in twice],
        }
    )
    exact = {e: composite(values, grid, positions, support_m) for e, values in truth.items()}
    for element, contents in exact.items():
        frame[f"{element}_ppm"] = _analyse(contents, element, rng)
    return SimulatedSurvey(name, role, support_m, frame, pd.DataFrame(exact))


def draw_stream_survey(
    truth: Mapping[str, NDArray[np.float64]],
    grid: Grid,
    relief: NDArray[np.float64],
    km2_per_sample: float,
    seed: int,
) -> SimulatedSurvey:
    """Sample the sediment of streams of several orders, as a survey of a drained district would.

    The content is that of the sediment (``fluvial.sediment``: what the catchment erodes, mixed),
    with the laboratory's error; positions are wrong by 10 m, as those of a receiver are.
    """
    drainage = drainage_of_relief(grid, relief)
    yields = erosion(grid, relief)
    cells = stream_sites(drainage, km2_per_sample, seed)
    rng = stream(seed, "survey stream")
    easting, northing = grid.coordinates()
    row, column = np.divmod(cells, grid.width)
    places = np.column_stack([easting[column], northing[row]])
    positions = np.round(places + rng.normal(0.0, _POSITION_M, places.shape), 1)
    exact = {e: sediment(drainage, c, yields).ravel()[cells] for e, c in truth.items()}
    frame = pd.DataFrame(
        {
            "sample_id": [f"S{i + 1:04d}" for i in range(len(cells))],
            "easting": positions[:, 0],
            "northing": positions[:, 1],
            "medium": "stream sediment",
            "duplicate_of": "",
        }
    )
    for element, contents in exact.items():
        frame[f"{element}_ppm"] = _analyse(contents, element, rng)
    return SimulatedSurvey("stream", "fit", 0.0, frame, pd.DataFrame(exact), catchments=True)


def _analyse(contents: NDArray[np.float64], element: str, rng: np.random.Generator) -> list[str]:
    """Return the laboratory's report of each content, as text."""
    known = ELEMENTS[element]
    error, floor = rng.standard_normal((2, len(contents)))
    measured = contents * (1 + known.laboratory * error) + known.detection_limit / 4 * floor
    limit = f"<{known.detection_limit:g}"
    return [limit if m < known.detection_limit else f"{m:.4g}" for m in measured]
