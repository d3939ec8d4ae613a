"""The products of a run: which maps are made, and the model of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gossan.fusion.protocol import FusionModel
from gossan.fusion.registry import make_model, options_of
from gossan.geochem.transforms import TransformWord
from gossan.io.contract import BASELINE
from gossan.pipeline.options.project import ProductSettings, Project
from gossan.pipeline.options.titles import product_titles

TRUSTED = "trusted"
CHOOSING = "auto"
"""Word of the model that chooses among others."""
INNER_FOLDS = 5
"""Folds by which the product to trust chooses: as many as it is tested with."""


@dataclass(frozen=True)
class Product:
    """Name one map: its settings, the scale it works on, and the elements it is made for."""

    settings: ProductSettings
    transform: TransformWord
    elements: tuple[str, ...]
    title: str
    """Name for people."""

    @property
    def name(self) -> str:
        """Name of the product; its files begin with it."""
        return self.settings.name

    def factory(self) -> Callable[[], FusionModel]:
        """Give a function that makes a fresh model."""
        return lambda: make_model(self.settings.model, self.settings.options)


def products_of(project: Project) -> list[Product]:
    """List the products of a project: its own, else the paper's; always the kriged baseline."""
    asked = list(project.product) or paper_products(project)
    if not any(product.model == BASELINE for product in asked):
        asked.insert(0, _product(BASELINE, BASELINE, ""))
    asked.sort(key=lambda product: product.model != BASELINE)
    titles = product_titles(asked, {one.name: one.sensor for one in project.imagery})
    return [_planned(product, project, titles[product.name]) for product in asked]


def paper_products(project: Project) -> list[ProductSettings]:
    """Give the paper's maps of every imagery, side by side, and the product to trust.

    PC2 of the bands (Sentinel-2, plain rasters) or of the alteration indices (ASTER), literal
    and sound, global and local (Ding et al. 2023, Figures 9-12).
    """
    products = [_product(BASELINE, BASELINE, "")]
    for imagery in project.imagery:
        source = f"{imagery.name}.indices" if imagery.sensor == "aster" else imagery.name
        for variant in ("literal", "sound"):
            for scope in ("global", "local"):
                name = f"{imagery.name}_pc2_{variant}_{scope}"
                options = {"variant": variant, "scope": scope}
                products.append(_product(name, "pyramid", f"{source}.pc2", **options))
    if project.imagery:
        features = "+".join(
            f"{imagery.name}.indices.all" if imagery.sensor == "aster" else f"{imagery.name}.all"
            for imagery in project.imagery
        )
        products.append(_product(TRUSTED, "auto", features, number=INNER_FOLDS))
    return products


def _product(name: str, model: str, features: str, **options: str | int) -> ProductSettings:
    return ProductSettings(
        name=name, model=model, features=features, options=options_of(model, options)
    )


def _planned(settings: ProductSettings, project: Project, title: str) -> Product:
    literal = getattr(settings.options, "variant", None) == "literal"
    usual: TransformWord = "identity" if literal else project.project.transform
    transform = settings.transform or usual
    if transform != "log" and getattr(settings.options, "composite", "none") != "none":
        plain = settings.options.model_copy(update={"composite": "none"})
        settings = settings.model_copy(update={"options": plain})
    return Product(settings, transform, settings.elements or project.elements, title)
