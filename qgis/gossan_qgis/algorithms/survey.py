"""Algorithms on the survey alone: check, quality, kriging."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputBoolean,
    QgsProcessingOutputFolder,
    QgsProcessingOutputNumber,
    QgsProcessingOutputRasterLayer,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterFolderDestination,
    QgsProcessingUtils,
)

from ..core.translations import tr
from .base import html_page, write_page
from .project_inputs import OfLayers

PAGE, OUTPUT = "PAGE", "OUTPUT"
HTML = "HTML (*.html)"


class CheckSurvey(OfLayers):
    """``gossan check``."""

    NAME = "checksurvey"
    TITLE = "Check survey"
    HELP = (
        "Reads the samples and the imagery under them, and lists what is wrong, what was assumed "
        "and what a run will need. Nothing is changed.\n\nChoose the sample layer and the element "
        "fields, or a project file."
    )
    TAGS = ("validate", "findings")

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Describe parameters and outputs."""
        self.add_samples(optional=True)
        self.add_imagery()
        self.add_map_grid()
        self.add_project()
        self.addParameter(
            QgsProcessingParameterFileDestination(PAGE, tr("Findings"), HTML, optional=True)
        )
        self.addOutput(QgsProcessingOutputBoolean("READY", tr("Ready to run")))
        self.addOutput(QgsProcessingOutputNumber("ERRORS", tr("Errors")))
        self.addOutput(QgsProcessingOutputNumber("WARNINGS", tr("Warnings")))

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Check, and write the findings."""
        folder = QgsProcessingUtils.generateTempFilename("survey")
        project = self.project(parameters, folder, context, feedback)
        result = self.gossan(["check", str(project)], feedback)
        self.say(result, feedback)
        found = [{tr("Severity"): tr(kind), tr("Finding"): text} for kind, text in result.findings]
        tables = {tr("Findings"): found, tr("Facts"): result.tables.get("facts", [])}
        path = self.parameterAsFileOutput(parameters, PAGE, context)
        kinds = [kind for kind, _ in result.findings]
        return {
            PAGE: write_page(path, html_page(tr(self.TITLE), result.text, tables)),
            "READY": result.exit_code == 0,
            "ERRORS": kinds.count("error"),
            "WARNINGS": kinds.count("warning"),
        }


class SurveyQuality(OfLayers):
    """``gossan survey``."""

    NAME = "surveyquality"
    TITLE = "Quality of survey"
    HELP = (
        "Reports for each element how good the data are: detection limits, duplicates, standards "
        "and blanks where the table has them, and how much of the variation is noise."
    )
    TAGS = ("qaqc", "duplicates", "standards")

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Describe parameters and outputs."""
        self.add_samples(optional=True)
        self.add_map_grid()
        self.add_project()
        self.addParameter(
            QgsProcessingParameterFolderDestination(OUTPUT, tr("Folder for the tables"))
        )
        self.addParameter(
            QgsProcessingParameterFileDestination(PAGE, tr("Quality report"), HTML, optional=True)
        )

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Report the quality, and write its tables."""
        folder, result = self.made_in("quality", ["survey"], parameters, context, feedback)
        self.say(result, feedback)
        path = self.parameterAsFileOutput(parameters, PAGE, context)
        page = html_page(tr(self.TITLE), result.text, result.tables)
        return {
            PAGE: write_page(path, page),
            OUTPUT: result.files.get("tables", str(Path(folder) / "quality")),
        }


class Krige(OfLayers):
    """``gossan krige``."""

    NAME = "krige"
    TITLE = "Krige"
    HELP = (
        "Maps the elements from the samples alone: kriging with a fitted variogram, its standard "
        "error, the distance to the nearest sample, and other interpolators to compare with. "
        "Values are kriged as logarithms; the map is the median."
    )
    TAGS = ("kriging", "interpolation", "variogram")

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Describe parameters and outputs."""
        self.add_samples(optional=True)
        self.add_map_grid()
        self.add_project()
        self.addParameter(
            QgsProcessingParameterFolderDestination(OUTPUT, tr("Folder for the maps"))
        )
        self.add_usual()
        self.addOutput(QgsProcessingOutputFolder("LAYERS", tr("Layers")))
        self.addOutput(QgsProcessingOutputRasterLayer("MAP", tr("Map of the first element")))

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Krige, and load the layers."""
        command = ["krige", *self.workers(parameters, context)]
        folder, result = self.made_in("krige", command, parameters, context, feedback)
        self.say(result, feedback)
        self.load(parameters, context, f"gossan: {Path(folder).name}", result)
        first = result.layers[0]["path"] if result.layers else None
        return {OUTPUT: folder, "LAYERS": result.files.get("layers"), "MAP": first}
