"""The algorithms of the provider."""

from __future__ import annotations

from .catchments import StreamCatchments
from .runs import Anomalies, BestMap, Predict, Prepare, Report, RunProject, SampleNext
from .survey import CheckSurvey, Krige, SurveyQuality

ALGORITHMS = (
    CheckSurvey,
    SurveyQuality,
    StreamCatchments,
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
