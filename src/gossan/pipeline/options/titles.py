"""Titles of products for people; their names stay in file names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from gossan.pipeline.options.project import ProductSettings

__all__ = ["MODEL_TITLES", "product_titles"]

MODEL_TITLES = {
    "kriging": "Kriging: your samples only",
    "recipe": "Best map",
    "auto": "Best map",
    "blend": "Blend of models",
    "pyramid": "Paper's method",
    "guarded_pyramid": "Paper's method, detail checked by samples",
    "geostatistical": "Geostatistical model",
    "geostatistical_forest": "Geostatistical model with forest",
    "kriging_prior": "Kriging-prior regression",
    "partnered": "Linked to a partner",
    "regression_kriging": "Regression kriging",
    "forest": "Forest with kriged residuals",
    "boosting": "Boosted trees with kriged residuals",
    "gwr": "Geographically weighted regression",
    "atprk": "Area-to-point regression kriging",
}
"""Title of each model by its word."""
_SENSORS = {"aster": "ASTER", "sentinel2": "Sentinel-2"}
_VARIANTS = {"literal": "as printed", "sound": "corrected"}
_SCOPES = {"global": "whole area", "local": "by clusters"}
_WITHOUT_IMAGERY = ("kriging", "recipe", "auto")


def product_titles(
    products: Sequence[ProductSettings], sensors: Mapping[str, str]
) -> dict[str, str]:
    """Return every product a title of its own, by the name of the product.

    Parameters
    ----------
    products
        Settings of the products of a run.
    sensors
        Sensor of each imagery by name.
    """
    titles = {one.name: _title(one, sensors) for one in products}
    counts = Counter(titles.values())
    return {
        name: f"{title} ({name})" if counts[title] > 1 else title for name, title in titles.items()
    }


def _title(product: ProductSettings, sensors: Mapping[str, str]) -> str:
    """Join model, variant, imagery and scope, as far as they tell products apart.

    >>> from gossan.fusion.registry import options_of
    >>> options = options_of("pyramid", {"variant": "literal", "scope": "global"})
    >>> product = ProductSettings(name="a", model="pyramid", features="swir.pc2", options=options)
    >>> _title(product, {"swir": "aster"})
    "Paper's method as printed, ASTER, whole area"
    """
    title = MODEL_TITLES.get(product.model, product.model.replace("_", " ").capitalize())
    variant = _VARIANTS.get(getattr(product.options, "variant", ""))
    if variant:
        title = f"{title} {variant}" if variant == "as printed" else f"{title}, {variant}"
    scope = _SCOPES.get(getattr(product.options, "scope", ""))
    imagery = "" if product.model in _WITHOUT_IMAGERY else _imagery(product.features, sensors)
    return ", ".join(filter(None, [title, imagery, scope]))


def _imagery(features: str, sensors: Mapping[str, str]) -> str:
    """Name the imagery that features come from.

    >>> _imagery("a.indices.all + s2.pc2", {"a": "aster", "s2": "sentinel2"})
    'ASTER and Sentinel-2'
    """
    sources = dict.fromkeys(part.strip().split(".")[0] for part in features.split("+"))
    counts = Counter(sensors.values())
    names = []
    for source in filter(None, sources):
        sensor = sensors.get(source, "")
        known = _SENSORS.get(sensor) if counts[sensor] == 1 else None
        names.append(known or source)
    return " and ".join(names)
