"""Positions in one cell: grid references, pairs, zones before an easting, odd degrees.

The places are those of pyproj, or of the publishers of the grids: TG 51409 13177 is the example of
the Ordnance Survey's guide (651409, 313177), J 335 740 central Belfast, and 15T WG 00000 49776 lies
at 42 N, 93 W.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyproj import Transformer

from gossan.errors import SurveyError
from gossan.geochem.table.grid_references import find_references
from gossan.geochem.table.survey import SurveySettings, read_survey

UTM = "EPSG:32618"
EAST = 480_000.0 + 1371 * np.arange(20) % 9_000
NORTH = 5_000_000.0 + 1990 * np.arange(20) % 13_000
COPPER = 10.0 + np.arange(20)


def read(folder: Path, columns: dict[str, list[str]], crs: str) -> np.ndarray:
    table = pd.DataFrame({"id": np.arange(20), **columns, "Cu_ppm": COPPER})
    table.to_csv(folder / "t.csv", index=False)
    samples, _ = read_survey(SurveySettings(path="t.csv", crs=crs), ["Cu"], UTM, folder)
    np.testing.assert_array_equal(samples.values("Cu"), COPPER)
    return samples.coordinates


def degrees() -> tuple[np.ndarray, np.ndarray]:
    return Transformer.from_crs(UTM, 4326, always_xy=True).transform(EAST, NORTH)


@pytest.mark.parametrize(
    ("cell", "place", "epsg"),
    [
        ("TG 51409 13177", (651409, 313177), 27700),
        ("tg5140913177", (651409, 313177), 27700),
        ("TG51", (650000, 310000), 27700),
        ("J 335 740", (333500, 374000), 29902),
        ("IJ3350074000", (333500, 374000), 29902),
    ],
)
def test_references_of_national_grids_are_places(
    cell: str, place: tuple[float, float], epsg: int
) -> None:
    found = find_references(pd.DataFrame({"GRID_REF": [cell, ""]}))
    assert found is not None and found.crs is not None
    assert tuple(found.coordinates[0]) == place and np.isnan(found.coordinates[1]).all()
    assert found.crs.to_epsg() == epsg


def test_a_military_reference_is_the_place_that_its_publisher_gives() -> None:
    found = find_references(pd.DataFrame({"where": ["15TWG0000049776"]}))
    assert found is not None and found.crs is not None and found.crs.to_epsg() == 32615
    lon, lat = Transformer.from_crs(32615, 4326, always_xy=True).transform(*found.coordinates[0])
    assert (lon, lat) == (pytest.approx(-93, abs=1e-5), pytest.approx(42, abs=1e-5))


@pytest.mark.parametrize("crs", [UTM, "EPSG:4326"])
def test_military_references_are_metres_whatever_the_survey_states(
    tmp_path: Path, crs: str
) -> None:
    # 18T: columns begin at J (300 km: L of 400 km), rows of even zones at F
    rows = "ABCDEFGHJKLMNPQRSTUV"
    cells = [
        f"18T{'STUVWXYZ'[int(e // 1e5) - 1]}{rows[(int(n // 1e5) + 5) % 20]}"
        f" {int(e) % 100_000:05d} {int(n) % 100_000:05d}"
        for e, n in zip(EAST, NORTH)
    ]
    found = read(tmp_path, {"MGRS": cells}, crs)
    np.testing.assert_allclose(found, np.column_stack([EAST, NORTH]), atol=1e-3)


def test_two_degrees_in_one_cell_are_latitude_and_longitude(tmp_path: Path) -> None:
    lon, lat = degrees()
    for name, first, second in (("Coordinates", lat, lon), ("Long/Lat", lon, lat)):
        cells = [f"{a:.7f}, {b:.7f}" for a, b in zip(first, second)]
        found = read(tmp_path, {name: cells}, "EPSG:4326")
        np.testing.assert_allclose(found, np.column_stack([EAST, NORTH]), atol=0.1)


def test_a_zone_before_the_easting_is_read_where_it_is_that_of_the_system(tmp_path: Path) -> None:
    places = {"UTM_E": [f"18T {e:.0f}" for e in EAST], "UTM_N": [f"{n:.0f}" for n in NORTH]}
    np.testing.assert_allclose(read(tmp_path, places, UTM), np.column_stack([EAST, NORTH]))
    places["UTM_E"][3] = places["UTM_E"][3].replace("18T", "19T")
    with pytest.raises(SurveyError, match=r"coordinates; got '19T \d+'.*row 5"):
        read(tmp_path, places, UTM)


@pytest.mark.parametrize("form", ["{d}.{m:02d}.{s:07.4f} {side}", "{d}{minutes:09.6f}{side}"])
def test_points_between_degrees_and_minutes_of_gps_receivers(tmp_path: Path, form: str) -> None:
    def written(value: float, sides: str) -> str:
        size = abs(value)
        minutes = (size - int(size)) * 60
        parts = {"d": int(size), "m": int(minutes), "s": (minutes - int(minutes)) * 60}
        return form.format(**parts, minutes=minutes, side=sides[int(value < 0)])

    lon, lat = degrees()
    places = {"Lat": [written(v, "NS") for v in lat], "Long": [written(v, "EW") for v in lon]}
    found = read(tmp_path, places, "EPSG:4326")
    np.testing.assert_allclose(found, np.column_stack([EAST, NORTH]), atol=0.1)


def test_longitudes_without_their_sign_are_refused_with_the_cure_that_works(
    tmp_path: Path,
) -> None:
    lon, lat = degrees()
    unsigned = {"lat": [f"{v:.7f}" for v in lat], "lon": [f"{-v:.7f}" for v in lon]}
    with pytest.raises(SurveyError, match="Longitudes seem to lack their sign"):
        read(tmp_path, unsigned, "EPSG:4326")
    named = {"LAT": unsigned["lat"], "LONG_W": unsigned["lon"]}
    found = read(tmp_path, named, "EPSG:4326")
    np.testing.assert_allclose(found, np.column_stack([EAST, NORTH]), atol=0.1)
