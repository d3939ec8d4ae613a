"""Layers of alteration indices, as printed and prepared for principal components."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.expressions import Expression
from gossan.arrays.formulas import Formulas
from gossan.catalogue.indices import SETS, Index, choose_indices
from gossan.errors import ImageryError, must
from gossan.geo.layer import Layer, MappedLayer

SAME = 1e-9
"""Two indices whose values at random bands correlate to within this of +-1 are copies."""


@dataclass(frozen=True)
class IndexChoice:
    """The indices that a stack of bands allows, and those it does not.

    Attributes
    ----------
    formulas
        Name and checked formula of each index, in order.
    lacking
        Name and missing bands of each index of a set that cannot be had.
    dropped
        Name of each copy left out, and of the index that it copies.
    """

    formulas: tuple[tuple[str, Expression], ...]
    lacking: tuple[tuple[str, tuple[str, ...]], ...] = ()
    dropped: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the indices to be had."""
        return tuple(name for name, _ in self.formulas)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out and why, a line each."""
        listed = ", ".join(f"{name} (needs {' '.join(bands)})" for name, bands in self.lacking)
        count = "1 index" if len(self.lacking) == 1 else f"{len(self.lacking)} indices"
        return (
            *((f"{count} cannot be had: {listed}",) if listed else ()),
            *(f"index {name!r} copies {other!r}" for name, other in self.dropped),
        )


@dataclass(frozen=True)
class Indices:
    """Evaluate formulas over (band, row, column) values; pickles as text.

    With ``logs`` the logarithm of each formula that is positive over positive bands is given: a
    ratio and its reciprocal then weigh the same.
    """

    bands: tuple[str, ...]
    formulas: tuple[Expression, ...]
    logs: tuple[bool, ...] = ()

    def __call__(self, values: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return (index, row, column); empty where a band is, or a denominator is not positive."""
        logs = np.zeros(len(self.formulas), np.bool_)
        logs[: len(self.logs)] = self.logs
        result = Formulas.of(self.formulas, self.bands)(values, positive=logs)
        for number in np.flatnonzero(logs):
            np.log(result[number], out=result[number])
        return result


@dataclass(frozen=True)
class Catalogue:
    """Name a catalogue of indices and say which band of an imagery stands for each of its bands.

    Attributes
    ----------
    sensor
        ``aster``, ``sentinel2``, ``roles`` (blue ... swir2), or ``bands`` (none).
    bands
        Band of the imagery by band of the catalogue; empty when both are called the same.
    """

    sensor: str
    bands: Mapping[str, str] = field(default_factory=dict)

    def choose(self, words: Sequence[str]) -> list[tuple[Index, Expression, tuple[str, ...]]]:
        """List indices with their formula over the imagery's bands, and what stays unknown."""
        if self.sensor == "bands":
            return []
        found = []
        for index in choose_indices(self.sensor, words):
            lacking = tuple(b for b in index.bands if self.bands and b not in self.bands)
            found.append((index, index.expression.renamed(self.bands), lacking))
        return found


def available_indices(
    catalogue: Catalogue | str,
    words: Sequence[str],
    bands: Sequence[str],
    formulas: Mapping[str, str] | None = None,
) -> IndexChoice:
    """Choose the indices that the bands allow.

    Parameters
    ----------
    catalogue
        The catalogue, or the sensor whose catalogue it is (``bands``: only ``formulas``).
    words
        Names and set words (``paper``, ``printed``, ``mineral``, ``all``). A member of a set whose
        bands are missing is left out and reported; an index asked by name must be possible.
    bands
        Bands at hand.
    formulas
        Indices of your own by name.

    Raises
    ------
    SettingsError
        An unknown index or a formula that is none.
    ImageryError
        An index asked by name needs a band that is not there.

    >>> found = available_indices("aster", ["paper"], [f"b{i}" for i in range(1, 10)])
    >>> len(found.formulas), found.lacking[0]
    (13, ('carbonate_tir', ('b13', 'b14')))
    """
    chosen: dict[str, Expression] = {}
    lacking = []
    known = Catalogue(catalogue) if isinstance(catalogue, str) else catalogue
    for index, expression, unknown in known.choose(words):
        missing = unknown or tuple(band for band in expression.names if band not in bands)
        if missing and index.name in words:
            raise _needs(index.name, missing, bands)
        if missing:
            lacking.append((index.name, missing))
        else:
            chosen[index.name] = expression
    for name, text in (formulas or {}).items():
        formula = Expression(text)
        missing = tuple(band for band in formula.names if band not in bands)
        if missing:
            raise _needs(name, missing, bands)
        chosen[name] = formula
    return IndexChoice(tuple(chosen.items()), tuple(lacking))


