"""Look at imagery under the samples: empty ground, undeclared codes, impossible reflectance."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

from gossan.errors import ImageryError, must
from gossan.geo.grid import Window
from gossan.geo.layer import Layer, values_at
from gossan.geo.raster import RasterLayer
from gossan.geo.sampling import spread_windows
from gossan.geochem.findings import Finding, Findings
from gossan.geochem.table.coordinates import project
from gossan.imagery.open_scene import OpenScene
from gossan.imagery.rasters.unusable_bands import ACROSS, SIDE, spread_values
from gossan.pipeline.imagery import Imagery

MOST_SAMPLES = 2000
"""More samples than this are thinned out: a question of shares needs no more."""
LIKELY_EMPTY = (
    *(0.0, -9999.0, -99999.0, -999.0, -99.0, -1.0, 255.0, 9999.0),
    *(-32768.0, -32767.0, 32767.0, 32768.0, 55537.0, 65535.0),  # 16 bits, wrapped ones too
    *(-2147483648.0, -2147483647.0, 2147483647.0, 4294967295.0),
)
"""Values that often stand for empty without being declared."""
PREVIEW_BLOCKS, PREVIEW_SIDE = 4, 32
"""Blocks of a product that are read before it is decoded, and their side in pixels."""
REPEATED, FEWEST_REPEATS = 0.03, 3
"""Share of samples, and their number, on one such value from which it is reported."""
FEWEST_OTHERS = 10
"""Different numbers that a code must lie apart from, where it is none of the usual ones."""
REFLECTANCE = (0.0, 1.5)
"""Range of reflectance; brighter than 1 are glint, snow and slopes that face the sun."""
TOLERATED = 0.001
"""Share of values outside the range that is not worth a word."""


def look_under(imagery: Imagery, coordinates: NDArray[np.float64], crs: CRS) -> Findings:
    """Look at the pixels under samples, and at some over the whole of plain rasters.

    Of Sentinel-2 products, whose images would have to be decoded, a few blocks around samples are
    read: enough to find damaged images, masks that take everything and impossible reflectance.

    Parameters
    ----------
    imagery
        An open imagery, on its own grid.
    coordinates, crs
        (n, 2) positions of the samples, and their system.

    Returns
    -------
    Warnings "empty" where a band is empty under a fifth of the samples or more, "nodata" where
    many pixels hold one number that looks like an undeclared code for empty, and "reflectance"
    where reflectance lies outside 0 to 1.5.

    Raises
    ------
    ImageryError
        No sample lies on the imagery, all bands are empty under all samples, or an image is
        damaged.
    """
    _require_samples(imagery, coordinates, crs)
    if imagery.settings.sensor == "sentinel2" and not imagery.stack.scenes[0].scene.stored:
        return Findings(tuple(_preview(imagery, coordinates, crs)))
    scenes = [scene for scene in imagery.stack.scenes if scene.scene.stored]
    step = -(-len(coordinates) // MOST_SAMPLES)
    name = f"imagery {imagery.settings.name!r}"
    found = _emptiness(name, imagery.reflected, _inside(imagery.bands, coordinates[::step], crs))
    if not scenes:
        ranged = _impossible(name, [imagery.reflected]) if imagery.reflects else []
        return Findings((*found, *ranged))
    found += _codes(name, scenes, coordinates[::step], crs)
    if imagery.reflects:
        found += _impossible(name, [scene.masked for scene in scenes])
    return Findings(tuple(found))


def _preview(imagery: Imagery, coordinates: NDArray[np.float64], crs: CRS) -> list[Finding]:
    """Read blocks around a few samples; see ``jp2_store.without_decoding``."""
    name, layer = f"imagery {imagery.settings.name!r}", imagery.reflected
    places = _inside(layer, coordinates, crs)
    chosen = places[:: max(len(places) // PREVIEW_BLOCKS, 1)][:PREVIEW_BLOCKS]
    rows, columns = layer.grid.index_of(chosen[:, 0], chosen[:, 1])
    half = PREVIEW_SIDE // 2
    windows = [
        Window(int(row) - half, int(col) - half, PREVIEW_SIDE, PREVIEW_SIDE)
        for row, col in zip(rows, columns)
    ]
    blocks = [layer.read(window.clipped(layer.grid.shape)) for window in windows]
    values = np.concatenate([block.reshape(len(layer.bands), -1) for block in blocks], axis=1)
    if np.isnan(values).all():
        imagery.stack.mask_table()  # refuses a scene that is masked everywhere
        message = f"{name} is masked or empty in all {len(blocks)} blocks looked at around samples"
        return [Finding("warning", "empty", message)]
    return _outside_range(name, values) if imagery.reflects else []


def _require_samples(imagery: Imagery, coordinates: NDArray[np.float64], crs: CRS) -> None:
    """Refuse imagery that lies beside the surveys."""
    if not len(_inside(imagery.bands, coordinates, crs)):
        name = f"imagery {imagery.settings.name!r}"
        cure = "Choose imagery of the surveyed ground, or check the systems of both"
        raise ImageryError(must(name, "lying over some sample", "no sample inside it", cure))


def _inside(layer: Layer, coordinates: NDArray[np.float64], crs: CRS) -> NDArray[np.float64]:
    places = project(coordinates, crs, layer.grid.crs)
    return places[layer.grid.contains(places[:, 0], places[:, 1])]


def _emptiness(name: str, layer: Layer, places: NDArray[np.float64]) -> list[Finding]:
    """Report bands that are empty under many samples."""
    values = values_at(layer, places)
    if np.isnan(values).all():
        cure = "Check nodata, masks and the extent of the files"
        got = f"empty pixels under all {len(values)}"
        raise ImageryError(must(name, "filled under some sample", got, cure))
    together = np.isfinite(values).all(axis=1).any()
    if not together and not np.isfinite(spread_values(layer)).all(axis=0).any():
        cure = "Choose bands that overlap, or check nodata and masks"
        raise ImageryError(must(name, "filled in all bands somewhere", "no such pixel", cure))
    found = []
    for band, column in zip(layer.bands, values.T):
        empty = int(np.isnan(column).sum())
        if empty >= 0.2 * len(column):
            share = f"{empty} of {len(column)} samples"
            message = (
                f"{name}, band {band!r} is empty under {share}: the maps are kriged alone there"
            )
            found.append(Finding("warning", "empty", message))
    return found


def _codes(
    name: str, scenes: list[OpenScene], coordinates: NDArray[np.float64], crs: CRS
) -> list[Finding]:
    """Report numbers that files store often and that may mean empty."""
    found: dict[str, Finding] = {}
    for layer in (layer for scene in scenes for layer in scene.scene.stored):
        under = values_at(layer, _inside(layer, coordinates, crs)).T
        over = spread_values(layer)
        shared = _shared_zero(name, layer, over)
        if shared is not None:
            found |= dict.fromkeys(layer.bands, shared)
        for band, samples, pixels in zip(layer.bands, under, over):
            seen = None if band in found else _code(samples, pixels)
            if seen is not None:
                code = _as_stored(layer, band, seen.code)
                message = (
                    f"{name}, band {band!r} is exactly {code} under {seen.share}: if that means "
                    f"empty, set nodata = {code} in the [[imagery]]"
                )
                found[band] = Finding("warning", "nodata", message)
    return list(dict.fromkeys(found.values()))


def _shared_zero(name: str, layer: Layer, pixels: NDArray[np.floating]) -> Finding | None:
    """Report pixels that are 0 in all bands at once, as exports write what they masked."""
    zero = (pixels == 0).all(axis=0)
    if len(layer.bands) < 2 or zero.sum() < FEWEST_REPEATS or zero.all():
        return None
    if (pixels[:, ~zero] == 0).any():
        return None  # 0 is a number like others here
    message = (
        f"{name}: {len(layer.bands)} bands are exactly 0 together under {zero.sum()} of "
        f"{zero.size} pixels looked at: if that means empty, set nodata = 0 in the [[imagery]]"
    )
    return Finding("warning", "nodata", message)


class _Code(NamedTuple):
    """A number that may mean empty, and how often it was met."""

    code: float
    share: str


def _code(samples: NDArray[np.floating], pixels: NDArray[np.floating]) -> _Code | None:
    """Look for a code under the samples, then over the raster."""
    for values, what in ((samples, "samples"), (pixels, "pixels looked at")):
        filled = values[np.isfinite(values)]
        distinct, counts = np.unique(filled, return_counts=True)
        ends = _outermost(distinct)
        for code, count in zip(distinct[ends], counts[ends]):
            usual = code in LIKELY_EMPTY and count >= REPEATED * len(values)
            if count >= FEWEST_REPEATS and (usual or _far(code, filled)):
                return _Code(float(code), f"{count} of {len(values)} {what}")
    return None


def _as_stored(layer: RasterLayer, band: str, code: float) -> str:
    """Write a code as the file stores it: float32 rounds whole numbers beyond 16777216."""
    index = layer.bands.index(band)
    for window in spread_windows(layer.grid, SIDE, ACROSS):
        raw = layer.read_raw(window)[index]
        exact = raw[raw.astype(np.float32) == np.float32(code)]
        if exact.size:
            return f"{exact[0]:d}" if exact.dtype.kind in "iu" else f"{exact[0]:.10g}"
    return f"{code:.10g}"


def _outermost(distinct: NDArray[np.floating]) -> NDArray[np.intp]:
    """Number those of several rising values that lie beyond all others, or are 0, as codes do.

    >>> _outermost(np.array([-1.0, 0.0, 2.0, 3.0])).tolist(), _outermost(np.array([7.0])).tolist()
    ([0, 1, 3], [])
    """
    if len(distinct) < 2:
        return np.empty(0, np.intp)
    return np.flatnonzero(np.isin(distinct, (distinct[0], 0.0, distinct[-1])))


def _far(code: float, filled: NDArray[np.floating]) -> bool:
    """Return whether a code other than 0 lies further from all others than they span.

    Fewer than ``FEWEST_OTHERS`` other numbers are classes, of which any may lie apart.

    >>> values = np.linspace(200.0, 3000.0, 20)
    >>> _far(-9999.0, np.append(values, -9999.0)), _far(-1.0, np.append(values, -1.0))
    (True, False)
    """
    others = filled[filled != code]
    if code == 0 or len(np.unique(others)) < FEWEST_OTHERS:
        return False
    return bool(np.abs(others - code).min() > np.ptp(others))


def _impossible(name: str, layers: list[Layer]) -> list[Finding]:
    """Report the share of reflectance outside its range, over each raster."""
    return _outside_range(name, np.concatenate([spread_values(layer).ravel() for layer in layers]))


def _outside_range(name: str, values: NDArray[np.floating]) -> list[Finding]:
    values = values[np.isfinite(values)]
    low, high = REFLECTANCE
    below, above = float((values < low).mean()), float((values > high).mean())
    if not values.size or below + above <= TOLERATED:
        return []
    message = (
        f"{name}: reflectance lies outside {low:g} to {high:g} in {100 * (below + above):.3g} % of "
        f"the values looked at ({100 * below:.3g} % below, {100 * above:.3g} % above; "
        f"{values.min():.4g} to {values.max():.4g}): check scale, offset and nodata"
    )
    return [Finding("warning", "reflectance", message)]
