"""The QGIS project of a run, and the folder that QField takes to the field."""

from gossan.report.qgis.field_folder import NOTES
from gossan.report.qgis.run_project import write_qgis

__all__ = ["NOTES", "write_qgis"]
