"""The QGIS project of a run, and the folder that QField takes to the field."""

from gossan.report.qgis.field_folder import NOTES
from gossan.report.qgis.run_project import PROJECT, run_items, write_qgis

__all__ = ["NOTES", "PROJECT", "run_items", "write_qgis"]
