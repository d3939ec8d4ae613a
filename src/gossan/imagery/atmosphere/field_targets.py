"""Atmosphere methods that need field data: a featureless area, or measured spectra."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gossan.errors import GridError, ImageryError, SettingsError, must
from gossan.geo.layer import Layer, values_at

_PIXELS = 9


def flat_field(
    layer: Layer, bounds: tuple[float, float, float, float] | None
) -> NDArray[np.float64]:
    """Average every band over ground without spectral features (Roberts et al. 1986).

    Parameters
    ----------
    layer
        Reflectance at the top of the atmosphere.
    bounds
        Left, bottom, right, top in the layer's CRS.

    Returns
    -------
    (band,) means.

    Raises
    ------
    SettingsError
        No bounds are given.
    GridError
        The bounds lie off the scene.
    ImageryError
        Fewer than nine filled pixels lie inside.
    """
    if bounds is None:
        raise SettingsError(
            must(
                "flat_field",
                "left, bottom, right, top of a featureless area",
                "nothing",
                "Set flat_field in the atmosphere settings",
            )
        )
    window = layer.grid.covering(bounds)
    if not (window.height and window.width):
        raise GridError(
            must(
                "flat_field",
                f"inside the scene {_rounded(layer.grid.bounds)}",
                bounds,
                "State it in the scene's CRS",
            )
        )
    values = layer.read(window).reshape(len(layer.bands), -1).astype(np.float64)
    filled = np.isfinite(values)
    if filled.sum(axis=1).min() < _PIXELS:
        raise ImageryError(
            must(
                "flat_field",
                f"at least {_PIXELS} filled pixels",
                int(filled.sum(axis=1).min()),
                "Make it larger or move it",
            )
        )
    mean: NDArray[np.float64] = np.nanmean(values, axis=1)
    return mean


def empirical_line(
    layer: Layer, path: Path | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit ``surface = gain rho + offset`` through measured targets, band by band.

    Parameters
    ----------
    layer
        Reflectance at the top of the atmosphere.
    path
        CSV with columns easting, northing (the layer's CRS) and one column per band, named as
        the band, with the reflectance measured on the ground (0 to 1).

    Returns
    -------
    Gain and offset, (band,) each, by least squares.

    Raises
    ------
    SettingsError
        No file is given.
    ImageryError
        A column is missing, a cell is no number, or fewer than two targets of different
        reflectance lie on filled pixels.
    """
    coordinates, reflectance = _targets(path, layer.bands)
    seen = values_at(layer, coordinates)
    gain, offset = np.empty(len(layer.bands)), np.empty(len(layer.bands))
    for index, name in enumerate(layer.bands):
        x, y = seen[:, index], reflectance[:, index]
        good = np.isfinite(x) & np.isfinite(y)
        if good.sum() < 2 or np.ptp(x[good]) < 1e-6:
            raise ImageryError(
                must(
                    f"empirical_line: targets of band {name}",
                    "at least two of different brightness on filled pixels",
                    int(good.sum()),
                    "Measure a dark and a bright target",
                )
            )
        gain[index], offset[index] = np.polyfit(x[good], y[good], 1)
    return gain, offset


def _targets(
    path: Path | None, bands: tuple[str, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if path is None or not Path(path).is_file():
        raise SettingsError(
            must(
                "empirical_line: targets",
                "a CSV of easting, northing and bands",
                path or "nothing",
                "Set targets in the atmosphere settings",
            )
        )
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = ("easting", "northing", *bands)
    missing = [name for name in columns if not rows or name not in rows[0]]
    if missing:
        raise ImageryError(
            must(
                f"{Path(path).name}",
                f"a table with the columns {', '.join(columns)}",
                f"none called {missing[0]}",
                "Add the column",
            )
        )
    try:
        table = np.array([[float(row[name] or "nan") for name in columns] for row in rows])
    except ValueError as error:
        raise ImageryError(
            must(f"{Path(path).name}", "numbers only", str(error).split(": ")[-1], "Correct it")
        ) from error
    return table[:, :2], table[:, 2:]


def _rounded(bounds: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(round(value, 1) for value in bounds)
