"""Masks of what hides rock: decide them, report their shares, apply them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gossan.errors import ImageryError, must
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Window
from gossan.geo.layer import Layer, LikeSource, OnSourceGrid
from gossan.geo.warp import to_grid
from gossan.imagery.masks.cover import Polygons, read_polygons
from gossan.imagery.masks.rules import DECIDES, ROLES, RULES, MaskSettings
from gossan.imagery.settings import MaskWord


@dataclass(frozen=True)
class Masks(OnSourceGrid):
    """Layer of masks: one band for each, 1 masked, 0 not, never empty.

    Parameters
    ----------
    source
        Reflectance; its empty pixels are ``nodata`` unless flagged otherwise.
    bands
        Names of the masks.
    roles
        Band of the source that plays each part of the spectrum (``masks.rules.ROLES``).
    settings
        Thresholds.
    flags
        Layer of mask words (1 or 0) that the reader knows: ``saturated``, or those of a quality
        raster; they win over classes and rules. Without ``saturated``, such pixels are ``nodata``.
    classes
        Classes of the product on the source's grid (bands as ``masks.rules.DECIDES``).
    shade
        Shadow of the terrain on the source's grid (band ``shade``, 1 in shadow).
    cover
        The user's polygons.
    needed
        Bands whose emptiness is ``nodata``; none means all.
    """

    source: Layer
    bands: tuple[MaskWord, ...]
    roles: Mapping[str, str]
    settings: MaskSettings = field(default_factory=MaskSettings)
    flags: Layer | None = None
    classes: Layer | None = None
    shade: Layer | None = None
    cover: Polygons | None = None
    needed: tuple[str, ...] = ()

    def read(self, window: Window) -> NDArray[np.float32]:
        """Decide every mask for a window."""
        return self.over(self.source.read(window), window)

    def over(self, values: NDArray[np.float32], window: Window) -> NDArray[np.float32]:
        """Decide every mask for values of the source that are read already."""
        given = _read_all(window, flags=self.flags, classes=self.classes, shade=self.shade)
        band = {
            role: values[self.source.bands.index(name)]
            for role, name in self.roles.items()
            if name in self.source.bands
        }
        result = np.zeros((len(self.bands), *window.shape), np.float32)
        with np.errstate(invalid="ignore", divide="ignore"):
            for row, word in zip(result, self.bands):
                row[...] = self._decide(word, values, band, given, window)
        return result

    def _empty(self, values: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Find pixels that are empty in a needed band."""
        if not self.needed or self.needed == self.source.bands:
            return np.asarray(np.isnan(values).any(axis=0))
        chosen = [self.source.bands.index(name) for name in self.needed]
        return np.asarray(np.isnan(values[chosen]).any(axis=0))

    def _decide(
        self,
        word: MaskWord,
        values: NDArray[np.float32],
        band: Mapping[str, NDArray[np.float32]],
        given: Mapping[str, Mapping[str, NDArray[np.float32]]],
        window: Window,
    ) -> NDArray[np.bool_]:
        if word == "cover":
            assert self.cover is not None
            return self.cover.inside(self.grid.crop(window))
        flags, classes = given["flags"], given["classes"]
        if word in ("nodata", "saturated"):
            return _flagged(word, flags, self._empty(values))
        if word in flags:
            return np.asarray(flags[word] > 0)
        if word == "topographic_shadow" and "shade" in given["shade"]:
            return np.asarray(given["shade"]["shade"] > 0)
        if self.settings.classes == "use":
            if word == "cloud" and "cldprb" in classes:
                return np.asarray(classes["cldprb"] > (self.settings.cloud_probability or 0.0))
            for name, codes in classes.items():
                if word in DECIDES[name]:
                    return np.isin(codes, DECIDES[name][word])
        return RULES[word][0](band, self.settings)


