"""Commands of gossan in the background, for the dock."""

from __future__ import annotations

from collections.abc import Sequence

from qgis.core import QgsApplication, QgsTask
from qgis.PyQt.QtCore import pyqtSignal

from .bridge import Memory, download, failed, find_engine, plan, ready_engine
from .core.install import install
from .core.process import Listener, run
from .core.protocol import GossanError, Result, UnusableError


class Job(QgsTask):
    """Runs commands one after the other; signals arrive in the thread of the window."""

    step = pyqtSignal(str)
    said = pyqtSignal(str, str)
    done = pyqtSignal(object)
    failed = pyqtSignal(str)

    def __init__(self, title: str, commands: Sequence[Sequence[str]]) -> None:
        super().__init__(title, QgsTask.Flag.CanCancel)
        self._commands = commands
        self._result = Result()
        self._error = ""

    def start(self) -> None:
        """Give the job to QGIS."""
        QgsApplication.taskManager().addTask(self)

    def run(self) -> bool:
        """Run the commands; called in a thread of QGIS."""
        try:
            self._work(_ToSignals(self))
        except UnusableError as error:
            Memory.engine = None
            self._error = failed(error)
        except GossanError as error:
            self._error = failed(error)
        except Exception as error:  # a task that raises would end without a word
            self._error = failed(error)
        return not self._error

    def _work(self, listener: Listener) -> None:
        engine = ready_engine(listener, self.isCanceled)
        for command in self._commands:
            self._result = run(engine, command, listener, self.isCanceled)
            if self._result.exit_code:
                return

    def finished(self, ok: bool) -> None:
        """Tell the window; called in its thread."""
        if self._error or not ok:
            self.failed.emit(self._error)
        else:
            self.done.emit(self._result)


class FindJob(Job):
    """Looks for a gossan that can be used; ``bridge.Memory`` has what came of it."""

    def _work(self, listener: Listener) -> None:
        find_engine()


class InstallJob(Job):
    """Installs gossan anew."""

    def _work(self, listener: Listener) -> None:
        Memory.engine = install(plan(), download, listener, self.isCanceled)


class _ToSignals(Listener):
    """Passes on what gossan says to the signals of a job."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def step(self, title: str) -> None:
        """Name the step."""
        self._job.step.emit(title)
        self._job.setProgress(0)

    def progress(self, percent: float) -> None:
        """Move the bar."""
        self._job.setProgress(percent)

    def note(self, text: str) -> None:
        """Show a warning."""
        self._job.said.emit("warning", text)

    def finding(self, severity: str, text: str) -> None:
        """Show a finding."""
        self._job.said.emit(severity, text)

    def log(self, text: str) -> None:
        """Keep a line for the report."""
        Memory.log.append(text)
