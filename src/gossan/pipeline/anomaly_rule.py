"""The [anomalies] settings of a finished run, as its project file has them now."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gossan.errors import InputError, SettingsError, must
from gossan.io.finished_run import FinishedRun
from gossan.names import as_word
from gossan.pipeline.options.project import AnomalyRule, load_project, settings_record

KEY = "anomalies"


def rule_of(run: FinishedRun) -> AnomalyRule:
    """Read the [anomalies] settings that a run carries."""
    return AnomalyRule.model_validate(run.manifest.settings.get(KEY, {}))


def taken_rule(run: FinishedRun, thresholds: Mapping[str, float]) -> tuple[FinishedRun, list[str]]:
    """Take over the [anomalies] of the run's project file, and thresholds given by hand.

    Parameters
    ----------
    run
        A finished run; its manifest on disk stays as it is.
    thresholds
        Thresholds by element that win over those of the project.

    Returns
    -------
    The run with the settings that now hold, and notes for the user: what was taken over, and what
    else has changed in the project so that the maps are no longer those of it.

    Raises
    ------
    InputError
        A threshold of an element that the run lacks, or one that is not above 0.
    """
    for element, value in thresholds.items():
        if element not in run.elements:
            allowed = f"one of {', '.join(run.elements)}"
            raise InputError(must("element of --threshold", allowed, repr(element), "Name one"))
        if not value > 0:
            raise InputError(must(f"threshold of {element}", "above 0", value, "Raise it"))
    now, notes = _project_now(run)
    rule = AnomalyRule.model_validate(now.get(KEY, run.manifest.settings.get(KEY, {})))
    rule = rule.model_copy(update={"threshold": {**rule.threshold, **thresholds}})
    record = rule.model_dump(mode="json")
    if record == rule_of(run).model_dump(mode="json"):
        return run, notes
    settings = {**run.manifest.settings, KEY: record}
    return FinishedRun(run.folder, run.manifest.model_copy(update={"settings": settings})), notes


def threshold_doubts(
    thresholds: Mapping[str, float], contents: Mapping[str, NDArray[np.float64]]
) -> list[str]:
    """Say which thresholds no sample reaches, or all do: their unit is likely another.

    Parameters
    ----------
    thresholds
        By element, in its unit.
    contents
        Contents of the samples by element, NaN where there is none.

    Examples
    --------
    >>> threshold_doubts({"Cu": 1e6, "Zn": 50.0}, {"Cu": np.ones(9), "Zn": np.arange(99.0)})
    ['the threshold of Cu, 1e+06, lies above all 9 samples (highest 1): no anomaly can be found. ...']
    """  # noqa: E501
    lines = []
    for element, threshold in thresholds.items():
        known = np.asarray(contents.get(element, ()), float)
        known = known[np.isfinite(known)]
        if len(known) and threshold > known.max():
            what = f"above all {len(known)} samples (highest {known.max():.4g}): "
            what += "no anomaly can be found"
        elif len(known) and threshold < known.min():
            what = f"below all {len(known)} samples (lowest {known.min():.4g}): "
            what += "all of the map is one anomaly"
        else:
            continue
        cure = "Give it in the unit of the map"
        lines.append(f"the threshold of {element}, {threshold:.4g}, lies {what}. {cure}.")
    return lines


def _project_now(run: FinishedRun) -> tuple[dict[str, Any], list[str]]:
    """Read the project file that a run was made of, and say what has changed since."""
    path = Path(run.manifest.project_folder) / "project.toml"
    if not path.exists():
        return {}, []
    try:
        now = settings_record(load_project(path))
    except SettingsError as error:
        first = str(error).splitlines()[0]
        return {}, [f"{path} is not read, the settings of the run hold: {first}"]
    before = run.manifest.settings
    changed = [key for key in now if now[key] != before.get(key)]
    notes = []
    if KEY in changed:
        keys = [key for key in now[KEY] if now[KEY][key] != before.get(KEY, {}).get(key)]
        notes.append(f"[{KEY}] has changed since the run and is taken: {', '.join(keys)}.")
    others = [key for key in changed if key != KEY]
    if others:
        notes.append(
            f"{', '.join(f'[{key}]' for key in others)} of {path} has changed since the run: the "
            f"maps are those of before. To make them anew: gossan run {as_word(path.parent)}"
        )
    return now, notes
