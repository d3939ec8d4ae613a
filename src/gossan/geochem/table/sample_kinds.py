"""Tell samples of the ground from standards, blanks and repeats of the laboratory."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["sample", "standard", "blank", "duplicate", "repeat"]

_COLUMN = re.compile(
    r"(sample|samp|smp|specimen)_?(type|class|kind|category|media|medium|material|matrix|desc)"
    r"|(qa_?)?qc(_?(type|code|flag|category|sample))?|(qaqc|control)(_type)?|media|medium|matrix"
    r"|samp?_?typ|type|check_?type|standard_?(id|type|name|no)?|crm(_?(id|name))?"
    r"|tipo_?(de_?)?(la_?)?(muestra|amostra)|tipo|type_?(d_?)?(echantillon|échantillon)"
    r"|is_?(standard|crm|blank|duplicate|repeat|qc)\??|probenart|probentyp|тип(_пробы)?|样品类型|样品类别|rodzaj_?próbki",
    re.I,
)
_KINDS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("blank", re.compile(
        r"\*?(.*\b)?(blanks?|blk|blanco|branco|blanc|leerprobe|blindprobe|空白(样|樣)?|холост\w*|бланк)"
        r"(\b.*|[-_ ]?\d+.*)?", re.I)),
    ("standard", re.compile(
        r"\*?(.*\b)?(std|standard|crm|srm|cert(ified)?([ _]?(ref\w*|mat\w*|std))?"
        r"|reference([ _]material)?"
        r"|oreas|geostats|control[ _]sample|estándar|estandar|padr(ão|ao)|patrón|patron"
        r"|referenzmaterial|标样|标准物?质?|стандарт\w*"
        r"|material[ _]de[ _]refer[eê]n\w*)(\b.*|[-_ ]?\d+.*)?", re.I)),
    ("repeat", re.compile(
        r"\*?(rep|repeat|pulp[ _-]?(dup\w*|rep\w*)|lab[ _-]?(dup\w*|rep\w*)|reject[ _-]?dup\w*"
        r"|(lab|coarse|pulp)[ _-]?split"
        r"|qc[ _-]?(rep|dup)\w*|重复分析)\.?(\b.*)?", re.I)),
    ("duplicate", re.compile(
        r"\*?(field[ _-]?)?(dup|dupl|duplicate|duplicado|duplicata"
        r"|doublon|duplikat|дубль|дубликат|重复样?|fd|fdup)s?\.?(\b.*)?",
        re.I)),
    ("sample", re.compile(
        r"(orig(inal)?|routine|normal|primary|regular|sample|unknown|assay|nat(ural)?|prim|samp"
        r"|smp|n|s|o|field|muestra|amostra|probe|проба|样品)\.?",
        re.I)),
)  # fmt: skip
_MARKED = re.compile(r"\*\s?(?P<kind>rep|dup|std|blk|blank|standard)\b", re.I)
_NAME = re.compile(
    r"(?P<standard>std|standard|crm|srm|oreas)(?![a-z])|(?P<blank>blk|blank|blanco|branco)(?![a-z])"
    r"|.+[\s\-_](?P<duplicate>dup|duplicate)\d?$|.+[\s\-_](?P<repeat>rep|chk)\d?$",
    re.I,
)
MOST_CONTROLS = 0.4
"""Largest share of controls by which a column of types or names is taken for one."""


def kind_of(word: str) -> Kind | None:
    """Read a word of a column of sample types; None where it says nothing of control.

    >>> [kind_of(word) for word in ("CRM", "BLK", "Field Duplicate", "ORIG", "soil", "*Rep S5")]
    ['standard', 'blank', 'duplicate', 'sample', None, 'repeat']
    """
    plain = word.strip()
    return next((kind for kind, pattern in _KINDS if pattern.fullmatch(plain)), None)


@dataclass(frozen=True, eq=False)
class SampleKinds:
    """(n,) kind of each row, and the column that it was read from ("" for the names)."""

    kinds: NDArray[np.object_]
    column: str = ""

    @property
    def controls(self) -> NDArray[np.bool_]:
        """Rows that are no samples of the ground."""
        return np.isin(self.kinds.astype(str), ("standard", "blank", "repeat"))


def find_type_columns(names: Sequence[str]) -> list[str]:
    """List the columns that may hold types of samples.

    >>> find_type_columns(["SAMPLE_TYPE", "QC Type", "Cu_ppm"])
    ['SAMPLE_TYPE', 'QC Type']
    """
    return [n for n in names if _COLUMN.fullmatch(re.sub(r"[\s.\-']+", "_", n.strip()))]


def kinds_of_types(words: NDArray[np.object_], column: str) -> SampleKinds | None:
    """Read the kinds from a column of types; None where it knows no controls or mostly controls."""
    known = {word: _kind_of_flag(str(word), column) or kind_of(str(word)) for word in set(words)}
    kinds = np.array([known[word] or "sample" for word in words], object)
    share = np.mean(kinds != "sample")
    return SampleKinds(kinds, column) if 0 < share <= MOST_CONTROLS else None


def _kind_of_flag(word: str, column: str) -> Kind | None:
    """Read yes or no in a column that names a kind: is_standard, Blank?."""
    named = kind_of(re.sub(r"^(is|qc|lab)[\s_]+|\?$", "", column.strip(), flags=re.I))
    if named is None or word.strip().lower() not in ("true", "yes", "y", "1", "t", "x"):
        return None
    return named


def kinds_of_names(names: NDArray[np.object_]) -> SampleKinds | None:
    """Read the kinds from samples' names such as STD-1, *Rep S5; None where none is marked.

    >>> found = kinds_of_names(np.array(["S1", "S2", "S3", "OREAS 45d", "S2 DUP"], object))
    >>> found.kinds.tolist()
    ['sample', 'sample', 'sample', 'standard', 'duplicate']
    """
    kinds = np.array([_kind_of_name(str(name)) for name in names], object)
    share = np.mean(kinds != "sample")
    return SampleKinds(kinds) if 0 < share <= MOST_CONTROLS else None


def _kind_of_name(name: str) -> Kind:
    marked = _MARKED.match(name.strip())
    if marked:
        word = marked["kind"].lower()
        return (
            "standard" if word.startswith("st") else "blank" if word.startswith("b") else "repeat"
        )
    match = _NAME.match(name.strip())
    if match is None:
        return "sample"
    kinds: tuple[Kind, ...] = ("standard", "blank", "duplicate", "repeat")
    return next(kind for kind in kinds if match[kind])
