"""What every fusion model promises, from its constructor to its map."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from gossan.errors import GossanWarning, InputError
from gossan.fusion.features.sources import LayerFeatures
from gossan.fusion.protocol import FusionModel, Observations, Points, Prediction
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer
from gossan.testing.layers import check_layer

__all__ = ["MODEL_CHECKS", "Case", "check_model", "simulated_case"]

ModelFactory = Callable[[], FusionModel]


@dataclass(frozen=True, eq=False)
class Case:
    """Samples and imagery that models are checked with.

    ``samples`` on the working scale; ``features`` with a corner masked; ``away``: other samples of
    the same ground; ``points``: where no sample is, those of the last row off the imagery.
    """

    samples: Observations
    away: Observations
    features: LayerFeatures
    points: Points


def simulated_case(seed: int = 0, count: int = 70) -> Case:
    """Simulate a small ground: two bands, one of which the samples follow, and a masked corner."""
    rng = np.random.default_rng(seed)
    grid = Grid.from_bounds(32638, (500_000, 2_700_000, 506_000, 2_704_800), (120, 100))
    smooth = [_waves(rng, grid.shape, width) for width in (2.0, 5.0)]
    values = np.stack([smooth[0], smooth[1] + 0.3 * smooth[0]])
    values[:, :4, :5] = np.nan
    features = LayerFeatures(ArrayLayer(grid, ("clay", "iron"), values), Blocks(workers=1))
    truth = 3.0 + 0.6 * np.nan_to_num(values[0]) + 0.5 * _waves(rng, grid.shape, 8.0)
    easting, northing = grid.coordinates()

    def drawn(number: int) -> Observations:
        chosen = rng.choice(grid.height * grid.width, number, replace=False)
        rows, cols = np.divmod(chosen, grid.width)
        places = np.column_stack([easting[cols], northing[rows]])
        noise = 0.1 * rng.normal(size=number)
        return Observations(Points(places, 200.0), truth[rows, cols] + noise)

    inside = np.column_stack([rng.choice(easting, 20) + 17, rng.choice(northing, 20) - 11])
    points = Points(np.vstack([inside, [[easting[-1] + 900, northing[-1]]]]))
    return Case(drawn(count), drawn(count), features, points)


def _waves(rng: np.random.Generator, shape: tuple[int, int], width: float) -> NDArray[np.float64]:
    found = gaussian_filter(rng.normal(size=shape), width)
    return np.asarray(found / found.std())


def check_model(factory: ModelFactory, case: Case | None = None) -> None:
    """Check that what a factory makes keeps the contract of fusion models.

    Parameters
    ----------
    factory
        Makes a fresh, unfitted model.
    case
        Samples and imagery; simulated by default.

    Raises
    ------
    AssertionError
        A check fails; the message names the check and the model.

    Examples
    --------
    >>> from gossan.fusion.kriging_model import KrigingModel
    >>> check_model(KrigingModel)
    """
    case = case or simulated_case()
    for name, check in MODEL_CHECKS.items():
        try:
            check(factory, case)
        except AssertionError as error:
            kind = type(factory()).__name__
            raise AssertionError(f"{kind} fails {name!r}: {error}") from error


def _fit(factory: ModelFactory, case: Case, samples: Observations | None = None) -> FusionModel:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GossanWarning)
        return factory().fit(samples or case.samples, case.features)


@lru_cache(maxsize=1)
def _fitted(factory: ModelFactory, case: Case) -> FusionModel:
    """Fit once for all checks that only look at a fitted model."""
    return _fit(factory, case)


def _alike(one: Prediction, other: Prediction, what: str, tolerance: float = 1e-9) -> None:
    same = np.allclose(one.mean, other.mean, rtol=tolerance, atol=tolerance, equal_nan=True)
    assert same, f"{what}: estimates differ"
    assert (one.standard_error is None) == (other.standard_error is None), f"{what}: errors differ"
    if one.standard_error is not None and other.standard_error is not None:
        errors = one.standard_error, other.standard_error
        same = np.allclose(*errors, rtol=tolerance, atol=tolerance, equal_nan=True)
        assert same, f"{what}: standard errors differ"


def protocol(factory: ModelFactory, case: Case) -> None:
    """It has fit, predict, layer and tables_."""
    assert isinstance(factory(), FusionModel), "it lacks fit, predict, layer or tables_"


def constructor_only_stores(factory: ModelFactory, case: Case) -> None:
    """Before fit nothing is learnt: attributes in an underscore are absent, tables_ is empty."""
    model = factory()
    learnt = [name for name in vars(model) if name.endswith("_") and name != "tables_"]
    assert not learnt, f"it has {', '.join(learnt)} before fit"
    assert not model.tables_, "tables_ is not empty before fit"


def fit_returns_self(factory: ModelFactory, case: Case) -> None:
    """``fit`` returns the model, and changes neither samples nor features."""
    xy, values = case.samples.points.coordinates.copy(), case.samples.values.copy()
    pixels = case.features.layer.read(case.features.grid.whole)
    model = factory()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GossanWarning)
        assert model.fit(case.samples, case.features) is model, "fit returns something else"
    assert np.array_equal(xy, case.samples.points.coordinates), "fit moves the samples"
    assert np.array_equal(values, case.samples.values), "fit changes the values"
    again = case.features.layer.read(case.features.grid.whole)
    assert np.array_equal(pixels, again, equal_nan=True), "fit changes the imagery"


def predictions(factory: ModelFactory, case: Case) -> None:
    """Estimates are float (n,); standard errors, where there are any, are not negative."""
    found = _fitted(factory, case).predict(case.points, case.features)
    assert found.mean.shape == (len(case.points),), f"shape is {found.mean.shape}"
    assert found.mean.dtype == np.float64, f"type is {found.mean.dtype}"
    assert not np.isinf(found.mean).any(), "an estimate is infinite"
    inside = case.features.grid.contains(*case.points.coordinates.T)
    assert np.isfinite(found.mean[inside]).any(), "no estimate on the imagery"
    if found.standard_error is not None:
        assert found.standard_error.shape == found.mean.shape, "standard errors of another shape"
        known = found.standard_error[np.isfinite(found.standard_error)]
        assert (known >= 0).all(), "a standard error is negative"


def points_are_independent(factory: ModelFactory, case: Case) -> None:
    """The order of the points, and the other points, do not matter."""
    model = _fitted(factory, case)
    whole = model.predict(case.points, case.features)
    order = np.random.default_rng(1).permutation(len(case.points))
    error = whole.standard_error
    for rows in (order, np.array([3])):
        found = model.predict(case.points.subset(rows), case.features)
        wanted = Prediction(whole.mean[rows], None if error is None else error[rows])
        _alike(found, wanted, f"{len(rows)} points", 1e-7)


def deterministic(factory: ModelFactory, case: Case) -> None:
    """Two models fitted alike estimate alike."""
    fits = _fitted(factory, case), _fit(factory, case)
    one, other = (model.predict(case.points, case.features) for model in fits)
    _alike(one, other, "a second model")


def refits(factory: ModelFactory, case: Case) -> None:
    """A second fit forgets the first."""
    model = _fit(factory, case)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GossanWarning)
        model.fit(case.away, case.features)
    fresh = _fit(factory, case, case.away)
    places = case.points, case.features
    _alike(model.predict(*places), fresh.predict(*places), "after a second fit")


def learns(factory: ModelFactory, case: Case) -> None:
    """Estimates at unseen samples of the same ground are better than the mean."""
    found = _fitted(factory, case).predict(case.away.points, case.features)
    known = np.isfinite(found.mean)
    error = np.mean((found.mean - case.away.values)[known] ** 2)
    assert error < np.var(case.away.values), "estimates are worse than the mean of the samples"


def maps(factory: ModelFactory, case: Case) -> None:
    """The map is a layer on the features' grid: "estimate", and "standard_error" if it has any."""
    model = _fitted(factory, case)

    def made() -> object:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GossanWarning)
            return model.layer(case.features)

    layer = made()
    assert layer.grid.aligned_with(case.features.grid), "the map lies on another grid"  # type: ignore[attr-defined]
    wanted = (("estimate",), ("estimate", "standard_error"))
    assert layer.bands in wanted, f"bands are {layer.bands}"  # type: ignore[attr-defined]
    check_layer(made)  # type: ignore[arg-type]


