"""Simulate an element conditionally: realisations, exceedance, and whether they are right."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.errors import FitError, SettingsError, must
from gossan.fusion.kriging_model import as_measured
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer
from gossan.geochem.kriging.settings import KrigeSettings, KrigingOptions
from gossan.geochem.simulation.sequential import Realisations, Simulation
from gossan.geochem.variogram.empirical import empirical_variogram
from gossan.geochem.variogram.fitting import CovarianceModel
from gossan.io.run_folder import RunFolder
from gossan.pipeline.kriging.fit import FittedVariogram, find_variogram
from gossan.pipeline.surveys import Working

MOST_BYTES = 2 * 2**30
"""Largest set of realisations held in memory."""
CHECKED_NODES = 2000
CHECKED_MAPS = 10
SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
CHECK_COLUMNS = ["check", "at", "expected", "found"]


@dataclass(frozen=True, eq=False)
class Simulated:
    """The realisations, the variogram they were drawn with, and what was asked of them."""

    data: Working
    variogram: FittedVariogram
    realisations: Realisations
    thresholds: tuple[float, ...]
    seed: int


def simulate_element(
    data: Working,
    settings: KrigeSettings,
    grid: Grid,
    seed: int,
    thresholds: tuple[float, ...],
    workers: int | None = None,
) -> Simulated:
    """Draw realisations of an element on a grid.

    Raises
    ------
    SettingsError
        The realisations would not fit into 2 GiB.
    """
    asked = settings.simulation
    if asked.pixel_m is not None:
        grid = Grid.from_bounds(grid.crs, grid.bounds, asked.pixel_m)
    size = 4 * asked.realisations * grid.height * grid.width
    if size > MOST_BYTES:
        got = f"{asked.realisations} of {grid.width} x {grid.height} pixels ({size / 2**30:.1f})"
        cure = "Set pixel_m in [kriging.simulation], or ask for fewer"
        raise SettingsError(must("realisations", "at most 2 GiB", got, cure))
    used = as_measured(data.observations, KrigingOptions(variogram=settings.variogram))
    xy, scores, known = used.points.coordinates, used.values, used.error_variance
    variogram = find_variogram(xy, scores, settings.variogram, errors=known)
    if settings.variogram.given:
        variogram = _rescaled(variogram, data)
    centred = data.transform.word == "normal-score"
    simulation = Simulation(
        variogram.model,
        data.transform,
        mean=0.0 if centred else float(np.average(data.observations.values, weights=data.weights)),
        realisations=asked.realisations,
        neighbours=asked.neighbours,
        nugget=settings.nugget,
        seed=asked.seed if asked.seed is not None else seed,
        workers=workers,
    ).fit_scores(xy, scores, known)
    return Simulated(data, variogram, simulation.lattice(grid), thresholds, simulation.seed)


def _rescaled(variogram: FittedVariogram, data: Working) -> FittedVariogram:
    """Bring a given variogram to the variance of normal scores, which is 1."""
    if data.transform.word != "normal-score":
        return variogram
    model: CovarianceModel = variogram.model.scaled(1.0 / variogram.model.sill)
    row = {"model": "given, to sill 1", "chosen": True, "method": "given", "nugget": model.nugget,
           "sill": model.sill, "practical_range_m": model.practical_range_m,
           "description": str(model)}  # fmt: skip
    points = variogram.points.assign(model=variogram.points["model"] / variogram.model.sill)
    return replace(variogram, model=model, rows=[row], points=points)


def write_simulation(
    simulated: Simulated, run: RunFolder, blocks: Blocks, tags: dict[str, str]
) -> dict[str, dict[str, float]]:
    """Write the realisations as bands, and the probability to exceed each threshold."""
    maps, data = simulated.realisations, simulated.data
    tags = tags | {"gossan_model": "simulation", "gossan_seed": str(simulated.seed),
                   "gossan_transform": data.transform.word}  # fmt: skip
    path = run.layer("simulation", data.element)
    own = {"gossan_statistic": "realisation", "gossan_unit": data.unit}
    found = blocks.write(maps.layer(), path, tags | own, data.unit)
    statistics = {path.stem: next(iter(found.values()))}
    if simulated.thresholds:
        path = run.layer("simulation", data.element, "exceedance")
        names = tuple(f"above_{threshold:g}" for threshold in simulated.thresholds)
        shares = np.stack([maps.exceedance(threshold) for threshold in simulated.thresholds])
        own = {"gossan_statistic": "probability", "gossan_unit": "1"}
        found = blocks.write(ArrayLayer(maps.grid, names, shares), path, tags | own, "1")
        statistics |= {f"{path.stem} {name}": found[name] for name in names}
    return statistics


def simulation_check(simulated: Simulated) -> pd.DataFrame:
    """Compare the realisations with the samples' histogram and with the variogram.

    Returns
    -------
    Rows ``check`` ("quantile" or "semivariance"), ``at`` (share, or lag in metres), ``expected``
    (of the weighted samples, or of the model), ``found`` (mean of the realisations).
    """
    data, maps = simulated.data, simulated.realisations
    values = np.asarray(data.transform.inverse(data.observations.values), float)
    wanted = _quantiles(values, data.weights)
    drawn = np.quantile(maps.array.reshape(len(maps.array), -1), SHARES, axis=1).mean(axis=1)
    rows = [("quantile", s, w, f) for s, w, f in zip(SHARES, wanted, drawn)]
    model = simulated.variogram.model
    nodes = maps.grid.centres()
    few = np.random.default_rng(simulated.seed).permutation(len(nodes))[:CHECKED_NODES]
    cutoff = 1.5 * (model.practical_range_m or float(np.ptp(nodes, axis=0).max()) / 3)
    cutoff = min(cutoff, float(np.hypot(*np.ptp(nodes, axis=0))) / 2)
    found = []
    for one in maps.array[:CHECKED_MAPS]:
        scores = data.transform.forward(one.ravel()[few].astype(np.float64))
        try:
            turned = model.turn(nodes[few])
            classes = empirical_variogram(turned, scores, cutoff_m=cutoff, width_m=cutoff / 8)
        except FitError:
            return pd.DataFrame(rows, columns=CHECK_COLUMNS)
        found.append(np.column_stack([classes.distance, classes.semivariance]))
    mean = np.mean(found, axis=0)
    straight = CovarianceModel(model.nugget, model.structures)  # nodes are turned already
    expected = straight.semivariance(mean[:, 0])
    rows += [("semivariance", lag, e, g) for (lag, g), e in zip(mean, expected)]
    return pd.DataFrame(rows, columns=CHECK_COLUMNS)


def _quantiles(values: NDArray[np.float64], weights: NDArray[np.float64] | None) -> list[float]:
    order = np.argsort(values)
    mass = np.ones(len(values)) if weights is None else weights[order]
    place = (np.cumsum(mass) - mass / 2) / mass.sum()
    return [float(q) for q in np.interp(SHARES, place, values[order])]
