"""The command line: every command is a thin wrapper of a function that Python users call too."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from gossan.errors import GossanError, GossanWarning, InputError, must

if TYPE_CHECKING:
    import pandas as pd

    from gossan.pipeline.commands.run import RunResult

app = typer.Typer(
    help="A fine element map from a coarse geochemical survey and satellite imagery.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

ProjectPath = Annotated[Path, typer.Argument(metavar="PROJECT", help="Project file or its folder.")]
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="Folder that `gossan run` wrote.")]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="RUN", help="Run folder; default: run/ beside it.")
]
Workers = Annotated[
    int | None, typer.Option("--workers", min=1, help="Threads; default: every processor.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the project.")],
    survey: Annotated[Path | None, typer.Option(help="Table of the survey.")] = None,
    imagery: Annotated[
        list[str] | None, typer.Option(help="Raster, scene, folder or 'pattern'; repeatable.")
    ] = None,
    elements: Annotated[str, typer.Option(help="Elements, such as Cu,Zn.")] = "",
    crs: Annotated[str | None, typer.Option(help="Of the survey's coordinates: EPSG:...")] = None,
    occurrences: Annotated[Path | None, typer.Option(help="Known mines and outcrops.")] = None,
    paper: Annotated[
        bool, typer.Option("--paper", help="Also the paper's maps as printed.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Every key, to fill in by hand.")
    ] = False,
) -> None:
    """Write a project file, filled in from the survey and the imagery.

    gossan init copper --survey stream.xlsx --imagery "scenes/*" --elements Cu,Zn
    """
    from gossan.pipeline.commands.init import Wanted, start_project
    from gossan.pipeline.options.template import new_project_path, write_template

    new_project_path(folder)
    if everything or (survey is None and not sys.stdin.isatty()):
        _say(f"Wrote {write_template(folder)}. Fill it in, then: gossan check {folder}")
        return
    table = survey or Path(typer.prompt("Table of the survey"))
    if survey is None and not imagery:
        imagery = typer.prompt("Imagery (paths or patterns, none: leave empty)", "").split()
    names = tuple(filter(None, (name.strip() for name in elements.split(","))))
    started = start_project(
        folder,
        Wanted(table, names, crs),
        imagery or (),
        occurrences=occurrences,
        paper=paper,
        ask=(lambda text, default: str(typer.prompt(text, default)))
        if sys.stdin.isatty()
        else None,
    )
    for line in started.assumed:
        _say(f"Assumed: {line}")
    _say(f"Wrote {started.path}. Next: gossan check {folder}, then gossan run {folder}")


@app.command()
def check(project: ProjectPath) -> None:
    """Read headers only and say what is wrong, how to mend it, and what a run needs."""
    from gossan.pipeline.commands.check import check_project
    from gossan.pipeline.options.project import load_project

    found = check_project(load_project(project))
    _table(found.facts)
    for finding in found.findings:
        _say(str(finding))
    if found.blocked:
        raise typer.Exit(2)
    _say(f"Ready: gossan run {project}")


@app.command()
def run(
    project: ProjectPath, out: Out = None, workers: Workers = None, quiet: Quiet = False
) -> None:
    """Make every map, table and score of a project; goes on where a stopped run ended."""
    from gossan.pipeline.commands.run import run_project
    from gossan.pipeline.options.project import load_project

    loaded = load_project(project)
    folder = out or loaded.base / "run"
    result = run_project(loaded, folder, workers=workers, reporter=_reporter(quiet))
    _after(folder, quiet)
    if not quiet:
        _scores(result)
        _say(f"Maps: {folder / 'layers'}")
        _say(f"Report: {folder / 'report.html'}")


@app.command()
def predict(
    run: RunPath,
    at: Annotated[Path, typer.Option("--at", help="Table with the places.")],
    product: Annotated[str, typer.Option("--product", help="Name of the product.")],
    out: Annotated[Path, typer.Option("--out", help="CSV to write.")],
    element: Annotated[
        str | None, typer.Option("--element", help="Needed when the run has several.")
    ] = None,
) -> None:
    """Estimate at places: the table's columns plus estimate, lower90 and upper90."""
    from gossan.pipeline.commands.predict import notes_on, predict_at

    rows = predict_at(run, at, product, element, out)
    for note in notes_on(run, product, element, out):
        _say(f"Note: {note}.")
    _say(f"Wrote {rows} rows to {out}")


