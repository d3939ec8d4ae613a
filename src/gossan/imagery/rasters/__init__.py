"""Plain rasters of any origin: bands, tiles, units, quality bits."""
