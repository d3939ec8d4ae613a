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


def imported() -> dict[str, str]:
    """Packages of others that the source imports, each with a file that does."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            for name in names:
                top = name.split(".")[0]
                if top not in sys.stdlib_module_names and top != "gossan":
                    found[top] = path.relative_to(SOURCE).as_posix()
    return found


def test_every_import_is_declared() -> None:
    extras = PROJECT["optional-dependencies"]
    optional = [name for extra, names in extras.items() if extra != "dev" for name in names]
    declared = {plain(name) for name in (*PROJECT["dependencies"], *optional)}
    declared |= {plain(name) for one in declared for name in certain(one)}
    owners = packages_distributions()
    missing = {
        top: path
        for top, path in imported().items()
        if not {plain(name) for name in owners.get(top, [top])} & declared
    }
    assert not missing
