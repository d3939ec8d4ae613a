"""What a run says of held-out samples, in its tables and its manifest."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from gossan.errors import GossanWarning
from gossan.evaluate.calibration import calibrate
from gossan.fusion.protocol import FusionModel
from gossan.geo.blocks import Blocks
from gossan.geo.cluster import cluster_at
from gossan.geo.grid import Window
from gossan.geochem.transforms import BoxCox
from gossan.io.finished_run import open_run
from gossan.pipeline import fit_product
from gossan.pipeline.commands.run import validate_project
from gossan.pipeline.feature_sets import FeatureSets
from gossan.pipeline.fit_product import ElementFits, fit_model
from gossan.pipeline.inputs import open_inputs
from gossan.pipeline.options.products import Product, products_of
from gossan.pipeline.options.project import load_project
from gossan.pipeline.surveys import Working, working

KRIGING = '\n[[product]]\nname = "kriging"\nmodel = "kriging"\n'
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def validated(small: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Validate kriging with settings of the folds and, at the top, of the project."""

    def run(folds: str, project: str = "") -> Path:
        text = small.read_text(encoding="utf-8").replace("folds = 3", f"folds = 3\n{folds}")
        text = (
            text.replace("[[imagery]]", "[[unused]]").split("[[unused]]")[0]
            + text[text.index("[validation]") :]
        )
        text = text.replace("seed = 3", f'seed = 3\ncrs = "EPSG:32638"\npixel_m = 100\n{project}')
        small.write_text(text + KRIGING, encoding="utf-8")
        validate_project(load_project(small), tmp_path / "run")
        return tmp_path / "run"

    return run


def test_intervals_are_calibrated_by_spatial_folds_though_random_ones_come_first(
    validated: Callable[[str], Path],
) -> None:
    run = validated('kinds = ["random", "blocks"]')
    held = pd.read_csv(run / "tables" / "held_out.csv")
    own = held[held["comparison"] == "blocks"]
    product = open_run(run).find("kriging", "Cu")
    error = own["standard_error"] / product.interval_scale
    expected = calibrate(
        own["observed_working"].to_numpy(), own["estimate_working"].to_numpy(), error.to_numpy(),
        own["group"].to_numpy(),
    )  # fmt: skip
    assert product.calibration == expected.sentence
    assert product.interval_scale == pytest.approx(expected.factor(0.9))
    assert open_run(run).manifest.verdicts["Cu"].sentence.startswith("Only kriging was made: on")


def of_two_elements(small: Path) -> Path:
    """The small project with zinc beside copper, and a pyramid."""
    table = pd.read_csv(small.parent / "samples.csv")
    noise = np.random.default_rng(1).lognormal(0, 0.2, len(table))
    table.assign(Zn_ppm=2 * table["Cu_ppm"] * noise).to_csv(
        small.parent / "samples.csv", index=False
    )
    text = small.read_text(encoding="utf-8").replace('elements = ["Cu"]', 'elements = ["Cu", "Zn"]')
    text = text.replace('Cu = "Cu_ppm"', 'Cu = "Cu_ppm", Zn = "Zn_ppm"')
    pyramid = '\n[[product]]\nname = "sound"\nmodel = "pyramid"\nfeatures = "indices.clay"\n'
    small.write_text(text + KRIGING + pyramid, encoding="utf-8")
    return small


