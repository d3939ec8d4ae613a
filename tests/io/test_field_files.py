"""KML as a tablet reads it."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import shapely
from pyproj import CRS

from gossan.io.field_files import write_kml
from gossan.io.geometry_tables import geometry_table

SPACE = {"k": "http://www.opengis.net/kml/2.2"}


def test_numbers_are_plain_decimals(tmp_path: Path) -> None:
    numbers = {
        "peak_northing": 4387241.5,
        "tiny": 0.0000125,
        "area_km2": 1.25,
        "empty": float("nan"),
    }
    table = geometry_table(
        {"anomaly": ["Cu-1"], "status": ["new"], **{k: [v] for k, v in numbers.items()}},
        [shapely.box(500e3, 4.4e6, 501e3, 4.401e6)],
        CRS(32645),
    )
    root = ElementTree.parse(write_kml(tmp_path / "a.kml", table, "Cu")).getroot()
    found = {
        data.get("name"): data.findtext("k:value", namespaces=SPACE) or ""
        for data in root.iterfind(".//k:Data", SPACE)
    }
    for name, value in numbers.items():
        assert "e" not in found[name].lower()
        assert found[name] == "" if value != value else float(found[name]) == value


def test_a_shape_across_the_antimeridian_is_two_polygons(tmp_path: Path) -> None:
    fiji = shapely.box(790e3, 8.0e6, 900e3, 8.1e6)
    table = geometry_table({"anomaly": ["Cu-1"]}, [fiji], CRS(32760))
    root = ElementTree.parse(write_kml(tmp_path / "a.kml", table, "Cu")).getroot()
    rings = [e.text or "" for e in root.iterfind(".//k:coordinates", SPACE)]
    spans = [[float(p.split(",")[0]) for p in ring.split()] for ring in rings]
    assert len(rings) == 2 and all(max(x) - min(x) < 2 for x in spans)
