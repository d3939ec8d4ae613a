"""The only reader of a finished run: manifest, tables and layers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import ValidationError

from gossan.errors import InputError, must
from gossan.geo.layer import Layer
from gossan.geo.raster import open_raster
from gossan.io.contract import BASELINE, SCHEMA, Comparison, ProductRecord, RunManifest, SharedLayer
from gossan.io.run_folder import RunFolder
from gossan.io.tables import Column, Table
from gossan.mistakes import mistakes_in
from gossan.names import file_name

__all__ = ["SAMPLING_PLAN", "FinishedRun", "open_run", "refuse_folder_of"]

SAMPLING_PLAN = "sample_next"
"""Stem of the files of ``gossan sample`` in the folder of anomalies."""


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """A finished run, opened with ``open_run``."""

    folder: RunFolder
    manifest: RunManifest

    @property
    def root(self) -> Path:
        """The run folder."""
        return self.folder.root

    @property
    def elements(self) -> tuple[str, ...]:
        """Elements in the project's order."""
        return self.manifest.elements

    @property
    def products(self) -> list[ProductRecord]:
        """Products of all elements, kriging first."""
        return sorted(self.manifest.products, key=lambda one: one.product != BASELINE)

    def mapped(self, element: str) -> list[ProductRecord]:
        """Products of an element that have a map, kriging first."""
        return [p for p in self.products if p.element == element and p.layer is not None]

    def best(self, element: str) -> str | None:
        """The product to trust; None where no map of the element was made."""
        found = self.manifest.verdicts.get(element)
        return found.product if found is not None else None

    def product(self, name: str, element: str) -> ProductRecord | None:
        """Find a product by name and element."""
        wanted = (name, element)
        return next((p for p in self.products if (p.product, p.element) == wanted), None)

    def find(self, name: str | None, element: str | None) -> ProductRecord:
        """Find the product that a user asks for; by default the best one of the element.

        Raises
        ------
        InputError
            There is no such product or element, or the run has several elements and none is named.
        """
        if element is None and len(self.elements) == 1:
            element = self.elements[0]
        if element is not None and element not in self.elements:
            allowed = f"one of {', '.join(self.elements)}"
            raise InputError(must("--element", allowed, repr(element), "Name one of them"))
        names = dict.fromkeys(p.product for p in self.products)
        if name is None and element in self.elements:
            name = self.best(str(element)) or BASELINE
        named = [p for p in self.products if p.product == name]
        if not named:
            known = f"one of {', '.join(names)}"
            raise InputError(must("--product", known, repr(name), "Name one of them"))
        if element is None and len(named) == 1:
            return named[0]
        elements = [p.element for p in named]
        if element not in elements:
            allowed = f"one of {', '.join(elements)}"
            raise InputError(must("--element", allowed, repr(element), "Name one of them"))
        return named[elements.index(element)]

    def estimate(self, product: ProductRecord) -> Layer:
        """Open the map of a product, in the element's unit; its band bears the element's name."""
        return open_raster(self._map(product, product.layer), [product.element])

    def standard_error(self, product: ProductRecord) -> Layer | None:
        """Open the standard error of a product on its working scale; None where it has none."""
        if product.standard_error is None:
            return None
        return open_raster(self._map(product, product.standard_error), [Column.STANDARD_ERROR])

    def _map(self, product: ProductRecord, name: str | None) -> Path:
        if name is None or not (self.root / name).exists():
            what = f"the map of {product.product} for {product.element}"
            raise InputError(must(what, "in the run folder", "none", _again(self.folder)))
        return self.root / name

    def table(self, name: str, element: str | None = None) -> pd.DataFrame:
        """Read a table, or its rows of one element; without rows where the run has none of it."""
        found = self.folder.table(name)
        if element is not None and Column.ELEMENT in found:
            found = found[found[Column.ELEMENT] == element]
        return found.reset_index(drop=True)

    def compared(self, name: str, element: str) -> list[tuple[Comparison, pd.DataFrame]]:
        """Rows of one element of a table by what was compared, in the run's order."""
        groups = self.table(name, element).groupby(Column.COMPARISON, sort=False)
        return [(Comparison.parse(text), own) for text, own in groups]

    def model_tables(self) -> list[str]:
        """Names of the tables that belong to the models that made them."""
        paths = sorted(self.folder.tables.glob("*.csv"))
        return [path.stem for path in paths if path.stem not in set(Table)]

    @cached_property
    def samples(self) -> pd.DataFrame:
        """The fitted samples: survey, place, and a column for each element."""
        table = self.table(Table.SAMPLES)
        return table[table[Column.ROLE] == "fit"].reset_index(drop=True)

    @cached_property
    def occurrences(self) -> NDArray[np.float64] | None:
        """(n, 2) easting and northing of known occurrences, or None."""
        table = self.table(Table.OCCURRENCES)
        places = table[[Column.EASTING, Column.NORTHING]].to_numpy(float)
        return places if len(places) else None

    def scene_layers(self, what: str) -> list[Path]:
        """Paths of ``layers/<imagery>_<what>.tif``: "exposure" or "composite"."""
        return sorted(self.folder.layers.glob(f"*_{what}.tif"))

    @property
    def halos(self) -> list[Path]:
        """Maps of the scores of several elements together."""
        return sorted(self.folder.layers.glob("halo_*.tif"))

    def shared_layer(self, layer: SharedLayer) -> Path | None:
        """Find a layer that belongs to the whole run; None where it has none."""
        path = self.folder.shared_layer(layer)
        return path if path.exists() else None

    def sampling_plan(self) -> pd.DataFrame:
        """Read the samples that ``gossan sample`` proposed; without rows where there are none."""
        path = self.folder.anomalies / f"{SAMPLING_PLAN}.csv"
        return pd.read_csv(path) if path.exists() else pd.DataFrame()

    def anomaly_file(self, product: str, element: str, ending: str) -> Path:
        """Path of a product's anomalies: ``anomalies/<product>_<element>.<ending>``."""
        return self.folder.anomalies / f"{file_name(product, element)}.{ending}"


