"""Lay the report out as one self-contained HTML page."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from gossan.io.contract import BASELINE, Comparison, ProductRecord, RunManifest
from gossan.io.tables import Column, Table
from gossan.report.answer import Target, targets_of
from gossan.report.explore import exploration
from gossan.report.figures import Plate, drawn_webp, element_scale, release, webp
from gossan.report.maps import crs_text, length_text, round_length
from gossan.report.palette import Scale
from gossan.report.plain import plain_verdict
from gossan.report.read import Results
from gossan.report.tables import (
    PageTable,
    anomaly_tables,
    control_tables,
    learnt_tables,
    occurrence_tables,
    run_tables,
    score_tables,
)
from gossan.report.target_sheets import SHEETS, facts_of, target_maps
from gossan.report.terms import TERMS, term_of
from gossan.report.thresholds import HighPlace, high_ground, no_target, threshold_sentence
from gossan.report.why import why_text

SHEET_PIXELS = 860
"""Width of the picture of a target."""
SWIPE_PIXELS = 900
"""Longest side of a swipe map."""


@dataclass(frozen=True)
class Picture:
    """An embedded figure; ``panels`` are the places of its maps, for clicks."""

    name: str
    role: str
    caption: str
    width: int
    source: str = field(repr=False)
    panels: Sequence[Sequence[float]] = ()


@dataclass(frozen=True)
class TargetPage:
    """The page of one target."""

    target: Target
    facts: Sequence[tuple[str, str]]
    source: str = field(repr=False)


@dataclass(frozen=True)
class Swipe:
    """The maps of one element for comparison by a sliding edge."""

    maps: tuple[tuple[str, str, str], ...] = field(repr=False)
    """Code, title and picture of each."""
    left: str
    right: str
    width: int
    height: int
    bounds: tuple[float, float, float, float]
    """Left, bottom, right and top of the ground."""
    ticks: tuple[tuple[str, str], ...]
    gradient: str
    unit: str
    bar_share: float
    bar_text: str


@dataclass(frozen=True)
class Chapter:
    """What the report tells of one element."""

    element: str
    plain: str
    verdict: str
    threshold: str
    high: Sequence[HighPlace]
    targets: Sequence[Target]
    why: Mapping[str, str]
    sheets: Sequence[TargetPage]
    pictures: tuple[Picture, ...]
    swipe: Swipe | None
    scores: Sequence[PageTable]
    anomalies: Sequence[PageTable]
    occurrences: Sequence[PageTable]
    learnt: Sequence[PageTable]
    says: Mapping[str, str]
    explore: Mapping[str, Any] | None = field(repr=False)


def embedded(data: bytes) -> str:
    """Return bytes of a WebP picture as a data address."""
    return "data:image/webp;base64," + base64.b64encode(data).decode("ascii")


def picture(plate: Plate, folder: Path) -> Picture:
    """Write a plate's files and embed it."""
    width = round(115 * plate.figure.get_figwidth())
    source = embedded(plate.write(folder))
    found = Picture(plate.name, plate.role, plate.caption, width, source, plate.panels)
    release(plate.figure)
    return found


def chapter(results: Results, element: str, pictures: Sequence[Picture]) -> Chapter:
    """Gather what is told of one element; what is missing is stated."""
    return Chapter(
        element=element,
        plain=plain_verdict(results, element),
        verdict=verdict(results, element),
        threshold=threshold_sentence(results, element),
        high=() if targets_of(results, element) else high_ground(results, element),
        targets=targets_of(results, element),
        why={
            one.name: why_text(results, element, one.name) for one in targets_of(results, element)
        },
        sheets=sheets(results, element),
        pictures=tuple(pictures),
        swipe=swipe(results, element),
        scores=score_tables(results, element),
        anomalies=anomaly_tables(results, element),
        occurrences=occurrence_tables(results, element),
        learnt=learnt_tables(results, element),
        says=missing(results, element),
        explore=exploration(results, element),
    )


def sheets(results: Results, element: str) -> list[TargetPage]:
    """Make the pages of an element's targets; the PDF beside the report has them sharper."""
    targets = targets_of(results, element, SHEETS)
    if not targets:
        return []
    scale, found = element_scale(results, element), []
    for one in targets:
        drawn = drawn_webp(target_maps(results, element, one, targets, scale), SHEET_PIXELS, 72)
        found.append(TargetPage(one, facts_of(results, element, one), embedded(drawn)))
    return found


def verdict(results: Results, element: str) -> str:
    """Say which map of an element to trust, and why."""
    if not results.of(element):
        return f"No map of {element} was made."
    if all(one.empty for one in results.of(element)):
        return f"The maps of {element} hold no value: every pixel is masked or off the surveys."
    return results.manifest.verdicts[element].sentence


