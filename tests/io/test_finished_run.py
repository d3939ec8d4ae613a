from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gossan.errors import InputError
from gossan.io.finished_run import open_run
from gossan.io.run_folder import RunFolder
from gossan.pipeline.commands.anomalies import anomalies_of_run
from gossan.pipeline.commands.krige import krige_project
from gossan.pipeline.commands.predict import predict_at
from gossan.pipeline.commands.run import run_project
from gossan.pipeline.commands.sample import next_samples
from gossan.pipeline.options.project import load_project
from gossan.report.build import build_report

READERS: dict[str, Callable[[Path], object]] = {
    "anomalies": anomalies_of_run,
    "predict": lambda run: predict_at(run, "at.csv", None, "Cu", "out.csv"),
    "sample": next_samples,
    "report": build_report,
}


def edit(run: Path, **content: object) -> None:
    path = RunFolder(run).manifest_path
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | content))


@pytest.fixture(scope="module")
def kriged(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of ``gossan krige``."""
    folder = tmp_path_factory.mktemp("krige") / "krige"
    krige_project(load_project(finished_run.parent / "project.toml"), folder)
    return folder


@pytest.mark.parametrize("name", READERS)
def test_every_reader_tells_a_krige_folder_from_a_run(name: str, kriged: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in kriged.rglob("*")}
    with pytest.raises(InputError, match="folder of `gossan krige`") as error:
        READERS[name](kriged)
    assert "\n" not in str(error.value)
    assert {path: path.stat().st_mtime_ns for path in kriged.rglob("*")} == before


@pytest.mark.parametrize("name", READERS)
def test_every_reader_refuses_a_run_of_an_older_schema(name: str, run_copy: Path) -> None:
    content = json.loads(RunFolder(run_copy).manifest_path.read_text(encoding="utf-8"))
    del content["schema_version"]
    RunFolder(run_copy).manifest_path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"schema 3; got one of schema 1.*gossan run") as error:
        READERS[name](run_copy)
    assert "\n" not in str(error.value)


def test_a_run_of_a_newer_schema_asks_for_a_newer_gossan(run_copy: Path) -> None:
    edit(run_copy, schema_version=99)
    with pytest.raises(InputError, match="Update gossan"):
        open_run(run_copy)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema_version": 3}'])
def test_a_damaged_manifest_is_one_line(run_copy: Path, text: str) -> None:
    RunFolder(run_copy).manifest_path.write_text(text)
    with pytest.raises(InputError, match=r"damaged.*Run the project again") as error:
        open_run(run_copy)
    assert "\n" not in str(error.value)


def test_run_and_krige_do_not_write_into_each_other_s_folder(
    finished_run: Path, kriged: Path
) -> None:
    project = load_project(finished_run.parent / "project.toml")
    with pytest.raises(InputError, match="`gossan krige` has not written"):
        run_project(project, kriged)
    with pytest.raises(InputError, match="`gossan run` has not written"):
        krige_project(project, finished_run)


def test_every_product_has_a_title_of_its_own_and_its_maps(finished_run: Path) -> None:
    run = open_run(finished_run)
    titles = {product.product: product.title for product in run.products}
    assert titles == {
        "kriging": "Kriging: your samples only",
        "sound": "Paper's method, corrected, indices, whole area",
        "literal": "Paper's method as printed, indices, whole area",
        "geostatistical": "Geostatistical model, indices",
    }
    for product in run.products:
        assert run.estimate(product).bands == (product.element,)
    assert run.standard_error(run.find("kriging", "Cu")) is not None
    assert run.standard_error(run.find("literal", "Cu")) is None


def test_a_product_is_found_by_name_and_element_or_by_being_the_best(finished_run: Path) -> None:
    run = open_run(finished_run)
    assert run.find(None, "Cu").product == run.best("Cu")
    assert run.find("literal", None).element == "Cu"
    with pytest.raises(InputError, match="--element must be one of Cu, Zn"):
        run.find("kriging", None)
    with pytest.raises(InputError, match="--product must be one of kriging, sound"):
        run.find("trusted", "Cu")


def test_rows_come_by_what_was_compared(finished_run: Path) -> None:
    found = open_run(finished_run).compared("held_out", "Cu")
    assert [str(one) for one, _ in found] == ["blocks", "random", "check: detailed"]
    assert all(set(rows["element"]) == {"Cu"} for _, rows in found)


def test_a_map_that_was_deleted_is_one_line(run_copy: Path) -> None:
    run = open_run(run_copy)
    product = run.find("kriging", "Cu")
    (run_copy / str(product.layer)).unlink()
    with pytest.raises(InputError, match=r"map of kriging for Cu.*Run the project again"):
        run.estimate(product)
