"""No number without a command: the results on README and docs pages, traced to recorded outputs.

A block of results in a page stands between ``<!-- claim: NAME -->`` and ``<!-- end claim -->``.
``claims.toml`` says by which command its numbers come about; ``claims/NAME.txt`` is what the
command printed when it last ran. A number of a block must occur in that record, rounded as it is
written in the page (``27 %`` may be 0.27 there). Tables of published numbers stand between
``<!-- source: WHERE FROM -->`` and ``<!-- end source -->``. A claim whose command takes too long to
be run with the others says so in ``claims.toml`` (``unrecorded``) until it has a record.

    python benchmarks/claims.py              check every page against the records
    python benchmarks/claims.py --run NAME   run the command of a claim again and record it
    python benchmarks/claims.py --run quick  the claims marked quick
    python benchmarks/claims.py --run all    all of them; takes hours
"""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RECORDS = ROOT / "benchmarks" / "claims"
PAGES = ("README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))))
BLOCK = re.compile(r"<!-- claim: (\w+) -->\n(.*?)<!-- end claim -->", re.DOTALL)
SOURCE = re.compile(r"<!-- source: [^>]+ -->\n.*?<!-- end source -->", re.DOTALL)
NUMBER = re.compile(r"(?<![\w.])[-−+]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?(\s?%)?")
RESULT = re.compile(r"^[\s*−+(-]*\d+\.\d+")
"""How a cell with a result begins; a row with two of them is one of results."""


@dataclass(frozen=True)
class Claim:
    """How the numbers of a block come about.

    ``labels`` are numbers of the block that are names rather than results (sizes, settings, years);
    ``unrecorded`` says why there is no record, if there is none.
    """

    name: str
    command: str
    quick: bool = False
    labels: tuple[str, ...] = ()
    unrecorded: str = ""

    @property
    def record(self) -> Path:
        """File with what the command printed."""
        return RECORDS / f"{self.name}.txt"

    def run(self) -> None:
        """Run the command and record what it prints."""
        words = shlex.split(self.command)
        words = [sys.executable, *words[1:]] if words[0] == "python" else words
        words = [sys.executable, "-m", *words] if words[0] == "gossan" else words
        found = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=True)
        RECORDS.mkdir(exist_ok=True)
        text = f"$ {self.command}\n{found.stdout.replace(str(ROOT), '.').rstrip()}\n"
        self.record.write_text(text, encoding="utf-8")


def claims() -> dict[str, Claim]:
    """Read ``claims.toml``."""
    return {
        name: Claim(name, **{**row, "labels": tuple(row.get("labels", ()))})
        for name, row in _content()["claim"].items()
    }


def _content() -> dict[str, Any]:
    return tomllib.loads((ROOT / "benchmarks" / "claims.toml").read_text(encoding="utf-8"))


def numbers(text: str) -> list[tuple[str, float, int, bool]]:
    """Find the numbers of a text: as written, value, decimals, and whether it is a percentage."""
    found = []
    for match in NUMBER.finditer(text):
        written = match[0].replace("−", "-").replace(",", "")
        percent = bool(match[1])
        digits = written.removesuffix("%").strip()
        decimals = len(digits.partition(".")[2]) if "e" not in digits else 12
        found.append((match[0], float(digits), decimals, percent))
    return found


def untraced(block: str, record: str, labels: tuple[str, ...] = ()) -> list[str]:
    """Numbers of a block that its record does not have, rounded as they are written.

    >>> untraced("| Cu | 0.48 | 27 % | 3 |", "skill 0.4812 share 0.2749 of 3")
    []
    >>> untraced("| Cu | 0.49 |", "skill 0.4812")
    ['0.49']
    """
    known = [value for _, value, _, _ in numbers(record)]
    missing = []
    for written, value, decimals, percent in numbers(block):
        places = [(1.0, decimals)] + ([(100.0, decimals)] if percent else [])
        near = any(
            abs(abs(one) * scale - abs(value)) <= 0.5 * 10.0**-digits * (1 + 1e-9)
            for one in known
            for scale, digits in places
        )
        if not near and written.strip() not in labels:
            missing.append(written)
    return missing


def mistakes() -> list[str]:
    """Say what is stale or cannot be traced, a line each."""
    known, found, used = claims(), [], set()
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        for name, block in BLOCK.findall(text):
            used.add(name)
            lacking = _lacking(known[name], block) if name in known else ["not in claims.toml"]
            found += [f"{page}: claim {name}: {what}" for what in lacking]
        rows = _rows(SOURCE.sub("", BLOCK.sub("", text)))
        found += [f"{page}: no source: {row[:70]}" for row in rows]
    found += [f"claims.toml: {name} stands on no page" for name in sorted(set(known) - used)]
    return found + [
        f"claims.toml: {claim.name} has a record; take out why it has none"
        for claim in known.values()
        if claim.unrecorded and claim.record.exists()
    ]


def _lacking(claim: Claim, block: str) -> list[str]:
    """What a block says that is not in the record of its claim."""
    if claim.record.exists():
        record = claim.record.read_text(encoding="utf-8")
        return [
            f"{number} is not in its record" for number in untraced(block, record, claim.labels)
        ]
    return [] if claim.unrecorded else [f"no record; run claims.py --run {claim.name}"]


def _rows(text: str) -> list[str]:
    """Rows of tables that state results."""
    rows = [line for line in text.splitlines() if line.startswith("|")]
    return [row for row in rows if sum(bool(RESULT.match(c)) for c in row.split("|")[1:]) > 1]


def main() -> int:
    """Run the tool."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", metavar="NAME", help="a claim, quick or all")
    wanted = parser.parse_args().run
    for name, claim in claims().items():
        if wanted in (name, "all") or (wanted == "quick" and claim.quick):
            print(f"{name}: {claim.command}", flush=True)
            claim.run()
    found = mistakes()
    print("\n".join(found) or "every result on the pages is in a record")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
