"""Open every [[imagery]] of a project as layers on the output grid."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pyproj import CRS

from gossan.errors import ImageryError, SettingsError, must, reading
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.layer import Layer, SelectedLayer
from gossan.geo.warp import to_grid
from gossan.imagery.atmosphere.settings import RELATIVE
from gossan.imagery.components import Scaling, component_scaling
from gossan.imagery.exposure import exposure
from gossan.imagery.masks.layer import build_masks
from gossan.imagery.masks.rules import RULES
from gossan.imagery.open_scene import THERMAL, reflected
from gossan.imagery.roles import band_roles
from gossan.imagery.scenes import SceneStack, asks_for_indices, open_scenes
from gossan.imagery.settings import ImagerySettings


@dataclass(frozen=True, eq=False)
class Imagery:
    """One imagery on a grid: its bands and, where it has any, its indices.

    ``bands`` are corrected and masked; ``component_indices`` are the indices as principal
    components take them (logs without copies, or as printed).
    """

    stack: SceneStack = field(repr=False)
    bands: Layer
    indices: Layer | None = None
    component_indices: Layer | None = field(default=None, repr=False)

    @property
    def settings(self) -> ImagerySettings:
        """What the project file says of it."""
        return self.stack.settings

    @property
    def reflects(self) -> bool:
        """Whether the bands are taken as reflectance, from 0 to about 1.

        Relative reflectance and thermal bands alone are not.
        """
        thermal = self.settings.sensor == "aster" and {*self.bands.bands} <= {*THERMAL}
        if thermal or self.settings.atmosphere.method in RELATIVE:
            return False
        scene = self.stack.scenes[0].scene
        known = band_roles(self.settings, scene.layer.bands, scene.wavelengths_um)
        by_spectrum = asks_for_indices(self.settings) or bool({*self.settings.masks} & {*RULES})
        return self.settings.sees_light or (by_spectrum and bool(known))

    @property
    def notes(self) -> tuple[str, ...]:
        """What is worth saying about it, a line each."""
        usual = self.settings.sensor == "aster"
        if not usual or self.usual_kind == "indices":
            return self.stack.notes
        count = 0 if self.indices is None else len(self.indices.bands)
        text = f"{count} of the paper's indices can be had, so the usual products take its bands"
        return (*self.stack.notes, text)

    @property
    def usual_kind(self) -> str:
        """What components are usually taken of: "indices" of ASTER where there are two, "bands"."""
        source = self.component_indices
        several = source is not None and len(source.bands) > 1
        return "indices" if several else "bands"

    @property
    def reflected(self) -> Layer:
        """The bands of reflected sunlight: without ASTER's thermal ones, whose unit differs."""
        chosen = reflected(self.settings, self.bands.bands)
        return self.bands if chosen == self.bands.bands else SelectedLayer(self.bands, chosen)

    def everything(self, kind: str) -> Layer:
        """Choose what the feature ``all`` means: the bands of one unit, or the indices."""
        return self.reflected if kind == "bands" else self.layer(kind)

    def on(self, grid: Grid) -> Imagery:
        """Bring all layers to a grid."""
        return Imagery(
            self.stack,
            to_grid(self.bands, grid),
            _on(self.indices, grid),
            _on(self.component_indices, grid),
        )

    def layer(self, kind: str) -> Layer:
        """Choose the bands, the indices, or what the literal components are taken of.

        Raises
        ------
        SettingsError
            The sensor has no catalogue of indices.
        """
        if kind == "literal":
            return self.component_source(kind)
        if kind == "bands":
            return self.bands
        if self.indices is None:
            cure = f"Use {self.settings.name}.<band> or {self.settings.name}.pc2"
            name = f"imagery {self.settings.name!r}"
            raise SettingsError(must(name, "aster or sentinel2 for indices", "plain bands", cure))
        return self.indices

    def exposure(self) -> Layer:
        """Return the share of bare, valid ground per pixel, on this grid."""
        return exposure(build_masks(self.reflected, "bands", ("nodata",)))

    def component_source(self, kind: str) -> Layer:
        """Choose what principal components are taken of.

        ``literal``: the indices of ASTER as printed (every ratio of Table 1 that the bands allow),
        the bands of other imagery.
        """
        if kind == "literal":
            several = self.indices is not None and len(self.indices.bands) > 1
            of_indices = several and self.settings.sensor == "aster"
            return self.indices if of_indices and self.indices is not None else self.reflected
        if kind == "bands":
            return self.reflected
        if kind == "indices" and self.component_indices is not None:
            return self.component_indices
        return self.layer(kind)

    def scaling(self, kind: str) -> Scaling:
        """Say how what enters the components is scaled."""
        literal = kind == "literal" or self.settings.components == "literal"
        return component_scaling(self.settings.sensor, kind, literal)


def _on(layer: Layer | None, grid: Grid) -> Layer | None:
    return None if layer is None else to_grid(layer, grid)


def open_imagery(
    settings: ImagerySettings, base: Path, store: Path, blocks: Blocks, crs: str | None = None
) -> Imagery:
    """Open one imagery: headers only, except for corrections that look at a whole scene.

    ``crs``: that of the maps, if the project states one; scenes of several UTM zones come to it.
    """
    system = CRS.from_user_input(crs) if crs else None
    with reading(f"imagery {settings.name!r}", ImageryError):
        stack = open_scenes(settings, base, store / "decoded", blocks, system)
    return Imagery(stack, stack.bands, stack.indices, stack.component_indices)
