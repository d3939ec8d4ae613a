"""What the checks of a survey found, as records: printed by ``check``, kept with the run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.errors import SurveyError

Severity = Literal["error", "warning", "note"]


CODES: dict[str, str] = {
    "read": "how the file was read",
    "header": "where header, units or limits stand",
    "repeated-column": "two columns of one name",
    "long-row": "a row runs over many lines",
    "footer": "lines that are no samples",
    "decimal": "numbers that can be read two ways",
    "where": "rows chosen by where",
    "long-table": "one row per analyte brought to one row per sample",
    "qc": "standards, blanks and repeats left out",
    "axes": "coordinate columns found by their names",
    "crs": "the stated CRS overrules the file's",
    "axis-names": "columns X and Y of a CRS whose x is north",
    "angles": "how degrees are written",
    "kilometres": "kilometres where metres are needed",
    "scale": "a CRS that is not true to scale",
    "degrees": "degrees where metres are needed",
    "metres": "metres where degrees are needed",
    "swapped": "x and y exchanged",
    "zone": "far from the area of the CRS",
    "zone-column": "a column of zones that the CRS contradicts",
    "datum": "a column of datums that the CRS contradicts",
    "wide": "a survey wider than the zone of its CRS",
    "position": "single points outside the area of the CRS",
    "no-position": "rows without a position",
    "one-place": "all samples at one place",
    "depth": "samples of one place from several depths",
    "rounded": "positions rounded more coarsely than the samples lie apart",
    "lone": "points far from all others",
    "outside": "points outside the imagery",
    "empty": "imagery that is empty under samples",
    "nodata": "a value of imagery that may mean empty",
    "reflectance": "reflectance that no ground has",
    "sites": "a site with several positions",
    "site-names": "how the samples were joined to their sites",
    "no-site": "rows without a site",
    "column": "which column gives an element",
    "species": "a column whose name says another element",
    "unit": "a unit that is assumed, or that the column's name contradicts",
    "cell-unit": "rows in another unit",
    "doubtful": "contents that no ground has",
    "substituted": "one low value again and again: a limit that was divided by 2 or its root",
    "qualifier": "qualifiers in a column of their own",
    "code": "numbers that are or may be missing codes",
    "text": "text where numbers are needed",
    "missing": "missing codes",
    "blank": "not analysed",
    "negative": "negative numbers",
    "zero": "zeros",
    "below": "below a limit",
    "above": "above a limit",
    "no-limit": "beyond a limit that nothing tells",
    "censored": "limits that cannot be estimated",
    "mostly-censored": "more than half below the limit",
    "all-censored": "all values beyond a limit",
    "no-values": "an empty column",
    "one-sample": "one value only",
    "constant": "one value everywhere",
    "impossible": "more than 100 percent",
    "mixed-units": "two units in one column",
    "mixture": "several media or horizons",
    "catchment": "catchments that are missing or doubtful",
    "known-error": "errors of contents known from duplicates",
    "levelling": "groups that cannot be levelled",
    "levelled": "groups brought to one level",
    "repeated-id": "samples with the same name",
    "same-place": "several samples at one place",
    "duplicates": "pairs of field duplicates",
    "precision": "samples at one place that are no duplicates",
    "medium-column": "a column of media that is not used",
    "qc-bias": "a standard off its certified content",
    "qc-chart": "results of a standard that break control rules",
    "qc-blank": "contaminated blanks",
    "qc-carry-over": "content carried over into blanks",
    "qc-precision": "poor precision of the laboratory",
    "qc-noise": "much of the variance is sampling and analysis",
    "dropped": "rows left out as asked",
}
"""Every code of a finding, and what it means."""


@dataclass(frozen=True)
class Finding:
    """Record one thing that the user should know about a table.

    Parameters
    ----------
    severity
        "error": no result without a decision of the user; "warning": look at it; "note": what was
        understood or done.
    code
        Short name, for example "below-limit"; the ``accept`` and ``drop`` settings use it.
    message
        One line that says what was found and what to do.
    rows
        Rows of the file, as a spreadsheet numbers them (the header is row 1 where it stands first).
    element
        The element concerned, if only one is.
    """

    severity: Severity
    code: str
    message: str
    rows: tuple[int, ...] = ()
    element: str = ""

    def line(self) -> str:
        """Word the finding as one line with its rows.

        >>> Finding("warning", "zero", "2 values of Cu are 0", (4, 9)).line()
        'warning: 2 values of Cu are 0 (rows 4, 9) [zero]'
        """
        rows = f" ({row_words(self.rows)})" if self.rows else ""
        return f"{self.severity}: {self.message}{rows} [{self.code}]"


@dataclass(frozen=True)
class Findings:
    """The findings of one survey in the order in which they were made."""

    records: tuple[Finding, ...] = field(default=())

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)

    def __add__(self, other: Findings | Iterable[Finding]) -> Findings:
        return Findings(self.records + tuple(other))

    def adding(self, *records: Finding) -> Findings:
        """Return these findings and more."""
        return Findings(self.records + records)

    def of(self, code: str) -> tuple[Finding, ...]:
        """Return the findings with one code."""
        return tuple(finding for finding in self.records if finding.code == code)

    def of_severity(self, severity: Severity) -> tuple[Finding, ...]:
        """Return the findings of one severity."""
        return tuple(finding for finding in self.records if finding.severity == severity)

    def accepting(self, codes: Sequence[str]) -> Findings:
        """Turn errors that the user accepts into warnings."""
        return Findings(
            tuple(
                replace(finding, severity="warning")
                if finding.code in codes and finding.severity == "error"
                else finding
                for finding in self.records
            )
        )

    def raise_errors(self, survey: str) -> None:
        """Raise all errors together, one line each.

        Raises
        ------
        SurveyError
            If any finding is an error.
        """
        errors = self.of_severity("error")
        if errors:
            lines = [finding.line().removeprefix("error: ") for finding in errors]
            raise SurveyError("\n".join(f"survey {survey!r}: {line}" for line in lines))

    def lines(self) -> list[str]:
        """Word every finding as one line."""
        return [finding.line() for finding in self.records]

    def to_frame(self) -> pd.DataFrame:
        """Return a table with severity, code, element, message, count and rows."""
        return pd.DataFrame(
            [
                (f.severity, f.code, f.element, f.message, len(f.rows), row_words(f.rows, 10**9))
                for f in self.records
            ],
            columns=["severity", "code", "element", "message", "count", "rows"],
        )


def row_words(rows: Sequence[int], most: int = 8) -> str:
    """Name rows shortly, runs as ranges.

    >>> row_words([7, 3, 4, 5, 12])
    'rows 3-5, 7, 12'
    """
    if not rows:
        return ""
    runs: list[list[int]] = []
    for row in sorted(set(rows)):
        if runs and row == runs[-1][1] + 1:
            runs[-1][1] = row
        else:
            runs.append([row, row])
    words = [str(a) if a == b else f"{a}-{b}" if b > a + 1 else f"{a}, {b}" for a, b in runs]
    rest = sum(b - a + 1 for a, b in runs[most:])
    more = f" and {rest} more" if rest else ""
    return ("row " if len(set(rows)) == 1 else "rows ") + ", ".join(words[:most]) + more


def rows_where(rows: NDArray[np.int_], mask: NDArray[np.bool_]) -> tuple[int, ...]:
    """Return the file rows where a mask holds."""
    return tuple(int(row) for row in rows[mask])


_FACTS: dict[str, tuple[str, ...]] = {
    "table": ("read", "header", "footer", "long-table", "where", "qc"),
    "places": ("axes", "crs", "angles", "axis-names", "kilometres", "zone-column", "site-names"),
    "columns": ("column", "qualifier", "cell-unit"),
    "limits": ("below", "above", "missing", "code"),
}
"""What a reader of facts wants to know, and the findings that tell it."""


def understood(findings: Findings) -> list[tuple[str, str]]:
    """Say how a survey was understood: its table, places, columns and limits, a line for each.

    >>> found = Findings((Finding("note", "read", "read as utf-8 text"),
    ...     Finding("note", "axes", "x = 'E' and y = 'N'")))
    >>> understood(found)
    [('table', 'read as utf-8 text'), ('places', "x = 'E' and y = 'N'")]
    """
    return [
        (what, finding.message)
        for what, codes in _FACTS.items()
        for finding in findings
        if finding.code in codes and finding.severity != "error"
    ]
