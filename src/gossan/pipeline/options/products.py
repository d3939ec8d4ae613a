"""The products of a run: which maps are made, and the model of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from gossan.fusion.protocol import FusionModel
from gossan.fusion.registry import make_model, options_of
from gossan.geochem.kriging.settings import KrigingOptions
from gossan.geochem.transforms import TransformWord
from gossan.imagery.settings import ImagerySettings
from gossan.io.contract import BASELINE
from gossan.pipeline.imagery import Imagery
from gossan.pipeline.options.project import ProductSettings, Project
from gossan.pipeline.options.titles import product_titles
from gossan.settings import Settings

TRUSTED = "trusted"
PAPER_KINDS = (
    ("literal", "global"), ("literal", "local"), ("sound", "global"), ("sound", "local")
)  # fmt: skip
"""Variant and scope of the maps of the paper and of their corrected twins."""
TO_TRUST = ("recipe", "auto")
"""Models that are meant to be the best map, the first of them first."""


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

    def factory(self, element: str | None = None) -> Callable[[], FusionModel]:
        """Return a function that makes a fresh model, with the options of an element."""
        return lambda: make_model(self.settings.model, self.settings.options, element)


def products_of(project: Project, imagery: Iterable[Imagery] = ()) -> list[Product]:
    """List the products of a project: its own, else the default ones; always the baseline.

    ``imagery``, where it is open, says what the default products can be made of.
    """
    asked = list(project.product) or default_products(project, imagery)
    if not any(product.name == BASELINE for product in asked):
        asked.insert(0, _product(BASELINE, BASELINE, ""))
    asked.sort(key=lambda product: product.name != BASELINE)
    titles = product_titles(asked, {one.name: one.sensor for one in project.imagery})
    return [_planned(product, project, titles[product.name]) for product in asked]


def default_products(project: Project, imagery: Iterable[Imagery] = ()) -> list[ProductSettings]:
    """List the products of a project that names none.

    The kriged baseline; for every imagery the paper's fusion of PC2 of its bands (of the
    alteration indices for ASTER), corrected and by clusters; and the map to trust. With
    ``paper = true``, or of the imagery that ``paper`` names, also the paper's maps as printed,
    global and local, and the corrected global one (Ding et al. 2023, Figures 9-12). Those as
    printed take the components as printed too (feature ``<imagery>.literal.pc2``). Imagery of one
    band has no second component.
    """
    products = [_product(BASELINE, BASELINE, "")]
    known = {one.settings.name: one for one in imagery}
    sources = [_source(settings, known.get(settings.name)) for settings in project.imagery]
    for settings, source in zip(project.imagery, sources):
        one = known.get(settings.name)
        if one is not None and len(one.bands.bands) < 2:
            continue
        paper = project.project.makes_paper(settings.name)
        kinds = PAPER_KINDS if paper else (("sound", "local"),)
        features = {"literal": f"{settings.name}.literal.pc2", "sound": f"{source}.pc2"}
        for variant, scope in kinds:
            name = f"{settings.name}_pc2_{variant}_{scope}"
            options = {"variant": variant, "scope": scope}
            products.append(_product(name, "pyramid", features[variant], **options))
    if sources:
        features_of_all = "+".join(f"{source}.all" for source in sources)
        products.append(_product(TRUSTED, TO_TRUST[0], features_of_all))
    return products


def _source(settings: ImagerySettings, imagery: Imagery | None) -> str:
    """Name what an imagery's components are usually taken of."""
    usual = "indices" if settings.sensor == "aster" else "bands"
    if imagery is not None and settings.sensor == "aster":
        usual = imagery.usual_kind
    return f"{settings.name}.indices" if usual == "indices" else settings.name


def baseline_facts(products: Sequence[Product]) -> str:
    """Say how the baseline of a run is kriged.

    >>> from gossan.fusion.registry import options_of
    >>> settings = ProductSettings(name=BASELINE, model=BASELINE, options=options_of(BASELINE))
    >>> baseline_facts([Product(settings, "log", ("Cu",), "Kriging")])
    'ordinary kriging, 32 neighbours, variogram: exponential by reml'
    """
    options = next(one.settings.options for one in products if one.name == BASELINE)
    assert isinstance(options, KrigingOptions)
    own = options.variogram
    fitted = f"{' or '.join(own.models)} by {own.method}"
    variogram = str(own.model) if own.given else fitted
    return f"{options.method} kriging, {options.neighbours} neighbours, variogram: {variogram}"


def baseline_notes(project: Project) -> list[str]:
    """Say that ``[kriging]`` leaves the baseline as it is, where somebody may expect otherwise."""
    shared = sorted(project.kriging.model_fields_set & set(KrigingOptions.model_fields))
    if not shared or any(product.name == BASELINE for product in project.product):
        return []
    return [
        f"[kriging] {', '.join(shared)}: serves `gossan krige` alone. To krige the baseline of a "
        f'run so, write the same keys under [[product]] with name = "{BASELINE}" and model = '
        f'"{BASELINE}".'
    ]


def product_to_trust(products: Sequence[Product]) -> str | None:
    """Return the name of the product that is meant to be the best map, if there is one."""
    models = {product.settings.model: product.name for product in reversed(products)}
    return next((models[word] for word in TO_TRUST if word in models), None)


def _product(name: str, model: str, features: str, **options: str | int) -> ProductSettings:
    return ProductSettings(
        name=name, model=model, features=features, options=options_of(model, options)
    )


def _planned(settings: ProductSettings, project: Project, title: str) -> Product:
    options, transform = on_scale(settings.options, settings.transform, project.project.transform)
    settings = settings.model_copy(update={"options": options})
    return Product(settings, transform, settings.elements or project.elements, title)


def on_scale(
    options: Settings, transform: TransformWord | None, usual: TransformWord = "log"
) -> tuple[Settings, TransformWord]:
    """Choose the scale that a model works on, and suit its options to it.

    The literal pyramid works on raw values, as printed; the correction of composites holds for
    logarithms alone.

    Parameters
    ----------
    options
        Options of the model.
    transform
        Scale that the user asks for, if any.
    usual
        Scale of the other models.
    """
    literal = getattr(options, "variant", None) == "literal"
    chosen: TransformWord = transform or ("identity" if literal else usual)
    if chosen != "log" and getattr(options, "composite", "none") != "none":
        options = options.model_copy(update={"composite": "none"})
    return options, chosen
