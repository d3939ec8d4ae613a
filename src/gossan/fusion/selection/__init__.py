"""Choosing and averaging models by cross-validation."""
