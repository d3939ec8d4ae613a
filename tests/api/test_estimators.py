"""Estimators behave as Python users expect, and agree with the models that they wrap."""

from __future__ import annotations

import inspect
import pickle
from pathlib import Path

import geopandas
import numpy as np
import pytest
import xarray
from sklearn.base import clone

import gossan as gs
from gossan.api.estimators import class_name
from gossan.errors import FitError, GridError, SettingsError
from gossan.fusion.protocol import Points
from gossan.fusion.registry import MODELS, settings_of
from gossan.geo.raster import open_raster

WORDS = sorted(MODELS)


def estimator(word: str, **options: object):  # type: ignore[no-untyped-def]
    return getattr(gs.models, class_name(word))(**options)


@pytest.mark.parametrize("word", WORDS)
def test_options_and_defaults_are_those_of_the_project_file(word: str) -> None:
    found = estimator(word).get_params()
    fields = settings_of(word)()
    assert {k: v for k, v in found.items() if k != "transform"} == {
        name: getattr(fields, name) for name in type(fields).model_fields if name != "model"
    }
    assert list(inspect.signature(type(estimator(word))).parameters) == list(found)


@pytest.mark.parametrize("word", WORDS)
def test_the_documentation_is_that_of_the_settings(word: str) -> None:
    assert (settings_of(word).__doc__ or "") in (type(estimator(word)).__doc__ or "")


@pytest.mark.parametrize("word", WORDS)
def test_scikit_learn_clones_every_estimator(word: str) -> None:
    made = estimator(word, transform="identity")
    assert clone(made).get_params() == made.get_params()
    assert clone(made) is not made
    assert pickle.loads(pickle.dumps(made)).get_params() == made.get_params()


def test_the_constructor_only_stores_and_fit_checks(cu: gs.Element) -> None:
    wrong = gs.Kriging(neighbours="many")
    assert wrong.get_params()["neighbours"] == "many"
    with pytest.raises(SettingsError, match="neighbours of kriging must be"):
        wrong.fit(cu)


def test_unknown_options_are_answered_with_the_nearest() -> None:
    with pytest.raises(TypeError, match="Did you mean 'neighbours'"):
        gs.Kriging(neighbors=8)
    with pytest.raises(ValueError, match="Did you mean 'neighbours'"):
        gs.Kriging().set_params(neighbors=8)
    assert gs.Kriging().set_params(neighbours=8).get_params()["neighbours"] == 8


def test_the_repr_names_what_was_changed() -> None:
    assert repr(gs.Kriging(neighbours=8)) == "Kriging(neighbours=8)"
    assert repr(gs.Kriging(neighbours=32)) == "Kriging()"


def test_fit_returns_the_estimator_and_keeps_what_it_was_given(
    cu: gs.Element, pc2: gs.Raster
) -> None:
    made = gs.Geostatistical(averaging="mode", windows="survey")
    assert made.fit(cu, pc2) is made
    assert made.element_.name == "Cu" and made.features_.names == ("pc2",)
    assert made.transform_.word == "log"
    assert {"features", "hyperparameters"} <= set(made.tables_)


def test_predictions_and_map_are_the_model_s_in_the_unit(cu: gs.Element, pc2: gs.Raster) -> None:
    made = gs.Geostatistical(averaging="mode", windows="survey").fit(cu, pc2)
    places = cu.coordinates[:7] + 40.0
    found = made.predict(places)
    own = made.model_.predict(Points(places), made.features_)
    half = 1.6448536269514722 * own.standard_error
    np.testing.assert_allclose(found["estimate"], np.exp(own.mean))
    np.testing.assert_allclose(found["lower90"], np.exp(own.mean - half))
    np.testing.assert_allclose(found["upper90"], np.exp(own.mean + half))
    variance = own.standard_error**2  # of a lognormal distribution
    mean = np.exp(own.mean + variance / 2)
    np.testing.assert_allclose(found["standard_error"], mean * np.sqrt(np.exp(variance) - 1))
    working = made.predict(places, scale="working")
    np.testing.assert_allclose(working["estimate"], own.mean)
    np.testing.assert_allclose(working["standard_error"], own.standard_error)
    ds = made.map(["median", "mean", "standard_error"])
    estimate, error = made.model_.layer(made.features_).read(pc2.grid.whole)
    np.testing.assert_allclose(ds["median"], np.exp(estimate), rtol=1e-5)
    np.testing.assert_allclose(ds["mean"], np.exp(estimate + error**2 / 2), rtol=1e-5)


def test_points_may_be_a_frame_in_any_system(cu: gs.Element) -> None:
    made = gs.Kriging().fit(cu)
    frame = cu.to_geodataframe().iloc[3:9]
    found = made.predict(frame.to_crs(4326))
    np.testing.assert_allclose(found["estimate"], made.predict(cu.coordinates[3:9])["estimate"],
                               rtol=1e-4)  # fmt: skip
    assert found.index.equals(frame.index)
    with pytest.raises(GridError, match="CRS"):
        made.predict(frame.set_crs(None, allow_override=True))
    with pytest.raises(GridError, match=r"\(n, 2\)"):
        made.predict(np.zeros(3))


