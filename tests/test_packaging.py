"""Workflow, recipe, container and constraints say what pyproject.toml says."""

from __future__ import annotations

import re
import runpy
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from .conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
CONDA_NAMES = {"matplotlib": "matplotlib-base"}
"""Packages that conda-forge calls otherwise."""


@pytest.fixture
def hatch_build(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The build's own step; the program that calls it is there while a package is built only."""
    interface = ModuleType("hatchling.metadata.plugin.interface")
    interface.MetadataHookInterface = object  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, interface.__name__, interface)
    return runpy.run_path(str(ROOT / "hatch_build.py"))


def bounds(lines: list[str]) -> dict[str, SpecifierSet]:
    wanted = [Requirement(line) for line in lines]
    return {one.name.lower(): one.specifier for one in wanted}


def workflow() -> dict:
    return yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text("utf-8"))


def commands(job: dict) -> list[str]:
    return [
        step["run"] for step in job["steps"] if "run" in step and "Linux" not in step.get("if", "")
    ]


def recipe() -> dict:
    text = (ROOT / "recipe/meta.yaml").read_text("utf-8")
    (version,) = re.findall(r'{% set version = "(.+)" %}', text)
    text = re.sub(r"{%.*?%}", "", text).replace("{{ version }}", version)
    return yaml.safe_load(text.replace("{{ PYTHON }}", "python"))


def test_the_workflow_tests_every_python_that_is_declared_on_three_systems() -> None:
    matrix = workflow()["jobs"]["tests"]["strategy"]["matrix"]
    named = [one.rsplit(" ", 1)[1] for one in PROJECT["classifiers"] if ":: 3." in one]
    assert matrix["python"] == named and Version(named[0]) in SpecifierSet(
        PROJECT["requires-python"]
    )
    assert [name.split("-")[0] for name in matrix["os"]] == ["ubuntu", "macos", "windows"]


def test_jobs_on_windows_do_without_make_and_a_posix_shell() -> None:
    for name, job in workflow()["jobs"].items():
        lines = "\n".join(commands(job))
        assert lines, name
        if "windows-latest" in job.get("strategy", {}).get("matrix", {}).get("os", []):
            assert not re.search(r"\bmake\b|\.venv/bin|&&|\bexport\b|\$\(", lines), name


def test_what_the_workflow_runs_exists() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    jobs = workflow()["jobs"]
    lines = [line for job in jobs.values() for line in commands(job)]
    sets = [one["set"] for one in jobs["bounds"]["strategy"]["matrix"]["include"]]
    lines += [line.replace("${{ matrix.set }}", one) for line in lines for one in sets]
    for target in re.findall(r"^make ([\w-]+)$", "\n".join(lines), re.M):
        assert re.search(rf"^(.* )?{target}\b.*:", makefile, re.M), target
    named = set(re.findall(r"\b(?:tests/\S+\.py|[\w-]+\.txt|Containerfile)\b", "\n".join(lines)))
    assert {"tests/wheel.py", "constraints.txt", "Containerfile"} <= named
    assert all((ROOT / name).is_file() for name in named)
    for extra in re.findall(r"\[(\w+)\]", "\n".join(lines)):
        assert extra in EXTRAS


def test_every_step_of_the_workflow_pins_its_action() -> None:
    for job in workflow()["jobs"].values():
        assert job["timeout-minutes"] <= 60
        used = [step["uses"] for step in job["steps"] if "uses" in step]
        assert used and all(re.fullmatch(r"actions/[\w-]+@v\d+", one) for one in used)


