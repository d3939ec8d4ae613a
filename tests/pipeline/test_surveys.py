"""From survey files to the observations that models see."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyproj import CRS

from gossan.errors import SurveyError
from gossan.geochem.censoring import treat_censored
from gossan.geochem.transforms import BoxCox, fit_transform_by_word
from gossan.pipeline.options.project import Project, parse_project
from gossan.pipeline.surveys import Surveys, read_surveys, working

UTM = CRS.from_epsg(32638)


def survey(name: str, path: str, **more: object) -> dict[str, object]:
    return {"name": name, "path": path, "x": "x", "y": "y", "crs": "EPSG:32638",
            "columns": {"Cu": "cu"}, "unit": "ppm", **more}  # fmt: skip


def write(folder: Path, name: str, contents: list[object], seed: int = 1) -> None:
    places = np.random.default_rng(seed).uniform(0, 5000, (len(contents), 2)).round(1)
    table = pd.DataFrame(places + np.array([400_000, 2_600_000]), columns=["x", "y"])
    table.assign(cu=contents).to_csv(folder / name, index=False)


def project(folder: Path, *surveys: dict[str, object]) -> Project:
    return parse_project({"project": {"elements": ["Cu"]}, "survey": list(surveys)}, folder)


def read(folder: Path, *surveys: dict[str, object]) -> Surveys:
    return read_surveys(project(folder, *surveys), UTM)


def test_the_samples_of_an_element_come_to_the_working_scale(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", [10, 20, None, 40, 80])
    write(tmp_path, "b.csv", [5, 500], seed=2)
    found = read(tmp_path, survey("a", "a.csv", role="fit"), survey("b", "b.csv", role="check"))
    data = working(found, "Cu", "log")
    np.testing.assert_allclose(np.exp(data.observations.values), [10, 20, 40, 80])
    np.testing.assert_allclose(np.exp(data.checks["b"].values), [5, 500])
    assert data.unit == "ppm" and data.censored == 0
    assert not data.validation_samples.refitted


@pytest.mark.parametrize("method", ["ros", "likelihood"])
def test_censored_values_of_some_rows_are_estimated_from_these_rows(
    tmp_path: Path, method: str
) -> None:
    values = np.exp(np.random.default_rng(4).normal(2, 0.6, 24)).round(2)
    write(tmp_path, "a.csv", ["<5" if v < 5 else v for v in values])
    data = working(read(tmp_path, survey("a", "a.csv", censoring=method)), "Cu", "log")
    rows = np.arange(0, 24, 2)
    assert data.values is not None and data.values.depends_on_samples
    below = values[rows] < 5
    assert 0 < below.sum() < len(rows)
    expected = treat_censored(
        np.where(below, 5.0, values[rows]), below, np.zeros(len(rows), bool), method
    )
    np.testing.assert_allclose(np.exp(data.values.fit(rows)[1]), expected)
    np.testing.assert_allclose(data.values.fit(np.arange(24))[1], data.observations.values)


def test_limits_reach_the_models_on_the_scale_of_each_fold(tmp_path: Path) -> None:
    values = np.random.default_rng(4).normal(10, 4, 24).clip(1).round(2)
    below, above = values < 5, values > 15
    written = ["<5" if b else ">15" if a else v for v, b, a in zip(values, below, above)]
    write(tmp_path, "a.csv", written)
    found = read(tmp_path, survey("a", "a.csv", censoring="likelihood"))
    data = working(found, "Cu", "boxcox")
    limits = np.where(below, 5.0, np.where(above, 15.0, np.nan))
    np.testing.assert_array_equal(found.samples_table()["Cu_limit"], limits)
    seen = data.observations
    assert seen.limits is not None and data.values is not None
    np.testing.assert_allclose(data.transform.inverse(seen.limits), limits)
    np.testing.assert_array_equal(seen.values[below] < seen.limits[below], True)
    np.testing.assert_array_equal(seen.values[above] >= seen.limits[above], True)
    rows = np.arange(0, 24, 2)
    fold = data.validation_samples.fitted_to(rows)
    transform, working_values = data.values.fit(rows)
    assert transform != data.transform and fold.limits is not None
    np.testing.assert_allclose(transform.inverse(fold.limits), limits[rows])
    np.testing.assert_array_equal(fold.values, working_values)


@pytest.mark.parametrize("method", ["half", "ros", "missing"])
def test_limits_stay_with_the_samples_where_numbers_take_their_place(
    tmp_path: Path, method: str
) -> None:
    write(tmp_path, "a.csv", ["<5", 6, 7, 8, 9, 10])
    found = read(tmp_path, survey("a", "a.csv", censoring=method))
    assert working(found, "Cu", "log").observations.limits is None
    assert "Cu_limit" not in found.samples_table()


def test_known_errors_reach_the_observations_and_the_table_of_samples(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", [10, 20, 40, 80])
    table = pd.read_csv(tmp_path / "a.csv")
    table.assign(s=[1.0, 1.0, 8.0, 8.0]).to_csv(tmp_path / "a.csv", index=False)
    found = read(tmp_path, survey("a", "a.csv", errors={"Cu": "s"}))
    known = working(found, "Cu", "log").observations.error_variance
    assert known is not None
    np.testing.assert_allclose(known, np.log1p(np.array([0.1, 0.05, 0.2, 0.1]) ** 2))
    assert found.samples_table()["Cu_error"].tolist() == [1.0, 1.0, 8.0, 8.0]
    plain = read(tmp_path, survey("a", "a.csv"))
    assert working(plain, "Cu", "log").observations.error_variance is None


def test_the_mean_of_samples_of_one_place_has_a_smaller_known_error(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", [10, 20, 40, 80])
    table = pd.read_csv(tmp_path / "a.csv").assign(s=[3.0, 4.0, 8.0, 8.0])
    table.loc[1, ["x", "y"]] = table.loc[0, ["x", "y"]]
    table.to_csv(tmp_path / "a.csv", index=False)
    found = read(tmp_path, survey("a", "a.csv", errors={"Cu": "s"}))
    errors = found.fit[0].standard_error("Cu")
    assert found.fit[0].values("Cu")[0] == 15.0  # the mean of 10 and 20
    assert errors[0] == pytest.approx(np.hypot(3.0, 4.0) / 2)


def test_precision_of_the_laboratory_needs_duplicates(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", [10, 20, 40, 80])
    with pytest.raises(SurveyError, match="repeats of survey 'a' must be at least 8"):
        read(tmp_path, survey("a", "a.csv", precision="repeats"))


def test_a_transform_is_fitted_to_the_rows_it_is_given(tmp_path: Path) -> None:
    values = np.random.default_rng(4).gamma(2, 20, 40).round(3) + 1
    write(tmp_path, "a.csv", list(values))
    data = working(read(tmp_path, survey("a", "a.csv")), "Cu", "boxcox")
    assert data.values is not None
    transform, _ = data.values.fit(np.arange(20))
    assert transform == fit_transform_by_word("boxcox", values[:20])
    assert isinstance(transform, BoxCox) and transform != data.transform


def test_surveys_of_another_support_keep_it_and_their_number(tmp_path: Path) -> None:
    for number, name in enumerate(("a", "b")):
        write(tmp_path, f"{name}.csv", [10, 20, 40, 80], seed=number)
    found = read(tmp_path, survey("a", "a.csv", support_m=500), survey("b", "b.csv"))
    points = working(found, "Cu", "log").observations.points
    assert points.support_m == 0
    assert [(p.survey, p.support_m, rows.tolist()) for rows, p in points.parts()] == [
        (0, 500.0, [0, 1, 2, 3]),
        (1, 0.0, [4, 5, 6, 7]),
    ]


def test_samples_on_a_line_make_no_map(tmp_path: Path) -> None:
    table = pd.DataFrame({"x": 400_000 + 100.0 * np.arange(6), "y": 2_600_000.0})
    table.assign(cu=[1, 2, 3, 4, 5, 6]).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(SurveyError, match="6 on one line"):
        working(read(tmp_path, survey("a", "a.csv")), "Cu", "log")


def test_the_table_of_samples_tells_role_and_censoring(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", [10, "<4", 40, 80])
    write(tmp_path, "b.csv", [5, 500], seed=2)
    found = read(tmp_path, survey("a", "a.csv"), survey("b", "b.csv", role="check"))
    table = found.samples_table()
    assert table["role"].tolist() == ["fit"] * 4 + ["check"] * 2
    assert table["Cu_censored"].tolist() == [False, True, False, False, False, False]
    assert table.loc[1, "Cu"] == 2.0


def test_surveys_are_levelled_at_their_border_where_the_project_says_so(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, west, factor in (("a", 400_000, 1.0), ("b", 430_000, 1.6)):
        places = rng.uniform([west, 2_600_000], [west + 30_000, 2_650_000], (400, 2)).round(1)
        contents = factor * np.exp(3 + 0.2 * rng.standard_normal(400))
        table = pd.DataFrame(places, columns=["x", "y"]).assign(cu=contents.round(4))
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    surveys = [survey(name, f"{name}.csv") for name in "ab"]
    made = {"project": {"elements": ["Cu"], "levelling": "border"}, "survey": surveys}
    found = read_surveys(parse_project(made, tmp_path), UTM)
    assert found.borders["factor"][0] == pytest.approx(1 / 1.6, rel=0.1)
    assert (
        "levelled at the border: multiplied by 0.6" in found.findings["b"].of("levelled")[0].message
    )
    medians = [np.median(one.values("Cu")) for one in found.fit]
    assert medians[1] == pytest.approx(medians[0], rel=0.1)
