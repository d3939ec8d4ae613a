"""Log-ratios: closure, isometry and exact inverses."""

from __future__ import annotations

import geopandas
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gossan.errors import SurveyError
from gossan.geo.samples import Samples
from gossan.geochem.composition import Clr, Ilr, close, composition_of, ilr_basis

parts = hnp.arrays(
    float,
    st.tuples(st.integers(1, 9), st.integers(2, 6)),
    elements=st.floats(0.01, 1e5),
)


@given(parts)
def test_inverses_give_concentrations_exactly_with_the_rest_as_a_part(x: np.ndarray) -> None:
    for transform in (Clr(), Ilr()):
        np.testing.assert_allclose(transform.inverse(transform.forward(x)), x, rtol=1e-7)


@given(parts)
def test_inverses_give_ratios_exactly_with_the_rest_left_out(x: np.ndarray) -> None:
    for transform in (Clr(100.0, "left out"), Ilr(100.0, "left out")):
        back = transform.inverse(transform.forward(x))
        np.testing.assert_allclose(back, close(x, 100.0), rtol=1e-9)
        np.testing.assert_allclose(back.sum(axis=1), 100.0, rtol=1e-12)


@given(parts)
def test_centred_log_ratios_sum_to_zero_and_do_not_feel_a_factor(x: np.ndarray) -> None:
    scores = Clr(rest="left out").forward(x)
    np.testing.assert_allclose(scores.sum(axis=1), 0.0, atol=1e-9)
    np.testing.assert_allclose(Clr(rest="left out").forward(7 * x), scores, atol=1e-9)


@given(parts)
def test_isometric_coordinates_keep_aitchisons_distances(x: np.ndarray) -> None:
    clr, ilr = Clr().forward(x), Ilr().forward(x)
    np.testing.assert_allclose(
        np.linalg.norm(clr - clr[0], axis=1), np.linalg.norm(ilr - ilr[0], axis=1), atol=1e-8
    )


@pytest.mark.parametrize("n", [2, 3, 8])
def test_the_basis_is_orthonormal_and_sums_to_zero(n: int) -> None:
    basis = ilr_basis(n)
    np.testing.assert_allclose(basis @ basis.T, np.eye(n - 1), atol=1e-12)
    np.testing.assert_allclose(basis.sum(axis=1), 0, atol=1e-12)


def test_two_parts_give_the_log_ratio_of_the_textbook() -> None:
    x = np.array([[3.0, 1.0]])
    assert Ilr(rest="left out").forward(x)[0, 0] == pytest.approx(np.log(3.0) / np.sqrt(2))


def test_elements_of_several_units_come_in_ppm() -> None:
    frame = geopandas.GeoDataFrame(
        {"Fe": [5.0, 2.0], "Au": [30.0, np.nan]},
        geometry=geopandas.points_from_xy([0, 1], [0, 1]),
        crs=32638,
    )
    samples = Samples("a", frame, ("Fe", "Au"), {"Fe": "percent", "Au": "ppb"})
    np.testing.assert_allclose(
        composition_of(samples, ("Fe", "Au")), [[5e4, 0.03], [2e4, np.nan]], rtol=1e-12
    )


def test_more_than_the_whole_and_zeros_are_refused() -> None:
    with pytest.raises(SurveyError, match=r"less than 1e\+06 together"):
        Clr().forward(np.array([[6e5, 5e5]]))
    with pytest.raises(SurveyError, match=r"parts must be positive; got 0\.0"):
        Ilr().forward(np.array([[0.0, 5e5]]))