def test_the_recipe_needs_what_the_package_needs() -> None:
    made = recipe()
    declared = bounds(PROJECT["dependencies"]) | {
        "python": SpecifierSet(PROJECT["requires-python"])
    }
    renamed = {CONDA_NAMES.get(name, name): bound for name, bound in declared.items()}
    assert bounds(made["requirements"]["run"]) == renamed
    assert made["package"] == {"name": PROJECT["name"], "version": PROJECT["version"]}
    (script,) = made["build"]["entry_points"]
    assert script == f"gossan = {PROJECT['scripts']['gossan']}"
    assert made["about"]["summary"] == PROJECT["description"]
    assert made["about"]["license"] == PROJECT["license"]


def test_the_container_copies_files_that_exist_and_checks_its_health() -> None:
    lines = (ROOT / "Containerfile").read_text("utf-8").splitlines()
    copied = [word for line in lines if line.startswith("COPY") and "--from" not in line
              for word in line.split()[1:-1]]  # fmt: skip
    assert {"pyproject.toml", "constraints.txt", "src"} <= set(copied)
    assert all((ROOT / name).exists() for name in copied)
    for name in ("README.md", "hatch_build.py", *PROJECT["license-files"]):
        assert name in copied, f"the build reads {name}"
    assert any(line.startswith("HEALTHCHECK") and '"gossan", "--version"' in line for line in lines)
    for version in re.findall(r"^FROM python:([\d.]+)", "\n".join(lines), re.M):
        assert f"Programming Language :: Python :: {version}" in PROJECT["classifiers"]


def test_the_oldest_set_holds_the_lower_bounds() -> None:
    text = (ROOT / "constraints-oldest.txt").read_text("utf-8")
    held = {name: Version(number) for name, number in re.findall(r"^(\S+)==(\S+)$", text, re.M)}
    for name, bound in bounds(PROJECT["dependencies"]).items():
        (lowest,) = [Version(one.version) for one in bound if one.operator == ">="]
        assert held[name] == lowest, name


def test_the_pinned_versions_install_with_the_lowest_python() -> None:
    """Python 3.11 of Debian 12 is 3.11.2; a pin that asks for 3.11.5 ends README's first line."""
    text = (ROOT / "constraints.txt").read_text("utf-8")
    pinned = dict(re.findall(r"^(\S+)==(\S+)$", text, re.M))
    (lowest,) = [one.version for one in SpecifierSet(PROJECT["requires-python"])]
    held = [one for one in distributions() if pinned.get(one.name) == one.version]
    assert len(held) > len(pinned) / 4  # another set of versions shares a third of them
    for one in held:
        asked = one.metadata.get("Requires-Python") or ""
        assert Version(f"{lowest}.0") in SpecifierSet(asked), one.name


def relative(page: str) -> list[str]:
    """Targets of pictures and links that lead to files beside the page."""
    targets = re.findall(r"\]\(([^)\s]+)\)|<(?:img|a)[^>]+(?:src|href)=\"([^\"]+)\"", page)
    return [t for t in map("".join, targets) if not t.startswith(("https://", "#"))]


def test_pictures_and_links_of_the_readme_are_in_the_source_distribution() -> None:
    included = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]
    roots = included["build"]["targets"]["sdist"]["include"]
    for target in relative((ROOT / "README.md").read_text("utf-8")):
        assert Path(target).parts[0] in roots and (ROOT / target).is_file(), target


@pytest.mark.parametrize("repository", ["", "https://example.org/gossan"])
def test_a_package_page_shows_what_it_says(hatch_build: dict[str, Any], repository: str) -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    page = hatch_build["for_package_page"](text, repository)
    assert relative(text) and relative(page) == [] and "<!--" not in page
    assert ("docs/images/demo.png" in page) is bool(repository)
    lost = {word for word in re.findall(r"[A-Za-z]{4,}", text)} - set(
        re.findall(r"[A-Za-z]{4,}", page)
    )
    assert not lost & {"survey", "imagery", "kriging", "QGIS", "ARCHITECTURE", "Surveys"}
    for address in hatch_build["addresses"](repository).values():
        assert address.startswith(repository)
    assert bool(hatch_build["addresses"](repository)) is bool(repository)
