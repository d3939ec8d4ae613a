"""Score what was held out: every product by the same samples as the kriged baseline."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.errors import FitError
from gossan.evaluate.agreement import Agreement, agreement
from gossan.evaluate.check_layer import compare_with_check, krige_check
from gossan.evaluate.image_table import image_table
from gossan.evaluate.skill import skill_table
from gossan.geo.blocks import Blocks
from gossan.geo.layer import Layer
from gossan.geo.raster import open_raster
from gossan.geochem.transforms import Transform, TransformWord
from gossan.io.contract import BASELINE, Comparison, ComparisonKind
from gossan.io.run_folder import RunFolder
from gossan.io.tables import Column, Table
from gossan.pipeline.inputs import RunInputs
from gossan.pipeline.options.products import Product
from gossan.pipeline.options.project import Project
from gossan.pipeline.surveys import Working, working

COARSE = Comparison(ComparisonKind.COARSE)
IMAGE_PIXELS = 24_000_000
"""Pixels that entropy and gradient are taken over, at most, of all maps of an element together."""


def held_out_scores(
    held_out: pd.DataFrame, products: list[Product], inputs: RunInputs, project: Project
) -> pd.DataFrame:
    """Score held-out predictions on the project's working scale, against kriging.

    Parameters
    ----------
    held_out
        Table of held-out predictions of all products.
    products
        The products, with the scale that each works on.
    inputs
        Whose surveys are brought to the project's scale.
    project
        The scale is logarithms where it says so: RMSE and bias are then those of ln values.

    Returns
    -------
    Columns as of ``Table.SCORES``; ``domain`` says what n counts.
    """
    columns = list(Table.SCORES.columns)
    if held_out.empty:
        return pd.DataFrame(columns=columns)
    words = {product.name: product.transform for product in products}
    rows = []
    for key, table in held_out.groupby([Column.ELEMENT, Column.COMPARISON], sort=False):
        element, text = map(str, key)
        data = working(inputs.surveys, element, project.project.transform)
        parts = [
            scored_on(data, own, words[str(name)])
            for name, own in table.groupby(Column.PRODUCT, sort=False)
        ]
        rows.append(_scored(pd.concat(parts), element, Comparison.parse(text)))
    return pd.concat(rows, ignore_index=True).reindex(columns=columns)


def _scored(table: pd.DataFrame, element: str, comparison: Comparison) -> pd.DataFrame:
    """Score the products of one comparison."""
    found = skill_table(table.rename(columns={Column.PRODUCT: "model"}), BASELINE)
    samples = "samples, each predicted by a fit without its fold"
    if comparison.is_check:
        samples = f"samples of {comparison.survey}, not fitted"
    about = {Column.ELEMENT: element, Column.COMPARISON: str(comparison), Column.DOMAIN: samples}
    return found.rename(columns={"model": Column.PRODUCT}).assign(**about)


def scored_on(data: Working, own: pd.DataFrame, word: TransformWord) -> pd.DataFrame:
    """Transform a product's predictions to the scale that all products are scored on."""
    values = data.values
    if word == data.transform.word and values is not None and not values.depends_on_samples:
        columns = {
            Column.OBSERVED: own[Column.OBSERVED_WORKING],
            Column.ESTIMATE: own[Column.ESTIMATE_WORKING],
        }
        return own.assign(**columns)
    least = own[Column.OBSERVED].min() / 100
    names = (Column.OBSERVED, Column.ESTIMATE)
    return own.assign(**{name: _on(data.transform, own[name], least) for name in names})


def _on(scale: Transform, values: pd.Series, least: float) -> NDArray[np.float64]:
    """Transform values to the working scale.

    Non-positive estimates count as ``least``, 1/100 of the smallest sample.
    """
    numbers = values.to_numpy(float)
    finite = np.isfinite(numbers)
    result = np.full(len(numbers), np.nan)
    result[finite] = scale.forward(np.maximum(numbers[finite], least))
    return result


