"""The project file that ``gossan init`` writes: what most projects need, then every key."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from gossan.errors import SettingsError, must
from gossan.evaluate.folds import ValidationSettings
from gossan.fusion.registry import MODELS, settings_of
from gossan.geo.raster import atomic_path
from gossan.geochem.kriging.settings import KrigeSettings, KrigingOptions
from gossan.geochem.table.survey import SurveySettings
from gossan.imagery.sensors import readers_in_words
from gossan.imagery.settings import ImagerySettings
from gossan.imagery.terrain.settings import TerrainSettings
from gossan.io.contract import BASELINE
from gossan.pipeline.options.option_lines import option_lines
from gossan.pipeline.options.project import (
    AnomalyRule,
    EngineSettings,
    ProductSettings,
    Project,
    ProjectSettings,
)

SUPPORT_ADVICE = (
    "support_m = 0           # side of the square that one sample stands for:",
    "  soil, rock, till at one place: 0. Composites: the side of the square they were taken in.",
    "  Stream sediment: the root of a typical catchment, say 1000 for 1 km2.",
)
"""What to write for ``support_m``, by medium; it changes the maps, so it is the user's choice."""

HEAD = """\
# A gossan project. Paths are relative to this file; write them with / or in 'single quotes'.
# Lines with # are explanations or options: remove the # to use one, and that of the [table]
# above it. What most projects need comes first, then every other key with its default.

[project]
name = "My survey"
elements = ["Cu"]          # symbols, oxides, or names of columns
# crs = "EPSG:32638"       # of the maps; default: that of the imagery. Metres, not degrees.
# seed = 7                 # same seed, same maps
{project}

# The coarse survey, one table: csv, txt, xlsx, ods, gpkg, geojson, shp, tab ...
[[survey]]
name = "regional"
path = "stream_sediment.csv"
x = "easting"              # column names; leave out x, y and crs for files with their own points
y = "northing"
crs = "EPSG:32638"         # of these columns; EPSG:4326 for degrees
columns = { Cu = "Cu_ppm" }
# unit = "ppm"             # for columns whose name does not say it
{support}
# role = "fit"             # "check": never fitted, only compared
{survey}

# A detailed survey to check the maps with, if there is one; it takes the same keys.
# [[survey]]
# name = "detailed"
# path = "detailed.csv"
# x = "easting"
# y = "northing"
# crs = "EPSG:32638"
# columns = { Cu = "Cu_ppm" }
# unit = "ppm"
# support_m = 60
# role = "check"

# The imagery, once for each sensor.
[[imagery]]
name = "indices"           # a lower-case word; features are called indices.pc2, indices.all ...
sensor = "bands"           # any rasters as they are; "aster" or "sentinel2": scenes as downloaded
paths = ["clay_index.tif", "iron_index.tif"]
{imagery}
""".replace("{support}", "\n".join(f"# {line}" for line in SUPPORT_ADVICE))

PRODUCTS = """\
# The maps. Without any [[product]]: the kriged baseline, for each imagery the paper's fusion of the
# second principal component (corrected, by clusters), and the map to trust ("recipe"). With
# "paper = true" in [project] (or the names of imagery) also the paper's maps as printed.
# features: <imagery>.pc2, <imagery>.all, <imagery>.<band>, <imagery>.indices.pc2 ..., joined by +;
# "covariates" for columns of the survey. Every product may also have elements = ["Cu"] (default:
# all) and transform = "log" (or "boxcox", "normal-score", "identity"; default: that of [project],
# raw units for the literal pyramid).
"""

