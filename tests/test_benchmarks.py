"""Every benchmark starts, takes the options that pages and claims give it, and small ones run."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "benchmarks"
PAGES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").glob("*.md"))]
STARTS = """
import argparse, json, runpy, sys

class Parsed(Exception):
    pass

def parse_and_stop(self, args=None, namespace=None, known=argparse.ArgumentParser.parse_args):
    known(self, args, namespace)
    raise Parsed

argparse.ArgumentParser.parse_args = parse_and_stop
failures = {}
for words in json.load(sys.stdin):
    sys.argv = list(words)
    try:
        runpy.run_path(words[0], run_name="__main__" if "argparse" in open(words[0]).read() else "")
    except Parsed:
        pass
    except BaseException as error:
        failures[" ".join(words)] = repr(error)
print(json.dumps(failures))
"""
"""Runs many programs in one process, each up to where its options are understood."""


def commands_of_pages() -> list[list[str]]:
    """Commands of benchmarks in backticks, but for those with blanks to fill in."""
    found = []
    for page in PAGES:
        for text in re.findall(r"`python (benchmarks/[^`]+)`", page.read_text(encoding="utf-8")):
            if not set("[.") & set(text.partition(".py")[2]):
                found.append(shlex.split(text))
    return found


def commands_of_claims() -> list[list[str]]:
    rows = tomllib.loads((FOLDER / "claims.toml").read_text(encoding="utf-8"))["claim"].values()
    commands = [shlex.split(row["command"]) for row in rows]
    return [words[1:] for words in commands if words[0] == "python"]


def run(words: list[str], given: str = "", timeout: float = 240) -> subprocess.CompletedProcess:  # type: ignore[type-arg]
    path = os.pathsep.join([str(ROOT / "src"), str(FOLDER)])
    environment = {"GOSSAN_TEST_DATA": "absent", **os.environ, "PYTHONPATH": path}
    return subprocess.run(
        [sys.executable, *words], input=given, cwd=ROOT, env=environment, timeout=timeout,
        capture_output=True, text=True,
    )  # fmt: skip


def test_every_benchmark_takes_the_options_that_pages_and_claims_give_it() -> None:
    programs = [[f"benchmarks/{path.name}"] for path in sorted(FOLDER.glob("*.py"))]
    needs_folder = {"targets_on_truth.py", "demo_by_ground.py"}
    plain = [words for words in programs if Path(words[0]).name not in needs_folder]
    commands = [*plain, *commands_of_pages(), *commands_of_claims()]
    assert {words[0] for words in programs} == {words[0] for words in commands}
    done = run(["-W", "ignore", "-c", STARTS], json.dumps(commands))
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == {}


@pytest.mark.parametrize(
    "command",
    [
        "bench_forest.py --trees 2 --pixels 300",
        "bench_table.py --shapes 300x2",
        "bootstrap_intervals.py --repeats 2",
        "censored_moments.py --sets 2",
        "censored_survey.py --model kriging --repeats 1 --samples 40",
    ],
)
def test_small_benchmarks_run(command: str) -> None:
    done = run([f"benchmarks/{command.split()[0]}", *command.split()[1:]])
    assert done.returncode == 0, done.stderr[-3000:]
    assert re.search(r"\d\.\d", done.stdout), done.stdout
