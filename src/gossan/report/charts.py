"""Draw what is no map: skill, calibration, variograms, loadings, success rates."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gossan.errors import FitError
from gossan.geochem.covariance.model import CovarianceModel, Structure
from gossan.geochem.transforms import transform_from_record
from gossan.geochem.variogram.empirical import empirical_variogram
from gossan.io.contract import BASELINE, Comparison
from gossan.io.tables import Column, Table
from gossan.report.maps import INK, QUIET
from gossan.report.palette import BASELINE_COLOUR, PRODUCT_COLOURS
from gossan.report.read import Results

LEVELS = (0.5, 0.8, 0.9, 0.95)
"""Nominal coverages that tables state."""
CURVE = tuple(round(0.05 * k, 2) for k in range(1, 20))
"""Nominal coverages that the curve goes through."""

ROW = 0.14
"""Height of a row of a legend, in inches."""


def blank(width: float, height: float, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """Return a figure with quiet axes in one row."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = list(figure.subplots(1, columns, squeeze=False).ravel())
    for one in axes:
        one.tick_params(labelsize=7, length=2.5, color=QUIET)
        one.spines[["top", "right"]].set_visible(False)
        one.grid(color="#e3e3df", lw=0.5)
        one.set_axisbelow(True)
    return figure, axes


def colours(results: Results) -> dict[str, str]:
    """Return every product its colour, kriging the grey one."""
    names = list(dict.fromkeys(one.product for one in results.manifest.products))
    fused = [name for name in names if name != BASELINE]
    found = {name: PRODUCT_COLOURS[i % len(PRODUCT_COLOURS)] for i, name in enumerate(fused)}
    return {BASELINE: BASELINE_COLOUR, **found}


def skill_chart(results: Results, element: str) -> Figure | None:
    """Draw the skill of each product over kriging with its 95 % interval."""
    scores = results.table(Table.SCORES, element)
    scored = scores[scores[Column.SKILL].notna() & (scores[Column.PRODUCT] != BASELINE)]
    ways = [way for way in _comparisons(scored) if way.is_spatial or way.is_check]
    rows = scored[scored[Column.COMPARISON].isin(list(map(str, ways)))]
    if rows.empty:
        return None
    products = list(dict.fromkeys(rows[Column.PRODUCT]))
    figure, axes = blank(7.2, 0.75 + 0.34 * len(products) * max(1, 0.6 * len(ways)))
    paint = colours(results)
    step = 0.7 / len(ways)
    for number, way in enumerate(ways):
        for _, row in rows[rows[Column.COMPARISON] == str(way)].iterrows():
            product = row[Column.PRODUCT]
            y = products.index(product) + (number - (len(ways) - 1) / 2) * step
            _interval(axes[0], row, y, paint[product], "os^D"[number % 4])
    for number, way in enumerate(ways):
        axes[0].plot([], [], "os^D"[number % 4], color=INK, ms=4, label=way.label)
    axes[0].axvline(0, color=INK, lw=0.9)
    titles = [results.title(product, element) for product in products]
    axes[0].set_yticks(range(len(products)), titles, fontsize=7.5)
    axes[0].set_ylim(len(products) - 0.5, -0.5)
    axes[0].set_xlim(-1.05, max(0.3, float(rows[Column.SKILL_HIGH].max()) * 1.15))
    axes[0].set_xlabel("skill over kriging = 1 − MSE / MSE(kriging); right of 0 is better",
                       fontsize=7.5)  # fmt: skip
    axes[0].legend(fontsize=7, frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=4)
    return figure


def _legend_above(axes: Axes) -> None:
    """Put a legend of long names above the axes, one below the other."""
    axes.legend(fontsize=6.5, frameon=False, loc="lower left", bbox_to_anchor=(0, 1))


def _comparisons(table: pd.DataFrame) -> list[Comparison]:
    """Comparisons of a table, each once, in the run's order."""
    return [Comparison.parse(text) for text in dict.fromkeys(table[Column.COMPARISON])]


def _interval(axes: Axes, row: pd.Series, y: float, colour: str, marker: str) -> None:
    """Draw one skill; what lies left of the axis is named at its edge."""
    skill = row[Column.SKILL]
    if skill < -1:
        axes.annotate(f"◂ {skill:.1f}".replace("-", "−"), (-1.03, y), fontsize=7,
                      va="center", color=colour)  # fmt: skip
        return
    axes.plot([row[Column.SKILL_LOW], row[Column.SKILL_HIGH]], [y, y], color=colour, lw=1.6)
    axes.plot(skill, y, marker, color=colour, ms=5)


