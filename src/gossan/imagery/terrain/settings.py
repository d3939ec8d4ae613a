"""What a project file may say about the drainage of the ground."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from gossan.settings import Settings


class TerrainSettings(Settings):
    """Name the terrain model by which water runs, and how samples are placed on streams."""

    dem: tuple[Path, ...] | Path | None = None
    """Heights in metres; several tiles as a list."""

    flow: Path | None = None
    """D8 directions instead of heights: 1 east, 2 south-east ... 128 north-east, 0 a sink."""

    snap_m: Annotated[float, Field(ge=0)] = 250.0
    """How far a sample may be moved to a stream."""

    stream_km2: Annotated[float, Field(gt=0)] = 0.5
    """Upstream area from which a cell counts as a stream."""

    largest_km2: Annotated[float, Field(gt=0)] = 100.0
    """Larger catchments are a finding: they say little about any of their ground."""

    source_km2: Annotated[float, Field(gt=0)] = 1.0
    """Size of the source that Hawkes' correction for dilution takes for granted."""

    @model_validator(mode="after")
    def _one_source(self) -> TerrainSettings:
        if self.dem is not None and self.flow is not None:
            raise ValueError('[terrain] must have dem = "..." or flow = "...", not both')
        return self
