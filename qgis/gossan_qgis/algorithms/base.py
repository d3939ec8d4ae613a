"""What all algorithms share: how gossan is run, results are loaded, and dialogs are described."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterNumber,
)
from qgis.PyQt.QtCore import QUrl
from qgis.PyQt.QtGui import QIcon

from ..bridge import PLUGIN, Memory, ToFeedback, failed, ready_engine
from ..core.process import run
from ..core.protocol import GossanError, Result, UnusableError
from ..core.translations import tr
from ..loading import Loader, Wanted

LOAD, WORKERS = "LOAD", "WORKERS"
try:
    ADVANCED = QgsProcessingParameterDefinition.Flag.FlagAdvanced
except AttributeError:
    ADVANCED = QgsProcessingParameterDefinition.FlagAdvanced


class GossanAlgorithm(QgsProcessingAlgorithm):
    """One command of gossan as an algorithm of Processing."""

    NAME = ""
    TITLE = ""
    GROUP = ("survey", "Survey")
    HELP = ""
    TAGS: tuple[str, ...] = ()
    loader: Loader | None = None
    """Loads results into the open project; None where there is no window."""

    def createInstance(self) -> GossanAlgorithm:
        """Return a new instance, as Processing asks for each run."""
        return type(self)()

    def name(self) -> str:
        """Return the identity within the provider."""
        return self.NAME

    def displayName(self) -> str:
        """Return the title in the language of QGIS."""
        return tr(self.TITLE)

    def group(self) -> str:
        """Return the group in the toolbox."""
        return tr(self.GROUP[1])

    def groupId(self) -> str:
        """Return the identity of the group."""
        return self.GROUP[0]

    def shortHelpString(self) -> str:
        """Return the help beside the dialog."""
        return tr(self.HELP)

    def helpUrl(self) -> str:
        """Return the page that the button Help opens."""
        return QUrl.fromLocalFile(str(PLUGIN / "help" / "index.html")).toString()

    def tags(self) -> list[str]:
        """Return words by which the toolbox finds the algorithm."""
        return ["gossan", "geochemistry", *self.TAGS]

    def icon(self) -> QIcon:
        """Return gossan's icon."""
        return QIcon(str(PLUGIN / "icon.svg"))

    def add_usual(self, workers: bool = True) -> None:
        """Add the parameters that every algorithm ends with."""
        self.addParameter(
            QgsProcessingParameterBoolean(LOAD, tr("Load the results into the project"), True)
        )
        if workers:
            self.add_advanced(
                QgsProcessingParameterNumber(
                    WORKERS, tr("Threads (empty: all processors)"), optional=True, minValue=1
                )
            )

    def add_advanced(self, parameter: QgsProcessingParameterDefinition) -> None:
        """Add a parameter that is folded away."""
        parameter.setFlags(parameter.flags() | ADVANCED)
        self.addParameter(parameter)

    def text(self, parameters: dict[str, Any], name: str, context: QgsProcessingContext) -> str:
        """Return the text of a parameter, without blanks around it."""
        return (self.parameterAsString(parameters, name, context) or "").strip()

    def workers(self, parameters: dict[str, Any], context: QgsProcessingContext) -> list[str]:
        """Return the option for the number of threads."""
        if parameters.get(WORKERS) in (None, ""):
            return []
        return ["--workers", str(self.parameterAsInt(parameters, WORKERS, context))]

    def gossan(self, arguments: Sequence[str], feedback: QgsProcessingFeedback) -> Result:
        """Run a command of gossan; its messages go to the log.

        Raises
        ------
        QgsProcessingException
            It failed, was stopped, or there is no gossan that can be used.
        """
        listener = ToFeedback(feedback)
        try:
            engine = ready_engine(listener, feedback.isCanceled)
            feedback.pushCommandInfo(" ".join([*engine.command, *arguments]))
            return run(engine, arguments, listener, feedback.isCanceled)
        except UnusableError as error:
            Memory.engine = None
            raise QgsProcessingException(failed(error)) from error
        except GossanError as error:
            raise QgsProcessingException(failed(error)) from error

    def say(self, result: Result, feedback: QgsProcessingFeedback) -> None:
        """Write the sentences of a result into the log."""
        for sentence in result.text:
            feedback.pushInfo(sentence)

    def load(
        self, parameters: dict[str, Any], context: QgsProcessingContext, title: str, result: Result
    ) -> None:
        """Load the layers of a result, where the user wants it and a project is open."""
        wanted = self.parameterAsBoolean(parameters, LOAD, context)
        if wanted and result.layers and self.loader is not None and context.project() is not None:
            project = result.files.get("project", "")
            self.loader.wanted.emit(Wanted(title, result.layers, project))


def html_page(title: str, sentences: Sequence[str], tables: dict[str, list[dict[str, Any]]]) -> str:
    """Return a page for the viewer of results."""
    parts = [f"<h2>{html.escape(title)}</h2>"]
    parts += [f"<p>{html.escape(sentence)}</p>" for sentence in sentences]
    for name, rows in tables.items():
        if not rows:
            continue
        parts.append(
            f"<h3>{html.escape(name)}</h3><table border='1' cellspacing='0' cellpadding='3'>"
        )
        parts.append(_row(rows[0], "th"))
        parts += [_row(row.values(), "td") for row in rows]
        parts.append("</table>")
    return "<html><head><meta charset='utf-8'></head><body>" + "\n".join(parts) + "</body></html>"


def _row(cells: Any, tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{html.escape(_cell(v))}</{tag}>" for v in cells) + "</tr>"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def write_page(path: str, page: str) -> str:
    """Write a page; nothing where no file is wanted."""
    if path:
        Path(path).write_text(page, encoding="utf-8")
    return path
