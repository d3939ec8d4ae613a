"""Open a Sentinel-2 scene as downloaded: reflectance bands, quality flags, scene classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.digital_numbers import scale_numbers
from gossan.catalogue.sensors import Sentinel2Band, Unit, sentinel2_band
from gossan.errors import ImageryError, must
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.layer import Layer, MappedLayer, RenamedLayer, StackedLayer
from gossan.geo.warp import degrees_of_middle, to_grid
from gossan.imagery.atmosphere.correction import correct
from gossan.imagery.atmosphere.geometry import SceneGeometry
from gossan.imagery.atmosphere.scene_air import SceneAir, look_at, scene_air
from gossan.imagery.atmosphere.settings import AtmosphereSettings
from gossan.imagery.sentinel2.jp2_store import DecodedBand, store_name
from gossan.imagery.sentinel2.metadata import Sentinel2Metadata, describe
from gossan.imagery.sentinel2.quality_masks import cloud_mask, cloud_probability
from gossan.imagery.sentinel2.safe import SafeProduct, find_product
from gossan.imagery.stack import Bounds, stack

SPECTRAL = ("b02", "b03", "b04", "b05", "b06", "b07", "b08", "b8a", "b11", "b12")
"""The 10 m and 20 m bands: those that see the ground and not the air."""

LEAST_NUMBER = 1
"""Least DN of a measured pixel: products hold it where correction gave less."""
FEWEST_TO_JUDGE = 3
"""Bands from which on a pixel of the least number in all of them is taken as empty."""

AIR_BANDS = {
    "blue": "b02",
    "red": "b04",
    "nir": "b08",
    "beside": "b8a",
    "vapour": "b09",
    "swir1": "b11",
    "swir2": "b12",
}
"""Bands that water vapour and aerosol are estimated from, by role."""

_ABSOLUTE = ("6s", "dos", "cost")


@dataclass(frozen=True)
class ToReflectance:
    """Conversion of digital numbers to reflectance: ``(DN + offset) / quantification``.

    Special numbers are tested **before** the offset is added, so that neither an empty pixel
    turns into -0.1 nor a saturated one into a bright rock. Pixels that hold the least number, 1,
    in every one of three bands or more are empty too, as at the edges of the swath.

    Parameters
    ----------
    offsets
        One for each band.
    quantification
        DN of reflectance 1.
    nodata, saturated
        DN that mean empty and saturated.

    Examples
    --------
    >>> convert = ToReflectance((-1000.0,), 10000.0)
    >>> convert(np.array([[[0, 1000, 4000, 65535]]], np.float32))
    array([[[nan, 0. , 0.3, nan]]], dtype=float32)
    """

    offsets: tuple[float, ...]
    quantification: float
    nodata: int = 0
    saturated: int = 65535

    def __call__(self, numbers: NDArray[np.floating]) -> NDArray[np.float32]:
        """Convert (band, row, column) values."""
        offsets = np.asarray(self.offsets)
        found = scale_numbers(numbers, offsets, self.quantification, self.nodata, self.saturated)
        if len(found) >= FEWEST_TO_JUDGE:
            found[:, (numbers <= LEAST_NUMBER).all(axis=0)] = np.nan
        return found


@dataclass(frozen=True)
class ToFlags:
    """Mark empty and saturated pixels: (2, row, column) of 0 and 1, over any of the bands."""

    nodata: int = 0
    saturated: int = 65535

    def __call__(self, numbers: NDArray[np.floating]) -> NDArray[np.float32]:
        """Flag (band, row, column) digital numbers."""
        found = [(numbers == value).any(axis=0) for value in (self.nodata, self.saturated)]
        return np.stack(found).astype(np.float32)


@dataclass(frozen=True)
class AnyFlag:
    """Join flags of several groups of bands: 1 where any of them is.

    ``off_grid`` is what each flag says of pixels that a group does not reach.
    """

    off_grid: tuple[float, ...]

    def __call__(self, flags: NDArray[np.float32]) -> NDArray[np.float32]:
        """Join (groups * flags, row, column) to (flags, row, column)."""
        groups = flags.reshape(-1, len(self.off_grid), *flags.shape[1:])
        beyond = np.asarray(self.off_grid, np.float32)[:, None, None]
        joined: NDArray[np.float32] = np.where(np.isnan(groups), beyond, groups).max(axis=0)
        return joined


@dataclass(frozen=True)
class Sentinel2Scene:
    """One scene: its files, what they say about themselves, and the bands to use."""

    product: SafeProduct
    metadata: Sentinel2Metadata
    bands: tuple[str, ...]

    @property
    def sensor_bands(self) -> tuple[Sentinel2Band, ...]:
        """Describe the bands as this satellite measures them."""
        return tuple(sentinel2_band(name, self._unit) for name in self.bands)

    @property
    def geometry(self) -> SceneGeometry:
        """Sun and view of the scene."""
        found = self.metadata
        return SceneGeometry(
            sun_elevation=90.0 - found.sun_zenith_deg,
            sun_azimuth=found.sun_azimuth_deg,
            date=found.time.date(),
            view_zenith=found.view_zenith_deg,
            view_azimuth=found.view_azimuth_deg,
            angles=found.angles,
            sun_of_reflectance="pixel",
        )

    @property
    def grid(self) -> Grid:
        """Grid of the finest band in use."""
        return self.metadata.grid_of(min(self._pixel(name) for name in self.bands))

    def _pixel(self, band: str) -> int:
        return self.metadata.file(band).pixel_m

    def images(
        self, store: Path, bands: Sequence[str] | None = None, blocks: Blocks | None = None
    ) -> tuple[DecodedBand, ...]:
        """Return the images of bands, decoded into ``store`` when they are first read."""
        workers = blocks.workers if blocks else None
        found = []
        for name in bands or self.bands:
            file = self.metadata.file(name)
            grid = self.metadata.grid_of(file.pixel_m)
            target = Path(store) / store_name(self.product, file.member)
            image = DecodedBand(self.product, file.member, (name,), grid, target, workers)
            if not self.product.zipped:
                image.check()
            found.append(image)
        return tuple(found)

    def decode(self, store: Path, blocks: Blocks | None = None) -> None:
        """Decode all bands in use (and the scene classes) now rather than when first read."""
        have = {file.band for file in self.metadata.files}
        names = (*self.bands, "scl") if "scl" in have else self.bands
        for image in self.images(store, names, blocks):
            image.stored(blocks.progress if blocks else None)

    def numbers(
        self, store: Path, bands: Sequence[str] | None = None, blocks: Blocks | None = None
    ) -> dict[int, Layer]:
        """Return digital numbers by pixel size (m)."""
        groups: dict[int, list[DecodedBand]] = {}
        for image in self.images(store, bands, blocks):
            groups.setdefault(round(image.grid.pixel_width), []).append(image)
        return {pixel: _joined(layers) for pixel, layers in sorted(groups.items())}

    def reflectance(
        self,
        store: Path,
        *,
        pixel_size: float | None = None,
        extent: Bounds | None = None,
        grid: Grid | None = None,
        blocks: Blocks | None = None,
    ) -> Layer:
        """Stack the bands as reflectance on one grid (10 m where a 10 m band is in use).

        Parameters
        ----------
        store
            Folder of decoded images; filled when the layer is first read.
        pixel_size, extent, grid
            As :func:`gossan.imagery.stack.stack` takes them.
        blocks
            Threads for decoding.
        """
        found = self.metadata
        layers = []
        for group in self.numbers(store, blocks=blocks).values():
            offsets = tuple(found.offsets[name] for name in group.bands)
            convert = ToReflectance(offsets, found.quantification, found.nodata, found.saturated)
            layers.append(MappedLayer(group, convert, group.bands))
        return stack(layers, self.bands, pixel_size=pixel_size, extent=extent, grid=grid)

    def surface(
        self,
        store: Path,
        atmosphere: AtmosphereSettings | None = None,
        *,
        pixel_size: float | None = None,
        extent: Bounds | None = None,
        grid: Grid | None = None,
        blocks: Blocks | None = None,
    ) -> Layer:
        """Return surface reflectance: L2A as it is, L1C after the atmospheric correction.

        Raises
        ------
        ImageryError
            An L2A product, which is corrected already, is asked to be corrected again.
        """
        atmosphere = atmosphere or AtmosphereSettings()
        if self.metadata.level == "L2A" and atmosphere.method in _ABSOLUTE:
            raise ImageryError(
                must(
                    f"scene {self.metadata.name}: atmosphere",
                    "none for L2A, which is corrected",
                    repr(atmosphere.method),
                    "Leave atmosphere out, or give the L1C product",
                )
            )
        if atmosphere.method == "6s":
            atmosphere = self.air(store, atmosphere, blocks).settings
        layer = self.reflectance(
            store, pixel_size=pixel_size, extent=extent, grid=grid, blocks=blocks
        )
        return correct(layer, self.sensor_bands, self.geometry, atmosphere, blocks)

    def air(
        self, store: Path, settings: AtmosphereSettings, blocks: Blocks | None = None
    ) -> SceneAir:
        """Estimate what the settings leave open about the air (``atmosphere.scene_air``)."""
        roles = {role: sentinel2_band(name, self._unit) for role, name in AIR_BANDS.items()}
        names = tuple(band.name for band in roles.values() if band.name in self.metadata.bands)
        coarse = replace(self, bands=names).reflectance(store, pixel_size=60, blocks=blocks)
        return scene_air(
            lambda: look_at(coarse, roles), coarse, self.geometry, settings, self._latitude
        )

    @property
    def _unit(self) -> Unit:
        """Satellite whose spectral responses are known."""
        return "S2B" if self.metadata.unit == "S2B" else "S2A"

    @property
    def _latitude(self) -> float:
        return degrees_of_middle(self.grid)[0]

    def flags(self, store: Path, grid: Grid, blocks: Blocks | None = None) -> Layer:
        """Mark ``nodata`` and ``saturated`` pixels on a grid, 0 or 1, over the bands in use."""
        convert = ToFlags(self.metadata.nodata, self.metadata.saturated)
        names = ("nodata", "saturated")
        placed = [
            RenamedLayer(
                to_grid(MappedLayer(group, convert, names), grid, classes=True),
                tuple(f"{name}_{pixel}" for name in names),
            )
            for pixel, group in self.numbers(store, blocks=blocks).items()
        ]
        return MappedLayer(StackedLayer(tuple(placed)), AnyFlag((1.0, 0.0)), names)

    def classes(self, store: Path, grid: Grid, blocks: Blocks | None = None) -> Layer | None:
        """Return Sen2Cor's scene classes (band ``scl``, codes 0 to 11) on a grid.

        Where there are none (L1C): the product's own cloud mask (``quality_masks.cloud_mask``),
        None where that is missing too.
        """
        if "scl" not in {file.band for file in self.metadata.files}:
            workers = blocks.workers if blocks else None
            return cloud_mask(self.product, self.metadata, store, grid, workers)
        (group,) = self.numbers(store, ["scl"], blocks).values()
        return to_grid(group, grid, classes=True)

    def cloud_probability(self, store: Path, grid: Grid, blocks: Blocks | None = None) -> Layer:
        """Return Sen2Cor's cloud probability in per cent (band ``cldprb``) on a grid; L2A only."""
        workers = blocks.workers if blocks else None
        return cloud_probability(self.product, self.metadata, store, grid, workers)


