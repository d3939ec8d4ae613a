"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent

settings.register_profile(
    "gossan", max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("gossan")


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Folder of the real surveys (GOSSAN_TEST_DATA, default ../shared/data)."""
    folder = Path(os.environ.get("GOSSAN_TEST_DATA", ROOT.parent / "shared" / "data")).resolve()
    if folder.is_dir():
        return folder
    message = f"the real surveys are not at {folder}; set GOSSAN_TEST_DATA to their folder"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def reference() -> Path:
    """Folder of numbers that other programs computed (each file says which and how)."""
    return ROOT / "tests" / "reference"
