"""ASTER scenes: from the files as downloaded to reflectance of nine bands on one grid."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from gossan.catalogue.sensors import AsterBand, aster_band
from gossan.errors import GossanWarning, ImageryError, must
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.layer import Layer, SelectedLayer, StackedLayer
from gossan.geo.warp import to_grid
from gossan.imagery.aster.crosstalk import SOURCE_BAND, CrosstalkFree, Leak, check_leaks, fit_leaks
from gossan.imagery.aster.metadata import AsterMetadata
from gossan.imagery.aster.scene import (
    AsterScene,
    Group,
    open_aster,
    require_one_version,
    require_touch,
)
from gossan.imagery.aster.settings import AsterSettings
from gossan.imagery.aster.swir_failure import swir_groups
from gossan.imagery.atmosphere.correction import correct
from gossan.imagery.atmosphere.scene_statistics import mean_of
from gossan.imagery.tabulated import tabulate

__all__ = [
    "AsterScene",
    "AsterSettings",
    "aster_stack",
    "open_aster",
    "remove_crosstalk",
    "require_one_version",
    "require_touch",
]


def aster_stack(
    scene: AsterScene,
    settings: AsterSettings | None = None,
    blocks: Blocks | None = None,
    grid: Grid | None = None,
) -> Layer:
    """Process a scene from digital numbers to the stack of the paper (section 4.1).

    Calibrate, remove crosstalk when asked, correct for the atmosphere, and bring the short-wave
    bands to the grid of the visible ones: nine bands ``b1`` ... ``b9`` at 15 m, and the thermal
    ones where the scene has them.

    Parameters
    ----------
    scene
        As :func:`open_aster` gives it.
    settings
        What to do; the defaults calibrate and nothing else.
    blocks
        How to stream, for the steps that look at the whole scene first.
    grid
        Output grid; by default that of the finest telescope.

    Returns
    -------
    Layer of reflectance (thermal bands: radiance, or temperature in K). Bands of a telescope that
    was off are missing.

    Raises
    ------
    ImageryError
        The scene lacks what the stack needs.
    """
    settings, blocks = settings or AsterSettings(), blocks or Blocks()
    scene = scene.with_settings(settings)
    target = grid or scene.grid
    groups = swir_groups(scene.metadata, scene.telescopes, settings)
    thermal = settings.thermal != "leave" and "TIR" in scene.telescopes
    if not groups and not thermal:
        raise ImageryError(
            must(
                f"{scene.metadata.name}",
                "a scene with visible or short-wave bands",
                f"{', '.join(scene.bands)} only",
                'Choose a daytime scene, or set thermal = "bring"',
            )
        )
    parts = [_solar(scene, groups, settings, blocks, target)] if groups else []
    if thermal:
        hot = scene.temperature() if settings.thermal == "temperature" else scene.radiance("TIR")
        parts.append(to_grid(tabulate(hot), target))
    return parts[0] if len(parts) == 1 else StackedLayer(tuple(parts))


def _solar(
    scene: AsterScene,
    groups: Sequence[Group],
    settings: AsterSettings,
    blocks: Blocks,
    target: Grid,
) -> Layer:
    if scene.metadata.is_surface_reflectance:
        _refuse_second_correction(scene.metadata, settings)
        return _on_one_grid([scene.telescopes[group] for group in groups], target)
    layers = [_top_of_atmosphere(scene, group, settings, blocks) for group in groups]
    air, geometry = scene.air(settings.atmosphere).settings, scene.geometry
    if air.method == "log_residual":
        whole = _on_one_grid(layers, target)
        return correct(whole, _described(whole), geometry, air, blocks)
    corrected = [
        tabulate(correct(layer, _described(layer), geometry, air, blocks)) for layer in layers
    ]
    return _on_one_grid(corrected, target)


def _top_of_atmosphere(
    scene: AsterScene, group: Group, settings: AsterSettings, blocks: Blocks
) -> Layer:
    radiance = scene.radiance(group, settings.saturated_pixels)
    if group == "SWIR" and settings.crosstalk != "none":
        radiance = remove_crosstalk(scene.metadata, radiance, settings, blocks)
    return tabulate(scene.reflectance(group, radiance))


def remove_crosstalk(
    metadata: AsterMetadata, radiance: Layer, settings: AsterSettings, blocks: Blocks
) -> Layer:
    """Take the ghosts of band 4 out of short-wave radiance, with supplied or fitted leaks.

    A warning says that L1T may be corrected already; ``AsterSettings.crosstalk`` says why it is off
    by default.

    Raises
    ------
    ImageryError
        Band 4, the leaks or the direction of flight are missing.
    """
    if SOURCE_BAND not in radiance.bands:
        raise ImageryError(
            must(
                "crosstalk", "used with band 4", ", ".join(radiance.bands), "Set crosstalk = 'none'"
            )
        )
    if metadata.track_azimuth is None:
        raise ImageryError(
            must(
                f"{metadata.name}: the direction of flight",
                "in the metadata or the settings",
                "nothing",
                "Set track_azimuth (about 190 degrees by day)",
            )
        )
    warnings.warn(
        f"{metadata.name}: the L1T guide lists a crosstalk correction already; this is a second "
        "one. Compare with crosstalk = 'none' before you trust it.",
        GossanWarning,
        stacklevel=2,
    )
    background = mean_of(SelectedLayer(radiance, (SOURCE_BAND,)), blocks)
    if settings.crosstalk == "supplied":
        leaks = tuple(Leak(**leak.model_dump()) for leak in settings.leaks)
        if not leaks:
            raise ImageryError(
                must(
                    "crosstalk = 'supplied'",
                    "accompanied by leaks",
                    "none",
                    "Set leaks, or 'fitted'",
                )
            )
        check_leaks(leaks, radiance.bands)
    else:
        leaks = fit_leaks(radiance, metadata.track_azimuth, background, blocks=blocks)
    return CrosstalkFree(radiance, leaks, metadata.track_azimuth, background)


def _refuse_second_correction(metadata: AsterMetadata, settings: AsterSettings) -> None:
    if settings.crosstalk != "none":
        raise ImageryError(
            must(
                "crosstalk",
                f"'none' for {metadata.product}",
                repr(settings.crosstalk),
                "The product is level 2: correct L1T instead, or leave it",
            )
        )
    if settings.atmosphere.method != "none":
        raise ImageryError(
            must(
                "atmosphere",
                f"'none' for {metadata.product}",
                repr(settings.atmosphere.method),
                "The product is surface reflectance already",
            )
        )


def _on_one_grid(layers: Sequence[Layer], target: Grid) -> Layer:
    placed = tuple(to_grid(layer, target) for layer in layers)
    return placed[0] if len(placed) == 1 else StackedLayer(placed)


def _described(layer: Layer) -> tuple[AsterBand, ...]:
    return tuple(aster_band(name) for name in layer.bands)
