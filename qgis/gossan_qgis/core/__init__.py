"""Everything that needs neither Qt nor QGIS: environment, protocol, process, installation."""
