from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
from pyproj import CRS, Transformer
from rio_cogeo import cog_validate
from scipy.ndimage import gaussian_filter
from scipy.ndimage import shift as moved

from gossan.errors import ImageryError
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import ArrayLayer
from gossan.geo.warp import to_grid
from gossan.imagery.colour_composites import write_composite
from gossan.imagery.coregistration import coregistration, phase_shift
from gossan.imagery.mosaic import Mosaic, mosaic
from gossan.imagery.radiometric_normalisation import Dated, level

DAY = [datetime(2006, 5, day, tzinfo=UTC) for day in (1, 9, 17)]


def scene(name: str, day: int, left: float, values: np.ndarray, epsg: int = 32645) -> Dated:
    height, width = values.shape[1:]
    grid = Grid.from_bounds(epsg, (left, 4e6, left + 30 * width, 4e6 + 20 * height), (30, 20))
    return Dated(name, DAY[day], ArrayLayer(grid, ("b1", "b2"), values.astype(np.float32)))


def test_the_newest_scene_wins_its_holes_are_filled_and_no_pixel_is_mixed() -> None:
    old, new = np.full((2, 4, 6), 1.0), np.full((2, 4, 6), 2.0)
    new[0, 1, 2] = np.nan  # one band empty: the whole pixel comes from the other scene
    scenes = [scene("old", 0, 5e5, old), scene("new", 1, 5e5 + 60, new)]
    joined, _ = mosaic(scenes)
    assert joined.grid.bounds == (5e5, 4e6, 5e5 + 240, 4e6 + 80)
    values = joined.read(joined.grid.whole)
    wanted = np.full((2, 4, 8), 2.0)
    wanted[:, :, :2] = 1
    wanted[:, 1, 4] = 1
    np.testing.assert_array_equal(values, wanted)
    oldest, _ = mosaic(scenes, "oldest")
    assert (oldest.read(oldest.grid.whole)[:, :, :6] == 1).all()
    np.testing.assert_array_equal(joined.read(Window(1, 3, 2, 4)), wanted[:, 1:3, 3:7])


def test_the_clearest_pixel_is_neither_cloud_nor_shadow() -> None:
    ground = np.random.default_rng(1).uniform(0.2, 0.3, (2, 5, 7))
    clear, cloudy, shady = ground.copy(), ground.copy(), ground.copy()
    cloudy[:, :2] = 0.8
    shady[:, 1:3] = 0.02
    clear[:, 4, 6] = np.nan
    scenes = [scene("a", 0, 5e5, cloudy), scene("b", 1, 5e5, shady), scene("c", 2, 5e5, clear)]
    joined, _ = mosaic(scenes, "clearest")
    np.testing.assert_allclose(joined.read(joined.grid.whole), ground, rtol=1e-6)


def test_scenes_are_levelled_on_their_overlap_though_some_ground_changed() -> None:
    rng = np.random.default_rng(2)
    ground = rng.uniform(0.1, 0.5, (2, 40, 90))
    gain, offset = np.array([1.3, 0.8]), np.array([-0.05, 0.02])
    other = ground[:, :, 30:] * gain[:, None, None] + offset[:, None, None]
    other += rng.normal(0, 0.002, other.shape)
    other[:, 5:8, 3:12] = 0.9  # a cloud that the mask missed
    scenes = [scene("ref", 2, 5e5, ground[:, :, :70]), scene("late", 0, 5e5 + 900, other)]
    joined, found = mosaic(scenes, normalise=True, blocks=Blocks(size=16, workers=2))
    (record,) = found
    assert (record.name, record.reference) == ("late", "ref") and record.pixels == 40 * 40
    np.testing.assert_allclose(record.change.gains, 1 / gain, rtol=0.02)
    np.testing.assert_allclose(record.change.offsets, -offset / gain, atol=0.006)
    seam = joined.read(joined.grid.whole)[:, :, 70:]
    assert np.abs(seam - ground[:, :, 70:]).mean() < 0.006
    raw, _ = mosaic(scenes)
    assert np.abs(raw.read(raw.grid.whole)[:, :, 70:] - ground[:, :, 70:]).mean() > 0.02


