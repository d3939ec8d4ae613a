"""Deal with several samples of one place: which are duplicates, what they show, what is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import geopandas
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from gossan.errors import must
from gossan.geochem.findings import Finding, Findings, rows_where
from gossan.geochem.table.duplicates import (
    Precision,
    drop_copies,
    duplicate_pairs,
    groups_within,
    merge_groups,
    precision,
)
from gossan.geochem.table.settings import SurveySettings

KIND_COLUMNS = ("medium", "horizon", "kind", "depth")
"""Columns of the samples that must agree for two of them to be duplicates."""


def resolve_duplicates(
    frame: geopandas.GeoDataFrame,
    elements: Sequence[str],
    settings: SurveySettings,
    rounding_m: float = 0.0,
) -> tuple[geopandas.GeoDataFrame, Findings]:
    """Report samples taken twice, keep the precision that they show, and merge them.

    The precision by element is kept in ``frame.attrs["precision"]``, the contents of the pairs in
    ``frame.attrs["duplicates"]``, unless the pairs differ so much that they cannot be duplicates.

    Parameters
    ----------
    frame
        The samples.
    elements
        Elements measured.
    settings
        What to do with several samples of one place.
    rounding_m
        Step that the stated positions are multiples of: samples that share a rounded place are no
        duplicates.
    """
    found = _repeated_names(frame)
    xy = np.column_stack([frame.geometry.x, frame.geometry.y])
    groups = groups_within(xy, settings.same_place_m)
    rows = frame["row"].to_numpy()
    again = pd.Series(groups).duplicated(keep=False).to_numpy()
    if again.any():
        found.append(_same_place(settings, rows_where(rows, again), len(np.unique(groups))))
        found += _depths(frame, groups, settings)
    if rounding_m > 10 * settings.same_place_m and again.mean() > 0.15:
        found.append(_rounded(rounding_m, rows_where(rows, again)))
        pairs = np.empty((0, 2), int)
    else:
        distance = max(duplicate_distance(xy, settings), settings.same_place_m)
        pairs = duplicate_pairs(xy, distance, _kinds(frame))
    measured = {
        e: np.where(frame[f"{e}_censored"], np.nan, frame[e].to_numpy(float)) for e in elements
    }
    pairs = drop_copies(pairs, list(measured.values()))
    known, more = _believable({e: precision(v, pairs) for e, v in measured.items()}, measured)
    found += more
    merged = merge_groups(frame, groups, elements, settings.duplicates).reset_index(drop=True)
    merged.attrs["precision"] = {e: (p.pairs, p.log_variance) for e, p in known.items()}
    merged.attrs["duplicates"] = {
        e: tuple(map(tuple, measured[e][pairs].tolist())) for e in known if len(pairs)
    }
    if len(pairs):
        message = f"{len(pairs)} pairs of duplicates; their precision stands in the survey report"
        where = tuple(int(r) for r in np.unique(rows[pairs]))
        found.append(Finding("note", "duplicates", message, where))
    return merged, Findings(tuple(found))


def _kinds(frame: pd.DataFrame) -> NDArray[np.object_]:
    names = [name for name in KIND_COLUMNS if name in frame.columns]
    if not names:
        return np.full(len(frame), "", object)
    kinds = frame[names].astype(str).replace("duplicate", "sample")
    return kinds.agg("|".join, axis=1).to_numpy(object)


def _believable(
    known: Mapping[str, Precision | None], measured: Mapping[str, NDArray[np.float64]]
) -> tuple[dict[str, Precision], list[Finding]]:
    """Keep the precisions that duplicates can have; report the others."""
    kept: dict[str, Precision] = {}
    found = []
    for element, one in known.items():
        if one is None:
            continue
        values = measured[element]
        values = values[np.isfinite(values) & (values > 0)]
        total = float(np.var(np.log(values), ddof=1)) if len(values) > 1 else np.inf
        if one.pairs < 3 or (one.relative <= 1.0 and one.log_variance <= total):
            kept[element] = one
            continue
        message = (
            f"the {one.pairs} pairs of {element} at one place differ by {100 * one.relative:.0f} % "
            "(one standard deviation), as much as samples far apart: they are no duplicates "
            "(standards, blanks or other media at a sample's position?)"
        )
        found.append(Finding("warning", "precision", message, element=element))
    return kept, found


def _rounded(rounding_m: float, rows: tuple[int, ...]) -> Finding:
    message = (
        f"positions are multiples of {rounding_m:.0f} m: samples that share one are taken for "
        "neighbours, not for field duplicates"
    )
    return Finding("warning", "rounded", message, rows)


def _repeated_names(frame: pd.DataFrame) -> list[Finding]:
    if "sample_id" not in frame.columns:
        return []
    again = (frame["sample_id"].duplicated(keep=False) & (frame["sample_id"] != "")).to_numpy()
    if not again.any():
        return []
    rows = rows_where(frame["row"].to_numpy(), again)
    return [Finding("warning", "repeated-id", "samples with the same name", rows)]


def _same_place(settings: SurveySettings, rows: tuple[int, ...], places: int) -> Finding:
    if settings.duplicates == "refuse":
        cure = 'Set duplicates = "mean", "first" or "keep"'
        message = must("samples", "one at a place", "several", cure)
        return Finding("error", "same-place", message, rows)
    how = {"mean": "their mean is used", "first": "the first is used", "keep": "all are kept"}
    message = f"several samples at one place; {how[settings.duplicates]} ({places} places)"
    return Finding("warning", "same-place", message, rows)


def _depths(
    frame: pd.DataFrame, groups: NDArray[np.int_], settings: SurveySettings
) -> list[Finding]:
    """Say where samples of one place are of different depths, which their mean mixes."""
    if "depth" not in frame.columns or settings.duplicates == "refuse":
        return []
    several = frame["depth"].groupby(groups).transform("nunique").to_numpy() > 1
    mixed = set(frame["depth"][several])
    if not mixed:
        return []
    rows = rows_where(frame["row"].to_numpy(), several)
    shown = ", ".join(sorted(mixed)[:4])
    message = (
        f"samples at one place come from several depths ({shown}) and are no duplicates: "
        "where = { ... } with the column of depths chooses one"
    )
    return [Finding("warning", "depth", message, rows)]


def duplicate_distance(coordinates: NDArray[np.float64], settings: SurveySettings) -> float:
    """Return the distance in metres below which two samples are field duplicates."""
    if settings.duplicate_m is not None:
        return settings.duplicate_m
    places = np.unique(coordinates, axis=0)
    if len(places) < 5:
        return settings.same_place_m
    third = cKDTree(places).query(places, k=4)[0][:, 3]  # pairs do not shorten it
    return float(min(50.0, 0.1 * np.median(third)))
