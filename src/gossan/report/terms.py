"""One sentence for each term of the report that a geologist need not know."""

from __future__ import annotations

__all__ = ["TERMS", "term_of"]

TERMS = {
    "skill": "How much smaller the squared error is than that of kriging, at samples that the map "
    "had not seen: 1 is perfect, 0 as good as kriging, below 0 worse.",
    "probability": "Mean probability, over the target, that the content exceeds the threshold.",
    "90 % interval": "The true content lies in it in nine cases of ten.",
    "threshold": "The lowest content that counts as anomalous.",
    "standard error": "The content lies within this factor (or distance) of the estimate in two "
    "cases of three.",
    "r": "Correlation between estimates and observations: 1 is a straight line.",
    "Spearman": "Correlation of ranks, which a few high values cannot carry.",
    "RMSE": "Root of the mean squared error, on the working scale.",
    "bias": "Mean of estimate minus observation: above 0 the map is too high.",
    "concordance": "Correlation that also counts bias and a wrong spread; 1 is perfect.",
    "AUC": "Chance that a known occurrence lies on higher values than a random place: 0.5 is "
    "chance.",
    "enrichment of best tenth": "How many times more occurrences the best tenth of the area holds "
    "than a tenth at random.",
    "contrast": "Mean content of the anomaly, divided by the threshold.",
    "score": "What anomalies are ranked by: contrast and area, times what supports them.",
    "coverage": "Share of held-out samples that lie within their interval; it should equal the "
    "interval's own probability.",
    "applicability": "Ground that looks, in the imagery, like some sampled ground; elsewhere the "
    "map extrapolates.",
    "variogram": "How much two samples differ on average, by their distance.",
    "zone": "Highest multiple of the threshold that the anomaly reaches.",
}
"""Terms as the page spells them."""


def term_of(heading: str) -> str | None:
    """Find the term that a heading uses; None for a plain heading.

    >>> term_of("skill, 95 % from"), term_of("Probability"), term_of("easting")
    (None, 'probability', None)
    """
    known = {name.lower(): name for name in TERMS}
    return known.get(heading.lower())
