"""Level a survey to its neighbour by the samples beside their common border alone.

Two surveys that meet differ by their laboratories and by their ground. Whole-group medians remove
both. At the border the ground is the same on either side: a step there, beside what varies from
place to place anyway, is the laboratory's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from gossan.arrays.array_type import Array
from gossan.errors import SurveyError, must
from gossan.geo.samples import Samples
from gossan.geochem.batch_levelling import check_units, scaled
from gossan.geochem.variogram.fitting import fit_variogram

__all__ = ["BorderShift", "border_shift", "level_at_borders"]


FEWEST = 10
"""Samples of each survey that must lie beside the border."""
BAND_SPACINGS = 12.0
"""Width of the band on either side, in median distances between neighbouring samples."""
MOST = 1500
"""Samples nearest to the other survey that are used at most."""
HUBER = 2.0
"""Standard deviations beyond which a sample's departure from its neighbours is cut."""
ROUNDS = 10


@dataclass(frozen=True)
class BorderShift:
    """The step of ln z from one survey to the next at their border.

    Parameters
    ----------
    step
        Of ln z, the second survey less the first.
    standard_error
        Of the step.
    band_m
        Distance from the other survey up to which samples were used.
    first, second
        Samples of each survey beside the border.
    """

    step: float
    standard_error: float
    band_m: float
    first: int
    second: int

    @property
    def factor(self) -> float:
        """What the second survey's contents are multiplied by."""
        return float(np.exp(-self.step))


def border_shift(
    places: tuple[Array, Array], logs: tuple[Array, Array], band_m: float | None = None
) -> BorderShift | None:
    """Estimate the step of ln z at the common border of two surveys.

    Samples within ``band_m`` of the other survey are one random field with a step at the border:
    generalised least squares with the field's own variogram gives the step, so that changes of
    the ground, along the border and across it, are told from the laboratories' difference.
    Samples that depart from what their neighbours say by more than two standard deviations are
    cut to that (Huber's pseudo-values).

    Parameters
    ----------
    places
        (n, 2) coordinates of the samples of both surveys.
    logs
        (n,) ln z of both.
    band_m
        Width of the band; default: twelve times the median distance between neighbours.

    Returns
    -------
    The step, or None where fewer than 10 samples of a survey lie beside the border.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> west, east = (rng.uniform([x, 0], [x + 50, 100], (300, 2)) for x in (0, 50))
    >>> ground = [np.sin(p[:, 1] / 20) + p[:, 0] / 40 + 0.1 * rng.normal(size=300)
    ...           for p in (west, east)]
    >>> found = border_shift((west, east), (ground[0], ground[1] + 0.4))
    >>> bool(abs(found.step - 0.4) < 2 * found.standard_error), found.standard_error < 0.1
    (True, True)
    >>> bool(np.median(ground[1]) - np.median(ground[0]) > 1.0)  # what medians would take away
    True

    Source: Huber (1981), Robust Statistics, ch. 7; Cressie (1993), sec. 3.4.
    """
    width = band_m or BAND_SPACINGS * _spacing(np.concatenate(places))
    away = [cKDTree(places[1 - k]).query(places[k])[0] for k in (0, 1)]
    reach = min(width, float(np.sort(np.concatenate(away))[: MOST + 1][-1]))
    near = [distance <= reach for distance in away]
    counts = [int(one.sum()) for one in near]
    if min(counts) < FEWEST:
        return None
    xy = np.concatenate([p[n] for p, n in zip(places, near)])
    parts = [z[n] for z, n in zip(logs, near)]
    second = np.repeat([0.0, 1.0], counts)
    centred = np.concatenate([_clipped(z - np.median(z)) for z in parts])
    model = fit_variogram(xy, centred, models=("exponential",)).model
    covariance = model.between(xy, xy) + max(model.nugget, 1e-6 * model.sill) * np.eye(len(xy))
    step, error = _robust_step(covariance, np.concatenate(parts), second)
    return BorderShift(step, error, reach, counts[0], counts[1])


