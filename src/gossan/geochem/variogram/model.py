"""Describe how alike two places are by the distance between them.

Conventions are those of R gstat: ``range_m`` is the parameter of the formula (the distance
at which the sill is reached for the spherical model only), the nugget is a jump at h = 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gossan.errors import InputError, must
from gossan.geochem.variogram.kernels import (
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

Kind = Literal["spherical", "exponential", "gaussian", "matern"]
KINDS: tuple[str, ...] = get_args(Kind)
# distance, in ranges, at which 95 % of the sill is reached
_PRACTICAL = {"spherical": 1.0, "exponential": 3.0, "gaussian": 3.0**0.5}


@dataclass(frozen=True)
class Structure:
    """One structure of a variogram.

    With u = h / range_m the correlation is

    - spherical: ``1 - 1.5 u + 0.5 u^3`` for u < 1, else 0
    - exponential: ``exp(-u)``
    - gaussian: ``exp(-u^2)``
    - matern: ``u^nu K_nu(u) / (2^(nu - 1) gamma(nu))`` with smoothness nu

    Parameters
    ----------
    kind
        "spherical", "exponential", "gaussian" or "matern".
    sill
        Variance that this structure adds, in squared units of the values; >= 0.
    range_m
        Range parameter in metres (along the direction of greatest continuity); > 0.
    smoothness
        nu of the Matern model, 0.1 to 10; other kinds ignore it.

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
            raise InputError(must("sill", "finite and >= 0", self.sill, "Give a variance"))
        if not (np.isfinite(self.range_m) and self.range_m > 0):
            raise InputError(must("range_m", "finite and > 0", self.range_m, "Give metres"))
        if not 0.1 <= self.smoothness <= 10:
            raise InputError(
                must("smoothness", "from 0.1 to 10", self.smoothness, "Use 0.5, 1.5 or 2.5")
            )

    @property
    def practical_range_m(self) -> float:
        """Distance in metres at which the structure reaches 95 % of its sill (spherical: all)."""
        if self.kind in _PRACTICAL:
            return self.range_m * _PRACTICAL[self.kind]
        if self.smoothness == 0.5:
            return 3.0 * self.range_m
        u = np.linspace(0.0, TABLE_LAST, TABLE_NODES) ** 2
        table = matern_table(self.smoothness)[:, 0]
        return self.range_m * float(np.interp(-0.05, -table, u))

    @property
    def _code(self) -> int:
        if self.kind == "matern":
            special = {0.5: KIND_CODES["exponential"], 1.5: MATERN_3_2, 2.5: MATERN_5_2}
            return special.get(self.smoothness, KIND_CODES["matern"])
        return KIND_CODES[self.kind]


@dataclass(frozen=True)
class Anisotropy:
    """Stretch distances so that continuity is the same in every direction.

    ``h = sqrt(major^2 + (minor / ratio)^2)`` with the parts of the separation along and
    across the direction of greatest continuity.

    Parameters
    ----------
    azimuth_deg
        Direction of greatest continuity, degrees clockwise from north.
    ratio
        Range across divided by range along; in (0, 1].

    Examples
    --------
    >>> Anisotropy(azimuth_deg=90.0, ratio=0.5).turn([[100.0, 0.0], [0.0, 100.0]]).round(6)
    array([[ 100.,    0.],
           [   0., -200.]])
    """

    azimuth_deg: float = 0.0
    ratio: float = 1.0

    def __post_init__(self) -> None:
        if not (0 < self.ratio <= 1):
            raise InputError(
                must("ratio", "in (0, 1]", self.ratio, "Turn azimuth_deg by 90 and invert it")
            )
        if not np.isfinite(self.azimuth_deg):
            raise InputError(must("azimuth_deg", "finite", self.azimuth_deg, "Give degrees"))

    @property
    def matrix(self) -> NDArray[np.float64]:
        """(2, 2): rows give the parts along and (stretched) across from (easting, northing)."""
        angle = np.deg2rad(self.azimuth_deg)
        along = [np.sin(angle), np.cos(angle)]
        across = [np.cos(angle) / self.ratio, -np.sin(angle) / self.ratio]
        return np.array([along, across])

    def turn(self, coordinates: ArrayLike) -> NDArray[np.float64]:
        """Return (n, 2) coordinates in which distance is isotropic, from easting and northing."""
        xy = np.asarray(coordinates, dtype=np.float64)
        if self.ratio == 1.0:
            return np.ascontiguousarray(xy)
        return np.ascontiguousarray(xy @ self.matrix.T)


@dataclass(frozen=True)
class VariogramModel:
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
    >>> model = VariogramModel(0.05, (Structure("spherical", 0.59, 897.0),))
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
            raise InputError(must("nugget", "finite and >= 0", self.nugget, "Give a variance"))
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
            np.array([s.sill for s in used], dtype=np.float64),
            np.array([s.range_m for s in used], dtype=np.float64),
            stacked,
            max((s.range_m for s in used), default=0.0) if compact else float("inf"),
        )

    def covariance(self, distance: ArrayLike) -> NDArray[np.float64]:
        """Return the covariance at distances in metres (any shape); the whole sill at 0."""
        h = np.abs(np.asarray(distance, dtype=np.float64))
        flat = np.ascontiguousarray(h.ravel())
        out = np.zeros(flat.size)
        add_covariances(self.packed, flat, flat.size, out)
        out[flat == 0] += self.nugget
        out[np.isnan(flat)] = np.nan
        return out.reshape(h.shape)

    def semivariance(self, distance: ArrayLike) -> NDArray[np.float64]:
        """Return the semivariance at distances in metres (any shape); 0 at 0."""
        return self.sill - self.covariance(distance)

    def between(self, first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
        """Return covariances (n, m) between places (n, 2) and (m, 2), without the nugget.

        Coordinates are easting and northing in metres; anisotropy is applied here.
        """
        out = np.empty((len(np.asarray(first)), len(np.asarray(second))))
        covariance_rows(self.turn(first), self.turn(second), self.packed, out)
        return out

    def turn(self, coordinates: ArrayLike) -> NDArray[np.float64]:
        """Return (n, 2) coordinates in which the model depends on distance alone."""
        if self.anisotropy is None:
            return np.ascontiguousarray(np.asarray(coordinates, dtype=np.float64))
        return self.anisotropy.turn(coordinates)

    def scaled(self, factor: float) -> VariogramModel:
        """Multiply nugget and sills by ``factor``."""
        structures = tuple(
            Structure(s.kind, s.sill * factor, s.range_m, s.smoothness) for s in self.structures
        )
        return VariogramModel(self.nugget * factor, structures, self.anisotropy)

    def __str__(self) -> str:
        parts = [f"nugget {self.nugget:.4g}"]
        for s in self.structures:
            name = f"matern({s.smoothness:.3g})" if s.kind == "matern" else s.kind
            parts.append(f"{name} {s.sill:.4g} range {s.range_m:.0f} m")
        if self.anisotropy is not None and self.anisotropy.ratio < 1:
            a = self.anisotropy
            parts.append(f"ratio {a.ratio:.2f} along {a.azimuth_deg:.0f} deg")
        return ", ".join(parts)
