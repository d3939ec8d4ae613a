"""``gossan survey`` and what the other commands make of several surveys, media and limits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio

from gossan.pipeline.options.project import load_project
from gossan.pipeline.surveys import read_surveys, working

Change = Callable[[str, str], Path]
Command = Callable[..., tuple[int, str, str]]
MARK = "[validation]"
SECOND = """
[[survey]]
name = "later"
path = "later.csv"
x = "easting"
y = "northing"
crs = "EPSG:32638"
columns = { Cu = "Cu_ppm" }
unit = "ppm"

"""


def swap(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def project(small: Path) -> Path:
    """The small project without imagery."""
    text = small.read_text(encoding="utf-8")
    start, stop = text.index("[[imagery]]"), text.index(MARK)
    small.write_text(text[:start] + text[stop:], encoding="utf-8")
    swap(small, 'name = "Small"', 'name = "Small"\ncrs = "EPSG:32638"\npixel_m = 150.0')
    return small


@pytest.fixture
def two(project: Path) -> Path:
    """Two fitted surveys of like ground: odd samples come from a laboratory that reads triple."""
    table = pd.read_csv(project.parent / "samples.csv")
    later = table.iloc[1::2].assign(Cu_ppm=lambda t: 3 * t["Cu_ppm"])
    table.iloc[::2].to_csv(project.parent / "samples.csv", index=False)
    later.to_csv(project.parent / "later.csv", index=False)
    swap(project, MARK, SECOND + MARK)
    return project


def censored(project: Path, limit: float = 12.0, censoring: str = "ros") -> int:
    """Put values below a limit; give how many."""
    path = project.parent / "samples.csv"
    table = pd.read_csv(path)
    low = table["Cu_ppm"] < limit
    words = table["Cu_ppm"].astype(str).where(~low, f"<{limit:g}")
    table.assign(Cu_ppm=words).to_csv(path, index=False)
    swap(project, 'unit = "ppm"', f'unit = "ppm"\ncensoring = "{censoring}"')
    return int(low.sum())


def test_the_report_has_a_row_for_each_element_and_says_what_stands_in(
    project: Path, command: Command
) -> None:
    count = censored(project)
    code, printed, _ = command("survey", project)
    assert code == 0 and count > 3
    assert f"censoring = 'ros' stands in for values beyond a limit: Cu {count}" in printed
    assert "% below 12" in printed and "samples at" in printed
    tables = project.parent / "run" / "tables"
    (row,) = pd.read_csv(tables / "survey.csv").to_dict("records")
    assert (row["below"], row["censoring"], row["highest_limit"]) == (count, "ros", 12.0)
    limits = pd.read_csv(tables / "limits.csv")
    assert limits[["side", "limit", "samples"]].to_numpy().tolist() == [["below", 12.0, count]]
    assert pd.read_csv(tables / "spacing.csv")["spacing_m"].iloc[0] > 0
    assert "below" in set(pd.read_csv(tables / "findings.csv")["code"])


def test_a_run_carries_the_censored_into_tags_and_manifest(small: Path, command: Command) -> None:
    count = censored(small, censoring="likelihood")
    swap(small, MARK, '[[product]]\nname = "kriging"\nmodel = "kriging"\n\n' + MARK)
    from gossan.pipeline.commands.run import run_project

    run = small.parent / "run"
    run_project(load_project(small), run)
    with rasterio.open(run / "layers" / "kriging_Cu.tif") as layer:
        tags = layer.tags()
    assert (tags["gossan_censored"], tags["gossan_censoring"]) == (str(count), "likelihood")
    (entry, *_) = json.loads((run / "manifest.json").read_text(encoding="utf-8"))["products"]
    assert (entry["censored"], entry["censoring"]) == (count, "likelihood")


@pytest.mark.parametrize("method", ["median", "robust", "quantile"])
def test_levelling_takes_the_difference_between_surveys_away_and_says_so(
    two: Path, command: Command, method: str
) -> None:
    swap(two, 'name = "Small"', f'name = "Small"\nlevelling = "{method}"')
    loaded = load_project(two)
    surveys = read_surveys(loaded, loaded.project.crs)
    first, second = (np.log(samples.values("Cu")) for samples in surveys.fit)
    original = np.log(pd.read_csv(two.parent / "samples.csv")["Cu_ppm"])
    np.testing.assert_allclose(first, original, rtol=1e-12)
    assert abs(np.median(second) - np.median(first)) < 0.1
    code, printed, _ = command("survey", two)
    (line,) = [one for one in printed.splitlines() if "[levelled]" in one]
    assert code == 0 and f"Cu levelled to survey 'regional' ({method})" in line
    code, _, shown = command("krige", two)
    assert code == 0 and "levelled to survey 'regional'" in shown


def test_unlevelled_surveys_stay_as_they_are(two: Path) -> None:
    loaded = load_project(two)
    surveys = read_surveys(loaded, loaded.project.crs)
    values = working(surveys, "Cu", "log").observations.values
    assert np.exp(np.median(values[-35:]) - np.median(values[:35])) > 2


def test_batches_of_one_survey_are_levelled_by_its_own_keys(
    project: Path, command: Command
) -> None:
    path = project.parent / "samples.csv"
    table = pd.read_csv(path)
    odd = np.arange(len(table)) % 2 == 1
    values = table["Cu_ppm"] * np.where(odd, 3, 1)
    table.assign(Cu_ppm=values, lab=np.where(odd, "B", "A")).to_csv(path, index=False)
    swap(project, 'unit = "ppm"', 'unit = "ppm"\nbatch = "lab"\nlevelling = "quantile"')
    code, printed, _ = command("survey", project)
    assert code == 0 and "levelled between groups of batch (quantile)" in printed


def test_mixed_media_are_refused_unless_allowed(two: Path, command: Command) -> None:
    swap(two, 'name = "regional"', 'name = "regional"\nmedium = "soil"')
    swap(two, 'name = "later"', 'name = "later"\nmedium = "rock"')
    code, _, shown = command("krige", two, "-q")
    assert code == 2 and "of one medium; got regional: soil, later: rock" in shown
    assert len(shown.strip().splitlines()) == 1
    swap(two, 'name = "Small"', 'name = "Small"\nlevelling = "robust"')
    assert command("survey", two)[0] == 0
    swap(two, '\nlevelling = "robust"', "")
    swap(two, 'unit = "ppm"', 'unit = "ppm"\nmixture = "accept"')
    assert command("survey", two)[0] == 0


def test_too_few_samples_to_level_are_one_line(two: Path, command: Command) -> None:
    path = two.parent / "later.csv"
    pd.read_csv(path).head(5).to_csv(path, index=False)
    swap(two, 'name = "Small"', 'name = "Small"\nlevelling = "quantile"')
    code, _, shown = command("krige", two, "-q")
    assert code == 2 and "samples of 'later' must be at least 10; got 5" in shown


@pytest.mark.parametrize(
    ("column", "unit", "words"),
    [("Cu_ppb", "ppb", "ppm"), ("copper", "furlongs", "furlongs")],
)
def test_units_are_brought_together_or_refused(
    project: Path, command: Command, column: str, unit: str, words: str
) -> None:
    path = project.parent / "samples.csv"
    table = pd.read_csv(path).rename(columns={"Cu_ppm": column})
    table.to_csv(path, index=False)
    swap(project, 'columns = { Cu = "Cu_ppm" }', f'columns = {{ Cu = "{column}" }}')
    swap(project, 'unit = "ppm"', f'unit = "{unit}"')
    code, printed, shown = command("survey", project)
    assert words in printed + shown
    if unit == "ppb":
        median = pd.read_csv(project.parent / "run/tables/survey.csv")["median"].iloc[0]
        np.testing.assert_allclose(median, table[column].median() / 1000, rtol=1e-6)
    else:
        assert code == 2 and len(shown.strip().splitlines()) == 1


def test_swapped_axes_and_a_wrong_zone_are_reported_with_rows(
    project: Path, command: Command
) -> None:
    path = project.parent / "samples.csv"
    table = pd.read_csv(path)
    swapped = table.rename(columns={"easting": "northing", "northing": "easting"})
    swapped.to_csv(path, index=False)
    code, _, shown = command("survey", project)
    assert code == 2 and "swapped" in shown and "rows 2-" in shown
    table.assign(northing=table["northing"] + 9e6).to_csv(path, index=False)
    code, _, shown = command("survey", project)
    assert code == 2 and "outside" in shown and "rows 2-" in shown
