"""The page on models of one's own: its file and its line make a model that keeps the contract."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from gossan.fusion.registry import MODELS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "extending.md"


def test_one_file_and_one_line_make_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, line = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    (tmp_path / "nearest.py").write_text(file, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("gossan.fusion.registry.MODELS", dict(MODELS))
    before = set(MODELS)
    try:
        exec(compile(line, "extending.md", "exec"), {})
    finally:
        sys.modules.pop("nearest", None)
    from gossan.fusion import registry

    assert set(registry.MODELS) - before == {"nearest"}
