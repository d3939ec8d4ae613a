"""Random Fourier features: a smooth nonlinear function of the leading components, kept linear.

For components c of the standardised features, ``sqrt(2) cos(w' c)`` and ``sqrt(2) sin(w' c)`` with
w ~ N(0, 1 / l^2) make a linear model whose prior is a Gaussian process with the kernel
``exp(-|c - c'|^2 / (2 l^2))``. They are one more group of features with a prior variance of its
own, so the likelihood decides whether nonlinearity is worth having. Being nonlinear, they change
support only approximately: they are taken of the mean features of a sample's support.

Source: Rahimi and Recht 2007, Advances in Neural Information Processing Systems 20.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["Waves"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Waves:
    """Fourier features of standardised features.

    Parameters
    ----------
    frequencies
        (d, m) of m waves, each giving a cosine and a sine.
    mean
        (2 m,) means over the samples, taken off.
    """

    frequencies: Array = field(repr=False)
    mean: Array = field(repr=False)

    @classmethod
    def of(cls, design: Array, waves: int = 60, components: int = 5) -> Waves:
        """Draw the frequencies for standardised features (n, d) of samples.

        The leading components (at most 5) are scaled to deviation 1; their length scale is the
        square root of their number. The draw is always the same.

        >>> design = np.random.default_rng(0).normal(size=(40, 3))
        >>> Waves.of(design, waves=4)(design).shape
        (40, 8)
        """
        centred = design - design.mean(axis=0)
        _, size, axes = np.linalg.svd(centred, full_matrices=False)
        k = int(min(components, (size > 1e-6 * size[0]).sum()))
        loadings = axes[:k].T * (np.sqrt(len(design)) / size[:k])
        drawn = np.random.default_rng(0).standard_normal((k, waves)) / np.sqrt(k)
        frequencies = loadings @ drawn
        return cls(frequencies, _waves(design, frequencies).mean(axis=0))

    def __call__(self, design: Array) -> Array:
        """Give (n, 2 m) waves of standardised features (n, d)."""
        return _waves(design, self.frequencies) - self.mean

    def of_pixels(self, z: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give (2 m, pixels) waves of standardised features (d, pixels)."""
        phase = self.frequencies.T.astype(np.float32) @ z
        both = np.concatenate([np.cos(phase), np.sin(phase)])
        return np.float32(np.sqrt(2.0)) * both - self.mean.astype(np.float32)[:, None]


def _waves(design: Array, frequencies: Array) -> Array:
    phase = design @ frequencies
    return np.sqrt(2.0) * np.hstack([np.cos(phase), np.sin(phase)])