def _clipped(centred: Array) -> Array:
    """Cut values beyond three robust standard deviations, which would inflate a variogram."""
    most = 3 * 1.4826 * float(np.median(np.abs(centred)))
    return np.clip(centred, -most, most) if most > 0 else centred


def _spacing(xy: Array) -> float:
    distances = cKDTree(xy).query(xy, k=2)[0][:, 1]
    return float(np.median(distances[distances > 0]))


def _robust_step(covariance: Array, y: Array, second: Array) -> tuple[float, float]:
    """Estimate the step by generalised least squares of Huber's pseudo-values."""
    inverse = np.linalg.inv(covariance)
    design = np.column_stack([second, np.ones(len(y))])
    weighted = design.T @ inverse
    errors = np.linalg.inv(weighted @ design)
    precision = np.diag(inverse)
    most = HUBER / np.sqrt(precision)
    used = y
    for _ in range(ROUNDS):
        slopes = errors @ (weighted @ used)
        departure = inverse @ (used - design @ slopes) / precision  # from the other samples
        departure += y - used
        used = y - np.sign(departure) * np.maximum(np.abs(departure) - most, 0.0)
    return float(slopes[0]), float(np.sqrt(errors[0, 0]))


def level_at_borders(
    surveys: Sequence[Samples], band_m: float | None = None
) -> tuple[list[Samples], pd.DataFrame]:
    """Level surveys to the first one, each at its border with those already levelled.

    Parameters
    ----------
    surveys
        Surveys in the same units; the first stays as it is.
    band_m
        Width of the band on either side of a border; default: from the spacing of the samples.

    Returns
    -------
    The surveys, and a row for each survey and element that was levelled: ``survey, element,
    factor, factor_low, factor_high`` (95 %), ``standard_error`` (of ln z), ``band_m``, and the
    samples of both sides (``first, second``).

    Raises
    ------
    SurveyError
        Units differ, or a survey meets none of the others.
    """
    check_units(surveys)
    done, waiting = [surveys[0]], list(surveys[1:])
    rows: list[dict[str, object]] = []
    while waiting:
        found = ((one, _shifts(done, one, band_m)) for one in waiting)
        own, shifts = next(((one, s) for one, s in found if s), (None, None))
        if own is None or shifts is None:
            cure = "Set border_band_m wider, or use another levelling"
            wanted = f"beside another survey with {FEWEST} samples of an element"
            raise SurveyError(must(f"survey {waiting[0].name!r}", wanted, "no border", cure))
        waiting.remove(own)
        done.append(scaled(own, {element: s.factor for element, s in shifts.items()}))
        rows += [_row(own.name, element, shift) for element, shift in shifts.items()]
    order = {one.name: one for one in done}
    return [order[one.name] for one in surveys], pd.DataFrame(rows)


def _shifts(done: Sequence[Samples], own: Samples, band_m: float | None) -> dict[str, BorderShift]:
    shifts = {}
    for element in own.elements:
        known = [_known(one, element) for one in done if element in one.elements]
        if not known:
            continue
        places, logs = _known(own, element)
        others = [np.concatenate(part) for part in zip(*known)]
        if min(len(logs), len(others[1])) < FEWEST:
            continue
        shift = border_shift((others[0], places), (others[1], logs), band_m)
        if shift is not None:
            shifts[element] = shift
    return shifts


def _known(samples: Samples, element: str) -> tuple[Array, Array]:
    """Return places and ln z of positive measured contents; limits say little of a step."""
    values = samples.values(element)
    rows = np.isfinite(values) & (np.nan_to_num(values) > 0) & ~samples.censored(element)
    return samples.coordinates[rows], np.log(values[rows])


def _row(survey: str, element: str, shift: BorderShift) -> dict[str, object]:
    reach = 1.96 * shift.standard_error
    facts = asdict(shift)
    del facts["step"]
    return {
        "survey": survey, "element": element, "factor": shift.factor,
        "factor_low": float(np.exp(-shift.step - reach)),
        "factor_high": float(np.exp(-shift.step + reach)), **facts,
    }  # fmt: skip
