"""What terrain, geology and catchments tell, alone and together, on every survey that has them.

    GOSSAN_TEST_DATA=data python benchmarks/ground_table.py [--surveys cairngorms eberg meuse]
                                                            [--samples 300] [--rows 420]

One table of ``cairngorms.py``, ``drained_district.py`` and ``ground_skill.py``, worst first. Skill
is 1 - squared error / squared error of ordinary kriging of the same samples, on logarithms (eberg:
on shares), at samples that were held out in whole folds: drainage networks where samples are
sediments, blocks where they are soils; everything is refitted in each fold. ``support`` is what
the model takes a sample for; ``none`` has no features, ``together`` all of them. Catchments of the
Cairngorms mix as the evidence says, those of the district by area. Rows are in the order of their
last number.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import cairngorms
import drained_district
import ground_skill
import numpy as np
import pandas as pd
from real_surveys import data_folder
from simulated_district import contents

from gossan.arrays.folds import network_folds
from gossan.demo.district import simulate_district
from gossan.demo.fluvial import drainage_of_relief
from gossan.fusion.features.sources import NoFeatures
from gossan.fusion.protocol import Points
from gossan.imagery.terrain.catchments import delineate

SUPPORTS = ("squares", "catchments")
COLUMNS = ["survey", "element", "samples", "support", "none", "terrain", "geology", "imagery",
           "together"]  # fmt: skip
SEED = 7


def of_cairngorms() -> Iterator[dict]:
    """Every element of the Cairngorms, which have no covariates."""
    table, found = cairngorms.read(data_folder() / "cairngorms")
    grounds = found.grounds()
    xy = table[["x_coordinate", "y_coordinate"]].to_numpy(float)
    points = Points(xy, min(grounds.side_m, float(np.ptp(xy, axis=0).max()) / 2), grounds=grounds)
    labels = network_folds(xy, grounds.network, 10_000.0, 10)[0]
    for element in cairngorms.ELEMENTS:
        content = table[element].to_numpy(float)
        kept = content > 0
        part, values, folds = points.subset(kept), np.log(content[kept]), labels[kept]
        off = {
            name: cairngorms.held_out(name, part, values, folds, found) - values
            for name in ("kriging", *SUPPORTS)
        }
        for name in SUPPORTS:
            yield _row("cairngorms", element, values, name, none=_skill(off[name], off["kriging"]))


def of_district(rows: int) -> Iterator[dict]:
    """Copper of the drained demo's district, or of one of another size."""
    district = simulate_district(
        SEED, (rows, rows * 5 // 6), elements=("Cu",), sensors=("aster",), drained=True
    )
    table = district.fitted.frame
    drainage = drainage_of_relief(district.grid, district.geology.elevation)
    found = delineate(drainage, table[["easting", "northing"]].to_numpy(float), 30.0, 0.2)
    grounds, table = found.grounds(), table[found.placed]
    xy = table[["easting", "northing"]].to_numpy(float)
    points = Points(xy, round(grounds.side_m, 1), grounds=grounds)
    values = np.log(contents(table["Cu_ppm"]))
    labels = network_folds(xy, grounds.network, 3000.0, drained_district.FOLDS)[0]
    sets = {"none": NoFeatures(district.grid)}
    with tempfile.TemporaryDirectory() as folder:
        for name, kind in (("terrain", "terrain"), ("geology", "geology"), ("imagery", "ratios"),
                           ("together", "all")):  # fmt: skip
            sets[name] = drained_district.features_of(district, kind, Path(folder))

    def off(model: str, features: str) -> np.ndarray:
        held = drained_district.held_out(model, points, values, labels, sets[features])
        return held[0] - values

    base = off("kriging", "none")
    for support, model in zip(SUPPORTS, ("squares", "plain")):
        found_by = {name: _skill(off(model, name), base) for name in sets}
        yield _row(f"district of {rows} rows", "Cu", values, support, **found_by)


def of_soils(case: str, samples: int) -> Iterator[dict]:
    """Every element of a survey of soils."""
    for row in ground_skill.skills(case, samples):
        yield {**row, "support": "points"}


def _row(survey: str, element: str, values: np.ndarray, support: str, **skill: float) -> dict:
    return {"survey": survey, "element": element, "samples": len(values), "support": support,
            **skill}  # fmt: skip


def _skill(off: np.ndarray, base: np.ndarray) -> float:
    return float(1 - (off**2).sum() / (base**2).sum())


def main() -> None:
    """Print a row for each survey, element and support, worst first."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    known = ("cairngorms", "district", "eberg", "meuse")
    parser.add_argument("--surveys", nargs="+", choices=known, default=known)
    parser.add_argument("--samples", type=int, default=300, help="of eberg")
    parser.add_argument("--rows", nargs="+", type=int, default=[420], help="of the districts")
    asked = parser.parse_args()
    makers = {
        "cairngorms": of_cairngorms,
        "district": lambda: chain.from_iterable(of_district(rows) for rows in asked.rows),
        "eberg": lambda: of_soils("eberg", asked.samples),
        "meuse": lambda: of_soils("meuse", asked.samples),
    }
    rows = []
    for survey in asked.surveys:
        for row in makers[survey]():
            rows.append(row)
            print(row, flush=True)
    table = pd.DataFrame(rows).reindex(columns=COLUMNS)
    last = table["together"].fillna(table["none"])
    ordered = table.iloc[np.argsort(last.to_numpy(), kind="stable")]
    print(ordered.round(2).to_string(index=False, na_rep="-"))


if __name__ == "__main__":
    main()
