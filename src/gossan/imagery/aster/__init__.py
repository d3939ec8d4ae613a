"""ASTER scenes: from the files as downloaded to reflectance."""
