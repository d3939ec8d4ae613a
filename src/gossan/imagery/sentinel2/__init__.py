"""Sentinel-2 scenes: from SAFE products to reflectance."""
