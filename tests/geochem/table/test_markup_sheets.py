"""What calls itself a workbook and is text, a page or XML of 2003 gives the same samples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gossan.errors import SurveyError
from gossan.geochem.table.files.markup_sheets import disguise_of
from gossan.geochem.table.survey import SurveySettings, read_survey

UTM = "EPSG:32638"
TABLE = pd.DataFrame(
    {
        "ID": [f"S{i}" for i in range(24)],
        "Easting": 400_000.5 + 1000 * (np.arange(24) % 5),
        "Northing": 2_600_000.5 + 1300 * (np.arange(24) // 5),
        "Cu_ppm": ["<5" if i == 3 else f"{10 + 1.25 * i}" for i in range(24)],
    }
)
COPPER = np.where(np.arange(24) == 3, 2.5, 10 + 1.25 * np.arange(24))
OFFICE = "urn:schemas-microsoft-com:office:spreadsheet"


def _xml() -> str:
    def cell(value: object) -> str:
        kind = "String" if isinstance(value, str) else "Number"
        shown = str(value).replace("<", "&lt;")
        return f'<Cell><Data ss:Type="{kind}">{shown}</Data></Cell>'

    rows = [list(TABLE.columns), *TABLE.to_numpy().tolist()]
    body = "".join(f"<Row>{''.join(map(cell, row))}</Row>" for row in rows)
    head = f'<?xml version="1.0"?><Workbook xmlns="{OFFICE}" xmlns:ss="{OFFICE}">'
    return f'{head}<Worksheet ss:Name="a"><Table>{body}</Table></Worksheet></Workbook>'


@pytest.mark.parametrize("kind", ["html", "xml", "text", "utf-16"])
@pytest.mark.parametrize("ending", [".xls", ".xlsx"])
def test_a_workbook_that_is_none_is_read_as_what_it_is(
    kind: str, ending: str, tmp_path: Path
) -> None:
    texts = {
        "html": f"<html><p>Export</p>{TABLE.to_html(index=False)}</html>",
        "xml": _xml(),
        "text": TABLE.to_csv(sep="\t", index=False),
        "utf-16": TABLE.to_csv(sep="\t", index=False),
    }
    path = tmp_path / f"t{ending}"
    path.write_text(texts[kind], encoding="utf-16" if kind == "utf-16" else "utf-8")
    samples, found = read_survey(SurveySettings(path=path.name, crs=UTM), ["Cu"], UTM, tmp_path)
    np.testing.assert_allclose(samples.values("Cu"), COPPER)
    np.testing.assert_allclose(samples.coordinates, TABLE[["Easting", "Northing"]])
    assert any("is no workbook but" in finding.message for finding in found)


@pytest.mark.parametrize("data", [b"", b"\x00\x01\x02" * 50, b"<table></table>", b"<?xml ?><a>"])
def test_what_is_no_table_at_all_is_one_line(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "t.xls").write_bytes(data)
    with pytest.raises(SurveyError) as refused:
        read_survey(SurveySettings(path="t.xls", crs=UTM), ["Cu"], UTM, tmp_path)
    assert len(str(refused.value).splitlines()) == 1


def test_workbooks_are_left_to_their_reader(tmp_path: Path) -> None:
    TABLE.to_excel(tmp_path / "t.xlsx", index=False)
    assert disguise_of(tmp_path / "t.xlsx") is None
