"""Estimates at places agree with the maps, and say which map they come from."""

from __future__ import annotations

from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pytest
import rasterio
from pyproj import Transformer

from gossan.errors import InputError
from gossan.io.finished_run import open_run
from gossan.pipeline.commands.predict import notes_on, predict_at


@pytest.fixture
def places(finished_run: Path, tmp_path: Path) -> Path:
    """Centres of pixels of the maps."""
    with rasterio.open(finished_run / "layers" / "kriging_Cu.tif") as source:
        rows, cols = np.array([3, 20, 41]), np.array([7, 30, 12])
        xs, ys = source.xy(rows, cols)
    pd.DataFrame({"easting": xs, "northing": ys}).to_csv(tmp_path / "at.csv", index=False)
    return tmp_path / "at.csv"


def read(run: Path, name: str, places: Path) -> np.ndarray:
    table = pd.read_csv(places)
    with rasterio.open(run / "layers" / f"{name}.tif") as source:
        return np.array([v[0] for v in source.sample(table[["easting", "northing"]].to_numpy())])


def test_estimate_and_bounds_are_those_of_the_maps(
    finished_run: Path, places: Path, tmp_path: Path
) -> None:
    predict_at(finished_run, places, "kriging", "Cu", tmp_path / "out.csv")
    found = pd.read_csv(tmp_path / "out.csv")
    estimate, error = (read(finished_run, n, places) for n in ("kriging_Cu", "kriging_Cu_se"))
    np.testing.assert_allclose(found["estimate"], estimate, rtol=1e-5)
    np.testing.assert_allclose(found["lower90"], estimate * np.exp(-1.6448536 * error), rtol=1e-4)
    np.testing.assert_allclose(found["upper90"], estimate * np.exp(1.6448536 * error), rtol=1e-4)


def test_the_best_map_is_taken_where_no_product_is_named(
    finished_run: Path, places: Path, tmp_path: Path
) -> None:
    predict_at(finished_run, places, None, "Cu", tmp_path / "out.csv")
    best = open_run(finished_run).best("Cu")
    values = read(finished_run, f"{best}_Cu", places)
    np.testing.assert_allclose(pd.read_csv(tmp_path / "out.csv")["estimate"], values, rtol=1e-5)


def test_longitude_and_latitude_are_the_same_places(
    finished_run: Path, places: Path, tmp_path: Path
) -> None:
    table = pd.read_csv(places)
    degrees = Transformer.from_crs(32638, 4326, always_xy=True).transform(
        table["easting"], table["northing"]
    )
    pd.DataFrame({"longitude": degrees[0], "latitude": degrees[1]}).to_csv(
        tmp_path / "degrees.csv", index=False
    )
    for name in ("at", "degrees"):
        predict_at(finished_run, tmp_path / f"{name}.csv", "sound", "Cu", tmp_path / f"{name}_.csv")
    first, other = (pd.read_csv(tmp_path / f"{n}_.csv")["estimate"] for n in ("at", "degrees"))
    np.testing.assert_allclose(first, other, rtol=1e-5)


def test_a_product_without_an_error_has_empty_bounds_and_off_the_map_nothing(
    finished_run: Path, places: Path, tmp_path: Path
) -> None:
    table = pd.read_csv(places)
    table.loc[0, "easting"] += 100_000
    table.to_csv(places, index=False)
    out = tmp_path / "out.csv"
    assert predict_at(finished_run, places, "literal", "Cu", out) == 3
    found = pd.read_csv(out)
    assert found[["lower90", "upper90"]].isna().all(axis=None)
    assert found["estimate"].isna().tolist() == [True, False, False]
    (note,) = notes_on(finished_run, "literal", "Cu", out)
    assert note.startswith("1 of 3 places have no estimate")


@pytest.mark.parametrize(
    ("product", "element", "printed"),
    [("trusted", "Cu", "--product must be one of"), ("kriging", None, "--element must be one of"),
     ("literal", "Zn", "--element must be one of Cu; got 'Zn'")],
)  # fmt: skip
def test_what_the_run_does_not_hold_is_one_line(
    finished_run: Path,
    places: Path,
    tmp_path: Path,
    product: str,
    element: str | None,
    printed: str,
) -> None:
    with pytest.raises(InputError, match=printed) as error:
        predict_at(finished_run, places, product, element, tmp_path / "out.csv")
    assert "\n" not in str(error.value) and not (tmp_path / "out.csv").exists()


def test_places_may_come_in_any_table_that_a_survey_may_be(
    district_run: Path, tmp_path: Path
) -> None:
    with rasterio.open(district_run / "layers" / "kriging_Cu.tif") as source:
        left, bottom, right, top = source.bounds
        crs = source.crs
    x = left + np.array([0.3111, 0.6123]) * (right - left)
    y = bottom + np.array([0.4133, 0.7171]) * (top - bottom)
    frame = pd.DataFrame({"Platz": ["ä", "b"], "Rechtswert": x.round(2), "Hochwert": y.round(2)})
    frame.to_csv(tmp_path / "a.csv", sep=";", decimal=",", index=False, encoding="cp1252")
    frame.to_excel(tmp_path / "a.xlsx", index=False)
    points = geopandas.GeoDataFrame(
        frame[["Platz"]], geometry=geopandas.points_from_xy(x, y), crs=crs
    )
    points.to_crs(4326).to_file(tmp_path / "a.gpkg")
    found = []
    for name in ("a.csv", "a.xlsx", "a.gpkg"):
        assert predict_at(district_run, tmp_path / name, "kriging", "Cu", tmp_path / "out.csv") == 2
        table = pd.read_csv(tmp_path / "out.csv")
        assert table["Platz"].tolist() == ["ä", "b"]
        found.append(table["estimate"].to_numpy())
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, [found[0]] * 3, rtol=1e-3)


def test_degrees_under_the_name_of_metres_are_refused(district_run: Path, tmp_path: Path) -> None:
    pd.DataFrame({"x": [87.1], "y": [40.2]}).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(InputError, match=r"degrees in row 2.*Call the columns longitude"):
        predict_at(district_run, tmp_path / "a.csv", "kriging", "Cu", tmp_path / "out.csv")


def test_limits_of_the_numbers_are_stated(district_run: Path, tmp_path: Path) -> None:
    pd.DataFrame({"x": [9e5], "y": [9e5]}).to_csv(tmp_path / "a.csv", index=False)
    predict_at(district_run, tmp_path / "a.csv", "kriging", "Cu", tmp_path / "out.csv")
    assert (
        "1 of 1 places have no estimate"
        in notes_on(district_run, "kriging", "Cu", tmp_path / "out.csv")[0]
    )
