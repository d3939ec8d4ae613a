"""The paper's image quality at reduced resolution, and where a model may be applied."""

from __future__ import annotations

import warnings

import pandas as pd

from gossan.errors import FitError, GossanWarning
from gossan.evaluate.applicability import ApplicabilityLayer, fit_applicability
from gossan.evaluate.folds import Division
from gossan.evaluate.reduced_resolution import Degraded, compare_degraded, degrade_all
from gossan.fusion.protocol import Features
from gossan.fusion.registry import entry_of
from gossan.geo.blocks import Blocks
from gossan.geochem.transforms import Transform, TransformWord
from gossan.io.run_folder import RunFolder
from gossan.pipeline.inputs import RunInputs
from gossan.pipeline.options.products import Product
from gossan.pipeline.surveys import Working, working


def reduced_tables(inputs: RunInputs, products: list[Product], blocks: Blocks) -> pd.DataFrame:
    """Compute ERGAS, SAM and the universal quality index of every single model (Wald's test).

    Whole scenes of any size: imagery is averaged to the samples' spacing in one streamed pass for
    all products with the same features, and all else happens at that spacing. Products that choose
    among models are left out: they are one of the others. Kriging is compared in the same way.
    """
    single = [p for p in products if not entry_of(p.settings.model).of_models]
    names = [p.settings.features for p in single if _pictured(inputs, p.settings.features)]
    if not names:
        return pd.DataFrame()
    degraded: dict[tuple[str, TransformWord, tuple[str, ...]], _Cases] = {}
    tables = []
    for product in single:
        own = product.settings.features or max(names, key=len)
        key = (own, product.transform, product.elements)
        if not _pictured(inputs, own):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GossanWarning)  # the maps themselves have warned of it
            try:
                if key not in degraded:
                    degraded[key] = _degrade(inputs, *key, blocks)
                factories = {product.name: product.factory()}
                tables.append(compare_degraded(*degraded[key], factories))
            except FitError:
                continue
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


_Cases = tuple[dict[str, Degraded], dict[str, Transform]]


def _pictured(inputs: RunInputs, name: str) -> bool:
    return inputs.features.get(name).layer is not None


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
    if features.layer is None or division.spatial is None:
        return
    labels = division.spatial.labels
    try:
        found = fit_applicability(data.observations, features, labels)
    except FitError:
        return
    blocks.write(ApplicabilityLayer(features.layer, found), run.layers / "applicability.tif")
