"""The key of a step of the anomalies changes with what it depends on, and with nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
import rasterio

from gossan.io.finished_run import open_run
from gossan.io.run_folder import fingerprint
from gossan.pipeline.anomaly_rule import rule_of
from gossan.pipeline.anomaly_steps import anomalies_made_of, halos_made_of, thresholds_made_of

LIMITS = {"Cu": 40.0, "Zn": 80.0}


def keys(root: Path, limits: dict[str, float]) -> dict[str, str]:
    run = open_run(root)
    rule = rule_of(run)
    rule = rule.model_copy(update={"threshold": limits})
    made = {f"thresholds {e}": thresholds_made_of(run, e, rule) for e in run.elements}
    made |= {f"anomalies {e}": anomalies_made_of(run, e, limits, rule) for e in run.elements}
    return {name: fingerprint(one) for name, one in {**made, "halos": halos_made_of(run)}.items()}


def rewrite(path: Path) -> None:
    with rasterio.open(path, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as layer:
        layer.write(layer.read() * 1.01)


@pytest.mark.parametrize(
    ("changed", "steps"),
    [
        ("literal_Cu", {"thresholds Cu", "anomalies Cu"}),
        ("sound_Zn", {"thresholds Zn", "anomalies Zn", "anomalies Cu"}),
    ],
)
def test_a_changed_map_concerns_the_steps_that_read_it(
    run_copy: Path, changed: str, steps: set[str]
) -> None:
    before = keys(run_copy, LIMITS)
    rewrite(run_copy / "layers" / f"{changed}.tif")
    after = keys(run_copy, LIMITS)
    best = {open_run(run_copy).best(one) for one in LIMITS}
    of_best = {"halos"} if changed.split("_")[0] in best else set()
    assert {name for name in before if before[name] != after[name]} == steps | of_best


def test_a_limit_concerns_its_own_thresholds_and_the_anomalies_it_supports(run_copy: Path) -> None:
    before, after = keys(run_copy, LIMITS), keys(run_copy, {**LIMITS, "Zn": 90.0})
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"thresholds Zn", "anomalies Zn", "anomalies Cu"}
