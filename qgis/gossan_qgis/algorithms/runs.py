"""Algorithms that make and read run folders: maps, targets, samples, estimates, report."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsFeature,
    QgsFeatureRequest,
    QgsField,
    QgsFields,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputFolder,
    QgsProcessingOutputHtml,
    QgsProcessingOutputNumber,
    QgsProcessingOutputRasterLayer,
    QgsProcessingOutputString,
    QgsProcessingOutputVectorLayer,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFile,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
    QgsProcessingUtils,
)
from qgis.PyQt import QtCore

from ..core.commands import predict_arguments, sample_arguments, thresholds, toml
from ..core.protocol import Result
from ..core.translations import tr
from ..layers_to_files import export_features
from ..loading import layer_source
from .base import GossanAlgorithm
from .project_inputs import PROJECT, OfLayers

OUTPUT, RUN = "OUTPUT", "RUN"
MAPS = ("maps", "Maps")
AFTER = ("after", "After the run")
ESTIMATES = ("estimate", "lower90", "upper90")
DOUBLE = (
    QtCore.QVariant.Double if hasattr(QtCore.QVariant, "Double") else QtCore.QMetaType.Type.Double
)
GOALS = ("doubt", "variance")


class _MakesRun(OfLayers):
    """What the algorithms that make a run folder return."""

    GROUP = MAPS

    def add_outputs(self) -> None:
        """Add what a model may go on with."""
        self.addOutput(QgsProcessingOutputFolder(RUN, tr("Run folder")))
        self.addOutput(QgsProcessingOutputHtml("REPORT", tr("Report")))
        self.addOutput(QgsProcessingOutputRasterLayer("MAP", tr("Best map of the first element")))
        self.addOutput(
            QgsProcessingOutputVectorLayer("TARGETS", tr("Targets of the first element"))
        )
        self.addOutput(QgsProcessingOutputString("VERDICT", tr("Verdict")))
        self.addOutput(QgsProcessingOutputNumber("COUNT", tr("Number of targets")))

    def outputs(self, result: Result) -> dict[str, Any]:
        """Return the outputs of a run's result."""
        targets = first_source(result, "Targets", "anomalies")
        return {
            RUN: result.files.get("run"),
            "REPORT": result.files.get("report"),
            "MAP": first_source(result, "Best map"),
            "TARGETS": targets,
            "VERDICT": "\n".join(result.text),
            "COUNT": len(result.tables.get("targets", [])),
        }


def first_source(result: Result, group: str, sublayer: str = "") -> str | None:
    """Return the source of the first layer of a group."""
    found = [one for one in result.layers if one["group"] == group]
    found = [one for one in found if not sublayer or one["sublayer"] == sublayer]
    return layer_source(found[0]) if found else None


class RunProject(_MakesRun):
    """``gossan run``."""

    NAME = "runproject"
    TITLE = "Run project"
    HELP = (
        "Makes every map, score and target of a project file. A run that was stopped continues "
        "where it ended; what has not changed is not computed again."
    )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Describe parameters and outputs."""
        self.addParameter(QgsProcessingParameterFile(PROJECT, tr("Project file"), extension="toml"))
        self.addParameter(
            QgsProcessingParameterFolderDestination(
                OUTPUT, tr("Run folder (empty: run, beside the project file)"), optional=True,
                createByDefault=False,
            )
        )  # fmt: skip
        self.add_usual()
        self.add_outputs()

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Run the project, and load its layers."""
        project = Path(self.text(parameters, PROJECT, context))
        out = self.text(parameters, OUTPUT, context) or str(project.parent / "run")
        workers = self.workers(parameters, context)
        result = self.gossan(["run", str(project), "--out", out, *workers], feedback)
        self.say(result, feedback)
        self.load(parameters, context, f"gossan: {project.parent.name}", result)
        return {OUTPUT: out, **self.outputs(result)}


