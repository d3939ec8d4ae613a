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
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from gossan.errors import InputError, must
from gossan.geo.raster import atomic_path, close_files
from gossan.io.contract import KrigeManifest, RunManifest, SharedLayer
from gossan.io.file_hashes import FileHashes
from gossan.io.folder_lock import locked
from gossan.io.tables import complete, harmless
from gossan.names import file_name

READ_FOLDERS = ("layers", "tables", "figures", "anomalies", "targets", "field")
OWN_FOLDERS = (*READ_FOLDERS, "store", "steps")
TEMPORARY = re.compile(r"\..*\.[0-9a-f]{8}\.partial(\..*|-journal)?")
"""Names that ``atomic_path`` gives to files that are not whole yet."""


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
    tiled: bool = False
    """Whether maps are written in tiles, shown as one by a virtual raster."""

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
    def field(self) -> Path:
        """Folder that a tablet takes to the field."""
        return self.root / "field"

    @property
    def store(self) -> Path:
        """Folder of scratch that a second run may reuse."""
        return self.root / "store"

    @property
    def unfinished_path(self) -> Path:
        """What becomes of the manifest while a command changes the folder."""
        return self.root / "manifest.unfinished.json"

    @property
    def manifest_path(self) -> Path:
        """The file that makes a folder a finished one; it is written last."""
        return self.root / "manifest.json"

    def layer(self, product: str, element: str, suffix: str = "") -> Path:
        """Path of a map: ``layers/<product>_<element>[_<suffix>].tif``, ``.vrt`` of tiles."""
        ending = "vrt" if self.tiled else "tif"
        return self.layers / f"{file_name(product, element, suffix)}.{ending}"

    def shared_layer(self, layer: SharedLayer) -> Path:
        """Path of a layer that belongs to the whole run: ``layers/<name>.tif``."""
        return self.layers / f"{layer}.tif"

    def parts(self, *names: str) -> Path:
        """Folder of what a step leaves for the steps after it."""
        return self.store / "parts" / file_name(*names)

    def write_table(self, name: str, table: pd.DataFrame) -> None:
        """Write ``tables/<name>.csv``; what ``io.tables`` names must have its columns."""
        with atomic_path(self.tables / f"{name}.csv") as temporary:
            whole = harmless(complete(name, table))
            whole.to_csv(temporary, index=False, float_format="%.8g")

    def table(self, name: str) -> pd.DataFrame:
        """Read ``tables/<name>.csv``; a table without rows where there is none.

        Raises
        ------
        InputError
            The table is damaged.
        """
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
        """Write the manifest with the size and hash of every file, the last thing of all."""
        listed = {**manifest.model_dump(), "files": self.contents()}
        self.write_json(self.manifest_path, listed)
        self.unfinished_path.unlink(missing_ok=True)

    def withdraw(self) -> None:
        """Mark the folder as unfinished, before the first change to what readers read."""
        if self.manifest_path.exists():
            self.manifest_path.replace(self.unfinished_path)

    @contextmanager
    def changed(self) -> Iterator[None]:
        """Keep other commands out, and remove what a killed command left behind."""
        with locked(self.root):
            self.clean()
            yield

    @contextmanager
    def amended(
        self, manifest: RunManifest, *patterns: str, keep: Container[str] = ()
    ) -> Iterator[None]:
        """Change files of a finished run: its manifest is withdrawn first and comes back last.

        Parameters
        ----------
        manifest
            What the folder says of itself afterwards.
        patterns
            Files that are made anew, such as ``"figures/*"``.
        keep
            Names of files among them to be left alone.
        """
        with self.changed():
            self.withdraw()
            with self.renewed(*patterns, keep=keep):
                yield
            self.write_manifest(manifest)

    @contextmanager
    def renewed(self, *patterns: str, keep: Container[str] = ()) -> Iterator[None]:
        """Remove the files of earlier commands that this one does not write again.

        Only files that the manifest lists are removed: never those of a user, nor those of steps
        that this command has found standing.

        Parameters
        ----------
        patterns
            Which files, such as ``"figures/*"``.
        keep
            Names of files to be left alone.
        """
        listed = self._listed()
        stamps = {
            path: _stamp(path)
            for pattern in patterns
            for path in self.root.glob(pattern)
            if path.relative_to(self.root).as_posix() in listed and path.name not in keep
        }
        yield
        close_files()
        kept = {(path.parent, path.stem) for path in self._standing}
        for path, stamp in stamps.items():
            beside = (path.parent, path.stem) in kept  # a style, say
            if path.exists() and _stamp(path) == stamp and not beside:
                path.unlink()

    def drop_layers(self, wanted: Callable[[str], bool]) -> None:
        """Remove maps, with what lies beside them, that the manifest lists and nobody wants.

        Parameters
        ----------
        wanted
            Tells whether the stem of a map is still wanted.
        """
        close_files()
        for name in self._listed():
            path = self.root / name
            inside = path.relative_to(self.layers).parts if self.layers in path.parents else ()
            if inside and not wanted(inside[0].split(".")[0]):
                path.unlink(missing_ok=True)

    def _listed(self) -> set[str]:
        """Files that the last finished command listed."""
        for path in (self.manifest_path, self.unfinished_path):
            try:
                found = json.loads(path.read_text(encoding="utf-8"))
                return set(found.get("files", ()))
            except (OSError, ValueError, AttributeError):
                continue
        return set()

    def contents(self) -> dict[str, dict[str, object]]:
        """Size and hash of every file that readers read."""
        folders = [self.root / name for name in READ_FOLDERS]
        paths = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
        paths += [path for path in sorted(self.root.glob("*")) if path.suffix in (".html", ".qgs")]
        paths = [path for path in paths if not TEMPORARY.fullmatch(path.name)]
        return {
            path.relative_to(self.root).as_posix(): {"bytes": path.stat().st_size, "hash": found}
            for path, found in zip(paths, self.hashes.of_all(paths))
        }

    def hashes_of_map(self, path: Path) -> list[str]:
        """Hash a map, and its tiles where it is a virtual raster of them; nothing where it is not.

        Parameters
        ----------
        path
            The map.
        """
        return self.hashes.of_all([one for one in self.with_tiles(path) if one.exists()])

    def with_tiles(self, path: Path) -> list[Path]:
        """List a map and the files of its tiles.

        Parameters
        ----------
        path
            The map.
        """
        return [path, *sorted(path.with_suffix("").glob("*.*"))]

    def drop_pixels(self) -> None:
        """Remove the pixels of features from the store: a later step makes them again if needed."""
        close_files()
        for path in (self.store / "features").glob("*"):
            if path.suffix in (".tif", ".hash"):
                path.unlink(missing_ok=True)

    def clean(self) -> None:
        """Remove the temporaries of a killed command: files of our own names in our own folders."""
        folders = [self.root.glob("*"), *((self.root / name).rglob("*") for name in OWN_FOLDERS)]
        for path in (path for folder in folders for path in folder):
            if TEMPORARY.fullmatch(path.name) and path.is_file():
                path.unlink(missing_ok=True)

    def once(
        self,
        step: str,
        made_of: Mapping[str, Any],
        outputs: Iterable[Path],
        work: Callable[[], Any],
        also: Iterable[Path] = (),
    ) -> bool:
        """Do a step unless it was done before from the same things and its outputs still stand.

        ``made_of`` is everything that the outputs depend on; ``also`` are outputs that the step
        need not make. Returns True when the step was done now, False when it was kept.
        """
        outputs = list(outputs)
        if self.stands(step, made_of, outputs):
            return False
        work()
        self.keep(step, made_of, [*outputs, *also])
        return True

    def tables_once(
        self,
        step: str,
        made_of: Mapping[str, Any],
        work: Callable[[], tuple[Mapping[str, pd.DataFrame], Iterable[Path]]],
    ) -> dict[str, pd.DataFrame]:
        """Do a step that gives tables and may write files, unless it stands.

        Parameters
        ----------
        step, made_of
            As of ``once``.
        work
            Does the step; returns its tables by name and the files that it has written.

        Returns
        -------
        Its tables, as they are kept; those without rows are left out.

        Examples
        --------
        >>> import tempfile
        >>> run, done = RunFolder(Path(tempfile.mkdtemp())), []
        >>> def work():
        ...     done.append("once")
        ...     return {"clusters": pd.DataFrame({"pixels": [5]})}, []
        >>> for _ in range(2):
        ...     found = run.tables_once("count", {"size": 2}, work)
        >>> found["clusters"]["pixels"].tolist(), done
        ([5], ['once'])
        """
        folder = self.parts(step)
        if not self.stands(step, made_of, ()):
            for path in folder.glob("*.csv"):
                path.unlink()
            tables, files = work()
            for name, table in tables.items():
                if len(table):
                    with atomic_path(folder / f"{name}.csv") as temporary:
                        table.to_csv(temporary, index=False)
            self.keep(step, made_of, [*sorted(folder.glob("*.csv")), *files])
        return {path.stem: _read_part(path) for path in sorted(folder.glob("*.csv"))}

    def stands(self, step: str, made_of: Mapping[str, Any], outputs: Iterable[Path]) -> bool:
        """Whether a step was done from the same things and all its outputs are as it left them.

        A step that was done from other things, or whose outputs are missing or damaged, is
        forgotten.
        """
        marker = self._marker(step)
        known = self._known(marker)
        wanted = {path.relative_to(self.root).as_posix() for path in outputs}
        same = known.get("key") == fingerprint(made_of) and wanted <= set(known["outputs"])
        if same and all(self._whole(name, hashed) for name, hashed in known["outputs"].items()):
            self._standing.update(self.root / name for name in known["outputs"])
            return True
        marker.unlink(missing_ok=True)
        return False

    def forget(self, product: str, element: str) -> None:
        """Remove the maps and parts of a product that is made anew: they were of other things.

        Tiles stay: each says itself what it was made of.
        """
        close_files()
        for suffix in ("", "se"):
            for ending in (".tif", ".vrt"):
                path = self.layer(product, element, suffix).with_suffix(ending)
                path.unlink(missing_ok=True)
        for path in self.parts(product, element).glob("*"):
            path.unlink()

    def keep(self, step: str, made_of: Mapping[str, Any], outputs: Iterable[Path]) -> None:
        """Record that a step was done, and the hashes of its outputs: the last thing of it."""
        paths = [path for path in outputs if path.exists()]
        names = (path.relative_to(self.root).as_posix() for path in paths)
        found = dict(zip(names, self.hashes.of_all(paths)))
        self.write_json(self._marker(step), {"key": fingerprint(made_of), "outputs": found})

    def _known(self, marker: Path) -> dict[str, Any]:
        """Read the record of a step; a damaged one is none."""
        try:
            found = json.loads(marker.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) and isinstance(found.get("outputs"), dict) else {}

    def _whole(self, name: str, hashed: str) -> bool:
        path = self.root / name
        return path.is_file() and self.hashes.of(path) == hashed

    @cached_property
    def _standing(self) -> set[Path]:
        """Outputs of the steps that were found standing."""
        return set()

    @cached_property
    def hashes(self) -> FileHashes:
        """Hashes of files, remembered in the store."""
        return FileHashes(self.store / "hashes.json")

    def _marker(self, step: str) -> Path:
        return self.root / "steps" / f"{file_name(step)}.json"


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_ino


def _read_part(path: Path) -> pd.DataFrame:
    """Read a table of a step; only what is empty is missing, not an element called NA."""
    return pd.read_csv(path, keep_default_na=False, na_values=[""], low_memory=False)


def fingerprint(content: Mapping[str, Any]) -> str:
    """Return a short stable hash of settings.

    >>> fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    True
    """
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
