"""Describe how alike two places are by the distance and direction between them.

One covariance serves variograms, kriging, simulation and the geostatistical model. Conventions are
those of R gstat: ``range_m`` is the parameter of the formula, along the direction of greatest
continuity; the nugget is a jump at h = 0. The practical range is the distance along that direction
at which 95 % of the sill is reached (spherical: all of it): 3 ranges for the exponential model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from gossan.arrays.array_type import Array
from gossan.errors import InputError, must
from gossan.geochem.covariance.anisotropy import Anisotropy
from gossan.geochem.covariance.kernels import (
    KIND_CODES,
    MATERN_3_2,
    MATERN_5_2,
    TABLE_LAST,
    TABLE_NODES,
    Packed,
    add_covariances,
    covariance_rows,
    matern_table,
)
from gossan.geochem.covariance.supports import (
    BetweenSupports,
    LagRule,
    fill_between,
    fill_slopes,
    fill_within,
)

__all__ = ["KINDS", "SMOOTH_KINDS", "Anisotropy", "CovarianceModel", "Kind", "Structure"]

Kind = Literal["spherical", "exponential", "gaussian", "matern", "stable"]
KINDS: tuple[str, ...] = get_args(Kind)
SMOOTH_KINDS = ("matern", "stable")
"""Kinds that have a smoothness."""
_PRACTICAL = {"spherical": 1.0, "exponential": 3.0, "gaussian": 3.0**0.5}


@dataclass(frozen=True)
class Structure:
    """One structure of a covariance.

    With u = h / range_m the correlation is

    - spherical: ``1 - 1.5 u + 0.5 u^3`` for u < 1, else 0
    - exponential: ``exp(-u)``
    - gaussian: ``exp(-u^2)``
    - matern: ``u^nu K_nu(u) / (2^(nu - 1) gamma(nu))`` with smoothness nu
    - stable (generalised exponential): ``exp(-u^s)`` with smoothness s

    Parameters
    ----------
    kind
        "spherical", "exponential", "gaussian", "matern" or "stable".
    sill
        Variance that this structure adds, in squared units of the values; >= 0.
    range_m
        Range parameter in metres (along the direction of greatest continuity); > 0.
    smoothness
        nu of the Matern model, 0.1 to 10; exponent of the stable model, above 0 to 2; other kinds
        ignore it.

    Raises
    ------
    InputError
        A parameter is outside its range.

    Examples
    --------
    >>> Structure("spherical", sill=0.59, range_m=897.0).practical_range_m
    897.0
    """

    kind: Kind
    sill: float
    range_m: float
    smoothness: float = 0.5

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(
                must("kind of structure", " | ".join(KINDS), repr(self.kind), "Use one of these")
            )
        if not (np.isfinite(self.sill) and self.sill >= 0):
            raise InputError(must("sill", "finite and >= 0", self.sill, "Use a variance"))
        if not (np.isfinite(self.range_m) and self.range_m > 0):
            raise InputError(must("range_m", "finite and > 0", self.range_m, "Use metres"))
        if self.kind == "stable":
            if not 0 < self.smoothness <= 2:
                raise InputError(
                    must("smoothness", "above 0 to 2", self.smoothness, "Use 1 or 1.5")
                )
        elif not 0.1 <= self.smoothness <= 10:
            raise InputError(
                must("smoothness", "from 0.1 to 10", self.smoothness, "Use 0.5, 1.5 or 2.5")
            )

    @property
    def practical_range_m(self) -> float:
        """Distance in metres at which the structure reaches 95 % of its sill (spherical: all)."""
        if self.kind in _PRACTICAL:
            return self.range_m * _PRACTICAL[self.kind]
        if self.kind == "stable":
            return float(self.range_m * 3.0 ** (1.0 / self.smoothness))
        if self.smoothness == 0.5:
            return 3.0 * self.range_m
        u = np.linspace(0.0, TABLE_LAST, TABLE_NODES) ** 2
        table = matern_table(self.smoothness)[:, 0]
        return self.range_m * float(np.interp(-0.05, -table, u))

    @property
    def is_smooth(self) -> bool:
        """Whether kriging systems without a nugget would be nearly singular."""
        return self.kind == "gaussian" or (self.kind in SMOOTH_KINDS and self.smoothness > 1.5)

    @property
    def _code(self) -> int:
        if self.kind == "matern":
            special = {0.5: KIND_CODES["exponential"], 1.5: MATERN_3_2, 2.5: MATERN_5_2}
            return special.get(self.smoothness, KIND_CODES["matern"])
        return KIND_CODES[self.kind]


@dataclass(frozen=True)
class CovarianceModel:
    """A nugget and nested structures, with one geometric anisotropy for all.

    ``gamma(h) = nugget + sum_s sill_s (1 - rho_s(h))`` for h > 0, and 0 at h = 0.

    Parameters
    ----------
    nugget
        Jump at h = 0, in squared units of the values; >= 0.
    structures
        One or more structures, or none for a pure nugget.
    anisotropy
        Direction and ratio, or None.

    Raises
    ------
    InputError
        The nugget is negative, or there is neither a nugget nor a structure.

    Examples
    --------
    >>> model = CovarianceModel(0.05, (Structure("spherical", 0.59, 897.0),))
    >>> model.sill
    0.64
    >>> model.semivariance([0.0, 448.5, 5000.0]).round(4)
    array([0.    , 0.4556, 0.64  ])
    """

    nugget: float
    structures: tuple[Structure, ...] = ()
    anisotropy: Anisotropy | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "structures", tuple(self.structures))
        if not (np.isfinite(self.nugget) and self.nugget >= 0):
            raise InputError(must("nugget", "finite and >= 0", self.nugget, "Use a variance"))
        if self.sill <= 0:
            raise InputError(must("sill", "above 0", self.sill, "Add a structure or a nugget"))

    @property
    def sill(self) -> float:
        """Nugget plus the sills of all structures."""
        return float(self.nugget + self.structured_sill)

    @property
    def structured_sill(self) -> float:
        """Sum of the sills of the structures, without the nugget."""
        return float(sum(s.sill for s in self.structures))

    @property
    def practical_range_m(self) -> float:
        """Longest practical range of the structures that matter, in metres (0: pure nugget)."""
        return max((s.practical_range_m for s in self.structures if s.sill > 0), default=0.0)

    @property
    def ratio(self) -> float:
        """Range across the direction of greatest continuity divided by the range along it."""
        return 1.0 if self.anisotropy is None else self.anisotropy.ratio

    @property
    def mean_practical_range_m(self) -> float:
        """Practical range as the geometric mean over directions, in metres."""
        return float(self.practical_range_m * np.sqrt(self.ratio))

    @cached_property
    def packed(self) -> Packed:
        """The structures as arrays for the kernels."""
        used = [s for s in self.structures if s.sill > 0]
        blank = np.zeros((1, 2))
        tables = [
            matern_table(s.smoothness) if s._code == KIND_CODES["matern"] else blank for s in used
        ]
        rows = max((len(t) for t in tables), default=1)
        stacked = np.zeros((len(used), rows, 2))
        for i, table in enumerate(tables):
            stacked[i, : len(table)] = table
        compact = all(s.kind == "spherical" for s in used)
        return Packed(
            np.array([s._code for s in used], dtype=np.int64),
            np.array([(s.sill, s.range_m, s.smoothness) for s in used]).reshape(-1, 3),
            stacked,
            self.structured_sill,
            max((s.range_m for s in used), default=0.0) if compact else float("inf"),
        )

    def covariance(self, distance: ArrayLike) -> Array:
        """Return the covariance at distances in metres (any shape); the whole sill at 0."""
        h = np.abs(np.asarray(distance, dtype=np.float64))
        flat = np.ascontiguousarray(h.ravel())
        out = np.zeros(flat.size)
        add_covariances(self.packed, flat, flat.size, out)
        out[flat == 0] += self.nugget
        out[np.isnan(flat)] = np.nan
        return out.reshape(h.shape)

    def semivariance(self, distance: ArrayLike) -> Array:
        """Return the semivariance at distances in metres (any shape); 0 at 0."""
        return self.sill - self.covariance(distance)

    def between(self, first: ArrayLike, second: ArrayLike, rule: LagRule | None = None) -> Array:
        """Return covariances (n, m) between places (n, 2) and (m, 2), without the nugget.

        Coordinates are easting and northing in metres; anisotropy is applied here. With a ``rule``
        the places are centres of squares (see ``lag_rule``), else points.
        """
        out = np.empty((len(np.asarray(first)), len(np.asarray(second))))
        if rule is None or rule.cutoff_m == 0.0:
            covariance_rows(self.turn(first), self.turn(second), self.packed, out)
        else:
            one, two = (np.ascontiguousarray(xy, np.float64) for xy in (first, second))
            fill_between(self.supported(rule), one, two, out)
        return out

    def among(self, places: ArrayLike, rule: LagRule) -> Array:
        """Return the symmetric covariances (n, n) of places (n, 2) of one support with themselves.

        Those of ``between(places, places, rule)`` in half the time.
        """
        own = np.ascontiguousarray(places, np.float64)
        out = np.empty((len(own), len(own)))
        fill_within(self.supported(rule), own, out)
        return out

    def within(self, rule: LagRule) -> float:
        """Return the mean covariance between the points of one support, without the nugget."""
        return float(self.between(np.zeros((1, 2)), np.zeros((1, 2)), rule)[0, 0])

    def with_slopes(
        self, places: Array, rule: LagRule, metric_slopes: Array
    ) -> tuple[Array, Array]:
        """Return covariances (n, n) of places (n, 2) and their derivatives (q, n, n).

        By the parameters of which ``metric_slopes`` (p, 3) are the derivatives of the metric, then
        by the logarithm of the smoothness where there is one to estimate.
        """
        value = np.empty((len(places), len(places)))
        change = np.empty((len(metric_slopes) + self.has_exponent, *value.shape))
        fill_slopes(
            self.supported(rule), metric_slopes, np.ascontiguousarray(places), value, change
        )
        return value, change

    def supported(self, rule: LagRule) -> BetweenSupports:
        """Return the model with the rule of a pair of supports, for kernels."""
        lags = np.concatenate([rule.near, rule.far])
        return BetweenSupports(self.packed, self.metric, lags, len(rule.near), rule.cutoff_m)

    @property
    def has_exponent(self) -> bool:
        """Whether a structure is stable: its exponent is a parameter with a derivative."""
        return any(s.kind == "stable" for s in self.structures)

    @property
    def metric(self) -> Array:
        """(m11, m12, m22) of the squared distance of a lag on the ground."""
        return (self.anisotropy or Anisotropy()).metric

    def turn(self, coordinates: ArrayLike) -> Array:
        """Return (n, 2) coordinates in which the model depends on distance alone."""
        if self.anisotropy is None:
            return np.ascontiguousarray(np.asarray(coordinates, dtype=np.float64))
        return self.anisotropy.turn(coordinates)

    def scaled(self, factor: float) -> CovarianceModel:
        """Multiply nugget and sills by ``factor``."""
        structures = tuple(replace(s, sill=s.sill * factor) for s in self.structures)
        return CovarianceModel(self.nugget * factor, structures, self.anisotropy)

    def __str__(self) -> str:
        parts = [f"nugget {self.nugget:.4g}"]
        for s in self.structures:
            name = f"{s.kind}({s.smoothness:.3g})" if s.kind in SMOOTH_KINDS else s.kind
            parts.append(f"{name} {s.sill:.4g} range {s.range_m:.0f} m")
        if self.anisotropy is not None and self.anisotropy.ratio < 1:
            a = self.anisotropy
            parts.append(f"ratio {a.ratio:.2f} along {a.azimuth_deg:.0f} deg")
        return ", ".join(parts)