def open_sentinel2(
    path: Path | str, bands: Sequence[str] = (), tile: str | None = None
) -> Sentinel2Scene:
    """Open a SAFE product (L1C or L2A, folder or zip), reading its metadata only.

    Parameters
    ----------
    path
        The ``.SAFE`` folder, its zip, or the ``MTD_MSIL*.xml`` in it.
    bands
        Names (``b02`` or ``B02``); the 10 m and 20 m bands by default.
    tile
        Which granule of an old product that holds several.

    Raises
    ------
    ImageryError
        Metadata or a band are missing, damaged or contradictory.
    """
    product = find_product(path)
    metadata = describe(product, tile)
    wanted = tuple(_known(name) for name in bands) or tuple(
        name for name in SPECTRAL if name in metadata.bands
    )
    if not wanted:
        raise ImageryError(
            must(
                f"scene {metadata.name}",
                "holding a 10 m or 20 m band",
                ", ".join(metadata.bands) or "none",
                "Name the bands to use",
            )
        )
    for name in wanted:
        metadata.file(name)
    return Sentinel2Scene(product, metadata, wanted)


def _known(name: str) -> str:
    """Return a band's own name for a name or label in any case."""
    lower = name.lower()
    short = f"b0{lower[1:]}" if len(lower) == 2 and lower[1:].isdigit() else lower
    return sentinel2_band(short).name


def _joined(layers: Sequence[DecodedBand]) -> Layer:
    return layers[0] if len(layers) == 1 else StackedLayer(tuple(layers))
