"""The house stands on its floors: arrows go down, heavy libraries live in few rooms."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from .floors import INNER, ROOMS, floors, place_on

SOURCE = Path(__file__).resolve().parent.parent / "src" / "gossan"
FLOORS = floors(ROOMS)
HEAVY = {
    "rasterio": ("geo/overviews", "geo/raster", "geo/warp", "imagery/", "io/"),
    "dask": ("geo/cluster",),
    "distributed": ("geo/cluster",),
    "geopandas": (
        *("api/", "geo/samples", "geochem/", "io/", "targets/"),
        *("imagery/shapes", "imagery/categories/"),
    ),
    "matplotlib": ("report/",),
    "pyhdf": ("imagery/", "demo/"),
}


@cache
def modules() -> tuple[Path, ...]:
    return tuple(sorted(SOURCE.rglob("*.py")))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    """Every node of a file."""
    return tuple(ast.walk(tree_of(path)))


def room(path: Path) -> str:
    first = path.relative_to(SOURCE).parts[0]
    return first.removesuffix(".py")


@cache
def imports(path: Path) -> list[tuple[str, int]]:
    """Every imported module of a file, at any depth of the code, with its line."""
    found = []
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} uses a relative import"
            module = node.module or ""
            found.append((module, node.lineno))
            if module == "gossan":
                found += [(f"gossan.{alias.name}", node.lineno) for alias in node.names]
    return found


def names_imported(path: Path) -> list[tuple[str, int]]:
    """Imported modules, and names imported from them, which may be modules too."""
    found = imports(path)
    for node in nodes_of(path):
        if isinstance(node, ast.ImportFrom):
            found += [(f"{node.module}.{alias.name}", node.lineno) for alias in node.names]
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


@pytest.mark.parametrize("own", sorted(INNER))
def test_floors_hold_inside_a_room(own: str) -> None:
    declared, offenders = floors(INNER[own]), []
    used = set()
    for name, path in names_of_modules().items():
        parts = tuple(name.split(".")[1:])
        if parts[:1] != (own,) or len(parts) == 1:
            continue
        here = place_on(declared, parts[1:])
        assert here is not None, f"{name} stands on no floor of {own}: declare it in floors.py"
        used.add(here)
        for module, line in inner_imports(path):
            there = place_on(declared, tuple(module.split(".")[2:]))
            if module.split(".")[1] != own or there is None or there == here:
                continue
            level = declared[there] == declared[here]
            if declared[there] > declared[here] or (level and not in_one_folder(here, there)):
                offenders.append(f"{path.relative_to(SOURCE)}:{line} reaches up to {module}")
    assert not offenders, "\n".join(offenders)
    assert used == set(declared), f"floors.py names what {own} lacks: {set(declared) - used}"


def in_one_folder(one: str, other: str) -> bool:
    return "/" in one and one.split("/")[0] == other.split("/")[0]


def test_every_room_of_several_files_declares_its_floors() -> None:
    large = {room(path) for path in modules() if len(path.relative_to(SOURCE).parts) > 1}
    assert large == set(INNER)


def names_of_modules() -> dict[str, Path]:
    """Every module by its dotted name."""
    found = {}
    for path in modules():
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of_modules() -> dict[str, set[str]]:
    """The modules that each module imports, at any depth of the code."""
    places = names_of_modules()
    return {
        name: {module for module, _ in names_imported(path) if module in places and module != name}
        for name, path in places.items()
    }


def test_imports_have_no_circle() -> None:
    graph = imports_of_modules()
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


PUBLIC = {
    "gossan.__main__": "python -m gossan",
    "gossan.api.models": "gossan.models, loaded by name",
}
"""Modules that no import statement names, with who loads them."""


def test_a_module_that_nothing_imports_is_public_or_a_model_of_the_registry() -> None:
    from gossan import _HOMES
    from gossan.fusion.registry import MODELS
    from gossan.imagery.sensors import SENSORS

    imported = set().union(*imports_of_modules().values())
    by_name = {f"gossan.{home}" for home in _HOMES}
    by_name |= {one.module for one in (*MODELS.values(), *SENSORS.values())}
    idle = {
        name
        for name, path in names_of_modules().items()
        if name not in imported and path.name != "__init__.py"
    }
    assert idle - by_name - set(PUBLIC) == set()
    assert set(PUBLIC) <= idle, "PUBLIC lists a module that others import"


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


READERS = ("report/", "demo/show", "evaluate/", "pipeline/", "targets/")
SETTINGS = ("pipeline/options/", "pipeline/new_project/", "pipeline/commands/run")
"""Read the keys of the project file, some of which are spelled like columns."""


def test_readers_of_a_run_take_the_names_of_tables_and_columns_from_the_contract() -> None:
    names, offenders = owned_names(), []
    for path in modules():
        place = path.relative_to(SOURCE).as_posix()
        if place.startswith(READERS) and not place.startswith(SETTINGS):
            tree = tree_of(path)
            offenders += [f"{place}:{line} spells {name!r}" for name, line in spelled(tree)
                          if name in names]  # fmt: skip
    assert not offenders, "\n".join(offenders)


def test_only_io_knows_the_file_of_the_manifest() -> None:
    offenders = [
        path.relative_to(SOURCE).as_posix()
        for path in modules()
        if room(path) != "io"
        for node in nodes_of(path)
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
        for node in nodes_of(path)
        if isinstance(node, FunctionNode)
    ]


def test_no_function_takes_more_than_eight_arguments() -> None:
    def count(function: FunctionNode) -> int:
        given = function.args
        every = [*given.posonlyargs, *given.args, *given.kwonlyargs]
        return sum(one.arg not in ("self", "cls") for one in every)

    offenders = [
        place
        for place, function in functions()
        if count(function) > MOST_ARGUMENTS and function.name not in KEYWORD_ONLY_DOORS
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
        for node in nodes_of(path):
            product = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)
            if product and (is_affine(node.left) or is_affine(node.right)):
                offenders.append(f"{path.relative_to(SOURCE)}:{node.lineno}")
            inverse = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert)
            if inverse and is_affine(node.operand):
                offenders.append(f"{path.relative_to(SOURCE)}:{node.lineno}")
    assert not offenders, "\n".join(offenders)


def test_no_class_name_stands_for_two_things() -> None:
    places: dict[str, list[str]] = {}
    for path in modules():
        for node in nodes_of(path):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(f"{path.relative_to(SOURCE)}:{node.lineno}")
    twice = {name: where for name, where in places.items() if len(where) > 1}
    assert not twice


def test_the_folder_tells_files_of_one_name_apart() -> None:
    places: dict[tuple[str, str], list[str]] = {}
    for path in modules():
        if path.name != "__init__.py":
            own = (path.parent.name, path.stem)
            places.setdefault(own, []).append(path.relative_to(SOURCE).as_posix())
    assert not {own: where for own, where in places.items() if len(where) > 1}


MIRRORED = ("io", "pipeline", "report")


def has_behaviour(path: Path) -> bool:
    return path.name != "__init__.py" and any(isinstance(n, FunctionNode) for n in nodes_of(path))


def test_every_module_of_the_mirrored_rooms_has_a_test_file_of_its_own() -> None:
    missing = []
    for path in modules():
        place = path.relative_to(SOURCE)
        if room(path) in MIRRORED and has_behaviour(path):
            wanted = Path("tests") / place.with_name(f"test_{place.name}")
            if not (SOURCE.parent.parent / wanted).exists():
                missing.append(wanted.as_posix())
    assert not missing, "\n".join(missing)


def test_every_test_file_stands_where_its_module_does() -> None:
    """A folder of tests is called after the room that it tests, or after what it compares with."""
    tests = SOURCE.parent.parent / "tests"
    apart = {"cases", "reference", "fuzz", "qgis_plugin"}
    folders = {path.parent.relative_to(tests) for path in tests.rglob("test_*.py")}
    strange = {
        folder.as_posix()
        for folder in folders
        if folder.parts and folder.parts[0] not in apart and not (SOURCE / folder).is_dir()
    }
    assert not strange


PARAMETERS = re.compile(r"^Parameters\n-+\n(.*?)(?=^\w[\w ]*\n-+\n|\Z)", re.S | re.M)


def documented(function: FunctionNode) -> set[str]:
    """Names that the numpydoc section Parameters lists."""
    section = PARAMETERS.search(ast.get_docstring(function) or "")
    lines = section[1].splitlines() if section else []
    heads = [line.split(" :")[0].split(",") for line in lines if line and not line[0].isspace()]
    listed = [[name.strip(" *") for name in head] for head in heads]
    return {name for head in listed if all(map(str.isidentifier, head)) for name in head}


def test_documented_parameters_are_arguments() -> None:
    offenders = []
    for place, function in functions():
        given = function.args
        every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
        strange = documented(function) - {one.arg for one in every if one is not None}
        if strange:
            offenders.append(f"{place}: {', '.join(sorted(strange))}")
    assert not offenders, "\n".join(offenders)


PAGE = (SOURCE.parents[1] / "ARCHITECTURE.md").read_text(encoding="utf-8")


def test_every_path_that_the_page_names_exists() -> None:
    roots = (SOURCE, SOURCE.parents[1])
    named = re.findall(r"`((?:\w+/)+(?:\w+(?:\.\w+)?)?)`", PAGE)
    assert len(named) > 40
    missing = [name for name in named if not any((root / name).exists() for root in roots)]
    assert not missing, ", ".join(missing)


def test_the_page_lists_every_room_on_its_floor() -> None:
    stated = dict(re.findall(r"^  (\w+)(?:/|\.py) +floor (\d)", PAGE, re.M))
    rooms = {path.name for path in SOURCE.iterdir() if (path / "__init__.py").exists()} | {"cli"}
    assert {name: int(floor) for name, floor in stated.items()} == {
        name: FLOORS[name] for name in rooms
    }


def test_the_page_says_how_many_elements_one_pass_serves() -> None:
    from gossan.pipeline.product_maps import MOST_TOGETHER

    words = {5: "five", 8: "eight", 10: "ten", 12: "twelve"}
    assert f"up to {words[MOST_TOGETHER]} elements" in PAGE


def test_kernels_compile_through_one_door() -> None:
    offenders = [
        path.relative_to(SOURCE).as_posix()
        for path in modules()
        if any(module.split(".")[0] == "numba" for module, _ in imports(path))
    ]
    assert offenders == ["arrays/compiled.py"]


def test_the_plugin_never_imports_gossan() -> None:
    plugin = SOURCE.parents[1] / "qgis" / "gossan_qgis"
    for path in plugin.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert "gossan" not in {name.split(".")[0] for name in names}, path


def test_files_are_written_under_a_temporary_name() -> None:
    """``with atomic_path(path) as temporary``: outputs appear whole or not at all."""
    writing = ("write_text", "write_bytes")
    offenders = [
        f"{path.relative_to(SOURCE).as_posix()}:{node.lineno}"
        for path in modules()
        for node in nodes_of(path)
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", "") in writing
        and getattr(node.func.value, "id", "") not in ("temporary", "blocks")
    ]
    assert not offenders, ", ".join(offenders)
