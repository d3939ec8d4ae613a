"""List the figures of a run and write each as PNG and PDF."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from gossan.geo.raster import atomic_path
from gossan.io.contract import BASELINE
from gossan.io.tables import Column, Table
from gossan.names import file_name
from gossan.report.answer import answer_figure, plan_on, samples_on
from gossan.report.charts import (
    calibration_chart,
    histogram_chart,
    loadings_chart,
    occurrence_chart,
    prediction_area_chart,
    skill_chart,
    variogram_chart,
)
from gossan.report.magnify import magnified
from gossan.report.maps import INK, draw_outlines, panel_figure, single
from gossan.report.palette import ERROR, SHARE, Scale, common_scale, difference_scale
from gossan.report.quality_plot import quality_figures
from gossan.report.read import Map, Results

DPI = 170
EMBEDDED_PIXELS = 1100
"""Width of an embedded figure; the files in the folder figures are finer."""
ANSWER = (
    "{}: numbers are targets, best first; red outlines are anomalies; hatched ground looks like no "
    "sample{}; beyond the dashed line no sample was taken; dots are samples. Click a map for the "
    "content there."
)
UNSAMPLED = " (////) or drains past all of them (\\\\\\\\)"
SURVEY_MARKS = (("o", "white"), ("^", "#f0e442"), ("s", "#56b4e9"), ("D", "#cc79a7"))


@dataclass(frozen=True, eq=False)
class Plate:
    """One figure with its name and caption; ``role`` says where in the report it goes."""

    name: str
    role: str
    caption: str
    figure: Figure = field(repr=False)
    axes: Sequence[Axes] = field(default=(), repr=False)
    """Maps on which the page can tell the place of a click."""

    @property
    def panels(self) -> list[list[float]]:
        """Left, top, right, bottom of each map as shares of a written figure, then its ground."""
        return [_panel(axes) for axes in self.axes]

    def write(self, folder: Path) -> bytes:
        """Write PNG and PDF into a folder; give the picture as WebP bytes for embedding."""
        FigureCanvasAgg(self.figure)
        stream = BytesIO()
        self.figure.savefig(stream, format="png", dpi=DPI, pil_kwargs={"compress_level": 3})
        self.figure.set_layout_engine("none")  # laid out now; the PDF keeps it
        with atomic_path(folder / f"{self.name}.png") as temporary:
            temporary.write_bytes(stream.getvalue())
        with atomic_path(folder / f"{self.name}.pdf") as temporary:
            self.figure.savefig(temporary, format="pdf", dpi=DPI, metadata={"CreationDate": None})
        picture = Image.open(stream).convert("RGB")
        wide = min(EMBEDDED_PIXELS, round(150 * self.figure.get_figwidth()))
        picture.thumbnail((wide, 3 * wide), Image.Resampling.LANCZOS)
        return webp(picture, 80)


def release(figure: Figure) -> None:
    """Free what a drawn figure holds; figure and canvas point at each other, and the pixels of
    many figures would wait for the collector of such circles."""
    figure.clear()
    figure.set_canvas(FigureCanvasBase(figure))


def _panel(axes: Axes) -> list[float]:
    box = axes.get_position()
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    shares = [round(v, 5) for v in (box.x0, 1 - box.y1, box.x1, 1 - box.y0)]
    return [*shares, *(round(v, 2) for v in (left, top, right, bottom))]


def drawn_webp(figure: Figure, width: int, quality: int) -> bytes:
    """Draw a figure for embedding only."""
    FigureCanvasAgg(figure)
    stream = BytesIO()
    dpi = width / float(figure.get_figwidth())
    figure.savefig(stream, format="png", dpi=dpi, pil_kwargs={"compress_level": 1})
    release(figure)
    return webp(Image.open(stream).convert("RGB"), quality)


def webp(picture: Image.Image, quality: int) -> bytes:
    """Pack a picture small enough to be embedded."""
    stream = BytesIO()
    picture.save(stream, format="WEBP", quality=quality, method=4)
    return stream.getvalue()


def element_scale(results: Results, element: str) -> Scale:
    """Find the one colour scale of an element, from kriging and the product to trust."""
    maps = results.of(element)
    leading = {maps[0].product, results.best(element)} if maps else set()
    chosen = [one.values for one in maps if one.product in leading]
    return common_scale(chosen, f"{element} ({maps[0].unit})" if maps else element)


def _halo_words(results: Results, name: str) -> str:
    """Say which element drives a halo map most."""
    table = results.table(Table.HALO)
    own = table[table[Column.METHOD] == name.removeprefix("halo_")]
    if not len(own):
        return "Score of all elements together."
    lead = own.iloc[int(own[Column.SHARE].argmax())]
    share = f"{100 * lead[Column.SHARE]:.0f} % of its variation"
    return f"Score of all elements together, driven most by {lead[Column.ELEMENT]} ({share})."


def run_plates(results: Results) -> Iterator[Plate]:
    """Draw what belongs to the whole run: samples, exposure, loadings."""
    base = results.pictures or list(results.maps.values())[:1]
    for one in base:
        yield _locations(results, one)
    for one in results.shares:
        scale = Scale(0.0, 1.0, False, one.unit, SHARE)
        figure, _ = single(one, scale, one.name.replace("_", " "))
        text = "Exposure: share of bare ground. Where it is low, the imagery says little of rock."
        yield Plate(one.name, "exposure", text, figure)
    for one in results.halos:
        figure, _ = single(one, common_scale([one.values], one.unit), one.name.replace("_", " "))
        yield Plate(one.name, "halo", _halo_words(results, one.name), figure)
    for drawn in quality_figures(results.run.folder):
        yield Plate(drawn.name, "quality", drawn.caption, drawn.figure)
    table = results.table(Table.COMPONENTS)
    for source in dict.fromkeys(table[Column.SOURCE]):
        chart = loadings_chart(results, str(source))
        if chart is not None:
            text = f"Loadings of the components of {source}, with their share of the variance."
            yield Plate(f"loadings_{str(source).replace('.', '_')}", "loadings", text, chart)


def _locations(results: Results, one: Map) -> Plate:
    scale = None
    if one.kind != "picture":
        scale = Scale(**{**vars(element_scale(results, one.element)), "colours": "Greys"})
    figure, axes = single(one, scale, "Sample locations")
    samples = results.samples
    for (survey, own), (mark, colour) in zip(
        samples.groupby(Column.SURVEY, sort=False), SURVEY_MARKS * 4, strict=False
    ):
        axes.scatter(own[Column.EASTING], own[Column.NORTHING], marker=mark,
                     s=11 if mark == "o" else 8, color=colour, ec=INK, lw=0.4, zorder=4,
                     label=f"{survey} (n = {len(own)})")  # fmt: skip
    _occurrences(results, axes)
    plan_on(axes, results.plan)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=6.5, loc="upper left", framealpha=0.9)
    title = results.title(one.product, one.element)
    ground = one.name.replace("_", " ") if scale is None else f"the map of {one.element}: {title}"
    text = f"Where samples were taken, on {ground}."
    return Plate(f"locations_{one.name}", "locations", text, figure)


def _occurrences(results: Results, axes: Axes) -> None:
    table = results.table(Table.OCCURRENCES)
    if len(table):
        axes.scatter(table[Column.EASTING], table[Column.NORTHING], s=26, marker="X",
                     color="#d55e00", ec="white", lw=0.5, zorder=5,
                     label=f"known occurrences (n = {len(table)})")  # fmt: skip


def element_plates(results: Results, element: str) -> Iterator[Plate]:
    """Draw the figures of one element, in the paper's order."""
    maps = results.of(element)
    if not maps:
        return
    scale, trusted = element_scale(results, element), results.best(element)
    answer = answer_figure(results, element, scale)
    if answer is not None:
        figure, axes = answer
        yield Plate(
            file_name("answer", element),
            "answer",
            ANSWER.format(element, UNSAMPLED if results.unsampled else ""),
            figure,
            axes,
        )
    yield from _map_plates(results, element, scale, str(trusted))
    error = results.errors.get((str(trusted), element)) or next(
        (one for (_, own), one in results.errors.items() if own == element), None
    )
    if error is not None:
        yield _error_plate(results, error)
    if element in results.probabilities:
        yield _probability_plate(results, element)
    difference = _difference_plate(results, element, str(trusted))
    if difference is not None:
        yield difference
    charts = (
        ("skill", skill_chart(results, element), "Skill on samples that the map had not seen. An "
         "interval that crosses 0 proves nothing."),
        ("calibration", calibration_chart(results, element), "Do the intervals hold? Points on "
         "the line are honest, below it too bold, above it too timid."),
        ("histogram", histogram_chart(results, element, results.threshold(element)), "Contents of "
         "the fitted samples. Of those beyond a limit only the limit is known."),
        ("variogram", variogram_chart(results, element), "Variogram of the fitted samples (dots) "
         "and the model that kriging uses (line)."),
        ("occurrences", occurrence_chart(results, element), "Known occurrences found while the "
         "map is searched from its highest values down. Grey: chance."),
        ("prediction_area", prediction_area_chart(results, element), "Prediction-area plot: the "
         "higher the curves of occurrences and of area cross, the more is found in the less area. "
         "Even odds cross at half."),
    )  # fmt: skip
    for role, chart, text in charts:
        if chart is not None:
            yield Plate(file_name(role, element), role, text, chart)


