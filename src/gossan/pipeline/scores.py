"""Score what was held out: every product by the same samples as the kriged baseline."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.arrays.bootstrap import paired_skill
from gossan.arrays.moments import Moments, moments
from gossan.evaluate.image_table import image_table
from gossan.evaluate.scores import SCORE_COLUMNS, score, score_table
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Window
from gossan.geo.layer import Layer, StackedLayer
from gossan.geo.raster import open_raster
from gossan.geochem.transforms import Transform
from gossan.io.run_folder import RunFolder
from gossan.pipeline.ground import Ground
from gossan.pipeline.products import BASELINE, Product
from gossan.pipeline.project import Project
from gossan.pipeline.surveys import working

COARSE = "coarse layer"
IMAGE_PIXELS = 200_000_000
"""Pixels of all maps of an element above which entropy and gradient are left out."""
COARSE_PIXELS = 16_000_000
"""Pixels that r with the coarse layer is taken over, at most (whole blocks, evenly spread)."""


def held_out_scores(held_out: pd.DataFrame, ground: Ground, project: Project) -> pd.DataFrame:
    """Score held-out predictions, on the project's working scale, against kriging.

    Columns as ``SCORE_COLUMNS`` and ``skill_low``, ``skill_high``: the 95 % interval of the skill
    by a paired block bootstrap. Scale: logarithms where the project says so, so that RMSE and
    bias are those of ln values.
    """
    columns = [*SCORE_COLUMNS, "skill_low", "skill_high"]
    if held_out.empty:
        return pd.DataFrame(columns=columns)
    rows = []
    for (element, comparison), table in held_out.groupby(["element", "comparison"], sort=False):
        scale = working(ground.surveys, str(element), project.project.transform).transform
        base = table[table["product"] == BASELINE].set_index("sample")
        for product, own in table.groupby("product", sort=False):
            rows.append(_scored(str(product), str(element), str(comparison), own, base, scale))
    return pd.concat(rows, ignore_index=True)[columns]


def _scored(
    product: str,
    element: str,
    comparison: str,
    own: pd.DataFrame,
    base: pd.DataFrame,
    scale: Transform,
) -> pd.DataFrame:
    paired = base.reindex(own["sample"])
    least = own["observed"].min() / 100
    observed = _on(scale, own["observed"], least)
    estimate = _on(scale, own["estimate"], least)
    baseline = _on(scale, paired["estimate"], least)
    table = score_table([(product, element, comparison, score(observed, estimate, baseline))])
    low = high = np.nan
    usable = np.isfinite(observed) & np.isfinite(estimate) & np.isfinite(baseline)
    if product != BASELINE and usable.sum() > 10:
        groups = own["group"] if "group" in own and own["group"].notna().all() else own["sample"]
        found = paired_skill(
            (estimate - observed)[usable],
            (baseline - observed)[usable],
            groups.to_numpy(int)[usable],
        )
        low, high = found.lower, found.upper
    return table.assign(skill_low=low, skill_high=high)


def _on(scale: Transform, values: pd.Series, least: float) -> NDArray[np.float64]:
    """Bring values to the working scale, none of them below ``least``.

    A map that says zero or less is not let off: it counts as a hundredth of the least sample.
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
        base = run.layer(BASELINE, element)
        for product in products:
            path = run.layer(product.name, element)
            if product.name == BASELINE or not path.exists() or not base.exists():
                continue
            both = StackedLayer((open_raster(base, ["coarse"]), open_raster(path, ["fused"])))
            found = _pixel_moments(both, blocks)
            rows.append(_coarse_row(product.name, element, found))
    return pd.DataFrame(rows)


def _pixel_moments(layer: StackedLayer, blocks: Blocks) -> Moments:
    windows = blocks.windows(layer.grid)
    pixels = layer.grid.height * layer.grid.width
    step = max(1, int(np.ceil(pixels / COARSE_PIXELS)))
    chosen = set(windows[::step])

    def part(window: Window) -> Moments:
        if window not in chosen:
            return Moments(0, np.zeros(2), np.zeros((2, 2)))
        return moments(layer.read(window).reshape(2, -1))

    return blocks.reduce(part, layer.grid)


def _coarse_row(product: str, element: str, found: Moments) -> dict[str, object]:
    spread = np.sqrt(np.diag(found.covariance)) if found.count > 1 else np.zeros(2)
    r = found.covariance[0, 1] / (spread[0] * spread[1]) if spread.all() else np.nan
    row: dict[str, object] = dict.fromkeys(SCORE_COLUMNS, np.nan)
    row |= {"product": product, "element": element, "comparison": COARSE}
    return row | {"n": found.count, "r": r, "bias": float(found.mean[1] - found.mean[0])}


def image_tables(run: RunFolder, products: list[Product], blocks: Blocks) -> pd.DataFrame:
    """Measure entropy and average gradient of every map (Ding et al. 2023, section 4.4)."""
    tables = []
    for element in dict.fromkeys(e for product in products for e in product.elements):
        paths = {p.name: run.layer(p.name, element) for p in products if element in p.elements}
        maps: dict[str, Layer] = {n: open_raster(p) for n, p in paths.items() if p.exists()}
        if maps and _pixels(maps) <= IMAGE_PIXELS:
            tables.append(image_table(maps, blocks).assign(element=element))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _pixels(maps: dict[str, Layer]) -> int:
    grid = next(iter(maps.values())).grid
    return len(maps) * grid.height * grid.width


def summary_of(scores: pd.DataFrame) -> pd.DataFrame:
    """Give the few numbers that a user looks at first: skill of every product and element."""
    held = scores[scores["comparison"] != COARSE]
    columns = [
        "element",
        "product",
        "comparison",
        "n",
        "r",
        "rmse",
        "skill",
        "skill_low",
        "skill_high",
    ]
    trusted = held[held["comparison"] != "random"]
    return trusted[columns].reset_index(drop=True)
