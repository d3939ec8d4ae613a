from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gossan.errors import InterruptedRunError, SettingsError
from gossan.pipeline.commands.check import check_project
from gossan.pipeline.commands.run import run_project
from gossan.pipeline.options.products import product_to_trust, products_of
from gossan.pipeline.options.project import load_project, parse_project
from gossan.pipeline.options.template import write_template

Change = Callable[[str, str], Path]


def test_the_template_is_a_valid_project(tmp_path: Path) -> None:
    project = load_project(write_template(tmp_path))
    assert project.elements == ("Cu",)
    assert project.survey[0].support_m == 0  # nobody chose it


def test_the_template_never_overwrites_a_project(tmp_path: Path) -> None:
    write_template(tmp_path)
    with pytest.raises(SettingsError, match=r"without a project\.toml"):
        write_template(tmp_path)


def test_an_unknown_key_is_refused_with_the_nearest_known_one(changed: Change) -> None:
    with pytest.raises(
        SettingsError, match="'elments' is not a known key; did you mean 'elements'"
    ):
        load_project(changed("elements =", "elments ="))


def test_an_unknown_section_is_refused(changed: Change) -> None:
    with pytest.raises(SettingsError, match="did you mean 'survey'"):
        load_project(changed("[[survey]]", "[[surveys]]"))


def test_all_mistakes_are_reported_at_once(changed: Change) -> None:
    changed('role = "fit"', 'role = "test"')
    changed("seed = 3", 'seed = "three"')
    with pytest.raises(SettingsError) as caught:
        load_project(changed('sensor = "bands"', 'sensor = "spot"'))
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert "seed" in lines[0] and "role" in lines[1] and "sensor" in lines[2]


def test_a_models_own_keys_are_checked_too(changed: Change) -> None:
    product = '\n[[product]]\nname = "k"\nmodel = "kriging"\nneighbors = 12\n'
    with pytest.raises(SettingsError, match="did you mean 'neighbours'"):
        load_project(changed("folds = 3", "folds = 3\n" + product))


def test_an_unknown_model_names_those_there_are(changed: Change) -> None:
    product = '\n[[product]]\nname = "k"\nmodel = "krigging"\n'
    with pytest.raises(SettingsError, match='Did you mean "kriging"'):
        load_project(changed("folds = 3", "folds = 3\n" + product))


def test_features_must_begin_with_an_imagery(changed: Change) -> None:
    product = '\n[[product]]\nname = "p"\nmodel = "pyramid"\nfeatures = "aster.pc2"\n'
    with pytest.raises(
        SettingsError, match=r"begin with the name of an \[\[imagery\]\] \(indices\)"
    ):
        load_project(changed("folds = 3", "folds = 3\n" + product))


def test_names_must_differ_and_be_fit_for_files(changed: Change) -> None:
    product = '\n[[product]]\nname = "k"\nmodel = "kriging"\n'
    with pytest.raises(SettingsError, match="used twice"):
        load_project(changed("folds = 3", "folds = 3\n" + product + product))
    with pytest.raises(SettingsError, match="must begin with a letter or digit"):
        load_project(changed('name = "k"', 'name = "../k"'))


def test_broken_toml_names_the_line(changed: Change) -> None:
    with pytest.raises(SettingsError, match="line 5"):
        load_project(changed("seed = 3", "seed = "))


def test_environment_variables_are_filled_in(
    changed: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = changed("samples.csv", "${SAMPLES}.csv")
    with pytest.raises(SettingsError, match="SAMPLES is not set"):
        load_project(path)
    monkeypatch.setenv("SAMPLES", "samples")
    assert load_project(path).survey[0].path == "samples.csv"


def test_a_missing_project_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="gossan init"):
        load_project(tmp_path / "nothing.toml")


def test_a_project_may_be_given_as_a_dictionary(tmp_path: Path) -> None:
    content = {
        "project": {"elements": ["Cu"]},
        "survey": [{"path": "a.csv", "x": "x", "y": "y", "crs": "EPSG:32638"}],
    }
    assert parse_project(content, tmp_path).survey[0].name == "survey"