def test_a_chain_of_scenes_is_levelled_through_its_neighbours() -> None:
    ground = np.random.default_rng(3).uniform(0.1, 0.5, (2, 30, 100))
    parts = [
        scene("a", 0, 5e5, ground[:, :, :40]),
        scene("c", 1, 5e5 + 1800, 0.7 * ground[:, :, 60:]),
        scene("b", 2, 5e5 + 900, 1.2 * ground[:, :, 30:70]),
    ]
    grid = mosaic(parts)[0].grid
    layers, found = level([Dated(p.name, p.time, to_grid(p.layer, grid)) for p in parts])
    assert [(r.name, r.reference) for r in found] == [("c", "a"), ("b", "a")]
    np.testing.assert_allclose(layers[1].read(grid.whole)[:, :, 60:], ground[:, :, 60:], rtol=1e-3)


def test_a_closed_ring_of_scenes_shares_its_contradictions() -> None:
    """Each scene overlaps two others; least squares, not the order of scenes, decides.

    The exact answer is that of the textbook for the graph: numpy's lstsq on every overlap's
    equations, built here pixel by pixel.
    """
    rng = np.random.default_rng(8)
    ground = rng.uniform(0.2, 0.4, (2, 60, 60))
    tilt = 0.05 * np.linspace(0, 1, 60)[None, None, :] * np.linspace(0, 1, 60)[None, :, None]
    parts, corners = [], [(0, 0), (0, 20), (20, 20), (20, 0)]
    for number, (row, col) in enumerate(corners):
        seen = np.full((2, 60, 60), np.nan)
        here = np.s_[:, row : row + 40, col : col + 40]
        seen[here] = (ground + number * tilt)[here]  # no two numbers per scene can undo this
        parts.append(scene(str(number), 0, 5e5, seen))
    _, found = level(parts)
    assert [one.name for one in found] == ["1", "2", "3"]
    whole = parts[0].layer.grid.whole
    values = [part.layer.read(whole).astype(float) for part in parts]
    pairs = [(i, j) for i in range(4) for j in range(i + 1, 4)]
    rows, right, weights = [], [], []
    for i, j in pairs:
        both = np.isfinite(values[i][0]) & np.isfinite(values[j][0])
        row = np.zeros(4)
        row[i], row[j] = 1, -1
        rows.append(row)
        right.append(np.log(values[j][0][both].std() / values[i][0][both].std()))
        weights.append(np.sqrt(both.sum()))
    weighted = np.array(rows)[:, 1:] * np.array(weights)[:, None]
    logs = np.linalg.lstsq(weighted, np.array(right) * weights, rcond=None)[0]
    np.testing.assert_allclose([one.change.gains[0] for one in found], np.exp(logs), rtol=0.02)
    total = [sum(getattr(one, word) ** 2 for one in found) for word in ("before", "after")]
    assert total[1] < 0.1 * total[0], total


def test_a_mosaic_reads_only_the_scenes_that_touch_a_window() -> None:
    read: list[int] = []

    class Watched(ArrayLayer):
        def read(self, window: Window) -> np.ndarray:
            read.append(int(self.grid.bounds[0]))
            return super().read(window)

    scenes = []
    for number in range(30):
        plain = scene(str(number), 0, 5e5 + 600 * number, np.full((2, 10, 22), float(number)))
        layer = plain.layer
        assert isinstance(layer, ArrayLayer)
        scenes.append(Dated(plain.name, plain.time, Watched(layer.grid, layer.bands, layer.array)))
    for overlap in ("newest", "clearest"):
        joined, _ = mosaic(scenes, overlap)  # type: ignore[arg-type]
        whole = joined.read(joined.grid.whole)
        read.clear()
        window = Window(2, 8, 5, 10)
        np.testing.assert_array_equal(joined.read(window), whole[:, 2:7, 8:18])
        assert len(read) == 1
    lonely = Mosaic(tuple(s.layer for s in scenes[:1]), places=(Window(0, 0, 2, 2),))
    assert np.isnan(lonely.read(Window(5, 5, 3, 3))).all()


