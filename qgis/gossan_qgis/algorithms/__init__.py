"""The algorithms of the provider."""

from __future__ import annotations

from .runs import Anomalies, BestMap, Predict, Prepare, Report, RunProject, SampleNext
from .survey import CheckSurvey, Krige, SurveyQuality

ALGORITHMS = (
    CheckSurvey,
    SurveyQuality,
    Krige,
    Prepare,
    RunProject,
    BestMap,
    Anomalies,
    SampleNext,
    Predict,
    Report,
)
"""In the order of the work."""
