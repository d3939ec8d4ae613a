"""Where imagery was used, and where it is masked so that the maps are kriged only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from gossan.geo.blocks import Blocks
from gossan.geo.grid import Window
from gossan.geo.layer import Layer
from gossan.io.contract import ImageryShare, SharedLayer
from gossan.io.run_folder import RunFolder
from gossan.pipeline.feature_sets import FeatureSets
from gossan.pipeline.options.products import Product

KRIGED, USED, PART = 0, 1, 2
LEGEND = {
    KRIGED: "kriged only: imagery is masked",
    USED: "imagery used",
    PART: "part of the imagery is masked",
}
"""What the values of ``layers/imagery_used.tif`` mean."""
LAYER = SharedLayer.IMAGERY_USED


@dataclass(frozen=True)
class ImageryUsed:
    """Shares of the map's pixels by features: imagery used, in part, kriged only."""

    shares: Mapping[str, ImageryShare]

    def notes(self) -> list[str]:
        """One line for each set of features that is masked somewhere."""
        found = []
        for name, share in self.shares.items():
            if share.used < 1.0:
                text = f"{name}: masked on {_percent(share.kriged_only)} of the map"
                if share.part > 0:
                    text += f", in part on {_percent(share.part)} more"
                found.append(
                    f"{text}. Products of it hold the kriged value there (the literal pyramid "
                    f"nothing); see layers/{LAYER}.tif."
                )
        return found


def write_imagery_used(
    run: RunFolder, features: FeatureSets, products: list[Product], blocks: Blocks
) -> ImageryUsed:
    """Write ``layers/imagery_used.tif``: one band for each set of features that products use.

    Values are ``LEGEND``'s: 1 where every feature is filled, 0 where all are empty, 2 where some
    are: there the geostatistical model uses the rest, and models that need all features give the
    kriged value. Nothing is written where no product uses imagery.
    """
    names = dict.fromkeys(p.settings.features for p in products)
    sources = [name for name in names if features.pictured(name)]
    if not sources:
        return ImageryUsed({})
    path, facts = run.shared_layer(LAYER), run.store / "parts" / f"{LAYER}.json"

    def work() -> None:
        layers = (features.get(name).layer for name in sources)
        function = partial(used, tuple(layer for layer in layers if layer is not None))
        counts = blocks.write_bytes(
            function, features.grid, path, tuple(sources), resampling="NEAREST"
        )
        shares = counts / counts.sum(axis=1, keepdims=True)
        found = {
            name: ImageryShare(used=row[USED], part=row[PART], kriged_only=row[KRIGED])
            for name, row in zip(sources, shares)
        }
        run.write_json(facts, {name: share.model_dump() for name, share in found.items()})

    made_of = {"imagery": [features.made_of(name) for name in sources], "features": sources}
    run.once(LAYER, made_of, [path, facts], work)
    content = json.loads(facts.read_text(encoding="utf-8"))
    return ImageryUsed({name: ImageryShare(**share) for name, share in content.items()})


def used(layers: tuple[Layer, ...], window: Window) -> NDArray[np.uint8]:
    """Mark the pixels of a window, one band for each layer of features."""
    return np.stack([_marks(np.isfinite(layer.read(window))) for layer in layers])


def _marks(filled: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Mark pixels by their features (d, row, column).

    >>> _marks(np.array([[[True, True, False]], [[True, False, False]]])).tolist()
    [[1, 2, 0]]
    """
    some = np.where(filled.any(axis=0), PART, KRIGED)
    return np.where(filled.all(axis=0), USED, some).astype(np.uint8)


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
