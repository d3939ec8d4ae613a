"""Figures and the one-file report; reads the run folder only."""