EXAMPLES: dict[type[BaseModel], dict[str, str]] = {
    ProjectSettings: {
        "occurrences": '"occurrences.geojson"',
        "border_band_m": "15000",
        "tile_px": "4096",
    },
    SurveySettings: {
        "sheet": '"Assays"',
        "unit": '"ppm"',
        "zone_column": '"Zone"',
        "unit_column": '"Unit"',
        "qualifiers": '"Qualifier"',
        "qualifier_codes": '{ "Tr" = "below" }',
        "analyte": '"Analyte"',
        "value": '"Result"',
        "header_row": "2",
        "id": '"Sample"',
        "sites": '"sites.csv"',
        "covariates": '["k_gamma", "pH"]',
        "where": '{ Sample_Type = "ORIG", Depth = "<= 30" }',
        "medium": '"stream sediment"',
        "medium_column": '"Medium"',
        "horizon": '"B"',
        "horizon_column": '"Horizon"',
        "batch": '"Batch"',
        "missing": '["IS", -1]',
        "below": '["sous LD"]',
        "detection_limits": "{ Cu = 0.5 }",
        "duplicate_m": "50",
        "accept": '["mixed-units"]',
        "drop": '["lone", "outside"]',
    },
    ImagerySettings: {
        "bands": '["clay", "iron"]',
        "nodata": "-9999",
        "pixel_size_m": "15",
        "tile": '"T45SWC"',
        "masks": '["nodata", "cloud", "vegetation"]',
        "faults": '"faults.gpkg"',
        "legend": '"rock_names.csv"',
        "cover": '"quaternary.gpkg"',
        "dem": '"dem.tif"',
        "formulas": '{ my_ratio = "b4 / b2" }',
        "roles": '{ red = "b4", nir = "b5", swir1 = "b6" }',
        "wavelengths": "{ b4 = 0.655, b5 = 0.865 }",
        "quality": '{ path = "QA_PIXEL.TIF", product = "landsat" }',
    },
    ValidationSettings: {"block_km": "5", "column": '"Sheet"'},
    AnomalyRule: {
        "threshold": "{ Cu = 60 }",
        "minimum_area_km2": "0.25",
        "commodities": '{ Cu = ["Cu", "Mo"] }',
    },
    KrigeSettings: {
        "mean": "{ Cu = 3.1 }",
        "radius_m": "10000",
        "block_m": "2000",
        "lattice_m": "500",
        "also": '["mean", "interval"]',
        "cell_m": "5000",
    },
    TerrainSettings: {"dem": '"dem.tif"', "flow": '"d8.tif"'},
    EngineSettings: {
        "cluster": '"tcp://10.0.0.5:8786"',
        "workers": "4",
        "memory": '"4GiB"',
    },
}
"""TOML for keys whose default is nothing."""
NESTED: dict[str, dict[str, str]] = {
    "qc": {
        "column": '"Sample_Type"',
        "standards": '["OREAS*"]',
        "blanks": '["BLK*"]',
        "duplicates": '["*-D"]',
        "repeats": '["*-R"]',
        "original": '"Original"',
        "date": '"Batch_Date"',
        "certified": '{ "OREAS 45d" = { Cu = 371 } }',
    },
    "atmosphere": {"flat_field": "[400000, 2690000, 401000, 2691000]", "targets": '"targets.csv"'},
    "aster": {
        "leaks": '[{ band = "b5", share = 0.03, shift_m = 300 }]',
        "gains": '{ b4 = "NOR" }',
        "time": '"2004-07-15T07:52:31Z"',
        "sun_azimuth": "150",
        "sun_elevation": "60",
        "track_azimuth": "193",
    },
    "topography": {"sun_elevation": "45", "sun_azimuth": "150"},
    "variogram": {
        "anisotropy": '"fit"',
        "smoothness": "0.5",
        "cutoff_m": "30000",
        "width_m": "2000",
        "nugget": "0.05",
        "structures": '[{ kind = "spherical", sill = 0.4, range_m = 4000 }]',
    },
    "simulation": {"threshold": "{ Cu = [60, 120] }", "pixel_m": "250", "seed": "7"},
}
MODEL_EXAMPLES = {
    "windows_px": "[1, 4, 16]",
    "levels": "4",
    "lattice_m": "500",
    "neighbours": "64",
    "cell_m": "2000",
}
IN_HEAD: dict[type[BaseModel], tuple[str, ...]] = {
    ProjectSettings: ("name", "crs", "elements", "seed"),
    SurveySettings: ("name", "path", "x", "y", "crs", "columns", "unit", "support_m", "role"),
    ImagerySettings: ("name", "sensor", "paths"),
}
SECTIONS = {
    "validation": "How every product is tested at samples that it has not seen.",
    "anomalies": "What counts as an anomaly.",
    "kriging": "Element layers alone: gossan krige. It does not steer the baseline of a run.",
    "engine": "Where the work is done.",
    "terrain": "Where water runs: gossan catchments.",
}


