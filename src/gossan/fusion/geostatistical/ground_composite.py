"""Change of support where samples stand for ground of different size, such as catchments.

A composite of ``exp(y(x))`` over ground g has the logarithm ``mean(y) + v_g / 2``, v_g the variance
of y within g. As v differs from sample to sample, ``v_g / 2`` is taken off every sample before the
model is fitted, and put back where a sample of some ground is predicted; the map needs no shift.
v has the parts that ``support_change`` names: the spatial term, ``sigma2 (1 - C(g, g))``; the
features, ``tr(W E[beta beta'])`` with W their covariance over places drawn in g; and what
composites cannot show. The second moments are those of coefficients whose prior is one for features
as they vary on the ground; by priors for features as catchment means vary they would be too large.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.arrays.array_type import Array
from gossan.fusion.geostatistical.posterior import Mixture
from gossan.geo.grounds import Grounds

__all__ = ["DRAWN", "GroundComposite"]

DRAWN = 16
"""Places drawn in each sub-basin."""


@dataclass(frozen=True, eq=False)
class GroundComposite:
    """What is within the samples' ground, and the bias that follows.

    Parameters
    ----------
    grounds
        What the samples stand for.
    lognormal
        Whether samples are arithmetic means of what the working scale takes logarithms of.
    drawn
        (k, d) standardised features at places drawn in the sub-basins.
    basin
        (k,) sub-basin of each place.
    below
        Variance that composites cannot show.
    """

    grounds: Grounds = field(repr=False)
    lognormal: bool
    drawn: Array = field(repr=False)
    basin: NDArray[np.int_] = field(repr=False)
    below: float = 0.0

    def parts(self, mixture: Mixture, grounds: Grounds) -> dict[str, Array]:
        """Variance (n,) of points within each ground, by source."""
        spatial = np.zeros(len(grounds))
        for weight, member in zip(mixture.weights, mixture.members):
            sill = member.hyperparameters.covariance.structured_sill
            spatial += weight * (sill - member.field_.within(grounds))
        below = np.full(len(grounds), self.below)
        features = self._features(mixture.second_moment, grounds)
        return {"spatial": spatial, "features": features, "below": below}

    def _features(self, second_moment: Array, grounds: Grounds) -> Array:
        """Variance (n,) of ``z' b`` within each ground: ``E[z' M z] - E[z]' M E[z]``."""
        if not self.drawn.size or not second_moment.any():  # no feature explains anything
            return np.zeros(len(grounds))
        size, axes = np.linalg.eigh(second_moment)
        kept = size > 1e-9 * size[-1]
        told = self.drawn @ (axes[:, kept] * np.sqrt(size[kept]))
        square = self._basin_means((told**2).sum(axis=1)[:, None])
        mean = grounds.shares @ self._basin_means(told)
        whole = np.asarray(grounds.shares @ square)[:, 0] - (mean**2).sum(axis=1)
        return np.asarray(np.maximum(whole, 0.0))

    def _basin_means(self, values: Array) -> Array:
        """Average drawn values (k, c) by sub-basin: (s, c)."""
        count = self.grounds.basins.count
        found = np.bincount(self.basin, minlength=count)
        sums = [np.bincount(self.basin, column, count) for column in values.T]
        return np.stack(sums, axis=1) / np.maximum(found, 1)[:, None]

    def bias(self, mixture: Mixture, grounds: Grounds) -> Array:
        """Amount (n,) by which the logarithm of a composite exceeds the mean of logarithms."""
        if not self.lognormal:
            return np.zeros(len(grounds))
        return 0.5 * np.sum(list(self.parts(mixture, grounds).values()), axis=0)

    def shift(self, mixture: Mixture, target_m: float) -> float:
        """Amount to add to an estimate at a square: the model is one of points already."""
        return 0.0

    def added_variance(self, target_m: float) -> float:
        """Variance below the samples' support that a square of another size has."""
        return self.below if target_m <= 0.0 else 0.0

    def table(self, mixture: Mixture, target_m: float) -> pd.DataFrame:
        """Say the median area, and the median variance within the samples' ground by source."""
        parts = {f"variance_{k}": v for k, v in self.parts(mixture, self.grounds).items()}
        return pd.DataFrame(
            {
                "sample_support_m": [self.grounds.side_m],
                "target_support_m": [target_m],
                **{name: [float(np.median(value))] for name, value in parts.items()},
                "shift": [-float(np.median(self.bias(mixture, self.grounds)))],
            }
        )
