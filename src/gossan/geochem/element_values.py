"""Values of an element whose transform and censored values can be fitted to some samples alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.array_type import Floats
from gossan.errors import SurveyError
from gossan.geochem.censoring import Censoring, treat_censored
from gossan.geochem.transforms import Transform, TransformWord, fit_transform_by_word

__all__ = ["ElementValues"]

FITTED_TRANSFORMS: tuple[TransformWord, ...] = ("boxcox", "normal-score")
FITTED_CENSORING: tuple[Censoring, ...] = ("ros", "likelihood")


@dataclass(frozen=True, eq=False)
class ElementValues:
    """Values of an element in its unit, and how they come to the working scale.

    Cross-validation needs ``fit``: what a held-out sample holds must not reach the others through
    the power of a transform or the distribution that stands in for values below a limit.

    Parameters
    ----------
    values
        (n,) values, with what stands in for censored ones.
    word
        Transform to the working scale.
    limits
        (n,) limit of each censored value, NaN where one was measured.
    survey
        (n,) number of the survey of each value: censored values are estimated survey by survey.
    censoring
        How censored values of each survey are estimated.

    Examples
    --------
    >>> z = np.exp(np.linspace(0.0, 3.0, 30))
    >>> ElementValues.measured(z, "log").depends_on_samples
    False
    >>> boxcox = ElementValues.measured(z, "boxcox")
    >>> transform, working = boxcox.fit(np.arange(20))
    >>> boxcox.depends_on_samples, len(working)
    (True, 20)
    """

    values: Floats
    word: TransformWord
    limits: Floats
    survey: NDArray[np.int_]
    censoring: tuple[Censoring, ...]

    @classmethod
    def measured(cls, values: Floats, word: TransformWord) -> ElementValues:
        """Make a record of values of which none is censored."""
        return cls(
            values, word, np.full(len(values), np.nan), np.zeros(len(values), int), ("half",)
        )

    @property
    def depends_on_samples(self) -> bool:
        """True where the working value of a sample depends on other samples."""
        return self.word in FITTED_TRANSFORMS or any(
            method in FITTED_CENSORING and bool(np.isfinite(self.limits[self.survey == k]).any())
            for k, method in enumerate(self.censoring)
        )

    def fit(self, rows: NDArray[np.int_]) -> tuple[Transform, Floats]:
        """Fit censoring and transform to some rows alone.

        Where a survey has too few measured values among the rows for its method, half the limit
        stands in.

        Returns
        -------
        The transform, and the rows' values on the working scale.
        """
        values = self.values[rows].astype(float)
        for number, method in enumerate(self.censoring):
            own = self.survey[rows] == number
            if method in FITTED_CENSORING and np.isfinite(self.limits[rows][own]).any():
                values[own] = self._estimated(rows[own], method)
        transform = fit_transform_by_word(self.word, values)
        return transform, np.asarray(transform.forward(values), np.float64)

    def working_limits(
        self, transform: Transform, rows: NDArray[np.int_]
    ) -> NDArray[np.float64] | None:
        """Return the limits of rows whose survey asks for their likelihood, on the working scale.

        NaN where a row was measured, or where its survey puts a value in place of the limit; None
        without any limit.
        """
        asked = np.array([method == "likelihood" for method in self.censoring])
        beyond = np.isfinite(self.limits[rows]) & asked[self.survey[rows]]
        if not beyond.any():
            return None
        limits = np.full(len(rows), np.nan)
        limits[beyond] = transform.forward(self.limits[rows][beyond])
        return limits

    def _estimated(self, rows: NDArray[np.int_], method: Censoring) -> Floats:
        values, limits = self.values[rows], self.limits[rows]
        censored = np.isfinite(limits)
        above = censored & (values >= np.where(censored, limits, np.inf))
        below = censored & ~above
        known = np.where(censored, limits, values)
        try:
            return treat_censored(known, below, above, method)
        except SurveyError:
            return treat_censored(known, below, above, "half")
