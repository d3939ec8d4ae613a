"""Projects from Python: the same steps as on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gossan.io.finished_run import FinishedRun, open_run
from gossan.pipeline.commands.anomalies import anomalies_of_run
from gossan.pipeline.commands.check import Checked, check_project
from gossan.pipeline.commands.krige import krige_project
from gossan.pipeline.commands.run import run_project
from gossan.pipeline.engine import engine_at
from gossan.pipeline.options.project import Project, load_project
from gossan.pipeline.profile import Profile, record_steps
from gossan.pipeline.progress import reporter_for
from gossan.report.build import build_report

if TYPE_CHECKING:
    from gossan.geo.cluster import Client

__all__ = ["check", "krige", "load_project", "open_run", "run"]


def _project(project: Project | Path | str) -> Project:
    return project if isinstance(project, Project) else load_project(project)


def check(project: Project | Path | str) -> Checked:
    """Look at the inputs of a project, as ``gossan check`` does.

    Parameters
    ----------
    project
        A project file, its folder, or what ``load_project`` returns.

    Returns
    -------
    ``facts`` (a table), ``findings`` (sentences, worst first), and ``blocked``: whether a run would
    fail.
    """
    return check_project(_project(project))


def run(
    project: Project | Path | str, out: Path | str | None = None, *,
    workers: int | None = None, client: Client | None = None, quiet: bool = True,
) -> FinishedRun:  # fmt: skip
    """Make every map, table and score of a project, its anomalies and its report.

    Parameters
    ----------
    project
        A project file, its folder, or what ``load_project`` returns.
    out
        Run folder; default: ``run`` beside the project file. Finished steps whose inputs have not
        changed are kept.
    workers
        Threads; default: one for each processor.
    client
        Client of a dask.distributed cluster that does the work instead; it stays open.
    quiet
        Whether to show no progress.

    Returns
    -------
    The finished run: its maps, tables and verdicts.
    """
    loaded = _project(project)
    folder = Path(out) if out is not None else loaded.base / "run"
    profile = Profile(reporter_for(quiet))
    with engine_at(loaded.engine, client):
        run_project(loaded, folder, workers=workers, reporter=profile)
        anomalies_of_run(folder, profile)
    with profile.step("Report"):
        build_report(folder)
    record_steps(folder, profile.steps)
    return open_run(folder)


def krige(
    project: Project | Path | str, out: Path | str | None = None, *,
    workers: int | None = None, quiet: bool = True,
) -> Path:  # fmt: skip
    """Make the element layers of a project alone, as ``gossan krige`` does.

    Parameters
    ----------
    project
        A project file, its folder, or what ``load_project`` returns.
    out
        Folder; default: ``krige`` beside the project file.
    workers
        Threads; default: one for each processor.
    quiet
        Whether to show no progress.

    Returns
    -------
    The folder.
    """
    loaded = _project(project)
    folder = Path(out) if out is not None else loaded.base / "krige"
    krige_project(loaded, folder, workers=workers, reporter=reporter_for(quiet))
    return folder
