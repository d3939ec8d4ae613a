"""What the geostatistical model learnt, as tables."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gossan.arrays.array_type import Array
from gossan.arrays.conformal import normal_quantile
from gossan.fusion.geostatistical.posterior import Mixture
from gossan.fusion.geostatistical.standard_features import StandardFeatures

__all__ = ["feature_table", "hyperparameter_table"]


def feature_table(
    mixture: Mixture, standard: StandardFeatures, names: tuple[str, ...], design: Array,
    values: Array,
) -> pd.DataFrame:  # fmt: skip
    """Say what each feature contributes.

    Columns ``feature``; ``effect``, ``lower90``, ``upper90``: change of the working scale for one
    deviation of the feature; ``per_unit``: for one unit of it; ``share``: share of the samples'
    variance that it explains, ``effect * cov(feature, all features' sum) / var(values)``
    (shares of correlated features may be negative; they add up to that of all).

    Parameters
    ----------
    mixture : posterior.
    standard : how the features were standardised.
    names : of all features.
    design : (n, d) standardised features of the samples.
    values : (n,) observations.
    """
    effect = mixture.slopes
    second = np.diag(mixture.second_moment) if len(effect) else np.zeros(0)
    deviation = np.sqrt(np.maximum(second - effect**2, 0.0))
    half = normal_quantile(0.9) * deviation
    together = design @ effect
    centred = design - design.mean(axis=0)
    share = effect * (centred.T @ together) / len(values) / values.var()
    plain = len(standard.used)
    per_unit = np.full(len(effect), np.nan)
    per_unit[:plain] = effect[:plain] / standard.deviation
    curves = [f"curves {k + 1}" for k in range(len(effect) - plain)]
    return pd.DataFrame(
        {
            "feature": [*(names[i] for i in standard.used), *curves],
            "effect": effect,
            "lower90": effect - half,
            "upper90": effect + half,
            "per_unit": per_unit,
            "share": share,
        }
    )


def hyperparameter_table(mixture: Mixture, labels: tuple[str, ...]) -> pd.DataFrame:
    """Say the hyperparameters: posterior mean and the range over the members.

    Columns ``name, mean, smallest, largest, unit``; variances on the squared working scale.
    """
    rows: list[tuple[str, Array, str]] = []
    taken = [m.hyperparameters for m in mixture.members]
    for number, label in enumerate(labels):
        rows.append(
            (
                f"variance of features {label}",
                np.array([h.group_variances[number] for h in taken]),
                "",
            )
        )
    models = [h.covariance for h in taken]
    rows.append(("variance of the spatial term", np.array([c.structured_sill for c in models]), ""))
    for number, nuggets in enumerate(np.array([h.nuggets for h in taken]).T):
        of = f" of survey {number + 1}" if number else ""
        rows.append((f"nugget{of}", nuggets, ""))
    rows.append(("practical range", np.array([c.practical_range_m for c in models]), "m"))
    rows.append(("ratio of longest to shortest range", np.array([1 / c.ratio for c in models]), ""))
    rows.append(("smoothness", np.array([c.structures[0].smoothness for c in models]), ""))
    return pd.DataFrame(
        {
            "name": [name for name, _, _ in rows],
            "mean": [float(mixture.weights @ v) for _, v, _ in rows],
            "smallest": [float(v.min()) for _, v, _ in rows],
            "largest": [float(v.max()) for _, v, _ in rows],
            "unit": [unit for _, _, unit in rows],
        }
    )
