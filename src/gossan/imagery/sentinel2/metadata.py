"""Read what a Sentinel-2 SAFE product says about itself: L1C or L2A, folder or zip, any baseline.

Sources: Sentinel-2 Products Specification Document (S2-PDGS-TAS-DI-PSD), sections on
``MTD_MSIL1C.xml``, ``MTD_MSIL2A.xml`` and ``MTD_TL.xml``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

from pyproj import CRS

from gossan.catalogue.sensors import sentinel2_bands
from gossan.geo.grid import Grid
from gossan.geo.layer import Layer
from gossan.imagery.atmosphere.geometry import view_vector
from gossan.imagery.sentinel2.angles import read_angles
from gossan.imagery.sentinel2.radiometry import Level, scaling, special_values, sun
from gossan.imagery.sentinel2.safe import (
    SafeProduct,
    elements,
    find_product,
    local_name,
    number_of,
    parse,
    readable,
    refuse,
    text_of,
    whole_number,
)

_ROOTS: dict[str, Level] = {
    "Level-1C_User_Product": "L1C",
    "Level-2A_User_Product": "L2A",
}
_IMAGE = re.compile(r"(?:^|_)(B\d\d|B8A|SCL|AOT|WVP)(?:_(10|20|60)m)?\.jp2$", re.IGNORECASE)
_LONG_NAMED = re.compile(r"_(SCL|AOT|WVP)_L2A_\w*?(?:_(10|20|60)m)?\.jp2$", re.IGNORECASE)
"""Before 2016, Sen2Cor put the quantity in the middle: S2A_USER_SCL_L2A_TL_..._T33TWM_20m.jp2."""
_DATE = re.compile(r"\d{8}T\d{6}")
_TILE = re.compile(r"(?:^|_)T(\d{2}[A-Z]{3})(?:_|\.|$)")


@dataclass(frozen=True)
class BandFile:
    """One JPEG 2000 image of a product: band, pixel size in metres, member name."""

    band: str
    pixel_m: int
    member: str


@dataclass(frozen=True)
class Sentinel2Metadata:
    """Metadata of a scene.

    Attributes
    ----------
    name
        Name of the product.
    level
        ``L1C`` (top of atmosphere) or ``L2A`` (surface, Sen2Cor).
    unit
        ``S2A``, ``S2B`` or ``S2C``.
    baseline
        Processing baseline as printed (``04.00``).
    tile
        MGRS tile (``38QKJ``).
    time
        Sensing time, UTC.
    quantification, offsets
        reflectance = (DN + offsets[band]) / quantification.
    nodata, saturated
        Special DN, tested before the offset is added.
    crs, grids
        Coordinate system; the grid of each pixel size in metres.
    sun_zenith_deg, sun_azimuth_deg, view_zenith_deg, view_azimuth_deg
        Scene means; the view is the mean over bands.
    distance_factor
        U, the square of the inverse Sun-Earth distance in astronomical units; 1 when not given.
    solar_irradiance
        W m-2 um-1 by band; empty when not given.
    files
        Every image of the product.
    angles
        Sun and view angles every 5 km (``atmosphere.geometry.ANGLES``); None when not given.
    """

    name: str
    level: Level
    unit: str
    baseline: str
    tile: str
    time: datetime
    quantification: float
    offsets: Mapping[str, float]
    nodata: int
    saturated: int
    crs: CRS
    grids: Mapping[int, Grid]
    sun_zenith_deg: float
    sun_azimuth_deg: float
    view_zenith_deg: float
    view_azimuth_deg: float
    distance_factor: float
    solar_irradiance: Mapping[str, float]
    files: tuple[BandFile, ...]
    angles: Layer | None = field(default=None, repr=False)

    @property
    def bands(self) -> tuple[str, ...]:
        """Spectral bands that the product holds, in the order of the sensor."""
        have = {file.band for file in self.files}
        return tuple(band.name for band in sentinel2_bands() if band.name in have)

    def file(self, band: str) -> BandFile:
        """Find the image of a band: at its native pixel size, else the finest there is.

        Raises
        ------
        ImageryError
            The product holds no such band.
        """
        found = sorted((f for f in self.files if f.band == band), key=lambda f: f.pixel_m)
        if not found:
            raise refuse(
                self.name,
                f"holding band {band}",
                ", ".join(self.bands) or "no bands",
                "Leave the band out, or download the whole product",
            )
        native = {b.name: b.pixel_m for b in sentinel2_bands()}.get(band)
        return next((f for f in found if f.pixel_m == native), found[0])

    def grid_of(self, pixel_m: int) -> Grid:
        """Return the grid of a pixel size in metres.

        Raises
        ------
        ImageryError
            The product does not state the grid of this pixel size.
        """
        if pixel_m not in self.grids:
            raise refuse(
                self.name,
                "a product that states the grid of each pixel size",
                f"none for {pixel_m} m",
                "Download it again",
            )
        return self.grids[pixel_m]


def read_metadata(path: Path | str, tile: str | None = None) -> Sentinel2Metadata:
    """Read the metadata of a SAFE product; no pixel is touched.

    Parameters
    ----------
    path
        SAFE folder, zip, or the ``MTD_MSIL*.xml`` in it.
    tile
        Which granule of an old product that holds several; None when there is one.

    Raises
    ------
    ImageryError
        Metadata are missing, damaged or contradictory, or the offset cannot be known.
    """
    return describe(find_product(path), tile)


def describe(product: SafeProduct, tile: str | None = None) -> Sentinel2Metadata:
    """Put together the metadata of a product already found."""
    with readable(product.path.name, "metadata"):
        return _describe(product, tile)


def _describe(product: SafeProduct, tile: str | None) -> Sentinel2Metadata:
    level, main = _main(product)
    name = text_of(main, "PRODUCT_URI", "") or product.path.name
    granule, folder = _granule(product, level, tile)
    found_tile = _tile_of(granule, folder)
    quantification, offsets = scaling(main, level, name)
    special = special_values(main)
    crs, grids = _geocoding(granule, name)
    zenith, azimuth, view = _angles(granule, name)
    factor, irradiance = sun(main)
    left, _, _, top = next(iter(grids.values())).bounds
    return Sentinel2Metadata(
        name=name.removesuffix(".SAFE"),
        level=level,
        unit=_unit(main, name),
        baseline=text_of(main, "PROCESSING_BASELINE", ""),
        tile=found_tile,
        time=_time(granule, main, name),
        quantification=quantification,
        offsets=offsets,
        nodata=int(special.get("NODATA", 0)),
        saturated=int(special.get("SATURATED", 65535)),
        crs=crs,
        grids=grids,
        sun_zenith_deg=zenith,
        sun_azimuth_deg=azimuth,
        view_zenith_deg=view[0],
        view_azimuth_deg=view[1],
        distance_factor=factor,
        solar_irradiance=irradiance,
        files=_files(product, folder, found_tile, name),
        angles=read_angles(granule, crs, (left, top)),
    )


def _main(product: SafeProduct) -> tuple[Level, ElementTree.Element]:
    """Find the metadata of the product by its root element."""
    top = [
        n
        for n in product.names
        if n.lower().endswith(".xml") and "/granule/" not in f"/{n}".lower()
    ]
    likely = [n for n in top if re.search(r"MTD_(MSIL|SAF)", PurePosixPath(n).name)]
    folders = sorted({str(PurePosixPath(n).parent) for n in likely})
    if len(folders) > 1:
        raise refuse(
            product.path.name,
            "one SAFE product",
            f"{len(folders)}: {', '.join(folders[:3])}",
            "Unpack it, and name each product in paths",
        )
    for member in likely:
        root = parse(product, member)
        level = _ROOTS.get(local_name(root.tag))
        if level:
            return level, root
    raise refuse(
        product.path.name,
        "a SAFE product with MTD_MSIL1C.xml or MTD_MSIL2A.xml",
        "neither",
        "Use the whole .SAFE folder or zip as downloaded",
    )


def _granule(
    product: SafeProduct, level: Level, tile: str | None
) -> tuple[ElementTree.Element, str]:
    """Find the metadata of the one granule, and its folder."""
    pattern = re.compile(r"^(.*GRANULE/[^/]+)/(?:MTD_TL|S2._\w+_MTD_L\w+_TL_\w+)\.xml$")
    found = [(n, m.group(1)) for n in product.names if (m := pattern.match(n))]
    if tile:
        found = [(n, f) for n, f in found if tile.upper().removeprefix("T") in f]
    if not found:
        raise refuse(
            product.path.name,
            "a product with the metadata of its tile (MTD_TL.xml)",
            "none",
            "Use the whole .SAFE folder or zip as downloaded",
        )
    if len(found) > 1:
        folders = ", ".join(PurePosixPath(f).name for _, f in found[:4])
        raise refuse(
            product.path.name,
            "a product of one tile",
            f"{len(found)} ({folders})",
            "List each product by itself, or set tile",
        )
    return parse(product, found[0][0]), found[0][1]


def _files(product: SafeProduct, folder: str, tile: str, name: str) -> tuple[BandFile, ...]:
    """List the images of the granule; images of another tile or date are refused."""
    native = {band.label: band.pixel_m for band in sentinel2_bands()}
    files: list[BandFile] = []
    dates: dict[str, str] = {}
    for member in product.names:
        image = PurePosixPath(member).name
        match = _IMAGE.search(image) or _LONG_NAMED.search(image)
        if not (match and member.startswith(f"{folder}/IMG_DATA/")):
            continue
        _check_tile(image, tile, name)
        dates.setdefault("".join(_DATE.findall(image)[:1]), image)
        label = match.group(1).upper()
        pixel = int(match.group(2) or native.get(label, 20))
        files.append(BandFile(label.lower(), pixel, member))
    if len(dates) > 1:
        found = " and ".join(list(dates.values())[:2])
        raise refuse(name, "made of images of one date", found, "Remove the image of the other")
    if not files:
        raise refuse(name, "a product with JPEG 2000 images", "none", "Download it again")
    return tuple(files)


def _check_tile(image: str, tile: str, name: str) -> None:
    """Refuse an image whose name states another tile."""
    stated = _TILE.search(image)
    if stated and tile and stated.group(1) != tile:
        raise refuse(
            name,
            f"made of images of tile {tile}",
            image,
            "Remove the image of the other tile, or download again",
        )


def _geocoding(granule: ElementTree.Element, name: str) -> tuple[CRS, dict[int, Grid]]:
    """Read the grids: upper left corner and shape by pixel size."""
    code = text_of(granule, "HORIZONTAL_CS_CODE", "")
    if not re.fullmatch(r"EPSG:\d+", code, re.IGNORECASE):
        raise refuse(
            name, "a product that states its EPSG code", code or "none", "Download it again"
        )
    crs = CRS.from_user_input(code)
    corners = {
        whole_number(e.get("resolution"), e.tag): (
            number_of(e, "ULX"),
            number_of(e, "ULY"),
        )
        for e in elements(granule, "Geoposition")
    }
    grids = {}
    for element in elements(granule, "Size"):
        pixel = whole_number(element.get("resolution"), element.tag)
        rows, columns = number_of(element, "NROWS"), number_of(element, "NCOLS")
        if pixel in corners and pixel > 0:
            left, top = corners[pixel]
            bounds = (left, top - rows * pixel, left + columns * pixel, top)
            grids[pixel] = Grid.from_bounds(crs, bounds, pixel)
    if not grids:
        raise refuse(
            name, "a product that states its tile's corner and size", "none", "Download it again"
        )
    return crs, grids


def _angles(granule: ElementTree.Element, name: str) -> tuple[float, float, tuple[float, float]]:
    """Read mean sun zenith and azimuth, and mean view zenith and azimuth, in degrees."""
    sun = next(elements(granule, "Mean_Sun_Angle"), None)
    if sun is None:
        raise refuse(name, "a product that states its mean sun angle", "none", "Download it again")
    views = [
        view_vector(number_of(e, "ZENITH_ANGLE"), number_of(e, "AZIMUTH_ANGLE"))
        for e in elements(granule, "Mean_Viewing_Incidence_Angle")
    ]
    east, north = (sum(part) / len(views) for part in zip(*views)) if views else (0.0, 0.0)
    view = math.degrees(math.asin(math.hypot(east, north)))
    towards = math.degrees(math.atan2(east, north)) % 360.0
    return number_of(sun, "ZENITH_ANGLE"), number_of(sun, "AZIMUTH_ANGLE"), (view, towards)


def _unit(main: ElementTree.Element, name: str) -> str:
    """Return the satellite: S2A, S2B or S2C."""
    match = re.search(r"Sentinel-2([A-D])", text_of(main, "SPACECRAFT_NAME", ""))
    match = match or re.match(r"S2([A-D])_", name)
    if not match:
        raise refuse(
            name, "a product of Sentinel-2A, 2B or 2C", "an unnamed spacecraft", "Download it again"
        )
    return f"S2{match.group(1)}"


def _time(granule: ElementTree.Element, main: ElementTree.Element, name: str) -> datetime:
    """Read the sensing time."""
    text = text_of(granule, "SENSING_TIME", "") or text_of(main, "PRODUCT_START_TIME", "")
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise refuse(
            name, "a product that states its sensing time", text or "none", "Download it again"
        ) from error


def _tile_of(granule: ElementTree.Element, folder: str) -> str:
    """Read the MGRS tile from the tile's identifier, else from its folder."""
    stated = _TILE.search(text_of(granule, "TILE_ID", "") or PurePosixPath(folder).name)
    stated = stated or _TILE.search(PurePosixPath(folder).name)
    return stated.group(1) if stated else ""
