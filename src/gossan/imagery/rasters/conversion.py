"""Turn what plain rasters store into physical values, band by band."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.compiled import compiled
from gossan.errors import ImageryError, must
from gossan.imagery.rasters.band_names import band_name

PerBand = float | Sequence[float] | Mapping[str, float]


@dataclass(frozen=True)
class Rescale:
    """Turn stored values into physical ones: ``value = stored * scale + offset``.

    Parameters
    ----------
    scale, offset
        Factor and summand of each band.
    background
        Whether a pixel that stores 0 in every band is empty.

    Examples
    --------
    >>> Rescale((1e-4, 1e-4), (-0.1, 0.0))(np.array([[[3000.0]], [[2000.0]]])).ravel()
    array([0.2, 0.2], dtype=float32)
    """

    scale: tuple[float, ...]
    offset: tuple[float, ...]
    background: bool = False

    def __call__(self, stored: NDArray[np.floating]) -> NDArray[np.float32]:
        """Convert (band, row, column) values."""
        bands = np.ascontiguousarray(stored)
        value = np.empty(bands.shape, np.float32)
        factors = np.array(self.scale, np.float64), np.array(self.offset, np.float64)
        _rescale(bands.reshape(len(bands), -1), *factors, value.reshape(len(bands), -1))
        if self.background:
            empty = ~bands.any(axis=0)
            if empty.any():
                value[:, empty] = np.nan
        return value

    @property
    def does_nothing(self) -> bool:
        """Whether values come out as they go in."""
        return set(self.scale) == {1.0} and set(self.offset) == {0.0} and not self.background


@compiled()
def _rescale(stored, scale, offset, value):  # type: ignore[no-untyped-def]
    for k in range(stored.shape[0]):
        factor, summand = scale[k], offset[k]
        for i in range(stored.shape[1]):
            value[k, i] = np.float32(np.float64(stored[k, i]) * factor + summand)


def per_band(
    value: PerBand | None, bands: Sequence[str], files: Sequence[int], key: str, missing: float
) -> list[float]:
    """Spread a number over bands.

    Parameters
    ----------
    value
        One number for all bands; a list, one for each band or for each file; or a table by band
        name.
    bands
        Names of the bands.
    files
        Number of the file that each band is in, from 0.
    key
        Key of the project file, for messages.
    missing
        Number of bands that the table does not name, and of all when ``value`` is None.

    Raises
    ------
    ImageryError
        A list is of another length, or a table names an unknown band.

    Examples
    --------
    >>> per_band([0.1, 0.2], ["a", "b", "c"], [0, 0, 1], "scale", 1.0)
    [0.1, 0.1, 0.2]
    >>> per_band({"b": 5}, ["a", "b"], [0, 0], "scale", 1.0)
    [1.0, 5.0]
    """
    if value is None:
        return [missing] * len(bands)
    if isinstance(value, int | float):
        return [float(value)] * len(bands)
    if isinstance(value, Mapping):
        known = {band_name(name): name for name in bands} | {name: name for name in bands}
        named = {known.get(name) or known.get(band_name(name)): v for name, v in value.items()}
        if None in named:
            unknown = next(n for n in value if n not in known and band_name(n) not in known)
            allowed = f"numbers by band: {', '.join(bands)}"
            raise ImageryError(must(key, allowed, repr(unknown), "Name a band of the imagery"))
        return [float(named.get(name, missing)) for name in bands]
    if len(value) == len(bands):
        return [float(number) for number in value]
    if len(value) == len(set(files)):
        return [float(value[number]) for number in files]
    allowed = f"one number, {len(bands)} (one a band) or {len(set(files))} (one a file)"
    raise ImageryError(must(key, allowed, f"{len(value)} numbers", "Or write a table by band"))
