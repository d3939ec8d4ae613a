from __future__ import annotations

from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine
from pyproj import CRS, Transformer
from scipy.spatial.distance import cdist

from gossan.errors import FitError, InputError
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer
from gossan.geochem.covariance.model import CovarianceModel, Structure
from gossan.targets.sampling import Access, SamplingSettings, plan_samples, write_plan

GRID = Grid(CRS.from_epsg(32645), Affine(100.0, 0, 500_000.0, 0, -150.0, 4_400_000.0), 60, 70)
VARIANCE = partial(SamplingSettings, goal="variance")
MODEL = CovarianceModel(0.05, (Structure("exponential", 0.4, 900.0),))


def _ordinary_variance(samples: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Solve the bordered kriging system, one target after the other."""
    n = len(samples)
    system = np.ones((n + 1, n + 1))
    system[:n, :n] = 0.4 * np.exp(-cdist(samples, samples) / 900.0) + 0.05 * np.eye(n)
    system[n, n] = 0.0
    out = []
    for target in targets:
        right = np.ones(n + 1)
        right[:n] = 0.4 * np.exp(-np.hypot(*(samples - target).T) / 900.0)
        out.append(0.4 - right @ np.linalg.solve(system, right))
    return np.array(out)


@pytest.fixture(scope="module")
def existing() -> np.ndarray:
    left, bottom, right, top = GRID.bounds
    return np.random.default_rng(3).uniform((left, bottom), ((left + right) / 2, top), (25, 2))


@pytest.fixture(scope="module")
def whole() -> shapely.Polygon:
    return shapely.box(*GRID.bounds)


def test_the_first_sample_is_the_best_of_all_and_the_error_left_is_right(
    existing: np.ndarray, whole: shapely.Polygon
) -> None:
    settings = SamplingSettings(number=3, goal="variance", candidates=40, targets=60)
    plan = plan_samples(GRID, existing, MODEL, whole, settings=settings)
    left, bottom, right, top = GRID.bounds
    rows, columns = 9, 7  # of the 60 places judged on 7 x 9 km
    targets = np.array(
        [(left + (c + 0.5) * (right - left) / columns, bottom + (r + 0.5) * (top - bottom) / rows)
         for r in range(rows) for c in range(columns)]
    )  # fmt: skip
    assert plan.before == pytest.approx(_ordinary_variance(existing, targets).mean(), rel=2e-3)
    samples = existing
    for row in plan.table.itertuples():
        samples = np.vstack([samples, [row.geometry.x, row.geometry.y]])
        after = _ordinary_variance(samples, targets).mean()
        assert row.error_left == pytest.approx(after / plan.before, rel=2e-3)
    assert plan.after == pytest.approx(plan.before * plan.table["error_left"].iloc[-1])
    rows, columns = 7, 6  # the candidates
    tried = np.array(
        [(left + (c + 0.5) * (right - left) / columns, bottom + (r + 0.5) * (top - bottom) / rows)
         for r in range(rows) for c in range(columns)]
    )  # fmt: skip
    best = min(_ordinary_variance(np.vstack([existing, t]), targets).mean() for t in tried)
    assert plan.before * (1 - plan.table["gain"][0]) == pytest.approx(best, rel=2e-3)


def test_new_samples_go_where_there_are_none(existing: np.ndarray, whole: shapely.Polygon) -> None:
    plan = plan_samples(GRID, existing, MODEL, whole, settings=VARIANCE(number=8))
    middle = (GRID.bounds[0] + GRID.bounds[2]) / 2
    assert (plan.table["easting"] > middle).mean() > 0.8
    gains = plan.table["gain"].to_numpy()
    assert (np.diff(gains) <= 1e-9).all() and (gains > 0).all()


def test_doubt_draws_samples_to_the_edge_of_the_anomaly(
    existing: np.ndarray, whole: shapely.Polygon
) -> None:
    p = np.zeros((1, *GRID.shape))
    p[0, 40:46, 10:20] = 0.5
    p[0, 0:20, 30:60] = 1.0
    doubt = ArrayLayer(GRID, ("probability",), p)
    settings = SamplingSettings(number=4, goal="doubt")
    plan = plan_samples(GRID, existing, MODEL, whole, probability=doubt, settings=settings)
    row, column = GRID.index_of(plan.table["easting"], plan.table["northing"])
    assert ((row > 36) & (row < 50) & (column > 6) & (column < 24)).all()


def test_samples_stay_in_the_area_apart_and_on_the_map(existing: np.ndarray) -> None:
    left, bottom, right, top = GRID.bounds
    area = shapely.Point((left + right) / 2, (bottom + top) / 2).buffer(2000.0)
    p = np.full((1, *GRID.shape), 0.3)
    p[0, :, 36:] = np.nan
    settings = VARIANCE(number=12, apart_m=400.0)
    plan = plan_samples(
        GRID, existing, MODEL, area, probability=ArrayLayer(GRID, ("p",), p), settings=settings
    )
    xy = np.column_stack([plan.table.geometry.x, plan.table.geometry.y])
    assert shapely.contains_xy(area, xy[:, 0], xy[:, 1]).all()
    assert (xy[:, 0] < left + 3600).all()
    distance = cdist(xy, np.vstack([xy, existing]))
    assert np.sort(distance, axis=1)[:, 1].min() >= 400.0


def test_a_narrow_area_still_gets_a_place(existing: np.ndarray) -> None:
    left, _, _, top = GRID.bounds
    sliver = shapely.LineString([(left + 50, top - 50), (left + 6000, top - 8000)]).buffer(0.5)
    plan = plan_samples(GRID, existing, MODEL, sliver, settings=VARIANCE(number=2))
    assert 1 <= len(plan.table) <= 2 and shapely.intersects(sliver, plan.table.geometry).all()


def test_impossible_wishes_are_refused(existing: np.ndarray, whole: shapely.Polygon) -> None:
    with pytest.raises(InputError):
        plan_samples(GRID, existing, MODEL, shapely.box(0, 0, 1, 1), settings=VARIANCE())
    with pytest.raises(InputError):
        plan_samples(GRID, existing, MODEL, whole, settings=SamplingSettings(goal="doubt"))
    sure = ArrayLayer(GRID, ("p",), np.ones((1, *GRID.shape)))
    with pytest.raises(FitError):
        plan_samples(GRID, existing, MODEL, whole, probability=sure,
                     settings=SamplingSettings(goal="doubt"))  # fmt: skip
    with pytest.raises(InputError):
        plan_samples(GRID, existing, MODEL, whole, settings=VARIANCE(apart_m=1e6))


def test_the_plan_is_written_for_gis_and_receiver(
    existing: np.ndarray, whole: shapely.Polygon, tmp_path: Path
) -> None:
    plan = plan_samples(GRID, existing, MODEL, whole, settings=VARIANCE(number=5))
    paths = write_plan(plan, tmp_path)
    assert len(gpd.read_file(paths["gpkg"], layer="samples")) == 5
    points = ElementTree.parse(paths["gpx"]).getroot().findall("{*}wpt")
    back = Transformer.from_crs(4326, 32645, always_xy=True)
    for point, row in zip(points, plan.table.itertuples(), strict=True):
        easting, northing = back.transform(float(point.get("lon")), float(point.get("lat")))
        assert easting == pytest.approx(row.geometry.x, abs=0.1)
        assert northing == pytest.approx(row.geometry.y, abs=0.1)


def test_the_plan_keeps_off_the_rim_and_out_of_closed_ground(existing: np.ndarray) -> None:
    left, bottom, right, top = GRID.bounds
    area = shapely.box(left, bottom, right, top)
    closed = shapely.box(left + 4000, bottom, right, top - 2000)
    plan = plan_samples(
        GRID, existing, MODEL, area, access=Access(avoid=closed),
        settings=VARIANCE(number=10, inside_m=600.0),
    )  # fmt: skip
    points = plan.table.geometry
    assert (shapely.distance(points.to_numpy(), area.exterior) >= 600.0 - 1e-6).all()
    assert not shapely.intersects(points.to_numpy(), closed).any()


def test_tracks_draw_the_plan_near(existing: np.ndarray, whole: shapely.Polygon) -> None:
    left, bottom, right, top = GRID.bounds
    track = shapely.LineString([(left + 3000, bottom), (right - 1500, top)])
    free = plan_samples(GRID, existing, MODEL, whole, settings=VARIANCE(number=8))
    near = plan_samples(
        GRID, existing, MODEL, whole, access=Access(tracks=track),
        settings=VARIANCE(number=8, track_m=200.0),
    )  # fmt: skip
    away = shapely.distance(free.table.geometry.to_numpy(), track)
    assert near.table["track_m"].mean() < 0.5 * away.mean()
    assert near.table["track_m"].to_numpy() == pytest.approx(
        shapely.distance(near.table.geometry.to_numpy(), track)
    )
    assert near.after > free.after and free.table["track_m"].isna().all()


def test_the_gain_stated_is_the_one_that_simulated_fields_show(
    existing: np.ndarray, whole: shapely.Polygon
) -> None:
    """Draw fields of the variogram, sample and krige them with and without the new samples."""
    easting, northing = np.meshgrid(*GRID.coordinates())
    p = np.clip((easting - GRID.bounds[0]) / 7000, 0.02, 0.98)
    probability = ArrayLayer(GRID, ("p",), p[None])
    plan = plan_samples(
        GRID, existing, MODEL, whole, probability=probability, settings=SamplingSettings(number=6)
    )
    rng = np.random.default_rng(12)
    rows, cols = rng.integers(0, GRID.height, 300), rng.integers(0, GRID.width, 300)
    judged = np.column_stack([easting[rows, cols], northing[rows, cols]])
    weights = 4 * p[rows, cols] * (1 - p[rows, cols])
    new = plan.table[["easting", "northing"]].to_numpy()
    places = np.vstack([existing, new, judged])
    root = np.linalg.cholesky(
        0.4 * np.exp(-cdist(places, places) / 900.0) + 1e-9 * np.eye(len(places))
    )
    fields = 3.0 + root @ rng.normal(size=(len(places), 400))
    sampled = len(existing) + len(new)
    seen = fields[:sampled] + np.sqrt(0.05) * rng.normal(size=(sampled, 400))

    def error(count: int) -> float:
        kriged = _ordinary_weights(places[:count], judged).T @ seen[:count]
        return float(weights @ ((kriged - fields[sampled:]) ** 2).mean(axis=1))

    shown = error(sampled) / error(len(existing))
    assert plan.after / plan.before == pytest.approx(shown, abs=0.03)
    assert shown < 0.97


def _ordinary_weights(samples: np.ndarray, targets: np.ndarray) -> np.ndarray:
    n = len(samples)
    system = np.ones((n + 1, n + 1))
    system[:n, :n] = 0.4 * np.exp(-cdist(samples, samples) / 900.0) + 0.05 * np.eye(n)
    system[n, n] = 0.0
    right = np.vstack([0.4 * np.exp(-cdist(samples, targets) / 900.0), np.ones(len(targets))])
    return np.linalg.solve(system, right)[:n]
