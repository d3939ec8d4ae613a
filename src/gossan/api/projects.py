"""Projects from Python: the same steps as on the command line."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from gossan.geo.cluster import cluster_at
from gossan.io.finished_run import FinishedRun, open_run
from gossan.io.run_folder import RunFolder
from gossan.pipeline.commands.anomalies import anomalies_of_run
from gossan.pipeline.commands.check import Checked, check_project
from gossan.pipeline.commands.krige import krige_project
from gossan.pipeline.commands.run import RunResult, run_project
from gossan.pipeline.engine import engine_at
from gossan.pipeline.options.project import Project, load_project
from gossan.pipeline.profile import Profile, record_steps
from gossan.pipeline.progress import reporter_for
from gossan.report.build import build_report

if TYPE_CHECKING:
    from gossan.geo.cluster import Client

__all__ = ["check", "cluster", "krige", "load_project", "open_run", "run", "run_to_report"]


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
    run_to_report(loaded, folder, Profile(reporter_for(quiet)), workers, client)
    return open_run(folder)


def run_to_report(
    project: Project,
    folder: Path,
    profile: Profile,
    workers: int | None = None,
    client: Client | None = None,
    keep_store: bool = False,
) -> RunResult:
    """Run a project, find its anomalies, build its report and record what each step took.

    Parameters
    ----------
    project
        A loaded project.
    folder
        Run folder.
    profile
        Reports progress and measures the steps.
    workers, client
        As of ``run``.
    keep_store
        Whether to keep scratch that only a repeated run would use again.

    Returns
    -------
    Scores and statistics of the maps, as ``run_project`` returns them.
    """
    with engine_at(project.engine, client):
        result = run_project(project, folder, workers, profile, keep_store=True)
        anomalies_of_run(folder, profile, fitted=result.fitted)
        if not keep_store:
            RunFolder(folder).drop_pixels()
        with profile.step("Report"):
            build_report(folder, keep=True)
    record_steps(folder, profile.steps)
    return result


def cluster(
    where: str | Client, *, threads: int = 1, memory: str | None = None
) -> AbstractContextManager[str]:
    """Do the work on a cluster, inside a ``with`` statement.

    Parameters
    ----------
    where
        ``"local:4"``: four processes on this machine; or the address of a running scheduler of
        dask.distributed; or a connected client.
    threads
        Threads of each process that is started here.
    memory
        Most memory of each such process, such as ``"4GiB"``; default: an equal share.

    Returns
    -------
    A context manager that yields the address of the scheduler.

    Raises
    ------
    SettingsError
        The scheduler cannot be reached.
    MissingDependencyError
        dask.distributed is not installed: ``pip install "gossan[cluster]"``.
    """
    return cluster_at(where, threads, memory)


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
