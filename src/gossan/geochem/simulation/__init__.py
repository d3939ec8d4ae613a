"""Conditional Gaussian simulation."""
