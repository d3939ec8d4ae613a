"""Calibrated bands, indices, components, masks and composites of scenes, without surveys."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from gossan.catalogue.sensors import native_pixels_m
from gossan.errors import ImageryError
from gossan.geo.blocks import Blocks
from gossan.geo.layer import Layer
from gossan.geo.raster import atomic_path
from gossan.imagery.colour_composites import COMPOSITES, TABLE_2, write_composite
from gossan.imagery.component_contrasts import readings
from gossan.imagery.components import fit_components
from gossan.imagery.coregistration import PAIRS, coregistration
from gossan.imagery.open_scene import THERMAL
from gossan.io.run_folder import RunFolder
from gossan.io.tables import Column, Table
from gossan.pipeline.engine import blocks_of, engine_at
from gossan.pipeline.imagery import Imagery
from gossan.pipeline.inputs import RunInputs, open_inputs
from gossan.pipeline.options.project import Project
from gossan.pipeline.progress import Reporter, Silent, collected_warnings


def prepare_project(
    project: Project, out: Path | str, workers: int | None = None, reporter: Reporter | None = None
) -> pd.DataFrame:
    """Write the layers of a project's imagery, without any samples' values.

    For each imagery: ``layers/<name>_bands.tif`` (reflectance), ``_indices.tif``, ``_pc.tif``
    (components of the indices, else of the bands), ``_exposure.tif`` and composites;
    ``tables/components.csv`` (loadings, explained variance, readings), ``tables/bands.csv``
    (quantity and pixel size of each band as measured and as written) and ``tables/masks.csv``
    (share of each mask); ``tables/registration.csv`` where there are several imageries, and
    ``tables/levelling.csv`` where scenes were levelled.

    Returns
    -------
    One row per layer: imagery, layer, bands, file.
    """
    run = RunFolder(Path(out))
    with run.changed(), engine_at(project.engine):
        return _prepare(project, run, blocks_of(project.engine, workers), reporter or Silent())


def _prepare(project: Project, run: RunFolder, blocks: Blocks, reporter: Reporter) -> pd.DataFrame:
    with reporter.step("Surveys and imagery"), collected_warnings(reporter):
        inputs = open_inputs(project, run.store, blocks)
    for note in inputs.notes:
        reporter.say(f"Note: {note}")
    rows: list[dict[str, object]] = []
    tables: dict[str, list[pd.DataFrame]] = {Table.COMPONENTS: [], Table.MASKS: []}
    for name, imagery in inputs.features.imagery.items():
        with reporter.step(f"{name}: masks"):
            tables[Table.MASKS].append(imagery.stack.mask_table(blocks))
        for what, layer in _layers(imagery, blocks, tables).items():
            path = run.layers / f"{name}_{what}.tif"
            with reporter.step(f"{name}: {what}"):
                blocks.write(layer, path)
            rows.append(_row(name, what, layer.bands, path))
        rows += _composite(run, name, imagery, blocks)
    for table, parts in tables.items():
        if parts:
            run.write_table(table, pd.concat(parts, ignore_index=True))
    run.write_table("bands", _band_table(inputs))
    if len(levelled := level_table(inputs)):
        run.write_table(Table.LEVELLING, levelled)
    _registration(run, inputs, blocks, reporter)
    return pd.DataFrame(rows)


def _band_table(inputs: RunInputs) -> pd.DataFrame:
    """Say of every band what its values are and how fine it was measured.

    ``native_m`` is the pixel of the sensor (empty where it is not known): resampled to
    ``pixel_m``, a band shows nothing smaller.
    """
    rows = []
    for name, imagery in inputs.features.imagery.items():
        native = native_pixels_m(imagery.settings.sensor)
        quantity = imagery.stack.scenes[0].scene.quantity
        pixel = round(imagery.bands.grid.pixel_width, 6)
        for band in imagery.bands.bands:
            thermal = imagery.settings.sensor == "aster" and band in THERMAL
            what = f"thermal {imagery.settings.aster.thermal}" if thermal else quantity
            rows.append((name, band, what, native.get(band), pixel))
    columns = ["imagery", "band", "quantity", "native_m", "pixel_m"]
    return pd.DataFrame(rows, columns=columns)


def _layers(
    imagery: Imagery, blocks: Blocks, tables: dict[str, list[pd.DataFrame]]
) -> dict[str, Layer]:
    """Layers of one imagery by name; fits its components."""
    found: dict[str, Layer] = {"bands": imagery.bands}
    if imagery.indices is not None:
        found["indices"] = imagery.indices
    found["exposure"] = imagery.exposure()
    kind = imagery.usual_kind
    if len(imagery.component_source(kind).bands) < 2:
        return found
    components = fit_components(
        imagery.component_source(kind), scaling=imagery.scaling(kind), blocks=blocks
    )
    words = readings(components.components, imagery.settings.sensor)
    table = components.table()
    name = imagery.settings.name
    source = name if kind == "bands" else f"{name}.indices"
    tables[Table.COMPONENTS].append(
        table.assign(source=source, reading=table[Column.COMPONENT].map(words))
    )
    return found | {"pc": components}


def _composite(
    run: RunFolder, name: str, imagery: Imagery, blocks: Blocks
) -> list[dict[str, object]]:
    """Write the colour composites of the paper's figures and Table 2 where their bands are there.

    Names end in ``_composite.tif``: the report shows all such layers.
    """
    wanted: list[tuple[str, Layer, tuple[str, ...]]] = []
    bands = COMPOSITES.get(imagery.settings.sensor, ())
    if bands:
        wanted.append(("composite", imagery.bands, bands))
    if imagery.settings.sensor == "aster" and imagery.indices is not None:
        wanted += [
            (f"table2_{what}_composite", imagery.indices, names) for what, names in TABLE_2.items()
        ]
    rows = []
    for what, layer, names in wanted:
        if set(names) <= set(layer.bands):
            path = run.layers / f"{name}_{what}.tif"
            write_composite(layer, path, names, blocks)
            rows.append(_row(name, what, names, path))
    return rows


def scene_layers(run: RunFolder, inputs: RunInputs, blocks: Blocks) -> None:
    """Write what a run's report shows of each scene: its composite and its exposure, once."""
    for name, placed in inputs.features.imagery.items():
        if not placed.settings.sees_light:
            continue
        key = {"imagery": inputs.features.keys[name]}
        exposure = run.layers / f"{name}_exposure.tif"

        def work(name: str = name, path: Path = exposure) -> None:
            imagery = inputs.features.at_hand(name)
            with atomic_path(_masks(run, name)) as temporary:
                imagery.stack.mask_table(blocks).to_csv(temporary, index=False)
            blocks.write(imagery.exposure(), path)
            _composite(run, name, imagery, blocks)

        also = [run.layers / f"{name}_composite.tif"]
        run.once(f"scene_{name}", key, [exposure, _masks(run, name)], work, also)


