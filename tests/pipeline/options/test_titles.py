from __future__ import annotations

from gossan.fusion.registry import MODELS, options_of
from gossan.pipeline.options.project import ProductSettings
from gossan.pipeline.options.titles import MODEL_TITLES, product_titles


def product(name: str, model: str, features: str = "", **options: str) -> ProductSettings:
    settings = options_of(model, options)
    return ProductSettings(name=name, model=model, features=features, options=settings)


def test_every_model_has_a_title() -> None:
    assert set(MODEL_TITLES) == set(MODELS)


def test_titles_tell_the_paper_s_maps_apart() -> None:
    sensors = {"swir": "aster", "s2": "sentinel2"}
    products = [
        product("kriging", "kriging"),
        product("p", "pyramid", "swir.indices.pc2", variant="literal", scope="global"),
        product("q", "pyramid", "s2.pc2", variant="sound", scope="local"),
        product("best", "auto", "swir.indices.all + s2.all"),
    ]
    assert list(product_titles(products, sensors).values()) == [
        "Kriging: your samples only",
        "Paper's method as printed, ASTER, whole area",
        "Paper's method, corrected, Sentinel-2, by clusters",
        "Best map",
    ]


def test_two_products_alike_bear_their_names() -> None:
    products = [product(name, "forest", "a.all") for name in ("one", "two")]
    titles = product_titles(products, {"a": "bands"})
    assert titles["one"] == "Forest with kriged residuals, a (one)"
    assert len(set(titles.values())) == 2


def test_two_imageries_of_one_sensor_go_by_their_names() -> None:
    titles = product_titles(
        [product("x", "forest", "s.all"), product("y", "forest", "t.all")],
        {"s": "aster", "t": "aster"},
    )
    assert titles == {
        "x": "Forest with kriged residuals, s",
        "y": "Forest with kriged residuals, t",
    }
