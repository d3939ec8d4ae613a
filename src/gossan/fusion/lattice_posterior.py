"""stub"""
from __future__ import annotations
from gossan.geo.layer import Layer
def posterior_layer(*a: object) -> Layer:
    """Stub."""
    raise NotImplementedError