def coverage(results: Results, element: str, levels: tuple[float, ...] = LEVELS) -> pd.DataFrame:
    """Compare nominal with achieved coverage of held-out samples, per product.

    Columns product, comparison, n and one per level: the share of samples within the central
    interval of that nominal coverage, on the working scale.
    """
    held = results.table(Table.HELD_OUT, element)
    rows: list[dict[str, Any]] = []
    for (product, way), own in held.groupby([Column.PRODUCT, Column.COMPARISON], sort=False):
        own = own[own[Column.STANDARD_ERROR].notna() & (own[Column.STANDARD_ERROR] > 0)]
        if Comparison.parse(way).is_optimistic or own.empty:
            continue
        error = (own[Column.OBSERVED_WORKING] - own[Column.ESTIMATE_WORKING]).abs()
        off = (error / own[Column.STANDARD_ERROR]).to_numpy(float)
        half = {level: NormalDist().inv_cdf(0.5 + level / 2) for level in levels}
        shares = {f"{level:g}": float((off <= half[level]).mean()) for level in levels}
        about: dict[str, Any] = {Column.PRODUCT: product, Column.COMPARISON: way}
        rows.append({**about, Column.N: len(own), **shares})
    return pd.DataFrame(rows)


def calibration_chart(results: Results, element: str) -> Figure | None:
    """Draw nominal against achieved coverage, the fair case on the diagonal."""
    table = coverage(results, element, CURVE)
    if table.empty:
        return None
    figure, axes = blank(4.2, 3.4 + ROW * len(table))
    paint = colours(results)
    axes[0].plot([0, 1], [0, 1], color=INK, lw=0.9)
    for _, row in table.iterrows():
        way = Comparison.parse(row[Column.COMPARISON])
        product = row[Column.PRODUCT]
        line = "-" if way.is_spatial else "--"
        axes[0].plot(
            [0, *CURVE], [0, *(row[f"{v:g}"] for v in CURVE)], line, marker="o", ms=2.2, lw=1.3,
            color=paint[product], label=f"{results.title(product, element)}, {way.label}",
        )  # fmt: skip
    ticks = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 1.0)
    axes[0].set_xticks(ticks, [f"{v:.0%}" for v in ticks])
    axes[0].set_xlim(0, 1)
    axes[0].set_ylim(0, 1.02)
    axes[0].yaxis.set_major_formatter(lambda v, _: f"{v:.0%}")
    axes[0].set_xlabel("nominal coverage", fontsize=7.5)
    axes[0].set_ylabel("achieved at held-out samples", fontsize=7.5)
    _legend_above(axes[0])
    return figure


def variogram_chart(results: Results, element: str) -> Figure | None:
    """Draw the fitted variogram of kriging on the variogram of the samples it was fitted to."""
    table = results.table(Table.VARIOGRAMS, element)
    if table.empty:
        return None
    products = table[Column.PRODUCT]
    own = table[products == (BASELINE if (products == BASELINE).any() else products.iloc[0])]
    model = _model(own)
    figure, axes = blank(4.2, 3.2)
    reach = float(own[Column.PRACTICAL_RANGE_M].max()) or 1000.0
    classes = _sample_variogram(results, element)
    far = max(1.6 * reach, float(classes["lag"].max()) if len(classes) else 0.0)
    lag = np.linspace(0, far, 300)
    if len(classes):
        size = 6 + 40 * classes["pairs"] / classes["pairs"].max()
        axes[0].scatter(
            classes["lag"] / 1000,
            classes["gamma"],
            s=size,
            color=PRODUCT_COLOURS[1],
            ec="white",
            lw=0.4,
            zorder=3,
            label="samples, by number of pairs",
        )
        axes[0].legend(fontsize=6.5, frameon=False, loc="lower right")
    axes[0].plot(lag / 1000, model.semivariance(lag), color=PRODUCT_COLOURS[0], lw=1.6)
    axes[0].axhline(model.sill, color=QUIET, lw=0.8, ls="--")
    axes[0].axvline(reach / 1000, color=QUIET, lw=0.8, ls=":")
    axes[0].annotate(f"range {reach / 1000:.3g} km", (reach / 1000, 0), fontsize=7, rotation=90,
                     xytext=(3, 6), textcoords="offset points", color=QUIET)  # fmt: skip
    axes[0].annotate(f"sill {model.sill:.3g}", (0, model.sill), fontsize=7, xytext=(4, 3),
                     textcoords="offset points", color=QUIET)  # fmt: skip
    top = max(model.sill, float(classes["gamma"].max()) if len(classes) else 0.0)
    axes[0].set_ylim(0, top * 1.15 or 1)
    axes[0].set_xlim(0, None)
    axes[0].set_xlabel("distance (km)", fontsize=7.5)
    axes[0].set_ylabel("semivariance (working scale)", fontsize=7.5)
    return figure


