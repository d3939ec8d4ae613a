"""Make the element layers alone: kriging with its error, and simple alternatives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from gossan.fusion.kriging_model import KrigingModel, KrigingSettings
from gossan.fusion.lattice import lattice_over, lattice_step, nodes_of, smooth_layer
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.layer import MappedLayer
from gossan.geochem.interpolators import InterpolatorWord, interpolate_by_word
from gossan.io.run_folder import RunFolder
from gossan.pipeline.ground import open_ground
from gossan.pipeline.make import BackTransform
from gossan.pipeline.progress import Reporter, Silent
from gossan.pipeline.project import Project
from gossan.pipeline.surveys import Working, working

ALTERNATIVES: tuple[InterpolatorWord, ...] = ("idw", "nearest", "natural_neighbour", "spline")


def krige_project(
    project: Project, out: Path | str, workers: int | None = None, reporter: Reporter | None = None
) -> pd.DataFrame:
    """Write the element layers of every fitted and check survey, without imagery.

    For each element: ``kriging_<element>.tif`` (estimate) and ``_se`` (standard error),
    ``kriging_<element>_distance.tif`` (metres to the nearest sample), ``_samples`` (effective
    number of samples), and for comparison inverse distance, nearest, linear and spline layers.

    Returns
    -------
    One row per layer: element, layer, minimum, mean, maximum.
    """
    run, blocks = RunFolder(Path(out)), Blocks(workers=workers)
    reporter = reporter or Silent()
    with reporter.step("Surveys"):
        ground = open_ground(project, run.store, blocks)
    rows = []
    for element in project.elements:
        with reporter.step(f"{element}: kriging and its alternatives"):
            data = working(ground.surveys, element, project.project.transform)
            rows += _layers(run, blocks, data, ground.grid)
    return pd.DataFrame(rows)


def _layers(run: RunFolder, blocks: Blocks, data: Working, grid: Grid) -> list[dict[str, object]]:
    from gossan.fusion.features import NoFeatures

    model = KrigingModel(KrigingSettings()).fit(data.observations, NoFeatures(grid))
    mapped = MappedLayer(
        model.layer(NoFeatures(grid)), BackTransform(data.transform), ("estimate", "standard_error")
    )
    base = run.layer("kriging", data.element)
    error = run.layer("kriging", data.element, "se")
    files = {base: ("estimate",), error: ("standard_error",)}
    found = blocks.write_many(mapped, files, unit=data.unit)
    rows = [_row(data.element, path.stem, next(iter(f.values()))) for path, f in zip(files, found)]
    step = lattice_step(
        data.observations.points.coordinates, model.variogram_.practical_range_m, grid
    )
    lattice = lattice_over(grid, step)
    quality = model.kriging_.quality(lattice)
    for name, field, unit in zip(("distance", "samples"), quality, ("m", "")):
        layer = smooth_layer(lattice, field[None], (name,), grid)
        path = run.layer("kriging", data.element, name)
        rows.append(_row(data.element, path.stem, blocks.write(layer, path, unit=unit)[name]))
    for word in ALTERNATIVES:
        rows.append(_alternative(run, blocks, data, grid, lattice, word))
    return rows


def _alternative(
    run: RunFolder, blocks: Blocks, data: Working, grid: Grid, lattice: Grid, word: InterpolatorWord
) -> dict[str, object]:
    points = data.observations.points.coordinates
    values = interpolate_by_word(word, points, data.observations.values, nodes_of(lattice))
    field = np.asarray(values).reshape(1, *lattice.shape)
    layer = smooth_layer(lattice, field, ("estimate",), grid)
    mapped = MappedLayer(layer, BackTransform(data.transform), ("estimate",))
    path = run.layer(word, data.element)
    return _row(data.element, path.stem, blocks.write(mapped, path, unit=data.unit)["estimate"])


def _row(element: str, layer: str, statistics: dict[str, float]) -> dict[str, object]:
    kept = ("minimum", "mean", "maximum")
    return {"element": element, "layer": layer, **{name: statistics[name] for name in kept}}
