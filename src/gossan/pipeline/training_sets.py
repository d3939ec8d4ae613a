"""Whether every model can be fitted to every set of samples that a run will fit it to.

A run fits each product to all samples of an element and, to test it, again without each fold. Where
one of these sets is too small, of one value, or has no imagery, `check` says so and `run` refuses
before it writes anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gossan.errors import InputError, must
from gossan.evaluate.folds import Division, ValidationSettings, divide
from gossan.fusion.features.sources import LayerFeatures
from gossan.fusion.protocol import Observations
from gossan.fusion.registry import entry_of
from gossan.geo.grid import Grid
from gossan.pipeline.feature_sets import COVARIATES, layer_behind
from gossan.pipeline.imagery import Imagery
from gossan.pipeline.options.products import Product, products_of
from gossan.pipeline.options.project import Project
from gossan.pipeline.surveys import Surveys, Working, working

FEWEST = 10
"""Samples, with every feature of the model, that each fit needs."""
PLENTY = 300
"""Samples beyond which folds leave enough, unless most values are one and the same."""
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Samples that a model is fitted to, and how to call them."""

    words: str
    mask: Mask


def training_errors(
    project: Project, surveys: Surveys, imagery: Sequence[Imagery], grid: Grid
) -> list[str]:
    """List products that could not be fitted to some set of samples of their own run.

    Parameters
    ----------
    project
        Validated project.
    surveys
        Its samples, in the CRS of the maps.
    imagery
        Its imagery, each on its own grid; what must be decoded first is not looked at.
    grid
        Grid of the maps.
    """
    features = _Features(
        {
            one.settings.name: one.on(grid)
            for one in imagery
            if all(scene.scene.stored for scene in one.stack.scenes)
        }
    )
    errors: dict[str, None] = {}
    for product in products_of(project, imagery):
        for element in product.elements:
            lines = _of_product(project, surveys, product, element, features, grid)
            errors |= dict.fromkeys(lines)
    return list(errors)


def _of_product(
    project: Project,
    surveys: Surveys,
    product: Product,
    element: str,
    features: _Features,
    grid: Grid,
) -> Iterator[str]:
    try:
        data = working(surveys, element, product.transform)
        sets = training_sets(data, project.validation, grid, project.project.seed)
    except InputError as error:
        yield from str(error).splitlines()
        return
    filled = _filled(product, data, features)
    name = f"[[product]] {product.name!r}: "
    for one in sets:
        values = data.observations.values[one.mask]
        count = len(values) if filled is None else int((filled & one.mask).sum())
        got = f"{count} of {len(values)}{one.words}"
        if len(values) < FEWEST:
            cure = "Add samples, use fewer folds, or set [validation] kinds = []"
            yield must(
                f"samples of {element}", f"at least {FEWEST}", f"{len(values)}{one.words}", cure
            )
            return
        if _of_one_value(values):
            cure = "Leave the element out, or set [validation] kinds = []"
            yield must(
                f"values of {element}", "of at least two sizes", f"one value{one.words}", cure
            )
            return
        if count < FEWEST:
            cure = "Check masks and extent of the imagery, leave a feature out, or use fewer folds"
            what = f"{name}samples of {element} with every feature"
            yield must(what, f"at least {FEWEST}", got, cure)
            return


def _of_one_value(values: NDArray[np.float64]) -> bool:
    return bool(np.ptp(values) <= 1e-12 * max(abs(float(values[0])), 1e-300))


def training_sets(
    data: Working, validation: ValidationSettings, grid: Grid, seed: int
) -> list[TrainingSet]:
    """Return all samples and, where folds could leave too little, the samples without each fold.

    Raises
    ------
    FitError, SettingsError
        The folds asked for cannot be made.
    """
    observations = data.observations
    sets = [TrainingSet("", np.ones(len(observations), bool))]
    division = _division(observations, validation, grid, seed)
    for folds in division.folds.values() if division else ():
        for fold in np.unique(folds.labels):
            words = f" without a fold of {folds.kind}"
            sets.append(TrainingSet(words, np.asarray(folds.labels != fold)))
    return sets


def _division(
    observations: Observations, validation: ValidationSettings, grid: Grid, seed: int
) -> Division | None:
    """Divide the samples; only by the column where there are plenty, as that costs nothing."""
    if not len(observations) or not validation.kinds:
        return None
    _, counts = np.unique(observations.values, return_counts=True)
    if len(observations) <= PLENTY or counts.max() > len(observations) / 2:
        return divide(observations, validation, grid, seed)
    if "column" not in validation.kinds:
        return None
    return divide(observations, validation.model_copy(update={"kinds": ("column",)}), grid, seed)


def _filled(product: Product, data: Working, known: _Features) -> Mask | None:
    """Return which samples have all features of a product that needs them; None: not known."""
    features, points = product.settings.features, data.observations.points
    if not features or not entry_of(product.settings.model).needs_features:
        return None
    if features.strip() == COVARIATES:
        return np.asarray(np.isfinite(list(points.columns.values())).all(axis=0), bool)
    filled = np.ones(len(points), bool)
    for part in filter(None, (part.strip() for part in features.split("+"))):
        found = known.of(part)
        if found is None:
            return None
        filled &= np.isfinite(found.at(points)).all(axis=1)
    return filled


@dataclass(frozen=True, eq=False)
class _Features:
    """Features of the project by name, read once at each place for all products and elements."""

    imagery: Mapping[str, Imagery]
    made: dict[str, LayerFeatures | None] = field(default_factory=dict)

    def of(self, part: str) -> LayerFeatures | None:
        """Return the features of one name; None: their imagery is not known yet."""
        if part not in self.made:
            layer = layer_behind(part, self.imagery)
            self.made[part] = LayerFeatures(layer) if layer is not None else None
        return self.made[part]