class BestMap(_MakesRun):
    """From layers to targets in one dialog: init, check, run."""

    NAME = "bestmap"
    TITLE = "Best map from layers"
    HELP = (
        "The whole job in one dialog. Choose the sample layer, the element fields and the imagery "
        "rasters (or scenes as downloaded). For each element you get the map to trust, its error, "
        "its scores at held-out samples, and targets with reasons.\n\nThe folder holds a project "
        "file that you can edit and run again."
    )
    TAGS = ("fusion", "aster", "sentinel-2", "downscaling")

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Describe parameters and outputs."""
        self.add_samples(optional=False)
        self.add_imagery()
        self.addParameter(
            QgsProcessingParameterFeatureSource(
                "OCCURRENCES", tr("Known mines and outcrops"),
                [QgsProcessing.TypeVectorAnyGeometry], optional=True,
            )
        )  # fmt: skip
        self.addParameter(
            QgsProcessingParameterString(
                "THRESHOLDS", tr("Your own thresholds, such as Cu=60, Zn=500"), optional=True
            )
        )
        self.add_map_grid()
        self.add_advanced(
            QgsProcessingParameterBoolean("WHOLE", tr("Map the full extent of the imagery"), False)
        )
        self.add_advanced(
            QgsProcessingParameterBoolean(
                "PAPER", tr("Also make the paper's maps as printed"), False
            )
        )
        self.addParameter(QgsProcessingParameterFolderDestination(OUTPUT, tr("Project folder")))
        self.add_usual()
        self.add_outputs()

    def grid_settings(self, parameters: dict[str, Any], context: QgsProcessingContext) -> list[str]:
        """Return the settings of the maps."""
        found = super().grid_settings(parameters, context)
        if self.parameterAsBoolean(parameters, "WHOLE", context):
            found.append('project.extent="imagery"')
        if self.parameterAsBoolean(parameters, "PAPER", context):
            found.append("project.paper=true")
        own = thresholds(self.text(parameters, "THRESHOLDS", context))[1::2]
        if own:
            pairs = (text.partition("=") for text in own)
            numbers = {name: _number(value) for name, _, value in pairs}
            found.append(f"anomalies.threshold={toml(numbers)}")
        folder = Path(self.parameterAsString(parameters, OUTPUT, context))
        known = self.parameterAsSource(parameters, "OCCURRENCES", context)
        if known is not None:
            export_features(known, folder / "occurrences.gpkg")
            found.append('project.occurrences="occurrences.gpkg"')
        return found

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Make the project, check it, run it, and load its layers."""
        folder = self.parameterAsString(parameters, OUTPUT, context)
        project = self.project(parameters, folder, context, feedback)
        if self.gossan(["check", str(project)], feedback).exit_code:
            raise QgsProcessingException(tr("The check found errors; they are listed above."))
        run = str(project / "run")
        workers = self.workers(parameters, context)
        result = self.gossan(["run", str(project), "--out", run, *workers], feedback)
        self.say(result, feedback)
        self.load(parameters, context, f"gossan: {Path(folder).name}", result)
        return {OUTPUT: folder, **self.outputs(result)}


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise QgsProcessingException(
            tr("Thresholds must look like Cu=60, Zn=500; got {}.").format(text)
        ) from None


class Prepare(OfLayers):
    """``gossan prepare``."""

    NAME = "indices"
    TITLE = "Indices and components"
    GROUP = MAPS
    HELP = (
        "Turns scenes into calibrated bands, alteration indices, principal components, masks and "
        "colour composites on one grid around the samples. Elements are not mapped."
    )
    TAGS = ("alteration", "band ratio", "principal components", "crosta")

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Describe parameters and outputs."""
        self.add_samples(optional=True)
        self.add_imagery()
        self.add_map_grid()
        self.add_project()
        self.addParameter(
            QgsProcessingParameterFolderDestination(OUTPUT, tr("Folder for the layers"))
        )
        self.add_usual()
        self.addOutput(QgsProcessingOutputFolder("LAYERS", tr("Layers")))

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Prepare the imagery, and load its layers."""
        command = ["prepare", *self.workers(parameters, context)]
        folder, result = self.made_in("imagery", command, parameters, context, feedback)
        self.load(parameters, context, f"gossan: {Path(folder).name}", result)
        return {OUTPUT: folder, "LAYERS": result.files.get("layers")}


