"""Scenes named by STAC items (version 1.0.0 of the specification) are those of their files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gossan.errors import ImageryError
from gossan.geo.grid import Grid
from gossan.geo.raster import write_array
from gossan.imagery.rasters.stac_items import read_item
from gossan.imagery.scenes import open_scenes
from gossan.imagery.settings import ImagerySettings

PLAIN = "image/tiff; application=geotiff"


def scene(folder: Path, left: float, value: float) -> None:
    grid = Grid.from_bounds(32638, (left, 0, left + 600, 400), 20)
    write_array(folder / "data.tif", grid, ("b1", "b2"), np.full((2, 20, 30), value, np.float32))
    write_array(folder / "preview.tif", grid, ("p",), np.zeros((1, 20, 30), np.float32))


def item(path: Path, day: str, assets: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    found = {"type": "Feature", "stac_version": "1.0.0", "id": path.stem, "geometry": None}
    found |= {"properties": {"datetime": f"{day}T07:00:00Z"}, "links": [], "assets": assets}
    path.write_text(json.dumps(found), encoding="utf-8")


def opened(folder: Path, *paths: str) -> np.ndarray:
    settings = ImagerySettings(name="im", sensor="bands", paths=[Path(one) for one in paths])
    layer = open_scenes(settings, folder, folder / "store").bands
    return layer.read(layer.grid.whole)


def test_items_give_files_and_dates_and_pictures_are_left_out(tmp_path: Path) -> None:
    """The files' names hold no date: the items alone say which scene is the newest."""
    for name, left, value, day in (("a", 0, 1.0, "2024-05-09"), ("b", 300, 2.0, "2024-05-01")):
        scene(tmp_path / name, left, value)
        data = {"href": f"../{name}/data.tif", "type": PLAIN, "roles": ["data"]}
        seen = {"href": f"../{name}/preview.tif", "type": PLAIN, "roles": ["overview"]}
        item(tmp_path / "items" / f"{name}.json", day, {"data": data, "seen": seen})
    values = opened(tmp_path, "items/*.json")
    wanted = np.repeat([1.0, 2.0], [30, 15])[None, None, :] * np.ones((2, 20, 1))
    np.testing.assert_array_equal(values, wanted)
    late = {"href": "../b/data.tif", "type": PLAIN}  # without a role: any raster but pictures
    item(tmp_path / "items" / "b.json", "2024-06-01", {"data": late})
    np.testing.assert_array_equal(opened(tmp_path, "items/*.json")[:, :, 15:], 2.0)


@pytest.mark.parametrize(
    ("assets", "said"),
    [
        (
            {"a": {"href": "ftp://example.org/a.tif"}},
            "of https, s3, gs or az; got ftp://example.org",
        ),
        ({"a": {"href": "./missing.tif"}}, "must be an existing file"),
        ({"a": {"href": "./a.pdf"}}, "must be a STAC item with a raster; got none"),
    ],
)
def test_an_item_that_cannot_be_used_is_one_line(
    tmp_path: Path, assets: dict[str, Any], said: str
) -> None:
    item(tmp_path / "one.json", "2024-05-01", assets)
    with pytest.raises(ImageryError, match=said) as caught:
        read_item(tmp_path / "one.json")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["[1]", "{", '{"type": "Catalog", "links": []}'])
def test_other_files_are_no_items(tmp_path: Path, text: str) -> None:
    (tmp_path / "one.json").write_text(text, encoding="utf-8")
    with pytest.raises(ImageryError, match=r"one\.json must be"):
        read_item(tmp_path / "one.json")
