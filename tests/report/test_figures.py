"""Every figure is written as PNG and PDF, and all maps of an element share one scale."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from gossan.report.figures import EMBEDDED_PIXELS, element_plates, element_scale, run_plates
from gossan.report.read import Results, open_results


@pytest.fixture(scope="module")
def results(finished_run: Path) -> Results:
    return open_results(finished_run)


def test_the_scale_of_an_element_fits_kriging_and_the_map_to_trust(results: Results) -> None:
    scale = element_scale(results, "Cu")
    names = {"kriging", results.best("Cu")}
    values = np.concatenate([results.maps[str(n), "Cu"].values.ravel() for n in names])
    low, high = np.nanpercentile(values, [0.5, 99.97])
    assert (scale.low, scale.high) == pytest.approx((low, high), rel=1e-3)
    assert scale.unit == "Cu (ppm)"


def test_the_figures_of_an_element_come_in_the_order_of_the_page(results: Results) -> None:
    roles = [plate.role for plate in element_plates(results, "Cu")]
    order = [
        "answer",
        "trusted",
        "products",
        "magnified",
        "error",
        "probability",
        "difference",
        "skill",
        "calibration",
        "histogram",
        "variogram",
        "occurrences",
        "prediction_area",
    ]
    assert roles == [role for role in order if role in roles]
    assert {"answer", "trusted", "products", "error", "skill"} <= set(roles)
    assert list(element_plates(results, "Au")) == []


def test_locations_show_every_survey_with_its_number(results: Results) -> None:
    (plate,) = [one for one in run_plates(results) if one.role == "locations"]
    (axes,) = [one for one in plate.figure.axes if one.get_legend()]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    counts = results.samples["survey"].value_counts()
    assert {f"{name} (n = {n})" for name, n in counts.items()} <= set(labels)
    assert any(label.startswith("known occurrences") for label in labels)


def test_maps_of_all_elements_name_the_element_that_drives_them(
    results: Results, finished_run: Path
) -> None:
    captions = {one.name: one.caption for one in run_plates(results) if one.role == "halo"}
    table = pd.read_csv(finished_run / "tables" / "halo.csv")
    assert set(captions) == {f"halo_{method}" for method in table["method"]}
    for method, own in table.groupby("method"):
        lead = own.loc[own["share"].idxmax(), "element"]
        assert f"driven most by {lead} " in captions[f"halo_{method}"]


def test_a_figure_is_written_whole_and_embedded_small(results: Results, tmp_path: Path) -> None:
    plate = next(iter(element_plates(results, "Zn")))
    picture = Image.open(BytesIO(plate.write(tmp_path)))
    assert picture.format == "WEBP" and max(picture.size) <= 2 * EMBEDDED_PIXELS
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".pdf", ".png"]
    with Image.open(tmp_path / f"{plate.name}.png") as png:
        assert png.width / png.height == pytest.approx(picture.width / picture.height, rel=0.02)
