"""Kriging says what its maps cannot be trusted for."""

from __future__ import annotations

import warnings
from types import SimpleNamespace

import numpy as np
import pytest

from gossan.errors import FitError, GossanWarning
from gossan.fusion.protocol import Observations, Points
from gossan.geo.grid import Grid
from gossan.geochem.kriging.leave_one_out import CrossValidation
from gossan.geochem.kriging.settings import KrigeSettings
from gossan.geochem.transforms import Log
from gossan.pipeline.kriging.doubts import (
    refuse_contradicted,
    warn_of_extrapolation,
    warn_of_limit,
)
from gossan.pipeline.kriging.fit import fit_kriging
from gossan.pipeline.surveys import Working


def rising(noise: float) -> Working:
    """Samples of a plane that rises to the east, on a square of 2 km."""
    rng = np.random.default_rng(3)
    xy = rng.uniform(0, 2000, (60, 2))
    values = xy[:, 0] / 500 + noise * rng.normal(size=60)
    return Working("Cu", "ppm", Log(), Observations(Points(xy), values), {}, 0)


def kriged(data: Working, **settings: object):  # type: ignore[no-untyped-def]
    wide = {"nugget": 0.01, "structures": [{"kind": "spherical", "sill": 9.0, "range_m": 9e3}]}
    return fit_kriging(data, KrigeSettings.model_validate({"variogram": wide, **settings}))


def test_a_drift_that_runs_off_beyond_the_samples_is_warned_of_with_its_height() -> None:
    data = rising(0.01)
    fitted = kriged(data, method="universal")
    grid = Grid.from_bounds(32638, (0, 0, 8000, 2000), 100)
    with pytest.warns(GossanWarning, match="no sample supports it") as found:
        warn_of_extrapolation(data, fitted.kriging, grid)
    text = str(found[0].message)
    share = float(text.split("%")[0].split()[-1])
    assert 60 < share < 80  # three quarters of the ground lie beyond the samples, less a margin
    highest = f"against {np.exp(data.observations.values.max()):,.4g} ppm"
    assert highest in text


def test_a_map_within_the_samples_is_not_warned_of() -> None:
    data = rising(0.01)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_extrapolation(
            data, kriged(data).kriging, Grid.from_bounds(32638, (0, 0, 2000, 2000), 50)
        )


def test_a_variogram_whose_errors_are_beyond_what_it_claims_is_refused_with_a_nugget() -> None:
    observed = np.array([1.0, 2.0, 3.0, 4.0])
    model = kriged(rising(0.5)).variogram.model
    wild = CrossValidation(observed, observed[::-1] * 3, np.full(4, 1e-6))
    with pytest.raises(FitError, match="Add a nugget"):
        refuse_contradicted(model, wild)
    refuse_contradicted(model, CrossValidation(observed, observed[::-1], np.full(4, 5.0)))


@pytest.mark.parametrize(
    ("limit", "printed"),
    [("range", "survey's diagonal"), ("sill", "twice the variance"), ("", None)],
)
def test_the_limit_that_a_fit_has_reached_is_named(limit: str, printed: str | None) -> None:
    limits = SimpleNamespace(reached=lambda model: limit, practical_range_m=5000.0, sill=2.0)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        warn_of_limit(SimpleNamespace(limits=limits, model=None))  # type: ignore[arg-type]
    assert len(found) == (printed is not None)
    assert printed is None or printed in str(found[0].message)
