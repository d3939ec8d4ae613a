"""Whether held-out samples bear out the choice between catchments and squares."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from gossan.arrays.bootstrap import Interval, paired_skill
from gossan.evaluate.folds import Division
from gossan.evaluate.skill import FEWEST
from gossan.evaluate.validation import ModelValidation, predict_folds
from gossan.fusion.fit_counter import uncounted
from gossan.fusion.geostatistical.ground_evidence import Kind, chosen_kind
from gossan.fusion.geostatistical.model import GeostatisticalSettings
from gossan.fusion.protocol import FusionModel
from gossan.fusion.registry import make_model
from gossan.io.contract import Comparison, ElementVerdict
from gossan.io.tables import Column
from gossan.pipeline.feature_sets import FeatureSets
from gossan.pipeline.options.products import Product
from gossan.pipeline.surveys import Working

__all__ = ["GroundTest", "held_out_ground", "weighs_ground", "with_doubt"]


_OTHER: dict[Kind, Kind] = {"catchment": "square", "square": "catchment"}


@dataclass(frozen=True)
class GroundTest:
    """Skill of the support that the evidence chose over the other one, at held-out samples.

    Parameters
    ----------
    comparison
        The folds.
    count
        Samples that both predicted.
    side_m
        Side of the squares.
    skill
        ``1 - sum(e^2) / sum(e0^2)``, e of the chosen support and e0 of the other, with its 95 %
        interval.
    chosen
        What the evidence chose.

    Examples
    --------
    >>> found = GroundTest(Comparison.parse("drainage"), 60, 900.0, Interval(-0.3, -0.5, -0.1))
    >>> found.contradicts
    True
    >>> found.sentence.split(":")[0]
    'Squares of 900 m predict 60 samples held out in folds by drainage better than catchments'
    """

    comparison: Comparison
    count: int
    side_m: float
    skill: Interval
    chosen: Kind = "catchment"

    @property
    def contradicts(self) -> bool:
        """Whether the other support is better beyond doubt."""
        return self.skill.upper < 0.0

    @property
    def sentence(self) -> str:
        """Say which predicts better, in numbers."""
        words = {"catchment": "catchments", "square": f"squares of {self.side_m:.0f} m"}
        other = _OTHER[self.chosen]
        own, rival = words[self.chosen], words[other]
        where = f"{self.count} samples held out in {self.comparison.label}"
        low, high = self.skill.lower, self.skill.upper
        known = bool(np.isfinite([low, high]).all())
        interval = f"95 % interval {low:.2f} to {high:.2f}" if known else "no interval"
        number = f"skill over {other}s {self.skill.value:.2f}, {interval}".replace("-", "−")
        if self.contradicts:
            return (
                f"{rival.capitalize()} predict {where} better than {own}: {number}. The evidence "
                f'and held-out samples disagree; support = "{other}" in the product is the safer '
                "map."
            )
        if low > 0.0:
            return f"{own.capitalize()} predict {where} better than {rival}: {number}."
        return f"{own.capitalize()} are not proved better than {rival} on {where}: {number}."

    @property
    def table(self) -> pd.DataFrame:
        """The test as one row."""
        return pd.DataFrame(
            {
                Column.COMPARISON: [str(self.comparison)],
                Column.KIND: [self.chosen],
                Column.N: [self.count],
                Column.SKILL: [self.skill.value],
                Column.SKILL_LOW: [self.skill.lower],
                Column.SKILL_HIGH: [self.skill.upper],
                Column.NOTE: [self.sentence],
            }
        )


def weighs_ground(product: Product) -> bool:
    """Whether a product chooses between catchments and squares where samples have catchments."""
    options = product.settings.options
    return isinstance(options, GeostatisticalSettings) and options.support == "evidence"


def held_out_ground(
    product: Product, data: Working, features: FeatureSets, model: FusionModel,
    found: ModelValidation, division: Division,
) -> GroundTest | None:  # fmt: skip
    """Predict the first spatial folds by the support that the evidence did not choose.

    Parameters
    ----------
    product, data, features
        What was fitted.
    model
        The fitted model.
    found
        Its own predictions of the same folds.
    division
        The folds.

    Returns
    -------
    None where there was no such choice, or nothing was held out.
    """
    grounds, folds = data.observations.points.grounds, division.spatial
    if grounds is None or folds is None or not weighs_ground(product):
        return None
    chosen = chosen_kind(model.tables_["models"])
    options = product.settings.options.model_copy(update={"support": _OTHER[chosen]})
    factory = partial(make_model, product.settings.model, options, data.element)
    with uncounted():
        other = predict_folds(
            factory, data.validation_samples, features.get(product.settings.features), folds, True
        ).set_index(Column.SAMPLE)
    own = found.predictions
    own = own[own[Column.COMPARISON] == str(folds.comparison)].set_index(Column.SAMPLE)
    off = own[Column.ESTIMATE] - own[Column.OBSERVED]
    base = (other[Column.ESTIMATE] - other[Column.OBSERVED]).reindex(off.index)
    both = np.isfinite(off.to_numpy(float)) & np.isfinite(base.to_numpy(float))
    if both.sum() < FEWEST:
        return None
    skill = paired_skill(off[both], base[both], own[Column.GROUP][both])
    side_m = data.observations.points.support_m
    return GroundTest(folds.comparison, int(both.sum()), side_m, skill, chosen)


def with_doubt(verdict: ElementVerdict, element: str, tests: pd.DataFrame | None) -> ElementVerdict:
    """Add to a verdict that held-out samples contradict the support of the map to trust."""
    if tests is None or verdict.product is None:
        return verdict
    own = tests[(tests[Column.ELEMENT] == element) & (tests[Column.PRODUCT] == verdict.product)]
    doubts = own[own[Column.SKILL_HIGH] < 0.0][Column.NOTE].tolist()
    return verdict.model_copy(update={"sentence": " ".join([verdict.sentence, *doubts])})
