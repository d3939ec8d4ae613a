"""The paper's image quality at reduced resolution, and where a model may be applied."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd

from gossan.errors import FitError, GossanWarning
from gossan.evaluate.applicability import ApplicabilityLayer, fit_applicability
from gossan.evaluate.folds import Division
from gossan.evaluate.reduced_resolution import Degraded, compare_degraded, degrade_all
from gossan.fusion.protocol import Features
from gossan.fusion.registry import entry_of
from gossan.geo.blocks import Blocks
from gossan.geochem.transforms import Transform, TransformWord
from gossan.io.contract import SharedLayer
from gossan.io.run_folder import RunFolder
from gossan.io.tables import Table
from gossan.pipeline.inputs import RunInputs
from gossan.pipeline.options.products import Product
from gossan.pipeline.surveys import Working, working

_Cases = tuple[dict[str, Degraded], dict[str, Transform]]


@dataclass(frozen=True, eq=False)
class ReducedResolution:
    """ERGAS, SAM and the universal quality index of every single model (Wald's test).

    Whole scenes of any size: imagery is averaged to the samples' spacing in one streamed pass for
    all products with the same features, and all else happens at that spacing. Products that choose
    among models are left out: they are one of the others. Kriging is compared in the same way.

    Parameters
    ----------
    inputs
        Samples and imagery.
    all_products
        Products of the run.
    blocks
        Engine of the passes.
    """

    inputs: RunInputs
    all_products: Sequence[Product]
    blocks: Blocks
    _degraded: dict[tuple[str, TransformWord, tuple[str, ...]], _Cases] = field(
        default_factory=dict, repr=False
    )

    @property
    def products(self) -> list[Product]:
        """Products that are compared; none where none sees imagery."""
        pictured = self.inputs.features.pictured
        return [p for p in self._single if pictured(self.features_of(p))]

    def features_of(self, product: Product) -> str:
        """Name the features that are averaged for a product; the widest for kriging."""
        return product.settings.features or self._widest

    @cached_property
    def _widest(self) -> str:
        return self.inputs.features.widest(p.settings.features for p in self._single)

    @cached_property
    def _single(self) -> list[Product]:
        return [p for p in self.all_products if not entry_of(p.settings.model).of_models]

    def made(self, product: Product) -> tuple[dict[str, pd.DataFrame], list[Path]]:
        """Compare a product; no table where it has too few samples at that spacing."""
        key = (self.features_of(product), product.transform, product.elements)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GossanWarning)  # the maps themselves have warned of it
            try:
                if key not in self._degraded:
                    self._degraded[key] = _degrade(self.inputs, *key, self.blocks)
                factories = {product.name: product.factory()}
                found = compare_degraded(*self._degraded[key], factories)
            except FitError:
                return {}, []
        return {Table.REDUCED_RESOLUTION: found}, []


def _degrade(
    inputs: RunInputs, name: str, word: TransformWord, elements: tuple[str, ...], blocks: Blocks
) -> _Cases:
    data = [working(inputs.surveys, element, word) for element in elements]
    observed = {one.element: one.observations for one in data}
    cases = degrade_all(observed, inputs.features.get(name), blocks=blocks)
    return cases, {one.element: one.transform for one in data}


def write_applicability(
    run: RunFolder, features: Features, data: Working, division: Division, blocks: Blocks
) -> None:
    """Write where the imagery looks like no sample: ``layers/applicability.tif``."""
    path = run.shared_layer(SharedLayer.APPLICABILITY)
    if features.layer is None or division.spatial is None:
        return
    labels = division.spatial.labels
    try:
        found = fit_applicability(data.observations, features, labels)
    except FitError:
        return
    blocks.write(ApplicabilityLayer(features.layer, found), path)
