"""The contract of a run folder's tables: their names and columns.

``Table.SCORES.columns`` are the columns that every reader can count on; a table may have more.
Tables that are not listed here belong to the model that made them (``clusters``, ``features``).
"""

from __future__ import annotations

from enum import StrEnum

import pandas as pd

__all__ = ["Column", "Table", "complete", "harmless"]


class Column(StrEnum):
    """Names of columns, each with one meaning in all tables."""

    # what a row is about
    ELEMENT = "element"
    PRODUCT = "product"
    COMPARISON = "comparison"
    SURVEY = "survey"
    ROLE = "role"
    SAMPLE = "sample"
    FOLD = "fold"
    GROUP = "group"
    EASTING = "easting"
    NORTHING = "northing"
    DISTANCE_M = "distance_m"
    UNIT = "unit"
    N = "n"
    NOTE = "note"
    # values at samples
    OBSERVED = "observed"
    ESTIMATE = "estimate"
    STANDARD_ERROR = "standard_error"
    LOWER90 = "lower90"
    UPPER90 = "upper90"
    OBSERVED_WORKING = "observed_working"
    """On the product's working scale, as fitted without the sample's fold; likewise the next."""
    ESTIMATE_WORKING = "estimate_working"
    # scores
    R = "r"
    SPEARMAN = "spearman"
    RMSE = "rmse"
    BIAS = "bias"
    CONCORDANCE = "concordance"
    SKILL = "skill"
    SKILL_LOW = "skill_low"
    SKILL_HIGH = "skill_high"
    OPTIMISTIC = "optimistic"
    DOMAIN = "domain"
    # coverage
    NOMINAL = "nominal"
    ACHIEVED = "achieved"
    ACHIEVED_SCALED = "achieved_scaled"
    MEAN_WIDTH = "mean_width"
    INTERVAL_SCORE = "interval_score"
    CRPS = "crps"
    FACTOR = "factor"
    BY = "by"
    """What samples are classed by: a ``gossan.io.contract.Stratum``."""
    FROM = "from"
    TO = "to"
    ACHIEVED_LOW = "achieved_low"
    ACHIEVED_HIGH = "achieved_high"
    # variograms
    OF = "of"
    KIND = "kind"
    SILL = "sill"
    RANGE_M = "range_m"
    PRACTICAL_RANGE_M = "practical_range_m"
    SMOOTHNESS = "smoothness"
    # imagery
    SOURCE = "source"
    COMPONENT = "component"
    BAND = "band"
    LOADING = "loading"
    SHARE = "share"
    READING = "reading"
    IMAGERY = "imagery"
    SCENE = "scene"
    MASK = "mask"
    FEATURE = "feature"
    REFERENCE = "reference"
    PIXELS = "pixels"
    GAIN = "gain"
    OFFSET = "offset"
    BEFORE = "before"
    AFTER = "after"
    # anomalies
    RANK = "rank"
    ANOMALY = "anomaly"
    STATUS = "status"
    THRESHOLD = "threshold"
    NUMBER = "number"
    TOTAL_KM2 = "total_km2"
    MEDIAN_KM2 = "median_km2"
    LARGEST_KM2 = "largest_km2"
    INSIDE_SHARE = "inside_share"
    KNOWN = "known"
    EXTENDED = "extended"
    NEW = "new"
    NEW_KM2 = "new_km2"
    MEDIAN_CONTRAST = "median_contrast"
    AREA_KM2 = "area_km2"
    PEAK = "peak"
    PEAK_EASTING = "peak_easting"
    PEAK_NORTHING = "peak_northing"
    MEAN = "mean"
    CONTRAST = "contrast"
    CONTRAST_AREA = "contrast_area"
    ZONE = "zone"
    PROBABILITY = "probability"
    COINCIDENT = "coincident"
    COINCIDENT_N = "coincident_n"
    OVERLAP = "overlap"
    EXPOSURE = "exposure"
    BACKGROUND = "background"
    RESIDUAL = "residual"
    CLASS = "class"
    SCORE = "score"
    PEAK_LONGITUDE = "peak_longitude"
    PEAK_LATITUDE = "peak_latitude"
    PEAK_PROBABILITY = "peak_probability"
    PEAK_LOWER90 = "peak_lower90"
    PEAK_UPPER90 = "peak_upper90"
    COARSE_PROBABILITY = "coarse_probability"
    APPLICABLE = "applicable"
    UNSUPPORTED = "unsupported"
    UNSAMPLED = "unsampled"
    SAMPLES = "samples"
    SAMPLES_NEAR = "samples_near"
    SAMPLES_ABOVE = "samples_above"
    SAMPLES_ABOVE_INSIDE = "samples_above_inside"
    HIGHEST_SAMPLE = "highest_sample"
    SAMPLE_M = "sample_m"
    SAMPLE_SHARE = "sample_share"
    SUPPORTS = "supports"
    AGAINST = "against"
    PART = "part"
    EFFECT = "effect"
    CHANGE_BELOW = "change_below"
    SMALLEST_KM2 = "smallest_km2"
    METHOD = "method"
    RULE = "rule"
    VALUE = "value"
    # known occurrences
    OCCURRENCE_M = "occurrence_m"
    OCCURRENCES = "occurrences"
    COMMODITY = "commodity"
    OUTSIDE = "outside"
    AUC = "auc"
    AUC_LOWER95 = "auc_lower95"
    AUC_UPPER95 = "auc_upper95"
    CHANCE_LOWER95 = "chance_lower95"
    CHANCE_UPPER95 = "chance_upper95"
    P_VALUE = "p_value"
    ENRICHMENT = "enrichment"
    ENRICHMENT_LOWER95 = "enrichment_lower95"
    ENRICHMENT_UPPER95 = "enrichment_upper95"
    CROSSING_OCCURRENCES = "crossing_occurrences"
    CROSSING_AREA = "crossing_area"
    OCCURRENCE_SHARE = "occurrence_share"
    AREA_SHARE = "area_share"
    # how a model that chooses among others chose
    CANDIDATE = "candidate"
    CHOSEN = "chosen"
    # against a simulated truth
    DETAIL_R = "detail_r"
    # what the steps of a run cost
    STEP = "step"
    WALL_S = "wall_s"
    PROCESSOR_S = "processor_s"
    PEAK_MIB = "peak_mib"
    READ_MIB = "read_mib"
    WRITTEN_MIB = "written_mib"


