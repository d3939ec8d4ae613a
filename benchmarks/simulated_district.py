"""Hold maps against the truth of simulated districts: skill, detail and coverage at pixels.

    python benchmarks/simulated_district.py [--models geostatistical] [--seeds 3]
                                            [--supports 60 1000 2000] [--elements Cu Zn Ni Sn]

Every pixel's true content is known. Samples are composites over squares of the support, in ppm;
models work on logarithms. Rows: skill = 1 - MSE / MSE of ordinary kriging of the same samples;
bias of the logarithm; correlation with the truth of what is finer than the sample spacing; share
of pixels inside nominal 90 % intervals; the same share for new samples of the same support
(``new``) and for new grabs of 60 m (``grab``); CRPS (ln ppm, small is good) at each of the three;
and, for each of the three, the share inside in thirds by distance to the nearest sample (near1
nearest) and by estimate (low1 lowest). Standard errors are the model's own, before calibration.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from gossan.demo.district import District, simulate_district
from gossan.demo.surveys import draw_survey
from gossan.evaluate.calibration import crps
from gossan.fusion.features.sources import LayerFeatures
from gossan.fusion.protocol import Observations, Points
from gossan.fusion.registry import make_model, options_of
from gossan.geo.layer import ArrayLayer
from gossan.geo.samples import Samples


def contents(column: pd.Series) -> np.ndarray:
    """Read ppm; below the limit take half of it."""
    text = column.astype(str)
    below = text.str.startswith("<")
    values = pd.to_numeric(text.str.lstrip("<")).to_numpy(float)
    return np.where(below, values / 2, values)


def check(district: District, support_m: float, seed: int) -> Samples:
    """Draw new samples of a support, one in half a square kilometre."""
    return draw_survey(
        district.truth, district.grid, name="again", role="check", km2_per_sample=0.5,
        support_m=support_m, seed=seed + 100,
    )  # fmt: skip


def held(
    name: str, truth: np.ndarray, mean: np.ndarray, error: np.ndarray, nearest: np.ndarray
) -> dict[str, float]:
    """Score one kind of target: share inside 90 % intervals, also by thirds, and CRPS."""
    y, m, s = (part.ravel().astype(float) for part in (truth, mean, error))
    inside = np.abs(m - y) < 1.6449 * s
    found = {f"covered{name}": float(inside.mean()), f"crps{name}": crps(y, m, s)}
    for word, by in (("near", nearest), ("low", m)):
        third = np.argsort(np.argsort(by, kind="stable")) * 3 // by.size
        found |= {f"{word}{k + 1}{name}": float(inside[third == k].mean()) for k in range(3)}
    return found


def detail(field: np.ndarray, sigma: float) -> np.ndarray:
    return field - gaussian_filter(field, sigma, mode="nearest")


def alike(one: np.ndarray, two: np.ndarray) -> float:
    return float(np.corrcoef(one.ravel(), two.ravel())[0, 1])


def hold(seed: int, support_m: float, elements: list[str], words: list[str]) -> list[dict]:
    """Fit every model on one survey of one district and compare its maps with the truth."""
    district = simulate_district(
        seed=seed,
        shape=(420, 380),
        regional_support_m=support_m,
        sensors=("aster",),
        elements=tuple(elements),
    )
    grid = district.grid
    bands = np.log(np.maximum(district.reflectance["aster"], 1e-4))
    names = tuple(f"b{k + 1}" for k in range(len(bands)))
    features = LayerFeatures(ArrayLayer(grid, names, bands))
    survey = district.surveys["regional"]
    checks = {"new": check(district, support_m, seed), "grab": check(district, 60.0, seed + 1)}
    table = survey.frame[survey.frame.duplicate_of == ""]
    points = Points(table[["easting", "northing"]].to_numpy(float), support_m)
    sigma = np.sqrt(1.5e6) / 30.0 / 2
    tree = cKDTree(points.coordinates)
    rows = []
    for element in elements:
        truth = np.log(district.truth[element])
        observed = Observations(points, np.log(contents(table[f"{element}_ppm"])))
        kriged = make_model("kriging").fit(observed, features).layer(features).read(grid.whole)[0]
        base = float(np.mean((kriged - truth) ** 2))
        for word in words:
            name, *options = word.split(":")
            model = make_model(name, options_of(name, dict(o.split("=") for o in options)))
            model.fit(observed, features)
            estimate, error = model.layer(features).read(grid.whole)
            off = estimate - truth
            found = held("", truth, estimate, error, tree.query(grid.centres())[0])
            for kind, again in checks.items():
                size = support_m if kind == "new" else 60.0
                places = Points(again.frame[["easting", "northing"]].to_numpy(float), size)
                one = model.predict(places, features)
                assert one.standard_error is not None
                said = np.log(contents(again.frame[f"{element}_ppm"]))
                nearest = tree.query(places.coordinates)[0]
                found |= held(f"_{kind}", said, one.mean, one.standard_error, nearest)
            rows.append({
                "support_m": support_m, "element": element, "model": word, "samples": len(points),
                "skill": 1 - float(np.mean(off**2)) / base, "bias": float(off.mean()),
                "detail_r": alike(detail(estimate, sigma), detail(truth, sigma)),
                **found,
            })  # fmt: skip
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--models", nargs="+", default=["geostatistical"])
    parser.add_argument("--supports", nargs="+", type=float, default=[60.0, 1000.0, 2000.0])
    parser.add_argument("--elements", nargs="+", default=["Cu", "Zn", "Ni", "Sn"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    a = parser.parse_args()
    jobs = [(seed, s, a.elements, a.models) for s in a.supports for seed in range(1, a.seeds + 1)]
    with ProcessPoolExecutor(a.jobs) as pool:
        rows = [row for part in pool.map(hold, *zip(*jobs)) for row in part]
    table = pd.DataFrame(rows)
    for by in (["support_m", "element", "model"], ["support_m", "model"], ["model"]):
        means = table.groupby(by, sort=False).mean(numeric_only=True).round(3)
        print((means.T if len(by) < 3 else means).to_string(), "\n")


if __name__ == "__main__":
    main()
