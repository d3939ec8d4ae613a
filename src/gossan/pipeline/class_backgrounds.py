"""Background by lithology: what each class of ground holds, and leads to expect anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.arrays.array_type import Array
from gossan.fusion.features.sources import LayerFeatures
from gossan.geo.blocks import Blocks
from gossan.geo.layer import Layer, MappedLayer, RenamedLayer, SelectedLayer, StackedLayer
from gossan.imagery.categories.class_shares import CONTACT, FAULT
from gossan.io.contract import SharedLayer
from gossan.io.run_folder import RunFolder
from gossan.io.tables import Column, Table
from gossan.pipeline.feature_sets import FeatureSets
from gossan.pipeline.surveys import Surveys
from gossan.targets.upstream_background import background_of_classes

__all__ = ["ClassBackgrounds", "class_backgrounds", "class_bands"]


@dataclass(frozen=True, eq=False)
class ClassBackgrounds:
    """Contents of the classes of ground, and what they lead to expect of samples and pixels.

    Attributes
    ----------
    table
        A row for each element and class, as in the table ``backgrounds``.
    samples
        Columns ``<element>_background`` and ``<element>_residual`` of the fitted samples.
    layer
        The background of each element at pixels, one band each.
    """

    table: pd.DataFrame
    samples: pd.DataFrame
    layer: Layer = field(repr=False)

    def write(self, run: RunFolder, key: str, blocks: Blocks) -> None:
        """Write ``layers/background.tif``."""
        path = run.shared_layer(SharedLayer.BACKGROUND)
        made_of = {"inputs": key, "elements": self.layer.bands}

        def work() -> None:
            blocks.write(self.layer, path)

        run.once(SharedLayer.BACKGROUND, made_of, [path], work)


def class_bands(bands: Iterable[str]) -> tuple[str, ...]:
    """Choose the bands of a map of classes that are classes, not distances."""
    return tuple(band for band in bands if band not in (CONTACT, FAULT))


def class_backgrounds(
    surveys: Surveys, features: FeatureSets, elements: Sequence[str], blocks: Blocks
) -> ClassBackgrounds:
    """Find the contents of the classes of all maps of classes.

    Shares of classes are those in the support of each sample, a square or a catchment.
    """
    named = features.imagery.items()
    maps = [name for name, one in named if one.settings.sensor == "classes"]
    layer = StackedLayer(tuple(_shares(features, name) for name in maps))
    points = surveys.points
    shares = LayerFeatures(layer, blocks).at(points)
    areas = None if points.grounds is None else points.grounds.area_km2
    tables, columns, means = [], {}, []
    for element in elements:
        content = surveys.contents(element)
        found = background_of_classes(content, shares, layer.bands, areas)
        unit = surveys.unit(element)
        whole = found.table.assign(element=element, unit=unit)
        tables.append(whole[list(Table.BACKGROUNDS.columns)])
        columns[f"{element}_{Column.BACKGROUND}"] = found.expected
        columns[f"{element}_{Column.RESIDUAL}"] = content - found.expected
        means.append(found.table[Column.MEAN].to_numpy(float))
    expected = MappedLayer(layer, _Expected(np.array(means)), tuple(elements))
    return ClassBackgrounds(pd.concat(tables, ignore_index=True), pd.DataFrame(columns), expected)


def _shares(features: FeatureSets, name: str) -> Layer:
    bands = features.at_hand(name).bands
    chosen = class_bands(bands.bands)
    return RenamedLayer(SelectedLayer(bands, chosen), tuple(f"{name}.{band}" for band in chosen))


@dataclass(frozen=True, eq=False)
class _Expected:
    """Mix the mean contents (elements, classes) by the shares of a pixel."""

    means: Array

    def __call__(self, shares: NDArray[np.float32]) -> NDArray[np.floating]:
        held = np.clip(np.nan_to_num(shares), 0.0, 1.0)
        told = np.isfinite(self.means).astype(np.float32)
        total = np.tensordot(np.nan_to_num(self.means), held, 1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(total / np.tensordot(told, held, 1))
