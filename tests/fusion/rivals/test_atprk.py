"""Area-to-point regression kriging: coherent with its coarse layer, whatever is empty."""

from __future__ import annotations

import numpy as np
import pytest

from gossan.errors import FitError
from gossan.fusion.features.cell_means import cell_means
from gossan.fusion.features.sources import ColumnFeatures
from gossan.fusion.kriging_model import KrigingModel
from gossan.fusion.protocol import Points
from gossan.fusion.rivals.atprk import AreaToPoint, AreaToPointSettings
from gossan.fusion.rivals.deconvolution import deconvolve
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Window
from gossan.geochem.variogram.fitting import CovarianceModel, Structure

from ..simulated import simulate


def _aggregate(fine: np.ndarray, factor: int) -> np.ndarray:
    height, width = (-(-s // factor) for s in fine.shape)
    return np.array(
        [
            [
                fine[i * factor : (i + 1) * factor, j * factor : (j + 1) * factor].mean()
                for j in range(width)
            ]
            for i in range(height)
        ]
    )


@pytest.mark.parametrize("slopes", ["cells", "samples"])
@pytest.mark.parametrize("holes", [False, True])
def test_the_map_aggregates_back_to_the_coarse_layer(slopes: str, holes: bool) -> None:
    case = simulate(holes=holes)
    model = AreaToPoint(AreaToPointSettings(cell_m=400.0, slopes=slopes))  # partial edge cells
    model.fit(case.observations, case.features)
    row, col = np.arange(90)[:, None], np.arange(130)[None, :]
    phi = case.features.layer.read(case.features.grid.whole).astype(float)
    fine, _ = model._at_pixels(phi, row, col)
    _, coarse = model.coarse_layer()
    factor = model.kernel.factor
    assert 90 % factor or 130 % factor
    np.testing.assert_allclose(_aggregate(fine, factor), coarse, rtol=1e-6)
    written = model.layer(case.features).read(case.features.grid.whole)[0]
    np.testing.assert_allclose(_aggregate(written.astype(float), factor), coarse, rtol=1e-5)


def test_cell_means_of_any_block_size_agree_with_brute_force() -> None:
    case = simulate(holes=True)
    layer = case.features.layer
    image = layer.read(layer.grid.whole).astype(float)
    found = cell_means(layer, 7, Blocks(size=16, workers=1))
    with np.errstate(invalid="ignore"):
        expected = np.array(
            [
                [
                    np.nanmean(band[i * 7 : i * 7 + 7, j * 7 : j * 7 + 7])
                    if np.isfinite(band[i * 7 : i * 7 + 7, j * 7 : j * 7 + 7]).any()
                    else np.nan
                    for j in range(19)
                ]
                for band in image
                for i in range(13)
            ]
        ).reshape(3, 13, 19)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_the_point_variogram_of_a_simulated_field_is_found_from_its_cells() -> None:
    rng = np.random.default_rng(5)
    n, factor = 48, 4
    places = np.stack(np.meshgrid(np.arange(n), np.arange(n), indexing="ij"), -1) * 50.0
    flat = places.reshape(-1, 2)
    true = CovarianceModel(0.0, (Structure("exponential", 2.0, 300.0),))
    root = np.linalg.cholesky(true.between(flat, flat) + 1e-8 * np.eye(len(flat)))
    found = []
    for _ in range(6):
        field = (root @ rng.normal(size=len(flat))).reshape(n, n)
        cells = field.reshape(n // factor, factor, n // factor, factor).mean(axis=(1, 3))
        found.append(deconvolve(cells, (200.0, 200.0))[0])
    practical = np.median([m.practical_range_m for m in found])
    assert practical == pytest.approx(900.0, rel=0.4)
    assert np.median([m.sill for m in found]) == pytest.approx(2.0, rel=0.35)
    assert np.mean([m.sill for m in found]) > 1.1 * np.var(cells)


def test_the_map_agrees_with_the_points_and_blocks_do_not_matter() -> None:
    case = simulate(holes=True)
    model = AreaToPoint().fit(case.observations, case.features)
    layer = model.layer(case.features)
    whole = layer.read(layer.grid.whole)
    assert np.isfinite(whole).all()
    easting, northing = layer.grid.coordinates()
    rows, cols = np.array([3, 25, 70, 88]), np.array([5, 45, 99, 120])
    found = model.predict(Points(np.column_stack([easting[cols], northing[rows]])), case.features)
    np.testing.assert_allclose(whole[0, rows, cols], found.mean, rtol=1e-5)
    np.testing.assert_allclose(whole[1, rows, cols], found.standard_error, rtol=1e-5)
    part = layer.read(Window(10, 20, 33, 47))
    np.testing.assert_array_equal(part, whole[:, 10:43, 20:67])


def test_it_beats_kriging_where_the_imagery_tells() -> None:
    case = simulate()
    settings = AreaToPointSettings(slopes="samples")
    models = [AreaToPoint(settings), KrigingModel()]
    errors = []
    for model in models:
        found = model.fit(case.observations, case.features).predict(
            case.check.points, case.features
        )
        errors.append(np.mean((found.mean - case.check.values) ** 2))
    assert errors[0] < 0.7 * errors[1]


def test_columns_of_a_survey_are_refused_with_the_cure() -> None:
    case = simulate()
    with pytest.raises(FitError, match="Use validate"):
        AreaToPoint().fit(case.observations, ColumnFeatures(("a",), case.features.grid))
