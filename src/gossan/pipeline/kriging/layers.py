"""Write the layers of one kriged element: estimate, error, support by samples, alternatives."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from gossan.fusion.kriging_model import AtPixels, RootLayer
from gossan.fusion.lattice import lattice_over, lattice_step, smooth_layer
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.layer import Layer, MappedLayer
from gossan.geochem.back_transforms import InUnit
from gossan.geochem.back_transforms import Statistic as AnyStatistic
from gossan.geochem.interpolators import Interpolator, InterpolatorWord, ThinPlate, interpolator
from gossan.geochem.kriging.block_mean import block_mean
from gossan.geochem.kriging.estimator import distance_to_nearest
from gossan.geochem.kriging.settings import KrigeSettings, Statistic
from gossan.io.run_folder import RunFolder
from gossan.pipeline.kriging.fit import FittedKriging

Statistics = dict[str, dict[str, float]]
SPLINE_SMOOTHING = 1e-3
"""An exact spline through samples a metre apart swings beyond all bounds."""
BANDS: dict[Statistic, tuple[AnyStatistic, ...]] = {
    "mean": ("mean",),
    "interval": ("lower90", "upper90"),
}


def alternative(word: InterpolatorWord) -> Interpolator:
    """Return the interpolator of a word; the spline is smoothed a little, for near-duplicates."""
    if word == "spline":
        return ThinPlate(smoothing=SPLINE_SMOOTHING, outside="empty")
    return interpolator(word)


def kriged_at(
    fitted: FittedKriging, block_means: bool, places: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return estimate, variance and, for blocks, the mean in the unit at places: (2 or 3, n)."""
    found = np.stack(fitted.kriging.predict(places))
    if not block_means:
        return found
    return np.vstack([found, block_mean(fitted.kriging, fitted.data.transform, places)])


def _distances(samples: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    return distance_to_nearest(samples, places, 1)[None]


def _estimates(method: Interpolator, places: NDArray[np.float64]) -> NDArray[np.float64]:
    return method.estimate(places)[None]


@dataclass(frozen=True, eq=False)
class LayerWriter:
    """Write the layers of one kriged element under one name.

    Parameters
    ----------
    name
        First part of the files' names, for example "kriging" or "kriging-detailed".
    suffix
        Added to the names of the alternatives ("" or "-detailed").
    tags
        Of every layer.
    """

    run: RunFolder
    blocks: Blocks
    settings: KrigeSettings
    grid: Grid
    name: str
    suffix: str
    tags: dict[str, str]

    def write(self, fitted: FittedKriging) -> Statistics:
        """Write every layer; give the statistics by the file's stem."""
        found = self._kriged(fitted)
        found |= self._supported(fitted)
        for word in self.settings.alternatives:
            found |= self._alternative(fitted, word)
        return found

    def _lattice(self, fitted: FittedKriging) -> Grid | None:
        """Return the lattice to krige on, or None where it would be no coarser than the pixels."""
        wanted = self.settings.lattice_m
        if wanted == "pixels":
            return None
        range_m = fitted.variogram.model.practical_range_m
        step = wanted or lattice_step(fitted.kriging.samples_, range_m, self.grid)
        if step <= min(self.grid.pixel_width, self.grid.pixel_height):
            return None
        return lattice_over(self.grid, step)

    def _kriged(self, fitted: FittedKriging) -> Statistics:
        lattice, data = self._lattice(fitted), fitted.data
        bands = ("estimate", "variance", *(("mean",) if self._mean_of_blocks else ()))
        layer: Layer
        if lattice is None:
            layer = AtPixels(self.grid, bands, partial(kriged_at, fitted, self._mean_of_blocks))
        else:
            fields = kriged_at(fitted, self._mean_of_blocks, lattice.centres()).reshape(
                -1, *lattice.shape
            )
            layer = smooth_layer(lattice, fields, bands, self.grid)
        more = tuple(name for word in self.settings.also for name in BANDS[word])
        units = InUnit(data.transform, ("median", "working_error", *more))
        mapped = MappedLayer(RootLayer(layer), units, ("estimate", "standard_error", *more))
        files, tags = {}, {}
        for band in mapped.bands:
            ending = {"estimate": "", "standard_error": "se"}.get(band, band)
            path = self.run.layer(self.name, data.element, ending)
            files[path] = (band,)
            scale = f"{data.transform.word} {data.unit}" if ending == "se" else data.unit
            statistic = "median" if band == "estimate" else band
            tags[path] = self._tags("kriging", statistic, scale)
        scales = {path: tag["gossan_unit"] for path, tag in tags.items()}
        written = self.blocks.write_many(mapped, files, tags, scales)
        return {path.stem: f[files[path][0]] for path, f in zip(files, written)}

    @property
    def _mean_of_blocks(self) -> bool:
        return self.settings.block_m is not None and "mean" in self.settings.also

    def _supported(self, fitted: FittedKriging) -> Statistics:
        """Write the distance to the nearest sample and the effective number of samples."""
        kriging, element = fitted.kriging, fitted.data.element
        distance = AtPixels(
            self.grid,
            ("distance",),
            partial(_distances, kriging.samples_),
        )
        lattice = self._lattice(fitted) or self.grid
        effective = kriging.quality(lattice)[1:]
        samples = smooth_layer(lattice, effective, ("samples",), self.grid)
        found = {}
        for layer, unit in ((distance, "m"), (samples, "")):
            (word,) = layer.bands
            path = self.run.layer(self.name, element, word)
            tags = self._tags("kriging", word, unit)
            found[path.stem] = self.blocks.write(layer, path, tags, unit)[word]
        return found

    def _alternative(self, fitted: FittedKriging, word: InterpolatorWord) -> Statistics:
        data, lattice = fitted.data, self._lattice(fitted)
        points = data.observations.points.coordinates
        method = alternative(word).fit(points, data.observations.values)
        layer: Layer
        if lattice is None or word in ("nearest", "linear"):  # their edges must stay where they are
            layer = AtPixels(self.grid, ("estimate",), partial(_estimates, method))
        else:
            field_ = method.estimate_lattice(lattice)[None]
            layer = smooth_layer(lattice, field_, ("estimate",), self.grid)
        mapped = MappedLayer(layer, InUnit(data.transform, ("median",)), ("estimate",))
        path = self.run.layer(f"{word}{self.suffix}", data.element)
        tags = self._tags(word, "median", data.unit)
        (found,) = self.blocks.write(mapped, path, tags, data.unit).values()
        return {path.stem: found}

    def _tags(self, model: str, statistic: str, unit: str) -> dict[str, str]:
        own = {"gossan_model": model, "gossan_statistic": statistic, "gossan_unit": unit}
        return self.tags | own
