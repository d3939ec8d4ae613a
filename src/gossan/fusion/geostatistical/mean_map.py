"""The estimate alone of a geostatistical model at pixels, for means of several models."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.array_type import Block
from gossan.fusion.geostatistical.curves import KNOTS, add_terms
from gossan.fusion.geostatistical.model import Geostatistical
from gossan.fusion.geostatistical.standard_features import StandardFeatures
from gossan.fusion.lattice import lattice_over, lattice_step, smooth_layer
from gossan.fusion.pixel_features import PixelFeatures
from gossan.geo.grid import Grid
from gossan.geo.layer import Layer

__all__ = ["MeanMap"]


@dataclass(frozen=True, eq=False)
class MeanMap:
    """Level and spatial term from a lattice, plus what the features add.

    Without a standard error a pixel costs one product a feature and one table look-up a curve. The
    lattice is not corrected near samples: the spatial term is smooth there but for a cusp that
    one lattice step blurs.

    Parameters
    ----------
    standard
        How the features are standardised, and their curves.
    slopes
        Coefficients of the standardised features and of the curves' columns.
    place
        Layer of one band: level, spatial term and the correction for a pixel's support.
    """

    standard: StandardFeatures = field(repr=False)
    slopes: NDArray[np.float64] = field(repr=False)
    place: Layer

    @classmethod
    def of(cls, model: Geostatistical, grid: Grid) -> MeanMap:
        """Prepare the map of a fitted model."""
        mixture, xy = model.mixture_, model.points_.coordinates
        ranges = [m.hyperparameters.covariance.mean_practical_range_m for m in mixture.members]
        lattice = lattice_over(grid, lattice_step(xy, min(ranges), grid))
        nodes = lattice.centres()
        parts = [
            weight * member.split(member.field_.at(nodes))[0]
            for weight, member in zip(mixture.weights, mixture.members)
        ]
        trend = np.sum(parts, axis=0) + model.composite_.shift(mixture, 0.0)
        place = smooth_layer(lattice, trend.reshape(1, *lattice.shape), ("level",), grid)
        return cls(model.standard_, mixture.slopes, place)

    def at_pixels(self, pixels: PixelFeatures) -> Block:
        """Return the estimate (height, width) at the pixels of a window."""
        total: Block = self.place.read(pixels.window)[0]
        standard, count = self.standard, len(self.standard.used)
        if count:
            bends = np.zeros((count, KNOTS - 1), np.float32)
            level = np.float32(0.0)
            if standard.curves is not None:
                bends, level = standard.curves.bends(self.slopes[count:])
            features = standard.used, *standard.in_single
            slopes = self.slopes[:count].astype(np.float32)
            add_terms(pixels.flat, features, slopes, bends, level, total.reshape(-1))
        return total