class Table(StrEnum):
    """Names of the tables that other commands read: ``tables/<name>.csv``."""

    SCORES = "scores"
    HELD_OUT = "held_out"
    CALIBRATION = "calibration"
    COVERAGE_STRATA = "coverage_strata"
    """Coverage of 90 % intervals in classes of held-out samples."""
    SAMPLES = "samples"
    OCCURRENCES = "occurrences"
    VARIOGRAMS = "variograms"
    """Structures of the variogram in use, of each model that has one."""
    VARIOGRAM_FITS = "variogram_fits"
    """Forms tried by ``gossan krige``, with their misfit."""
    VARIOGRAM_POINTS = "variogram_points"
    COMPONENTS = "components"
    MASKS = "masks"
    LEVELLING = "levelling"
    """How scenes were levelled on their overlaps, and how far their means lay apart."""
    REGISTRATION = "registration"
    FINDINGS = "findings"
    QC_CHART = "qc_chart"
    """Results of standards in order, with the control rule that each breaks."""
    QC_PRECISION = "qc_precision"
    BORDERS = "borders"
    """Factors by which surveys were levelled at their common borders."""
    SURVEY = "survey"
    ALTERATION = "alteration"
    IMAGE_QUALITY = "image_quality"
    REDUCED_RESOLUTION = "reduced_resolution"
    CHOICE = "choice"
    THRESHOLDS = "thresholds"
    ANOMALIES = "anomalies"
    TARGET_PARTS = "target_parts"
    PRODUCT_NUMBERS = "product_numbers"
    OCCURRENCE_TESTS = "occurrence_tests"
    OCCURRENCE_CURVES = "occurrence_curves"
    PREDICTION_AREA = "prediction_area"
    HALO = "halo"
    BACKGROUNDS = "backgrounds"
    """Contents of the classes of maps of categories: background by lithology."""
    GROUND_TESTS = "ground_tests"
    """Catchments against squares at held-out samples, of products that chose catchments."""
    TRUTH = "truth"
    STEPS = "steps"

    @property
    def columns(self) -> tuple[Column, ...]:
        """Columns that the table has, whatever else it has."""
        return _COLUMNS.get(self, ())


