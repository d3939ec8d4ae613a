"""Numbers for the paper's claims on wide and small, old and new anomalies, by product."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from gossan.io.tables import Column
from gossan.targets.anomalies import Anomalies


def product_numbers(anomalies: Mapping[str, Anomalies], coarse: str | None = None) -> pd.DataFrame:
    """Count and measure the anomalies of every product, side by side.

    Ding et al. 2023 (section 5) find few wide anomalies by global and many small ones by local
    regression, inside the old anomalies or outside of them; this table says so in numbers.

    Parameters
    ----------
    anomalies : of one element, by name of the product.
    coarse : the product whose anomalies are the old ones, listed first.

    Returns
    -------
    One row per product: product, element, threshold, smallest_km2 (below which anomalies were left
    out), number, total_km2, median_km2, largest_km2, per_100_km2 (anomalies per 100 km2 of
    anomaly: how scattered), inside_share (share of the anomalous area within old anomalies),
    known, extended, new (numbers), new_km2, median_contrast.
    Products without anomalies have number 0 and NaN for sizes.
    """
    names = sorted(anomalies, key=lambda name: name != coarse)
    return pd.DataFrame([_row(name, anomalies[name]) for name in names])


def _row(name: str, found: Anomalies) -> dict[str, object]:
    table = found.table
    area = table[Column.AREA_KM2].to_numpy(float)
    overlap = table[Column.OVERLAP].to_numpy(float)
    total, judged = float(area.sum()), np.isfinite(overlap)
    inside = (area * overlap)[judged].sum() / area[judged].sum() if judged.any() else np.nan
    status = table[Column.STATUS]
    return {
        Column.PRODUCT: name,
        Column.ELEMENT: found.element,
        Column.THRESHOLD: found.threshold,
        Column.SMALLEST_KM2: found.smallest_km2,
        Column.NUMBER: len(table),
        Column.TOTAL_KM2: total,
        Column.MEDIAN_KM2: float(np.median(area)) if len(area) else np.nan,
        Column.LARGEST_KM2: float(area.max()) if len(area) else np.nan,
        "per_100_km2": 100 * len(area) / total if total else np.nan,
        Column.INSIDE_SHARE: float(inside),
        Column.KNOWN: int((status == "known").sum()),
        Column.EXTENDED: int((status == "extended").sum()),
        Column.NEW: int((status == "new").sum()),
        Column.NEW_KM2: float(area[(status == "new").to_numpy()].sum()),
        Column.MEDIAN_CONTRAST: float(table[Column.CONTRAST].median()) if len(table) else np.nan,
    }
