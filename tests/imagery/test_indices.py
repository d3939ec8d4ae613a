from __future__ import annotations

import csv
import pickle
from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import PCA

from gossan.catalogue.crosta import CrostaSet, crosta_sets
from gossan.catalogue.indices import all_indices
from gossan.errors import ImageryError, SettingsError
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import ArrayLayer
from gossan.imagery.component_contrasts import readings
from gossan.imagery.components import fit_components
from gossan.imagery.crosta import crosta
from gossan.imagery.indices import (
    available_indices,
    component_indices,
    index_layer,
    without_copies,
)

NINE = tuple(f"b{i}" for i in range(1, 10))
FOURTEEN = tuple(f"b{i}" for i in range(1, 15))


def random_bands(
    names: tuple[str, ...], shape: tuple[int, int] = (23, 31), seed: int = 1
) -> ArrayLayer:
    rng = np.random.default_rng(seed)
    grid = Grid.from_bounds(32645, (5e5, 4e6, 5e5 + 15 * shape[1], 4e6 + 10 * shape[0]), (15, 10))
    brightness = rng.uniform(0.15, 0.5, shape)
    return ArrayLayer(grid, names, brightness * rng.uniform(0.8, 1.2, (len(names), *shape)))


def test_every_index_as_a_layer_equals_the_formula_in_plain_python() -> None:
    layer = random_bands(FOURTEEN)
    choice = available_indices("aster", ["all"], layer.bands)
    assert not choice.lacking and len(choice.names) == len(all_indices("aster"))
    values = index_layer(layer, choice).read(Window(4, 5, 9, 7))
    bands = {n: layer.array[i, 4:13, 5:12] for i, n in enumerate(FOURTEEN)}
    for found, (name, formula) in zip(values, choice.formulas):
        wanted = eval(formula.text, {"__builtins__": {}}, bands)
        np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=1e-6, err_msg=name)


def test_a_set_leaves_out_what_the_bands_do_not_allow_and_says_so() -> None:
    choice = available_indices("aster", ["paper"], NINE)
    assert len(choice.names) == 13 and len(choice.lacking) == 7
    (note,) = choice.notes
    assert note.startswith("7 indices cannot be had") and "silica_a (needs b11 b10)" in note
    assert not available_indices("aster", ["paper"], FOURTEEN).lacking


def test_an_index_asked_by_name_must_be_possible() -> None:
    with pytest.raises(ImageryError, match=r"'qi' must be given b11, b10, b12; got bands b1, b2"):
        available_indices("aster", ["paper", "qi"], NINE)
    with pytest.raises(ImageryError, match=r"'mine' must be given b20"):
        available_indices("aster", [], NINE, {"mine": "b20 / b1"})
    with pytest.raises(SettingsError, match="nearest is 'gossan'"):
        available_indices("sentinel2", ["gosan"], ["b04"])
    with pytest.raises(ImageryError, match="indices must be possible with the bands at hand"):
        index_layer(random_bands(("b1",)), available_indices("aster", ["paper"], ["b1"]))


def test_users_formulas_stand_beside_the_catalogue_and_alone_over_any_rasters() -> None:
    layer = random_bands(("mag", "clay"))
    choice = available_indices("bands", ["paper"], layer.bands, {"mix": "log(mag) - clay ** 2"})
    values = index_layer(layer, choice).read(layer.grid.whole)
    np.testing.assert_allclose(values[0], np.log(layer.array[0]) - layer.array[1] ** 2, rtol=1e-4)
    with pytest.raises(SettingsError, match="must be made of"):
        available_indices("bands", [], layer.bands, {"x": "mag.__class__"})