def _sample_variogram(results: Results, element: str) -> pd.DataFrame:
    """Classes of distance of the fitted samples: lag, gamma, pairs; empty for too few samples."""
    record = next(iter(results.run.mapped(element)), None)
    own = results.run.samples
    if record is None or element not in own:
        return pd.DataFrame()
    own = own[own[element] > 0]
    places = own[[Column.EASTING, Column.NORTHING]].to_numpy(float)
    transform = transform_from_record(record.transform_record)
    try:
        found = empirical_variogram(places, transform.forward(own[element].to_numpy(float)))
    except FitError:
        return pd.DataFrame()
    return pd.DataFrame({"lag": found.distance, "gamma": found.semivariance, "pairs": found.pairs})


def histogram_chart(results: Results, element: str, threshold: float) -> Figure | None:
    """Draw the contents of the fitted samples; those beyond a laboratory's limit stand apart."""
    own = results.run.samples
    if element not in own or not (own[element] > 0).any():
        return None
    own = own[own[element] > 0]
    values = own[element].to_numpy(float)
    beyond = own.get(f"{element}_censored", pd.Series(False, own.index)).fillna(False).astype(bool)
    spread = values.max() / values.min() > 10
    space = np.geomspace if spread else np.linspace
    edges = space(values.min(), values.max() * 1.001, 31)
    figure, axes = blank(4.4, 3.0)
    axes[0].hist(
        [values[~beyond], values[beyond]], edges.tolist(), stacked=True, ec="white", lw=0.3,
        color=[PRODUCT_COLOURS[0], PRODUCT_COLOURS[4]],
        label=["measured", f"beyond a limit (n = {int(beyond.sum())})"],
    )  # fmt: skip
    if np.isfinite(threshold):
        axes[0].axvline(threshold, color=INK, lw=1, ls="--", label=f"threshold {threshold:.3g}")
    if spread:
        axes[0].set_xscale("log")
        axes[0].xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    unit = results.of(element)[0].unit if results.of(element) else ""
    axes[0].set_xlabel(f"{element} ({unit})", fontsize=7.5)
    axes[0].set_ylabel("samples", fontsize=7.5)
    axes[0].legend(fontsize=6.5, frameon=False)
    return figure


def _model(table: pd.DataFrame) -> CovarianceModel:
    pure = table[Column.KIND] == "nugget"
    nugget = float(table.loc[pure, Column.SILL].sum())
    structures = tuple(
        Structure(
            row[Column.KIND], float(row[Column.SILL]), float(row[Column.RANGE_M]),
            *([float(row[Column.SMOOTHNESS])] if np.isfinite(row[Column.SMOOTHNESS]) else []),
        )  # type: ignore[arg-type]
        for _, row in table[~pure].iterrows()
    )  # fmt: skip
    return CovarianceModel(nugget, structures)


def loadings_chart(results: Results, source: str, most: int = 6) -> Figure | None:
    """Draw the loadings of the first components as a table of colours and numbers."""
    table = results.table(Table.COMPONENTS)
    if table.empty:
        return None
    own = table[table[Column.SOURCE] == source]
    wide = own.pivot_table(
        index=Column.COMPONENT, columns=Column.BAND, values=Column.LOADING, sort=False
    ).iloc[:most]
    share = own.groupby(Column.COMPONENT, sort=False)[Column.SHARE].first()
    figure, axes = blank(min(7.4, 1.6 + 0.52 * wide.shape[1]), 0.8 + 0.3 * len(wide))
    axes[0].imshow(wide.to_numpy(), cmap="PuOr_r", vmin=-1, vmax=1, aspect="auto")
    axes[0].grid(False)
    for (row, col), value in np.ndenumerate(wide.to_numpy()):
        axes[0].text(col, row, f"{value:.2f}".replace("-", "−"), ha="center", va="center",
                     fontsize=6.5, color="white" if abs(value) > 0.65 else INK)  # fmt: skip
    slant: dict[str, Any] = (
        {"rotation": 35, "ha": "right"} if max(map(len, wide.columns)) > 4 else {}
    )
    axes[0].set_xticks(range(wide.shape[1]), wide.columns, fontsize=7, **slant)
    names = [f"{name} ({share[name]:.1%})" for name in wide.index]
    axes[0].set_yticks(range(len(wide)), names, fontsize=7)
    return figure


