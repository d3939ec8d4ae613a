"""Read everything that a report tells from the run folder, and from nowhere else."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import Transformer

from gossan.errors import ImageryError
from gossan.geo.grid import Grid
from gossan.geo.raster import open_raster, read_overview
from gossan.io.contract import ProductRecord, RunManifest, SharedLayer
from gossan.io.finished_run import FinishedRun, open_run
from gossan.io.tables import Column, Table

MAP_PIXELS = 900_000
"""Pixels of a map that a figure shows at most."""


@dataclass(frozen=True, eq=False)
class Map:
    """One map, thinned for the eye: values (row, column) on a grid."""

    product: str
    element: str
    kind: Literal["estimate", "error", "share", "picture"]
    unit: str
    path: Path
    values: NDArray[np.float32] = field(repr=False)
    grid: Grid = field(repr=False)

    @property
    def name(self) -> str:
        """Name of the layer's file, without ending."""
        return self.path.stem

    @property
    def empty(self) -> bool:
        """True when no pixel has a value."""
        return not bool(np.isfinite(self.values).any())


@dataclass(frozen=True, eq=False)
class Results:
    """What a report shows of a finished run; what is missing is an empty frame or list."""

    run: FinishedRun
    _outlines: dict[tuple[str, str], list[NDArray[np.float64]]] = field(
        default_factory=dict, repr=False
    )

    @property
    def elements(self) -> tuple[str, ...]:
        """Elements in the project's order."""
        return self.run.elements

    @property
    def manifest(self) -> RunManifest:
        """What the run says of itself."""
        return self.run.manifest

    def best(self, element: str) -> str | None:
        """Name the product to trust among those that have a map."""
        names = [one.product for one in self.of(element)]
        best = self.run.best(element)
        return best if best in names else next(iter(names), None)

    @cached_property
    def maps(self) -> dict[tuple[str, str], Map]:
        """Estimates by (product, element), the baseline first."""
        found = {
            (one.product, one.element): self._map(one, one.layer, "estimate", one.unit)
            for one in self.run.products
        }
        return {key: one for key, one in found.items() if one is not None}

    @cached_property
    def errors(self) -> dict[tuple[str, str], Map]:
        """Standard errors by (product, element), on the working scale."""
        found = {
            (one.product, one.element): self._map(one, one.standard_error, "error", one.scale_unit)
            for one in self.run.products
        }
        return {key: one for key, one in found.items() if one is not None}

    def _map(
        self,
        product: ProductRecord,
        name: str | None,
        kind: Literal["estimate", "error"],
        unit: str,
    ) -> Map | None:
        path = self.run.root / name if name else None
        if path is None or not path.exists():
            return None
        values, grid = read_overview(path, MAP_PIXELS)
        return Map(product.product, product.element, kind, unit, path, values[0], grid)

    def of(self, element: str) -> list[Map]:
        """Estimates of one element."""
        return [one for (_, own), one in self.maps.items() if own == element]

    @cached_property
    def pictures(self) -> list[Map]:
        """Colour composites, red, green and blue in the last axis, 0 to 1."""
        found = []
        for path in self.run.scene_layers("composite"):
            try:
                bands, grid = read_overview(path, MAP_PIXELS)
            except ImageryError:
                continue
            if len(bands) >= 3:
                found.append(Map(path.stem, "", "picture", "", path, stretched(bands[:3]), grid))
        return found

    @cached_property
    def shares(self) -> list[Map]:
        """Layers of exposed ground, 0 to 1."""
        paths = self.run.scene_layers("exposure")
        return [
            Map(path.stem, "", "share", "share of bare ground", path, values[0], grid)
            for path in paths
            for values, grid in [read_overview(path, MAP_PIXELS)]
        ]

    @cached_property
    def imagery_used(self) -> tuple[Path, tuple[str, ...]] | None:
        """The layer that flags pixels without imagery, and the features of its bands."""
        path = self.run.shared_layer(SharedLayer.IMAGERY_USED)
        return (path, open_raster(path).bands) if path is not None else None

    @cached_property
    def probabilities(self) -> dict[str, Map]:
        """Probability that the best map's element exceeds its threshold, by element."""
        found = {}
        for element in self.elements:
            path = self.run.folder.layer("probability", element)
            if path.exists():
                values, grid = read_overview(path, MAP_PIXELS)
                product = str(self.best(element))
                found[element] = Map(product, element, "share", "", path, values[0], grid)
        return found

    def threshold(self, element: str) -> float:
        """Lower limit of the element's anomalies; NaN where none were looked for."""
        numbers = self.table(Table.PRODUCT_NUMBERS, element)
        return float(numbers[Column.THRESHOLD].iloc[0]) if len(numbers) else float("nan")

    @cached_property
    def halos(self) -> list[Map]:
        """Scores of several elements together."""
        return [
            Map(path.stem, "", "estimate", "score", path, values[0], grid)
            for path in self.run.halos
            for values, grid in [read_overview(path, MAP_PIXELS)]
        ]

    def title(self, product: str, element: str) -> str:
        """Name of a product for people."""
        found = self.run.product(product, element)
        return found.title if found is not None else product

    @cached_property
    def applicability(self) -> tuple[Map, Map] | None:
        """Dissimilarity of the ground from the samples; and 1 where it looks like one, else 0."""
        path = self.run.shared_layer(SharedLayer.APPLICABILITY)
        if path is None:
            return None
        values, grid = read_overview(path, MAP_PIXELS)
        bands = values[0], np.rint(values[1])
        index, inside = (Map(path.stem, "", "share", "", path, band, grid) for band in bands)
        return index, inside

    @cached_property
    def unsampled(self) -> Map | None:
        """1 on ground that drains past all samples, where these stand for catchments."""
        path = self.run.shared_layer(SharedLayer.UNSAMPLED)
        if path is None:
            return None
        values, grid = read_overview(path, MAP_PIXELS)
        return Map(path.stem, "", "share", "", path, np.rint(values[0]), grid)

    @cached_property
    def backgrounds(self) -> list[Map]:
        """What the classes of ground lead to expect of each element; none without such a map."""
        path = self.run.shared_layer(SharedLayer.BACKGROUND)
        if path is None:
            return []
        values, grid = read_overview(path, MAP_PIXELS)
        return [
            Map(path.stem, element, "estimate", self.of(element)[0].unit, path, band, grid)
            for element, band in zip(self.elements, values)
            if self.of(element)
        ]

    def table(self, name: str, element: str | None = None) -> pd.DataFrame:
        """A table of the run, or its rows of one element; without rows where there is none."""
        return self.run.table(name, element)

    @cached_property
    def samples(self) -> pd.DataFrame:
        """Places of all samples: easting, northing, survey."""
        return self.table(Table.SAMPLES)

    @cached_property
    def plan(self) -> pd.DataFrame:
        """Proposed samples of ``gossan sample``; without rows where there is no plan."""
        return self.run.sampling_plan()

    def outlines(self, product: str, element: str) -> list[NDArray[np.float64]]:
        """Outlines of a product's anomalies, each (n, 2) in the maps' CRS, best first."""
        if (product, element) not in self._outlines:
            self._outlines[product, element] = self._read_outlines(product, element)
        return self._outlines[product, element]

    def _read_outlines(self, product: str, element: str) -> list[NDArray[np.float64]]:
        path = self.run.anomaly_file(product, element, "geojson")
        own = self.maps.get((product, element))
        if not path.exists() or own is None:
            return []
        turn = Transformer.from_crs(4326, own.grid.crs, always_xy=True)
        rings = []
        for feature in json.loads(path.read_text(encoding="utf-8"))["features"]:
            shape = feature["geometry"]
            many = [shape["coordinates"]] if shape["type"] == "Polygon" else shape["coordinates"]
            for part in many:
                points = np.asarray(part[0], float)[:, :2]
                rings.append(np.column_stack(turn.transform(points[:, 0], points[:, 1])))
        return rings


def open_results(root: Path | str) -> Results:
    """Open a finished run.

    Raises
    ------
    InputError
        The folder is no finished run.
    """
    return Results(open_run(root))


def full_grid(one: Map) -> Grid:
    """Return the grid of a map's file, not thinned."""
    return open_raster(one.path).grid


def stretched(bands: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring each band to 0 to 1 between its 2nd and 98th percentile; (row, column, 3)."""
    result = np.full((*bands.shape[1:], 3), np.nan, np.float32)
    for index, band in enumerate(bands):
        filled = band[np.isfinite(band)]
        if filled.size:
            low, high = np.percentile(filled, [2, 98])
            result[..., index] = np.clip((band - low) / max(high - low, 1e-9), 0, 1)
    return result
