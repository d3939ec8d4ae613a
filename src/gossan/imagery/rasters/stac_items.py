"""Read STAC items: which raster files a scene is made of, and when it was taken."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gossan.errors import ImageryError, must, reading
from gossan.geo.remote import is_remote, remote_path, remote_text

__all__ = ["StacItem", "read_item"]

TYPES = ("image/tiff", "image/jp2", "image/vnd.stac.geotiff")
"""Beginnings of the media types of assets that are rasters."""
ENDINGS = (".tif", ".tiff", ".jp2", ".vrt")
ASIDE = {"thumbnail", "overview", "visual", "metadata"}
"""Roles of assets that show a scene but are not its data."""


@dataclass(frozen=True)
class StacItem:
    """One item: its file, the rasters it names, and its time (None where it states none)."""

    path: Path
    assets: tuple[Path, ...]
    time: datetime | None


def read_item(path: Path) -> StacItem:
    """Read a STAC item, a GeoJSON feature with assets.

    Assets with the role "data" are taken; without that role all rasters but pictures of the scene.
    They are files or addresses (https://, s3://, gs://, az://), relative to the item.

    Parameters
    ----------
    path
        The item.

    Raises
    ------
    ImageryError
        The file is no STAC item, names no raster, or a raster that is no file.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "item.json"
    >>> path.with_name("b.tif").touch()
    >>> bands = {"href": "./b.tif", "roles": ["data"]}
    >>> when = {"datetime": "2024-06-01T07:00:00Z"}
    >>> _ = path.write_text(json.dumps({"properties": when, "assets": {"bands": bands}}))
    >>> item = read_item(path)
    >>> [asset.name for asset in item.assets], item.time.day
    (['b.tif'], 1)
    """
    with reading(path, ImageryError):
        found = json.loads(remote_text(path) if is_remote(path) else path.read_text("utf-8"))
    if not isinstance(found, dict) or not isinstance(found.get("assets"), dict):
        kind = found.get("type", "no type") if isinstance(found, dict) else "no object"
        cure = "Name the items (not the catalogue or collection), or the rasters themselves"
        raise ImageryError(must(str(path), "a STAC item with assets", kind, cure))
    chosen = _rasters(found["assets"])
    if not chosen:
        cure = "Give a raster the role data, or name the rasters themselves"
        raise ImageryError(must(str(path), "a STAC item with a raster", "none", cure))
    assets = tuple(_file(path, str(one.get("href", ""))) for one in chosen)
    return StacItem(path, assets, _time(found.get("properties") or {}))


def _rasters(assets: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Choose the assets that hold the scene's data."""
    rasters = [one for one in assets.values() if isinstance(one, dict) and _is_raster(one)]
    data: list[Mapping[str, Any]] = [one for one in rasters if "data" in _roles(one)]
    return data or [one for one in rasters if not ASIDE & _roles(one)]


def _is_raster(asset: Mapping[str, Any]) -> bool:
    kind, address = str(asset.get("type", "")), str(asset.get("href", ""))
    return kind.startswith(TYPES) or address.lower().endswith(ENDINGS)


def _roles(asset: Mapping[str, Any]) -> set[str]:
    return {str(role) for role in asset.get("roles") or ()}


def _file(item: Path, address: str) -> Path:
    """Find the file of an asset, beside its item or at its address."""
    plain = address.removeprefix("file://")
    remote = remote_path(plain)
    if remote is not None:
        return remote
    if "://" in plain:
        cure = "Download the scene or mount its bucket, and let the item name the file"
        allowed = "a file, or an address of https, s3, gs or az"
        raise ImageryError(must(f"{item.name}: href", allowed, address, cure))
    if is_remote(item):
        return Path(os.path.normpath(item.parent / plain))
    found = item.parent / plain
    if not found.exists():
        cure = "Correct the item, or name the rasters themselves"
        raise ImageryError(must(f"{item.name}: href", "an existing file", found, cure))
    return found


def _time(properties: Mapping[str, Any]) -> datetime | None:
    """Read when the scene was taken, or when its period began."""
    text = properties.get("datetime") or properties.get("start_datetime")
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def times_of(items: Sequence[StacItem]) -> dict[Path, datetime]:
    """Return the time of each raster whose item states one."""
    return {asset: item.time for item in items if item.time for asset in item.assets}