def zoned(name: str, day: int, epsg: int, left: float, off: float = 0.0) -> Dated:
    """A scene of a smooth function of longitude and latitude, in its own zone."""
    grid = Grid.from_bounds(epsg, (left, 4e6, left + 30 * 120, 4e6 + 20 * 150), (30, 20))
    ground = on_ground(grid) + off
    return Dated(name, DAY[day], ArrayLayer(grid, ("b1", "b2"), np.stack([ground, -ground])))


def on_ground(grid: Grid) -> np.ndarray:
    east, north = np.meshgrid(*grid.coordinates())
    turn = Transformer.from_crs(grid.crs, 4326, always_xy=True)
    longitude, latitude = turn.transform(east, north)
    return np.sin(300 * (longitude - 90.0)) + np.cos(250 * latitude)


def test_scenes_of_two_zones_come_to_one_system_on_the_pixels_of_its_own_scenes() -> None:
    # both lie at 90 degrees east, the border of zones 45 and 46
    west, east = zoned("west", 0, 32645, 768_000.0), zoned("east", 1, 32646, 228_600.0)
    joined, _ = mosaic([west, east])
    assert joined.grid.crs.to_epsg() == 32645
    own = west.layer.grid.index_of(*(c[:1] for c in joined.grid.coordinates()))
    assert abs(own[0] - np.rint(own[0])).max() < 1e-6 > abs(own[1] - np.rint(own[1])).max()
    values, truth = joined.read(joined.grid.whole), on_ground(joined.grid)
    filled = np.isfinite(values[0])
    covered = 2 * 120 * 150 * 600 / (joined.grid.height * joined.grid.width * 600)
    assert 0.5 * covered < filled.mean() < covered
    off = np.abs(values[0] - truth)[filled]
    assert np.mean(off < 2e-3) > 0.98 and off.max() < 0.05  # the rim of a scene lacks neighbours
    np.testing.assert_array_equal(values[1][filled], -values[0][filled])
    part = joined.read(Window(20, 30, 77, 90))
    np.testing.assert_array_equal(part, values[:, 20:97, 30:120])
    wanted, _ = mosaic([west, east], crs=CRS.from_epsg(32646))
    assert wanted.grid.crs.to_epsg() == 32646
    third = zoned("third", 2, 32646, 229_000.0)
    assert mosaic([west, east, third])[0].grid.crs.to_epsg() == 32646
    alone, _ = mosaic([west], crs=CRS.from_epsg(32646))
    assert alone.grid.crs.to_epsg() == 32645  # one zone: warped once, later


def test_seam_rules_and_levelling_hold_across_zones() -> None:
    west, east = zoned("west", 0, 32645, 768_000.0), zoned("east", 1, 32646, 228_600.0, off=0.5)
    raw, _ = mosaic([west, east], "oldest")
    newest, _ = mosaic([west, east], "newest")
    truth = on_ground(raw.grid)
    first, last = raw.read(raw.grid.whole)[0], newest.read(newest.grid.whole)[0]
    inside = np.isfinite(to_grid(west.layer, raw.grid).read(raw.grid.whole)[0])
    np.testing.assert_allclose(first[inside], truth[inside], atol=2e-3)
    changed = np.isfinite(last) & (np.abs(last - truth - 0.5) < 5e-3)
    assert changed[inside].sum() > 1000 and np.isfinite(first)[changed].all()
    levelled, (record,) = mosaic([west, east], "oldest", normalise=True)
    assert record.change.offsets[0] == pytest.approx(-0.5, abs=0.01)
    values = levelled.read(levelled.grid.whole)[0]
    filled = np.isfinite(values)
    off = np.abs(values - truth)[filled]
    assert np.mean(off < 0.01) > 0.98 and off.max() < 0.05


def test_scenes_of_other_bands_are_refused_in_one_line() -> None:
    values = np.ones((2, 4, 6))
    odd = scene("odd", 1, 5e5, values)
    renamed = ArrayLayer(odd.layer.grid, ("b1", "b9"), values)
    with pytest.raises(ImageryError, match=r"same bands; got b1, b2 \(west\) and b1, b9 \(odd\)"):
        mosaic([scene("west", 0, 5e5, values), Dated("odd", DAY[1], renamed)])