@app.command()
def indices(
    sensor: Annotated[str | None, typer.Option(help="aster or sentinel2; default: all.")] = None,
) -> None:
    """Print the catalogue of alteration indices: formula, mineral, reference."""
    import pandas as pd

    from gossan.catalogue.indices import all_indices

    shown = ("sensor", "name", "formula", "meaning", "reference", "status", "warning")
    rows = [{name: getattr(index, name) for name in shown} for index in all_indices(sensor)]
    if not rows:
        raise InputError(must("--sensor", "aster or sentinel2", repr(sensor), "Leave it out"))
    _table(pd.DataFrame(rows))


@app.command()
def prepare(
    project: ProjectPath, out: Out = None, workers: Workers = None, quiet: Quiet = False
) -> None:
    """Turn the scenes into calibrated bands, indices, components, masks and composites alone."""
    from gossan.pipeline.commands.prepare import prepare_project
    from gossan.pipeline.options.project import load_project

    loaded = load_project(project)
    folder = out or loaded.base / "run"
    made = prepare_project(loaded, folder, workers=workers, reporter=_reporter(quiet))
    if not quiet:
        _table(made)
        _say(f"Layers: {folder / 'layers'}")


@app.command()
def survey(project: ProjectPath, out: Out = None) -> None:
    """Report the quality of the survey tables, element by element."""
    from gossan.pipeline.commands.survey import survey_project
    from gossan.pipeline.options.project import load_project

    loaded = load_project(project)
    for line in survey_project(loaded, out or loaded.base / "run"):
        _say(line)


@app.command()
def krige(
    project: ProjectPath,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Default: krige/ beside it.")
    ] = None,
    workers: Workers = None,
    quiet: Quiet = False,
) -> None:
    """Make the element layers alone: kriging, its error, distances, alternatives, simulation."""
    from gossan.pipeline.commands.krige import krige_project
    from gossan.pipeline.options.project import load_project
    from gossan.report.variogram_plot import draw_variograms

    loaded = load_project(project)
    folder = out or loaded.base / "krige"
    made = krige_project(loaded, folder, workers=workers, reporter=_reporter(quiet))
    draw_variograms(folder)
    if not quiet:
        _table(made)
        _say(f"Layers: {folder / 'layers'}")
        _say(f"Variograms: {folder / 'figures'}")


@app.command()
def validate(
    project: ProjectPath, out: Out = None, workers: Workers = None, quiet: Quiet = False
) -> None:
    """Score every product by cross-validation and the check survey, without making maps."""
    from gossan.pipeline.commands.run import validate_project
    from gossan.pipeline.options.project import load_project

    loaded = load_project(project)
    folder = out or loaded.base / "run"
    result = validate_project(loaded, folder, workers=workers, reporter=_reporter(quiet))
    if not quiet:
        _scores(result)


