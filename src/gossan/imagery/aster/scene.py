"""One ASTER scene: what its files say, and its telescopes as layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from pyproj import CRS

from gossan.catalogue.sensors import aster_band
from gossan.errors import GridError, ImageryError, must
from gossan.geo.grid import Grid
from gossan.geo.layer import Layer
from gossan.geo.warp import degrees_of_middle, transformed_bounds
from gossan.imagery.aster.angles import scene_angles
from gossan.imagery.aster.geotiff import open_geotiffs
from gossan.imagery.aster.hdf import open_hdf
from gossan.imagery.aster.metadata import NAME, SURFACE_PRODUCTS, AsterMetadata, product_of
from gossan.imagery.aster.settings import AsterSettings
from gossan.imagery.aster.swir_failure import FAILURE
from gossan.imagery.atmosphere.geometry import SceneGeometry
from gossan.imagery.atmosphere.scene_air import SceneAir, look_at, scene_air
from gossan.imagery.atmosphere.settings import AtmosphereSettings
from gossan.imagery.calibration import (
    BrightnessTemperature,
    Radiance,
    Saturation,
    Scaled,
    reflectance_per_radiance,
)
from gossan.imagery.stack import stack
from gossan.imagery.sun_position import sun_position

Group = Literal["VNIR", "SWIR", "TIR"]
AIR_BANDS = {"red": "b2", "nir": "b3", "swir1": "b4", "swir2": "b6"}
"""Bands that aerosol is estimated from, by role; no band of ASTER shows water vapour."""
AIR_PIXEL_M = 60.0


@dataclass(frozen=True)
class AsterScene:
    """One scene: what its files say, and a layer per telescope that was on.

    Attributes
    ----------
    metadata
        Time, sun, gains and so on.
    telescopes
        ``VNIR`` (15 m), ``SWIR`` (30 m), ``TIR`` (90 m): digital numbers, or surface reflectance
        for level 2.
    """

    metadata: AsterMetadata
    telescopes: Mapping[str, Layer]

    @property
    def grid(self) -> Grid:
        """Grid of the finest telescope."""
        return next(
            self.telescopes[g] for g in ("VNIR", "SWIR", "TIR") if g in self.telescopes
        ).grid

    @property
    def bands(self) -> tuple[str, ...]:
        """Bands that the scene has."""
        return tuple(name for layer in self.telescopes.values() for name in layer.bands)

    @property
    def geometry(self) -> SceneGeometry:
        """Sun, view and date; the sun's place is worked out when the files do not say."""
        m = self.metadata
        azimuth, elevation = m.sun_azimuth, m.sun_elevation
        if azimuth is None or elevation is None:
            azimuth, elevation = sun_position(m.time, *degrees_of_middle(self.grid))
        track = m.track_azimuth if m.track_azimuth is not None else 190.0
        across = (track + (90.0 if m.seen_from == "west" else 270.0)) % 360.0
        mean = SceneGeometry(elevation, azimuth, m.time.date(), m.view_zenith, across)
        return replace(mean, angles=scene_angles(self.grid, m.time, mean))

    def numbers(self, group: Group) -> Layer:
        """Return the digital numbers of a telescope (0 is empty, saturated pixels are kept).

        Raises
        ------
        ImageryError
            The telescope was off, or the product is of level 2.
        """
        if self.metadata.is_surface_reflectance:
            raise ImageryError(
                must(
                    f"{self.metadata.name}",
                    "a level 1 product for this step",
                    self.metadata.product,
                    "Its values are surface reflectance already",
                )
            )
        return self._telescope(group)

    def _telescope(self, group: str) -> Layer:
        if group not in self.telescopes:
            raise ImageryError(
                must(
                    f"{self.metadata.name}: telescope",
                    f"one of {', '.join(self.telescopes)}",
                    group,
                    "It was off, or its files were not given",
                )
            )
        return self.telescopes[group]

    def saturation(self, group: Group) -> Layer:
        """Mark the saturated pixels of a telescope (1, 0, NaN)."""
        source = self.numbers(group)
        return Saturation(source, tuple(aster_band(name).saturated for name in source.bands))

    def radiance(self, group: Group, saturated_pixels: Literal["empty", "keep"] = "empty") -> Layer:
        """Return the radiance at the sensor (W m-2 sr-1 um-1)."""
        source = self.numbers(group)
        conversions = [self.metadata.conversion(name) for name in source.bands]
        return Radiance(
            source,
            tuple(c.per_dn for c in conversions),
            tuple(c.offset for c in conversions),
            tuple(aster_band(name).saturated for name in source.bands),
            saturated_pixels,
        )

    def reflectance(self, group: Group, radiance: Layer | None = None) -> Layer:
        """Return the reflectance at the top of the atmosphere (VNIR, SWIR).

        ``radiance`` replaces the telescope's own, after a crosstalk correction say.

        Raises
        ------
        ImageryError
            A band with reflectance must be VNIR or SWIR.
        """
        source = radiance or self.radiance(group)
        factors = []
        for name in source.bands:
            irradiance = aster_band(name).solar_irradiance
            if irradiance is None:
                raise ImageryError(
                    must(
                        "a band with reflectance",
                        "VNIR or SWIR",
                        name,
                        "Use its brightness temperature",
                    )
                )
            place = self.geometry
            factors.append(reflectance_per_radiance(irradiance, place.sun_elevation, place.date))
        return Scaled(source, tuple(factors))

    def temperature(self) -> Layer:
        """Return the brightness temperature of the thermal bands (K)."""
        source = self.radiance("TIR")
        bands = [aster_band(name) for name in source.bands]
        return BrightnessTemperature(
            source, tuple(b.k1 or 0.0 for b in bands), tuple(b.k2 or 0.0 for b in bands)
        )

    def air(self, settings: AtmosphereSettings) -> SceneAir:
        """Estimate what the settings leave open about the air (``atmosphere.scene_air``)."""
        roles = {role: aster_band(name) for role, name in AIR_BANDS.items() if name in self.bands}
        works = self.metadata.time.date() < FAILURE
        groups = [g for g in ("VNIR", "SWIR")[: 1 + works] if g in self.telescopes]
        layers = [self.reflectance(group) for group in groups]  # type: ignore[arg-type]
        both = stack(layers, pixel_size=AIR_PIXEL_M)
        latitude = degrees_of_middle(self.grid)[0]
        return scene_air(lambda: look_at(both, roles), both, self.geometry, settings, latitude)

    def with_settings(self, settings: AsterSettings) -> AsterScene:
        """Replace gains, sun and track by those of the settings, where they are stated."""
        m = self.metadata
        changed = replace(
            m,
            gains={**m.gains, **settings.gains},
            conversions={b: c for b, c in m.conversions.items() if b not in settings.gains},
            sun_azimuth=_first(settings.sun_azimuth, m.sun_azimuth),
            seen_from=settings.seen_from,
            sun_elevation=_first(settings.sun_elevation, m.sun_elevation),
            track_azimuth=_first(settings.track_azimuth, m.track_azimuth),
        )
        return AsterScene(changed, self.telescopes)


