"""Read everything that a report tells from the run folder, and from nowhere else."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import Transformer

from gossan.errors import ImageryError
from gossan.geo.grid import Grid
from gossan.geo.raster import open_raster, read_overview
from gossan.io.run_folder import RunFolder
from gossan.pipeline.imagery_used import LAYER
from gossan.pipeline.options.products import BASELINE, TRUSTED

MAP_PIXELS = 900_000
"""Pixels of a map that a figure shows at most."""


@dataclass(frozen=True, eq=False)
class Map:
    """Hold one map, thinned for the eye: values (row, column) on a grid."""

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
    """Give what a run folder holds; what is missing is an empty frame or list."""

    run: RunFolder
    manifest: dict[str, Any]

    @property
    def elements(self) -> list[str]:
        """Elements in the project's order."""
        return list(self.manifest["elements"])

    @cached_property
    def maps(self) -> dict[tuple[str, str], Map]:
        """Estimates by (product, element), the baseline first."""
        found = {}
        entries = sorted(self.manifest["products"], key=lambda e: e["product"] != BASELINE)
        for entry in entries:
            one = self._map(entry["layer"], entry, "estimate", entry.get("unit") or "")
            if one is not None:
                found[entry["product"], entry["element"]] = one
        return found

    @cached_property
    def errors(self) -> dict[tuple[str, str], Map]:
        """Standard errors by (product, element), on the working scale."""
        found = {}
        for entry in self.manifest["products"]:
            word = {"log": "ln "}.get(entry.get("transform", ""), f"{entry.get('transform')} ")
            unit = (word if word != "identity " else "") + (entry.get("unit") or "")
            one = self._map(entry.get("standard_error"), entry, "error", unit)
            if one is not None:
                found[entry["product"], entry["element"]] = one
        return found

    def _map(
        self,
        name: str | None,
        entry: dict[str, Any],
        kind: Literal["estimate", "error"],
        unit: str,
    ) -> Map | None:
        path = self.run.root / name if name else None
        if path is None or not path.exists():
            return None
        values, grid = read_overview(path, MAP_PIXELS)
        return Map(entry["product"], entry["element"], kind, unit, path, values[0], grid)

    def of(self, element: str) -> list[Map]:
        """Estimates of one element."""
        return [one for (_, own), one in self.maps.items() if own == element]

    def entry(self, product: str, element: str) -> dict[str, Any]:
        """What the manifest says of a product."""
        for one in self.manifest["products"]:
            if (one["product"], one["element"]) == (product, element):
                return dict(one)
        return {}

    @cached_property
    def pictures(self) -> list[Map]:
        """Colour composites, red, green and blue in the last axis, 0 to 1."""
        found = []
        for path in sorted(self.run.layers.glob("*composite*.tif")):
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
        paths = sorted(self.run.layers.glob("*exposure*.tif"))
        return [
            Map(path.stem, "", "share", "share of bare ground", path, values[0], grid)
            for path in paths
            for values, grid in [read_overview(path, MAP_PIXELS)]
        ]

    @cached_property
    def imagery_used(self) -> tuple[Path, tuple[str, ...]] | None:
        """The layer that flags pixels without imagery, and the features of its bands."""
        path = self.run.layers / f"{LAYER}.tif"
        return (path, open_raster(path).bands) if path.exists() else None

    @cached_property
    def halos(self) -> list[Map]:
        """Scores of several elements together."""
        return [
            Map(path.stem, "", "estimate", "score", path, values[0], grid)
            for path in sorted(self.run.layers.glob("halo_*.tif"))
            for values, grid in [read_overview(path, MAP_PIXELS)]
        ]

    def table(self, name: str, element: str | None = None) -> pd.DataFrame:
        """A table of the run, or its rows of one element; empty where there is none."""
        try:
            found = self.run.table(name)
        except pd.errors.EmptyDataError:
            return pd.DataFrame()
        if element is not None and "element" in found:
            found = found[found["element"] == element]
        return found.reset_index(drop=True)

    @cached_property
    def samples(self) -> pd.DataFrame:
        """Places of samples: easting, northing, survey; from what was held out if need be."""
        table = self.table("samples")
        if len(table) and {"easting", "northing"} <= set(table.columns):
            names = "survey" if "survey" in table else "role"
            return table.assign(survey=table.get(names, "samples"))
        held = self.table("held_out")
        if held.empty:
            return pd.DataFrame(columns=["easting", "northing", "survey"])
        check = held["comparison"].str.startswith("check: ")
        survey = held["comparison"].str.removeprefix("check: ").where(check, "fitted samples")
        places = held[["easting", "northing"]].assign(survey=survey)
        return places.drop_duplicates().reset_index(drop=True)

    def outlines(self, product: str, element: str) -> list[NDArray[np.float64]]:
        """Outlines of a product's anomalies, each (n, 2) in the maps' CRS, best first."""
        path = self.run.root / "anomalies" / f"{product}_{element}.geojson"
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
    run = RunFolder(Path(root))
    return Results(run, run.manifest())


def trusted_product(results: Results, element: str) -> str | None:
    """Name the product to trust: the choosing one, else the best proved, else kriging."""
    names = [one.product for one in results.of(element)]
    if TRUSTED in names:
        return TRUSTED
    for entry in results.manifest["products"]:
        if entry.get("model") == "auto" and entry["product"] in names:
            return str(entry["product"])
    best = best_proved(results.table("scores", element), names)
    if best is not None:
        return str(best["product"])
    return BASELINE if BASELINE in names else (names[0] if names else None)


def best_proved(scores: pd.DataFrame, names: list[str]) -> pd.Series | None:
    """Give the score of the best product whose skill over kriging is proved, or None.

    Proved is a 95 % interval above 0: at a check survey where there is one (and then not below 0
    in the folds), else in the spatial folds.
    """
    if scores.empty:
        return None
    fused = scores[scores["product"].isin(names) & scores["skill_low"].notna()]
    folds = fused[fused["comparison"] == "spatial folds"]
    worse = set(folds.loc[folds["skill_high"] < 0, "product"])
    checks = fused[fused["comparison"].str.startswith("check: ")]
    for tested in (checks, folds):
        proved = tested[(tested["skill_low"] > 0) & ~tested["product"].isin(worse)]
        if len(proved):
            return proved.sort_values("skill", ascending=False).iloc[0]
        if len(tested):
            return None
    return None


def full_grid(one: Map) -> Grid:
    """Give the grid of a map's file, not thinned."""
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
