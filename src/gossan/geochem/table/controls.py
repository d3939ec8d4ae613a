"""Part the laboratory's controls from the samples of a survey."""

from __future__ import annotations

import fnmatch
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gossan.geochem.findings import Finding, Findings, rows_where
from gossan.geochem.table.reading import SurveyTable
from gossan.geochem.table.sample_kinds import (
    Kind,
    SampleKinds,
    find_type_columns,
    kind_of,
    kinds_of_names,
    kinds_of_types,
)
from gossan.geochem.table.settings import SurveySettings


@dataclass(frozen=True, eq=False)
class Sorted:
    """The rows of a table by what they are.

    Parameters
    ----------
    samples
        (n,) rows that are samples of the ground.
    types
        Of these samples, the word of a column of types or media that the settings do not name;
        None where there is none with several words.
    """

    samples: NDArray[np.bool_]
    types: NDArray[np.object_] | None = None

    def kept(self, mask: NDArray[np.bool_]) -> Sorted:
        """Keep some of the samples."""
        types = None if self.types is None else self.types[mask]
        return replace(self, samples=self.samples[self.samples][mask], types=types)


def sort_rows(table: SurveyTable, settings: SurveySettings) -> tuple[Sorted, Findings]:
    """Leave out standards, blanks and repeats, by a column of sample types or by the names.

    Returns
    -------
    The rows by kind, and findings: a warning "qc" with the controls, a warning "medium-column"
    where a column holds several media and the settings do not say so.
    """
    names = list(table.frame.columns)
    found: list[Finding] = []
    kinds = kinds_of_rows(table, settings)
    controls = np.zeros(len(table), bool) if kinds is None else kinds.controls
    if kinds is not None and controls.any():
        found.append(_left_out(kinds, controls, table))
    types, more = _types(table, names, settings, ~controls)
    return Sorted(~controls, types), Findings((*found, *more))


def kinds_of_rows(table: SurveyTable, settings: SurveySettings) -> SampleKinds | None:
    """Return what each row is, by the names in ``qc``, a column of types, or marked names.

    None where nothing tells controls from samples.
    """
    stated = _by_patterns(table, settings)
    if stated is not None:
        return stated
    names = list(table.frame.columns)
    columns = find_type_columns(names) if settings.qc.column is None else [settings.qc.column]
    for column in columns:
        found = kinds_of_types(table.texts(column), column)
        if found is not None and (found.controls.any() or (found.kinds == "duplicate").any()):
            return found
    return None if settings.id is None else kinds_of_names(table.texts(settings.id))


def _by_patterns(table: SurveyTable, settings: SurveySettings) -> SampleKinds | None:
    """Read the kinds by the patterns that the settings state."""
    patterns: dict[Kind, tuple[str, ...]] = {
        "standard": settings.qc.standards,
        "blank": settings.qc.blanks,
        "duplicate": settings.qc.duplicates,
        "repeat": settings.qc.repeats,
    }
    column = settings.qc.column or settings.id
    if not any(patterns.values()) or column is None:
        return None
    kinds = np.full(len(table), "sample", object)
    words = [word.lower() for word in table.texts(column)]
    for kind, wanted in patterns.items():
        for pattern in wanted:
            kinds[[fnmatch.fnmatchcase(word, pattern.lower()) for word in words]] = kind
    return SampleKinds(kinds, settings.qc.column or "")


def _left_out(kinds: SampleKinds, controls: NDArray[np.bool_], table: SurveyTable) -> Finding:
    counts = Counter(str(kind) for kind in kinds.kinds[controls])
    shown = ", ".join(f"{n} {kind}{'s' * (n > 1)}" for kind, n in counts.most_common())
    how = f"column {kinds.column!r}" if kinds.column else "their names"
    message = f"controls of the laboratory are no samples of the ground: {shown} (by {how})"
    return Finding("warning", "qc", message, rows_where(table.rows, controls))


def _types(
    table: SurveyTable, names: list[str], settings: SurveySettings, samples: NDArray[np.bool_]
) -> tuple[NDArray[np.object_] | None, list[Finding]]:
    """Find a column of several media that nothing in the settings refers to."""
    stated = {settings.medium_column, settings.horizon_column, *settings.where}
    for column in find_type_columns(names):
        if column in stated:
            continue
        words = table.texts(column)[samples]
        plain = np.array([_medium(str(word)) for word in words], object)
        counts = Counter(str(word) for word in plain if word)
        if not 2 <= len(counts) <= 12 or sum(counts.values()) < 0.5 * len(words):
            continue
        shown = ", ".join(f"{n} {word}" for word, n in counts.most_common(5))
        message = (
            f"column {column!r} holds {shown}: choose with where = {{ {column} = ... }}, or state "
            f'medium_column = "{column}"'
        )
        return plain, [Finding("warning", "medium-column", message)]
    return None, []


def _medium(word: str) -> str:
    """Return the medium that a word names; originals and duplicates are of the same one."""
    kind = kind_of(word)
    return "sample" if kind in ("sample", "duplicate") else "" if kind else word
