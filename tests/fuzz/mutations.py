"""Damage the inputs of a small project in the ways that people, programs and disks do."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import geopandas
import pandas as pd

from ..cases.reliability import use_vrt, write_small

Mutation = Callable[[bytes, random.Random], bytes]

CELLS = (
    *("", "-", "NaN", "inf", "-inf", "1e400", "1e-400", "-9999", "<", "<5", ">1e9", "0", "-0.0"),
    *(
        "=1+1",
        "1,234",
        "1.234,5",
        "12 345",
        "١٢",
        "N 44°30'",
        "ID",
        "Cu",
        '"',
        "''",
        "\x00",
        "\ufeff",
    ),
    *("9" * 400, "x" * 5000, "true", "2026-01-02", "POINT (1 2)", "a;b;c", "%", "5%", "5 ppb"),
)
"""Cells that make numbers fail."""
VALUES = (
    *("-1", "0", "1e308", "1e-308", "inf", "nan", "true", '""', '"x"', "[]", "{}", "[1, 2]", "10"),
    *(
        '"none"',
        '"../../x"',
        '"con"',
        '"\\u0000"',
        "9" * 30,
        "[[[]]]",
        '"EPSG:4326"',
        '"EPSG:3857"',
    ),
    *('"EPSG:0"', '"C:\\\\x"', '["img.tif", "img.tif"]', '"*"', '"im.b1"', '"ln"', "2026-01-02"),
)
"""Values of project files, as TOML."""
KEYS = (
    *("seed", "extent", "transform", "occurrences", "decimal", "thousands", "header_row", "where"),
    *("missing", "below", "unit", "duplicates", "censoring", "sites", "id", "levelling", "drop"),
    *(
        "role",
        "columns",
        "zone_column",
        "sensor",
        "indices",
        "atmosphere",
        "pixel_size_m",
        "nodata",
    ),
    *("bands", "features", "clusters", "scope", "variant", "neighbours", "folds", "sheet", "qc"),
)
"""Keys to set where they may or may not belong."""


def flip(data: bytes, rng: random.Random) -> bytes:
    """Change some bytes."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 4, 30))):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def flip_head(data: bytes, rng: random.Random) -> bytes:
    """Change some bytes near the start, where headers are."""
    return flip(data[:512], rng) + data[512:]


def cut(data: bytes, rng: random.Random) -> bytes:
    """Cut the end off."""
    return data[: rng.randrange(len(data))]


def repeat(data: bytes, rng: random.Random) -> bytes:
    """Repeat a piece."""
    start = rng.randrange(len(data))
    piece = data[start : start + rng.randrange(1, 200)]
    return data[:start] + piece * rng.choice((2, 50)) + data[start:]


def replace_cell(data: bytes, rng: random.Random) -> bytes:
    """Put hostile cells into rows, a column, or the header of delimited text."""
    rows = [line.split(",") for line in data.decode().splitlines()]
    cell, column = rng.choice(CELLS), rng.randrange(len(rows[0]))
    chosen = rng.choice((range(1), range(1, 2), range(1, len(rows)), range(1, len(rows), 7)))
    for number in chosen:
        rows[number][column % len(rows[number])] = cell
    return "\n".join(map(",".join, rows)).encode("utf-8", "replace")


def move_column(data: bytes, rng: random.Random) -> bytes:
    """Drop, repeat, exchange or scale a column."""
    rows = [line.split(",") for line in data.decode().splitlines()]
    first, second = rng.randrange(len(rows[0])), rng.randrange(len(rows[0]))
    how = rng.randrange(4)
    for number, row in enumerate(rows):
        if how == 0:
            del row[first]
        elif how == 1:
            row.insert(second, row[first])
        elif how == 2:
            row[first], row[second] = row[second], row[first]
        elif number:
            row[first] = repr(float(row[first]) * rng.choice((0, -1, 1e-9, 1e9)))
    return "\n".join(map(",".join, rows)).encode()


def write_otherwise(data: bytes, rng: random.Random) -> bytes:
    """Use another encoding, delimiter or end of line."""
    text = data.decode()
    sign, end = rng.choice(",;\t|~"), rng.choice(("\n", "\r", "\r\n", "\n\n"))
    text = text.replace(",", sign).replace("\n", end)
    return text.encode(rng.choice(("utf-16", "utf-32", "cp037", "utf-8-sig")))


