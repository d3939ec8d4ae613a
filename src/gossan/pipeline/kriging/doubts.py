"""Say what a kriged map cannot be trusted for: contradicted variograms, limits, extrapolation."""

from __future__ import annotations

import math
import warnings

import numpy as np

from gossan.errors import FitError, GossanWarning, must
from gossan.geo.grid import Grid
from gossan.geochem.covariance.model import CovarianceModel
from gossan.geochem.kriging.estimator import Kriging
from gossan.geochem.kriging.extrapolation import unsupported
from gossan.geochem.kriging.leave_one_out import CrossValidation
from gossan.geochem.variogram.fitting import VariogramFit
from gossan.pipeline.surveys import Working

WORSE_THAN_MEAN = 1.5
"""Error at samples left out, in deviations of the samples, beyond which kriging is no estimate."""
FALSE_CLAIM = 100.0
"""Squared error over kriging variance beyond which the variance is no measure of the error."""
NODES = 10_000


def refuse_contradicted(model: CovarianceModel, check: CrossValidation) -> None:
    """Refuse a variogram that estimates samples left out far worse than their mean would.

    Raises
    ------
    FitError
        The error exceeds 1.5 deviations of the samples while the standard error claims less
        than a tenth of it: the system is nearly singular, and the map would run off.
    """
    spread = float(np.std(check.observed))
    claimed = math.sqrt(max(float(np.nanmean(check.variance)), 0.0))
    if check.rmse > WORSE_THAN_MEAN * spread and check.standardised_variance > FALSE_CLAIM:
        raise FitError(
            must(
                "the variogram",
                "such that kriging reproduces samples left out",
                f"errors of {check.rmse:.2g} where samples vary by {spread:.2g} and standard "
                f"errors claim {claimed:.1g} ({model})",
                f'Add a nugget, for example {0.001 * model.sill:.1g}, or use another "kind"',
            )
        )


def warn_of_limit(fit: VariogramFit) -> None:
    """Warn where the survey, not the likelihood, sets the range or the sill."""
    limit = fit.limits.reached(fit.model)
    if limit == "range":
        what = f"practical range, {fit.limits.practical_range_m:,.0f} m, the survey's diagonal"
    elif limit == "sill":
        what = f"sill, {fit.limits.sill:.3g}, twice the variance of the samples"
    else:
        return
    warnings.warn(
        f"The fitted variogram reaches the limit on its {what}: the samples do not show where "
        "it levels off, so standard errors beyond the samples are a lower bound",
        GossanWarning,
        stacklevel=2,
    )


def warn_of_extrapolation(data: Working, kriging: Kriging, grid: Grid) -> None:
    """Warn where a map exceeds the highest sample beyond the samples, by share of the map."""
    left, bottom, right, top = grid.bounds
    step = math.sqrt((right - left) * (top - bottom) / NODES)
    coarse = Grid.from_bounds(grid.crs, grid.bounds, max(step, grid.pixel_width))
    nodes = coarse.centres()
    estimate = kriging.estimate(nodes)
    flagged = unsupported(kriging.samples_, kriging.values_, nodes, estimate)
    if not flagged.any():
        return
    highest, top_value = (
        float(data.transform.inverse(np.array([value]))[0])
        for value in (kriging.values_.max(), estimate[flagged].max())
    )
    warnings.warn(
        f"{data.element}: {flagged.mean():.1%} of the map lies beyond the samples and above the "
        f"highest sample (up to {top_value:,.4g} against {highest:,.4g} {data.unit}): no sample "
        "supports it",
        GossanWarning,
        stacklevel=2,
    )
