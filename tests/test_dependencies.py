"""What the source imports is what pyproject.toml declares: an installation without extras runs."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions, requires

from .conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
SOURCE = ROOT / "src" / "gossan"


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\s<>=!~\[;]", name)[0]).lower()


def certain(distribution: str) -> list[str]:
    """What a declared package always brings along, such as pillow with matplotlib."""
    return [name for name in requires(distribution) or [] if ";" not in name]


def imported() -> dict[str, set[str]]:
    """Packages of others that the source imports, each with the files that do."""
    found: dict[str, set[str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            for name in names:
                top = name.split(".")[0]
                if top not in sys.stdlib_module_names and top != "gossan":
                    found.setdefault(top, set()).add(path.relative_to(SOURCE).as_posix())
    return found


def with_certain(names: list[str]) -> set[str]:
    declared = {plain(name) for name in names}
    return declared | {plain(name) for one in declared for name in certain(one)}


OPTIONAL = {"geo/cluster.py": "cluster"}
"""Files that need an extra, and which."""


def test_every_import_is_declared() -> None:
    owners = packages_distributions()
    always = with_certain(PROJECT["dependencies"])
    missing = []
    for top, paths in imported().items():
        distributions = {plain(name) for name in owners.get(top, [top])}
        for path in paths:
            extra = PROJECT["optional-dependencies"].get(OPTIONAL.get(path, ""), [])
            if not distributions & (always | with_certain(extra)):
                missing.append(f"{path} imports {top}")
    assert not missing
