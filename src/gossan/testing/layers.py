"""What every layer promises: the same pixels however they are read."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from gossan.geo.grid import Grid, Window
from gossan.geo.layer import Layer

__all__ = ["LAYER_CHECKS", "check_layer"]

LayerFactory = Callable[[], Layer]
RELATIVE = 1e-4
"""Windows and the whole agree to this share of the spread: sums may round in another order."""


def check_layer(factory: LayerFactory) -> None:
    """Check that what a factory makes keeps the contract of layers.

    Parameters
    ----------
    factory
        Makes the layer, of at most a few thousand pixels: all of them are read several times.

    Raises
    ------
    AssertionError
        A check fails; the message names the check and the layer.

    Examples
    --------
    >>> from gossan.geo.layer import ArrayLayer
    >>> grid = Grid.from_bounds(32638, (0, 0, 50, 40), 10)
    >>> check_layer(lambda: ArrayLayer(grid, ("b1",), np.arange(20.0).reshape(1, 4, 5)))
    """
    for name, check in LAYER_CHECKS.items():
        try:
            check(factory)
        except AssertionError as error:
            kind = type(factory()).__name__
            raise AssertionError(f"{kind} fails {name!r}: {error}") from error


def _whole(layer: Layer) -> NDArray[np.float32]:
    return layer.read(layer.grid.whole)


def _same(found: NDArray[np.float32], wanted: NDArray[np.float32], what: str) -> None:
    """Compare pixels, band by band, to a share of the band's spread or the last digits."""
    assert found.shape == wanted.shape, f"{what}: shape {found.shape}, not {wanted.shape}"
    empty = np.isnan(wanted)
    assert (np.isnan(found) == empty).all(), f"{what}: other pixels are empty"
    for number, (one, other) in enumerate(zip(found, wanted)):
        known = other[~np.isnan(other)]
        if known.size:
            away = float(np.abs(one - other)[~np.isnan(other)].max())
            size = abs(known).max()
            room = RELATIVE * max(float(np.std(known, dtype=float)), 1e-3 * size, 1e-12)
            room = max(room, 4 * float(np.spacing(np.float32(size))))
            assert away <= room, f"{what}: band {number} differs by {away:.3g}"


def grid_and_bands(factory: LayerFactory) -> None:
    """``grid`` is a Grid, ``bands`` are unique names; both without reading."""
    layer = factory()
    assert isinstance(layer, Layer), "it lacks grid, bands or read"
    assert isinstance(layer.grid, Grid), f"grid is a {type(layer.grid).__name__}"
    assert isinstance(layer.bands, tuple) and layer.bands, f"bands are {layer.bands!r}"
    assert all(isinstance(band, str) for band in layer.bands), "a band is no text"
    assert len(set(layer.bands)) == len(layer.bands), "two bands share a name"


def shape_and_type(factory: LayerFactory) -> None:
    """``read`` gives float32 (band, row, column), finite or NaN."""
    layer = factory()
    found = _whole(layer)
    assert isinstance(found, np.ndarray) and found.dtype == np.float32, "it is not float32"
    wanted = (len(layer.bands), *layer.grid.shape)
    assert found.shape == wanted, f"shape is {found.shape}, not {wanted}"
    assert not np.isinf(found).any(), "a pixel is infinite"


def deterministic(factory: LayerFactory) -> None:
    """Two readings, and two layers made alike, are equal bit by bit."""
    layer = factory()
    first = _whole(layer)
    assert np.array_equal(first, _whole(layer), equal_nan=True), "a second reading differs"
    assert np.array_equal(first, _whole(factory()), equal_nan=True), "a second layer differs"


def windows_agree(factory: LayerFactory) -> None:
    """Windows, down to one pixel and at the edges, are parts of the whole."""
    layer = factory()
    whole, (height, width) = _whole(layer), layer.grid.shape
    rng = np.random.default_rng(0)
    windows = [Window(0, 0, 1, 1), Window(height - 1, width - 1, 1, 1), Window(0, 0, 1, width)]
    for _ in range(8):
        row, col = int(rng.integers(height)), int(rng.integers(width))
        size = int(rng.integers(1, height - row + 1)), int(rng.integers(1, width - col + 1))
        windows.append(Window(row, col, *size))
    for window in windows:
        rows, cols = window.slices
        _same(layer.read(window), whole[:, rows, cols], str(window))


def hands_out_copies(factory: LayerFactory) -> None:
    """Writing into what was read changes no later reading."""
    layer = factory()
    first = _whole(layer)
    kept = first.copy()
    first[:] = -1.0
    assert np.array_equal(kept, _whole(layer), equal_nan=True), "it hands out its own memory"


def pickles(factory: LayerFactory) -> None:
    """A pickled layer reads the same; clusters need it.

    Raises
    ------
    AssertionError
        The layer does not pickle, or reads otherwise afterwards.
    """
    layer = factory()
    try:
        again = pickle.loads(pickle.dumps(layer))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise AssertionError(f"it does not pickle: {error}") from error
    assert again.bands == layer.bands and again.grid.aligned_with(layer.grid), "it is another"
    assert np.array_equal(_whole(layer), _whole(again), equal_nan=True), "pixels differ"


def threads_agree(factory: LayerFactory) -> None:
    """Several threads may read one layer at once."""
    layer = factory()
    wanted = _whole(layer)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: _whole(layer), range(4)):
            assert np.array_equal(found, wanted, equal_nan=True), "threads disturb each other"


LAYER_CHECKS: dict[str, Callable[[LayerFactory], None]] = {
    check.__name__: check
    for check in (
        grid_and_bands, shape_and_type, deterministic, windows_agree, hands_out_copies, pickles,
        threads_agree,
    )
}  # fmt: skip
"""Checks by name."""
