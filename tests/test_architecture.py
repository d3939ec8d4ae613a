"""The house stands on its floors: arrows go down, heavy libraries live in few rooms."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src" / "gossan"
FLOORS = {
    "errors": 0,
    "settings": 0,
    "names": 0,
    "arrays": 0,
    "catalogue": 0,
    "geo": 1,
    "imagery": 2,
    "geochem": 2,
    "fusion": 3,
    "evaluate": 4,
    "targets": 4,
    "io": 2,
    "pipeline": 5,
    "report": 6,
    "demo": 6,
    "console": 6,
    "testing": 4,
    "api": 7,
    "cli": 8,
    "__init__": 8,
    "__main__": 9,
}
HEAVY = {
    "rasterio": ("geo/raster", "geo/warp", "imagery/", "io/"),
    "dask": ("geo/cluster",),
    "distributed": ("geo/cluster",),
    "geopandas": ("api/", "geo/samples", "geochem/", "io/", "targets/", "imagery/masks/"),
    "matplotlib": ("report/",),
    "pyhdf": ("imagery/", "demo/"),
}


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def room(path: Path) -> str:
    first = path.relative_to(SOURCE).parts[0]
    return first.removesuffix(".py")


def imports(path: Path) -> list[tuple[str, int]]:
    """Every imported module of a file, at any depth of the code, with its line."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} uses a relative import"
            module = node.module or ""
            found.append((module, node.lineno))
            if module == "gossan":
                found += [(f"gossan.{alias.name}", node.lineno) for alias in node.names]
    return found


def inner_imports(path: Path) -> list[tuple[str, int]]:
    return [(m, line) for m, line in imports(path) if m.startswith("gossan.")]


def test_every_room_has_a_floor() -> None:
    assert {room(path) for path in modules()} <= set(FLOORS)


def test_imports_only_go_down() -> None:
    offenders = []
    for path in modules():
        own = room(path)
        for module, line in inner_imports(path):
            other = module.split(".")[1]
            if other in ("__version__",) or other == own:
                continue
            if FLOORS[other] >= FLOORS[own] and FLOORS[own] > 0:
                offenders.append(f"{path.relative_to(SOURCE)}:{line} reaches up to {module}")
            if FLOORS[own] == 0 and other not in ("errors", "settings", "names", "arrays"):
                offenders.append(f"{path.relative_to(SOURCE)}:{line} leaves the ground: {module}")
    assert not offenders, "\n".join(offenders)


def test_imports_have_no_circle() -> None:
    names = {}
    for path in modules():
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    graph = {
        name: {module for module, _ in inner_imports(path) if module in names and module != name}
        for name, path in names.items()
    }
    state: dict[str, int] = {}

    def visit(name: str, trail: list[str]) -> None:
        if state.get(name) == 2:
            return
        assert state.get(name) != 1, "circle: " + " -> ".join([*trail[trail.index(name) :], name])
        state[name] = 1
        for other in sorted(graph[name]):
            visit(other, [*trail, name])
        state[name] = 2

    for name in sorted(graph):
        visit(name, [])


@pytest.mark.parametrize("library", sorted(HEAVY))
def test_heavy_libraries_live_in_few_rooms(library: str) -> None:
    offenders = []
    for path in modules():
        place = path.relative_to(SOURCE).as_posix()
        for module, line in imports(path):
            if module.split(".")[0] == library and not place.startswith(HEAVY[library]):
                offenders.append(f"{place}:{line}")
    assert not offenders, f"{library} is imported by {', '.join(offenders)}"


def test_no_room_is_an_attic() -> None:
    attic = {"utils", "util", "helpers", "common", "misc"}
    assert not [path for path in modules() if path.stem in attic]


def owned_names() -> set[str]:
    from gossan.io.tables import Column, Table

    return {str(name) for name in (*Column, *Table)}


NAMING = ("table", "write_table", "groupby", "sort_values")
"""Methods whose first argument names a table or a column."""


