"""What a project file may say about one imagery."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from gossan.errors import must
from gossan.imagery.aster.settings import AsterSettings
from gossan.imagery.atmosphere.settings import AtmosphereSettings
from gossan.imagery.masks.rules import MaskSettings
from gossan.imagery.sensors import SENSORS, Sensor
from gossan.imagery.topography_settings import TopographySettings
from gossan.names import Name
from gossan.settings import Settings

MaskWord = Literal[
    "nodata",
    "saturated",
    "vegetation",
    "stabilised_vegetation",
    "water",
    "cloud",
    "cloud_shadow",
    "topographic_shadow",
    "snow",
    "cover",
]
Overlap = Literal["newest", "oldest", "clearest"]


class QualitySettings(Settings):
    """Raster or band of quality numbers, and what they mean."""

    path: Path | tuple[Path, ...] | None = None
    """Raster of one band, or one for each tile."""

    band: str | None = None
    """Band of the imagery's own rasters, instead of a path."""

    product: Literal["landsat", "qa60"] | None = None
    """Known bits: QA_PIXEL of Landsat Collection 2, QA60 of Sentinel-2 in Earth Engine."""

    bits: dict[MaskWord, tuple[int, ...]] = Field(default_factory=dict)
    """Bit numbers, from 0, of each mask."""

    values: dict[MaskWord, tuple[int, ...]] = Field(default_factory=dict)
    """Numbers of each mask."""

    @model_validator(mode="after")
    def _one_place(self) -> QualitySettings:
        if (self.path is None) == (self.band is None):
            raise ValueError('quality must have either path = "..." or band = "..."')
        return self


ROLES = ("blue", "green", "red", "nir", "swir1", "swir2")
"""Parts of the spectrum that masks and indices ask for."""


