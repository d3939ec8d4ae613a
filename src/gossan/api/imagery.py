"""Open imagery, and take alteration indices and principal components of it.

Ding et al. 2023, section 4.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gossan.api.rasters import Raster, RasterLike, as_raster, from_array
from gossan.api.scratch import scratch
from gossan.errors import SettingsError, must
from gossan.geo.blocks import Blocks
from gossan.imagery.components import component_scaling, fit_components
from gossan.imagery.indices import available_indices, component_indices, index_layer
from gossan.imagery.settings import ImagerySettings
from gossan.pipeline.imagery import open_imagery
from gossan.pipeline.options.project import validated

__all__ = ["indices", "open_aster", "open_raster", "open_sentinel2", "principal_components"]

Paths = str | Path | Sequence[str | Path]
Variant = Literal["sound", "literal"]


def open_aster(path: Paths, **options: Any) -> Raster:
    """Open ASTER scenes as downloaded (HDF, or a folder of GeoTIFFs): reflectance of nine bands.

    Parameters
    ----------
    path
        A scene, or several, which become one mosaic.
    **options
        Keys of ``[[imagery]]`` in a project file: ``atmosphere="6s"``, ``masks=["cloud"]``,
        ``aster={"crosstalk": "fitted"}`` and so on.

    Returns
    -------
    Raster with the bands b1 to b9 at 15 m. Only headers are read, except by corrections that look
    at a whole scene.
    """
    return _opened("aster", path, options)


def open_sentinel2(path: Paths, **options: Any) -> Raster:
    """Open Sentinel-2 products (SAFE folders), or band rasters taken from them.

    Parameters
    ----------
    path
        A product, or several, which become one mosaic.
    **options
        Keys of ``[[imagery]]`` in a project file: ``masks=["cloud"]``, ``pixel_size_m=20`` and so
        on.

    Returns
    -------
    Raster of reflectance; bands of 20 and 60 m are interpolated to the finest.
    """
    return _opened("sentinel2", path, options)


def open_raster(
    source: Paths | RasterLike | NDArray[Any],
    *,
    crs: Any = None,
    transform: Any = None,
    bands: Sequence[str] = (),
    **options: Any,
) -> Raster:
    """Open any raster: a file, several files, an xarray.DataArray, or an array with its place.

    Parameters
    ----------
    source
        Paths; or a labelled array with a coordinate system; or a numpy array (band, row, column),
        which needs ``crs`` and ``transform``.
    crs, transform
        Coordinate system of an array, and the affine transform of its pixel corners.
    bands
        Names of the bands.
    **options
        For files: keys of ``[[imagery]]`` in a project file, such as ``scale`` and ``nodata``.

    Raises
    ------
    SettingsError
        An array must be given with crs and transform.

    Examples
    --------
    >>> clay = np.array([[0.1, 0.2], [0.3, np.nan]])
    >>> open_raster(clay, crs=32638, transform=(30, 0, 5e5, 0, -30, 27e5), bands=["clay"])
    Raster(clay: 2 x 2 pixels of 30 m, EPSG:32638)
    """
    if isinstance(source, np.ndarray):
        if crs is None or transform is None:
            cure = "Pass crs='EPSG:...' and the affine transform of its pixels"
            raise SettingsError(must("an array", "given with crs and transform", "neither", cure))
        return from_array(source, crs, transform, bands)
    paths = [source] if isinstance(source, str | Path) else source
    if isinstance(paths, list | tuple) and all(isinstance(p, str | Path) for p in paths):
        return _opened("bands", paths, {"bands": tuple(bands), **options})
    found = as_raster(source)  # type: ignore[arg-type]
    return found[tuple(bands)] if bands else found


def _opened(sensor: str, path: Paths, options: Mapping[str, Any]) -> Raster:
    paths = [path] if isinstance(path, str | Path) else list(path)
    row = {"name": sensor, "sensor": sensor, "paths": [Path(p) for p in paths], **options}
    settings = validated(ImagerySettings, row, f"open_{_DOORS[sensor]}")
    opened = open_imagery(settings, Path.cwd(), scratch(), Blocks())
    return Raster(
        opened.bands, sensor, component_scaling=component_scaling(sensor, "bands"),
        tables={"notes": opened.stack.notes},
    )  # fmt: skip


_DOORS = {"bands": "raster", "aster": "aster", "sentinel2": "sentinel2"}


def indices(
    imagery: RasterLike | Sequence[RasterLike],
    names: str | Sequence[str] = "paper",
    *,
    sensor: str | None = None,
    formulas: Mapping[str, str] | None = None,
    components: Variant = "sound",
) -> Raster:
    """Compute alteration indices.

    Parameters
    ----------
    imagery
        Reflectance: an opened scene, or any raster whose bands bear the sensor's names.
    names
        Indices of the catalogue by name, or sets: "paper" (Tables 1 and 2 of Ding et al. 2023),
        "printed" (the same with their misprints), "mineral", "all". An index of a set whose bands
        are missing is left out.
    sensor
        "aster" or "sentinel2"; default: that of the imagery.
    formulas
        Indices of your own, for example ``{"ferric": "b4 / b3"}``.
    components
        How principal components will take them: "sound" as logarithms without copies, "literal"
        as printed.

    Returns
    -------
    Raster with a band for each index.

    Examples
    --------
    >>> reflectance = open_raster(
    ...     np.full((2, 2, 2), 0.2), crs=32638, transform=(15, 0, 0, 0, -15, 0), bands=["b1", "b2"])
    >>> indices(reflectance, "ferric_iron", sensor="aster").values.tolist()
    [[[1.0, 1.0], [1.0, 1.0]]]
    """
    bands = as_raster(imagery)
    known = sensor or bands.sensor
    words = () if known == "bands" else ((names,) if isinstance(names, str) else tuple(names))
    choice = available_indices(known, words, bands.bands, dict(formulas or {}))
    literal = components == "literal"
    printed = index_layer(bands.source, choice)
    source = printed if literal else component_indices(bands.source, choice)
    scaling = component_scaling(known, "indices", literal)
    return Raster(printed, known, source, scaling, {"notes": choice.notes})


def principal_components(
    imagery: RasterLike | Sequence[RasterLike], *, scaling: str | None = None,
    positive: str | None = None,
) -> Raster:  # fmt: skip
    """Fit principal components to all pixels of a raster.

    Parameters
    ----------
    imagery
        Two or more bands or indices.
    scaling
        "covariance", "correlation" or "robust". Default: as a project does: robust for indices,
        covariance for the bands of one sensor, correlation for rasters of different units.
    positive
        Band whose loading is positive in every component; default: the largest loading is.

    Returns
    -------
    Raster with the bands pc1, pc2 ...; ``tables["loadings"]`` holds the loadings.
    """
    raster = as_raster(imagery)
    found = fit_components(
        raster.component_source or raster.source,
        scaling or raster.component_scaling,  # type: ignore[arg-type]
        positive=positive,
    )
    tables = {**raster.tables, "loadings": found.table()}
    return replace(raster, source=found, component_source=None, tables=tables)
