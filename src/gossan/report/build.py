"""Build the report, the figures and the GIS project of a run from its folder alone."""

from __future__ import annotations

from pathlib import Path

from gossan.geo.raster import atomic_path, close_files
from gossan.report.figures import element_plates, element_scale, run_plates
from gossan.report.page import chapter, page, picture
from gossan.report.qgis import NOTES, write_qgis
from gossan.report.read import Results, open_results
from gossan.report.target_sheets import write_target_sheets


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
    figures = results.run.folder.figures
    chapters = [
        chapter(results, name, [picture(p, figures) for p in element_plates(results, name)])
        for name in results.elements
    ]
    for name in results.elements:
        if results.of(name):
            write_target_sheets(results, name, element_scale(results, name))
    shared = [picture(plate, figures) for plate in run_plates(results)]
    path = results.run.root / "report.html"
    with atomic_path(path) as temporary:
        temporary.write_text(page(results, chapters, shared), encoding="utf-8")
    if results.maps:
        write_qgis(results)
    close_files()
    return path
