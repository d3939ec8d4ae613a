"""The script that QGIS runs imports what only the Python of QGIS has."""

collect_ignore = ["open_in_qgis.py"]
