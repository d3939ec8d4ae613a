"""Conformance suites in the spirit of scikit-learn's ``check_estimator``, for models and layers.

``check_model(factory)`` and ``check_layer(factory)`` raise AssertionError at the first check that
fails; ``MODEL_CHECKS`` and ``LAYER_CHECKS`` hold the checks one by one, to be parametrized.
``seam_score`` says whether the edges of tiles show in a map.
"""

from gossan.testing.layers import LAYER_CHECKS, check_layer
from gossan.testing.models import MODEL_CHECKS, Case, check_model, simulated_case
from gossan.testing.seams import seam_score

__all__ = [
    "LAYER_CHECKS",
    "MODEL_CHECKS",
    "Case",
    "check_layer",
    "check_model",
    "seam_score",
    "simulated_case",
]