def spelled(tree: ast.AST) -> list[tuple[str, int]]:
    """Texts used as a column or the name of a table: ``frame["x"]``, ``frame[["x"]]``, and
    ``table("x")``."""
    found: list[ast.expr] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            found += node.slice.elts if isinstance(node.slice, ast.List) else [node.slice]
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in NAMING:
            found += node.args[:1]
    return [
        (one.value, one.lineno)
        for one in found
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    ]


READERS = ("report/", "demo/show", "evaluate/", "pipeline/")
SETTINGS = ("pipeline/options/", "pipeline/new_project/", "pipeline/commands/run")
"""Read the keys of the project file, some of which are spelled like columns."""


def test_readers_of_a_run_take_the_names_of_tables_and_columns_from_the_contract() -> None:
    names, offenders = owned_names(), []
    for path in modules():
        place = path.relative_to(SOURCE).as_posix()
        if place.startswith(READERS) and not place.startswith(SETTINGS):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            offenders += [f"{place}:{line} spells {name!r}" for name, line in spelled(tree)
                          if name in names]  # fmt: skip
    assert not offenders, "\n".join(offenders)


def test_only_io_knows_the_file_of_the_manifest() -> None:
    offenders = [
        path.relative_to(SOURCE).as_posix()
        for path in modules()
        if room(path) != "io"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Constant) and node.value == "manifest.json")
        or (isinstance(node, ast.Attribute) and node.attr == "manifest_path")
    ]
    assert not offenders, ", ".join(offenders)


MOST_ARGUMENTS = 8
KEYWORD_ONLY_DOORS = {"simulate_district", "draw_survey"}
"""Doors of the simulated district: each argument is one documented quantity, given by name."""
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


def functions() -> list[tuple[str, FunctionNode]]:
    """Every function of the house with its place."""
    return [
        (f"{path.relative_to(SOURCE)}:{node.lineno} {node.name}", node)
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, FunctionNode)
    ]


def is_kernel(function: FunctionNode) -> bool:
    return any("njit" in ast.unparse(decorator) for decorator in function.decorator_list)


def test_no_function_takes_more_than_eight_arguments() -> None:
    def count(function: FunctionNode) -> int:
        given = function.args
        every = [*given.posonlyargs, *given.args, *given.kwonlyargs]
        return sum(one.arg not in ("self", "cls") for one in every)

    offenders = [
        place
        for place, function in functions()
        if count(function) > MOST_ARGUMENTS
        and not is_kernel(function)
        and function.name not in KEYWORD_ONLY_DOORS
    ]
    assert not offenders, "\n".join(offenders)


def test_only_the_grid_multiplies_an_affine() -> None:
    """``transform * (column, row)`` and ``~transform`` stand in geo/grid.py alone."""

    def is_affine(node: ast.expr) -> bool:
        name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
        return name in ("transform", "affine", "geotransform")

    offenders = []
    for path in modules():
        if path.relative_to(SOURCE).as_posix() == "geo/grid.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            product = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)
            if product and (is_affine(node.left) or is_affine(node.right)):
                offenders.append(f"{path.relative_to(SOURCE)}:{node.lineno}")
            inverse = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert)
            if inverse and is_affine(node.operand):
                offenders.append(f"{path.relative_to(SOURCE)}:{node.lineno}")
    assert not offenders, "\n".join(offenders)


SHARED_NAMES = {
    "Column", "Element", "ElementValues", "Evidence", "Header", "Layer", "Product",
    "SimulatedScene", "Table", "Text", "Validation",
}  # fmt: skip
"""Names that two classes still share: none may join them, and one that is resolved must go."""


def test_no_class_name_stands_for_two_things() -> None:
    places: dict[str, list[str]] = {}
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(f"{path.relative_to(SOURCE)}:{node.lineno}")
    twice = {name: where for name, where in places.items() if len(where) > 1}
    assert set(twice) == SHARED_NAMES, twice