def map_agrees_with_points(factory: ModelFactory, case: Case) -> None:
    """Estimates at pixel centres are those of the map, but for the lattice between."""
    model, grid = _fitted(factory, case), case.features.grid
    rows, cols = np.random.default_rng(2).integers(6, min(grid.shape), (2, 40))
    easting, northing = grid.coordinates()
    places = Points(np.column_stack([easting[cols], northing[rows]]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GossanWarning)
        mapped = model.layer(case.features).read(grid.whole)[0, rows, cols]
    found = model.predict(places, case.features).mean
    known = np.isfinite(mapped) & np.isfinite(found)
    away = np.sqrt(np.mean((mapped - found)[known] ** 2))
    assert away < 0.15 * np.std(found[known]), f"they differ by {away:.3g} (root mean square)"


def pickles(factory: ModelFactory, case: Case) -> None:
    """A fitted model pickles and estimates the same.

    Raises
    ------
    AssertionError
        The model does not pickle, or predicts otherwise afterwards.
    """
    model = _fitted(factory, case)
    try:
        again = pickle.loads(pickle.dumps(model))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise AssertionError(f"it does not pickle: {error}") from error
    places = case.points, case.features
    _alike(model.predict(*places), again.predict(*places), "after pickling")


def errors_teach(factory: ModelFactory, case: Case) -> None:
    """Too few samples, and values that are all the same, are refused as a mistake of the input.

    Raises
    ------
    AssertionError
        Unfit samples are accepted, or refused by a foreign error.
    """
    few = case.samples.subset(np.arange(3))
    flat = replace(case.samples, values=np.full(len(case.samples), 2.0))
    for what, wrong in (("three samples", few), ("values that are all the same", flat)):
        try:
            _fit(factory, case, wrong)
        except InputError:
            continue
        raise AssertionError(f"{what} are not refused with a gossan.errors.InputError")


MODEL_CHECKS: dict[str, Callable[[ModelFactory, Case], None]] = {
    check.__name__: check
    for check in (
        protocol, constructor_only_stores, fit_returns_self, predictions, points_are_independent,
        deterministic, refits, learns, maps, map_agrees_with_points, pickles, errors_teach,
    )
}  # fmt: skip
"""Checks by name."""
