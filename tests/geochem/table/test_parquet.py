"""GeoParquet and plain Parquet give the samples that the same table gives as CSV."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pytest

from gossan.errors import MissingDependencyError
from gossan.geochem.table.survey import SurveySettings, read_survey

from ...presence import missing

UTM = "EPSG:32645"
TABLE = pd.DataFrame(
    {
        "id": [f"S{i}" for i in range(20)],
        "Cu_ppm": ["<5" if i == 3 else f"{10 + i}" for i in range(20)],
        "Zn_ppm": np.arange(20) + 50.5,
        "easting": 500_037.0 + 1000 * (np.arange(20) % 7),
        "northing": 4_000_000.0 + 1500 * (np.arange(20) // 5),
    }
)


@pytest.mark.parametrize("kind", ["points", "plain"])
def test_parquet_gives_the_samples_of_the_table(kind: str, tmp_path: Path) -> None:
    if importlib.util.find_spec("pyarrow") is None:
        missing("pyarrow is not installed (pip install gossan[parquet])")
    places = geopandas.points_from_xy(TABLE["easting"], TABLE["northing"], crs=UTM)
    points = geopandas.GeoDataFrame(TABLE[["id", "Cu_ppm", "Zn_ppm"]], geometry=places)
    (points if kind == "points" else TABLE).to_parquet(tmp_path / "t.parquet")
    crs = None if kind == "points" else UTM
    settings = SurveySettings(path="t.parquet", crs=crs)
    samples, _ = read_survey(settings, ["Cu", "Zn"], UTM, tmp_path)
    known = np.where(np.arange(20) == 3, 2.5, 10.0 + np.arange(20))
    np.testing.assert_allclose(samples.values("Cu"), known)
    np.testing.assert_allclose(samples.values("Zn"), TABLE["Zn_ppm"])
    np.testing.assert_allclose(samples.coordinates, TABLE[["easting", "northing"]])


def test_without_pyarrow_the_cure_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise ImportError("Missing optional dependency 'pyarrow.parquet'")

    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    monkeypatch.setattr("geopandas.read_parquet", refuse)
    with pytest.raises(MissingDependencyError, match="pip install pyarrow"):
        read_survey(SurveySettings(path="t.parquet"), ["Cu"], UTM, tmp_path)
