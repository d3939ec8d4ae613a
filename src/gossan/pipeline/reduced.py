"""The paper's image quality at reduced resolution, and where a model may be applied."""

from __future__ import annotations

import warnings

import pandas as pd

from gossan.errors import FitError, GossanWarning
from gossan.evaluate.applicability import ApplicabilityLayer, fit_applicability
from gossan.evaluate.reduced_resolution import reduced_resolution
from gossan.fusion.protocol import Features
from gossan.geo.blocks import Blocks
from gossan.io.run_folder import RunFolder
from gossan.pipeline.ground import Ground
from gossan.pipeline.make import Division
from gossan.pipeline.products import Product
from gossan.pipeline.surveys import Working, working

MOST_PIXELS = 4_000_000
"""Pixels above which these two are left out: both hold or compare every pixel with every sample."""


def small_enough(ground: Ground) -> bool:
    """Tell whether the map is small enough for both."""
    return ground.grid.height * ground.grid.width <= MOST_PIXELS


def reduced_tables(ground: Ground, products: list[Product]) -> pd.DataFrame:
    """Give ERGAS, SAM and the universal quality index of every single model (Wald's test).

    Products that choose among models are left out: they are one of the others.
    """
    tables = []
    for product in products:
        features = ground.landscape.features(product.settings.features)
        choosing = product.settings.model in ("auto", "blend")
        if choosing or features.layer is None:
            continue
        data = [working(ground.surveys, element, product.transform) for element in product.elements]
        elements = {one.element: (one.observations, one.transform) for one in data}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GossanWarning)  # the maps themselves have been told of
            try:
                one = {product.name: product.factory()}
                tables.append(reduced_resolution(elements, features, one))
            except FitError:
                continue
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def write_applicability(
    run: RunFolder, features: Features, data: Working, division: Division, blocks: Blocks
) -> None:
    """Write where the imagery looks like no sample: ``layers/applicability.tif``."""
    if features.layer is None or not division.folds:
        return
    labels = next(iter(division.folds.values())).labels
    try:
        found = fit_applicability(data.observations, features, labels)
    except FitError:
        return
    blocks.write(ApplicabilityLayer(features.layer, found), run.layers / "applicability.tif")
