"""Which products a run makes, and what all of them are scored against."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gossan.errors import SettingsError
from gossan.pipeline.options.products import products_of
from gossan.pipeline.options.project import parse_project


def project(*products: dict[str, Any]) -> dict[str, Any]:
    survey = {"name": "a", "path": "a.csv", "x": "x", "y": "y", "columns": {"Cu": "cu"}}
    imagery = {"name": "bands", "sensor": "bands", "paths": ["b.tif"]}
    return {"project": {"elements": ["Cu"]}, "survey": [survey], "imagery": [imagery],
            "product": list(products)}  # fmt: skip


def names(content: dict[str, Any]) -> list[str]:
    return [product.name for product in products_of(parse_project(content, Path()))]


def test_the_baseline_comes_first_and_is_made_though_nobody_asks() -> None:
    sound = {"name": "sound", "model": "pyramid", "features": "bands.pc1"}
    assert names(project(sound)) == ["kriging", "sound"]
    own = {"name": "kriging", "model": "kriging", "neighbours": 12}
    content = project(sound, own)
    assert names(content) == ["kriging", "sound"]
    (baseline, _) = products_of(parse_project(content, Path()))
    assert baseline.settings.options.model_dump()["neighbours"] == 12


def test_kriging_under_another_name_is_scored_against_the_baseline_too() -> None:
    other = {"name": "few", "model": "kriging", "neighbours": 8}
    assert names(project(other)) == ["kriging", "few"]


def test_the_name_of_the_baseline_is_kept_for_kriging() -> None:
    wrong = {"name": "kriging", "model": "forest", "features": "bands.all"}
    with pytest.raises(SettingsError, match="the baseline of all scores"):
        parse_project(project(wrong), Path())


def test_raw_units_are_the_scale_of_the_literal_pyramid_alone() -> None:
    pyramids = [
        {"name": v, "model": "pyramid", "features": "bands.pc1", "variant": v}
        for v in ("literal", "sound")
    ]
    found = {p.name: p.transform for p in products_of(parse_project(project(*pyramids), Path()))}
    assert found == {"kriging": "log", "literal": "identity", "sound": "log"}