def test_arrays_in_arrays_out(cu: gs.Element, pc2: gs.Raster) -> None:
    """Raster, xarray, and numpy with a place are the same features."""
    options = {"averaging": "mode", "windows": "survey"}
    wanted = gs.Geostatistical(**options).fit(cu, pc2).predict(cu.coordinates[:5])
    array = pc2.to_xarray()
    plain = gs.open_raster(
        np.asarray(pc2), crs="EPSG:32645", transform=pc2.grid.transform, bands=["pc2"]
    )
    for features in (array, array.to_dataset("band"), plain, [array]):
        found = gs.Geostatistical(**options).fit(cu, features).predict(cu.coordinates[:5])
        np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_samples_come_to_the_system_of_the_imagery(cu: gs.Element, pc2: gs.Raster) -> None:
    elsewhere = cu.to_crs("EPSG:32644")
    made = gs.Kriging().fit(elsewhere, pc2)
    assert made.element_.crs.to_epsg() == 32645
    np.testing.assert_allclose(made.element_.coordinates, cu.coordinates, atol=1e-3)


def test_imagery_elsewhere_or_in_degrees_is_refused(cu: gs.Element) -> None:
    away = gs.open_raster(np.ones((1, 9, 9)), crs=32645, transform=(30, 0, 0, 0, -30, 0))
    with pytest.raises(FitError, match="under the samples"):
        gs.Geostatistical().fit(cu, away)
    degrees = gs.open_raster(np.ones((1, 9, 9)), crs=4326, transform=(0.1, 0, 87, 0, -0.1, 40))
    with pytest.raises(GridError, match="projected CRS in metres"):
        gs.Geostatistical().fit(cu, degrees)


def test_an_unfitted_model_or_one_without_features_is_refused_with_the_cure(cu: gs.Element) -> None:
    with pytest.raises(FitError, match=r"Call fit\(element, features\) first"):
        gs.Kriging().map()
    with pytest.raises(FitError, match="features of Pyramid"):
        gs.Pyramid().fit(cu)


def test_a_map_without_imagery_covers_the_surveyed_ground(cu: gs.Element) -> None:
    ds = gs.Kriging().fit(cu).map()
    x, y = cu.coordinates.T
    assert ds.x.min() < x.min() and ds.x.max() > x.max()
    assert ds.y.min() < y.min() and ds.y.max() > y.max()


def test_a_model_without_standard_error_gives_the_median_alone(
    cu: gs.Element, pc2: gs.Raster
) -> None:
    made = gs.Pyramid(variant="literal", scope="global").fit(cu, pc2)
    with pytest.warns(gs.GossanWarning):  # empty where imagery is masked
        ds = made.map()
    assert made.transform_.word == "identity"  # as printed, and as in a project
    assert set(ds.data_vars) == {"median"}
    assert made.predict(cu.coordinates[:2])["lower90"].isna().all()


def test_map_and_stream_write_the_same_file(cu: gs.Element, tmp_path: Path) -> None:
    made = gs.Kriging().fit(cu)
    made.map().gossan.to_cog(tmp_path / "a.tif")
    made.to_cog(tmp_path / "b.tif")
    first, second = open_raster(tmp_path / "a.tif"), open_raster(tmp_path / "b.tif")
    assert first.bands == second.bands and first.grid.aligned_with(second.grid)
    np.testing.assert_array_equal(first.read(first.grid.whole), second.read(second.grid.whole))


def test_a_fitted_estimator_pickles(cu: gs.Element) -> None:
    made = gs.Kriging().fit(cu)
    again = pickle.loads(pickle.dumps(made))
    xarray.testing.assert_identical(again.map(), made.map())


def test_notebooks_get_a_picture(cu: gs.Element, pc2: gs.Raster) -> None:
    unfitted = gs.Kriging()
    assert "data:image/png" not in unfitted._repr_html_()
    for one in (cu, pc2, unfitted.fit(cu), gs.Geostatistical(averaging="mode").fit(cu, pc2)):
        shown = one._repr_html_()
        assert "data:image/png;base64," in shown and "<table>" in shown


def test_hostile_names_are_escaped() -> None:
    grid = {"crs": 32645, "transform": (30, 0, 0, 0, -30, 0)}
    raster = gs.open_raster(np.ones((1, 2, 2)), bands=["<script>"], **grid)
    assert "<script>" not in raster._repr_html_()


def test_a_frame_is_read_by_the_reader_of_files(cu: gs.Element) -> None:
    """Text below a detection limit is recognised in a frame as it is in a file."""
    frame = cu.to_geodataframe()[["Cu", "geometry"]].rename(columns={"Cu": "Cu_ppm"})
    frame["Cu_ppm"] = frame["Cu_ppm"].astype(str)
    frame.loc[frame.index[4], "Cu_ppm"] = "<30"
    survey = gs.read_survey(geopandas.GeoDataFrame(frame), support_m=300)
    assert "samples.gpkg" in repr(survey)
    found = survey.element("Cu")
    assert found.censored.sum() == 1 and found.values[4] == 15.0
    assert found.crs == cu.crs