def missing(results: Results, element: str) -> dict[str, str]:
    """Say in words what the run does not hold."""
    says = {}
    maps, held = results.of(element), results.table(Table.HELD_OUT, element)
    if len(maps) == 1:
        says["maps"] = (
            f"Only one map of {element} was made ({results.title(maps[0].product, element)})."
        )
    if not any(own == element for _, own in results.errors):
        says["error"] = "No product of this element tells its error, so there is no error map."
    elif (results.best(element), element) not in results.errors:
        says["error"] = (
            f"{results.title(str(results.best(element)), element)} does not tell its error; the "
            "error map is that of the product named on it."
        )
    if not any(Comparison.parse(text).is_check for text in held[Column.COMPARISON].unique()):
        says["check"] = (
            "There is no check survey: skill rests on samples held out from the fitted survey."
        )
    numbers = results.table(Table.PRODUCT_NUMBERS, element)
    anomalies = results.table(Table.ANOMALIES, element)
    if not len(numbers):
        says["anomalies"] = "Anomalies were not looked for. Run: gossan anomalies RUN"
    elif len(anomalies[anomalies[Column.PRODUCT] == results.best(element)]) == 0:
        says["anomalies"] = no_target(results, element)
    if results.table(Table.OCCURRENCE_TESTS, element).empty:
        given = results.manifest.settings["project"].get("occurrences")
        says["occurrences"] = (
            "Known occurrences were named but not tested yet. Run: gossan anomalies RUN"
            if given
            else "No known occurrences were given, so the maps were not held against any."
        )
    return says


def swipe(results: Results, element: str) -> Swipe | None:
    """Make the maps of one element into small pictures under one scale."""
    maps = [one for one in results.of(element) if not one.empty]
    if len(maps) < 2:
        return None
    scale, grid = element_scale(results, element), maps[0].grid
    left, bottom, right, top = grid.bounds
    share = SWIPE_PIXELS / max(right - left, top - bottom)
    size = (max(1, round((right - left) * share)), max(1, round((top - bottom) * share)))
    shown = []
    for one in maps:
        image = Image.fromarray(scale.pixels(one.values)).convert("RGB")
        small = embedded(webp(image.resize(size, Image.Resampling.BOX), 76))
        shown.append((one.product, results.title(one.product, element), small))
    names = [name for name, _, _ in shown]
    first = BASELINE if BASELINE in names else names[0]
    trusted = results.best(element)
    second = next((n for n in [str(trusted), *names] if n != first and n in names), names[-1])
    length = round_length(right - left)
    return Swipe(
        tuple(shown), first, second, *size, grid.bounds, _ticks(scale), _gradient(scale),
        scale.unit, 100 * length / (right - left), length_text(length),
    )  # fmt: skip


def _ticks(scale: Scale) -> tuple[tuple[str, str], ...]:
    return tuple((f"{100 * scale.place(v):.1f}", f"{v:g}") for v in scale.ticks())


def _gradient(scale: Scale) -> str:
    return ", ".join(colour for _, colour in scale.colours_of(12))


def page(results: Results, chapters: Sequence[Chapter], pictures: Sequence[Picture]) -> str:
    """Fill the template."""
    folder = Path(__file__).parent / "templates"
    environment = Environment(
        loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    manifest = results.manifest
    return environment.get_template("report.html.j2").render(
        manifest=manifest,
        terms=TERMS,
        term_of=term_of,
        crs=_crs(results),
        chapters=chapters,
        pictures=pictures,
        tables=run_tables(results),
        controls=control_tables(results),
        warnings=warnings_of(manifest),
        settings=json.dumps(manifest.settings, indent=2, ensure_ascii=False),
        style=Markup((folder / "style.css").read_text(encoding="utf-8")),
        script=Markup((folder / "script.js").read_text(encoding="utf-8")),
    )


def _crs(results: Results) -> str:
    found = next(iter(results.maps.values()), None)
    return crs_text(found.grid) if found is not None else results.manifest.grid.crs


def warnings_of(manifest: RunManifest) -> list[str]:
    """List what the run warned of, each once, with the product it came from.

    What products chose, and how their intervals were calibrated, comes last.
    """
    parts: list[tuple[str, ProductRecord]] = [
        *((text, one) for one in manifest.products for text in one.warnings),
        *((one.choice, one) for one in manifest.products if one.choice),
        *((f"{one.calibration}.", one) for one in manifest.products if one.calibration),
    ]
    told = (f"{one.element}, {one.title}: {text}" for text, one in parts)
    return list(dict.fromkeys([*manifest.notes, *told]))