def _error_plate(results: Results, error: Map) -> Plate:
    """Map the standard error; of logarithms as the factor that geologists speak of."""
    title = results.title(error.product, error.element)
    logarithmic = error.unit.startswith("ln ")
    values = np.exp(error.values) if logarithmic else error.values
    unit = "times or divided by" if logarithmic else f"standard error ({error.unit})"
    scale = common_scale([values], unit, ERROR)
    shown = replace(error, values=values)
    figure, axes = single(shown, scale, f"{error.element}: standard error, {title}")
    text = f"Standard error of {title}. Pale ground is uncertain: it lies far from samples."
    if logarithmic:
        middle = float(np.nanmedian(values))
        text += f" In the median the content is right to within times or divided by {middle:.2g}."
    return Plate(file_name("error", error.element), "error", text, figure, [axes])


def _probability_plate(results: Results, element: str) -> Plate:
    one, threshold = results.probabilities[element], results.threshold(element)
    unit = results.of(element)[0].unit
    limit = f"{threshold:.3g} {unit}"
    scale = Scale(0.0, 1.0, False, f"probability of more than {limit}", SHARE)
    figure, axes = single(one, scale, f"{element}: probability of more than {limit}")
    text = f"Probability that {element} exceeds the threshold of {limit}, by the best map."
    return Plate(file_name("probability", element), "probability", text, figure, [axes])