_C = Column
_COLUMNS: dict[Table, tuple[Column, ...]] = {
    Table.SCORES: (
        _C.PRODUCT, _C.ELEMENT, _C.COMPARISON, _C.N, _C.R, _C.SPEARMAN, _C.RMSE, _C.BIAS,
        _C.CONCORDANCE, _C.SKILL, _C.SKILL_LOW, _C.SKILL_HIGH, _C.OPTIMISTIC, _C.DOMAIN, _C.NOTE,
    ),
    Table.HELD_OUT: (
        _C.PRODUCT, _C.ELEMENT, _C.COMPARISON, _C.FOLD, _C.SAMPLE, _C.EASTING, _C.NORTHING,
        _C.OBSERVED, _C.ESTIMATE, _C.LOWER90, _C.UPPER90, _C.OBSERVED_WORKING, _C.ESTIMATE_WORKING,
        _C.STANDARD_ERROR, _C.DISTANCE_M, _C.GROUP,
    ),
    Table.CALIBRATION: (
        _C.PRODUCT, _C.ELEMENT, _C.COMPARISON, _C.N, _C.NOMINAL, _C.ACHIEVED, _C.ACHIEVED_SCALED,
        _C.MEAN_WIDTH, _C.INTERVAL_SCORE, _C.CRPS, _C.FACTOR,
    ),
    Table.COVERAGE_STRATA: (
        _C.PRODUCT, _C.ELEMENT, _C.COMPARISON, _C.BY, _C.FROM, _C.TO, _C.N, _C.NOMINAL,
        _C.ACHIEVED, _C.ACHIEVED_SCALED, _C.ACHIEVED_LOW, _C.ACHIEVED_HIGH, _C.MEAN_WIDTH, _C.CRPS,
    ),
    Table.SAMPLES: (_C.SURVEY, _C.ROLE, _C.EASTING, _C.NORTHING),
    Table.OCCURRENCES: (_C.EASTING, _C.NORTHING, _C.COMMODITY),
    Table.VARIOGRAMS: (
        _C.ELEMENT, _C.KIND, _C.SILL, _C.RANGE_M, _C.PRACTICAL_RANGE_M, _C.SMOOTHNESS,
    ),
    Table.VARIOGRAM_FITS: (_C.SURVEY, _C.ELEMENT, _C.OF, _C.SILL, _C.PRACTICAL_RANGE_M, _C.CHOSEN),
    Table.VARIOGRAM_POINTS: (_C.SURVEY, _C.ELEMENT, _C.OF),
    Table.COMPONENTS: (
        _C.SOURCE, _C.COMPONENT, _C.BAND, _C.LOADING, _C.SHARE, _C.READING,
    ),
    Table.MASKS: (_C.IMAGERY, _C.SCENE, _C.MASK, _C.SHARE),
    Table.LEVELLING: (
        _C.IMAGERY, _C.SCENE, _C.REFERENCE, _C.PIXELS, _C.BAND, _C.GAIN, _C.OFFSET, _C.BEFORE,
        _C.AFTER,
    ),
    Table.FINDINGS: (_C.SURVEY, _C.ELEMENT),
    Table.ALTERATION: (_C.ELEMENT, _C.FEATURE),
    Table.IMAGE_QUALITY: (_C.ELEMENT, _C.PRODUCT),
    Table.REDUCED_RESOLUTION: (_C.ELEMENT, _C.PRODUCT),
    Table.CHOICE: (_C.PRODUCT, _C.ELEMENT, _C.CANDIDATE, _C.CHOSEN),
    Table.THRESHOLDS: (_C.ELEMENT, _C.SOURCE, _C.RULE, _C.VALUE, _C.CHOSEN, _C.NOTE),
    Table.ANOMALIES: (
        _C.ELEMENT, _C.PRODUCT, _C.RANK, _C.ANOMALY, _C.STATUS, _C.THRESHOLD, _C.AREA_KM2, _C.PEAK,
        _C.PEAK_EASTING, _C.PEAK_NORTHING, _C.MEAN, _C.CONTRAST, _C.CONTRAST_AREA, _C.ZONE,
        _C.PROBABILITY, _C.COINCIDENT, _C.OVERLAP, _C.OCCURRENCE_M, _C.OCCURRENCES, _C.EXPOSURE,
        _C.SCORE, _C.UNIT, _C.PEAK_LONGITUDE, _C.PEAK_LATITUDE, _C.PEAK_PROBABILITY,
        _C.PEAK_LOWER90, _C.PEAK_UPPER90, _C.COARSE_PROBABILITY, _C.APPLICABLE, _C.UNSUPPORTED,
        _C.UNSAMPLED, _C.BACKGROUND, _C.RESIDUAL, _C.SAMPLES, _C.SAMPLES_NEAR, _C.SAMPLES_ABOVE,
        _C.HIGHEST_SAMPLE, _C.SAMPLE_M, _C.SUPPORTS, _C.AGAINST,
    ),
    Table.TARGET_PARTS: (_C.ELEMENT, _C.ANOMALY, _C.PART, _C.EFFECT, _C.CHANGE_BELOW),
    Table.PRODUCT_NUMBERS: (
        _C.ELEMENT, _C.PRODUCT, _C.THRESHOLD, _C.SMALLEST_KM2, _C.NUMBER, _C.TOTAL_KM2,
        _C.MEDIAN_KM2, _C.LARGEST_KM2, _C.INSIDE_SHARE, _C.KNOWN, _C.EXTENDED, _C.NEW, _C.NEW_KM2,
        _C.MEDIAN_CONTRAST,
    ),
    Table.OCCURRENCE_TESTS: (_C.ELEMENT, _C.NOTE),
    Table.OCCURRENCE_CURVES: (
        _C.ELEMENT, _C.PRODUCT, _C.AREA_SHARE, _C.OCCURRENCE_SHARE, _C.CHANCE_LOWER95,
        _C.CHANCE_UPPER95,
    ),
    Table.PREDICTION_AREA: (
        _C.ELEMENT, _C.PRODUCT, _C.THRESHOLD, _C.OCCURRENCE_SHARE, _C.AREA_SHARE,
    ),
    Table.HALO: (_C.ELEMENT, _C.METHOD, _C.LOADING, _C.SHARE),
    Table.BACKGROUNDS: (
        _C.ELEMENT, _C.CLASS, _C.N, _C.MEAN, _C.LOWER90, _C.UPPER90, _C.UNIT,
    ),
    Table.GROUND_TESTS: (
        _C.ELEMENT, _C.PRODUCT, _C.COMPARISON, _C.N, _C.SKILL, _C.SKILL_LOW, _C.SKILL_HIGH, _C.NOTE,
    ),
    Table.TRUTH: (_C.ELEMENT, _C.PRODUCT, _C.R, _C.RMSE, _C.SKILL, _C.DETAIL_R),
    Table.STEPS: (
        _C.STEP, _C.WALL_S, _C.PROCESSOR_S, _C.PEAK_MIB, _C.READ_MIB, _C.WRITTEN_MIB,
    ),
}  # fmt: skip


