"""What a project file may say about one imagery."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from gossan.errors import must
from gossan.settings import Settings

Sensor = Literal["bands", "aster", "sentinel2"]
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
AtmosphereWord = Literal[
    "none", "6s", "dos", "cost", "iarr", "log_residual", "flat_field", "empirical_line"
]
Overlap = Literal["newest", "oldest", "clearest"]


class ImagerySettings(Settings):
    """Describe one imagery: where its files are and what to make of them.

    >>> s = ImagerySettings(name="indices", sensor="bands", paths=["idx_clay.tif"])
    >>> s.sensor, s.masks
    ('bands', ())
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    """Short name; features are called ``<name>.pc2``, ``<name>.<band>``, ``<name>.all``."""

    sensor: Sensor = "bands"
    """``bands``: any rasters as they are; ``aster`` or ``sentinel2``: scenes as downloaded."""

    paths: Annotated[tuple[Path, ...], Field(min_length=1)]
    """Rasters, scene files or scene folders, relative to the project file."""

    bands: tuple[str, ...] = ()
    """Rasters: names of their bands in turn. Scenes: the bands to use; none means all."""

    scale: float = 1.0
    """Plain rasters: value = stored * scale + offset."""

    offset: float = 0.0
    """Plain rasters: value = stored * scale + offset."""

    nodata: float | None = None
    """Plain rasters: the stored value that means empty, beside what the file declares."""

    pixel_size_m: Annotated[float, Field(gt=0)] | None = None
    """Pixel size of the stack; none means that of the finest band."""

    atmosphere: AtmosphereWord = "none"
    """How radiance or top-of-atmosphere reflectance becomes surface reflectance."""

    crosstalk: Literal["none", "supplied", "fitted"] = "none"
    """ASTER: removal of the band 4 light that leaks into the other short-wave bands."""

    swir_after_2008: Literal["refuse", "accept"] = "refuse"
    """ASTER: what to do with short-wave bands taken after the detector failed (April 2008)."""

    thermal: Literal["leave", "bring"] = "leave"
    """ASTER: leave the 90 m thermal bands out, or bring them along."""

    overlap: Overlap = "newest"
    """Several scenes: which one wins where they overlap."""

    normalise: Literal["none", "overlaps"] = "none"
    """Several scenes: relative radiometric normalisation on their overlaps."""

    masks: tuple[MaskWord, ...] = ()
    """What is made empty before indices and components."""

    cover: Path | None = None
    """Polygons of cover (Quaternary, say) for the mask word ``cover``."""

    indices: tuple[str, ...] = ("paper",)
    """Index names of the catalogue; ``paper`` is Tables 1-2, ``all`` whatever the bands allow."""

    formulas: dict[str, str] = Field(default_factory=dict)
    """Indices of your own: name = "b4 / b2"."""

    components: Literal["sound", "literal"] = "sound"
    """How indices enter the principal components: logs without copies, or raw as printed."""

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