def template() -> str:
    """Return the text of the whole project file.

    >>> "# folds = 5" in template()
    True
    """
    head = HEAD
    for word, record in (
        ("project", ProjectSettings),
        ("survey", SurveySettings),
        ("imagery", ImagerySettings),
    ):
        head = head.replace("{" + word + "}", "\n".join(_block(record, word)))
    parts = [head]
    for section, says in SECTIONS.items():
        block = _block(Project.model_fields[section].default, section)
        parts.append("\n".join([f"# {says}", f"# [{section}]", *block, ""]))
    return "\n".join([*parts, PRODUCTS, *_products()])


def _block(record: type[BaseModel] | BaseModel, table: str) -> list[str]:
    """Return the lines of a record's keys, then those of its tables."""
    kind = record if isinstance(record, type) else type(record)
    lines = option_lines(record, EXAMPLES.get(kind), IN_HEAD.get(kind, ()))
    for name, field in kind.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if isinstance(default, BaseModel):
            readers = readers_in_words(field)
            lines += [f"#     {readers[:1].upper()}{readers[1:]}."] if readers else []
            lines += [f"# [{table}.{name}]", *option_lines(default, NESTED.get(name))]
    return lines


def _products() -> list[str]:
    lines = []
    for word, entry in MODELS.items():
        features = "" if word == "kriging" else '# features = "indices.all"'
        lines += [f"#     {entry.says}", "# [[product]]", f'# name = "my_{word}"']
        lines += [f'# model = "{word}"', *([features] if features else [])]
        skip = (*ProductSettings.model_fields, "model")
        record = settings_of(word)
        if issubclass(record, KrigingOptions):
            lines += [*_as_in_kriging(record), ""]
        else:
            lines += [*option_lines(record, MODEL_EXAMPLES, skip), ""]
    return lines


def _as_in_kriging(record: type[KrigingOptions]) -> list[str]:
    """Refer to the keys of ``[kriging]``; only defaults that differ are written out."""
    section, own = KrigeSettings(), record()
    only = set(KrigeSettings.model_fields) - set(record.model_fields)
    says = f"Every key of [kriging] but {', '.join(sorted(only))}, with the same meaning. These"
    return [
        f"#     {says}",
        f'#     defaults differ. The product of the name "{BASELINE}" is the baseline of a run.',
        *_differing(own, section),
        "#     [product.variogram] takes every key of [kriging.variogram].",
        "# [product.variogram]",
        *_differing(own.variogram, section.variogram),
    ]


def _differing(record: BaseModel, other: BaseModel) -> list[str]:
    names = type(record).model_fields
    same = [name for name in names if getattr(record, name) == getattr(other, name)]
    return option_lines(record, skip=tuple(same))


def new_project_path(folder: Path | str) -> Path:
    """Return the path of a folder's new project file, which must not exist yet.

    Raises
    ------
    SettingsError
        The folder has one.
    """
    path = Path(folder) / "project.toml"
    if path.exists():
        cure = "Name another folder, or edit the file that is there"
        raise SettingsError(must("DIR", "a folder without a project.toml", path, cure))
    return path


def write_template(folder: Path | str) -> Path:
    """Write the template as ``project.toml`` into a folder, never over an existing one."""
    path = new_project_path(folder)
    with atomic_path(path) as temporary:
        temporary.write_text(template(), encoding="utf-8", newline="\n")
    return path
