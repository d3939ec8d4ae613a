from __future__ import annotations

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS
from scipy import ndimage

from gossan.errors import GridError
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer
from gossan.targets import patches
from gossan.targets.patches import Patches, patches_and_zones, patches_at


def _layer(values: np.ndarray, *bands: str) -> ArrayLayer:
    array = values if values.ndim == 3 else values[None]
    grid = Grid(CRS.from_epsg(32645), Affine(10.0, 0, 5000.0, 0, -25.0, 9000.0), *array.shape[1:])
    return ArrayLayer(grid, bands or ("Cu",), array)


def _oracle(values: np.ndarray, threshold: float, level: float, over: np.ndarray) -> list[dict]:
    """Flood every patch with plain loops over pixels."""
    height, width = values.shape
    seen, found = np.zeros(values.shape, bool), []
    for row in range(height):
        for column in range(width):
            if seen[row, column] or not values[row, column] >= threshold:
                continue
            queue, pixels = [(row, column)], []
            seen[row, column] = True
            while queue:
                r, c = queue.pop()
                pixels.append((r, c))
                for i in range(max(r - 1, 0), min(r + 2, height)):
                    for j in range(max(c - 1, 0), min(c + 2, width)):
                        if not seen[i, j] and values[i, j] >= threshold:
                            seen[i, j] = True
                            queue.append((i, j))
            inside = [float(values[p]) for p in pixels]
            valid = [float(over[p]) for p in pixels if np.isfinite(over[p])]
            found.append(
                {
                    "pixels": len(pixels),
                    "mean": sum(inside) / len(inside),
                    "peak": max(inside),
                    "at": min(p for p in pixels if values[p] == max(inside)),
                    "above": sum(v >= level for v in inside),
                    "over": sum(valid) / len(valid) if valid else np.nan,
                    "members": sorted(pixels),
                }
            )
    return found


def _same(found: Patches, expected: list[dict]) -> None:
    assert found.pixels.tolist() == [e["pixels"] for e in expected]
    assert found.mean == pytest.approx([e["mean"] for e in expected])
    assert found.peak.tolist() == [e["peak"] for e in expected]
    assert [tuple(p) for p in found.peak_place.tolist()] == [e["at"] for e in expected]
    assert found.above[:, 0].tolist() == [e["above"] for e in expected]
    assert found.overlays[:, 0] == pytest.approx([e["over"] for e in expected], nan_ok=True)
    for shape, e in zip(found.geometry, expected, strict=True):
        assert shape.is_valid
        assert shape.area == pytest.approx(250.0 * e["pixels"])
        easting, northing = found.grid.coordinates()
        rows, columns = np.array(e["members"]).T
        assert shapely.contains_xy(shape, easting[columns], northing[rows]).all()


@given(st.integers(0, 10_000), st.integers(1, 11), st.integers(1, 10), st.integers(1, 12))
def test_patches_and_their_sums_are_those_of_plain_loops(
    seed: int, height: int, width: int, strip: int
) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 6, (height, width)).astype(float)
    values[rng.random(values.shape) < 0.1] = np.nan
    over = rng.random(values.shape).astype(np.float32).astype(float)
    over[rng.random(values.shape) < 0.3] = np.nan
    found = next(
        patches_at(
            _layer(values), [3.0], levels=[5.0], overlays=_layer(over, "share"), strip_rows=strip
        )
    )
    _same(found, _oracle(values, 3.0, 5.0, over))


@pytest.mark.parametrize("window", [4, 512])
def test_several_thresholds_in_one_reading_give_what_each_gives_alone(
    window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patches, "WINDOW", window)
    rng = np.random.default_rng(2)
    values = rng.integers(0, 6, (13, 11)).astype(float)
    over = rng.random(values.shape).astype(np.float32).astype(float)
    found = patches_at(
        _layer(values), [2.0, 4.0], levels=[5.0], overlays=_layer(over, "share"), strip_rows=3
    )
    for threshold, own in zip((2.0, 4.0), found, strict=True):
        _same(own, _oracle(values, threshold, 5.0, over))


def test_zones_of_the_map_in_the_same_reading_are_those_of_a_reading_of_their_own() -> None:
    rng = np.random.default_rng(5)
    layer = _layer(ndimage.gaussian_filter(rng.standard_normal((41, 53)), 2))
    within = _layer(ndimage.gaussian_filter(rng.standard_normal((41, 53)), 2), "probability")
    levels, zones = [0.02, 0.1], [0.0, 0.15]
    outlined, higher = patches_and_zones(
        layer, levels, zones, within=within, overlays=within, levels=[0.1], minimum_pixels=5
    )
    alone = [
        *patches_at(layer, levels, within=within, overlays=within, levels=[0.1], minimum_pixels=5),
        *patches_at(layer, zones),
    ]
    for draw, one in zip([*outlined, *higher], alone, strict=True):
        found = draw()
        assert len(found) == len(one) > 0
        assert found.geometry.tolist() == one.geometry.tolist()
        for name in ("pixels", "mean", "peak", "peak_place", "above", "overlays"):
            assert np.array_equal(getattr(found, name), getattr(one, name))


def test_strips_of_any_height_give_the_whole() -> None:
    field = ndimage.gaussian_filter(np.random.default_rng(6).standard_normal((211, 157)), 3)
    layer = _layer(field)
    whole = next(patches_at(layer, [0.05], strip_rows=1000, minimum_pixels=5))
    for strip in (1, 7, 64):
        parts = next(patches_at(layer, [0.05], strip_rows=strip, minimum_pixels=5))
        assert np.array_equal(parts.pixels, whole.pixels)
        assert np.allclose(parts.mean, whole.mean, rtol=1e-12)
        assert np.array_equal(parts.peak_place, whole.peak_place)
        assert all(a.equals(b) for a, b in zip(parts.geometry, whole.geometry, strict=True))
        corners = [shapely.get_num_coordinates(p.geometry).sum() for p in (parts, whole)]
        assert corners[0] == corners[1]
    labels, _ = ndimage.label(field.astype(np.float32) >= 0.05, np.ones((3, 3)))
    sizes = np.bincount(labels.ravel())[1:]
    assert len(whole) == (sizes >= 5).sum() and whole.pixels.sum() == sizes[sizes >= 5].sum()


def test_no_patch_and_one_patch_over_everything() -> None:
    field = _layer(np.ones((6, 5)))
    assert len(next(patches_at(field, [2.0]))) == 0
    one = next(patches_at(field, [0.5], strip_rows=2))
    assert one.pixels.tolist() == [30] and one.geometry[0].equals(shapely.box(*field.grid.bounds))
    assert len(next(patches_at(_layer(np.full((6, 5), np.nan)), [0.0]))) == 0


def test_overlays_on_another_grid_are_refused() -> None:
    with pytest.raises(GridError):
        next(patches_at(_layer(np.ones((6, 5))), [0.5], overlays=_layer(np.ones((5, 6)))))
