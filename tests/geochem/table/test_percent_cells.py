"""Contents that a workbook shows in percent are percent, in every format of workbook.

``percent.xls`` was written by xlwt 1.3 and ``percent.ods`` by odfpy 1.4, with the sheet "assays":
30 rows whose Fe2O3 is (4 + 0.11 i) / 100, shown as 0.00% (in the xls every other row with a
format of its own), beside Cu_ppm = 10 + i.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openpyxl
import pytest

from gossan.geochem.table.files.percent_cells import percent_cells
from gossan.geochem.table.survey import SurveySettings, read_survey

REFERENCE = Path(__file__).parents[2] / "reference"
ROWS = np.arange(30)


@pytest.fixture
def xlsx(tmp_path: Path) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "assays"
    sheet.append(["ID", "Easting", "Northing", "Fe2O3", "Cu_ppm"])
    for i in ROWS.tolist():
        sheet.append(
            [f"S{i}", 500000 + 1000 * (i % 7), 4e6 + 1500 * (i // 7), (4 + i * 0.11) / 100]
        )
        sheet.cell(i + 2, 4).number_format = "0.0%"
        sheet.cell(i + 2, 5, 10 + i)
    book.save(tmp_path / "percent.xlsx")
    return tmp_path / "percent.xlsx"


@pytest.mark.parametrize("ending", ["xls", "ods", "xlsx"])
def test_contents_shown_in_percent_are_percent(ending: str, xlsx: Path) -> None:
    path = xlsx if ending == "xlsx" else REFERENCE / f"percent.{ending}"
    settings = SurveySettings(path=path.name, crs="EPSG:32638", sheet="assays")
    samples, _ = read_survey(settings, ["Fe2O3", "Cu"], "EPSG:32638", path.parent)
    np.testing.assert_allclose(samples.values("Fe2O3"), 4 + 0.11 * ROWS)
    np.testing.assert_allclose(samples.values("Cu"), 10 + ROWS)
    assert samples.units["Fe2O3"] == "percent"


def test_a_damaged_workbook_has_no_percent_cells_and_no_traceback(tmp_path: Path) -> None:
    data = (REFERENCE / "percent.xls").read_bytes()
    rng = np.random.default_rng(1)
    for _ in range(60):
        changed = bytearray(data)
        for at in rng.integers(8, len(data), 40):
            changed[at] = rng.integers(256)
        (tmp_path / "a.xls").write_bytes(changed[: rng.integers(600, len(data))])
        places = list(percent_cells(tmp_path / "a.xls", "assays"))
        assert all(row < 65536 and column < 65536 for row, column in places)
