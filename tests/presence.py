"""What a test does where something that it needs is missing: on a CI server nothing hides.

A desk may lack a program or the real surveys; the test is skipped there, and says of what. On a CI
server (``CI`` is set) it fails. ``GOSSAN_TEST_DATA=absent`` says that the data are not to be had:
they cannot be published. That excuses the data alone, never a program.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

import pytest

ABSENT = "absent"


def data_folder(variable: str, usual: Path, holds: str = "") -> Path:
    """Folder that an environment variable names, or the usual one; it holds ``holds``."""
    named = os.environ.get(variable) or str(usual)
    if ABSENT in (named, os.environ.get("GOSSAN_TEST_DATA")):
        pytest.skip(f"{variable}: the data are absent here, as GOSSAN_TEST_DATA says")
    folder = Path(named).resolve()
    if not (folder / holds).is_dir():
        missing(f"no data at {folder / holds}; set {variable} to their folder")
    return folder


def missing(what: str, systems: tuple[str, ...] = ()) -> NoReturn:
    """Skip at a desk; fail on a CI server, if its system is one of these (of any, if none)."""
    if os.environ.get("CI") and (not systems or sys.platform in systems):
        pytest.fail(f"{what}. On a CI server nothing is skipped for that.")
    pytest.skip(what)


def missing_program(what: str) -> NoReturn:
    """Other programs, which results are compared with, are installed on Linux alone."""
    missing(what, ("linux",))
