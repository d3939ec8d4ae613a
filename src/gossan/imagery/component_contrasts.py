"""Say in one line what a principal component contrasts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gossan.catalogue.indices import all_indices
from gossan.imagery.components import Components

STRONG = 0.6
"""Share of the largest loading that a band must reach to be named."""

_ABSORPTIONS = {
    "aster": {
        "b5": "Al-OH (alunite, kaolinite)",
        "b6": "Al-OH",
        "b7": "Fe-OH",
        "b8": "Mg-OH or carbonate",
        "b9": "Mg-OH or carbonate",
    },
    "sentinel2": {"b12": "Al-OH, Mg-OH or carbonate"},
}
_GROUPS = {
    "aster": {"visible": ("b1", "b2"), "nir": ("b3",), "swir": ("b4",)},
    "sentinel2": {
        "visible": ("b01", "b02", "b03", "b04"),
        "nir": ("b05", "b06", "b07", "b08", "b8a", "b09"),
        "swir": ("b11",),
    },
}
_PAIRS = {
    frozenset({"visible"}): "ferric iron",
    frozenset({"visible", "nir"}): "vegetation or ferric iron",
    frozenset({"visible", "swir"}): "iron oxides",
    frozenset({"nir", "swir"}): "ferric iron or moisture",
    frozenset({"nir"}): "red edge of plants or ferric iron",
}


def readings(components: Components, sensor: str = "bands") -> dict[str, str]:
    """Read every component: which bands it sets against which, and what that may mean.

    >>> c = Components(("b4", "b6"), "covariance", np.zeros(2), np.ones(2),
    ...     np.array([[0.8, 0.6], [-0.6, 0.8]]), np.array([2.0, 1.0]), 9)
    >>> readings(c, "aster")["pc2"]
    'PC2 contrasts band 6 against 4: Al-OH'
    >>> readings(c, "aster")["pc1"]
    'PC1 rises with every band: brightness'
    """
    return {
        name: _reading(name, components.bands, loading, sensor)
        for name, loading in zip(components.names, components.loadings)
    }


def _reading(name: str, bands: Sequence[str], loading: NDArray[np.float64], sensor: str) -> str:
    known = {index.name: index.meaning for index in all_indices(sensor)}
    label = name.upper()
    if (loading > 0).all() or (loading < 0).all():
        of_bands = not any(band in known for band in bands)
        word = "rises" if loading[0] > 0 else "falls"
        what = "every band: brightness" if of_bands else "every index"
        return f"{label} {word} with {what}"
    above, below = _named(bands, loading), _named(bands, -loading)
    if not (above and below):  # the loadings of the other bands are 0
        return f"{label} {'rises' if above else 'falls'} with {_join(above or below)}"
    if any(band in known for band in bands):
        return f"{label} contrasts {_join(above)} against {_join(below)}"
    shown = [_join([_short(band) for band in side]) for side in (above, below)]
    meaning = _meaning(above[0], below[0], sensor)
    word = "band" if sensor in _GROUPS else ""
    text = f"{label} contrasts {word} {shown[0]} against {shown[1]}".replace("  ", " ")
    return f"{text}: {meaning}" if meaning else text


def _named(bands: Sequence[str], loading: NDArray[np.float64]) -> list[str]:
    """Name up to three bands with the strongest loadings of one sign, strongest first."""
    order = np.argsort(-loading)[:3]
    least = STRONG * loading[order[0]]
    return [bands[i] for i in order if loading[i] >= max(least, 1e-12)]


def _meaning(first: str, second: str, sensor: str) -> str:
    """Say what a contrast of two bands may mean."""
    absorbed = _ABSORPTIONS.get(sensor, {})
    deep = list(dict.fromkeys(absorbed[band] for band in (first, second) if band in absorbed))
    if deep:
        return " against ".join(deep)
    groups = _GROUPS.get(sensor, {})
    kinds = frozenset(
        kind for band in (first, second) for kind, members in groups.items() if band in members
    )
    return _PAIRS.get(kinds, "")


def _short(band: str) -> str:
    """Print ``b6`` and ``b8a`` as 6 and 8A."""
    text = band[1:].lstrip("0").upper()
    return text if band.startswith("b") and text[:1].isdigit() else band


def _join(names: Sequence[str]) -> str:
    return " and ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} and {names[-1]}"
