"""Names of class numbers: what GDAL 3.6.2 and QGIS 3.22 write beside a raster, and tables."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from gossan.errors import ImageryError
from gossan.geo.grid import Grid
from gossan.geo.raster import write_array
from gossan.imagery.categories.legend import read_legend
from gossan.imagery.categories.open_classes import open_classes
from gossan.imagery.settings import ImagerySettings

ATTRIBUTES = """<PAMDataset>
  <PAMRasterBand band="1">
    <GDALRasterAttributeTable tableType="thematic">
      <FieldDefn index="0"><Name>Value</Name><Type>0</Type><Usage>5</Usage></FieldDefn>
      <FieldDefn index="1"><Name>Count</Name><Type>0</Type><Usage>1</Usage></FieldDefn>
      <FieldDefn index="2"><Name>ROCK</Name><Type>2</Type><Usage>2</Usage></FieldDefn>
      <Row index="0"><F>1</F><F>6</F><F>Granite</F></Row>
      <Row index="1"><F>2</F><F>6</F><F>Gneiss &amp; schist</F></Row>
    </GDALRasterAttributeTable>
  </PAMRasterBand>
</PAMDataset>
"""
CATEGORIES = """<PAMDataset>
  <PAMRasterBand band="1">
    <CategoryNames>
      <Category>none</Category>
      <Category>Granite</Category>
      <Category>Gneiss &amp; schist</Category>
    </CategoryNames>
  </PAMRasterBand>
</PAMDataset>
"""
STYLE = """<qgis version="3.22.16"><pipe>
<rasterrenderer nodataColor="" type="paletted" alphaBand="-1" band="1" opacity="1">
  <colorPalette>
    <paletteEntry label="Granite" color="#ff0000" alpha="255" value="1"/>
    <paletteEntry label="Gneiss &amp; schist" color="#0000ff" alpha="255" value="2"/>
  </colorPalette>
</rasterrenderer></pipe></qgis>
"""
TABLE = "value,count,name\n1,6,Granite\n2,6,Gneiss & schist\n"
SEMICOLONS = "code;rock\n1;Granite\n2;Gneiss & schist\n"


@pytest.fixture
def raster(tmp_path: Path) -> Path:
    grid = Grid.from_bounds(32638, (0, 0, 400, 300), 100)
    write_array(tmp_path / "rock.tif", grid, ("rock",), np.tile([1, 1, 2, 2], (1, 3, 1)))
    return tmp_path / "rock.tif"


def bands(raster: Path, **more: object) -> tuple[str, ...]:
    row = {"name": "geology", "sensor": "classes", "paths": [raster], **more}
    return open_classes(ImagerySettings.model_validate(row), raster.parent).layer.bands[:-1]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rock.tif.aux.xml", ATTRIBUTES),
        ("rock.tif.aux.xml", CATEGORIES),
        ("rock.qml", STYLE),
        ("rock.csv", TABLE),
        ("rock.csv", SEMICOLONS),
    ],
)
def test_a_legend_beside_the_raster_names_its_classes(raster: Path, name: str, text: str) -> None:
    assert bands(raster) == ("class_1", "class_2")
    (raster.parent / name).write_text(text, encoding="utf-8")
    assert bands(raster) == ("granite", "gneiss_schist")


def test_attribute_tables_of_arcgis_are_read(raster: Path) -> None:
    """Their dbf is that of a shapefile without its shapes."""
    frame = pd.DataFrame({"Value": [1, 2], "Count": [6, 6], "Rock": ["Granite", "Gneiss"]})
    gpd.GeoDataFrame(frame, geometry=gpd.points_from_xy([0, 1], [0, 1]), crs="EPSG:32638").to_file(
        raster.parent / "table.shp"
    )
    (raster.parent / "table.dbf").rename(raster.with_name("rock.tif.vat.dbf"))
    assert bands(raster) == ("granite", "gneiss")


def test_the_project_may_name_the_legend_and_its_column(raster: Path, tmp_path: Path) -> None:
    text = "code,name,period\n1,Granite,Permian\n2,Gneiss,Archaean\n"
    (tmp_path / "names.csv").write_text(text, encoding="utf-8")
    assert bands(raster, legend="names.csv") == ("granite", "gneiss")
    assert bands(raster, legend="names.csv", column="period") == ("permian", "archaean")
    with pytest.raises(ImageryError, match=r"column 'age' must be in names\.csv; got code, name"):
        bands(raster, legend="names.csv", column="age")


def test_numbers_without_a_name_keep_their_number(raster: Path, tmp_path: Path) -> None:
    (tmp_path / "names.csv").write_text("code,name\n2,Gneiss\n7,Gabbro\n", encoding="utf-8")
    assert bands(raster, legend="names.csv") == ("class_1", "gneiss")
    (tmp_path / "broken.qml").write_text("<qgis>", encoding="utf-8")
    with pytest.raises(ImageryError, match=r"broken\.qml"):
        read_legend(tmp_path / "broken.qml")