def test_copies_and_reciprocals_are_dropped_but_near_copies_stay() -> None:
    kept = without_copies(available_indices("aster", ["all"], FOURTEEN))
    dropped = dict(kept.dropped)
    assert dropped["qi"] == "siliceous" and dropped["ci"] == "carbonate_tir"
    assert dropped["sio2"] == "basic_degree" and dropped["ga_gypsum"] == "ga_quartz"
    assert dropped["ferrous_silicates"] == "laterite"  # b5 / b4 and b4 / b5
    assert dropped["ga_ferrous_in_mgoh"] == "laterite"
    assert {"argillic", "phyllic", "dolomite", "carb_chl_epi", "mi"} <= set(kept.names)
    paper = without_copies(available_indices("aster", ["printed"], FOURTEEN))
    assert set(dict(paper.dropped)) == {"ferrous_b1_b2", "sio2"} and len(paper.names) == 19


def test_sound_components_do_not_depend_on_which_way_up_a_ratio_is_printed() -> None:
    layer = random_bands(("b12", "b13", "b10", "b11"))
    pcs = []
    for silica in ("sio2", "basic_degree"):
        choice = available_indices("aster", [silica, "silica_a", "silica_b"], layer.bands)
        fitted = fit_components(component_indices(layer, choice), "robust", positive="silica_a")
        pcs.append(fitted.read(layer.grid.whole))
    np.testing.assert_allclose(pcs[0], pcs[1], atol=1e-4)


def test_literal_and_logarithmic_components_equal_scikit_learn() -> None:
    layer = random_bands(NINE)
    layer.array[3, 4, 5] = np.nan  # a masked pixel takes no part
    choice = available_indices("aster", ["paper"], layer.bands)
    for source, scaling in (
        (index_layer(layer, choice), "covariance"),
        (component_indices(layer, choice), "correlation"),
    ):
        values = source.read(layer.grid.whole).astype(float).reshape(len(source.bands), -1)
        good = np.isfinite(values).all(axis=0)
        assert good.sum() == good.size - 1
        table = values[:, good].T
        if scaling == "correlation":
            table = (table - table.mean(0)) / table.std(0, ddof=1)
        theirs = PCA().fit(table)
        ours = fit_components(source, scaling, blocks=Blocks(size=8, workers=1))
        np.testing.assert_allclose(
            ours.components.shares, theirs.explained_variance_ratio_, atol=1e-6
        )
        scores = ours.read(layer.grid.whole).reshape(len(source.bands), -1)[:, good].T
        wanted = theirs.transform(table)
        for k in range(4):
            sign = np.sign(theirs.components_[k] @ ours.components.loadings[k])
            np.testing.assert_allclose(scores[:, k], sign * wanted[:, k], atol=2e-4)


def test_indices_pickle_and_do_not_depend_on_windows() -> None:
    layer = random_bands(NINE)
    found = pickle.loads(
        pickle.dumps(index_layer(layer, available_indices("aster", ["paper"], NINE)))
    )
    whole = found.read(layer.grid.whole)
    np.testing.assert_array_equal(found.read(Window(3, 7, 5, 11)), whole[:, 3:8, 7:18])


# ----------------------------------------------------------------------------- Crosta


def mineral_scene(reference: Path) -> tuple[ArrayLayer, dict[str, np.ndarray]]:
    """A scene of linear mixtures of USGS spectra under varied light, and the true shares."""
    lines = (reference / "mineral_band_reflectance.csv").read_text().splitlines()[1:]
    rows = {row["name"]: row for row in csv.DictReader(lines)}
    keys = ["aster_b1", "aster_b2", "aster_b3N", *(f"aster_b{i}" for i in range(4, 10))]

    def spectrum(name: str) -> np.ndarray:
        values = np.array([float(rows[name][k]) for k in keys])
        pale = values[3] * np.array([0.82, 0.88, 0.92])  # where the library has no visible part
        return np.where(np.isnan(values), np.append(pale, values[3:]), values)

    names = [
        "alunite_K_250C",
        "kaolinite_wxl",
        "muscovite_medAl",
        "calcite",
        "dolomite",
        "jarosite_K",
        "chalcedony",
        "chlorite_lowFe",
    ]
    rng = np.random.default_rng(11)
    shape = (60, 80)
    shares = {n: np.zeros(shape) for n in names}
    for i, name in enumerate(names[:6]):  # one patch for each mineral
        shares[name][10 * i : 10 * i + 6, 10 + 3 * i : 24 + 3 * i] = 0.5
    background = 1 - sum(shares.values())
    blend = rng.uniform(0.3, 0.7, shape)
    shares["chalcedony"] += background * blend
    shares["chlorite_lowFe"] += background * (1 - blend)
    light = rng.uniform(0.6, 1.0, shape)
    bands = sum(s[None] * spectrum(n)[:, None, None] for n, s in shares.items()) * light
    bands += rng.normal(0, 0.002, bands.shape)
    grid = Grid.from_bounds(32645, (5e5, 4e6, 5e5 + 1200, 4e6 + 600), (15, 10))
    return ArrayLayer(grid, NINE, bands.astype(np.float32)), shares