def test_a_worker_fits_the_element_that_follows_as_this_process_would(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = load_project(of_two_elements(small))
    here: list[str] = []

    def counted(product: Product, data: Working, features: FeatureSets) -> FusionModel:
        here.append(f"{product.name} {data.element}")
        return fit_model(product, data, features)

    monkeypatch.setattr(fit_product, "fit_model", counted)
    with cluster_at("local:1") as address:
        inputs = open_inputs(project, tmp_path / "store", Blocks())
        for product in products_of(project, inputs.features.imagery.values()):
            copper, zinc = (working(inputs.surveys, element, "log") for element in ("Cu", "Zn"))
            fits = ElementFits(product, inputs.features, address)
            fits.of(copper, [zinc])
            there = fits.of(zinc, [])
            features = inputs.features.get(product.settings.features)
            local = fit_model(product, zinc, inputs.features).layer(features)
            window = Window(10, 20, 40, 30)
            found = there.layer(features).read(window)
            np.testing.assert_array_equal(found, local.read(window))
    assert here == ["kriging Cu", "sound Cu"]


def test_what_a_fit_on_a_worker_warns_of_comes_back_with_the_model() -> None:
    class Warner:
        def fit(self, observations: object, features: object) -> Warner:
            warnings.warn("few samples", GossanWarning, stacklevel=2)
            return self

    product = SimpleNamespace(factory=lambda element: Warner, name="warner")
    data = SimpleNamespace(element="Cu", observations=None)
    model, warned = fit_product._fitted_there(product, None, data)  # type: ignore[arg-type]
    assert isinstance(model, Warner) and warned == [(GossanWarning, "few samples")]
    fits = ElementFits(product, None, "tcp://nowhere")  # type: ignore[arg-type]
    fits.begun = {"Cu": lambda: (model, warned)}
    with pytest.warns(GossanWarning, match="few samples"):
        assert fits.of(data, []) is model  # type: ignore[arg-type]


@pytest.mark.parametrize("command_name", ["check", "run"])
def test_random_folds_alone_are_refused_with_the_cure(
    changed: Callable[[str, str], Path], command: Command, command_name: str
) -> None:
    project = changed("folds = 3", 'folds = 3\nkinds = ["random"]')
    code, printed, error = command(command_name, project)
    assert code == 2 and 'Add "blocks"' in printed + error
    assert not (project.parent / "run").exists()


def test_held_out_values_stand_in_the_unit_and_on_the_working_scale(
    validated: Callable[[str], Path],
) -> None:
    run = validated("")
    held = pd.read_csv(run / "tables" / "held_out.csv")
    for name in ("observed", "estimate"):
        np.testing.assert_allclose(np.log(held[name]), held[f"{name}_working"], rtol=1e-7)
    scores = pd.read_csv(run / "tables" / "scores.csv").set_index("comparison")
    for comparison, own in held.groupby("comparison"):
        error = own["estimate_working"] - own["observed_working"]
        assert scores.loc[comparison, "rmse"] == pytest.approx((error**2).mean() ** 0.5, rel=1e-6)
    assert scores["optimistic"].to_dict() == {"blocks": False, "random": True}
    assert scores.loc["blocks", "note"].startswith("spatial blocks of")
    calibration = pd.read_csv(run / "tables" / "calibration.csv")
    assert calibration["crps"].gt(0).all()
    strata = pd.read_csv(run / "tables" / "coverage_strata.csv").set_index(["comparison", "by"])
    by_estimate = strata.loc[("blocks", "estimate")]
    own = held[held["comparison"] == "blocks"]
    assert by_estimate["from"].min() == pytest.approx(own["estimate"].min(), rel=1e-6)
    assert by_estimate["to"].max() == pytest.approx(own["estimate"].max(), rel=1e-6)
    whole = calibration.query("comparison == 'blocks' and nominal == 0.9").iloc[0]
    inside = (by_estimate["achieved_scaled"] * by_estimate["n"]).sum()
    assert inside == pytest.approx(whole["achieved_scaled"] * whole["n"])


def test_the_power_of_a_transform_is_fitted_without_the_fold(
    validated: Callable[..., Path],
) -> None:
    run = validated('kinds = ["blocks"]', 'transform = "boxcox"')
    held = pd.read_csv(run / "tables" / "held_out.csv")
    powers = []
    for _, own in held.groupby("fold"):
        z, y = own["observed"].to_numpy(), own["observed_working"].to_numpy()
        errors = {p: np.abs(BoxCox(p).forward(z) - y).max() for p in np.linspace(0, 1, 2001)}
        power = min(errors, key=lambda p: errors[p])
        assert errors[power] < 1e-2 * np.abs(y).max()
        estimate = BoxCox(power).inverse(own["estimate_working"].to_numpy())
        np.testing.assert_allclose(estimate, own["estimate"], rtol=2e-2)
        powers.append(power)
    assert len(set(powers)) > 1


class _Counts:
    """Keeps how far each step said it was."""

    def __init__(self) -> None:
        self.said: dict[str, list[tuple[int, int]]] = {}

    @contextmanager
    def step(self, title: str) -> Iterator[Callable[[int, int], None]]:
        yield lambda done, total: self.said.setdefault(title, []).append((done, total))

    def say(self, text: str) -> None:
        pass


MODELS = {
    "kriging": ("kriging", ""),
    "recipe": ("recipe", "trees = 10"),
    "blend": ("blend", 'members = ["kriging", "atprk"]\nnumber = 3'),
    "auto": ("auto", 'candidates = ["atprk"]\nnumber = 4'),
    "guarded": ("guarded_pyramid", "number = 3"),
}
EXPECTED = {
    "kriging": 1 + 3 + 3,  # the map's own, three folds of blocks, three random ones
    "recipe": 1 + 3 + 3,
    "blend": 1 + 3 * 2 + 3,  # inner folds times members, and the spatial folds
    "auto": 1 + 4 * 2 + 3 * 2,  # inner and spatial folds times kriging and the candidate
    "guarded": 1 + 3 * 2 + 3 + 3,  # inner folds times kriging and the pyramid
}


def test_progress_counts_folds_times_models(small: Path, tmp_path: Path) -> None:
    text = small.read_text(encoding="utf-8")
    for name, (model, options) in MODELS.items():
        features = "" if name == "kriging" else 'features = "indices.all"'
        if name == "guarded":
            features = 'features = "indices.pc2"'
        text += f'\n[[product]]\nname = "{name}"\nmodel = "{model}"\n{features}\n{options}\n'
    small.write_text(text, encoding="utf-8")
    counts = _Counts()
    validate_project(load_project(small), tmp_path / "run", reporter=counts)
    for name, expected in EXPECTED.items():
        said = counts.said[f"Cu: {name}"]
        assert said == [(done, expected) for done in range(expected + 1)], name
    said = counts.said["Cu: which alteration information helps"]
    assert said == [(0, 3), (1, 3), (2, 3), (3, 3)]
