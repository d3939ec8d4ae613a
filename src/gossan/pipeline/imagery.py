"""Open every [[imagery]] of a project, by sensor, as layers on the output grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from gossan.errors import SettingsError, must
from gossan.geo.grid import Grid
from gossan.geo.layer import Layer
from gossan.geo.warp import to_grid
from gossan.imagery.bands import open_bands
from gossan.imagery.settings import ImagerySettings


@dataclass(frozen=True, eq=False)
class Imagery:
    """Hold one imagery: its bands and, where it has any, its indices.

    ``bands`` are masked and corrected; ``indices`` is None for plain rasters.
    """

    settings: ImagerySettings
    bands: Layer
    indices: Layer | None = None
    component_indices: Layer | None = field(default=None, repr=False)

    def on(self, grid: Grid) -> Imagery:
        """Bring all layers to a grid."""
        return Imagery(
            self.settings,
            to_grid(self.bands, grid),
            _on(self.indices, grid),
            _on(self.component_indices, grid),
        )

    def layer(self, kind: str) -> Layer:
        """Give the bands or the indices."""
        if kind == "bands":
            return self.bands
        if self.indices is None:
            cure = f"Use {self.settings.name}.<band> or {self.settings.name}.pc2"
            name = f"imagery {self.settings.name!r}"
            raise SettingsError(must(name, "aster or sentinel2 for indices", "plain bands", cure))
        return self.indices

    def component_source(self, kind: str) -> Layer:
        """Give what principal components are taken of."""
        if kind == "indices" and self.component_indices is not None:
            return self.component_indices
        return self.layer(kind)

    def scaling(self, kind: str) -> Literal["covariance", "correlation"]:
        """Scale bands of one unit alike; ratios and plain rasters by their spread."""
        plain = self.settings.sensor == "bands" or kind == "indices"
        literal = self.settings.components == "literal"
        return "correlation" if plain and not literal else "covariance"


def _on(layer: Layer | None, grid: Grid) -> Layer | None:
    return None if layer is None else to_grid(layer, grid)


Opener = Callable[[ImagerySettings, Path, Path], Imagery]


def open_imagery(settings: ImagerySettings, base: Path, store: Path) -> Imagery:
    """Open one imagery; headers only, except where a scene must be decoded into the store."""
    return _OPENERS[settings.sensor](settings, base, store)


def _plain(settings: ImagerySettings, base: Path, store: Path) -> Imagery:
    return Imagery(settings, open_bands(settings, base))


_OPENERS: dict[str, Opener] = {"bands": _plain}
