"""Write simulated reflectance as a Sentinel-2 product: SAFE folder, JPEG 2000, metadata.

The files follow the Sentinel-2 Products Specification Document closely enough that GDAL's
SENTINEL2 driver and this package's own reader take them for the real thing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import numpy as np
from numpy.typing import NDArray

from gossan.catalogue.sensors import sentinel2_band, sentinel2_bands
from gossan.demo.write_sentinel2_masks import write_cloud_mask, write_cloud_probability
from gossan.geo.grid import Grid
from gossan.geo.layer import Layer, SelectedLayer
from gossan.geo.warp import to_grid
from gossan.imagery.sentinel2.jp2_store import write_jp2

NODATA, SATURATED, QUANTIFICATION, OFFSET = 0, 65535, 10000, -1000
_LOCAL = "T{tile}_{time}_{label}"


@dataclass(frozen=True)
class SimulatedSentinel2:
    """Describe a scene to be written.

    Attributes
    ----------
    grids
        Grid of each pixel size in metres: 10, 20 and 60, one inside the other.
    reflectance
        (row, column) for each band at its native pixel size; NaN becomes no data, infinity
        becomes saturated.
    classes
        (row, column) Sen2Cor classes at 20 m, for L2A.
    cloud_mask
        (row, column) at 60 m; bits: opaque cloud 1, cirrus 2, snow 4.
    cloud_probability
        (row, column) in per cent at 20 m, for L2A.
    level, baseline, unit, tile, time
        As the metadata print them; the offset follows the baseline.
    sun_zenith_deg, sun_azimuth_deg
        Of the scene's mean.
    """

    grids: Mapping[int, Grid] = field(repr=False)
    reflectance: Mapping[str, NDArray[np.floating]] = field(repr=False)
    classes: NDArray[np.integer] | None = field(default=None, repr=False)
    cloud_mask: NDArray[np.integer] | None = field(default=None, repr=False)
    cloud_probability: NDArray[np.integer] | None = field(default=None, repr=False)
    level: Literal["L1C", "L2A"] = "L2A"
    baseline: str = "05.11"
    unit: Literal["S2A", "S2B", "S2C"] = "S2A"
    tile: str = "45SWC"
    time: datetime = datetime(2023, 8, 19, 5, 6, 49, tzinfo=UTC)
    sun_zenith_deg: float = 30.2
    sun_azimuth_deg: float = 141.7

    @property
    def offset(self) -> int:
        """Radiometric offset: -1000 from baseline 04.00 on."""
        return OFFSET if float(self.baseline) >= 4 else 0

    @property
    def name(self) -> str:
        """Name of the product."""
        stamp, made = (f"{t:%Y%m%dT%H%M%S}" for t in (self.time, self.time + timedelta(hours=5)))
        number = self.baseline.replace(".", "")
        return f"{self.unit}_MSI{self.level}_{stamp}_N{number}_R019_T{self.tile}_{made}"


def scene_of(
    surface: Layer, classes: Layer | None = None, template: SimulatedSentinel2 | None = None
) -> SimulatedSentinel2:
    """Look at a surface as Sentinel-2 does: each band at its own pixel size.

    Parameters
    ----------
    surface
        Reflectance with bands of Sentinel-2's names (``b02`` ...), in a UTM zone; coarser pixels
        are refined by cubic convolution, finer ones averaged.
    classes
        Sen2Cor classes (one band); all bare rock (5) by default.
    template
        Scene whose level, baseline, tile, time and sun are taken.
    """
    template = template or SimulatedSentinel2({}, {})
    grids = {p: Grid.from_bounds(surface.grid.crs, surface.grid.bounds, p) for p in (10, 20, 60)}
    reflectance = {}
    for name in surface.bands:
        grid = grids[sentinel2_band(name).pixel_m]
        seen = to_grid(SelectedLayer(surface, (name,)), grid).read(grid.whole)[0]
        reflectance[name] = seen
    codes = np.full(grids[20].shape, 5, np.uint8)
    if classes is not None:
        found = to_grid(classes, grids[20], classes=True).read(grids[20].whole)[0]
        codes = np.nan_to_num(found, nan=0).astype(np.uint8)
    return replace(template, grids=grids, reflectance=reflectance, classes=codes)


def digital_numbers(reflectance: NDArray[np.floating], offset: float) -> NDArray[np.uint16]:
    """Quantise reflectance: ``DN = round(10000 rho) - offset``; NaN is 0, infinity 65535.

    >>> digital_numbers(np.array([0.25, np.nan, np.inf, -0.2]), -1000.0)
    array([ 3500,     0, 65535,     1], dtype=uint16)
    """
    numbers = np.round(np.where(np.isfinite(reflectance), reflectance, 0.0) * QUANTIFICATION)
    numbers = np.clip(numbers - offset, 1, SATURATED - 1)
    numbers = np.where(np.isnan(reflectance), NODATA, numbers)
    return np.where(np.isposinf(reflectance), SATURATED, numbers).astype(np.uint16)


def write_sentinel2(scene: SimulatedSentinel2, folder: Path | str) -> Path:
    """Write a scene as ``<name>.SAFE`` into a folder and give its path.

    Every band is written at its native pixel size, losslessly, in tiles of 1024 pixels.
    """
    safe = Path(folder) / f"{scene.name}.SAFE"
    granule = safe / "GRANULE" / f"{scene.level}_T{scene.tile}_A042597_{scene.time:%Y%m%dT%H%M%S}"
    images = {}
    for label, pixel, numbers in _images(scene):
        path = granule / "IMG_DATA" / _image_name(scene, label, pixel)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_jp2(path, scene.grids[pixel], numbers)
        images[path.relative_to(safe).with_suffix("").as_posix()] = pixel
    if scene.cloud_mask is not None:
        write_cloud_mask(granule / "QI_DATA", scene.grids, scene.cloud_mask, scene.baseline)
    if scene.cloud_probability is not None:
        write_cloud_probability(granule / "QI_DATA", scene.grids[20], scene.cloud_probability)
    _write_xml(_product_xml(scene, granule.name, list(images)), safe / f"MTD_MSI{scene.level}.xml")
    _write_xml(_tile_xml(scene), granule / "MTD_TL.xml")
    return safe


def _images(scene: SimulatedSentinel2) -> list[tuple[str, int, NDArray[np.integer]]]:
    """List label, pixel size and numbers of every image."""
    found: list[tuple[str, int, NDArray[np.integer]]] = []
    for name, values in scene.reflectance.items():
        band = sentinel2_band(name)
        found.append((band.label, band.pixel_m, digital_numbers(values, scene.offset)))
    if scene.level == "L2A" and scene.classes is not None:
        found.append(("SCL", 20, scene.classes.astype(np.uint8)))
    return found


def _image_name(scene: SimulatedSentinel2, label: str, pixel: int) -> str:
    local = _LOCAL.format(tile=scene.tile, time=f"{scene.time:%Y%m%dT%H%M%S}", label=label)
    return f"R{pixel}m/{local}_{pixel}m.jp2" if scene.level == "L2A" else f"{local}.jp2"


def _product_xml(scene: SimulatedSentinel2, granule: str, images: list[str]) -> Element:
    """Build MTD_MSIL1C.xml or MTD_MSIL2A.xml."""
    digits = scene.level[1:]
    root = Element(
        f"n1:Level-{digits}_User_Product",
        {"xmlns:n1": f"https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-{digits}.xsd"},
    )
    info = SubElement(SubElement(root, "n1:General_Info"), "Product_Info")
    stamp = f"{scene.time:%Y-%m-%dT%H:%M:%S.024Z}"
    for tag, text in {
        "PRODUCT_START_TIME": stamp,
        "PRODUCT_STOP_TIME": stamp,
        "PRODUCT_URI": f"{scene.name}.SAFE",
        "PROCESSING_LEVEL": f"Level-{digits}",
        "PRODUCT_TYPE": f"S2MSI{digits}",
        "PROCESSING_BASELINE": scene.baseline,
        "GENERATION_TIME": stamp,
    }.items():
        SubElement(info, tag).text = text
    take = SubElement(info, "Datatake", datatakeIdentifier=f"G{scene.unit}_042597")
    SubElement(take, "SPACECRAFT_NAME").text = f"Sentinel-{scene.unit[1:]}"
    SubElement(take, "DATATAKE_SENSING_START").text = stamp
    query = SubElement(info, "Query_Options", completeSingleTile="true")
    SubElement(query, "PRODUCT_FORMAT").text = "SAFE_COMPACT"
    listed = SubElement(SubElement(info, "Product_Organisation"), "Granule_List")
    entry = SubElement(listed, "Granule", granuleIdentifier=_tile_id(scene), imageFormat="JPEG2000")
    for image in images:
        SubElement(entry, "IMAGE_FILE").text = image
    _characteristics(scene, root[0])
    return root


def _characteristics(scene: SimulatedSentinel2, info: Element) -> None:
    """Add special values, quantification, offsets and the sun."""
    block = SubElement(info, "Product_Image_Characteristics")
    for text, value in (("NODATA", NODATA), ("SATURATED", SATURATED)):
        special = SubElement(block, "Special_Values")
        SubElement(special, "SPECIAL_VALUE_TEXT").text = text
        SubElement(special, "SPECIAL_VALUE_INDEX").text = str(value)
    if scene.level == "L2A":
        values = SubElement(block, "QUANTIFICATION_VALUES_LIST")
        SubElement(values, "BOA_QUANTIFICATION_VALUE", unit="none").text = str(QUANTIFICATION)
        SubElement(values, "AOT_QUANTIFICATION_VALUE", unit="none").text = "1000.0"
        SubElement(values, "WVP_QUANTIFICATION_VALUE", unit="cm").text = "1000.0"
        offsets, word = "BOA_ADD_OFFSET_VALUES_LIST", "BOA_ADD_OFFSET"
    else:
        SubElement(block, "QUANTIFICATION_VALUE", unit="none").text = str(QUANTIFICATION)
        offsets, word = "Radiometric_Offset_List", "RADIO_ADD_OFFSET"
    if scene.offset:
        listed = SubElement(block, offsets)
        for band in sentinel2_bands():
            SubElement(listed, word, band_id=str(band.band_id)).text = str(scene.offset)
    SubElement(SubElement(block, "Reflectance_Conversion"), "U").text = "0.9755"


def _tile_id(scene: SimulatedSentinel2) -> str:
    return (
        f"{scene.unit}_OPER_MSI_{scene.level}_TL_2APS_{scene.time:%Y%m%dT%H%M%S}_A042597"
        f"_T{scene.tile}_N{scene.baseline}"
    )


def _tile_xml(scene: SimulatedSentinel2) -> Element:
    """Build MTD_TL.xml: place, shape and angles."""
    digits = scene.level[1:]
    root = Element(
        f"n1:Level-{digits}_Tile_ID",
        {
            "xmlns:n1": f"https://psd-14.sentinel2.eo.esa.int/PSD/S2_PDI_Level-{digits}_Tile_Metadata.xsd"
        },
    )
    general = SubElement(root, "n1:General_Info")
    SubElement(general, "TILE_ID", metadataLevel="Brief").text = _tile_id(scene)
    SubElement(general, "SENSING_TIME").text = f"{scene.time:%Y-%m-%dT%H:%M:%S.024Z}"
    geometric = SubElement(root, "n1:Geometric_Info")
    place = SubElement(geometric, "Tile_Geocoding", metadataLevel="Brief")
    first = next(iter(scene.grids.values()))
    epsg = first.crs.to_epsg() or 0
    zone, north = divmod(epsg, 100)[1], "N" if epsg < 32700 else "S"
    SubElement(place, "HORIZONTAL_CS_NAME").text = f"WGS84 / UTM zone {zone}{north}"
    SubElement(place, "HORIZONTAL_CS_CODE").text = f"EPSG:{epsg}"
    for pixel, grid in scene.grids.items():
        size = SubElement(place, "Size", resolution=str(pixel))
        SubElement(size, "NROWS").text = str(grid.height)
        SubElement(size, "NCOLS").text = str(grid.width)
    for pixel, grid in scene.grids.items():
        position = SubElement(place, "Geoposition", resolution=str(pixel))
        corner = {"ULX": grid.bounds[0], "ULY": grid.bounds[3], "XDIM": pixel, "YDIM": -pixel}
        for tag, value in corner.items():
            SubElement(position, tag).text = f"{value:.0f}"
    _angles_xml(scene, SubElement(geometric, "Tile_Angles", metadataLevel="Standard"))
    return root


def _angles_xml(scene: SimulatedSentinel2, angles: Element) -> None:
    """Add the mean sun angle and the mean view of each band."""
    sun = SubElement(angles, "Mean_Sun_Angle")
    SubElement(sun, "ZENITH_ANGLE", unit="deg").text = str(scene.sun_zenith_deg)
    SubElement(sun, "AZIMUTH_ANGLE", unit="deg").text = str(scene.sun_azimuth_deg)
    views = SubElement(angles, "Mean_Viewing_Incidence_Angle_List")
    for band in sentinel2_bands():
        view = SubElement(views, "Mean_Viewing_Incidence_Angle", bandId=str(band.band_id))
        SubElement(view, "ZENITH_ANGLE", unit="deg").text = str(3.0 + 0.1 * band.band_id)
        SubElement(view, "AZIMUTH_ANGLE", unit="deg").text = "104.5"


def _write_xml(root: Element, path: Path) -> None:
    ElementTree.indent(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(root).write(path, encoding="UTF-8", xml_declaration=True)
