"""Surveys in notebooks: one line of text, or a picture of the places."""

from __future__ import annotations

from pathlib import Path

import gossan as gs


def test_a_survey_shows_its_samples_elements_and_places(district_folder: Path) -> None:
    survey = gs.read_survey(district_folder / "stream.csv", crs="EPSG:32645", support_m=300)
    assert repr(survey).startswith("Survey('stream.csv': ") and "Cu" in repr(survey)
    shown = survey._repr_html_()
    assert "data:image/png" in shown and str(len(survey.to_geodataframe("Cu"))) in shown
    assert all(element in shown for element in survey.elements)
