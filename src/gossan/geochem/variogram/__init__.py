"""Variograms: empirical, fitted, chosen."""