def _flagged(
    word: str, flags: Mapping[str, NDArray[np.float32]], empty: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Separate saturated pixels from those that are empty for another reason."""
    saturated = np.asarray(flags["saturated"] > 0) if "saturated" in flags else np.zeros_like(empty)
    filled_in = np.asarray(flags["nodata"] > 0) if "nodata" in flags else np.zeros_like(empty)
    return saturated if word == "saturated" else (empty & ~saturated) | filled_in


def build_masks(
    source: Layer,
    roles: str | Mapping[str, str],
    words: Sequence[MaskWord],
    *,
    settings: MaskSettings | None = None,
    flags: Layer | None = None,
    classes: Layer | None = None,
    shade: Layer | None = None,
    cover: Path | None = None,
) -> Masks:
    """Build the masks of a reflectance layer; each must be possible to decide.

    Parameters
    ----------
    source
        Reflectance from 0 to 1.
    roles
        Band of each part of the spectrum; or a sensor, ``aster`` or ``sentinel2``, whose bands
        are known (``bands``: none is).
    words
        What to mask.
    settings, flags, classes, shade
        As :class:`Masks` takes them; shade is brought to the source's grid.
    cover
        Polygon file for the mask ``cover``.

    Raises
    ------
    ImageryError
        A mask needs a band, class or file that is missing.
    """
    settings = settings or MaskSettings()
    known = ROLES.get(roles, {}) if isinstance(roles, str) else roles
    roles = {role: name for role, name in known.items() if name in source.bands}
    for word in words:
        _check_word(word, known, roles, settings, flags, classes, shade, cover)
    polygons = read_polygons(cover, source.grid) if cover is not None and "cover" in words else None
    placed = to_grid(shade, source.grid, classes=True) if shade is not None else None
    flags = flags if flags is not None and {*words} & {*flags.bands} else None
    classes = classes if any(_classed(word, settings, classes) for word in words) else None
    return Masks(source, tuple(words), roles, settings, flags, classes, placed, polygons)


def _classed(word: MaskWord, settings: MaskSettings, classes: Layer | None) -> bool:
    """Whether classes of the product decide a mask."""
    if classes is None or settings.classes != "use":
        return False
    known = word == "cloud" and "cldprb" in classes.bands
    return known or any(word in DECIDES[name] for name in classes.bands)


def _check_word(
    word: MaskWord,
    known: Mapping[str, str],
    roles: Mapping[str, str],
    settings: MaskSettings,
    flags: Layer | None,
    classes: Layer | None,
    shade: Layer | None,
    cover: Path | None,
) -> None:
    if word == "nodata" or (word == "topographic_shadow" and shade is not None):
        return
    if word == "cover":
        if cover is None:
            raise _cannot(word, "given with polygons", "none", 'Set cover = "polygons.gpkg"')
        return
    if word == "saturated":
        if flags is None or "saturated" not in flags.bands:
            raise _cannot(word, "used with raw scenes", "plain rasters", "Leave it out")
        return
    if flags is not None and word in flags.bands:
        return
    if _classed(word, settings, classes):
        return
    needed = RULES[word][1]
    lacking = [known.get(role, role) for role in needed if role not in roles]
    if lacking:
        example = ", ".join(f'{role} = "..."' for role in needed if role not in roles)
        raise _cannot(
            word,
            f"given the bands for {', '.join(needed)}",
            f"no {' and no '.join(lacking)}",
            f"Add those bands, say which they are (roles = {{ {example} }}), or leave the word out",
        )


def _cannot(word: str, allowed: str, got: str, cure: str) -> ImageryError:
    return ImageryError(must(f"mask {word!r}", allowed, got, cure))


@dataclass(frozen=True)
class MaskedLayer(LikeSource):
    """Layer whose pixels are empty wherever any mask is set."""

    source: Layer
    masks: Layer

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read both."""
        values = self.source.read(window)
        if isinstance(self.masks, Masks) and self.masks.source is self.source:
            found = self.masks.over(values, window)  # the source is read once
        else:
            found = self.masks.read(window)
        hidden = found.any(axis=0)
        values[:, hidden] = np.nan
        return values


def mask_shares(masks: Layer, blocks: Blocks | None = None) -> dict[str, float]:
    """Return the share of pixels that each mask takes, ``masked`` (by any) and ``kept``.

    Returns
    -------
    Shares from 0 to 1 of all pixels of the grid. Masks overlap, so they need not add up.
    """
    counts = (blocks or Blocks()).reduce(partial(_count, masks), masks.grid)
    total = masks.grid.height * masks.grid.width
    shares = {word: float(n / total) for word, n in zip(masks.bands, counts)}
    masked = float(counts[-1] / total)
    return shares | {"masked": masked, "kept": 1.0 - masked}


def _count(masks: Layer, window: Window) -> NDArray[np.int64]:
    hidden = masks.read(window) > 0
    return np.append(hidden.sum(axis=(1, 2)), hidden.any(axis=0).sum()).astype(np.int64)


def require_ground(name: str, shares: Mapping[str, float], least: float = 1e-4) -> None:
    """Refuse an imagery of which the masks leave nothing.

    Raises
    ------
    ImageryError
        Less than ``least`` of the pixels is kept; the widest masks are named.
    """
    if shares["kept"] >= least:
        return
    words = {k: v for k, v in shares.items() if k not in ("kept", "masked") and v > 0}
    widest = sorted(words, key=lambda word: -words[word])[:3]
    found = ", ".join(f"{word} {100 * words[word]:.0f} %" for word in widest)
    raise ImageryError(
        must(
            f"imagery {name!r}",
            "bare somewhere after masking",
            found or "no valid pixel",
            "Choose a clearer scene, or mask less",
        )
    )


def _read_all(window: Window, **layers: Layer | None) -> dict[str, dict[str, NDArray[np.float32]]]:
    """Read the layers that are there, as arrays by band."""
    return {
        name: dict(zip(layer.bands, layer.read(window))) if layer is not None else {}
        for name, layer in layers.items()
    }