def mask_table(run: RunFolder, inputs: RunInputs) -> pd.DataFrame:
    """Join the shares of the masks of every imagery, as ``scene_layers`` left them."""
    paths = [_masks(run, name) for name in inputs.features.imagery]
    tables = [pd.read_csv(path) for path in paths if path.exists()]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def level_table(inputs: RunInputs) -> pd.DataFrame:
    """Tabulate what levelling did to the scenes of every imagery, a row for each scene and band.

    Returns
    -------
    ``imagery, scene, reference, pixels`` (of its overlaps), ``band, gain, offset`` (of the values),
    and ``before, after``: how far the scene's means lay from those of its neighbours on their
    overlaps, root mean square over overlaps and bands. No rows where no scene was levelled.
    """
    rows = [
        (name, one.name, one.reference, one.pixels, band, gain, offset, one.before, one.after)
        for name, imagery in inputs.features.imagery.items()
        for one in imagery.stack.levellings
        for band, gain, offset in zip(
            imagery.stack.bands.bands, one.change.gains, one.change.offsets, strict=True
        )
    ]
    return pd.DataFrame(rows, columns=list(map(str, Table.LEVELLING.columns)))


def _masks(run: RunFolder, imagery: str) -> Path:
    return run.parts("scene", imagery) / "masks.csv"


def _registration(run: RunFolder, inputs: RunInputs, blocks: Blocks, reporter: Reporter) -> None:
    """Report the shift between every imagery and the first, where they can be compared."""
    imagery = list(inputs.features.imagery.items())
    rows = []
    for name, other in imagery[1:]:
        first_name, first = imagery[0]
        if not all(PAIRS.get(one.settings.sensor) for one in (first, other)):
            continue
        reds = (PAIRS[first.settings.sensor], PAIRS[other.settings.sensor])
        try:
            shift = coregistration(first.bands, other.bands, reds, blocks=blocks)
        except ImageryError as error:
            reporter.say(f"Note: registration of {name!r} on {first_name!r} is unknown: {error}")
            continue
        rows.append(
            {
                "first": first_name,
                "second": name,
                "east_px": shift.east_px,
                "north_px": shift.north_px,
                "pixel_m": shift.pixel_m,
                "tiles": shift.tiles,
                "reading": shift.reading,
            }
        )
    if rows:
        run.write_table(Table.REGISTRATION, pd.DataFrame(rows))


def _row(name: str, what: str, bands: tuple[str, ...], path: Path) -> dict[str, object]:
    return {"imagery": name, "layer": what, "bands": len(bands), "file": path.name}
