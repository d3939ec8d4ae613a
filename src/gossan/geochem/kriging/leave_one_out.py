"""Check a variogram by leaving out each sample in turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gossan.arrays.array_type import Array
from gossan.geochem.covariance.model import CovarianceModel
from gossan.geochem.kriging.estimator import Kriging


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """What kriging says of each sample from the others.

    Parameters
    ----------
    observed, estimate, variance
        Each (n,), on the working scale.
    """

    observed: Array
    estimate: Array
    variance: Array

    def subset(self, rows: NDArray[np.bool_]) -> CrossValidation:
        """Keep some of the samples."""
        return CrossValidation(self.observed[rows], self.estimate[rows], self.variance[rows])

    @property
    def rmse(self) -> float:
        """Root mean square error."""
        return float(np.sqrt(np.nanmean((self.observed - self.estimate) ** 2)))

    @property
    def bias(self) -> float:
        """Mean of estimate less observed."""
        return float(np.nanmean(self.estimate - self.observed))

    @property
    def standardised_variance(self) -> float:
        """Mean of squared error over variance: 1 for a variogram that tells its errors."""
        return float(np.nanmean((self.observed - self.estimate) ** 2 / self.variance))

    @property
    def score(self) -> float:
        """Mean logarithmic score (nats; smaller is better) of the normal density."""
        error = (self.observed - self.estimate) ** 2 / self.variance
        return float(np.nanmean(0.5 * (error + np.log(2 * np.pi * self.variance))))


def cross_validate(
    coordinates: ArrayLike,
    values: ArrayLike,
    variogram: CovarianceModel,
    *,
    errors: ArrayLike | None = None,
    neighbours: int = 32,
    **options: Any,
) -> CrossValidation:
    """Estimate each sample from the others by kriging.

    The variance is that of a new sample: the nugget and the sample's known error are part of it.
    Samples at the very same place are merged first, as in kriging.

    Parameters
    ----------
    coordinates
        (n, 2) easting and northing in metres.
    values
        (n,) on the working scale; NaN is left out.
    variogram
        The model to check.
    errors
        (n,) variance of each sample's known error.
    neighbours
        Most samples that each is estimated from.
    options
        Further options of ``Kriging``, such as ``method``.

    Examples
    --------
    >>> from gossan.geochem.variogram.fitting import Structure
    >>> model = CovarianceModel(0.0, (Structure("spherical", 1.0, 500.0),))
    >>> places = np.column_stack([np.arange(5) * 100.0, np.zeros(5)])
    >>> cross_validate(places, [1.0, 1.0, 1.0, 1.0, 1.0], model).rmse
    0.0

    Source: Dubrule (1983), Math. Geol. 15; Gneiting and Raftery (2007) for the score.
    """
    kriging = Kriging(variogram, neighbours=neighbours, **options)
    return check_of(kriging.fit(coordinates, values, errors))


def check_of(kriging: Kriging) -> CrossValidation:
    """Leave out each sample of a fitted kriging in turn; its known error is in the variance."""
    estimate, variance = kriging.leave_one_out()
    return CrossValidation(kriging.values_, estimate, variance + kriging.errors_)
