"""What a sample of sediment would hold along the streams, by the map of a finished run."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from gossan.errors import InputError, must
from gossan.fusion.geostatistical.ground_evidence import MIXINGS, best_mixing
from gossan.geo.grounds import BY_AREA, Mixing
from gossan.geo.layer import MappedLayer
from gossan.geo.raster import write_array
from gossan.geo.warp import to_grid
from gossan.geochem.back_transforms import InUnit
from gossan.geochem.transforms import transform_from_record
from gossan.imagery.terrain.drainage import Drainage
from gossan.imagery.terrain.settings import TerrainSettings
from gossan.io.contract import ProductRecord
from gossan.io.finished_run import FinishedRun
from gossan.io.tables import Column
from gossan.names import file_name
from gossan.pipeline.anomaly_evidence import working_layer

__all__ = ["mixing_of", "write_sediment"]


def write_sediment(
    run: FinishedRun, drainage: Drainage, settings: TerrainSettings, out: Path
) -> list[Path]:
    """Write ``sediment_<element>.tif`` of the map to trust of each element.

    On streams (``stream_km2``) each cell has the mean content of the ground upstream, weighted as
    the run found that ground counts; other cells are empty. Means, not medians, are mixed.

    Raises
    ------
    InputError
        The run has no map with errors.
    """
    with np.errstate(invalid="ignore"):
        streams = drainage.area_km2 >= settings.stream_km2
    written = []
    for element in run.elements:
        name = run.best(element)
        product = None if name is None else run.product(name, element)
        working = None if product is None else working_layer(run, product)
        if product is None or working is None:
            cure = "Run the project with a geostatistical model"
            raise InputError(
                must(f"the run's map of {element}", "there, with errors", "none", cure)
            )
        means = InUnit(transform_from_record(product.transform_record), ("mean",))
        content = to_grid(MappedLayer(working, means, (element,)), drainage.grid)
        ground = content.read(drainage.grid.whole)[0].astype(float)
        mixed = drainage.sediment(ground, mixing_of(run, product))
        path = out / f"{file_name('sediment', element)}.tif"
        shown = np.where(streams, mixed, math.nan).astype(np.float32)
        write_array(path, drainage.grid, (element,), shown[None], product.unit)
        written.append(path)
    return written


def mixing_of(run: FinishedRun, product: ProductRecord) -> Mixing:
    """Return how a product found that ground counts; by area where it weighed nothing."""
    table = run.table(MIXINGS)
    if table.empty:
        return BY_AREA
    mine = (table[Column.PRODUCT] == product.product) & (table[Column.ELEMENT] == product.element)
    own = table[mine]
    return BY_AREA if own.empty else best_mixing(own)