def change_line(data: bytes, rng: random.Random) -> bytes:
    """Change, drop, repeat or add a line of a project file."""
    lines = data.decode().splitlines()
    at = rng.randrange(len(lines))
    key = lines[at].partition("=")[0].strip() or rng.choice(KEYS)
    made = f"{rng.choice((key, rng.choice(KEYS)))} = {rng.choice(VALUES)}"
    how = rng.randrange(4)
    lines[at : at + (how != 1)] = [made] if how < 2 else [lines[at]] * (how - 2) * 2
    return "\n".join(lines).encode("utf-8", "replace")


def change_number(data: bytes, rng: random.Random) -> bytes:
    """Replace a number of a text, such as metadata, by another."""
    text = data.decode("latin-1")
    found = list(re.finditer(r"-?\d+(\.\d+)?(e[+-]?\d+)?", text, re.I))
    if not found:
        return flip(data, rng)
    one = rng.choice(found)
    other = rng.choice(("0", "-1", "nan", "inf", "1e308", "99999999999", "", "x"))
    return (text[: one.start()] + other + text[one.end() :]).encode("latin-1")


def drop_tag(data: bytes, rng: random.Random) -> bytes:
    """Drop or rename a tag of XML."""
    text = data.decode("latin-1")
    one = rng.choice(list(re.finditer(r"<[^>]+>", text)))
    return (text[: one.start()] + rng.choice(("", "<x>")) + text[one.end() :]).encode("latin-1")


BYTES: tuple[Mutation, ...] = (flip, flip_head, cut, repeat)
TABLE: tuple[Mutation, ...] = (*BYTES, replace_cell, replace_cell, move_column, write_otherwise)
PROJECT: tuple[Mutation, ...] = (change_line, change_line, change_line, change_number, flip, cut)
XML: tuple[Mutation, ...] = (change_number, drop_tag, flip, cut)
KINDS: Mapping[str, tuple[Mutation, ...]] = {
    **dict.fromkeys((".toml",), PROJECT),
    **dict.fromkeys((".csv",), TABLE),
    **dict.fromkeys((".xml", ".vrt", ".kml", ".met", ".hdr", ".prj", ".geojson"), XML),
}
"""Mutations by the ending of a file; others are damaged byte by byte."""


def mutate(path: Path, rng: random.Random) -> str:
    """Damage a file; returns what was done."""
    chosen = rng.choice(KINDS.get(path.suffix.lower(), BYTES))
    try:
        path.write_bytes(chosen(path.read_bytes(), rng))
    except (ValueError, IndexError):  # an earlier mutation left nothing to do that with
        chosen = flip
        path.write_bytes(flip(path.read_bytes() or b"x", rng))
    return f"{chosen.__name__} {path.name}"


def only_kriging(folder: Path) -> None:
    """Leave the slower product out of a small project."""
    path = folder / "project.toml"
    path.write_text(path.read_text("utf-8").split('[[product]]\nname = "ps"')[0], "utf-8")


def write_projects(folder: Path, scenes: tuple[Path, ...] = ()) -> list[Path]:
    """Write small projects whose inputs are of different formats.

    Parameters
    ----------
    folder
        Where they are written.
    scenes
        Further projects, with scenes of satellites, to be copied.
    """
    made = [write_small(folder / name) for name in ("csv", "xlsx", "shp", "geojson", "gpkg", "kml")]
    for project in made[:-1]:
        only_kriging(project)
    table = pd.read_csv(made[0] / "s.csv")
    points = geopandas.points_from_xy(table["easting"], table["northing"], crs="EPSG:32645")
    frame = geopandas.GeoDataFrame(table[["Cu_ppm", "Zn_ppm"]], geometry=points)
    for project in made[1:]:
        _use(project, frame, table)
    use_vrt(made[0])
    for scene in scenes:
        made.append(
            Path(shutil.copytree(scene, folder / scene.name, copy_function=shutil.copyfile))
        )
    return made


def _use(project: Path, frame: geopandas.GeoDataFrame, table: pd.DataFrame) -> None:
    """Replace the table of a project by one of the format that the project is called after."""
    kind = project.name
    (project / "s.csv").unlink()
    path = project / f"s.{kind}"
    if kind == "xlsx":
        table.to_excel(path, index=False)
    else:
        degrees = kind in ("geojson", "kml")
        driver = {"kml": "LIBKML"}.get(kind)
        (frame.to_crs(4326) if degrees else frame).to_file(path, driver=driver)
    text = (project / "project.toml").read_text("utf-8").replace("s.csv", path.name)
    if kind != "xlsx":
        text = re.sub(r'(x = "easting"\ny = "northing"\ncrs = [^\n]*\n)', "", text)
    (project / "project.toml").write_text(text, "utf-8")
