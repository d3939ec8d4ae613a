"""The run folder: the contract between the walk and everything that reads its results.

::

    RUN/
      manifest.json         settings, hashes of inputs, versions, seed, timings, products
      layers/<product>_<element>.tif
      tables/*.csv
      figures/*
      store/                scratch that a second run may reuse
      steps/<step>.json     what each finished step was made of
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from gossan.errors import InputError, must
from gossan.geo.raster import atomic_path, close_files
from gossan.io.contract import KrigeManifest, RunManifest
from gossan.io.tables import complete
from gossan.names import file_name

WHOLE_HASH_BYTES = 256 * 2**20
"""Files above this size are known by their size and three samples of their bytes."""


@dataclass(frozen=True)
class RunFolder:
    """Name the files of a run and write them whole or not at all.

    >>> import tempfile
    >>> run = RunFolder(Path(tempfile.mkdtemp()))
    >>> run.write_table("clusters", pd.DataFrame({"pixels": [5]}))
    >>> run.table("clusters")["pixels"].tolist()
    [5]
    """

    root: Path

    @property
    def layers(self) -> Path:
        """Folder of the maps."""
        return self.root / "layers"

    @property
    def tables(self) -> Path:
        """Folder of the tables."""
        return self.root / "tables"

    @property
    def figures(self) -> Path:
        """Folder of the figures."""
        return self.root / "figures"

    @property
    def anomalies(self) -> Path:
        """Folder of anomalies and of proposed samples, for GIS and field."""
        return self.root / "anomalies"

    @property
    def store(self) -> Path:
        """Folder of scratch that a second run may reuse."""
        return self.root / "store"

    @property
    def manifest_path(self) -> Path:
        """The file that makes a folder a finished one; it is written last."""
        return self.root / "manifest.json"

    def layer(self, product: str, element: str, suffix: str = "") -> Path:
        """Path of a map: ``layers/<product>_<element>[_<suffix>].tif``."""
        return self.layers / f"{file_name(product, element, suffix)}.tif"

    def parts(self, *names: str) -> Path:
        """Folder of what a step leaves for the steps after it."""
        return self.store / "parts" / file_name(*names)

    def write_table(self, name: str, table: pd.DataFrame) -> None:
        """Write ``tables/<name>.csv``; what ``io.tables`` names must have its columns."""
        with atomic_path(self.tables / f"{name}.csv") as temporary:
            complete(name, table).to_csv(temporary, index=False, float_format="%.8g")

    def table(self, name: str) -> pd.DataFrame:
        """Read ``tables/<name>.csv``; a table without rows where there is none."""
        path = self.tables / f"{name}.csv"
        try:
            found = pd.read_csv(path) if path.exists() else pd.DataFrame()
        except pd.errors.EmptyDataError:
            found = pd.DataFrame()
        try:
            return complete(name, found)
        except ValueError as error:
            cure = f"Run the project again: gossan run PROJECT --out {self.root}"
            raise InputError(must(path.name, "as gossan wrote it", error, cure)) from error

    def write_json(self, path: Path, content: Any) -> None:
        """Write JSON whole."""
        with atomic_path(path) as temporary:
            text = json.dumps(content, indent=2, ensure_ascii=False, default=str)
            temporary.write_text(text + "\n", encoding="utf-8")

    def write_manifest(self, manifest: RunManifest | KrigeManifest) -> None:
        """Write the manifest, the last thing of all: a folder with a manifest is finished."""
        self.write_json(self.manifest_path, manifest.model_dump())

    def clean(self) -> None:
        """Remove what a killed run left under temporary names."""
        for path in self.root.rglob(".*.partial*"):
            path.unlink(missing_ok=True)

    def once(
        self,
        step: str,
        made_of: Mapping[str, Any],
        outputs: Iterable[Path],
        work: Callable[[], Any],
    ) -> bool:
        """Do a step unless it was done before from the same things and its outputs still stand.

        ``made_of`` is everything that the outputs depend on. Returns True when the step was done
        now, False when it was kept.
        """
        outputs = list(outputs)
        if self.stands(step, made_of, outputs):
            return False
        work()
        self.keep(step, made_of, outputs)
        return True

    def stands(self, step: str, made_of: Mapping[str, Any], outputs: Iterable[Path]) -> bool:
        """Tell whether a step was done from the same things and its outputs are still there.

        A step that was done from other things is forgotten.
        """
        marker = self._marker(step)
        if not marker.exists():
            return False
        known = json.loads(marker.read_text(encoding="utf-8"))
        if known.get("key") == fingerprint(made_of) and all(path.exists() for path in outputs):
            return True
        marker.unlink()
        return False

    def forget(self, product: str, element: str) -> None:
        """Remove the maps of a product that is made anew: they were made of other things."""
        close_files()
        for suffix in ("", "se"):
            self.layer(product, element, suffix).unlink(missing_ok=True)

    def keep(self, step: str, made_of: Mapping[str, Any], outputs: Iterable[Path]) -> None:
        """Remember that a step was done: the last thing of it."""
        names = [path.relative_to(self.root).as_posix() for path in outputs]
        self.write_json(self._marker(step), {"key": fingerprint(made_of), "outputs": names})

    def _marker(self, step: str) -> Path:
        return self.root / "steps" / f"{file_name(step)}.json"


def fingerprint(content: Mapping[str, Any]) -> str:
    """Give a short stable hash of settings.

    >>> fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    True
    """
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def file_hash(path: Path) -> str:
    """Give the blake2b hash of a file (of its size and three samples when it is very large)."""
    size = path.stat().st_size
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as stream:
        if size <= WHOLE_HASH_BYTES:
            for piece in iter(lambda: stream.read(2**20), b""):
                digest.update(piece)
            return digest.hexdigest()
        digest.update(str(size).encode())
        for start in (0, size // 2, size - 2**20):
            stream.seek(start)
            digest.update(stream.read(2**20))
    return "sampled:" + digest.hexdigest()


def input_hashes(paths: Iterable[Path]) -> dict[str, str]:
    """Hash every input file; a folder stands for all files below it."""
    found: dict[str, str] = {}
    for path in paths:
        members = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for member in members:
            name = member.name if member is path else member.relative_to(path.parent).as_posix()
            found[name if name not in found else str(member)] = file_hash(member)
    return found