def _difference_plate(results: Results, element: str, best: str) -> Plate | None:
    """Map what the best map says beyond kriging; None where kriging is the best map."""
    one, kriged = results.maps[best, element], results.maps.get((BASELINE, element))
    if kriged is None or best == BASELINE or kriged.values.shape != one.values.shape:
        return None
    if one.empty or kriged.empty:
        return None
    factor = bool(np.nanmin(one.values) > 0 and np.nanmin(kriged.values) > 0)
    values = one.values / kriged.values if factor else one.values - kriged.values
    unit = "best map as a multiple of kriging" if factor else f"best map minus kriging ({one.unit})"
    scale = difference_scale(values, unit, factor)
    figure, axes = single(
        replace(one, values=values), scale, f"{element}: best map against kriging"
    )
    text = "Orange: the best map expects more than kriging of the samples alone; purple: less."
    return Plate(file_name("difference", element), "difference", text, figure, [axes])


def _map_plates(results: Results, element: str, scale: Scale, trusted: str) -> Iterator[Plate]:
    best = results.maps[trusted, element]
    figure, axes = single(best, scale, f"{element}: {results.title(trusted, element)}")
    draw_outlines(axes, results.outlines(trusted, element), 0.7)
    samples_on(axes, results.samples)
    plan_on(axes, results.plan)
    text = (
        f"{element}: {results.title(trusted, element)}. Dots: samples."
        + (" Red: outlines of its anomalies." if results.outlines(trusted, element) else "")
        + (" Green squares: where to sample next." if len(results.plan) else "")
    )
    yield Plate(file_name("trusted", element), "trusted", text, figure, [axes])
    maps = results.of(element)
    if len(maps) > 1:
        shown = [(results.title(one.product, element), one.values, one.grid, scale) for one in maps]
        figure, _ = panel_figure(shown, scale)
        text = f"All maps of {element}, side by side, under one colour scale."
        yield Plate(file_name("products", element), "products", text, figure)
    close = magnified(results, element, trusted, scale)
    if close is not None:
        text = (
            f"Magnified around the {close[1]} (the comparison of the paper's Figure 13). Dots are "
            "samples"
            + ("; red lines are anomalies." if results.outlines(trusted, element) else ".")
        )
        yield Plate(file_name("magnified", element), "magnified", text, close[0])