def test_without_products_kriging_one_fusion_of_each_imagery_and_the_best_map_are_made(
    small: Path,
) -> None:
    products = products_of(load_project(small))
    assert [p.name for p in products] == ["kriging", "indices_pc2_sound_local", "trusted"]
    assert product_to_trust(products) == "trusted"
    assert {p.transform for p in products} == {"log"}


def test_the_papers_maps_are_made_when_asked_for_in_raw_units_as_the_paper_does(
    small: Path,
) -> None:
    text = small.read_text(encoding="utf-8").replace("seed = 3", "seed = 3\npaper = true")
    small.write_text(text, encoding="utf-8")
    scales = {p.name: p.transform for p in products_of(load_project(small))}
    assert list(scales) == [
        "kriging",
        "indices_pc2_literal_global",
        "indices_pc2_literal_local",
        "indices_pc2_sound_global",
        "indices_pc2_sound_local",
        "trusted",
    ]
    assert scales["indices_pc2_literal_local"] == "identity"
    assert scales["indices_pc2_sound_local"] == scales["kriging"] == "log"


def test_the_papers_maps_may_be_asked_for_of_one_imagery(small: Path) -> None:
    plain = small.read_text(encoding="utf-8")

    def names(paper: str) -> list[str]:
        small.write_text(plain.replace("seed = 3", f"seed = 3\npaper = {paper}"), encoding="utf-8")
        return [product.name for product in products_of(load_project(small))]

    assert names('["indices"]') == names("true") != names("false")
    with pytest.raises(SettingsError, match=r"names of \[\[imagery\]\] \(indices\); got 'aster'"):
        names('["aster"]')
    with pytest.raises(SettingsError, match=r"must be true, false or names of .*; got 'indices'"):
        names('"indices"')


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("seed = 3", 'seed = 3\ncrs = "EPSG:32638x"', "known coordinate system. Write"),
        ('elements = ["Cu"]', 'elements = ["Cu", "Cu"]', "must name Cu once"),
        ('elements = ["Cu"]', 'elements = "Cu"', r"list in \[square brackets\]; got .Cu."),
        ('crs = "EPSG:32638"', "crs = 32638", 'must be text in "quotes"; got 32638'),
        ('name = "indices"', 'name = "Indices 1"', "lower-case letters, digits and _"),
        ('"samples.csv"', '"C:\\new\\table.csv"', "Windows paths with / or in 'single quotes'"),
    ],
)
def test_a_mistake_is_reported_in_plain_words(
    changed: Change, old: str, new: str, says: str
) -> None:
    with pytest.raises(SettingsError, match=says):
        load_project(changed(old, new))


@pytest.mark.parametrize("model", ["forest", "pyramid", "gwr"])
def test_a_model_that_learns_from_features_must_be_given_some(changed: Change, model: str) -> None:
    product = f'\n[[product]]\nname = "k"\nmodel = "{model}"\n'
    with pytest.raises(SettingsError, match=r"needs features, such as features = .indices\.all"):
        load_project(changed("folds = 3", "folds = 3\n" + product))


@pytest.mark.parametrize(
    ("features", "says"),
    [("indices.pc9", "must be pc1 to pc2"), ("indices.clayy", "Did you mean 'clay'")],
)
def test_unknown_features_are_reported_by_check_and_before_a_run_begins(
    changed: Change, tmp_path: Path, features: str, says: str
) -> None:
    product = f'\n[[product]]\nname = "k"\nmodel = "forest"\nfeatures = "{features}"\n'
    project = load_project(changed("folds = 3", "folds = 3\n" + product))
    found = check_project(project)
    assert found.blocked
    assert says in found.findings[0]
    with pytest.raises(SettingsError, match=says):
        run_project(project, tmp_path / "run")
    assert not (tmp_path / "run" / "layers").exists()


def test_a_place_that_cannot_be_written_is_reported_in_one_line(
    small: Path, tmp_path: Path
) -> None:
    with pytest.raises(InterruptedRunError, match=r"the folder .*samples\.csv.* must be writable"):
        run_project(load_project(small), tmp_path / "samples.csv")


def test_one_band_alone_has_no_second_component_and_a_default_project(changed: Change) -> None:
    found = check_project(load_project(changed('"clay.tif", "iron.tif"', '"clay.tif"')))
    assert not found.blocked
    facts = found.facts.set_index("what")["found"]
    assert facts["products"].startswith("kriging (kriging), trusted (")
