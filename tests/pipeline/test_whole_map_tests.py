"""Image quality at reduced resolution, and where a model may be applied."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from gossan.geo.raster import open_raster


def test_every_run_tells_what_degrading_takes_away(finished_run: Path) -> None:
    table = pd.read_csv(finished_run / "tables" / "reduced_resolution.csv")
    assert set(table["product"]) == {"kriging", "sound", "literal", "geostatistical"}
    own = table[table["element"] == "Cu"].set_index("product")
    assert own["n"].gt(30).all() and own["pixel_m"].between(400, 1500).all()
    assert own.loc["geostatistical", "r"] > own.loc["literal", "r"] and own["rmse"].gt(0).all()


def test_every_run_tells_where_imagery_is_unlike_the_samples(finished_run: Path) -> None:
    layer = open_raster(finished_run / "layers" / "applicability.tif")
    index, inside = layer.read(layer.grid.whole)
    assert np.isfinite(index).mean() > 0.95 and 0.5 < np.nanmean(inside) <= 1
    assert index[inside == 1].max() <= index[inside == 0].min()
