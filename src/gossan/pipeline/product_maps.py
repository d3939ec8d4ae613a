"""Write the maps of products; those that come from the same imagery in one pass over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from gossan.geo.blocks import Blocks, Progress
from gossan.geo.layer import Layer, MappedLayer
from gossan.geo.tiles import TiledMap, write_tiles
from gossan.geochem.back_transforms import InUnit, Statistic
from gossan.geochem.transforms import Transform
from gossan.io.run_folder import RunFolder
from gossan.pipeline.options.products import Product
from gossan.pipeline.surveys import Working

MOST_TOGETHER = 10
"""Elements of one pass: each holds two bands of every window in progress."""
JOINT_BLOCK = 512
"""Side in pixels of the windows of such a pass: many bands of small windows, not of large ones."""


@runtime_checkable
class Joinable(Protocol):
    """A layer that reads imagery once for several elements."""

    @property
    def shared(self) -> object:
        """What layers must have in common to be joined."""
        ...

    def join(self, others: Sequence[Layer]) -> Layer:
        """Join others behind this one: their bands follow in order."""
        ...


@dataclass(frozen=True, eq=False)
class ElementMap:
    """A map to be written: of a product, for an element, on the working scale.

    ``scale`` multiplies the standard error, as the calibration requires; ``key`` is the fingerprint
    of what the map is made of.
    """

    product: Product
    data: Working
    layer: Layer
    scale: float
    key: str = ""

    def files(self, run: RunFolder) -> dict[Path, str]:
        """The file of each band."""
        endings = {"estimate": "", "standard_error": "se"}
        return {
            run.layer(self.product.name, self.data.element, endings[band]): band
            for band in self.layer.bands
        }

    def tags(self, band: str) -> dict[str, str]:
        """Metadata of a file."""
        data, word = self.data, self.product.transform
        shared = {
            "gossan_product": self.product.name,
            "gossan_model": self.product.settings.model,
            "gossan_element": data.element,
            "gossan_transform": word,
            "gossan_samples": str(len(data.observations)),
            "gossan_censored": str(data.censored),
            "gossan_censoring": data.censoring,
        }
        if band == "estimate":
            return shared | {"gossan_unit": data.unit, "gossan_statistic": "median"}
        scaled = {
            "gossan_unit": f"{word} {data.unit}",
            "gossan_interval_scale": f"{self.scale:.6g}",
        }
        return shared | scaled

    def description(self, band: str) -> str:
        """Description of a band for people."""
        return f"{self.data.element} {band.replace('_', ' ')}, {self.product.name}"


@dataclass(frozen=True)
class BackTransform:
    """Transforms working-scale pixels to the elements' units; standard errors are only scaled.

    The estimate becomes the median in the element's unit; quantiles stay quantiles. Values below
    zero, which no element can have, become zero. One transform and scale for each element.
    """

    transforms: tuple[Transform, ...]
    scales: tuple[float, ...] = (1.0,)

    def __call__(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map ("estimate",) or ("estimate", "standard_error") of each element."""
        bands = len(values) // len(self.transforms)
        both: tuple[Statistic, ...] = ("median", "working_error")
        parts = values.reshape(-1, bands, *values.shape[1:])
        back = map(InUnit, self.transforms, repeat(both[:bands]), self.scales)
        return np.concatenate([one(part) for one, part in zip(back, parts)])


def joinable(one: ElementMap) -> bool:
    """Whether a map may be written together with those of other elements."""
    return isinstance(one.layer, Joinable)


def together(maps: Sequence[ElementMap]) -> list[list[int]]:
    """Group the numbers of joinable maps by product and by what they share."""
    groups: dict[tuple[str, int], list[int]] = {}
    for number, one in enumerate(maps):
        shared = one.layer.shared if isinstance(one.layer, Joinable) else one
        groups.setdefault((one.product.name, id(shared)), []).append(number)
    return [
        group[start : start + MOST_TOGETHER]
        for group in groups.values()
        for start in range(0, len(group), MOST_TOGETHER)
    ]


def write_maps(
    run: RunFolder,
    maps: Sequence[ElementMap],
    blocks: Blocks,
    progress: Progress,
    tile_px: int | None = None,
) -> list[dict[str, dict[str, float]]]:
    """Write estimates, and standard errors where the model has them, of maps that share imagery.

    Estimates are in the element's unit (median); standard errors stay on the working scale,
    named in their tags, and already hold the calibration's scale.

    Parameters
    ----------
    run
        Where they are written.
    maps
        The maps.
    blocks
        The engine.
    progress
        Called with (windows done, windows in all).
    tile_px
        Side of the tiles that the maps are cut into; None: one file a map.

    Returns
    -------
    Statistics of each map's files by their stems.
    """
    layer, engine = maps[0].layer, replace(blocks, progress=progress)
    if len(maps) > 1 and isinstance(layer, Joinable):
        layer = layer.join([one.layer for one in maps[1:]])
        engine = replace(engine, size=min(blocks.size, JOINT_BLOCK))
    back = BackTransform(tuple(m.data.transform for m in maps), tuple(m.scale for m in maps))
    named = [(one, path, band) for one in maps for path, band in one.files(run).items()]
    described = tuple(one.description(band) for one, _, band in named)
    shown = MappedLayer(layer, back, layer.bands)
    if tile_px is not None:
        tiled = [
            TiledMap(path, (own,), one.key, one.tags(band), one.tags(band)["gossan_unit"])
            for (one, path, band), own in zip(named, layer.bands)
        ]
        found = write_tiles(shown, tiled, tile_px, engine, run.hashes.of, described)
    else:
        found = engine.write_many(
            shown,
            {path: (own,) for (_, path, _), own in zip(named, layer.bands)},
            {path: one.tags(band) for one, path, band in named},
            {path: one.tags(band)["gossan_unit"] for one, path, band in named},
            described,
        )
    paths = [path for _, path, _ in named]
    statistics = {path: values for path, band in zip(paths, found) for values in band.values()}
    return [_of(statistics, one.files(run)) for one in maps]


def _of(
    statistics: Mapping[Path, dict[str, float]], files: Mapping[Path, str]
) -> dict[str, dict[str, float]]:
    return {path.stem: statistics[path] for path in files}
