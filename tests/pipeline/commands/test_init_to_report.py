"""Three real surveys from files to the answer: init, check, run."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

import pytest
import tomlkit

from gossan.io.finished_run import open_run

Command = Callable[..., tuple[int, str, str]]


class Survey(NamedTuple):
    """Files of a survey, the content looked for (K2O in %), pixels coarse enough for a test."""

    table: str
    images: str
    element: str
    threshold: float
    pixel_m: float


SURVEYS = {
    "dawadimi_west": Survey("stream_sediment.csv", "idx_*.tif", "Cu", 45.0, 900.0),
    "meuse": Survey("meuse_points.csv", "meuse_grid_40m.tif", "Zn", 720.0, 40.0),
    "macedonia_soil": Survey("horizons.csv", "*L00.tif", "K2O", 0.025, 3000.0),
}

FAST = """
[validation]
folds = 3
kinds = ["blocks"]

[[product]]
name = "kriging"
model = "kriging"

[[product]]
name = "geostatistical"
model = "geostatistical"
features = "rasters.all"
averaging = "mode"
"""


class FirstScreen(HTMLParser):
    """Collects text and image titles of an element's section up to its first folded part."""

    def __init__(self, element: str) -> None:
        super().__init__()
        self.element, self.inside, self.seen = element, False, [""]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("section", "h2") and "id" in given:
            self.inside = given["id"] == self.element
        if tag == "details":
            self.inside = False
        if self.inside and tag == "img":
            self.seen.append(given.get("alt") or "")

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.seen.append(data)


def _coarser(path: Path, survey: Survey) -> None:
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    document["project"]["pixel_m"] = survey.pixel_m  # type: ignore[index]
    document["anomalies"] = {"threshold": {survey.element: survey.threshold}}
    path.write_text(tomlkit.dumps(document) + FAST, encoding="utf-8")


@pytest.mark.parametrize("name", list(SURVEYS))
def test_three_commands_lead_from_files_to_the_answer(
    name: str, test_data: Path, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gossan.report.figures.DPI", 60)
    survey, project = SURVEYS[name], tmp_path / "p"
    files = test_data / name
    words = ["--survey", files / survey.table, "--imagery", files / survey.images]
    code, _, err = command("init", project, *words, "--elements", survey.element)
    assert code == 0, err
    _coarser(project / "project.toml", survey)
    code, out, err = command("check", project)
    assert code == 0 and "Ready: gossan run" in out, out + err
    code, out, err = command("run", project)
    assert code == 0 and "Traceback" not in err, out + err

    run = open_run(project / "run")
    screen = FirstScreen(survey.element)
    screen.feed((run.folder.root / "report.html").read_text(encoding="utf-8"))
    seen = re.sub(r"\s+", " ", " ".join(screen.seen))
    assert "numbers are targets" in seen
    assert run.manifest.verdicts[survey.element].sentence in seen
    targets = run.table("anomalies", survey.element)
    first = targets[(targets["product"] == run.best(survey.element)) & (targets["rank"] == 1)].iloc[
        0
    ]
    assert f"{first['peak_easting']:.0f} E, {first['peak_northing']:.0f} N" in seen
    assert f"{first['peak_latitude']:.5f}° N" in seen
