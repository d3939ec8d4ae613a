"""Floors of the house, from the ground up: a line of a text is a floor, and imports go down.

Within a room the longest name that begins a module's place decides its floor, so that
``kriging/settings`` may stand above ``kriging``. What shares a floor does not import each other,
except inside one folder.
"""

from __future__ import annotations

ROOMS = """
errors mistakes settings names arrays catalogue
geo
imagery geochem io
fusion
evaluate targets testing
pipeline
report demo console
api
cli __init__
__main__
"""

INNER = {
    "api": """
        notebook projects scratch
        rasters surveys
        imagery maps patterns
        estimators
        models validation
    """,
    "arrays": """
        array_type compiled
        area_means area_to_point bootstrap conformal digital_numbers distribution empties
            expressions folds image_quality lookup moments projection resample small_systems
            spacing trilinear
        clusters cubic formulas pyramid
    """,
    "catalogue": """
        crosta elements indices model_atmospheres sensors words
        commodities
    """,
    "console": """
        failure
        json_events output
    """,
    "demo": """
        fields overpass spectra write_sentinel2_masks
        aster_metadata_text fluvial geology sensors write_sentinel2
        elements scene write_aster
        surveys
        district
        raw_scenes
        folder
        show
    """,
    "evaluate": """
        agreement applicability calibration folds occurrences scores verdict
        check_layer image_table reduced_resolution skill strata
        validation
        alteration
    """,
    "fusion": """
        pixel_features same_places
        fit_counter lattice_layer protocol trees
        features inner_folds lattice random_forest registry where_filled
        cross_validation kriging_model
        geostatistical pyramid rivals
        selection
    """,
    "geo": """
        child_process cluster grid memory overviews remote samples
        grounds layer raster
        blocks labelled warp
        tiles
        stored
        sampling
        histogram
    """,
    "geochem": """
        censoring composition findings natural_neighbour threads
        batch_levelling covariance transforms
        back_transforms element_values known_errors table variogram
        quality_control kriging
        declustering interpolators simulation variogram/fitting
        border_levelling kriging/settings
    """,
    "imagery": """
        sensors shapes
        atmosphere/settings calibration colour_composites components exposure
            indices masks/cover masks/rules radiometric_normalisation stack sun_position
            topography_settings
        aster/settings atmosphere component_contrasts coregistration crosta topography
        settings
        masks mosaic rasters tabulated
        aster categories roles sentinel2 terrain
        open_scene
        categories/opener openers terrain/opener
        scenes
    """,
    "io": """
        contract file_hashes folder_lock qgis_styles tables
        geometry_tables run_folder vectors
        field_files finished_run
    """,
    "pipeline": """
        drainage imagery output_grid pace progress provenance
        options profile under_samples
        anomaly_rule anomaly_steps engine feature_sets new_project surveys
        catchment_supports class_backgrounds fit_product ground_guard imagery_used preflight
            product_maps training_sets unsampled
        anomaly_evidence inputs kriging time_needed
        sediment_map
        scores target_parts whole_map_tests
        commands
    """,
    "report": """
        palette quality_plot read terms variogram_plot
        maps plain thumbnail
        charts magnify
        tables
        answer why
        thresholds
        explore figures target_sheets
        page qgis
        build shown_layers
    """,
    "targets": """
        above fractal halo reasons rings runs sampling singularity smallest
            upstream_background
        outlines spectrum_area thresholds
        patches
        evidence
        anomalies
        anomaly_files product_numbers
    """,
    "testing": """
        layers seams
        models
    """,
}
"""Floors within a room; lines that are indented deeper continue the floor above."""


def floors(text: str) -> dict[str, int]:
    """Number the floors of a text.

    >>> floors("one two\\nthree")
    {'one': 0, 'two': 0, 'three': 1}
    """
    lines = [line for line in text.splitlines() if line.strip()]
    left = min(len(line) - len(line.lstrip()) for line in lines)
    found: dict[str, int] = {}
    number = -1
    for line in lines:
        number += len(line) - len(line.lstrip()) == left
        found |= dict.fromkeys(line.split(), number)
    return found


def place_on(declared: dict[str, int], parts: tuple[str, ...]) -> str | None:
    """Find the longest declared name that begins a place.

    >>> place_on({"kriging": 0, "kriging/settings": 1}, ("kriging", "settings"))
    'kriging/settings'
    """
    for length in range(len(parts), 0, -1):
        name = "/".join(parts[:length])
        if name in declared:
            return name
    return None
