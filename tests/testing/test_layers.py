"""Every layer class of the package keeps the contract of layers: windows, types, pickling."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from scipy.ndimage import gaussian_filter

import gossan
from gossan.api.rasters import Raster
from gossan.catalogue.crosta import find_crosta_set
from gossan.demo.overpass import Overpass
from gossan.demo.write_aster import simulate_scene, write_aster_hdf
from gossan.demo.write_sentinel2 import scene_of, write_sentinel2
from gossan.evaluate.applicability import ApplicabilityLayer, fit_applicability
from gossan.fusion.features.sources import LayerFeatures
from gossan.fusion.kriging_model import AtPixels
from gossan.fusion.protocol import Observations, Points
from gossan.fusion.registry import make_model, options_of
from gossan.fusion.selection.partnered import Link, LinkedLayer
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import (
    ArrayLayer,
    LastWindowLayer,
    Layer,
    MappedLayer,
    RenamedLayer,
    SelectedLayer,
    StackedLayer,
)
from gossan.geo.raster import open_raster, write_array
from gossan.geo.warp import ShiftedLayer, WarpedLayer
from gossan.imagery.aster.crosstalk import CrosstalkFree, Leak
from gossan.imagery.aster.scene import open_aster
from gossan.imagery.atmosphere.adjacency import without_adjacency
from gossan.imagery.atmosphere.by_pixel import SixsLattice, SurfaceByPixel
from gossan.imagery.atmosphere.coefficients import AtmosphereCorrection, SurfaceReflectance
from gossan.imagery.atmosphere.correction import LogResidual
from gossan.imagery.atmosphere.sixs import SixsResult
from gossan.imagery.calibration import BrightnessTemperature, Radiance, Saturation, Scaled
from gossan.imagery.categories.class_shares import ClassShares
from gossan.imagery.categories.fault_distance import FaultDistance
from gossan.imagery.categories.open_classes import ClassRaster
from gossan.imagery.components import fit_components
from gossan.imagery.crosta import crosta
from gossan.imagery.exposure import Bare
from gossan.imagery.masks.cover import Polygons
from gossan.imagery.masks.layer import MaskedLayer, Masks
from gossan.imagery.masks.shade import Shade
from gossan.imagery.mosaic import Mosaic
from gossan.imagery.sentinel2.quality_masks import CloudPolygons
from gossan.imagery.sentinel2.scene import open_sentinel2
from gossan.imagery.stack import OrderedStack
from gossan.imagery.tabulated import tabulate
from gossan.imagery.terrain.features import DrainageLayer
from gossan.imagery.terrain.shape import TerrainShape
from gossan.imagery.topography import Illumination, Levelled, TopographicCorrection
from gossan.pipeline.pace import WaveLayer
from gossan.targets.above import AboveLayer, ExceedanceLayer
from gossan.targets.evidence import UnsupportedLayer
from gossan.targets.singularity import SingularityLayer
from gossan.testing import check_layer, simulated_case

from ..imagery.aster.granules import write_aster_geotiffs

SOURCE = Path(gossan.__file__).parent
GRID = Grid.from_bounds(32638, (500_000, 2_700_000, 501_080, 2_700_900), 30)
ASTER = ("b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "b9")
SENTINEL2 = ("b02", "b03", "b04", "b08", "b11", "b12")
AIR = AtmosphereCorrection(ASTER[:3], (1.22, 1.2, 1.1), (0.05, 0.04, 0.03), (0.11, 0.1, 0.1))
SCATTERING = SixsResult(1.2, 0.05, 0.11, 1900.0, 0.25, 100.0, 0.7, 0.2, 0.4)
MODELS: dict[str, dict[str, Any]] = {
    "kriging": {},
    "pyramid": {},
    "guarded_pyramid": {},
    "geostatistical": {},
    "regression_kriging": {},
    "atprk": {},
    "blend": {"members": ["kriging", "gwr"], "number": 3},
}
"""Models whose maps hold the layers of ``fusion``."""


def textured(bands: tuple[str, ...], grid: Grid = GRID, empty: bool = True) -> ArrayLayer:
    """Reflectance of rock, 0.1 to 0.6, with two empty pixels in each corner of the array."""
    rng = np.random.default_rng(4)
    smooth = gaussian_filter(rng.normal(size=(len(bands), *grid.shape)), (0, 2, 2)) * 4
    values = np.clip(0.3 + 0.1 * smooth, 0.1, 0.6)
    if empty:
        values[:, :1, :2] = values[:, -2:, -1:] = np.nan
    return ArrayLayer(grid, bands, values.astype(np.float32))


def heights() -> ArrayLayer:
    noise = gaussian_filter(np.random.default_rng(1).normal(size=(1, *GRID.shape)), (0, 3, 3))
    return ArrayLayer(GRID, ("height",), 900 + 400 * noise)


def by_altitude() -> SixsLattice:
    found = np.array([(AIR.a, AIR.b, AIR.c)] * 2).transpose(2, 1, 0)
    return SixsLattice((500.0, 1000.0), (1.2,), (0.0,), 100.0, found[..., None, None])


def numbers(bands: tuple[str, ...]) -> ArrayLayer:
    drawn = np.random.default_rng(2).integers(1, 256, (len(bands), *GRID.shape)).astype(float)
    drawn[:, 3, 4] = np.nan
    return ArrayLayer(GRID, bands, drawn)


def squares(*corners: tuple[float, float]) -> Polygons:
    shapes = [
        shapely.box(500_000 + x, 2_700_000 + y, 500_300 + x, 2_700_300 + y) for x, y in corners
    ]
    return Polygons(tuple(shapes), shapely.STRtree(shapes))


def mapped(values: np.ndarray) -> np.ndarray:
    return values[:1] ** 2


def class_raster(folder: Path) -> ClassRaster:
    codes = np.arange(GRID.height * GRID.width).reshape(1, *GRID.shape) // 300 % 3
    write_array(folder / "classes.tif", GRID, ("class",), codes.astype(np.float32))
    return ClassRaster(open_raster(folder / "classes.tif"), np.arange(3.0))


def by_hand(folder: Path) -> dict[str, Layer]:
    """Layers that a few words make."""
    bands = textured(ASTER)
    three = SelectedLayer(bands, ASTER[:3])
    light = Illumination(heights(), 50.0, 130.0)
    levels = TopographicCorrection("c", (0.3, 0.2, 0.1), float(np.cos(np.radians(40))))
    drawn = np.random.default_rng(3).uniform(GRID.bounds[:2], GRID.bounds[2:], (40, 2))
    samples = Observations(Points(drawn), np.zeros(40))
    sampled = fit_applicability(samples, LayerFeatures(three), np.arange(40) % 4)
    write_array(folder / "bands.tif", GRID, ASTER, bands.array)
    pair = ArrayLayer(GRID, ("estimate", "standard_error"), bands.array[:2])
    holes = np.where(np.random.default_rng(5).random(GRID.shape) < 0.3, np.nan, bands.array)
    components = fit_components(SelectedLayer(bands, ("b1", "b3", "b5", "b7")), "correlation")
    rest = ArrayLayer(GRID, ASTER, holes)
    masks = Masks(three, ("nodata", "cover"), {}, cover=squares((100, 100)))
    return {
        "ArrayLayer": bands,
        "LinkedLayer": LinkedLayer(pair, pair, Link(0.8, 0.1, 0.0, 40)),
        "TerrainShape": TerrainShape(heights()),
        "DrainageLayer": DrainageLayer(heights(), folder / "drainage.tif"),
        "ClassShares": ClassShares(
            class_raster(folder), ("a", "other", "contact_m"), np.array([0, 1, 1])
        ),
        "SelectedLayer": three,
        "StackedLayer": StackedLayer((three, RenamedLayer(pair, ("x", "y")))),
        "RenamedLayer": RenamedLayer(three, ("one", "two", "three")),
        "MappedLayer": MappedLayer(three, mapped, ("square",)),
        "Raster": Raster(three),
        "RasterLayer": open_raster(folder / "bands.tif"),
        "WarpedLayer": WarpedLayer(three, Grid.from_bounds(32638, GRID.bounds, (41.5, 37.5))),
        "ShiftedLayer": ShiftedLayer(three, GRID.crop(Window(2, 3, 20, 21)), 2, 3),
        "ApplicabilityLayer": ApplicabilityLayer(three, sampled),
        "CrosstalkFree": CrosstalkFree(bands, (Leak("b5", 0.1, 90.0, 40.0),), 190.0, 0.3),
        "SurfaceReflectance": SurfaceReflectance(three, AIR),
        "SurfaceByPixel": SurfaceByPixel(three, heights(), None, by_altitude()),
        "WithoutAdjacency": without_adjacency(three, [SCATTERING] * 3),
        "LogResidual": LogResidual(three, (0.3, 0.3, 0.2)),
        "Radiance": Radiance(numbers(("b1",)), (0.676,), (-0.676,), (255,)),
        "Scaled": Scaled(three, (0.5, 0.2, 0.1)),
        "BrightnessTemperature": BrightnessTemperature(numbers(("b10",)), (3040.1,), (1735.3,)),
        "Saturation": Saturation(numbers(("b4",)), (200,)),
        "ComponentLayer": components,
        "CrostaLayer": crosta(bands, find_crosta_set("aster", "alunite")),
        "Bare": Bare(masks),
        "Masks": masks,
        "MaskedLayer": MaskedLayer(three, masks),
        "Shade": Shade(heights(), 25.0, 130.0, reach_m=200.0),
        "Mosaic": Mosaic((rest, bands)),
        "CloudPolygons": CloudPolygons(GRID, squares((50, 90)), squares((400, 500))),
        "OrderedStack": OrderedStack((three, SelectedLayer(bands, ("b4",))), ("b4", "b2", "b1")),
        "Illumination": light,
        "Levelled": Levelled(three, light, levels),
        "LastWindowLayer": LastWindowLayer(three),
        "AboveLayer": AboveLayer(three, 0.3),
        "WaveLayer": WaveLayer(GRID, 3),
        "ExceedanceLayer": ExceedanceLayer(pair, 0.3),
        "FaultDistance": FaultDistance(
            GRID, shapely.STRtree([shapely.LineString([GRID.bounds[:2], GRID.bounds[2:]])])
        ),
        "UnsupportedLayer": UnsupportedLayer(three, shapely.box(*GRID.bounds).buffer(-300), 0.35),
        "SingularityLayer": SingularityLayer(three),
        "AtPixels": AtPixels(GRID, ("east", "north"), np.transpose),
    }


def of_scenes(folder: Path) -> Iterator[Layer]:
    """Layers over the files of both sensors."""
    grid = Grid.from_bounds(32645, (563040, 4390140, 563640, 4390740), 15)
    scene = simulate_scene(textured(ASTER, grid, False), Overpass(air=None))
    for path in (write_aster_hdf(folder, scene), write_aster_geotiffs(folder, scene)):
        opened = open_aster(path)
        yield opened.numbers("VNIR")
        yield tabulate(opened.radiance("VNIR"))
    fine = Grid.from_bounds(32645, grid.bounds, 10)
    safe = write_sentinel2(scene_of(textured(SENTINEL2, fine, False)), folder)
    yield open_sentinel2(safe).numbers(folder / "store", ("b02",))


def of_models() -> Iterator[Layer]:
    """Maps of fitted models."""
    case = simulated_case(count=50)
    for word, options in MODELS.items():
        model = make_model(word, options_of(word, options))
        yield model.fit(case.samples, case.features).layer(case.features)


def parts(found: Any, seen: set[int]) -> Iterator[Any]:
    """A layer, and the layers that it is made of."""
    if id(found) in seen:
        return
    seen.add(id(found))
    if type(found).__name__ in layer_classes():
        yield found
    held: Any = ()
    if isinstance(found, tuple | list):
        held = found
    elif isinstance(found, Mapping):
        held = found.values()
    elif type(found).__module__.startswith("gossan") and dataclasses.is_dataclass(found):
        held = vars(found).values()
    for one in held:
        yield from parts(one, seen)


@cache
def layer_classes() -> dict[str, str]:
    """Every class of the package that has ``read(self, window)``, with its module."""
    found = {}
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and any(map(reads_windows, node.body)):
                found[node.name] = path.relative_to(SOURCE).as_posix()
    return found


def reads_windows(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.FunctionDef)
        and node.name == "read"
        and [one.arg for one in node.args.args] == ["self", "window"]
    )


PROTOCOLS = {"Layer"}


@pytest.fixture(scope="module")
def layers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Layer]:
    """One layer of each class."""
    folder = tmp_path_factory.mktemp("layers")
    found, seen = by_hand(folder), set()
    for made in (*of_scenes(folder), *of_models()):
        for one in parts(made, seen):
            found.setdefault(type(one).__name__, one)
    return found


def test_no_layer_class_is_forgotten(layers: dict[str, Layer]) -> None:
    wanted = {name: path for name, path in layer_classes().items() if name not in PROTOCOLS}
    missing = {name: path for name, path in wanted.items() if name not in layers}
    assert not missing, "add a layer of each to this file"
    assert all(type(layers[name]).__name__ == name for name in wanted)


@pytest.mark.parametrize("name", sorted(set(layer_classes()) - PROTOCOLS))
def test_every_layer_class_conforms(name: str, layers: dict[str, Layer]) -> None:
    layer = layers[name]
    check_layer(lambda: layer)