def _needs(name: str, missing: Sequence[str], bands: Sequence[str]) -> ImageryError:
    return ImageryError(
        must(
            f"index {name!r}",
            f"given {', '.join(missing)}",
            f"bands {', '.join(bands)}",
            f"Add those bands, or leave the index out ({', '.join(SETS)} leave it out)",
        )
    )


def index_layer(layer: Layer, choice: IndexChoice) -> Layer:
    """Return a layer of indices of the bands of a layer, as printed.

    >>> from gossan.geo.grid import Grid
    >>> from gossan.geo.layer import ArrayLayer
    >>> grid = Grid.from_bounds(32638, (0, 0, 30, 10), 10)
    >>> bands = ArrayLayer(grid, ("b1", "b2"), np.array([[[0.1, 0.2, 0.0]], [[0.3, 0.3, 0.3]]]))
    >>> found = index_layer(bands, available_indices("aster", ["ferric_iron"], bands.bands))
    >>> found.bands, found.read(grid.whole).round(2).tolist()
    (('ferric_iron',), [[[3.0, 1.5, nan]]])
    """
    return MappedLayer(layer, _indices(layer, choice), choice.names)


def component_indices(layer: Layer, choice: IndexChoice) -> Layer:
    """Return a layer of indices for principal components: logarithms, without copies.

    Formulas that can be negative (normalised differences) stay as they are. Scale the result
    robustly (``fit_components(..., "robust")``): a few wild ratios then do not make the axes.
    """
    kept = without_copies(choice)
    logs = tuple(bool((_trial(formula) > 0).all()) for _, formula in kept.formulas)
    return MappedLayer(layer, _indices(layer, kept, logs), kept.names)


def without_copies(choice: IndexChoice) -> IndexChoice:
    """Drop exact copies, multiples and reciprocals; the first of each kind stays.

    Found by evaluating the formulas at random positive bands: in logarithms, copies and
    reciprocals correlate by exactly +-1.

    >>> kept = without_copies(available_indices("aster", ["sio2", "basic_degree"], ["b12", "b13"]))
    >>> kept.names, kept.dropped
    (('sio2',), (('basic_degree', 'sio2'),))
    """
    kept: list[tuple[str, Expression]] = []
    shapes: list[NDArray[np.float64]] = []
    dropped = list(choice.dropped)
    for name, formula in choice.formulas:
        shape = _shape(_trial(formula))
        same = [k for k, other in enumerate(shapes) if abs(abs(shape @ other) - 1) < SAME]
        if same:
            dropped.append((name, kept[same[0]][0]))
        else:
            kept.append((name, formula))
            shapes.append(shape)
    return IndexChoice(tuple(kept), choice.lacking, tuple(dropped))


def _indices(layer: Layer, choice: IndexChoice, logs: tuple[bool, ...] = ()) -> Indices:
    if not choice.formulas:
        raise ImageryError(
            must(
                "indices",
                "possible with the bands at hand",
                f"none with {', '.join(layer.bands)}",
                "Add bands, or leave the indices out",
            )
        )
    return Indices(layer.bands, tuple(formula for _, formula in choice.formulas), logs)


def _trial(formula: Expression) -> NDArray[np.float64]:
    """Evaluate a formula at 64 random reflectances, the same for a band in every formula."""
    bands = {
        name: np.random.default_rng(list(name.encode())).uniform(0.05, 0.8, 64)
        for name in formula.names
    }
    return np.asarray(formula(bands), np.float64) * np.ones(64)


def _shape(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Centre and normalise, in logarithms where all are positive."""
    found = np.log(values) if (values > 0).all() else np.nan_to_num(values)
    found = found - found.mean()
    length = float(np.sqrt(found @ found))
    return found / length if length > 0 else found
