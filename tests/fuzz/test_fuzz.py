"""Whatever is damaged: exit code 0 or 2, one refusal, nothing half-written, no value far off.

GOSSAN_FUZZ_MUTATIONS and GOSSAN_FUZZ_SECONDS bound the mutations (``make fuzz``: 2,000); each has
a number, of which GOSSAN_FUZZ_FIRST is the first, and depends on that number alone.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from gossan.cli import main
from gossan.errors import SurveyError
from gossan.geo.raster import close_files
from gossan.geochem.table.survey import SurveySettings, read_survey

from .mutations import mutate, write_projects

MUTATIONS = int(os.environ.get("GOSSAN_FUZZ_MUTATIONS", "40"))
SECONDS = float(os.environ.get("GOSSAN_FUZZ_SECONDS", "12"))
FIRST = int(os.environ.get("GOSSAN_FUZZ_FIRST", "0"))
RUN_EVERY = 40
"""One mutation in so many goes through ``run``, the others through ``check``."""
SCENES = (
    *("s2-edge-dn1", "aster-gains-met", "aster-gains-xml", "aster-vnir-only"),
    *("nodata-envi", "s2-plain-scl"),
)
"""Cases of imagery whose files and metadata are damaged too."""


class Ended(NamedTuple):
    """How a command ended."""

    code: object
    refusal: str


def command(*arguments: object) -> Ended:
    """Run a command line in this process."""
    out, err = io.StringIO(), io.StringIO()
    sys.argv = ["gossan", *map(str, arguments)]
    code: object = None
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as stopped:
            code = stopped.code or 0
    lines = [line for line in out.getvalue().splitlines() if line.startswith("error")]
    return Ended(code, "\n".join([*lines, err.getvalue()]).strip())


def listed(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


@pytest.fixture(scope="module")
def projects(shared_cases: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    scenes = tuple(shared_cases / "imagery" / name for name in SCENES)
    return write_projects(tmp_path_factory.mktemp("fuzz"), scenes)


def numbers() -> Iterator[int]:
    begun = time.process_time()
    for number in range(FIRST, FIRST + MUTATIONS):
        if time.process_time() - begun > SECONDS:
            return
        yield number


def test_no_damage_ends_in_a_traceback_or_a_half_written_file(
    projects: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", sys.argv)
    wrong = []
    for number in numbers():
        rng = random.Random(7 * 100_003 + number)
        project = rng.choice(projects)
        work = tmp_path / str(number)
        shutil.copytree(project, work)
        files = [path for path in listed(work) if path.is_file() and path.name != "README"]
        done = [mutate(rng.choice(files), rng) for _ in range(rng.choice((1, 1, 1, 2)))]
        run = number % RUN_EVERY == RUN_EVERY - 1 and len(files) < 8
        before = listed(work)
        ended = command("run", work, "-q") if run else command("check", work)
        close_files()
        after = listed(work)
        problems = {
            "exit code": ended.code not in (0, 2),
            "no refusal": ended.code == 2 and not ended.refusal,
            "traceback": "Traceback" in ended.refusal,
            "left behind": (not run or ended.code == 2) and before != after,
            "half-written": any(".partial" in path.name for path in after),
        }
        if any(problems.values()):
            names = [name for name, holds in problems.items() if holds]
            wrong.append(
                f"{number} {project.name} {done}: {names} {ended.code} {ended.refusal[:300]}"
            )
        shutil.rmtree(work, ignore_errors=True)
    assert not wrong, "\n".join(wrong)


FORMS = ("{:.1f}", "{:.3f}", "{:.2e}", "{:+.2f}", " {:.2f} ", "{:.6g}", "{:.0f}")


def test_values_agree_with_an_independent_reader_where_the_text_has_one_reading(
    tmp_path: Path,
) -> None:
    """pandas, told the delimiter and the decimal sign, reads the same numbers within 1 %."""
    for number in range(FIRST, FIRST + max(MUTATIONS // 2, 20)):
        rng = random.Random(11 * 100_003 + number)
        values = np.random.default_rng(number)
        sep, decimal = rng.choice(((",", "."), (";", "."), (";", ","), ("\t", "."), ("\t", ",")))
        form, encoding = rng.choice(FORMS), rng.choice(("utf-8", "utf-16", "cp1252", "utf-8-sig"))
        table = pd.DataFrame({"Größe": [f"P{i}" for i in range(40)]})
        table["X"] = [f"{479_000 + 731.3 * i:.1f}" for i in range(40)]
        table["Y"] = [f"{2_639_000 + 417.7 * (i % 7):.1f}" for i in range(40)]
        contents = values.lognormal(rng.choice((0, 3, 6)), 0.6, 40)
        table["Cu_ppm"] = [form.format(one) for one in contents]
        table.loc[rng.sample(range(40), 3), "Cu_ppm"] = rng.choice(("", "NA", "-9999"))
        numeric = ["X", "Y", "Cu_ppm"]
        table[numeric] = table[numeric].replace(r"\.", decimal, regex=True)
        path = tmp_path / f"{number}.csv"
        ends = rng.choice(("\n", "\r\n"))
        table.to_csv(path, sep=sep, index=False, encoding=encoding, lineterminator=ends)
        known = pd.read_csv(
            path, sep=sep, decimal=decimal, encoding=encoding, na_values=["-9999"],
            skipinitialspace=True,
        )["Cu_ppm"].to_numpy(float)  # fmt: skip
        settings = SurveySettings(path=path.name, crs="EPSG:32638", zero="keep")
        try:
            samples, _ = read_survey(settings, ["Cu"], "EPSG:32638", tmp_path)
        except SurveyError as error:  # asks where numbers have two readings
            assert "readable in one way" in str(error), (number, str(error))
            continue
        found = samples.values("Cu")
        assert len(found) == len(known), number
        np.testing.assert_allclose(found, known, rtol=0.01, err_msg=str(number))
