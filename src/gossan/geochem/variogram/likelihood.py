"""Fit variograms by restricted maximum likelihood."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError
from scipy.optimize import minimize

from gossan.arrays.array_type import Array
from gossan.errors import FitError
from gossan.geochem.covariance.dense import ExactSamples
from gossan.geochem.covariance.model import Anisotropy, CovarianceModel, Structure
from gossan.geochem.covariance.restricted_likelihood import coefficients
from gossan.geochem.covariance.vecchia import NearestSamples
from gossan.geochem.variogram.least_squares import FittedForm
from gossan.geochem.variogram.limits import UNLIMITED, Limits

EXACT_UP_TO = 600
PREVIOUS = 30
MOST_TERMS = 5000
JITTER = 1e-10
# share of the nugget below which a smooth model makes singular systems
_MOST_RELATIVE = {True: math.log(1e3), False: 12.0}


@dataclass(frozen=True, eq=False)
class RestrictedLikelihood:
    """Evaluate the restricted likelihood of covariance models for one set of samples.

    With K the covariance of the samples, F the drift and the total sill at its best value::

        -2 l = (n - p)(1 + log(2 pi s2)) + log|K| + log|F' K^-1 F|
        s2 = (z - F beta)' K^-1 (z - F beta) / (n - p)

    Known errors e of the samples stand on the diagonal as they are, ``s2 K + diag(e)``, and the
    total sill s2 is then one more parameter of the search.

    Exact to 600 samples. Above, each sample is conditioned on its 30 nearest predecessors
    (``NearestSamples``), and above 5,000 samples only 5,000 of the conditional densities count.

    Parameters
    ----------
    samples
        What turns a covariance into sums.
    columns
        (n, p + 1) drift functions and values, [F, z].
    errors
        (n,) variance of each sample's known error.

    Source: Patterson and Thompson (1971); Vecchia (1988).
    """

    samples: ExactSamples | NearestSamples
    columns: Array
    errors: Array | float = 0.0

    @classmethod
    def of(
        cls, coordinates: Array, values: Array, drift: Array, errors: Array | None = None
    ) -> RestrictedLikelihood:
        """Prepare samples (n, 2), values, drift functions (n, p), of which 1 is one, and errors."""
        columns = np.column_stack([drift, values - values.mean()])
        known = 0.0 if errors is None else errors
        if len(values) <= EXACT_UP_TO:
            return cls(ExactSamples(coordinates), columns, known)
        return cls(NearestSamples.of(coordinates, 0.0, PREVIOUS, MOST_TERMS), columns, known)

    @property
    def has_errors(self) -> bool:
        """Whether an error is known, so that the total sill has no closed form."""
        return bool(np.any(self.errors))

    def minus_twice(
        self, model: CovarianceModel, most_sill: float = math.inf
    ) -> tuple[float, float]:
        """-2 l and the best factor on nugget and sills, of a total sill up to ``most_sill``.

        Where errors are known the factor is 1, or less to keep the limit.
        """
        top = min(model.sill, most_sill)
        unit = model.scaled(1.0 / model.sill)
        noise = np.full(len(self.columns), unit.nugget + JITTER) + self.errors / top
        try:
            gram, log_det = self.samples.plain_sums(unit, noise, self.columns)
            found = coefficients(gram, np.zeros(0))
        except (FitError, LinAlgError):
            return 1e300, 1.0
        free = self.samples.count - (len(gram) - 1)
        variance = found.misfit / free
        sill = top if self.has_errors else min(variance, most_sill)
        value = free * (variance / sill + math.log(2 * math.pi * sill)) + log_det + found.logdet
        return value, sill / model.sill


def fit_likelihood(
    likelihood: RestrictedLikelihood,
    start: FittedForm,
    *,
    directional: bool = False,
    limits: Limits = UNLIMITED,
) -> FittedForm:
    """Improve a candidate's nugget, sills and ranges (and direction) by restricted likelihood.

    The candidate's form is kept; with ``directional`` a geometric anisotropy is estimated
    too, from the best of eight starting directions. ``limits`` bound the practical range
    and the sill. The result's misfit is -2 log likelihood and its criterion Akaike's.

    Source: Pardo-Iguzquiza (1997), Math. Geol. 29.
    """
    spread = float(np.hypot(*np.ptp(likelihood.samples.coordinates, axis=0)))
    model, given = start.model, start.model.anisotropy

    def decode(x: Array) -> CovarianceModel:
        if size is None:
            return _decode(x, model, given)
        return _decode(x[:-1], model, given).scaled(math.exp(float(np.clip(x[-1], -50, 50))))

    def objective(x: Array) -> float:
        trial = decode(x)
        ranges = [s.range_m for s in trial.structures]
        if min(ranges, default=1.0) < 1e-4 * spread or max(ranges, default=0.0) > 3 * spread:
            return 1e300
        if trial.practical_range_m > limits.practical_range_m * (1 + 1e-9):
            return 1e300
        return likelihood.minus_twice(trial, limits.sill)[0]

    azimuths = np.arange(0.0, 180.0, 22.5) if directional else [None]
    size = math.log(model.sill) if likelihood.has_errors else None
    starts = [_encode(model, azimuth, size) for azimuth in azimuths]
    x0 = min(starts, key=objective) if directional else starts[0]
    found = minimize(
        objective,
        x0,
        method="Nelder-Mead",
        options={"initial_simplex": _simplex(x0), "xatol": 1e-3, "fatol": 1e-4, "maxfev": 500},
    )
    fitted = decode(found.x)
    value, factor = likelihood.minus_twice(fitted, limits.sill)
    parameters = start.parameters + 2 * directional
    return FittedForm(
        start.name, fitted.scaled(factor), value, parameters, value + 2.0 * parameters
    )


def _encode(model: CovarianceModel, azimuth: float | None, size: float | None) -> Array:
    # log ranges, then log shares of sill against the nugget, then direction, then log total sill
    floor = 0.02 * model.sill
    nugget = max(model.nugget, floor)
    x = [math.log(s.range_m) for s in model.structures]
    x += [math.log(max(s.sill, floor) / nugget) for s in model.structures]
    if azimuth is not None:
        x += [azimuth / 45.0, 0.0]
    if size is not None:
        x += [size]
    return np.array(x)


def _decode(x: Array, model: CovarianceModel, given: Anisotropy | None) -> CovarianceModel:
    m = len(model.structures)
    smooth = any(s.is_smooth for s in model.structures)
    relative = np.exp(np.clip(x[m : 2 * m], -12.0, _MOST_RELATIVE[smooth]))
    nugget = 1.0 / (1.0 + relative.sum())
    anisotropy = given
    if len(x) > 2 * m:
        ratio = 0.05 + 0.95 / (1.0 + math.exp(-float(np.clip(x[2 * m + 1], -30, 30))))
        anisotropy = Anisotropy(float(x[2 * m] * 45.0) % 180.0, min(ratio, 1.0))
    structures = tuple(
        Structure(s.kind, float(r * nugget), float(np.exp(np.clip(v, -20, 30))), s.smoothness)
        for s, r, v in zip(model.structures, relative, x[:m])
    )
    return CovarianceModel(float(nugget), structures, anisotropy)


def _simplex(x0: Array) -> Array:
    return np.vstack([x0, x0 + 0.5 * np.eye(len(x0))])
