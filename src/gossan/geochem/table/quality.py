"""The quality report of a survey: what its samples can tell, element by element."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial import ConvexHull, QhullError, cKDTree

from gossan.arrays.spacing import sample_spacing
from gossan.geo.samples import Samples
from gossan.geochem.findings import row_words

REPORT_COLUMNS: tuple[str, ...] = (
    "survey", "element", "unit", "medium", "horizon", "n", "empty", "below", "above",
    "below_percent", "lowest_limit", "highest_limit", "minimum", "q05", "q25", "median", "q75",
    "q95", "maximum", "mean", "sd", "cv", "skew", "log_skew", "outliers", "outlier_rows",
    "duplicate_pairs", "duplicate_percent", "noise_share",
)  # fmt: skip
"""Columns of ``survey_report``."""


def survey_report(samples: Samples) -> pd.DataFrame:
    """Report on every element of a survey.

    Parameters
    ----------
    samples
        Samples as ``read_survey`` gives them.

    Returns
    -------
    One row an element, with ``REPORT_COLUMNS``: numbers of samples analysed (``n``), not analysed
    and beyond limits; the limits; quantiles, mean and standard deviation in the unit, with the
    estimates of censored values; skew of z and of ln z (measured values); high and low outliers by
    Tukey's fences on ln z (3 quartile distances from the quartiles) with their rows; the relative
    standard deviation of duplicates in percent, and its variance as a share of that of ln z.

    Examples
    --------
    >>> import geopandas
    >>> frame = geopandas.GeoDataFrame({"Cu": [10.0, 20.0, 40.0]},
    ...     geometry=geopandas.points_from_xy([0, 900, 0], [0, 0, 900]), crs=32638)
    >>> report = survey_report(Samples("a", frame, ("Cu",), {"Cu": "ppm"}))
    >>> int(report.loc[0, "n"]), float(report.loc[0, "median"])
    (3, 20.0)
    """
    rows = [_element_row(samples, element) for element in samples.elements]
    return pd.DataFrame(rows, columns=list(REPORT_COLUMNS))


def report_lines(samples: Samples) -> list[str]:
    """Word the report in a line for the survey and one for each element, for a terminal.

    >>> import geopandas
    >>> frame = geopandas.GeoDataFrame({"Cu": [10.0, 20.0, 40.0]},
    ...     geometry=geopandas.points_from_xy([0, 900, 0], [0, 0, 900]), crs=32638)
    >>> print(*report_lines(Samples("a", frame, ("Cu",), {"Cu": "ppm"})), sep="\\n")
    a: 3 samples at 3 places, spacing 900 m (nearest 900 m), 7.41 per km2 (as on a map of 1:50,000)
    Cu: 3 values, median 20 ppm (quartiles 15 to 30, largest 40)
    """
    spacing = spacing_report(samples).iloc[0]
    head = (
        f"{samples.name}: {spacing['samples']} samples at {spacing['places']} places, "
        f"spacing {spacing['spacing_m']:.0f} m (nearest {spacing['nearest_m']:.0f} m)"
    )
    if spacing["scale"]:
        head += f", {spacing['per_km2']:.3g} per km2 (as on a map of {spacing['scale']})"
    rows = survey_report(samples).to_dict("records")
    return [head, *(_element_line(row) for row in rows)]


def _element_line(row: Mapping[Hashable, Any]) -> str:
    unit = f" {row['unit']}" if row["unit"] else ""
    parts = [
        f"{row['n']} values, median {_figure(row['median'])}{unit} (quartiles "
        f"{_figure(row['q25'])} to {_figure(row['q75'])}, largest {_figure(row['maximum'])})"
    ]
    if row["empty"]:
        parts.append(f"{row['empty']} not analysed")
    if row["below"]:
        parts.append(f"{row['below_percent']:.0f} % below {_figure(row['highest_limit'])}")
    if row["above"]:
        parts.append(f"{row['above']} above the upper limit")
    if row["outliers"]:
        parts.append(f"outliers: {row['outliers']} ({row['outlier_rows']})")
    if row["duplicate_pairs"]:
        parts.append(
            f"precision {row['duplicate_percent']:.0f} % from {row['duplicate_pairs']} pairs, "
            f"noise {100 * row['noise_share']:.0f} % of the variance of ln"
        )
    return f"{row['element']}: " + "; ".join(parts)


def _figure(value: float) -> str:
    """Word a number with three figures, never as a power of ten above 1."""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _element_row(samples: Samples, element: str) -> dict[str, object]:
    values = samples.values(element)
    known = np.isfinite(values)
    beyond = samples.censored(element) & known
    limits = _limits(samples, element)
    above = beyond & (values >= limits)
    below = beyond & ~above
    horizons = samples.frame.get("horizon")
    row: dict[str, object] = {
        "survey": samples.name,
        "element": element,
        "unit": samples.units.get(element, ""),
        "medium": samples.medium or "",
        "horizon": "" if horizons is None else " + ".join(sorted(set(horizons))),
        "n": int(known.sum()),
        "empty": int((~known).sum()),
        "below": int(below.sum()),
        "above": int(above.sum()),
        "below_percent": 100.0 * below.sum() / max(1, known.sum()),
        "lowest_limit": np.min(limits[below]) if below.any() else np.nan,
        "highest_limit": np.max(limits[below]) if below.any() else np.nan,
    }
    return (
        row | _summary(values[known]) | _shape(samples, values, beyond) | _noise(samples, element)
    )


def _limits(samples: Samples, element: str) -> NDArray[np.float64]:
    name = f"{element}_limit"
    if name not in samples.frame.columns:
        return np.full(len(samples), np.nan)
    return samples.frame[name].to_numpy(float)


def _summary(values: NDArray[np.float64]) -> dict[str, float]:
    names = ("minimum", "q05", "q25", "median", "q75", "q95", "maximum")
    if not len(values):
        return dict.fromkeys((*names, "mean", "sd", "cv"), np.nan)
    quantiles = np.quantile(values, [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1])
    mean = float(values.mean())
    sd = float(values.std(ddof=1)) if len(values) > 1 else np.nan
    cv = sd / mean if mean else np.nan
    return dict(zip(names, map(float, quantiles))) | {"mean": mean, "sd": sd, "cv": cv}


def _shape(
    samples: Samples, values: NDArray[np.float64], beyond: NDArray[np.bool_]
) -> dict[str, object]:
    measured = np.isfinite(values) & ~beyond
    positive = measured & (np.nan_to_num(values, nan=-1.0) > 0)
    logs = np.full(len(values), np.nan)
    logs[positive] = np.log(values[positive])
    odd = tukey_outliers(logs)
    rows = samples.frame["row"] if "row" in samples.frame.columns else np.arange(1, len(values) + 1)
    return {
        "skew": _skew(values[measured]),
        "log_skew": _skew(logs[positive]),
        "outliers": int(odd.sum()),
        "outlier_rows": row_words([int(row) for row in np.asarray(rows)[odd]], 20),
    }


def _skew(values: NDArray[np.float64]) -> float:
    if len(values) < 3 or np.ptp(values) == 0:
        return float("nan")
    return float(stats.skew(values, bias=False))


def tukey_outliers(values: NDArray[np.float64], fence: float = 3.0) -> NDArray[np.bool_]:
    """Return which values lie beyond ``fence`` quartile distances outside the quartiles.

    Tukey (1977, *Exploratory Data Analysis*): 1.5 is the inner, 3 the outer fence.

    >>> tukey_outliers(np.array([1.0, 2.0, 3.0, 4.0, 50.0])).tolist()
    [False, False, False, False, True]
    """
    known = np.isfinite(values)
    if known.sum() < 4:
        return np.zeros(len(values), bool)
    low, high = np.quantile(values[known], [0.25, 0.75])
    reach = fence * (high - low)
    with np.errstate(invalid="ignore"):
        return np.asarray(known & ((values < low - reach) | (values > high + reach)), bool)


def _noise(samples: Samples, element: str) -> dict[str, object]:
    """Return the precision that duplicates show, and its share of the variance of ln z."""
    known: Mapping[str, tuple[int, float]] = samples.frame.attrs.get("precision", {})
    if element not in known:
        return {"duplicate_pairs": 0, "duplicate_percent": np.nan, "noise_share": np.nan}
    pairs, variance = known[element]
    values = samples.values(element)
    usable = np.isfinite(values) & (np.nan_to_num(values, nan=-1.0) > 0)
    total = float(np.var(np.log(values[usable]), ddof=1)) if usable.sum() > 1 else np.nan
    return {
        "duplicate_pairs": pairs,
        "duplicate_percent": 100 * float(np.sqrt(np.expm1(variance))),
        "noise_share": variance / total if total else np.nan,
    }


def spacing_report(samples: Samples) -> pd.DataFrame:
    """Report how densely a survey samples its ground.

    Returns
    -------
    One row: number of samples and of places, area in km2 (convex hull), samples per km2, spacing in
    m (``sample_spacing``), distance to the nearest place in m (median, 5 and 95 % quantiles), and
    the map scale whose rule of one sample for each square centimetre of map the density meets:
    ``100 sqrt(area / places)``.

    Examples
    --------
    >>> import geopandas
    >>> x, y = np.meshgrid(np.arange(21) * 2000.0, np.arange(31) * 2000.0)
    >>> frame = geopandas.GeoDataFrame({"Cu": np.ones(x.size)},
    ...     geometry=geopandas.points_from_xy(x.ravel(), y.ravel()), crs=32638)
    >>> report = spacing_report(Samples("a", frame, ("Cu",), {"Cu": "ppm"}))
    >>> float(report.loc[0, "spacing_m"]), report.loc[0, "scale"]
    (2000.0, '1:200,000')
    """
    xy = samples.coordinates
    places = np.unique(xy, axis=0)
    area = _hull_area(places)
    near = cKDTree(places).query(places, k=2)[0][:, 1] if len(places) > 1 else np.array([np.nan])
    row = {
        "survey": samples.name,
        "samples": len(xy),
        "places": len(places),
        "area_km2": area / 1e6,
        "per_km2": len(places) / area * 1e6 if area else np.nan,
        "spacing_m": sample_spacing(places),
        "nearest_m": float(np.median(near)),
        "nearest_q05_m": float(np.quantile(near, 0.05)),
        "nearest_q95_m": float(np.quantile(near, 0.95)),
        "support_m": samples.support_m,
        "scale": _scale(area / len(places)) if area else "",
    }
    return pd.DataFrame([row])


def _hull_area(places: NDArray[np.float64]) -> float:
    if len(places) < 3:
        return 0.0
    try:
        return float(ConvexHull(places - places.mean(axis=0)).volume)
    except QhullError:  # all on one line
        return 0.0


def _scale(cell_m2: float) -> str:
    denominator = 100.0 * np.sqrt(cell_m2)
    steps = np.array([1, 2, 2.5, 5, 10]) * 10 ** np.floor(np.log10(denominator))
    nearest = steps[np.argmin(np.abs(np.log(steps / denominator)))]
    return f"1:{nearest:,.0f}"


def limits_report(samples: Samples) -> pd.DataFrame:
    """Report detection limits and shares of censored samples by batch.

    Returns
    -------
    One row for each element, batch and limit: survey, element, unit, batch, side ("below" or
    "above"), limit in the unit, samples at this limit, samples of the batch.
    """
    batches = samples.frame.get("batch")
    names = np.full(len(samples), "", object) if batches is None else batches.to_numpy(object)
    rows: list[dict[str, object]] = []
    for element in samples.elements:
        values, limits = samples.values(element), _limits(samples, element)
        beyond = samples.censored(element) & np.isfinite(limits)
        side = np.where(values >= limits, "above", "below")
        for batch in dict.fromkeys(names):
            mine = names == batch
            for word in ("below", "above"):
                at = limits[mine & beyond & (side == word)]
                rows += [
                    {
                        "survey": samples.name,
                        "element": element,
                        "unit": samples.units.get(element, ""),
                        "batch": batch,
                        "side": word,
                        "limit": limit,
                        "samples": int(count),
                        "of": int((mine & np.isfinite(values)).sum()),
                    }
                    for limit, count in zip(*np.unique(at, return_counts=True))
                ]
    columns = ["survey", "element", "unit", "batch", "side", "limit", "samples", "of"]
    return pd.DataFrame(rows, columns=columns)
