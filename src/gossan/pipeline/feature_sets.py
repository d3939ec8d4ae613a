"""Features of the imagery, opened once for all elements and products of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

import pandas as pd

from gossan.errors import SettingsError, must
from gossan.fusion.features.sources import ColumnFeatures, LayerFeatures, NoFeatures
from gossan.fusion.protocol import Features
from gossan.fusion.registry import entry_of
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.layer import Layer, RenamedLayer, SelectedLayer, StackedLayer
from gossan.geo.raster import atomic_path, open_raster
from gossan.imagery.component_contrasts import readings
from gossan.imagery.components import ComponentLayer, fit_components
from gossan.imagery.crosta import crosta
from gossan.io.file_hashes import file_hash
from gossan.io.tables import Column
from gossan.pipeline.imagery import Imagery
from gossan.pipeline.options.products import Product, products_of
from gossan.pipeline.options.project import Project

KEPT_VALUES = 25_000_000
"""Pixels times bands up to which imagery on the grid of the maps is kept: 100 MB on disk."""


@dataclass(frozen=True, eq=False)
class FeatureSets:
    """Features by name, from the imagery on the output grid.

    A feature is named ``<imagery>.pc2``, ``<imagery>.literal.pc2`` (components as printed),
    ``<imagery>.all``, ``<imagery>.<band>``, ``<imagery>.indices.pc2``,
    ``<imagery>.indices.all``, ``<imagery>.indices.<index>`` or
    ``<imagery>.crosta.<mineral>``; several are joined with ``+``. The same name always gives the
    same object, so that what depends on imagery alone is computed once for all elements.
    """

    grid: Grid
    imagery: Mapping[str, Imagery]
    blocks: Blocks
    store: Path
    keys: Mapping[str, str]
    """Fingerprint of the files, the settings and the grid of each imagery: names what the store
    keeps of it."""
    covariates: tuple[str, ...] = ()
    """Numeric columns of the surveys that serve as features at points (name "covariates")."""
    _features: dict[str, Features] = field(default_factory=dict, repr=False)
    _components: dict[str, ComponentLayer] = field(default_factory=dict, repr=False)
    _at_hand: dict[str, Imagery] = field(default_factory=dict, repr=False)

    def get(self, name: str) -> Features:
        """Look up features by name; an empty name gives none."""
        if name not in self._features:
            self._features[name] = self._make(name)
        return self._features[name]

    def made_of(self, name: str) -> dict[str, str]:
        """Name the imagery that features are taken of, each with its fingerprint."""
        parts = [part.strip() for part in name.split("+")]
        sources = {split_name(part)[0] for part in parts if part and part != COVARIATES}
        return {source: self.keys[source] for source in sorted(sources)}

    def mapped(self, name: str) -> bool:
        """Whether a map can be made of features: not of covariates at points alone."""
        return name != COVARIATES

    def pictured(self, name: str) -> bool:
        """Whether features have pixels: there are some, and not covariates at points alone."""
        return bool(name.strip(" +")) and self.mapped(name)

    def widest(self, names: Iterable[str]) -> str:
        """Return the name with the most features of those that have pixels, or none."""
        pictured = filter(self.pictured, names)
        return max(pictured, key=lambda name: len(self.get(name).names), default="")

    def _make(self, name: str) -> Features:
        if name == COVARIATES:
            return ColumnFeatures(self.covariates, self.grid)
        parts = [part.strip() for part in name.split("+") if part.strip()]
        if not parts:
            return NoFeatures(self.grid)
        if len(parts) == 1:
            return LayerFeatures(self.layer(parts[0]), self.blocks)
        keep = name != self.everything()  # read at the samples only, once
        layers = tuple(self._full_names(part, keep) for part in parts)
        return LayerFeatures(StackedLayer(layers), self.blocks)

    def _full_names(self, name: str, keep: bool) -> Layer:
        """Prefix bands with their source, so that those of several sources differ."""
        layer, source = self.layer(name, keep), name.rpartition(".")[0]
        return RenamedLayer(layer, tuple(f"{source}.{band}" for band in layer.bands))

    def layer(self, name: str, keep: bool = True) -> Layer:
        """Open the layer of one feature name on the output grid.

        ``keep``: components, which several passes will read, are computed once into the store.

        Raises
        ------
        SettingsError
            The imagery or the feature does not exist.
        """
        source, kind, what = split_name(name)
        if kind == "crosta":
            return self._crosta(source, what)
        base = self.at_hand(source).layer(kind)
        if what == "all":
            return self.at_hand(source).everything(kind)
        number = component_number(what)
        if number is not None and what not in base.bands:
            components = self.components(source, kind)
            if number > len(components.bands):
                allowed = f"pc1 to pc{len(components.bands)}"
                raise SettingsError(must(f"features {name!r}", allowed, what, "Name another"))
            chosen = components.select((what,))
            return self._kept(chosen, name, source) if keep else chosen
        if what not in base.bands:
            allowed = f"pc1, pc2 ..., all, or one of {', '.join(base.bands)}"
            raise SettingsError(must(f"features {name!r}", allowed, repr(what), "Name one of them"))
        return SelectedLayer(base, (what,))

    def at_hand(self, source: str) -> Imagery:
        """Return one imagery; small layers are computed once, at their first use.

        Raises
        ------
        SettingsError
            There is no imagery of that name.
        """
        if source not in self.imagery:
            known = ", ".join(self.imagery) or "none"
            cure = "Begin with the name of an [[imagery]]"
            raise SettingsError(must("features", f"of {known}", repr(source), cure))
        if source not in self._at_hand:
            one = self.imagery[source]
            self._at_hand[source] = Imagery(
                one.stack,
                self._kept_if_small(one.bands, "bands", source),
                one.indices and self._kept_if_small(one.indices, "indices", source),
                one.component_indices
                and self._kept_if_small(one.component_indices, "component_indices", source),
            )
        return self._at_hand[source]

    def _kept_if_small(self, layer: Layer, what: str, source: str) -> Layer:
        """Keep what each pass would otherwise calibrate and warp again."""
        values = layer.grid.height * layer.grid.width * len(layer.bands)
        small = values <= KEPT_VALUES
        return self._kept(layer, f"{source}_{what}", source) if small else layer

    def _crosta(self, source: str, mineral: str) -> Layer:
        """Find the component that shows a mineral (Crosta's technique)."""
        imagery = self.at_hand(source)
        found = crosta(imagery.bands, mineral, imagery.settings.sensor, blocks=self.blocks)
        named = RenamedLayer(found, (f"crosta_{mineral}",))
        return self._kept(named, f"{source}.crosta.{mineral}", source)

    def _kept(self, layer: Layer, name: str, source: str) -> Layer:
        """Store a layer that is expensive to compute and read by several passes."""
        path = self.store / "features" / f"{name}_{self.keys[source]}.tif"
        whole = path.with_suffix(".hash")
        if not (path.exists() and whole.exists() and whole.read_text("ascii") == file_hash(path)):
            self.blocks.store(layer, path)
            with atomic_path(whole) as temporary:
                temporary.write_text(file_hash(path), "ascii")
        return open_raster(path, layer.bands)

    def components(self, source: str, kind: str) -> ComponentLayer:
        """Fit the principal components of an imagery's bands or indices, once."""
        key = f"{source}.{kind}"
        if key not in self._components:
            imagery = self.at_hand(source)
            self._components[key] = fit_components(
                imagery.component_source(kind), scaling=imagery.scaling(kind), blocks=self.blocks
            )
            with atomic_path(self._component_table(key)) as temporary:
                self._tabulated(key).to_csv(temporary, index=False)
        return self._components[key]

    def everything(self) -> str:
        """Name all features of the imagery: bands or indices, and their first components."""
        names = []
        for name, imagery in self.imagery.items():
            source = f"{name}.indices" if imagery.indices is not None else name
            count = min(3, len(imagery.component_source(_kind(source)).bands))
            names += [f"{source}.all", *(f"{source}.pc{i + 1}" for i in range(count))]
        return " + ".join(names)

    def component_tables(self) -> pd.DataFrame:
        """Tabulate loadings and explained variance of the components that this or an earlier run
        of the same imagery used."""
        folder = self.store / "features"
        endings = tuple(f"_{key}.csv" for key in self.keys.values())
        paths = [p for p in sorted(folder.glob("components_*.csv")) if p.name.endswith(endings)]
        tables = [pd.read_csv(path) for path in paths]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()

    def _component_table(self, name: str) -> Path:
        source = name.split(".")[0]
        return self.store / "features" / f"components_{name}_{self.keys[source]}.csv"

    def _tabulated(self, name: str) -> pd.DataFrame:
        part = self._components[name]
        words = readings(part.components, self.imagery[name.split(".")[0]].settings.sensor)
        table = part.table().assign(source=name.removesuffix(".bands"))
        return table.assign(reading=table[Column.COMPONENT].map(words))


def feature_errors(project: Project, imagery: Sequence[Imagery]) -> list[str]:
    """List products that ask for features that do not exist, without reading a pixel."""
    by_name = {one.settings.name: one for one in imagery}
    errors = []
    for product in products_of(project, imagery):
        try:
            _check_covariates(product)
            check_features(product.settings.features, by_name)
        except SettingsError as error:
            why = _left_out(product.settings.features, by_name)
            errors.append(f"[[product]] {product.name!r}: {error}{why}")
    return errors


def _check_covariates(product: Product) -> None:
    """Check that the surveys' own columns can be the features of a product.

    Raises
    ------
    SettingsError
        They stand beside imagery, or the model needs pixels.
    """
    features, model = product.settings.features, product.settings.model
    parts = [part.strip() for part in features.split("+")]
    if COVARIATES not in parts:
        return
    if len(parts) > 1:
        cure = "Make a product of each"
        raise SettingsError(must("features", f"{COVARIATES!r} alone, or imagery", features, cure))
    if entry_of(model).needs_raster:
        cure = "Name imagery, or another model"
        allowed = "imagery, which it passes over"
        raise SettingsError(must(f"features of model {model!r}", allowed, repr(features), cure))


def layer_behind(part: str, imagery: Mapping[str, Imagery]) -> Layer | None:
    """Return the layer whose pixels decide where one feature is filled and how they differ.

    That of a component is the layer that it is taken of; None for what must be fitted first.
    """
    source, kind, what = split_name(part)
    if source not in imagery or kind == "crosta":
        return None
    base = imagery[source].layer(kind)
    if what == "all":
        return imagery[source].everything(kind)
    if what in base.bands:
        return SelectedLayer(base, (what,))
    return imagery[source].component_source(kind)


def component_notes(project: Project, imagery: Sequence[Imagery]) -> list[str]:
    """Say of each set of components in use whether it is literal, and which maps take it."""
    by_name = {one.settings.name: one for one in imagery}
    users: dict[tuple[str, str], list[str]] = {}
    for product in products_of(project, imagery):
        for part in filter(None, (p.strip() for p in product.settings.features.split("+"))):
            source, kind, what = ("", "", "") if part == COVARIATES else split_name(part)
            if source in by_name and kind != "crosta" and component_number(what):
                users.setdefault((source, kind), []).append(product.name)
    lines = []
    for (source, kind), names in users.items():
        maps = ", ".join(dict.fromkeys(names))
        lines.append(f"{source}: components {_described(by_name[source], kind)} {maps}")
    return lines


def _described(imagery: Imagery, kind: str) -> str:
    """Word how components are taken of bands or indices."""
    bands = imagery.component_source(kind).bands
    of_bands = set(bands) <= set(imagery.bands.bands)
    scaling = imagery.scaling(kind)
    if of_bands:
        return f"of {len(bands)} bands ({scaling}), in"
    if scaling == "covariance":
        return f"literal, of {len(bands)} ratios as printed (covariance), in"
    return f"sound, of {len(bands)} logarithms of ratios without copies ({scaling} scaling), in"


def _left_out(name: str, imagery: Mapping[str, Imagery]) -> str:
    """Repeat which bands were set aside where features ask for what is not there."""
    sources = {part.strip().split(".")[0] for part in name.split("+")}
    notes = [n for s in sources if s in imagery for n in imagery[s].notes if "left out" in n]
    return f" ({'; '.join(notes)})" if notes else ""


def check_features(name: str, imagery: Mapping[str, Imagery]) -> None:
    """Check that a name of features can be served, without reading a pixel.

    Raises
    ------
    SettingsError
        There is no such imagery, band, index or component; the message lists those that exist.
    """
    for part in filter(None, (part.strip() for part in name.split("+"))):
        if part == COVARIATES:
            continue
        source, kind, what = split_name(part)
        if kind == "crosta" or source not in imagery:
            continue  # reported elsewhere
        bands = imagery[source].layer(kind).bands
        count = len(imagery[source].component_source(kind).bands)
        number = component_number(what)
        if what != "all" and what not in bands and not 1 <= (number or 0) <= count:
            near = get_close_matches(what, bands, 1)
            cure = f"Did you mean {near[0]!r}" if near else "Name one of them"
            allowed = f"pc1 to pc{count}, all, or one of {', '.join(bands)}"
            raise SettingsError(must(f"features {part!r}", allowed, repr(what), cure))


def _kind(source: str) -> str:
    return "indices" if source.endswith(".indices") else "bands"


KINDS = ("bands", "indices", "literal", "crosta")
COVARIATES = "covariates"
"""Feature name of the surveys' own covariates, which have no raster."""


def split_name(name: str) -> tuple[str, str, str]:
    """Split a feature name into imagery, "bands", "indices", "literal" or "crosta", and what.

    Raises
    ------
    SettingsError
        Features must be <imagery>.<what>.

    >>> split_name("aster.indices.pc2"), split_name("sentinel2.b11")
    (('aster', 'indices', 'pc2'), ('sentinel2', 'bands', 'b11'))
    """
    parts = name.split(".")
    if len(parts) == 2 and all(parts):
        return parts[0], "bands", parts[1]
    if len(parts) == 3 and parts[1] in KINDS and all(parts):
        return parts[0], parts[1], parts[2]
    cure = "For example indices.pc2, aster.indices.pc2 or sentinel2.b11"
    raise SettingsError(must("features", "<imagery>.<what>", repr(name), cure))


def component_number(what: str) -> int | None:
    """Read the number of a component.

    >>> component_number("pc2"), component_number("b11")
    (2, None)
    """
    return int(what[2:]) if what.startswith("pc") and what[2:].isdigit() else None