def open_aster(
    paths: Path | str | Sequence[Path | str], time: datetime | None = None
) -> AsterScene:
    """Open one ASTER scene, reading headers only.

    Parameters
    ----------
    paths
        An L1T ``.hdf`` file (V003), the two of AST_07XT (one for each telescope), a folder with
        one GeoTIFF per band (V004), or the files of the bands. A folder that holds one ``.hdf``
        file beside its browse images is taken as that file.
    time
        When the scene was taken, for files that do not say.

    Raises
    ------
    ImageryError, GridError
        One line for anything that is not one whole scene.
    """
    given = [Path(paths)] if isinstance(paths, str | Path) else [Path(p) for p in paths]
    hdf = [p for p in given if p.suffix.lower() == ".hdf"]
    if not hdf:
        hdf = [q for p in given if p.is_dir() for q in sorted(p.iterdir()) if is_scene(q)]
    tiffs = [p for p in given if p.suffix.lower() in (".tif", ".tiff")]
    if hdf and (tiffs or len({hdf_key(p) for p in hdf}) > 1):
        raise ImageryError(
            must(
                "an ASTER scene",
                "one .hdf file or the GeoTIFFs of one granule",
                ", ".join(p.name for p in [*hdf, *given]),
                "Open each scene by itself",
            )
        )
    if not hdf:
        return AsterScene(*open_geotiffs(given, time))
    opened = [open_hdf(path, time) for path in hdf]
    groups = {group: layer for _, layers in opened for group, layer in layers.items()}
    if len(groups) < sum(len(layers) for _, layers in opened):
        names = " and ".join(path.name for path in hdf)
        cure = "Keep one file for each telescope"
        raise ImageryError(must("the files of an ASTER scene", "of different bands", names, cure))
    return AsterScene(opened[0][0], groups)


def hdf_key(path: Path) -> str:
    """Return a key by scene for an ``.hdf`` file; level 2 has one file for each telescope."""
    named = NAME.search(path.name)
    product = product_of(named[1]) if named else ""
    return f"{product}_{named[3]}" if named and product in SURFACE_PRODUCTS else str(path)


def is_scene(path: Path) -> bool:
    """Whether a file is a scene and not the browse image delivered beside it."""
    return path.suffix.lower() == ".hdf" and not path.stem.upper().endswith("_BR")


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)


def require_one_version(scenes: Sequence[AsterScene]) -> None:
    """Refuse scenes of different product or version in one mosaic.

    V003 and V004 are made with different radiometric coefficients; their radiance differs.

    Raises
    ------
    ImageryError
        The scenes of a mosaic must be of one product and version.
    """
    kinds = {(s.metadata.product, s.metadata.version): s.metadata.name for s in scenes}
    if len(kinds) > 1:
        listed = ", ".join(f"{name} ({product} {v})" for (product, v), name in kinds.items())
        raise ImageryError(
            must(
                "the scenes of a mosaic",
                "of one product and version",
                listed,
                "Radiometric coefficients differ: download all in one version",
            )
        )


def require_touch(scene: AsterScene, bounds: tuple[float, float, float, float], crs: CRS) -> None:
    """Refuse a scene that does not touch the survey's ``bounds`` (left, bottom, right, top).

    Raises
    ------
    GridError
        The scenes do not touch the survey.
    """
    left, bottom, right, top = transformed_bounds(scene.grid, crs)
    if left >= bounds[2] or right <= bounds[0] or bottom >= bounds[3] or top <= bounds[1]:
        extent = tuple(round(v) for v in (left, bottom, right, top))
        raise GridError(
            must(
                f"{scene.metadata.name}",
                f"touching the survey at {tuple(round(v) for v in bounds)}",
                f"{extent}",
                "Choose a scene over the survey, or check the survey's CRS",
            )
        )
