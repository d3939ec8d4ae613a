"""Conformance suites for models and layers, yours included."""
