"""Krige a check survey onto the pixels of the maps, where it covers them (Ding et al., Table 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gossan.errors import FitError, must
from gossan.evaluate.agreement import Agreement, NearSamples, agreement
from gossan.fusion.features.sources import NoFeatures
from gossan.fusion.kriging_model import KrigingModel
from gossan.fusion.protocol import Observations
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.layer import Layer, MappedLayer, SelectedLayer
from gossan.geo.warp import to_grid
from gossan.geochem.back_transforms import InUnit
from gossan.geochem.transforms import Transform

__all__ = ["CheckLayer", "compare_with_check", "krige_check"]


@dataclass(frozen=True, eq=False)
class CheckLayer:
    """The kriged layer of a check survey, in the element's unit.

    ``layer`` covers the part of the maps' grid that the survey can reach; of it, the pixels of
    ``domain`` count: no farther from a sample than twice the median distance between neighbours.
    """

    layer: Layer
    domain: NearSamples


def krige_check(observations: Observations, transform: Transform, grid: Grid) -> CheckLayer:
    """Krige the samples of a check survey, as the baseline kriges those of the fitted one.

    Ordinary kriging of the working scale with a variogram of its own, on a lattice, brought to
    pixels by cubic convolution and back to the element's unit.

    Parameters
    ----------
    observations
        samples of the check survey on the working scale.
    transform
        working scale to unit.
    grid
        grid of the maps.

    Raises
    ------
    FitError
        too few samples for a variogram, or none on the grid.

    Source: Ding et al. 2023, sec. 4.4.
    """
    domain = NearSamples.of(observations.points.coordinates)
    window = grid.covering(domain.bounds)
    if not window.height or not window.width:
        cure = "Check their CRS"
        raise FitError(must("the check survey", "on the maps", "off them", cure))
    model = KrigingModel().fit(observations, NoFeatures(grid))
    kriged = SelectedLayer(model.layer(NoFeatures(grid.crop(window))), ("estimate",))
    return CheckLayer(MappedLayer(kriged, InUnit(transform, ("median",)), ("estimate",)), domain)


def compare_with_check(
    maps: Mapping[str, Layer], check: CheckLayer, blocks: Blocks
) -> dict[str, Agreement]:
    """Correlate every map with the kriged check survey, pixel by pixel, where that covers it.

    Parameters
    ----------
    maps
        estimates in the element's unit, by product, on the grid given to ``krige_check``.
    check
        from ``krige_check``.
    blocks
        the engine; on a large domain whole blocks evenly spread over it are compared.
    """
    kriged, domain = check.layer, check.domain
    return {
        name: agreement(kriged, to_grid(one, kriged.grid), blocks, domain)
        for name, one in maps.items()
    }