@app.command()
def anomalies(
    run: RunPath,
    threshold: Annotated[
        list[str] | None, typer.Option(help="Such as Zn=500, in the element's unit; repeatable.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Find, outline and rank the anomalies of every map, by the project's [anomalies] as of now."""
    from gossan.pipeline.commands.anomalies import anomalies_of_run

    found = anomalies_of_run(run, _reporter(quiet), _numbers("--threshold", threshold or ()))
    if not quiet:
        _table(found)
        _say(f"Anomalies: {run / 'anomalies'}")


@app.command()
def sample(
    run: RunPath,
    count: Annotated[int, typer.Option("--count", help="Number of new samples.")] = 20,
    product: Annotated[
        str | None, typer.Option(help="Map that counts; default: the best one.")
    ] = None,
    element: Annotated[str | None, typer.Option(help="Element that counts.")] = None,
    goal: Annotated[str, typer.Option(help="doubt (anomalous or not?) or variance.")] = "doubt",
    within: Annotated[Path | None, typer.Option(help="Polygons that may be sampled.")] = None,
    avoid: Annotated[Path | None, typer.Option(help="Polygons that may not.")] = None,
    tracks: Annotated[Path | None, typer.Option(help="Lines to stay near.")] = None,
) -> None:
    """Propose new samples where they would help the map most (GeoPackage, GPX and CSV)."""
    from gossan.pipeline.commands.sample import Reach, next_samples

    if goal not in ("doubt", "variance"):
        raise InputError(must("--goal", "doubt or variance", repr(goal), "Choose one"))
    plan = next_samples(run, count, product, element, goal, Reach(within, avoid, tracks))  # type: ignore[arg-type]
    _table(plan.table.drop(columns="geometry"))
    if len(plan.table) < count:
        _say(f"Only {len(plan.table)} places lie half a spacing apart in the ground to sample.")
    left = plan.after / plan.before
    _say(f"They take {1 - left:.0%} of the kriging variance away that counts ({plan.goal}).")
    _say(f"Positions: {run / 'anomalies'}")


@app.command()
def report(run: RunPath) -> None:
    """Build RUN/report.html, its figures and the QGIS project again from the run folder."""
    _report(run, quiet=False)
    _say(f"Report: {run / 'report.html'}")


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make.")] = Path("demo"),
    seed: Annotated[int, typer.Option(help="Another seed, another district.")] = 7,
    quiet: Quiet = False,
) -> None:
    """Simulate a district with known truth, map it, and compare the maps with the truth."""
    from gossan.demo.show import show_district

    shown = show_district(folder, seed, _reporter(quiet))
    _after(shown.run, quiet)
    if not quiet:
        _table(shown.table)
        for sentence in shown.sentences:
            _say(sentence)


def _numbers(option: str, given: Sequence[str]) -> dict[str, float]:
    """Read values such as Zn=500."""
    found = {}
    for text in given:
        name, _, number = text.partition("=")
        try:
            found[name.strip()] = float(number)
        except ValueError:
            raise InputError(must(option, "such as Zn=500", repr(text), "Write it so")) from None
    return found


def _reporter(quiet: bool):  # type: ignore[no-untyped-def]
    from gossan.pipeline.progress import reporter_for

    return reporter_for(quiet)


def _after(run: Path, quiet: bool) -> None:
    """Follow a run with its anomalies and its report."""
    from gossan.pipeline.commands.anomalies import anomalies_of_run

    anomalies_of_run(run, _reporter(quiet))
    _report(run, quiet)


def _report(run: Path, quiet: bool) -> None:
    from gossan.report.build import build_report

    with _reporter(quiet).step("Report"):
        build_report(run)


def _scores(result: RunResult) -> None:
    if len(result.summary):
        _table(result.summary)
    else:
        _say("No product was tested at samples that it had not seen: there are too few samples.")
    for sentence in result.verdicts:
        _say(sentence)


def _say(text: str) -> None:
    Console(soft_wrap=True, highlight=False).print(text, markup=False)


def _table(frame: pd.DataFrame) -> None:
    """Print a table, numbers to three figures; outside a terminal no line is folded."""
    table = Table(box=None, pad_edge=False)
    for name in frame.columns:
        numeric = frame[name].dtype.kind in "if"
        table.add_column(str(name), justify="right" if numeric else "left", overflow="fold")
    for row in frame.itertuples(index=False):
        table.add_row(*[_cell(value) for value in row])
    if sys.stdout.isatty():
        Console(highlight=False).print(table)
        return
    wide = Console(width=10_000, file=StringIO(), highlight=False)
    wide.print(table)
    lines = wide.file.getvalue().splitlines()  # type: ignore[attr-defined]
    _say("\n".join(line.rstrip() for line in lines))


def _cell(value: object) -> str:
    if isinstance(value, float):
        if value != value:
            return ""
        return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return str(value)


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    Console(stderr=True, soft_wrap=True, highlight=False).print(f"Note: {message}", markup=False)


def main() -> None:
    """Run the command line; a mistake in the input is one line and exit code 2."""
    warnings.simplefilter("ignore")
    warnings.simplefilter("always", GossanWarning)
    warnings.showwarning = _show_warning  # type: ignore[assignment]
    try:
        app()
    except GossanError as error:
        print(error, file=sys.stderr)  # noqa: T201
        sys.exit(2)
    except KeyboardInterrupt:
        print("Stopped. Finished steps are kept; run again to go on.", file=sys.stderr)  # noqa: T201
        sys.exit(130)