def texture(shape: tuple[int, int], seed: int = 4) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return gaussian_filter(rng.normal(size=shape), 1.5) + 3 * gaussian_filter(
        rng.normal(size=shape), 6
    )


@pytest.mark.parametrize(("rows", "cols"), [(0.0, 0.0), (1.3, -0.6), (-2.25, 3.5), (0.4, 0.15)])
def test_phase_correlation_finds_a_known_shift_to_a_tenth_of_a_pixel(
    rows: float, cols: float
) -> None:
    scene_ = texture((160, 150))
    other = moved(scene_, (rows, cols), order=5)
    found = phase_shift(scene_[20:140, 15:135], other[20:140, 15:135])
    assert found == pytest.approx((rows, cols), abs=0.1)


def test_noise_has_no_peak() -> None:
    rng = np.random.default_rng(5)
    assert phase_shift(rng.normal(size=(96, 96)), rng.normal(size=(96, 96))) is None


def test_a_shift_between_sensors_is_reported_in_pixels_east_and_north() -> None:
    ground = texture((420, 600), 6)
    fine = Grid.from_bounds(32645, (5e5, 4e6, 5e5 + 6000, 4e6 + 4200), 10)
    # the second sensor: 15 m pixels, its ground 12 m too far east and 21 m too far south
    wrong = moved(ground, (2.1, 1.2), order=5)
    s2 = ArrayLayer(fine, ("b04",), ground[None] + 5)
    off = ArrayLayer(fine, ("b2",), np.exp(0.2 * wrong[None]))  # another response to one ground
    coarse = Grid.from_bounds(32645, fine.bounds, 15)
    block = to_grid(off, coarse)
    aster = ArrayLayer(coarse, ("b2",), block.read(coarse.whole))
    found = coregistration(s2, aster, ("b04", "b2"), tile=128)
    assert found.pixel_m == 15 and found.tiles >= 4
    assert found.east_px == pytest.approx(12 / 15, abs=0.15)
    assert found.north_px == pytest.approx(-21 / 15, abs=0.15)
    assert "px east" in found.reading and found.reading.count("\n") == 0
    back = coregistration(aster, s2, ("b2", "b04"), tile=128)
    assert back.east_px == pytest.approx(-found.east_px, abs=0.1)


def test_images_without_texture_cannot_be_compared() -> None:
    grid = Grid.from_bounds(32645, (5e5, 4e6, 5e5 + 1280, 4e6 + 1280), 10)
    flat = ArrayLayer(grid, ("b",), np.full((1, 128, 128), np.nan))
    with pytest.raises(ImageryError, match="valid and textured enough"):
        coregistration(flat, flat)


def test_a_composite_is_a_valid_8_bit_cog_stretched_between_percentiles(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    values = rng.uniform(0.1, 0.5, (4, 700, 620)).astype(np.float32)
    values[:, :3, :4] = np.nan
    grid = Grid.from_bounds(32645, (5e5, 4e6, 5e5 + 6200, 4e6 + 7000), 10)
    layer = ArrayLayer(grid, ("b1", "b4", "b7", "b9"), values)
    path = tmp_path / "aster_741.tif"
    stretch = write_composite(layer, path, ("b7", "b4", "b1"), Blocks(size=512))
    assert cog_validate(str(path), quiet=True)[0]
    low, high = np.nanpercentile(values[[2, 1, 0]], [2, 98], axis=(1, 2))
    np.testing.assert_allclose(stretch.low, low, atol=2e-3)
    np.testing.assert_allclose(stretch.high, high, atol=2e-3)
    with rasterio.open(path) as shown:
        assert shown.dtypes == ("uint8",) * 3 and shown.nodata == 0
        assert [c.name for c in shown.colorinterp] == ["red", "green", "blue"]
        pixels = shown.read()
    assert (pixels[:, :3, :4] == 0).all() and (pixels[:, 3:] > 0).all()
    assert 1 < (pixels[:, 3:] == 255).mean() * 100 < 3
    with pytest.raises(ImageryError, match="three bands"):
        write_composite(layer, path, ("b7",))
    assert [p.name for p in tmp_path.iterdir()] == ["aster_741.tif"]
