"""What a table says of itself, and what is left to ask or to assume."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from affine import Affine
from pyproj import CRS, Transformer

from gossan.errors import InputError, SurveyError
from gossan.geo.grid import Grid
from gossan.pipeline.new_project.answers import Answers
from gossan.pipeline.new_project.find_survey import FoundSurvey, Wanted, find_survey

LON = np.linspace(44.0, 44.3, 12)
LAT = np.linspace(24.0, 24.2, 12)
EAST, NORTH = Transformer.from_crs(4326, 32638, always_xy=True).transform(LON, LAT)
GRID = Grid(CRS(32638), Affine(100.0, 0, 390_000.0, 0, -100.0, 2_690_000.0), 400, 400)


def _find(
    folder: Path, columns: dict[str, object], name: str = "t.csv", **wanted: object
) -> FoundSurvey:
    path = folder / name
    pd.DataFrame(columns).to_csv(path, index=False)
    return find_survey(Wanted(path, **wanted), [GRID], Answers())  # type: ignore[arg-type]


def test_degrees_win_over_metres_of_an_unknown_system(tmp_path: Path) -> None:
    columns = {"easting": EAST + 4e6, "northing": NORTH, "lon": LON, "lat": LAT, "Cu_ppm": 5.0}
    found = _find(tmp_path, columns, "soil_2019.csv")
    assert (found.x, found.y, found.crs) == ("lon", "lat", "EPSG:4326")
    assert found.elements == ("Cu",) and found.unit == {} and found.medium == "soil"


def test_metres_win_where_the_imagery_or_the_user_tells_their_system(tmp_path: Path) -> None:
    columns = {"easting": EAST, "northing": NORTH, "lon": LON, "lat": LAT, "Cu_ppm": 5.0}
    for wanted in ({}, {"crs": "EPSG:32638"}):
        found = _find(tmp_path, columns, **wanted)
        assert (found.x, found.y, found.crs) == ("easting", "northing", "EPSG:32638")
    stated = _find(tmp_path, columns, crs="EPSG:4267")
    assert (stated.x, stated.y, stated.crs) == ("lon", "lat", "EPSG:4267")


def test_metres_are_recognised_by_the_imagery_that_they_lie_in(tmp_path: Path) -> None:
    found = _find(tmp_path, {"E": EAST, "N": NORTH, "Zn_ppm": 5.0, "Au_ppb": 1.0})
    assert found.crs == "EPSG:32638" and found.elements == ("Zn", "Au")


def test_of_two_columns_one_is_taken_and_reported(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    pd.DataFrame({"lon": LON, "lat": LAT, "Cu_ppm_icp": 5.0, "Cu_ppm_xrf": 6.0}).to_csv(path)
    answers = Answers()
    found = find_survey(Wanted(path, ("Cu",)), [], answers)
    assert found.columns == {"Cu": "Cu_ppm_icp"}
    assert any("Cu_ppm_xrf" in line for line in answers.assumed)


def test_positions_beside_the_table_are_joined(tmp_path: Path) -> None:
    names = [f"S{i}" for i in range(12)]
    pd.DataFrame({"Site": names, "lon": LON, "lat": LAT}).to_csv(tmp_path / "sites.csv")
    found = _find(tmp_path, {"Site": np.repeat(names, 2), "Cu_ppm": 5.0})
    assert found.id == "Site" and found.sites == tmp_path / "sites.csv"
    assert (found.x, found.y, found.crs) == ("lon", "lat", "EPSG:4326")


def test_a_table_of_positions_is_never_taken_without_a_word(tmp_path: Path) -> None:
    names = [f"S{i}" for i in range(12)]
    for name in ("a.csv", "b.csv"):
        pd.DataFrame({"Site": names, "lon": LON, "lat": LAT}).to_csv(tmp_path / name)
    path, answers = tmp_path / "t.csv", Answers()
    pd.DataFrame({"Site": names, "Cu_ppm": 5.0}).to_csv(path)
    assert find_survey(Wanted(path), [], answers).sites == tmp_path / "a.csv"
    (line,) = [line for line in answers.assumed if line.startswith("table of positions = a.csv")]
    assert "'Site'" in line and line.endswith("so does b.csv")
    asked = Answers(lambda question, _: "b.csv" if "positions" in question else "")
    assert find_survey(Wanted(path, ("Cu",)), [], asked).sites == tmp_path / "b.csv"


def test_coordinates_that_lie_in_no_imagery_are_shown(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"x 26\d+ to 26\d+, y \d+ to \d+ lie in no imagery"):
        _find(tmp_path, {"E": NORTH.round(), "N": EAST.round(), "Cu_ppm": 5.0})


def test_a_table_without_places_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="column of x"):
        _find(tmp_path, {"sample": range(12), "Cu_ppm": 5.0})
    with pytest.raises(SurveyError, match="column of Ni"):
        _find(tmp_path, {"lon": LON, "lat": LAT, "Cu_ppm": 5.0}, elements=("Ni",))
