"""Errors of samples from repeats and duplicates whose noise is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gossan.errors import SurveyError
from gossan.geo.samples import Samples
from gossan.geochem.quality_control.laboratory_error import Precision, with_laboratory_errors
from gossan.geochem.quality_control.reading import read_controls
from gossan.geochem.table.settings import QualityControl
from gossan.geochem.table.survey import SurveySettings, read_survey

UTM = "EPSG:32638"


def _survey(folder: Path, noise: dict[str, float], repeats: int) -> SurveySettings:
    """Write 120 samples of each batch; every one of the first ``repeats`` is analysed again."""
    rng = np.random.default_rng(3)
    rows: list[dict[str, object]] = []
    for batch, spread in noise.items():
        for i in range(120):
            copper = float(rng.lognormal(3.4, 0.8))
            name = f"{batch}{i:03d}"
            place = {"E": 400_000 + 900 * len(rows), "N": 2_600_000 + 700 * (i % 11)}
            again = copper * (1 + spread * rng.standard_normal())
            rows.append({"ID": name, "TYPE": "ORIG", "B": batch, "Cu": again} | place)
            if i < repeats:
                again = copper * (1 + spread * rng.standard_normal())
                rows.append({"ID": f"*Rep {name}", "TYPE": "REP", "B": batch, "Cu": again})
    pd.DataFrame(rows).to_csv(folder / "a.csv", index=False)
    return SurveySettings(
        path="a.csv", id="ID", crs=UTM, x="E", y="N", unit="ppm", batch="B", precision="repeats",
        qc=QualityControl(repeats=("[*]Rep*",)),
    )  # fmt: skip


def _known(settings: SurveySettings, folder: Path, precision: Precision = "repeats") -> Samples:
    samples, _ = read_survey(settings, ["Cu"], UTM, folder)
    controls = read_controls(settings, ["Cu"], folder)
    return with_laboratory_errors(samples, controls, precision)[0]


def test_each_batch_has_the_error_of_its_own_repeats(tmp_path: Path) -> None:
    known = _known(_survey(tmp_path, {"A": 0.02, "B": 0.10}, 100), tmp_path)
    relative = known.standard_error("Cu") / known.values("Cu")
    batch = known.frame["batch"].to_numpy(str)
    assert np.median(relative[batch == "A"]) == pytest.approx(0.02, rel=0.25)
    assert np.median(relative[batch == "B"]) == pytest.approx(0.10, rel=0.25)


def test_a_batch_with_few_repeats_has_the_error_of_all(tmp_path: Path) -> None:
    known = _known(_survey(tmp_path, {"A": 0.06, "B": 0.06}, 6), tmp_path)
    relative = known.standard_error("Cu") / known.values("Cu")
    assert np.median(relative) == pytest.approx(0.06, rel=0.6)
    assert len(known) == 240 and np.isfinite(relative).all()


def test_too_few_pairs_are_refused_with_the_cure(tmp_path: Path) -> None:
    settings = _survey(tmp_path, {"A": 0.06}, 3)
    with pytest.raises(SurveyError, match=r"at least 8 .*; got 3\. Name them in qc"):
        _known(settings, tmp_path)
    with pytest.raises(SurveyError, match="duplicates of survey"):
        _known(settings, tmp_path, "duplicates")


def test_errors_that_the_table_states_win(tmp_path: Path) -> None:
    settings = _survey(tmp_path, {"A": 0.06}, 20)
    table = pd.read_csv(tmp_path / "a.csv").assign(s=7.0)
    table.to_csv(tmp_path / "a.csv", index=False)
    stated = settings.model_copy(update={"errors": {"Cu": "s"}})
    assert (_known(stated, tmp_path).standard_error("Cu") == 7.0).all()
    few = pd.read_csv(tmp_path / "a.csv").query("TYPE == 'ORIG'")
    few.to_csv(tmp_path / "a.csv", index=False)
    assert (_known(stated, tmp_path).standard_error("Cu") == 7.0).all()
