"""Cross-validation from Python is that of a run, and says what it compares."""

from __future__ import annotations

import numpy as np
import pytest

import gossan as gs
from gossan.errors import FitError, SettingsError


@pytest.fixture(scope="module")
def fitted(cu: gs.Element, pc2: gs.Raster) -> list:
    trust = gs.Geostatistical(averaging="mode", windows="survey").fit(cu, pc2)
    return [gs.Pyramid(variant="literal", scope="global").fit(cu, pc2), trust]


def test_kriging_is_added_and_scores_itself_zero(fitted: list) -> None:
    found = gs.cross_validate(fitted, "blocks", number=3)
    scores = found.scores.set_index("model")
    assert scores.index[0] == "Kriging()" and scores.loc["Kriging()", "skill"] == 0.0
    assert (scores["n"] == len(fitted[0].element_)).all()
    assert "spatial blocks" in repr(found) and "Kriging()" in found._repr_html_()


def test_scores_can_be_computed_from_the_predictions(fitted: list) -> None:
    """RMSE of logarithms for all, though the literal pyramid works on raw values."""
    found = gs.cross_validate(fitted, "blocks", number=3)
    ppm = fitted[0].element_.values
    for name, own in found.predictions.groupby("model"):
        estimate = np.log(np.maximum(own["estimate"], ppm.min() / 100))
        rmse = np.sqrt(np.mean((np.log(own["observed"]) - estimate) ** 2))
        assert found.scores.set_index("model").loc[name, "rmse"] == pytest.approx(rmse)


def test_predictions_are_in_the_unit_of_the_element(fitted: list) -> None:
    found = gs.cross_validate(fitted, "blocks", number=3)
    for _, own in found.predictions.groupby("model"):
        np.testing.assert_allclose(np.sort(own["observed"]), np.sort(fitted[0].element_.values))
        inside = own["estimate"].between(own["lower90"] * 0.999, own["upper90"] * 1.001)
        assert inside[np.isfinite(own["standard_error"])].all()


def test_calibration_scales_the_intervals_of_maps(cu: gs.Element) -> None:
    made = gs.Kriging().fit(cu)
    before = made.predict(cu.coordinates[:3] + 25.0, scale="working")["standard_error"]
    found = gs.calibrate(made, number=3)
    assert found is not None and made.calibration_ is found
    after = made.predict(cu.coordinates[:3] + 25.0, scale="working")["standard_error"]
    np.testing.assert_allclose(after, before * found.factor(0.9))


def test_other_samples_wrong_folds_and_unfitted_estimators_are_refused(cu: gs.Element) -> None:
    made = gs.Kriging().fit(cu)
    with pytest.raises(FitError, match="same samples"):
        gs.cross_validate([made, gs.Kriging().fit(_without_first(cu))])
    with pytest.raises(SettingsError, match="kinds"):
        gs.cross_validate(made, "block")
    with pytest.raises(FitError, match="fitted"):
        gs.cross_validate(gs.Kriging())


def _without_first(cu: gs.Element) -> gs.Element:
    from dataclasses import replace

    rows = np.arange(len(cu.values)) > 0
    return replace(cu, samples=cu.samples.subset(rows))
