"""Small projects whose settings are valid and whose data are poor in the ways that surveys are."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pandas as pd

from gossan.geo.raster import write_array

from ..cases.reliability import GRID

MODELS = (
    *("kriging", "atprk", "pyramid", "guarded_pyramid", "geostatistical", "regression_kriging"),
    *("gwr", "kriging_prior", "forest", "boosting", "geostatistical_forest", "recipe"),
)
"""Models of one fit; those that choose among others are made of them."""
FEATURES = (
    *("im.all", "im.b1", "im.b1+im.b2", "im.pc1", "im.pc2", "im.b1+im.pc1", "im.literal.pc2"),
    *("im.pc1", "covariates"),
)
OPTIONS = {
    "pyramid": ('scope = "local"\nclusters = 12', 'scope = "global"', 'variant = "literal"', ""),
    "guarded_pyramid": ("clusters = 200", ""),
    "atprk": ("cell_m = 700", 'slopes = "samples"', ""),
    "geostatistical": ("windows_px = [1, 4]", 'anisotropy = "estimated"', "exact_samples = 20", ""),
    "kriging": ("lattice_m = 1", "neighbours = 4", ""),
}
"""Options by model, as TOML."""
VALIDATIONS = (
    *(
        "",
        'kinds = ["knndm"]',
        'kinds = ["column"]\ncolumn = "fold"',
        "block_km = 900",
        "kinds = []",
    ),
    *('kinds = ["column"]\ncolumn = "nothing"', 'kinds = ["column"]\ncolumn = "k"', "folds = 50"),
    *("", "", "", "", ""),
)


def write_poor(folder: Path, rng: random.Random) -> str:
    """Write a project; returns what it is made of."""
    folder.mkdir(parents=True)
    numbers = np.random.default_rng(rng.randrange(2**32))
    said = [_write_image(folder, rng, numbers), _write_samples(folder, rng, numbers, "s.csv")]
    check = rng.random() < 0.2
    if check:
        said.append(_write_samples(folder, rng, numbers, "c.csv"))
    text, how = _project(rng, check)
    (folder / "project.toml").write_text(text, "utf-8")
    return "; ".join([*said, how])


def _write_image(folder: Path, rng: random.Random, numbers: np.random.Generator) -> str:
    """Write two bands: smooth or of few values, masked, equal or constant where there is ground."""
    rows, cols = np.mgrid[: GRID.height, : GRID.width]
    first = np.sin(cols / 7.0) * np.cos(rows / 9.0) + 0.1 * numbers.normal(size=GRID.shape)
    second = np.cos(cols / 5.0 + rows / 11.0) + 0.1 * numbers.normal(size=GRID.shape)
    steps = rng.choice((0, 0, 0, 1, 3))
    kind = rng.choice(("plain",) * 5 + ("copy", "constant", "nearly"))
    values = np.stack([first, {"copy": 2 * first, "constant": 0 * first}.get(kind, second)])
    if kind == "nearly":
        values[1] = 5.0
        values[1, 0, 0] = 6.0
    if steps:
        values = np.round(values * steps) / steps
    mask = rng.choice(("none",) * 4 + ("half", "most", "band", "pixel", "line"))
    if mask == "half":
        values[:, :, : GRID.width // 2] = np.nan
    elif mask == "most":
        values[:, 4:, :] = np.nan
    elif mask == "band":
        values[0, : GRID.height // 2], values[1, GRID.height // 2 :] = np.nan, np.nan
    elif mask == "pixel":
        kept = values[:, :1, :1].copy()
        values[:] = np.nan
        values[:, :1, :1] = kept
    elif mask == "line":
        values[:, 1:] = np.nan
    write_array(folder / "img.tif", GRID, ("b1", "b2"), values.astype(np.float32))
    return f"image {kind} in {steps} steps, masked {mask}"


def _write_samples(
    folder: Path, rng: random.Random, numbers: np.random.Generator, name: str
) -> str:
    """Write few or clustered samples of few or extreme values."""
    count = rng.choice((2, 9, 10, 12, 19, 20, 21, 30, 60, 60))
    where = rng.choice(("all",) * 4 + ("corner", "two", "outside", "edge"))
    rows, cols = numbers.integers(0, (GRID.height, GRID.width), (count, 2)).T
    if where == "corner":
        rows, cols = rows // 8, cols // 8
    elif where == "two":
        rows, cols = rows // 20 * 55, cols // 12
    elif where == "outside":
        cols = cols + GRID.width - 8
    elif where == "edge":
        rows = rows // 20
    easting, northing = GRID.transform * (cols + numbers.random(count), rows + 0.5)
    kind = rng.choice(("lognormal",) * 4 + ("two", "one", "zeros", "empty", "limits", "huge"))
    contents = np.exp(3 + 0.6 * numbers.normal(size=count)).round(3)
    cells = contents.astype(object)
    if kind == "two":
        cells = np.where(np.arange(count) % 9, 5.0, 7.0).astype(object)
    elif kind == "one":
        cells = np.where(np.arange(count), 5.0, 7.0).astype(object)
    elif kind == "zeros":
        cells[::3] = 0
    elif kind == "empty":
        cells[::2] = ""
    elif kind == "limits":
        cells[: int(0.7 * count)] = "<20"
    elif kind == "huge":
        cells[0] = 9e5
    table = pd.DataFrame({"easting": easting, "northing": northing, "Cu_ppm": cells})
    table["fold"] = numbers.integers(0, 4, count)
    table["k"] = numbers.normal(size=count).round(2)
    if rng.random() < 0.1:
        table.loc[:, "fold"] = 1
    table.to_csv(folder / name, index=False)
    return f"{name}: {count} samples {where}, contents {kind}"


def _project(rng: random.Random, check: bool) -> tuple[str, str]:
    model = rng.choice(MODELS)
    features = rng.choice(FEATURES)
    options = rng.choice(OPTIONS.get(model, ("",)))
    scale = rng.choice(("log",) * 3 + ("identity", "boxcox", "normal-score"))
    pixel = rng.choice((30, 30, 30, 60, 300, 900))
    extent = rng.choice(("survey", "imagery"))
    censoring = rng.choice(("half", "half", "ros", "likelihood", "missing"))
    validation = rng.choice(VALIDATIONS)
    components = rng.choice(("", "", 'components = "literal"'))
    support = rng.choice((0, 30, 400))
    survey = (
        'x = "easting"\ny = "northing"\ncrs = "EPSG:32645"\nunit = "ppm"\n'
        f'support_m = {support}\ncovariates = ["k", "fold"]\ncensoring = "{censoring}"\n'
    )
    text = f"""
[project]
name = "poor"
crs = "EPSG:32645"
elements = ["Cu"]
pixel_m = {pixel}
extent = "{extent}"
transform = "{scale}"

[validation]
{validation}

[[survey]]
name = "s"
path = "s.csv"
{survey}
[[imagery]]
name = "im"
paths = ["img.tif"]
{components}

[[product]]
name = "p"
model = "{model}"
features = "{features}"
{options}
"""
    if check:
        text += f'\n[[survey]]\nname = "c"\npath = "c.csv"\nrole = "check"\n{survey}'
    how = f"{model} of {features} ({options!r}), {scale}, {pixel} m, {extent}, {censoring}, "
    return text, how + f"{validation!r}, {components!r}, support {support}"
