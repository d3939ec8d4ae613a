"""The automatic choice on real surveys: the control ends in kriging, imagery that helps counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from pyproj import Transformer

from gossan.fusion.features.sources import ColumnFeatures, LayerFeatures
from gossan.fusion.protocol import Observations, Points
from gossan.fusion.selection.auto import Auto, AutoSettings
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer, StackedLayer
from gossan.geo.raster import open_raster


def test_the_negative_control_ends_in_kriging(test_data: Path) -> None:
    path = test_data / "wa_cu_cr_regolith" / "cu_cr_points_with_covariates.csv"
    table = pd.read_csv(path).drop_duplicates(["Lon", "Lat"]).iloc[::2]
    to_metres = Transformer.from_crs(4326, 32750, always_xy=True)
    xy = np.column_stack(to_metres.transform(table["Lon"], table["Lat"]))
    names = ("Elevation", "Slope", "Aspect", "Water", "NDVI", "pH", "SOC", "Road")
    columns = {name: table[name].to_numpy(float) for name in names}
    grid = Grid.from_bounds(32750, (*xy.min(axis=0), *xy.max(axis=0)), 500.0)
    observations = Observations(Points(xy, 0.0, columns), np.log(table["Cu_ppm"].to_numpy(float)))
    settings = AutoSettings(candidates=("geostatistical", "regression_kriging"), number=4)
    model = Auto(settings).fit(observations, ColumnFeatures(names, grid))
    assert model.choice_.chosen == "kriging"
    assert model.verdict_.endswith("the kriged map is delivered")


def test_imagery_is_taken_for_zinc_in_the_arid_district(test_data: Path) -> None:
    folder = test_data / "dawadimi_west"
    table = pd.read_csv(folder / "stream_sediment.csv").iloc[::3]
    xy = table[["easting", "northing"]].to_numpy(float)
    layers = []
    for path in sorted(folder.glob("idx_*.tif")):
        raster = open_raster(path)
        layers.append(ArrayLayer(raster.grid, (path.stem,), raster.read(raster.grid.whole)))
    features = LayerFeatures(StackedLayer(tuple(layers)))
    observations = Observations(Points(xy), np.log(table["Zn_ppm_icp"].to_numpy(float)))
    settings = AutoSettings(candidates=("geostatistical", "regression_kriging"), number=4)
    model = Auto(settings).fit(observations, features)
    assert model.choice_.chosen != "kriging" and model.choice_.skill.value > 0.1
