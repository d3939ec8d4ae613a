"""What a package page shows: README with pictures and links that work away from the repository.

A package page has no files beside the text. ``GOSSAN_REPOSITORY``, set when a release is built, is
the public address of the repository: pictures and links lead there, and the package page lists it.
Without it pictures are left out and links are plain words; nothing on the page is broken then.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface

PICTURE = re.compile(r"!\[([^\]]*)\]\((?!https?://)([^)\s]+)\)\n?")
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\((?!https?://|#)([^)\s]+)\)")
COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)


class CustomMetadataHook(MetadataHookInterface):
    """Give readme and addresses to the package."""

    def update(self, metadata: dict) -> None:
        """Add the fields that pyproject.toml lists as dynamic."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        repository = os.environ.get("GOSSAN_REPOSITORY", "").rstrip("/")
        shown = for_package_page(text, repository)
        metadata["readme"] = {"content-type": "text/markdown", "text": shown}
        metadata["urls"] = addresses(repository)


def addresses(repository: str) -> dict[str, str]:
    """Return the addresses that a package page lists; none without a public repository."""
    if not repository:
        return {}
    pages = {"Repository": "", "Issues": "/issues", "Changelog": "/blob/main/CHANGELOG.md"}
    return {name: repository + end for name, end in pages.items()}


def for_package_page(text: str, repository: str) -> str:
    """Return README with pictures and links that lead to the repository, or without them."""
    text = COMMENT.sub("", text)
    if not repository:
        return LINK.sub(r"\1", PICTURE.sub("", text))
    text = PICTURE.sub(rf"![\1]({repository}/raw/main/\2)\n", text)
    return LINK.sub(rf"[\1]({repository}/blob/main/\2)", text)
