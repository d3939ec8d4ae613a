"""Reference pages out of the program itself: project file, commands, run folder, indices.

What a page states comes from the settings, commands and types that run, so that it cannot be stale.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin

import click
import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from gossan.catalogue.indices import all_indices
from gossan.cli import app
from gossan.fusion.registry import MODELS
from gossan.imagery.sensors import RASTERS, readers_in_words
from gossan.io.contract import KrigeManifest, RunManifest
from gossan.io.tables import Table
from gossan.pipeline.options.option_lines import meanings
from gossan.pipeline.options.project import LISTS, SECTIONS, ProductSettings


def write_reference(folder: Path) -> None:
    """Write every generated page; a page that has not changed keeps its time stamp."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = {
        "project_file": project_file(),
        "command_line": command_line(),
        "run_folder": run_folder(),
        "index_cards": index_cards(),
    }
    for name, text in pages.items():
        path = folder / f"{name}.md"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


SENSOR_KEYS = (
    "Some keys are read for some values of `sensor` only, as their meaning says; one that would "
    "have no effect is an error. Scenes of `aster` and `sentinel2` that come as "
    f"{RASTERS} read the keys for {RASTERS} instead of those of the product.",
    "",
)


def project_file() -> str:
    """Every key of the project file, from the settings records."""
    lines = [
        "# Project file: every key",
        "",
        "One TOML file describes a project. `gossan init` writes it; `gossan check` reads it and "
        "reports every mistake at once. Paths are relative to the file; `${NAME}` and "
        "`${NAME:-default}` are replaced from the environment.",
        "",
    ]
    for name, record in SECTIONS.items():
        lines += [f"## `[{name}]`", "", *_record(record)]
    for name, record in LISTS.items():
        lines += [f"## `[[{name}]]`", "", *(SENSOR_KEYS if name == "imagery" else ())]
        lines += _record(record)
    lines += [
        "## `[[product]]`",
        "",
        "Keys that every product has:",
        "",
        *_record(ProductSettings, skip=("options",)),
    ]
    for word, entry in MODELS.items():
        settings, _ = entry.load()
        lines += [f'### `model = "{word}"`', "", f"{entry.says[:1].upper()}{entry.says[1:]}.", ""]
        lines += _record(settings, skip=("model",))
    return "\n".join(lines)


def _record(record: type[BaseModel], skip: tuple[str, ...] = ()) -> list[str]:
    """A table of a record's keys, and one of each record inside it."""
    fields = {n: f for n, f in record.model_fields.items() if n not in skip}
    if not fields:
        return ["No keys of its own.", ""]
    documented = meanings(record)
    rows = ["| key | values | default | meaning |", "|---|---|---|---|"]
    nested: list[tuple[str, type[BaseModel]]] = []
    for name, field in fields.items():
        shown = field.alias or name
        said = (documented.get(name, ""), readers_in_words(field))
        meaning = ". ".join(_sentence(_cell(text)) for text in said if text)
        cells = (f"`{shown}`", _values(field.annotation), _default(field), meaning)
        rows.append(f"| {' | '.join(cells)} |")
        nested += [(shown, inner) for inner in _records_in(field.annotation)]
    rows.append("")
    for name, inner in nested:
        rows += [f"Keys of `{name}`:", "", *_record(inner)]
    return rows


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _values(annotation: Any) -> str:
    """What a key may hold, in words of a project file."""
    return _cell(_words(annotation))


_PLAIN = {
    str: "text", int: "whole number", float: "number", bool: "`true`, `false`", Path: "path",
    Any: "anything",
}  # fmt: skip


