from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from gossan.errors import InputError
from gossan.io.run_folder import RunFolder
from gossan.io.tables import Table, complete


@pytest.mark.parametrize("table", list(Table))
def test_a_table_that_was_not_written_reads_as_one_without_rows(
    table: Table, tmp_path: Path
) -> None:
    found = RunFolder(tmp_path).table(table)
    assert found.empty and list(found.columns) == list(table.columns)


def test_an_empty_table_is_written_with_its_columns(tmp_path: Path) -> None:
    RunFolder(tmp_path).write_table(Table.SCORES, pd.DataFrame())
    assert list(RunFolder(tmp_path).table(Table.SCORES).columns) == list(Table.SCORES.columns)


def test_a_writer_that_leaves_a_column_out_is_stopped() -> None:
    with pytest.raises(ValueError, match="'occurrences' lacks the columns northing"):
        complete("occurrences", pd.DataFrame({"easting": [1.0]}))


def test_a_table_that_someone_changed_is_one_line(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.tables.mkdir()
    (run.tables / "scores.csv").write_text("product;element\nkriging;Cu\n")
    with pytest.raises(InputError, match=r"scores\.csv .*lacks the columns.*Run the project again"):
        run.table(Table.SCORES)


def test_the_tables_of_a_run_have_the_columns_of_the_contract(finished_run: Path) -> None:
    missing = {
        Table.REGISTRATION,
        Table.VARIOGRAM_FITS,
        Table.VARIOGRAM_POINTS,
        Table.SURVEY,
        Table.CHOICE,
        Table.TRUTH,
        Table.QC_CHART,  # by gossan survey
        Table.QC_PRECISION,
        Table.BORDERS,
        Table.LEVELLING,
        Table.BACKGROUNDS,  # with classes of the ground
        Table.GROUND_TESTS,  # with samples that stand for catchments
    }
    for table in Table:
        path = finished_run / "tables" / f"{table}.csv"
        assert path.exists() == (table not in missing), table
        if path.exists():
            assert set(table.columns) <= set(pd.read_csv(path).columns), table
