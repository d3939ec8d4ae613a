"""Leave out short-wave bands of the failed detector, known by date and by saturated pixels."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gossan.catalogue.sensors import aster_band
from gossan.errors import ImageryError, must
from gossan.geo.grid import Window
from gossan.geo.layer import Layer
from gossan.geo.sampling import spread_windows
from gossan.imagery.aster.metadata import AsterMetadata
from gossan.imagery.aster.settings import AsterSettings

FAILURE = date(2008, 4, 23)
"""From here on the short-wave detectors were too warm: saturation and striping."""
WINDOW, WINDOWS_ACROSS = 96, 8
"""Side of the windows that are read, in pixels, and how many there are along each side."""


def swir_groups(
    metadata: AsterMetadata,
    telescopes: Mapping[str, Layer],
    settings: AsterSettings,
) -> list[Literal["VNIR", "SWIR"]]:
    """Return the telescopes of reflected sunlight to use.

    Raises
    ------
    ImageryError
        The short-wave bands were taken after 23 April 2008, or the median share of their
        saturated pixels exceeds the limit, and the settings do not say what to do.
    """
    groups: list[Literal["VNIR", "SWIR"]] = [g for g in ("VNIR", "SWIR") if g in telescopes]
    if "SWIR" not in groups or settings.swir_after_2008 == "accept":
        return groups
    fault = _fault(metadata, telescopes["SWIR"], settings)
    if not fault:
        return groups
    if settings.swir_after_2008 == "leave_out":
        return [g for g in groups if g != "SWIR"]
    raise ImageryError(
        must(
            f"{metadata.name}: the short-wave bands",
            f"taken before {FAILURE} and not saturated",
            fault,
            'Set swir_after_2008 = "leave_out" (or "accept"), or choose an older scene',
        )
    )


def _fault(metadata: AsterMetadata, swir: Layer, settings: AsterSettings) -> str:
    if metadata.time.date() >= FAILURE:
        return f"{metadata.time.date()}"
    if metadata.is_surface_reflectance:
        return ""
    share = float(np.median(saturated_share(swir)))
    return f"{share:.0%} saturated pixels" if share > settings.saturated_limit else ""


def saturated_share(numbers: Layer) -> NDArray[np.float64]:
    """Estimate the share of saturated pixels among the filled ones, (band,).

    Windows spread evenly over the scene are read, a tenth of a full one: a failed detector
    saturates all over.
    """
    limits = np.array([aster_band(name).saturated for name in numbers.bands], np.float32)
    windows = spread_windows(numbers.grid, WINDOW, WINDOWS_ACROSS)
    full, filled = np.sum([_count(numbers, limits, window) for window in windows], axis=0)
    return np.asarray(full / np.maximum(filled, 1))


def _count(numbers: Layer, limits: NDArray[np.float32], window: Window) -> NDArray[np.float64]:
    values = numbers.read(window)
    full = (values >= limits[:, None, None]).sum(axis=(1, 2))
    return np.array([full, np.isfinite(values).sum(axis=(1, 2))], np.float64)
