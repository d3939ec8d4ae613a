"""Where the demo's map to trust wins and loses: the truth, on rock and on transported cover.

    python benchmarks/demo_by_ground.py demo     # a folder that `gossan demo demo` made

Skill against kriging and bias of ln ppm over the pixels of each ground, and both errors.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from gossan.evaluate.scores import score
from gossan.geo.layer import Layer
from gossan.geo.raster import open_raster
from gossan.io.contract import BASELINE
from gossan.io.finished_run import open_run


def logarithms(layer: Layer) -> np.ndarray:
    return np.log(layer.read(layer.grid.whole)[0].astype(float))


def rows_of(folder: Path) -> list[dict[str, object]]:
    run, rows = open_run(folder / "run"), []
    for element in ("Cu", "Zn"):
        trusted = run.estimate(run.find("trusted", element))
        kriged = logarithms(run.estimate(run.find(BASELINE, element)))
        cut = open_raster(folder / "truth" / f"{element}.tif").grid.covering(trusted.grid.bounds)
        at = cut.slices
        truth = logarithms(open_raster(folder / "truth" / f"{element}.tif"))[at]
        cover = open_raster(folder / "truth" / "quaternary.tif")
        covered = cover.read(cover.grid.whole)[0][at] > 0
        for ground, chosen in (("rock", ~covered), ("transported cover", covered)):
            found = score(truth[chosen], logarithms(trusted)[chosen], kriged[chosen])
            rmse = float(np.sqrt(np.mean((kriged[chosen] - truth[chosen]) ** 2)))
            rows.append(
                {"ground": f"{element}, {ground}", "pixels": int(chosen.sum()),
                 "skill": found.skill, "bias": found.bias, "kriging": rmse, "trusted": found.rmse}
            )  # fmt: skip
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    table = pd.DataFrame(rows_of(parser.parse_args().folder))
    print(table.to_string(index=False, float_format="%.3f"))


if __name__ == "__main__":
    main()
