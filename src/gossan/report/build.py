"""Build the report, the figures and the GIS project of a run from its folder alone."""

from __future__ import annotations

from pathlib import Path

from gossan.geo.child_process import shared
from gossan.geo.raster import atomic_path, close_files
from gossan.geochem.threads import processors
from gossan.report.figures import element_plates, element_scale, run_plates
from gossan.report.page import Chapter, chapter, page, picture
from gossan.report.qgis import NOTES, write_qgis
from gossan.report.read import Results, open_results
from gossan.report.target_sheets import write_target_sheets

WORTH_A_PROCESS = 200_000
"""Pixels of a map from which figures of several elements are drawn in several processes."""


def build_report(run: Path | str) -> Path:
    """Write ``report.html``, figures, target sheets, ``field``, ``gossan.qgs`` and styles of maps.

    Parameters
    ----------
    run
        Folder that ``gossan run`` wrote. Nothing outside of it is read.

    Returns
    -------
    Path of the report: one file that needs no network.

    Raises
    ------
    InputError
        The folder is no finished run.
    """
    results = open_results(run)
    patterns = "figures/*", "targets/*", "field/*"
    with results.run.folder.amended(results.run.manifest, *patterns, keep={NOTES}):
        return _write(results)


def _write(results: Results) -> Path:
    grid = results.run.manifest.grid
    large = grid.height * grid.width >= WORTH_A_PROCESS
    tasks = [(results, name) for name in results.elements]
    chapters = shared(_chapter, tasks, processors() if large else 1)
    pictures = [picture(plate, results.run.folder.figures) for plate in run_plates(results)]
    path = results.run.root / "report.html"
    with atomic_path(path) as temporary:
        temporary.write_text(page(results, chapters, pictures), encoding="utf-8")
    if results.maps:
        write_qgis(results)
    close_files()
    return path


def _chapter(task: tuple[Results, str]) -> Chapter:
    """Draw what belongs to one element, write its target sheets, and tell of it."""
    results, name = task
    figures = results.run.folder.figures
    found = chapter(results, name, [picture(p, figures) for p in element_plates(results, name)])
    if results.of(name):
        write_target_sheets(results, name, element_scale(results, name))
    return found