def complete(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """Check that a table has the columns of its contract; an empty one gets them.

    Raises
    ------
    ValueError
        A column is missing: a mistake of the writer, not of the user.

    Examples
    --------
    >>> list(complete("occurrences", pd.DataFrame()).columns)
    ['easting', 'northing', 'commodity']
    """
    columns = Table(name).columns if name in set(Table) else ()
    missing = [str(column) for column in columns if column not in table.columns]
    if not missing:
        return table
    if len(table):
        raise ValueError(f"table {name!r} lacks the columns {', '.join(missing)}")
    return pd.DataFrame(columns=[*map(str, table.columns), *missing])


_FORMULA = r"^[=+\-@\t\r]"
"""How a cell begins that a spreadsheet takes for a formula."""


def harmless(table: pd.DataFrame) -> pd.DataFrame:
    """Put an apostrophe before text that a spreadsheet would run as a formula.

    Numbers keep their signs, also where they are written as text.

    >>> harmless(pd.DataFrame({"id": ["=1+1", "-5", "+4 x", "Cu"]}))["id"].tolist()
    ["'=1+1", '-5', "'+4 x", 'Cu']
    """
    made = table.copy()
    for number, (_, column) in enumerate(table.items()):
        if column.dtype.kind in "biufcM":
            continue
        text = column.where(column.map(lambda cell: isinstance(cell, str)), "").astype(str)
        risky = text.str.contains(_FORMULA, regex=True) & pd.to_numeric(text, "coerce").isna()
        if risky.any():
            made.isetitem(number, list(column.astype(object).where(~risky, "'" + text)))
    made.columns = [
        f"'{name}" if isinstance(name, str) and name[:1] in ("=", "+", "-", "@") else name
        for name in made.columns
    ]
    return made
