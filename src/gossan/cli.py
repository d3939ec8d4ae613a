"""The command line: every command is a thin wrapper of a function that Python users call too."""

from __future__ import annotations

import signal
import sys
import warnings
from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gossan.console.failure import failure_of
from gossan.console.json_events import JsonEvents, take_stdout
from gossan.console.output import Output, Quiet, TextOutput, prepare_streams
from gossan.errors import GossanWarning, InputError, must

if TYPE_CHECKING:
    from gossan.pipeline.commands.run import RunResult
    from gossan.pipeline.options.project import Project
    from gossan.pipeline.progress import Reporter

app = typer.Typer(
    help="A fine element map from a coarse geochemical survey and satellite imagery.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

ProjectPath = Annotated[Path, typer.Argument(metavar="PROJECT", help="Project file or its folder.")]
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="Folder that `gossan run` wrote.")]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="RUN", help="Run folder; default: run/ beside it.")
]
Workers = Annotated[
    int | None, typer.Option("--workers", min=1, help="Threads; default: every processor.")
]


_current: ContextVar[Output] = ContextVar("output")
"""Where the running command prints."""


def _out() -> Output:
    return _current.get(TextOutput())


def _be_quiet(quiet: bool) -> bool:
    """Replace the text of a quiet command by its failures alone."""
    if quiet and not isinstance(_out(), JsonEvents):
        _current.set(Quiet())
    return quiet


IsQuiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", callback=_be_quiet, help="Print nothing but errors."),
]


def _join_cluster(context: typer.Context, word: str | None) -> str | None:
    """Use a cluster until the command ends."""
    if word is not None:
        from gossan.geo.cluster import cluster_at, dashboard_of

        address = context.with_resource(cluster_at(word))
        _out().say(f"Dashboard of the cluster: {dashboard_of(address)}")
    return word


Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="WHERE",
        callback=_join_cluster,
        help="dask.distributed: local:4 (processes) or the address tcp://host:8786 of a scheduler.",
    ),
]


def _opened(project: Path, out: Path | None, name: str = "run") -> tuple[Project, Path]:
    """Load a project and choose the folder to write: the one asked for, or beside it."""
    from gossan.pipeline.options.project import load_project

    loaded = load_project(project)
    return loaded, out or loaded.base / name


def _reporter(quiet: bool = False) -> Reporter:
    return _out().reporter(quiet)


