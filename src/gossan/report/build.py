"""Build the report, the figures and the GIS project of a run from its folder alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gossan.geo.child_process import shared
from gossan.geo.raster import atomic_path, close_files
from gossan.geochem.threads import processors
from gossan.io.tables import Table
from gossan.report.figures import element_plates, element_scale, run_plates
from gossan.report.page import Chapter, chapter, page, picture
from gossan.report.qgis import NOTES, write_qgis
from gossan.report.read import Results, open_results
from gossan.report.target_sheets import write_target_sheets

STEP = "report"
"""Step of a run folder."""
WORTH_A_PROCESS = 200_000
"""Pixels of a map from which figures of several elements are drawn in several processes."""


READ = ("layers", "tables", "anomalies")
"""Folders that a report is made of."""
NOT_READ = {f"{Table.STEPS}.csv"}
"""Tables that no report tells of."""
OF_ITS_MAKING = {"created", "files", "peak_memory_mib", "seconds", "steps", "timings_s"}
"""What a manifest says of the making of a run, which changes though no result does."""


def build_report(run: Path | str, keep: bool = False) -> Path:
    """Write ``report.html``, figures, target sheets, ``field``, ``gossan.qgs`` and styles of maps.

    Parameters
    ----------
    run
        Folder that ``gossan run`` wrote. Nothing outside of it is read.
    keep
        Whether to leave a report that stands: one of the same maps, tables and settings.

    Returns
    -------
    Path of the report: one file that needs no network.

    Raises
    ------
    InputError
        The folder is no finished run.
    """
    results = open_results(run)
    folder, patterns = results.run.folder, ("figures/*", "targets/*", "field/*")
    page_path, made_of = folder.root / "report.html", _made_of(results)
    if keep and folder.stands(STEP, made_of, [page_path]):
        return page_path
    with folder.amended(results.run.manifest):
        with folder.renewed(*patterns, keep={NOTES}):
            _write(results, page_path)
        written = [name for name in folder.contents() if not _is_read(name)]
        own = [folder.root / name for name in written if Path(name).name != NOTES]
        folder.keep(STEP, made_of, own)
    return page_path


def _is_read(name: str) -> bool:
    """Whether a file of the run folder is one that reports are made of and leave alone."""
    path = Path(name)
    return path.parts[0] in READ and path.suffix != ".qml"


def _made_of(results: Results) -> dict[str, Any]:
    """Name everything that a report depends on."""
    manifest = results.run.manifest.model_dump(mode="json", exclude=OF_ITS_MAKING)
    manifest["products"] = [{**one, "seconds": None} for one in manifest["products"]]
    files = results.run.folder.contents()
    read = {
        n: one["hash"] for n, one in files.items() if _is_read(n) and Path(n).name not in NOT_READ
    }
    return {"manifest": manifest, "files": read}


def _write(results: Results, path: Path) -> None:
    grid = results.run.manifest.grid
    large = grid.height * grid.width >= WORTH_A_PROCESS
    tasks = [(results, name) for name in results.elements]
    chapters = shared(_chapter, tasks, processors() if large else 1)
    pictures = [picture(plate, results.run.folder.figures) for plate in run_plates(results)]
    with atomic_path(path) as temporary:
        temporary.write_text(page(results, chapters, pictures), encoding="utf-8")
    if results.maps:
        write_qgis(results)
    close_files()


def _chapter(task: tuple[Results, str]) -> Chapter:
    """Draw what belongs to one element, write its target sheets, and tell of it."""
    results, name = task
    figures = results.run.folder.figures
    found = chapter(results, name, [picture(p, figures) for p in element_plates(results, name)])
    if results.of(name):
        write_target_sheets(results, name, element_scale(results, name))
    return found