def occurrence_chart(results: Results, element: str) -> Figure | None:
    """Draw the success-rate curves of the products with the chance band of kriging's n."""
    table = results.table(Table.OCCURRENCE_CURVES, element)
    if table.empty:
        return None
    figure, axes = blank(4.4, 3.4 + ROW * table[Column.PRODUCT].nunique())
    paint = colours(results)
    first = table[table[Column.PRODUCT] == table[Column.PRODUCT].iloc[0]]
    band = (first[Column.CHANCE_LOWER95], first[Column.CHANCE_UPPER95])
    axes[0].fill_between(first[Column.AREA_SHARE], *band,
                         color="#dcdcd6", lw=0, label="95 % of random points")  # fmt: skip
    for product, own in table.groupby(Column.PRODUCT, sort=False):
        axes[0].plot(own[Column.AREA_SHARE], own[Column.OCCURRENCE_SHARE], lw=1.4,
                     color=paint.get(str(product), INK),
                     label=results.title(str(product), element))  # fmt: skip
    axes[0].set_xlabel("share of area searched, highest values first", fontsize=7.5)
    axes[0].set_ylabel("share of known occurrences found", fontsize=7.5)
    _legend_above(axes[0])
    axes[0].set_xlim(0, 1)
    axes[0].set_ylim(0, 1.02)
    return figure


def prediction_area_chart(results: Results, element: str) -> Figure | None:
    """Draw the prediction-area plot of the product to trust and of kriging.

    Against the threshold: share of occurrences at or above it (left axis), and share of area (right
    axis, upside down). The higher the two curves cross, the more occurrences in the less area.
    Source: Yousefi & Carranza 2015.
    """
    table = results.table(Table.PREDICTION_AREA, element)
    names = [results.best(element), BASELINE]
    if not table[Column.PRODUCT].isin(names).any():
        return None
    figure, axes = blank(4.4, 3.8)
    paint, low, high = colours(results), [], []
    for product in (name for name in dict.fromkeys(names) if name in set(table[Column.PRODUCT])):
        own = table[table[Column.PRODUCT] == product].sort_values(Column.THRESHOLD)
        title = results.title(str(product), element)
        value, found, area = (own[c].to_numpy(float) for c in _PREDICTION_AREA)
        shown = (area < 0.999) & (area > 0)
        low.append(value[shown].min(initial=value.max()))
        high.append(value.max())
        axes[0].plot(value, found, lw=1.5, color=paint.get(str(product), INK),
                     label=f"{title}; occurrences", drawstyle="steps-pre")  # fmt: skip
        axes[0].plot(value, 1 - area, lw=1.1, ls="--", color=paint.get(str(product), INK),
                     label=f"{title}; area (right axis)")  # fmt: skip
        cross = int(np.argmin(np.abs(found + area - 1)))
        axes[0].plot(value[cross], (found[cross] + 1 - area[cross]) / 2, "o", ms=5, color=INK)
        axes[0].annotate(f"{found[cross]:.0%} in {area[cross]:.0%}", (value[cross], found[cross]),
                         xytext=(6, 4), textcoords="offset points", fontsize=7)  # fmt: skip
    if min(low) > 0:
        axes[0].set_xscale("log")
    if min(low) < max(high):
        axes[0].set_xlim(min(low), max(high))
    axes[0].set_ylim(0, 1.02)
    unit = results.of(element)[0].unit if results.of(element) else ""
    axes[0].set_xlabel(f"threshold ({unit or element})", fontsize=7.5)
    axes[0].set_ylabel("share of known occurrences at or above", fontsize=7.5)
    right = axes[0].secondary_yaxis("right", functions=(_upside_down, _upside_down))
    right.set_ylabel("share of area at or above", fontsize=7.5)
    right.tick_params(labelsize=7, length=2.5)
    _legend_above(axes[0])
    return figure


def _upside_down(share: Any) -> Any:
    return 1 - share


_PREDICTION_AREA = (Column.THRESHOLD, Column.OCCURRENCE_SHARE, Column.AREA_SHARE)
