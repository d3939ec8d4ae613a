"""Names that users choose, and the file names made of them."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

LONGEST_NAME = 60
LONGEST_STEM = 120
"""File systems allow 255 bytes; endings, temporary names and letters of several bytes need room."""
RESERVED = {"con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in range(1, 10))}
"""Names of devices on Windows, which no file there can have, whatever its ending."""
_FORBIDDEN = re.compile(r'[\\:*?"<>|]|\.\.|[. ]$')


def checked_name(name: str) -> str:
    """Refuse a name that could not be part of a file name on every system.

    A slash is allowed (ratios such as Th/U): ``file_name`` replaces it.

    Raises
    ------
    ValueError
        Says what a name must be.

    >>> checked_name("Th/U")
    'Th/U'
    >>> checked_name("x/../../outside")
    Traceback (most recent call last):
        ...
    ValueError: must begin with a letter or digit and be without .. \\ : * ? " < > |, since it ...
    """
    if not name[:1].isalnum() or not name.isprintable() or _FORBIDDEN.search(name):
        raise ValueError(
            'must begin with a letter or digit and be without .. \\ : * ? " < > |, since it names '
            "files"
        )
    if len(name) > LONGEST_NAME:
        raise ValueError(f"must have at most {LONGEST_NAME} characters, since it names files")
    if name.split(".")[0].strip().casefold() in RESERVED:
        raise ValueError("must not be a name that Windows reserves for devices (con, nul, aux ...)")
    return name


Name = Annotated[str, AfterValidator(checked_name)]
"""A name that may become part of a path."""


def file_name(*parts: str) -> str:
    """Join names to the stem of a file that every system can hold.

    Plain names stay as they are. Others have their special characters replaced and get a short
    hash, so that different names never share a file.

    >>> file_name("kriging", "Cu")
    'kriging_Cu'
    >>> file_name("kriging", "Th/U"), file_name("kriging", "Th-U")
    ('kriging_Th-U-9fcc', 'kriging_Th-U')
    """
    return "_".join(map(_safe, filter(None, parts)))


def _safe(part: str) -> str:
    plain = re.sub(r"[^\w-]+", "-", unicodedata.normalize("NFC", part)).strip("-")[:LONGEST_STEM]
    if plain == part and part.casefold() not in RESERVED:
        return part
    return f"{plain}-{hashlib.blake2b(part.encode(errors='replace'), digest_size=2).hexdigest()}"


def as_word(path: Path | str) -> str:
    """Write a path as one word of a command line: in quotes where it is not plain.

    >>> as_word("copper"), as_word("Río Blanco")
    ('copper', '"Río Blanco"')
    """
    return str(path) if re.fullmatch(r"[\w./\\:+-]+", str(path)) else f'"{path}"'


def sharing_a_file(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Group names whose files would be one and the same, also where case does not count.

    >>> sharing_a_file(["Cu", "Zn", "CU"])
    [('Cu', 'CU')]
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(file_name(name).casefold(), []).append(name)
    return [tuple(group) for group in groups.values() if len(group) > 1]
