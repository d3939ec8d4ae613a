"""Find a mineral by the Crosta technique: components of four bands, one chosen by its loadings.

Crosta & Moore 1989; Loughlin 1991; for ASTER: Crosta, De Souza Filho, Azevedo & Brodie 2003.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gossan.catalogue.crosta import CrostaSet, find_crosta_set
from gossan.errors import ImageryError, must
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Window
from gossan.geo.layer import Layer, OnSourceGrid, SelectedLayer
from gossan.imagery.components import ComponentLayer, fit_components

NEAR = 0.8
"""Share of the greatest contrast from which components count as equally good."""


@dataclass(frozen=True)
class CrostaLayer(OnSourceGrid):
    """See the component that shows a mineral: one band, bright where the mineral is.

    Attributes
    ----------
    source
        Components of the set's bands, with the chosen one selected.
    chosen
        The set.
    sign
        +1, or -1 where the component had to be turned over.
    contrast
        -(loading of high)(loading of low) of the component; 0.5 at most, below 0.05 doubtful.
    """

    source: ComponentLayer
    chosen: CrostaSet
    sign: int
    contrast: float

    @property
    def bands(self) -> tuple[str, ...]:
        """The mineral."""
        return (self.chosen.name,)

    @property
    def reading(self) -> str:
        """Say in one line what was chosen, and why."""
        loadings = dict(zip(self.chosen.bands, self.sign * self._loadings()))
        high = " ".join(f"{name} {loadings[name]:+.2f}" for name in self.chosen.high)
        low = " ".join(f"{name} {loadings[name]:+.2f}" for name in self.chosen.low)
        doubt = "" if self.contrast >= 0.05 else " (weak: doubtful)"
        return f"{self.chosen.name}: {self.source.bands[0]} sets {high} against {low}{doubt}"

    def _loadings(self) -> NDArray[np.float64]:
        number = self.source.components.names.index(self.source.bands[0])
        found: NDArray[np.float64] = self.source.components.loadings[number]
        return found

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read the component the right way up."""
        return self.source.read(window) * np.float32(self.sign)


def crosta(
    layer: Layer, mineral: CrostaSet | str, sensor: str = "aster", *, blocks: Blocks | None = None
) -> CrostaLayer:
    """Find the component that shows a mineral, by the sign and size of its loadings.

    Among the components of the set's bands (covariance), take the one with the greatest
    ``-(mean loading of high bands) (mean loading of low bands)``, turned so that the high bands
    load positively. Of components within a fifth of the best, the one of least variance is taken:
    it holds less of what all rocks differ in.

    Parameters
    ----------
    layer
        Reflectance that holds the set's bands; masked ground takes no part.
    mineral
        A set, or the name of one in the catalogue of ``sensor``.
    blocks
        The engine.

    Raises
    ------
    ImageryError
        The layer lacks a band, or no component sets the two kinds of bands against each other.
    """
    found = find_crosta_set(sensor, mineral) if isinstance(mineral, str) else mineral
    lacking = [name for name in found.bands if name not in layer.bands]
    if lacking:
        raise ImageryError(
            must(
                f"Crosta set {found.name!r}",
                f"given bands {', '.join(found.bands)}",
                f"none called {', '.join(lacking)}",
                "Add the bands, or leave the set out",
            )
        )
    fitted = fit_components(SelectedLayer(layer, found.bands), blocks=blocks)
    number, sign, contrast = choose_component(
        fitted.components.loadings,
        [found.bands.index(name) for name in found.high],
        [found.bands.index(name) for name in found.low],
    )
    if contrast <= 0:
        raise ImageryError(
            must(
                f"Crosta set {found.name!r}",
                "contrasted by some component",
                "none",
                "The scene does not show this mineral; leave the set out",
            )
        )
    return CrostaLayer(fitted.select((fitted.bands[number],)), found, sign, contrast)


def choose_component(
    loadings: NDArray[np.float64], high: list[int], low: list[int]
) -> tuple[int, int, float]:
    """Choose a component by its loadings (components, bands): number, sign, contrast.

    >>> choose_component(np.array([[0.5, 0.5, 0.7], [0.6, -0.7, 0.3]]), [1], [0])
    (1, -1, 0.42)
    """
    above, below = loadings[:, high].mean(axis=1), loadings[:, low].mean(axis=1)
    contrast = -above * below
    rivals = np.flatnonzero(contrast >= NEAR * contrast.max())
    best = int(rivals[-1]) if contrast.max() > 0 else int(contrast.argmax())
    return best, 1 if above[best] > 0 else -1, round(float(contrast[best]), 12)
