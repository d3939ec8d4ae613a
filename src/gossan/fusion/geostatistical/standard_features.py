"""Features made comparable: mean 0 and deviation 1 over the samples, gaps told apart."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.array_type import Array
from gossan.fusion.geostatistical.curves import Curves

__all__ = ["StandardFeatures"]

_FLAT = 1e-3


@dataclass(frozen=True, eq=False)
class StandardFeatures:
    """Shift and scale features as the samples have them.

    A feature that does not vary over the samples (less than a thousandth of what its band does in
    the first group) is left out, as no coefficient can be learnt for it.

    Parameters
    ----------
    used
        (d,) numbers of the features in use.
    mean, deviation
        (d,) over the samples.
    group
        (d,) group of each, renumbered from 0.
    alike
        (d, d) second moments of the standardised features, gaps as 0: their correlation.
    curves
        Columns of additive curves that follow the standardised features as one more group, if any.
    """

    used: NDArray[np.int_]
    mean: Array
    deviation: Array
    group: NDArray[np.int_]
    alike: Array = field(repr=False)
    curves: Curves | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls, values: Array, group: NDArray[np.int_], ground: Array | None = None
    ) -> StandardFeatures:
        """Learn from the samples' features (n, f), NaN where empty, in groups (f,).

        ``ground`` (k, f) are the features at places of the ground that the samples stand for; the
        deviation is then theirs. Means over catchments differ little in what averages out within
        them, and a coefficient of one such deviation would be a wild one at the pixels.

        >>> values = np.array([[1.0, 5.0], [3.0, 5.0], [np.nan, 5.0]])
        >>> found = StandardFeatures.of(values, np.array([0, 0]))
        >>> found.used.tolist(), found(values)[0].ravel().tolist()
        ([0], [-1.0, 1.0, 0.0])
        """
        count = np.isfinite(values).sum(axis=0)
        mean, off, deviation = _spread(values)
        bands = int((group == group[0]).sum()) if len(group) else 0
        paired = bands > 0 and len(group) % bands == 0
        own = np.tile(deviation[:bands], len(group) // bands) if paired else deviation
        least = np.maximum(_FLAT * own, 1e-9 * np.abs(mean))
        used = np.flatnonzero((count > 1) & (deviation > least))
        chosen = off[:, used]
        if ground is not None:
            _, chosen, wide = _spread(ground[:, used])
            deviation[used] = np.maximum(wide, deviation[used])
        chosen = chosen / deviation[used]
        _, renumbered = np.unique(group[used], return_inverse=True)
        alike = chosen.T @ chosen / max(len(chosen), 1)
        return cls(used, mean[used], deviation[used], renumbered.astype(np.int64), alike)

    def __call__(self, values: Array) -> tuple[Array, NDArray[np.bool_]]:
        """Standardise (n, f): (n, d) with 0 in gaps, and where the gaps are."""
        raw = values[:, self.used]
        gaps = ~np.isfinite(raw)
        design = np.where(gaps, 0.0, (raw - self.mean) / self.deviation)
        if self.curves is None:
            return design, gaps
        some = np.asarray(gaps.any(axis=1))[:, None]
        added = np.where(some, 0.0, self.curves(design))
        lost = np.repeat(some, added.shape[1], axis=1)
        return np.hstack([design, added]), np.hstack([gaps, lost])

    def with_curves(self, values: Array) -> StandardFeatures:
        """Add the columns of additive curves of the samples' features (n, f)."""
        design, gaps = self(values)
        curved = replace(self, curves=Curves.of(design[~gaps.any(axis=1)]))
        whole = curved(values)[0]
        added = np.full(whole.shape[1] - design.shape[1], self.group.max() + 1)
        alike = whole.T @ whole / len(whole)
        return replace(curved, group=np.concatenate([self.group, added]), alike=alike)

    @property
    def in_single(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean and 1 / deviation (d,) in single precision."""
        return self.mean.astype(np.float32), (1.0 / self.deviation).astype(np.float32)

    @property
    def fingerprint(self) -> bytes:
        """Key of the standards: elements of the same samples share one."""
        curves = b"" if self.curves is None else self.curves.loadings.tobytes()
        return self.used.tobytes() + self.mean.tobytes() + self.deviation.tobytes() + curves

    def missing_shares(self, gaps: NDArray[np.bool_]) -> Array:
        """Return (n, groups) the share of each group's features that are gaps."""
        groups = int(self.group.max()) + 1 if len(self.group) else 0
        shares = [gaps[:, self.group == g].mean(axis=1) for g in range(groups)]
        return np.column_stack(shares) if shares else np.zeros((len(gaps), 0))

    def gap_variance(self, gaps: NDArray[np.bool_], second_moment: Array) -> Array:
        """Variance (n,) that unknown features add: ``sum_jk over gaps alike_jk E[b_j b_k]``.

        An unknown standardised feature has mean 0 and the samples' correlations, so it adds
        nothing to the estimate and this much to the variance.
        """
        lacking = gaps.astype(float)
        return np.einsum("ni,ij,nj->n", lacking, self.alike * second_moment, lacking)


def _spread(values: Array) -> tuple[Array, Array, Array]:
    """Return mean, difference from it (0 in gaps) and deviation of each column (n, f)."""
    filled = np.isfinite(values)
    some = np.maximum(filled.sum(axis=0), 1)
    mean = np.where(filled, values, 0.0).sum(axis=0) / some
    off = np.where(filled, values - mean, 0.0)
    return mean, off, np.sqrt((off**2).sum(axis=0) / some)
