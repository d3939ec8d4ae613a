"""Composites over all the ground and detailed samples in a quarter of it: together and alone.

    python benchmarks/two_surveys.py [--model recipe] [--seeds 3] [--support 1000]
                                     [--elements Cu Zn Ni Sn]

On simulated districts every pixel's true content is known. The regional survey has one composite in
1.5 km2, the detailed one has a sample of 60 m in 0.2 km2, in the south-western quarter. Rows: skill
at pixels inside and outside of that quarter, against ordinary kriging of the regional survey, of a
model of both surveys and of each alone; and the share of pixels inside 90 % intervals.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from simulated_district import contents

from gossan.demo.district import simulate_district
from gossan.demo.surveys import draw_survey
from gossan.fusion.features.sources import LayerFeatures
from gossan.fusion.protocol import MixedSurveys, Observations, Points
from gossan.fusion.registry import make_model
from gossan.geo.layer import ArrayLayer

DETAIL_M = 60.0


def together(first: pd.DataFrame, second: pd.DataFrame, supports: tuple[float, float]) -> Points:
    """Join the places of two surveys."""
    xy = np.concatenate(
        [table[["easting", "northing"]].to_numpy(float) for table in (first, second)]
    )
    sizes = [len(first), len(second)]
    mixed = MixedSurveys(np.repeat(supports, sizes), np.repeat([0, 1], sizes))
    return Points(xy, min(supports), mixed=mixed)


def race(seed: int, support_m: float, elements: list[str], word: str) -> list[dict[str, object]]:
    """Map one district by both surveys and by each alone."""
    district = simulate_district(
        seed=seed, shape=(420, 380), regional_support_m=support_m, sensors=("aster",),
        elements=tuple(elements),
    )  # fmt: skip
    grid = district.grid
    bands = np.log(np.maximum(district.reflectance["aster"], 1e-4))
    names = tuple(f"b{k + 1}" for k in range(len(bands)))
    features = LayerFeatures(ArrayLayer(grid, names, bands))
    left, bottom, right, top = grid.bounds
    quarter = (left, bottom, (left + right) / 2, (bottom + top) / 2)
    fine = draw_survey(
        district.truth, grid, name="detailed", role="fit", km2_per_sample=0.2,
        support_m=DETAIL_M, seed=seed + 50, bounds=quarter,
    )  # fmt: skip
    tables = [
        one.frame[one.frame.duplicate_of == ""] for one in (district.surveys["regional"], fine)
    ]
    points = together(*tables, (support_m, DETAIL_M))
    inside = np.zeros(grid.shape, bool)
    inside[grid.height // 2 :, : grid.width // 2] = True
    rows: list[dict[str, object]] = []
    for element in elements:
        truth = np.log(district.truth[element])
        values = np.log(np.concatenate([contents(t[f"{element}_ppm"]) for t in tables]))
        parts = [Observations(part, values[own]) for own, part in points.parts()]
        kriged = make_model("kriging").fit(parts[0], features).layer(features).read(grid.whole)[0]
        cases = {"both": Observations(points, values), "regional": parts[0], "detailed": parts[1]}
        for name, observed in cases.items():
            model = make_model(word).fit(observed, features)
            estimate, error = model.layer(features).read(grid.whole)
            off, base = (estimate - truth) ** 2, (kriged - truth) ** 2
            covered = np.abs(estimate - truth) < 1.6449 * error
            rows += [
                {
                    "fitted": name, "element": element, "where": where,
                    "skill": 1 - off[at].mean() / base[at].mean(), "covered": covered[at].mean(),
                }
                for where, at in (("inside", inside), ("outside", ~inside))
            ]  # fmt: skip
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--model", default="recipe")
    parser.add_argument("--support", type=float, default=1000.0)
    parser.add_argument("--elements", nargs="+", default=["Cu", "Zn", "Ni", "Sn"])
    parser.add_argument("--seeds", type=int, default=3)
    a = parser.parse_args()
    seeds = range(1, a.seeds + 1)
    table = pd.DataFrame([r for s in seeds for r in race(s, a.support, a.elements, a.model)])
    for by in (["where", "fitted"], ["where", "element", "fitted"]):
        print(table.groupby(by, sort=False).mean(numeric_only=True).round(3).to_string(), "\n")


if __name__ == "__main__":
    main()
