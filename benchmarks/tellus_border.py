"""Level the two Tellus surveys: whole-group methods against the samples beside the border.

    GOSSAN_TEST_DATA=data python benchmarks/tellus_border.py [--elements Cu Zn ...]

Stream sediments of Northern Ireland (1994-1996, 2004-2006) and of the Irish border counties (2011
on) were analysed by two laboratories. Stretches of the border (squares of 20 km) are held out in
turn: factors are estimated from the other stretches, and the southern samples within 10 km of the
held-out stretch are predicted by kriging of the northern samples alone. A factor is good where it
brings the levelled samples to what the other laboratory's say: the root mean squared error and the
mean error of ln z. The medians of the whole surveys, taken apart from the border, show what of the
difference is true ground.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from gossan.geochem.batch_levelling import level
from gossan.geochem.border_levelling import border_shift
from gossan.geochem.kriging.estimator import Kriging
from gossan.geochem.variogram.fitting import fit_variogram

ELEMENTS = {
    "MgO": ("MGO", "MgO_%"), "K2O": ("K2O", "K2O_%"), "Fe2O3": ("FE2O3", "Fe2O3_%"),
    "Cr": ("CR", "Cr_mgkg"), "Ni": ("NI", "Ni_mgkg"), "Cu": ("CU", "Cu_mgkg"),
    "Zn": ("ZN", "Zn_mgkg"), "As": ("AS", "As_mgkg"), "Pb": ("PB", "Pb_mgkg"),
    "Ba": ("BA", "Ba_mgkg"), "U": ("U", "U_mgkg"), "Ce": ("CE", "Ce_mgkg"),
}  # fmt: skip
NEAR_M, STRETCH_M = 10_000.0, 20_000.0


def read(path: Path, column: str) -> tuple[np.ndarray, np.ndarray]:
    table = pd.read_csv(path)
    names = {name.lower(): name for name in table.columns}
    xy = table[[names["easting"], names["northing"]]].apply(pd.to_numeric, errors="coerce")
    z = pd.to_numeric(table[column], errors="coerce").to_numpy(float)
    rows = np.isfinite(xy.to_numpy()).all(axis=1) & (np.nan_to_num(z) > 0)
    return xy.to_numpy()[rows], np.log(z[rows])


def steps(places: tuple, logs: tuple) -> dict[str, float]:
    """Return what each method takes for the laboratories' difference."""
    groups = np.repeat(["north", "south"], [len(z) for z in logs]).astype(object)
    values = np.exp(np.concatenate(logs))
    found = {"none": 0.0}
    for method in ("median", "robust", "quantile"):
        moved = np.log(level(values, groups, method, "north"))
        found[method] = moved  # type: ignore[assignment]
    shift = border_shift(places, logs)
    found["border"] = float("nan") if shift is None else shift.step
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--elements", nargs="*", default=list(ELEMENTS))
    chosen = parser.parse_args().elements
    folder = Path(os.environ["GOSSAN_TEST_DATA"]) / "tellus"
    rows = []
    for element in chosen:
        north = read(folder / "north_xrf.csv", ELEMENTS[element][0])
        south = read(folder / "border_2013.csv", ELEMENTS[element][1])
        rows.append(judge(element, north, south))
        print(pd.DataFrame(rows[-1:]).to_string(index=False, float_format="%.3f"), flush=True)
    table = pd.DataFrame(rows)
    print(table.to_string(index=False, float_format="%.3f"))
    print(table.drop(columns="element").mean().to_string(float_format="%.3f"))


def judge(element: str, north: tuple, south: tuple) -> dict[str, object]:
    away = cKDTree(north[0]).query(south[0])[0]
    near = away <= NEAR_M
    cell = np.floor(south[0] / STRETCH_M).astype(int) @ [1000, 1]
    model = fit_variogram(*north, method="wls", models=("exponential",)).model
    kriged = Kriging(model, neighbours=32)
    kriged.fit(*north)
    expected = np.full(len(near), np.nan)
    expected[near] = kriged.predict(south[0][near])[0]
    errors: dict[str, list[np.ndarray]] = {}
    for stretch in np.unique(cell[near]):
        held = near & (cell == stretch)
        rest = (south[0][~held], south[1][~held])
        found = steps((north[0], rest[0]), (north[1], rest[1]))
        for method, moved in found.items():
            if isinstance(moved, float):
                levelled = south[1][held] - moved
            else:  # what the method makes of contents, read off its curve
                own = np.argsort(rest[1])
                levelled = np.interp(south[1][held], rest[1][own], moved[len(north[1]) :][own])
            errors.setdefault(method, []).append(levelled - expected[held])
    whole = border_shift((north[0], south[0]), (north[1], south[1]))
    row: dict[str, object] = {
        "element": element, "factor": whole.factor if whole else np.nan,
        "se": whole.standard_error if whole else np.nan,
        "median_factor": float(np.exp(np.median(north[1]) - np.median(south[1]))),
    }  # fmt: skip
    for method, parts in errors.items():
        joined = np.concatenate(parts)
        row |= {f"rmse {method}": np.sqrt(np.mean(joined**2)), f"bias {method}": joined.mean()}
    return row


if __name__ == "__main__":
    main()
