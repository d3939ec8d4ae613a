"""Patterns in maps and samples: singularity, background and anomaly, halos of many elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gossan.api.rasters import Raster, RasterLike, as_raster
from gossan.api.surveys import Survey
from gossan.geochem.composition import composition_of
from gossan.targets.halo import HaloScore, fit_halo
from gossan.targets.singularity import SingularityLayer
from gossan.targets.spectrum_area import spectrum_area_layer

__all__ = ["halo", "singularity", "spectrum_area"]


def singularity(
    raster: RasterLike, band: str | None = None, sides: Sequence[int] = (1, 3, 5, 7, 9)
) -> Raster:
    """Map the local singularity index: below 2 the element is enriched, above 2 depleted.

    Parameters
    ----------
    raster
        A map of contents above zero.
    band
        Its band; default: the first.
    sides
        Sides of the square windows in pixels, odd and rising.

    Returns
    -------
    Raster with the bands singularity, coefficient and fit.

    Source: Cheng 2007, Ore Geology Reviews 32.
    """
    return Raster(SingularityLayer(as_raster(raster).source, band, tuple(sides)))


def spectrum_area(raster: RasterLike, band: str | None = None, *, logarithm: bool = True) -> Raster:
    """Split a map into background and anomaly by the power of its waves (spectrum-area fractal).

    Parameters
    ----------
    raster
        A map of contents.
    band
        Its band; default: the first.
    logarithm
        Whether to split logarithms.

    Returns
    -------
    Raster with the bands background and anomaly; ``tables["split"]`` says where it was cut.

    Source: Cheng, Xu & Grunsky 2000, Natural Resources Research 9.
    """
    layer, split = spectrum_area_layer(as_raster(raster).source, band, logarithm=logarithm)
    return Raster(layer, tables={"split": split})


def halo(survey: Survey, elements: Sequence[str], **options: Any) -> HaloScore:
    """Learn one score of several elements from the samples of a survey.

    Parameters
    ----------
    survey
        From ``read_survey``.
    elements
        Two elements or more.
    **options
        ``method`` ("mahalanobis", "clr_pca", "additive" or "multiplicative"), ``towards``,
        ``component``, ``numerator``, ``denominator``.

    Returns
    -------
    Score; call it with contents in ppm (element, ...), or look at ``loadings``.
    """
    samples, _ = survey._read(tuple(elements))
    return fit_halo(composition_of(samples, elements), elements, **options)
