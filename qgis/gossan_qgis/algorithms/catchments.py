"""The ground that stream samples stand for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputVectorLayer,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
)

from ..core.commands import toml
from ..core.translations import tr
from ..layers_to_files import raster_files
from ..loading import layer_source
from .project_inputs import OfLayers

HEIGHTS, SNAP, STREAM, OUTPUT = "HEIGHTS", "SNAP", "STREAM", "OUTPUT"


class StreamCatchments(OfLayers):
    """``gossan catchments``."""

    NAME = "catchments"
    TITLE = "Catchments of stream samples"
    HELP = (
        "Outlines the ground that drains to each stream sample, from a terrain model, and the part "
        "of it that drains to no other sample first. Samples are moved to the nearest stream; "
        "those far from any stream, or with a very large catchment, are listed in the log."
    )
    TAGS = ("stream sediment", "drainage", "watershed", "terrain")

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Describe parameters and outputs."""
        self.add_samples(optional=True)
        self.addParameter(
            QgsProcessingParameterRasterLayer(
                HEIGHTS, tr("Terrain model: heights in metres"), optional=True
            )
        )
        moved = tr("Largest distance a sample may be moved to reach a stream, in metres")
        self._add_number(SNAP, moved, 250.0)
        self._add_number(
            STREAM, tr("Upstream area from which a cell counts as a stream, in km2"), 0.5
        )
        self.add_map_grid()
        self.add_project()
        self.addParameter(
            QgsProcessingParameterFolderDestination(OUTPUT, tr("Folder for the catchments"))
        )
        self.add_usual(workers=False)
        self.addOutput(QgsProcessingOutputVectorLayer("CATCHMENTS", tr("Catchments")))

    def _add_number(self, name: str, label: str, usual: float) -> None:
        double = QgsProcessingParameterNumber.Double
        self.add_advanced(QgsProcessingParameterNumber(name, label, double, usual, minValue=0.0))

    def checkParameterValues(
        self, parameters: dict[str, Any], context: QgsProcessingContext
    ) -> tuple[bool, str]:
        """Ask for the terrain model where no project file names it."""
        if not parameters.get("PROJECT") and not parameters.get(HEIGHTS):
            return False, tr("Choose the terrain model.")
        return super().checkParameterValues(parameters, context)

    def grid_settings(self, parameters: dict[str, Any], context: QgsProcessingContext) -> list[str]:
        """Return the settings of the terrain beside those of the maps."""
        heights = self.parameterAsRasterLayer(parameters, HEIGHTS, context)
        (path,) = raster_files([heights])
        return [
            *super().grid_settings(parameters, context),
            f"terrain.dem={toml(path)}",
            f"terrain.snap_m={self.parameterAsDouble(parameters, SNAP, context)!r}",
            f"terrain.stream_km2={self.parameterAsDouble(parameters, STREAM, context)!r}",
        ]

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Outline the catchments, and load them."""
        folder, result = self.made_in("catchments", ["catchments"], parameters, context, feedback)
        self.say(result, feedback)
        self.load(parameters, context, f"gossan: {Path(folder).name}", result)
        outlines = [layer for layer in result.layers if layer["kind"] == "vector"]
        return {OUTPUT: folder, "CATCHMENTS": layer_source(outlines[0]) if outlines else None}
