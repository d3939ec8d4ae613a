"""Which mixing the map of sediment takes from a run; the map itself: test_catchment_supports."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd

from gossan.geo.grounds import BY_AREA, Mixing
from gossan.pipeline.sediment_map import mixing_of


def test_the_mixing_is_the_likeliest_of_the_product_and_element() -> None:
    rows = [
        ("map", "Cu", "area", float("inf"), 0.2),
        ("map", "Cu", "slope", 800.0, 0.8),
        ("map", "Zn", "area", float("inf"), 0.9),
    ]
    table = pd.DataFrame(rows, columns=["product", "element", "ground", "decay_m", "weight"])
    run = SimpleNamespace(table=lambda name: table)
    found = [
        mixing_of(run, SimpleNamespace(product=product, element=element))  # type: ignore[arg-type]
        for product, element in (("map", "Cu"), ("map", "Zn"), ("squares", "Cu"))
    ]
    assert found == [Mixing(True, 800.0), BY_AREA, BY_AREA]
    none = SimpleNamespace(table=lambda name: pd.DataFrame())
    assert mixing_of(none, SimpleNamespace(product="map", element="Cu")) == BY_AREA  # type: ignore[arg-type]