class ImagerySettings(Settings):
    """One imagery: where its files are and how they are processed.

    >>> s = ImagerySettings(name="indices", sensor="bands", paths=["idx_clay.tif"])
    >>> s.sensor, s.masks
    ('bands', ())
    """

    name: Annotated[Name, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    """Short name; features are called ``<name>.pc2``, ``<name>.<band>``, ``<name>.all``."""

    sensor: Sensor = "bands"
    """``bands``: any rasters as they are; ``aster`` or ``sentinel2``: scenes as downloaded;
    ``terrain``: heights, seen as slope, curvature, drainage ...; ``classes``: a geological map as
    polygons, or a raster of class numbers; or a sensor of your own (``SENSORS``)."""

    paths: Annotated[tuple[Path, ...], Field(min_length=1)]
    """Rasters, scene files, scene folders or STAC items, relative to the project file, also by
    patterns such as ``items/*.json``."""

    level: Literal["product", "reflectance"] = "product"
    """ASTER: scenes as downloaded, or surface reflectance made elsewhere (FLAASH, say) in plain
    rasters; rasters that are scaled or of floating point are taken for such."""

    bands: tuple[str, ...] = ()
    """Rasters: names of their bands in turn, or a choice among the names that they have. Scenes:
    the bands to use; none means all."""

    scale: float | tuple[float, ...] | dict[str, float] | Literal["file"] = 1.0
    """Plain rasters: value = stored * scale + offset; one number, a list by band or by file, a
    table by band name; "file" takes what each band declares."""

    offset: float | tuple[float, ...] | dict[str, float] = 0.0
    """Plain rasters: value = stored * scale + offset; written as scale."""

    nodata: float | tuple[float, ...] | dict[str, float] | None = None
    """Plain rasters: the stored value that means empty, beside what the file declares; written as
    scale."""

    roles: dict[str, str] = Field(default_factory=dict)
    """Plain rasters: which band is blue, green, red, nir, swir1, swir2, for masks and indices."""

    wavelengths: dict[str, float] = Field(default_factory=dict)
    """Plain rasters: central wavelength of bands in micrometres, for masks and indices, beside
    what the files state."""

    quality: QualitySettings | None = None
    """A raster of quality bits or values that decides masks."""

    pixel_size_m: Annotated[float, Field(gt=0)] | None = None
    """Pixel size of the stack; none means that of the finest band."""

    tile: str | None = None
    """Sentinel-2: which granule of an old product that holds several."""

    atmosphere: AtmosphereSettings = AtmosphereSettings()
    """How top-of-atmosphere reflectance becomes that of the surface: a word (``"6s"``), or a
    table with ``method`` and its numbers."""

    topography: TopographySettings = TopographySettings()
    """How slopes are corrected for the sun's angle on them (needs ``dem``): a word ("auto",
    "c" ...), or a table with ``method`` and its limits."""

    aster: AsterSettings = AsterSettings()
    """What only ASTER needs: crosstalk, thermal bands, gains, the detector failure of 2008."""

    overlap: Overlap = "newest"
    """Several scenes: which one wins where they overlap."""

    normalise: Literal["none", "overlaps"] = "none"
    """Several scenes: relative radiometric normalisation on their overlaps."""

    masks: tuple[MaskWord, ...] = ()
    """What is made empty before indices and components."""

    column: str | None = None
    """Classes: the column that names the class of each polygon, or of a legend."""

    legend: Path | None = None
    """Classes: names of a raster's numbers (``.csv``, ``.qml``, ``.aux.xml`` or ``.vat.dbf``); by
    default such a file beside the raster."""

    rare: Annotated[float, Field(ge=0, lt=1)] = 0.01
    """Classes of less than this share of the ground are pooled as ``other``."""

    faults: Path | None = None
    """Classes: lines, such as faults; the distance to them becomes the band ``fault_m``."""

    cover: Path | None = None
    """Polygons of cover (Quaternary, say) for the mask ``cover``."""

    dem: Path | None = None
    """Heights in metres for ``topography`` and the mask ``topographic_shadow``."""

    thresholds: MaskSettings = MaskSettings()
    """Thresholds of the mask words."""

    indices: tuple[str, ...] = ("paper",)
    """Index names of the catalogue; ``paper`` is Tables 1-2, ``all`` whatever the bands allow."""

    formulas: dict[str, str] = Field(default_factory=dict)
    """Indices of your own: name = "b4 / b2"."""

    components: Literal["sound", "literal"] = "sound"
    """How indices enter the principal components: logs without copies, or raw as printed."""

    @property
    def sees_light(self) -> bool:
        """True for sensors whose bands are light, so that indices and masks know them."""
        return SENSORS[self.sensor].sees_light

    @property
    def fitted_to_scene(self) -> bool:
        """True where a correction is worked out from the pixels of the whole scene."""
        air = self.atmosphere
        return (
            air.method in ("dos", "cost", "iarr", "log_residual")
            or (air.method == "6s" and air.adjacency)
            or self.topography.method != "none"
            or self.normalise != "none"
            or self.aster.crosstalk != "none"
        )

    @field_validator("atmosphere", "topography", mode="before")
    @classmethod
    def _word(cls, value: object) -> object:
        return {"method": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_atmosphere(self) -> ImagerySettings:
        if self.aster.atmosphere != AtmosphereSettings():
            raise ValueError(
                must(
                    "atmosphere",
                    "set once, for both sensors",
                    "aster.atmosphere",
                    "Write atmosphere = ... in [[imagery]] itself",
                )
            )
        return self

    @model_validator(mode="after")
    def _heights(self) -> ImagerySettings:
        if self.topography.method != "none" and self.dem is None:
            cure = 'Set dem = "heights.tif"'
            raise ValueError(must("topography", "used with a DEM", "none", cure))
        return self

    @model_validator(mode="after")
    def _cover_is_masked(self) -> ImagerySettings:
        if self.cover is not None and "cover" not in self.masks:
            cure = 'Add "cover" to masks, or leave cover out'
            got = ", ".join(self.masks) or "no masks"
            raise ValueError(must("cover", 'used with the mask "cover"', got, cure))
        return self

    @field_validator("roles")
    @classmethod
    def _role_names(cls, value: dict[str, str]) -> dict[str, str]:
        found = {("swir1" if role == "swir" else role): band for role, band in value.items()}
        for role in found:
            if role not in ROLES:
                raise ValueError(must("roles", f"of {', '.join(ROLES)}", repr(role), "Use these"))
        return found

    @field_validator("formulas")
    @classmethod
    def _formula_names(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            if not name.isidentifier() or name != name.lower():
                raise ValueError(
                    must(
                        "a formula's name",
                        "lower-case letters, digits and _",
                        repr(name),
                        "Rename it",
                    )
                )
        return value
