"""The parts without QGIS keep their promises, and need nothing but Python 3.9."""

from __future__ import annotations

import ast
import doctest
import importlib
import pkgutil
import sys

import pytest

from .conftest import PLUGIN

CORE = sorted(one.name for one in pkgutil.iter_modules([str(PLUGIN / "gossan_qgis" / "core")]))


@pytest.mark.parametrize("name", CORE)
def test_examples_of_the_docstrings_hold(name: str) -> None:
    module = importlib.import_module(f"gossan_qgis.core.{name}")
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert doctest.testmod(module, optionflags=flags).failed == 0


@pytest.mark.parametrize("name", CORE)
def test_the_core_needs_no_library(name: str) -> None:
    tree = ast.parse((PLUGIN / "gossan_qgis" / "core" / f"{name}.py").read_text("utf-8"))
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names, name


def test_no_file_of_the_plugin_imports_gossan() -> None:
    for path in (PLUGIN / "gossan_qgis").rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"), feature_version=(3, 9))
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            assert "gossan" not in {name.split(".")[0] for name in names}, path.name