class _ReadsRun(_MakesRun):
    """An algorithm on a finished run."""

    GROUP = AFTER

    def add_run(self) -> None:
        """Add the run folder."""
        self.addParameter(
            QgsProcessingParameterFile(RUN, tr("Run folder"), QgsProcessingParameterFile.Folder)
        )

    def add_map_choice(self) -> None:
        """Add element and product."""
        self.addParameter(
            QgsProcessingParameterString(
                "ELEMENT", tr("Element (empty: the first one)"), optional=True
            )
        )
        self.add_advanced(
            QgsProcessingParameterString(
                "PRODUCT", tr("Product (empty: the best map)"), optional=True
            )
        )

    def choice(self, parameters: dict[str, Any], context: QgsProcessingContext) -> dict[str, str]:
        """Return the options of element and product."""
        return {
            "element": self.text(parameters, "ELEMENT", context),
            "product": self.text(parameters, "PRODUCT", context),
        }

    def checkParameterValues(
        self, parameters: dict[str, Any], context: QgsProcessingContext
    ) -> tuple[bool, str]:
        """Check what Processing checks; there is no project file here."""
        return GossanAlgorithm.checkParameterValues(self, parameters, context)

    def run_folder(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """Return the run folder; a project's folder stands for its run."""
        folder = Path(self.text(parameters, RUN, context))
        inner = folder / "run"
        return str(inner if not (folder / "manifest.json").exists() and inner.exists() else folder)


class Anomalies(_ReadsRun):
    """``gossan anomalies`` and the report that shows them."""

    NAME = "anomalies"
    TITLE = "Anomalies and targets"
    HELP = (
        "Finds, outlines and ranks the anomalies of every map of a run again, after the section "
        "[anomalies] of the project file has changed or with your own thresholds. The report is "
        "rebuilt."
    )
    TAGS = ("targets", "threshold")

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Describe parameters and outputs."""
        self.add_run()
        self.addParameter(
            QgsProcessingParameterString(
                "THRESHOLDS", tr("Your own thresholds, such as Cu=60, Zn=500"), optional=True
            )
        )
        self.add_usual(workers=False)
        self.add_outputs()

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Find the anomalies, build the report, and load the layers."""
        run = self.run_folder(parameters, context)
        own = thresholds(self.text(parameters, "THRESHOLDS", context))
        self.gossan(["anomalies", run, *own], feedback)
        result = self.gossan(["report", run], feedback)
        self.load(parameters, context, f"gossan: {Path(run).parent.name}", result)
        return self.outputs(result)


class SampleNext(_ReadsRun):
    """``gossan sample``."""

    NAME = "samplenext"
    TITLE = "Where to sample next"
    HELP = (
        "Proposes places for new samples where they help the map most: where it is uncertain "
        "whether the ground is anomalous, or where the map's error is large. Writes GeoPackage, "
        "GPX and CSV."
    )
    TAGS = ("sampling", "design", "gpx")

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Describe parameters and outputs."""
        self.add_run()
        self.addParameter(
            QgsProcessingParameterNumber(
                "COUNT", tr("Number of new samples"), defaultValue=20, minValue=1
            )
        )
        goals = [
            tr("doubt: is the ground anomalous or not?"),
            tr("variance: reduce the error everywhere"),
        ]
        self.addParameter(QgsProcessingParameterEnum("GOAL", tr("Goal"), goals, defaultValue=0))
        self.add_map_choice()
        for name, title, kind in (
            ("WITHIN", "Only within (polygons)", QgsProcessing.TypeVectorPolygon),
            ("AVOID", "Not within (polygons)", QgsProcessing.TypeVectorPolygon),
            ("TRACKS", "Near tracks (lines)", QgsProcessing.TypeVectorLine),
        ):
            self.add_advanced(
                QgsProcessingParameterFeatureSource(name, tr(title), [kind], optional=True)
            )
        self.add_usual(workers=False)
        self.addOutput(QgsProcessingOutputVectorLayer("SAMPLES", tr("New samples")))
        self.addOutput(QgsProcessingOutputString("SAYS", tr("Expected benefit")))

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Propose samples, and load them."""
        run = self.run_folder(parameters, context)
        options: dict[str, Any] = {
            "count": self.parameterAsInt(parameters, "COUNT", context),
            "goal": GOALS[self.parameterAsEnum(parameters, "GOAL", context)],
            **self.choice(parameters, context),
        }
        for name in ("WITHIN", "AVOID", "TRACKS"):
            source = self.parameterAsSource(parameters, name, context)
            if source is not None:
                path = Path(QgsProcessingUtils.generateTempFilename(f"{name.lower()}.gpkg"))
                options[name.lower()] = str(export_features(source, path))
        result = self.gossan(sample_arguments(run, options), feedback)
        self.say(result, feedback)
        self.load(parameters, context, tr("gossan: where to sample next"), result)
        samples = layer_source(result.layers[0]) if result.layers else None
        return {"SAMPLES": samples, "SAYS": "\n".join(result.text)}


class Predict(_ReadsRun):
    """``gossan predict``."""

    NAME = "predict"
    TITLE = "Predict at points"
    HELP = (
        "Estimates an element at the points of a layer, with the limits of its 90 % interval. "
        "Points outside the map stay empty."
    )
    TAGS = ("estimate", "points")

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Describe parameters and outputs."""
        self.add_run()
        self.addParameter(
            QgsProcessingParameterFeatureSource(
                "INPUT", tr("Points"), [QgsProcessing.TypeVectorPoint]
            )
        )
        self.add_map_choice()
        self.addParameter(QgsProcessingParameterFeatureSink(OUTPUT, tr("Estimates")))

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Estimate, and add the estimates to the points."""
        source = self.parameterAsSource(parameters, "INPUT", context)
        if source is None:
            raise QgsProcessingException(self.invalidSourceError(parameters, "INPUT"))
        run = self.run_folder(parameters, context)
        folder = Path(QgsProcessingUtils.generateTempFilename("predict"))
        folder.mkdir(parents=True, exist_ok=True)
        points, table = folder / "points.gpkg", folder / "estimates.csv"
        export_features(source, points)
        options = self.choice(parameters, context)
        arguments = predict_arguments(run, str(points), str(table), options)
        self.say(self.gossan(arguments, feedback), feedback)
        return {OUTPUT: self._write(parameters, context, source, table)}

    def _write(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        source: Any,
        table: Path,
    ) -> str:
        fields = QgsFields(source.fields())
        for name in ESTIMATES:
            fields.append(QgsField(name, DOUBLE))
        sink, identity = self.parameterAsSink(
            parameters, OUTPUT, context, fields, source.wkbType(), source.sourceCrs()
        )
        if sink is None:
            raise QgsProcessingException(self.invalidSinkError(parameters, OUTPUT))
        with table.open(encoding="utf-8", newline="") as stream:
            rows = csv.DictReader(stream)
            placed = (
                f for f in source.getFeatures(QgsFeatureRequest()) if not f.geometry().isNull()
            )
            for feature, row in zip(placed, rows):
                made = QgsFeature(fields)
                made.setGeometry(feature.geometry())
                values = [float(row[name]) if row[name] else None for name in ESTIMATES]
                made.setAttributes([*feature.attributes(), *values])
                sink.addFeature(made)
        return str(identity)


class Report(_ReadsRun):
    """``gossan report``."""

    NAME = "report"
    TITLE = "Report"
    HELP = "Rebuilds the report, its figures and the QGIS project of a run, and loads its layers."
    TAGS = ("figures", "html")

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Describe parameters and outputs."""
        self.add_run()
        self.add_usual(workers=False)
        self.add_outputs()

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Build the report, and load the layers."""
        run = self.run_folder(parameters, context)
        result = self.gossan(["report", run], feedback)
        self.load(parameters, context, f"gossan: {Path(run).parent.name}", result)
        return self.outputs(result)
