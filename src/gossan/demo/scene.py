"""Mix the ground into reflectance and see it through the sensors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gossan.demo.fields import gaussian_field, step_up, stream
from gossan.demo.geology import LITHOLOGIES, Geology
from gossan.demo.sensors import SENSORS, SensorName, band_reflectance
from gossan.demo.spectra import END_MEMBERS

_ROCKS = {
    "andesite": {"feldspar": 0.50, "mafic": 0.32, "chlorite": 0.12, "quartz": 0.06},
    "limestone": {"calcite": 0.72, "quartz": 0.14, "feldspar": 0.14},
    "sandstone": {"quartz": 0.62, "feldspar": 0.24, "muscovite": 0.14},
    "basalt": {"mafic": 0.74, "feldspar": 0.20, "chlorite": 0.06},
    "granodiorite": {"feldspar": 0.56, "quartz": 0.28, "mafic": 0.10, "muscovite": 0.06},
}
_ZONES = {
    "argillic": {"kaolinite": 0.48, "alunite": 0.27, "quartz": 0.25},
    "phyllic": {"muscovite": 0.62, "quartz": 0.38},
    "propylitic": {"chlorite": 0.60, "calcite": 0.22, "feldspar": 0.18},
}
_ALLUVIUM = {"quartz": 0.44, "feldspar": 0.28, "muscovite": 0.16, "calcite": 0.12}
_REPLACED = 0.75  # share of the rock that full alteration replaces at the surface


def simulate_abundances(
    geology: Geology, pixel_m: float, seed: int
) -> dict[str, NDArray[np.float64]]:
    """Return the surface share of every end-member, 0 to 1, summing to 1 in each pixel.

    Rock by lithology with texture; alteration replaces up to three quarters of it; alluvium hides
    both; an iron coating that has nothing to do with alteration, then plants, lie on top.
    """
    shares = {name: np.zeros(geology.lithology.shape) for name in END_MEMBERS}
    altered = _REPLACED * geology.altered
    rock = np.where(geology.quaternary, 0.0, 1.0 - altered)
    for index, name in enumerate(LITHOLOGIES):
        _add(shares, _ROCKS[name], rock * (geology.lithology == index))
    for zone, mixture in _ZONES.items():
        _add(
            shares, mixture, np.where(geology.quaternary, 0.0, _REPLACED * geology.alteration[zone])
        )
    _add(shares, _ALLUVIUM, geology.quaternary.astype(float))
    _roughen(shares, pixel_m, seed)
    field = gaussian_field(stream(seed, "coating"), geology.lithology.shape, pixel_m, 2500.0, 0.7)
    coating = 0.02 + 0.14 * step_up(field, 0.4, 0.6)
    cap = np.where(geology.quaternary, 0.0, 0.45 * geology.alteration["gossan"])
    _cover(shares, "goethite", np.maximum(coating, cap))
    _cover(shares, "vegetation", geology.vegetation)
    return shares


def _add(
    shares: dict[str, NDArray[np.float64]],
    mixture: dict[str, float],
    amount: NDArray[np.float64],
) -> None:
    for name, part in mixture.items():
        shares[name] += part * amount


def _roughen(shares: dict[str, NDArray[np.float64]], pixel_m: float, seed: int) -> None:
    """Multiply every share by log-normal texture and close the sum to 1."""
    for name, share in shares.items():
        texture = gaussian_field(stream(seed, f"texture {name}"), share.shape, pixel_m, 300.0, 0.5)
        share *= np.exp(0.18 * texture)
    total = sum(shares.values())
    for share in shares.values():
        share /= total


def _cover(shares: dict[str, NDArray[np.float64]], name: str, amount: NDArray[np.float64]) -> None:
    """Lay a share of one material over all others."""
    for share in shares.values():
        share *= 1.0 - amount
    shares[name] += amount


def simulate_reflectance(
    shares: dict[str, NDArray[np.float64]],
    shade: NDArray[np.float64],
    sensor: SensorName,
    seed: int,
    noise: float = 1.0,
) -> NDArray[np.float32]:
    """Return what a sensor measures, (band, row, column) reflectance as float32.

    ``shade * sum_k share_k R_k(band) + noise * sd(band) * N(0, 1)``, at least 0.001: linear
    mixing, Lambert's shading left in, as in a scene without topographic correction.
    """
    spectra = band_reflectance(tuple(END_MEMBERS[name] for name in shares), sensor)
    rng = stream(seed, f"noise {sensor}")
    bands = np.empty((len(SENSORS[sensor]), *shade.shape), np.float32)
    for index, band in enumerate(SENSORS[sensor]):
        mixed = np.zeros(shade.shape)
        for share, value in zip(shares.values(), spectra[:, index], strict=True):
            mixed += value * share
        measured = shade * mixed + noise * band.noise * rng.standard_normal(shade.shape)
        bands[index] = np.maximum(measured, 0.001)
    return bands