def open_run(root: Path | str) -> FinishedRun:
    """Open a finished run.

    Raises
    ------
    InputError
        In one line: the folder is no finished run, is one of ``gossan krige``, was written by
        another version, or its manifest is damaged.
    """
    folder = RunFolder(Path(root))
    content = _manifest(folder)
    if content is None:
        cure = "Run the project first: gossan run PROJECT"
        raise InputError(must("RUN", "a folder that `gossan run` wrote", folder.root, cure))
    if content.get("command", "run") != "run":
        got = f"{folder.root}, a folder of `gossan krige`"
        cure = "Run the project into another folder: gossan run PROJECT"
        raise InputError(must("RUN", "a folder that `gossan run` wrote", got, cure))
    _check_schema(folder, content)
    try:
        manifest = RunManifest.model_validate(content)
    except ValidationError as error:
        raise _damaged(folder, next(mistakes_in(error)).sentence()) from error
    return FinishedRun(folder, manifest)


def refuse_folder_of(command: str, root: Path | str) -> None:
    """Refuse to write into the finished folder of another command, whose maps have the same names.

    Raises
    ------
    InputError
        ``root`` was finished by ``command``.
    """
    folder = RunFolder(Path(root))
    path = folder.manifest_path if folder.manifest_path.exists() else folder.unfinished_path
    if _command(path) == command:
        cure = "Choose another folder with --out, or delete this one"
        allowed = f"a folder that `gossan {command}` has not written"
        raise InputError(must("--out", allowed, Path(root), cure))


def _command(path: Path) -> str | None:
    """Command that wrote a manifest, whether finished or not; None for none or a damaged one."""
    try:
        return str(json.loads(path.read_text(encoding="utf-8")).get("command", "run"))
    except (OSError, ValueError, AttributeError):
        return None


def _manifest(folder: RunFolder) -> dict[str, Any] | None:
    if not folder.manifest_path.exists():
        if folder.unfinished_path.exists():
            allowed, got = "finished", "a run that was stopped halfway, or is still going on"
            raise InputError(must(f"the folder {folder.root}", allowed, got, _again(folder)))
        return None
    try:
        content = json.loads(folder.manifest_path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(folder, str(error)) from error
    if not isinstance(content, dict):
        raise _damaged(folder, f"a {type(content).__name__} instead of an object")
    return content


def _check_schema(folder: RunFolder, content: dict[str, Any]) -> None:
    found = content.get("schema_version", 1)
    if found == SCHEMA:
        return
    newer = isinstance(found, int) and found > SCHEMA
    cure = "Update gossan" if newer else _again(folder)
    by = f"one of schema {found}, by gossan {content.get('gossan', '?')}"
    raise InputError(must("RUN", f"a run folder of schema {SCHEMA}", by, cure))


def _damaged(folder: RunFolder, reason: str) -> InputError:
    name = folder.manifest_path.name
    got = f"damaged ({reason.rstrip('.')})"
    return InputError(must(f"{name} of {folder.root}", "whole", got, _again(folder)))


def _again(folder: RunFolder) -> str:
    return f"Run the project again: gossan run PROJECT --out {folder.root}"