def _words(annotation: Any) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if origin is typing.Annotated:
        return _words(inner[0])
    if origin is typing.Literal:
        return ", ".join(f"`{_toml(word)}`" for word in inner)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_words(one) for one in inner if one is not type(None))
    if origin in (tuple, list, set, frozenset):
        ends = [one for one in inner if one is not Ellipsis]
        if Ellipsis in inner or origin is not tuple:
            return f"list of {_words(ends[0])}"
        return "[" + ", ".join(_words(one) for one in ends) + "]"
    if origin is not None and issubclass(origin, Mapping):
        return f"table: name = {_words(inner[1])}"
    if inspect.isclass(annotation) and issubclass(annotation, Enum):
        return ", ".join(f'`"{one.value}"`' for one in annotation)
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return "table (below)"
    return getattr(annotation, "__name__", str(annotation))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True)
    if value is None or value is PydanticUndefined:
        return "none"
    if isinstance(value, BaseModel):
        return "as below"
    return f"`{_cell(_toml(value))}`"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Enum):
        return _toml(value.value)
    if isinstance(value, str | Path):
        return f'"{value}"'
    if isinstance(value, tuple | list | frozenset | set):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + " }"
    return str(value)


def _records_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        if not isinstance(inner, str):
            yield from _records_in(inner)


def command_line() -> str:
    """Every command with its options, from the command line itself."""
    group = typer.main.get_command(app)
    assert isinstance(group, click.Group) or hasattr(group, "commands")
    lines = [
        "# Command line",
        "",
        "Exit code 0: done. 2: the input must change; one line says what is wrong, what is "
        "allowed and the cure. 1: a mistake of gossan itself. `gossan --json COMMAND` prints "
        "events for other programs ([events](../../json_events.md)).",
        "",
    ]
    for name, command in sorted(group.commands.items()):  # type: ignore[union-attr]
        lines += [
            f"## `gossan {name}`",
            "",
            *_help_text(command.help or ""),
            "",
            *_usage(name, command),
        ]
    return "\n".join(lines)


def _help_text(text: str) -> list[str]:
    """A command's help, its example as a code block."""
    words, _, example = inspect.cleandoc(text).partition("Example: ")
    return [words.strip(), *(["", "```sh", example.strip(), "```"] if example else [])]


def _usage(name: str, command: Any) -> list[str]:
    rows = ["| argument, option | meaning | default |", "|---|---|---|"]
    for parameter in command.params:
        if parameter.name == "help" or getattr(parameter, "hidden", False):
            continue
        shown = (
            ", ".join(f"`{one}`" for one in parameter.opts)
            if parameter.param_type_name == "option"
            else f"`{parameter.metavar or parameter.name.upper()}`"
        )
        help_text = getattr(parameter, "help", "") or ""
        default = (
            parameter.default
            if parameter.default not in (None, False) and not callable(parameter.default)
            else ""
        )
        default = f"`{default}`" if str(default) and "UNSET" not in str(default).upper() else ""
        rows.append(f"| {shown} | {_cell(help_text)} | {default} |")
    return [*rows, ""]


def run_folder() -> str:
    """The contract of a run folder: manifest and tables, from the types."""
    lines = [
        "# Run folder: the contract",
        "",
        "What `gossan run` writes and other programs may rely on. `manifest.json` is written "
        "last: a folder without it is not a finished run. Its `files` list every file with size "
        "and hash.",
        "",
        "## `manifest.json` of a run",
        "",
        *_record(RunManifest),
        "## `manifest.json` of `gossan krige`",
        "",
        *_record(KrigeManifest),
        "## Tables: `tables/<name>.csv`",
        "",
        "A table may have more columns than the contract names.",
        "",
    ]
    for table in Table:
        columns = ", ".join(f"`{column}`" for column in table.columns)
        lines += [f"`{table}`", f": {columns or 'columns of the model that made it'}", ""]
    return "\n".join(lines).replace("None", "null")


def index_cards() -> str:
    """A card of every alteration index."""
    lines = [
        "# Alteration indices: a card each",
        "",
        "The catalogue that `gossan indices` prints; what the words mean: "
        "[indices](../../indices.md).",
        "",
    ]
    for sensor in ("aster", "sentinel2"):
        lines += [f"## {'ASTER' if sensor == 'aster' else 'Sentinel-2'}", ""]
        for index in all_indices(sensor):
            lines += [
                f"### {index.name.replace('_', ' ')} ({sensor})",
                "",
                f"`{index.name}` = `{index.formula}`",
                "",
                f"{index.meaning}. Source: {index.reference}. Status: {index.status}.",
                "",
            ]
            if index.warning:
                lines += [f":::{{warning}}\n{index.warning}\n:::", ""]
    return "\n".join(lines)