def _show_version(asked: bool) -> None:
    if asked:
        if not isinstance(_out(), JsonEvents):  # its hello says it
            _out().say(f"gossan {version('gossan')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print events as JSON lines, for programs.")
    ] = False,
) -> None:
    """A fine element map from a coarse geochemical survey and satellite imagery.

    First map: gossan demo, or gossan init DIR, gossan check DIR, gossan run DIR
    """


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

    Example: gossan init copper --survey stream.xlsx --imagery "scenes/*" --elements Cu,Zn
    """
    from gossan.names import as_word
    from gossan.pipeline.commands.init import Wanted, ask_for_files, start_project
    from gossan.pipeline.options.template import new_project_path, write_template

    new_project_path(folder)
    ask = _asked if _out().interactive else None
    if everything or (survey is None and ask is None):
        path = write_template(folder)
        _out().say(f"Wrote {path}. Fill it in, then: gossan check {as_word(folder)}")
        _out().file("project", path)
        return
    if survey is None:
        survey, imagery = ask_for_files(_asked, imagery)
    started = start_project(
        folder,
        Wanted(survey, _names(elements), crs),
        imagery or (),
        occurrences=occurrences,
        paper=paper,
        ask=ask,
    )
    for line in started.assumed:
        _out().say(f"Assumed: {line}")
    word = as_word(folder)
    _out().say(f"Wrote {started.path}. Next: gossan check {word}, then gossan run {word}")
    _out().file("project", started.path)


def _asked(question: str, guess: str) -> str:
    return str(typer.prompt(question, guess, show_default=bool(guess)))


@app.command()
def update(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the project.")],
    survey: Annotated[Path, typer.Option(help="Table of the survey.")],
    imagery: Annotated[
        list[str] | None, typer.Option(help="Raster, scene, folder or 'pattern'; repeatable.")
    ] = None,
    elements: Annotated[str, typer.Option(help="Elements or columns, such as Cu,Zn.")] = "",
    crs: Annotated[str | None, typer.Option(help="Of the survey's coordinates: EPSG:...")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Such as survey.1.support_m=1000."),
    ] = None,
) -> None:
    """Bring a project file up to date with its survey, imagery and settings, or write a new one.

    Comments and everything else that the file says stay.

    Example: gossan update copper --survey soil.csv --elements Cu --set survey.1.support_m=100
    """
    from gossan.pipeline.commands.init import Change, Wanted, start_project

    wanted = Wanted(survey, _names(elements), crs)
    change = Change(tuple(settings or ()), update=True)
    started = start_project(folder, wanted, imagery or (), change=change)
    for line in started.assumed:
        _out().say(f"Assumed: {line}")
    _out().say(f"Wrote {started.path}.")
    _out().file("project", started.path)


def _names(listed: str) -> tuple[str, ...]:
    """Read names that commas part."""
    return tuple(filter(None, (name.strip() for name in listed.split(","))))


@app.command()
def show(project: ProjectPath) -> None:
    """Print every setting of a project file, defaults included.

    Example: gossan show copper
    """
    from gossan.pipeline.options.project import load_project, settings_record

    loaded = load_project(project)
    _out().settings(settings_record(loaded))
    _out().file("folder", loaded.base)


@app.command()
def check(project: ProjectPath, cluster: Cluster = None) -> None:
    """Read tables, headers and pixels under the samples; list what is wrong and what a run needs.

    Example: gossan check copper
    """
    from gossan.names import as_word
    from gossan.pipeline.commands.check import check_project
    from gossan.pipeline.options.project import load_project

    found = check_project(load_project(project))
    _out().table("facts", found.facts)
    for finding in found.records:
        _out().finding(finding.severity, finding.text)
    if found.blocked:
        raise typer.Exit(2)
    _out().say(f"Ready: gossan run {as_word(project)}")


@app.command()
def run(
    project: ProjectPath,
    out: Out = None,
    workers: Workers = None,
    cluster: Cluster = None,
    profile: Annotated[
        bool, typer.Option("--profile", help="Print time, memory and bytes of every step.")
    ] = False,
    keep_store: Annotated[
        bool, typer.Option("--keep-store", help="Keep the pixels of features for later runs.")
    ] = False,
    quiet: IsQuiet = False,
) -> None:
    """Make every map, table and score of a project; a stopped run continues where it ended.

    Example: gossan run copper
    """
    from gossan.api.projects import run_to_report
    from gossan.pipeline.profile import Profile, with_total

    loaded, folder = _opened(project, out)
    measured = Profile(_reporter(quiet))
    _scores(run_to_report(loaded, folder, measured, workers, keep_store=keep_store))
    if profile:
        _out().table("steps", with_total(measured.steps))
    _show_run(folder)
    _out().file("maps", folder / "layers")
    _out().file("report", folder / "report.html")


@app.command()
def results(run: RunPath) -> None:
    """List the verdicts, targets and layers of a finished run.

    Example: gossan results copper/run
    """
    from gossan.report.shown_layers import verdicts_of_run

    for sentence in verdicts_of_run(run):
        _out().say(sentence)
    _list_run(run)


@app.command()
def predict(
    run: RunPath,
    at: Annotated[Path, typer.Option("--at", help="Table with the places.")],
    out: Annotated[Path, typer.Option("--out", help="CSV to write.")],
    product: Annotated[
        str | None, typer.Option("--product", help="Name of the product; default: the best map.")
    ] = None,
    element: Annotated[
        str | None, typer.Option("--element", help="Needed when the run has several.")
    ] = None,
    cluster: Cluster = None,
) -> None:
    """Estimate at places: the table's columns plus estimate, lower90 and upper90.

    Example: gossan predict copper/run --at places.csv --element Cu --out estimates.csv
    """
    from gossan.pipeline.commands.predict import notes_on, predict_at

    rows = predict_at(run, at, product, element, out)
    for note in notes_on(run, product, element, out):
        _out().say(f"Note: {note}.")
    _out().say(f"Wrote {rows} rows to {out}")
    _out().file("estimates", out)


@app.command()
def indices(
    sensor: Annotated[str | None, typer.Option(help="aster or sentinel2; default: all.")] = None,
) -> None:
    """Print the catalogue of alteration indices: formula, mineral, reference.

    Example: gossan indices --sensor aster
    """
    import pandas as pd

    from gossan.catalogue.indices import all_indices

    shown = ("sensor", "name", "formula", "meaning", "reference", "status", "warning")
    rows = [{name: getattr(index, name) for name in shown} for index in all_indices(sensor)]
    if not rows:
        raise InputError(must("--sensor", "aster or sentinel2", repr(sensor), "Leave it out"))
    _out().table("indices", pd.DataFrame(rows))


@app.command()
def prepare(
    project: ProjectPath,
    out: Out = None,
    workers: Workers = None,
    cluster: Cluster = None,
    quiet: IsQuiet = False,
) -> None:
    """Turn the scenes into calibrated bands, indices, components, masks and composites alone.

    Example: gossan prepare copper
    """
    from gossan.pipeline.commands.prepare import prepare_project

    loaded, folder = _opened(project, out)
    made = prepare_project(loaded, folder, workers=workers, reporter=_reporter(quiet))
    _out().table("layers", made)
    _show_plain(folder, made["file"], "Imagery")
    _out().file("layers", folder / "layers")


@app.command()
def survey(project: ProjectPath, out: Out = None, cluster: Cluster = None) -> None:
    """Report the quality of the survey tables, element by element.

    Example: gossan survey copper
    """
    from gossan.pipeline.commands.survey import survey_project
    from gossan.report.quality_plot import draw_quality

    loaded, folder = _opened(project, out)
    for line in survey_project(loaded, folder):
        _out().say(line)
    _out().file("tables", folder / "tables")
    for path in draw_quality(folder):
        _out().file("figure", path)


@app.command()
def catchments(
    project: ProjectPath,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Default: catchments/ beside it.")
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="Also map what sediment would hold, by a finished run."),
    ] = None,
) -> None:
    """Outline the catchments of stream samples: polygons, a table and a map for each element.

    Example: gossan catchments copper
    """
    from gossan.pipeline.commands.catchments import catchments_project

    loaded, folder = _opened(project, out, "catchments")
    made = catchments_project(loaded, folder, run)
    _out().table("catchments", made.table)
    for line in made.findings:
        _out().finding("warning", line)
    _show_catchments(folder)
    _out().file("catchments", folder)


@app.command()
def krige(
    project: ProjectPath,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Default: krige/ beside it.")
    ] = None,
    workers: Workers = None,
    cluster: Cluster = None,
    quiet: IsQuiet = False,
) -> None:
    """Make the element layers alone: kriging, its error, distances, alternatives, simulation.

    Example: gossan krige copper
    """
    from gossan.pipeline.commands.krige import krige_project
    from gossan.report.variogram_plot import draw_variograms

    loaded, folder = _opened(project, out, "krige")
    reporter = _reporter(quiet)
    made = krige_project(loaded, folder, workers, reporter, draw=draw_variograms)
    _out().table("layers", made)
    _show_plain(folder, made["layer"] + ".tif", "Kriging")
    _out().file("layers", folder / "layers")
    _out().file("variograms", folder / "figures")


@app.command()
def validate(
    project: ProjectPath,
    out: Out = None,
    workers: Workers = None,
    cluster: Cluster = None,
    quiet: IsQuiet = False,
) -> None:
    """Score every product by cross-validation and the check survey, without making maps.

    Example: gossan validate copper
    """
    from gossan.pipeline.commands.run import validate_project

    loaded, folder = _opened(project, out)
    result = validate_project(loaded, folder, workers=workers, reporter=_reporter(quiet))
    _scores(result)
    _out().file("tables", folder / "tables")


@app.command()
def anomalies(
    run: RunPath,
    threshold: Annotated[
        list[str] | None, typer.Option(help="Such as Zn=500, in the element's unit; repeatable.")
    ] = None,
    cluster: Cluster = None,
    quiet: IsQuiet = False,
) -> None:
    """Find, outline and rank the anomalies of every map, by the project file as it is now.

    Example: gossan anomalies copper/run --threshold Zn=500
    """
    from gossan.pipeline.commands.anomalies import anomalies_of_run

    found = anomalies_of_run(run, _reporter(quiet), _numbers("--threshold", threshold or ()))
    _out().table("anomalies", found)
    _show_run(run)
    _out().file("anomalies", run / "anomalies")


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
    """Propose new samples where they would help the map most (GeoPackage, GPX and CSV).

    Example: gossan sample copper/run --count 10
    """
    from gossan.pipeline.commands.sample import Reach, next_samples

    if goal not in ("doubt", "variance"):
        raise InputError(must("--goal", "doubt or variance", repr(goal), "Choose one"))
    plan = next_samples(run, count, product, element, goal, Reach(within, avoid, tracks))  # type: ignore[arg-type]
    _out().table("samples", plan.table.drop(columns="geometry"))
    if len(plan.table) < count:
        _out().say(f"Only {len(plan.table)} places lie half a spacing apart in the area to sample.")
    left = plan.after / plan.before
    _out().say(f"They remove {1 - left:.0%} of the kriging variance that counts ({plan.goal}).")
    if _out().for_programs:
        from gossan.report.shown_layers import proposed_samples

        _out().layers([proposed_samples(run).record()])
    _out().file("positions", run / "anomalies")


@app.command()
def report(run: RunPath) -> None:
    """Build RUN/report.html, its figures and the QGIS project again from the run folder.

    Example: gossan report copper/run
    """
    _report(run, _reporter())
    _show_run(run)
    _out().file("report", run / "report.html")


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make.")] = Path("demo"),
    seed: Annotated[int, typer.Option(help="Another seed, another district.")] = 7,
    drainage: Annotated[
        bool, typer.Option("--drainage", help="Stream sediments of a drained landscape.")
    ] = False,
    quiet: IsQuiet = False,
) -> None:
    """Simulate a district with known truth, map it, and compare the maps with the truth.

    Example: gossan demo
    """
    from gossan.demo.show import show_district

    shown = show_district(folder, seed, _reporter(quiet), drainage)
    _report(shown.run, _reporter(quiet))
    _out().table("truth", shown.table)
    for sentence in shown.sentences:
        _out().say(sentence)
    _out().file("report", shown.run / "report.html")


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


def _report(run: Path, reporter: Reporter) -> None:
    from gossan.report.build import build_report

    with reporter.step("Report"):
        build_report(run)


def _show_run(run: Path) -> None:
    """List layers and targets for programs, which cannot see them in the report."""
    if _out().for_programs:
        _list_run(run)


def _list_run(run: Path) -> None:
    from gossan.report.shown_layers import layers_of_run, targets_of_run

    _out().table("targets", targets_of_run(run))
    _out().layers([layer.record() for layer in layers_of_run(run)])
    for label, name in {"run": "", "project": "gossan.qgs", "report": "report.html"}.items():
        if (run / name).exists():
            _out().file(label, run / name)


def _show_plain(folder: Path, files: Iterable[str], group: str) -> None:
    """Style the layers of a folder without a report, and list them for programs."""
    from gossan.report.shown_layers import styled_layers

    paths = [folder / "layers" / name for name in files]
    styled = styled_layers([path for path in paths if path.exists()], group)
    _out().layers([layer.record() for layer in styled])


def _show_catchments(folder: Path) -> None:
    """List outlines and maps of catchments for programs; style the maps."""
    from gossan.report.shown_layers import catchment_layers

    if _out().for_programs:
        _out().layers([layer.record() for layer in catchment_layers(folder)])


def _scores(result: RunResult) -> None:
    if len(result.summary):
        _out().table("scores", result.summary)
    else:
        _out().say("No product was tested at unseen samples: there are too few samples.")
    for sentence in result.verdicts:
        _out().say(sentence)


def main() -> None:
    """Run the command line and exit with 0, 2 (input), 130 (stopped) or 1 (a bug)."""
    prepare_streams()
    for name in ("SIGTERM", "SIGBREAK"):  # the plugin's and Windows' way to stop a command
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)
    arguments = sys.argv[1:]
    output: Output = TextOutput()
    if "--json" in arguments:
        arguments.remove("--json")
        output = take_stdout()
        output.hello(arguments)
    sys.exit(_run(arguments, output))


def _run(arguments: list[str], output: Output) -> int:
    """Run one command; whatever it raises becomes one line and an exit code."""
    warnings.simplefilter("ignore")
    warnings.simplefilter("always", GossanWarning)
    warnings.showwarning = lambda message, *_, **__: output.note(str(message))
    _current.set(output)
    try:
        code = int(app(arguments, standalone_mode=False) or 0)
        if code == 130:
            raise KeyboardInterrupt  # click has caught it
        output.finish(next((word for word in arguments if not word.startswith("-")), ""), code)
        return code
    except (Exception, KeyboardInterrupt) as error:
        failure = failure_of(error)
        output.fail(failure)
        return failure.exit_code
