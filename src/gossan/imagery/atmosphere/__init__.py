"""Atmospheric correction for any optical sensor."""
