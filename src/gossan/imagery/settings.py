"""What a project file may say about one imagery."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from gossan.errors import must
from gossan.imagery.aster.settings import AsterSettings
from gossan.imagery.atmosphere.settings import AtmosphereSettings
from gossan.imagery.masks.rules import MaskSettings
from gossan.imagery.sensors import RASTERS, SENSORS, ReadBy, Sensor, readers_of
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


SEEN = ("bands", RASTERS, "aster", "sentinel2")
"""Sensors of imagery, not of other layers of the ground."""
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

    level: Annotated[Literal["product", "reflectance"], ReadBy("aster")] = "product"
    """Scenes as downloaded, or surface reflectance made elsewhere (FLAASH, say) in plain
    rasters; rasters that are scaled or of floating point are taken for such."""

    bands: Annotated[tuple[str, ...], ReadBy(*SEEN, "terrain")] = ()
    """Rasters: names of their bands in turn, or a choice among the names that they have. Scenes:
    the bands to use; none means all."""

    scale: Annotated[
        float | tuple[float, ...] | dict[str, float] | Literal["file"],
        ReadBy("bands", RASTERS, "terrain"),
    ] = 1.0
    """Value = stored * scale + offset; one number, a list by band or by file, a
    table by band name; "file" takes what each band declares."""

    offset: Annotated[
        float | tuple[float, ...] | dict[str, float], ReadBy("bands", RASTERS, "terrain")
    ] = 0.0
    """Value = stored * scale + offset; written as scale."""

    nodata: Annotated[
        float | tuple[float, ...] | dict[str, float] | None, ReadBy("bands", RASTERS, "terrain")
    ] = None
    """The stored value that means empty, beside what the file declares; written as
    scale."""

    roles: Annotated[dict[str, str], ReadBy("bands")] = Field(default_factory=dict)
    """Which band is blue, green, red, nir, swir1, swir2, for masks and indices."""

    wavelengths: Annotated[dict[str, float], ReadBy("bands")] = Field(default_factory=dict)
    """Central wavelength of bands in micrometres, for masks and indices, beside
    what the files state."""

    quality: QualitySettings | None = None
    """A raster of quality bits or values that decides masks."""

    pixel_size_m: Annotated[
        Annotated[float, Field(gt=0)] | None,
        ReadBy("bands", RASTERS, "sentinel2", "terrain", "classes"),
    ] = None
    """Pixel size of the stack; none means that of the finest band."""

    tile: Annotated[str | None, ReadBy("sentinel2")] = None
    """Which granule of an old product that holds several."""

    atmosphere: Annotated[AtmosphereSettings, ReadBy("aster", "sentinel2")] = AtmosphereSettings()
    """How top-of-atmosphere reflectance becomes that of the surface: a word (``"6s"``), or a
    table with ``method`` and its numbers."""

    topography: Annotated[TopographySettings, ReadBy(*SEEN)] = TopographySettings()
    """How slopes are corrected for the sun's angle on them (needs ``dem``): a word ("auto",
    "c" ...), or a table with ``method`` and its limits."""

    aster: Annotated[AsterSettings, ReadBy("aster")] = AsterSettings()
    """Crosstalk, thermal bands, gains, the detector failure of 2008."""

    overlap: Annotated[Overlap, ReadBy(*SEEN, "terrain")] = "newest"
    """Several scenes: which one wins where they overlap."""

    normalise: Annotated[Literal["none", "overlaps"], ReadBy(*SEEN, "terrain")] = "none"
    """Several scenes: relative radiometric normalisation on their overlaps."""

    masks: tuple[MaskWord, ...] = ()
    """What is made empty before indices and components."""

    column: Annotated[str | None, ReadBy("classes")] = None
    """The column that names the class of each polygon, or of a legend."""

    legend: Annotated[Path | None, ReadBy("classes")] = None
    """Names of a raster's numbers (``.csv``, ``.qml``, ``.aux.xml`` or ``.vat.dbf``); by
    default such a file beside the raster."""

    rare: Annotated[float, Field(ge=0, lt=1), ReadBy("classes")] = 0.01
    """Classes of less than this share of the ground are pooled as ``other``."""

    faults: Annotated[Path | None, ReadBy("classes")] = None
    """Lines, such as faults; the distance to them becomes the band ``fault_m``."""

    cover: Path | None = None
    """Polygons of cover (Quaternary, say) for the mask ``cover``."""

    dem: Annotated[Path | None, ReadBy(*SEEN)] = None
    """Heights in metres for ``topography`` and the mask ``topographic_shadow``."""

    thresholds: MaskSettings = MaskSettings()
    """Thresholds of the mask words."""

    indices: tuple[str, ...] = ("paper",)
    """Index names of the catalogue; ``paper`` is Tables 1-2, ``all`` whatever the bands allow."""

    formulas: dict[str, str] = Field(default_factory=dict)
    """Indices of your own: name = "b4 / b2"."""

    components: Literal["sound", "literal"] = "sound"
    """How indices enter the principal components: logs without copies, or raw as printed."""

    def unread(self, sources: Collection[str]) -> dict[str, tuple[str, ...]]:
        """List keys that are set and would not be read, each with the sources that it is for.

        Parameters
        ----------
        sources
            What the scenes are or may be: words of sensors, and ``sensors.RASTERS``.

        >>> s = ImagerySettings(name="tm", sensor="sentinel2", paths=["tm.tif"], tile="T38RMP")
        >>> s.unread(["plain rasters"]), s.unread(["sentinel2"])
        ({'tile': ('sentinel2',)}, {})
        """
        fields = type(self).model_fields
        marked = {name: set(readers_of(field)) for name, field in fields.items()}
        if not {*sources} & set().union(*marked.values()):
            return {}  # a sensor of the user's own
        return {
            name: readers_of(fields[name])
            for name, known in marked.items()
            if known and not known & {*sources} and self._set(name)
        }

    def _set(self, key: str) -> bool:
        """Whether a key differs from its default."""
        default = type(self).model_fields[key].get_default(call_default_factory=True)
        return bool(getattr(self, key) != default)

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
    def _all_read(self) -> ImagerySettings:
        unread = self.unread(SENSORS[self.sensor].sources(self.sensor))
        if unread:
            raise ValueError(refusal(unread, f"sensor = {self.sensor!r}"))
        return self

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


def refusal(unread: Mapping[str, tuple[str, ...]], source: str) -> str:
    """Word that keys would have no effect.

    Parameters
    ----------
    unread
        Keys, and the sources that they are for.
    source
        What the imagery is instead.

    >>> refusal({"tile": ("sentinel2",)}, "sensor = 'bands'")
    "keys must be those of sensor = 'bands'; got tile (for sentinel2). Leave tile out, ..."
    """
    got = ", ".join(f"{key} (for {', '.join(words)})" for key, words in unread.items())
    cure = f"Leave {', '.join(unread)} out, or name the sensor that the files are of"
    return must("keys", f"those of {source}", got, cure)