@pytest.mark.parametrize(
    ("name", "mineral"),
    [
        ("alunite", "alunite_K_250C"),
        ("kaolinite", "kaolinite_wxl"),
        ("illite", "muscovite_medAl"),
        ("jarosite", "jarosite_K"),
        ("dolomite", "dolomite"),
        ("carbonate", "calcite"),
        ("kaolinite_smectite", "kaolinite_wxl"),
    ],
)
def test_a_crosta_component_is_brightest_where_its_mineral_is(
    reference: Path, name: str, mineral: str
) -> None:
    layer, shares = mineral_scene(reference)
    found = crosta(layer, name)
    assert found.bands == (name,) and found.contrast > 0
    values = found.read(layer.grid.whole)[0]
    where, bare = shares[mineral] > 0, sum(shares[k] for k in list(shares)[:6]) == 0
    spread = values[bare].std()
    assert values[where].mean() > values[bare].mean() + 1.5 * spread, found.reading


def test_the_sign_of_a_crosta_component_does_not_follow_the_solver(reference: Path) -> None:
    layer, _ = mineral_scene(reference)
    for found in crosta_sets("aster"):
        shown = crosta(layer, found)
        loadings = shown.source.components.loadings[
            shown.source.components.names.index(shown.source.bands[0])
        ]
        high = np.mean([loadings[found.bands.index(b)] for b in found.high]) * shown.sign
        low = np.mean([loadings[found.bands.index(b)] for b in found.low]) * shown.sign
        assert high > 0 > low
        assert shown.reading.startswith(f"{found.name}: pc")


def test_a_crosta_set_of_your_own_and_one_that_lacks_a_band(reference: Path) -> None:
    layer, _ = mineral_scene(reference)
    mine = CrostaSet("aster", "mine", ("b2", "b4", "b5", "b8"), ("b4",), ("b8",))
    assert crosta(layer, mine).bands == ("mine",)
    few = ArrayLayer(layer.grid, ("b1", "b2"), layer.array[:2])
    with pytest.raises(
        ImageryError, match="given bands b1, b3, b5, b7; got none called b3, b5, b7"
    ):
        crosta(few, "alunite")
    with pytest.raises(SettingsError, match="one of alunite, illite"):
        crosta(layer, "gold")


def test_components_are_read_in_one_line(reference: Path) -> None:
    layer, _ = mineral_scene(reference)
    fitted = fit_components(layer)
    lines = readings(fitted.components, "aster")
    assert lines["pc1"] == "PC1 rises with every band: brightness"
    assert all("\n" not in line and line.startswith(k.upper()) for k, line in lines.items())
    assert "against" in lines["pc2"] and ":" in lines["pc2"]
    choice = available_indices("aster", ["argillic", "dolomite", "gossan"], NINE)
    of_indices = readings(
        fit_components(component_indices(layer, choice), "robust").components, "aster"
    )
    assert any("argillic" in line for line in of_indices.values())
    plain = readings(fit_components(random_bands(("mag", "clay"))).components)
    assert set(plain) == {"pc1", "pc2"}
