"""Parameters that make a project of layers: samples, elements, rasters, scenes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterCrs,
    QgsProcessingParameterEnum,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFile,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterNumber,
)

from ..core.commands import UNITS, ProjectInputs, toml, update_arguments
from ..core.protocol import Result
from ..core.translations import tr
from ..layers_to_files import export_features, file_stem, raster_files, scene_paths
from .base import GossanAlgorithm

INPUT, ELEMENTS, UNIT, SUPPORT = "INPUT", "ELEMENTS", "UNIT", "SUPPORT"
IMAGERY, SCENES, CRS, PIXEL, EXTENT = "IMAGERY", "SCENES", "CRS", "PIXEL", "EXTENT"
PROJECT, OUTPUT = "PROJECT", "OUTPUT"


class OfLayers(GossanAlgorithm):
    """An algorithm that makes a project of layers, or takes one that is there."""

    def add_samples(self, optional: bool) -> None:
        """Add the samples, their elements, unit and support."""
        self.addParameter(
            QgsProcessingParameterFeatureSource(
                INPUT, tr("Samples (points)"), [QgsProcessing.TypeVectorPoint], optional=optional
            )
        )
        self.addParameter(
            QgsProcessingParameterField(
                ELEMENTS, tr("Element fields"), None, INPUT,
                QgsProcessingParameterField.Any, allowMultiple=True, optional=optional,
            )
        )  # fmt: skip
        units = [tr("from the field name, otherwise the usual one"), *UNITS[1:]]
        self.addParameter(
            QgsProcessingParameterEnum(UNIT, tr("Unit of the fields"), units, defaultValue=0)
        )
        self.addParameter(
            QgsProcessingParameterNumber(
                SUPPORT, tr("Side of the square that a sample stands for (0: a point), in metres"),
                QgsProcessingParameterNumber.Double, 0.0, minValue=0.0,
            )
        )  # fmt: skip

    def add_imagery(self) -> None:
        """Add raster layers and scenes."""
        self.addParameter(
            QgsProcessingParameterMultipleLayers(
                IMAGERY, tr("Imagery rasters"), QgsProcessing.TypeRaster, optional=True
            )
        )
        self.addParameter(
            QgsProcessingParameterMultipleLayers(
                SCENES, tr("ASTER or Sentinel-2 scenes as downloaded (files)"),
                QgsProcessing.TypeFile, optional=True,
            )
        )  # fmt: skip

    def add_map_grid(self) -> None:
        """Add system, pixel and extent of the maps."""
        self.add_advanced(
            QgsProcessingParameterCrs(
                CRS, tr("Coordinate system of the maps, in metres"), optional=True
            )
        )
        self.add_advanced(
            QgsProcessingParameterNumber(
                PIXEL, tr("Pixel size of the maps in metres (empty: that of the finest imagery)"),
                QgsProcessingParameterNumber.Double, optional=True, minValue=0.01,
            )
        )  # fmt: skip
        self.add_advanced(
            QgsProcessingParameterExtent(EXTENT, tr("Use only samples within"), optional=True)
        )

    def add_project(self) -> None:
        """Add a project file that replaces the layers."""
        self.add_advanced(
            QgsProcessingParameterFile(
                PROJECT, tr("Project file instead of layers"), extension="toml", optional=True
            )
        )

    def checkParameterValues(
        self, parameters: dict[str, Any], context: QgsProcessingContext
    ) -> tuple[bool, str]:
        """Ask for samples and elements where no project file replaces them."""
        if not parameters.get(PROJECT):
            if not parameters.get(INPUT):
                return False, tr("Choose the sample layer.")
            if not parameters.get(ELEMENTS):
                return False, tr("Choose the element fields.")
        return super().checkParameterValues(parameters, context)

    def project(
        self,
        parameters: dict[str, Any],
        folder: str,
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> Path:
        """Return the folder of the project: the one given, or one made of the layers."""
        given = self.text(parameters, PROJECT, context) if PROJECT in parameters else ""
        if given:
            return Path(given).parent
        inputs = self._inputs(parameters, Path(folder), context)
        self.say(self.gossan(update_arguments(inputs), feedback), feedback)
        return inputs.folder

    def made_in(
        self,
        name: str,
        command: Sequence[str],
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> tuple[str, Result]:
        """Run a command on the project, into ``name`` within the chosen folder.

        Returns
        -------
        The chosen folder, and what the command printed.
        """
        folder = self.parameterAsString(parameters, OUTPUT, context)
        project = self.project(parameters, folder, context, feedback)
        word, *options = command
        out = str(Path(folder) / name)
        return folder, self.gossan([word, str(project), "--out", out, *options], feedback)

    def _inputs(
        self, parameters: dict[str, Any], folder: Path, context: QgsProcessingContext
    ) -> ProjectInputs:
        source = self.parameterAsSource(parameters, INPUT, context)
        if source is None:
            raise QgsProcessingException(self.invalidSourceError(parameters, INPUT))
        folder.mkdir(parents=True, exist_ok=True)
        extent = self.parameterAsExtent(parameters, EXTENT, context, source.sourceCrs())
        name = source.sourceName()
        table = export_features(source, folder / f"{file_stem(name)}.gpkg", extent)
        layers = self.parameterAsLayerList(parameters, IMAGERY, context) or []
        scenes = (
            self.parameterAsFileList(parameters, SCENES, context) if SCENES in parameters else []
        )
        return ProjectInputs(
            folder, table, tuple(self.fields(parameters, context)),
            (*raster_files(layers), *scene_paths(scenes or [])),
            unit=UNITS[self.parameterAsEnum(parameters, UNIT, context)],
            support_m=self.parameterAsDouble(parameters, SUPPORT, context),
            settings=tuple(self.grid_settings(parameters, context)),
        )  # fmt: skip

    def fields(self, parameters: dict[str, Any], context: QgsProcessingContext) -> list[str]:
        """Return the fields of the elements."""
        if hasattr(self, "parameterAsStrings"):
            return list(self.parameterAsStrings(parameters, ELEMENTS, context))
        return list(self.parameterAsFields(parameters, ELEMENTS, context))

    def grid_settings(self, parameters: dict[str, Any], context: QgsProcessingContext) -> list[str]:
        """Return the settings of system and pixel of the maps."""
        found = []
        crs = self.parameterAsCrs(parameters, CRS, context) if parameters.get(CRS) else None
        if crs is not None and crs.isValid():
            found.append(f"project.crs={toml(crs.authid() or crs.toWkt())}")
        if parameters.get(PIXEL) not in (None, ""):
            pixel = self.parameterAsDouble(parameters, PIXEL, context)
            found.append(f"project.pixel_m={pixel!r}")
        return found