def coarse_scores(run: RunFolder, products: list[Product], blocks: Blocks) -> pd.DataFrame:
    """Correlate every map with the kriged one, pixel by pixel (the paper's Table 3).

    ``n`` is the number of pixels; on very large maps whole blocks evenly spread over it.
    """
    rows = []
    for element in dict.fromkeys(e for product in products for e in product.elements):
        maps = _maps(run, products, element)
        if BASELINE not in maps:
            continue
        base = maps.pop(BASELINE)
        for name, one in maps.items():
            found = agreement(base, one, blocks)
            rows.append(_pixel_row(name, element, COARSE, found, "pixels of the map"))
    return pd.DataFrame(rows)


def check_layer_scores(
    run: RunFolder, products: list[Product], inputs: RunInputs, project: Project, blocks: Blocks
) -> pd.DataFrame:
    """Correlate every map with the kriged layer of every check survey, pixel by pixel.

    Comparison ``check layer: <survey>``; both maps in the element's unit, over the pixels that
    the check survey covers (``domain`` says how far from its samples). A check survey too small
    for a variogram gives no row.

    Source: Ding et al. 2023, sec. 4.4 (Table 3).
    """
    rows = []
    for element in dict.fromkeys(e for product in products for e in product.elements):
        maps = _maps(run, products, element)
        data = working(inputs.surveys, element, project.project.transform)
        for survey, observations in data.checks.items() if maps else ():
            try:
                check = krige_check(observations, data.transform, inputs.grid)
            except FitError:
                continue
            domain = f"pixels within {check.domain.reach_m:.0f} m of a sample of {survey}"
            for name, found in compare_with_check(maps, check, blocks).items():
                what = Comparison(ComparisonKind.CHECK_LAYER, survey)
                rows.append(_pixel_row(name, element, what, found, domain))
    return pd.DataFrame(rows)


def _maps(run: RunFolder, products: list[Product], element: str) -> dict[str, Layer]:
    """Open the estimates of an element by product, those that were made."""
    paths = {p.name: run.layer(p.name, element) for p in products if element in p.elements}
    return {name: open_raster(path) for name, path in paths.items() if path.exists()}


def _pixel_row(
    product: str, element: str, comparison: Comparison, found: Agreement, domain: str
) -> dict[str, object]:
    if found.share < 1:
        domain += f", {100 * found.share:.0f} % of all blocks"
    return dict.fromkeys(Table.SCORES.columns, np.nan) | {
        Column.PRODUCT: product,
        Column.ELEMENT: element,
        Column.COMPARISON: str(comparison),
        Column.N: found.n,
        Column.R: found.r,
        Column.SPEARMAN: found.spearman,
        Column.BIAS: found.bias,
        Column.DOMAIN: domain,
    }


def image_tables(run: RunFolder, products: list[Product], blocks: Blocks) -> pd.DataFrame:
    """Measure entropy and average gradient of every map (Ding et al. 2023, section 4.4).

    ``pixels`` counts what was measured: on very large maps whole blocks, evenly spread.
    """
    tables = []
    for element in dict.fromkeys(e for product in products for e in product.elements):
        maps = _maps(run, products, element)
        if maps:
            table = image_table(maps, blocks, most_pixels=IMAGE_PIXELS // len(maps))
            tables.append(table.assign(element=element))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def summary_of(scores: pd.DataFrame) -> pd.DataFrame:
    """Select what a user looks at first: the skill of every product and element."""
    kinds = scores[Column.COMPARISON].map(Comparison.parse)
    fair = kinds.map(lambda one: one.is_spatial or one.is_check).astype(bool)
    columns = [Column.ELEMENT, Column.PRODUCT, Column.COMPARISON, Column.N, Column.R, Column.RMSE,
               Column.SKILL, Column.SKILL_LOW, Column.SKILL_HIGH]  # fmt: skip
    return scores.loc[fair, columns].reset_index(drop=True)
