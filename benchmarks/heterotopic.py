"""An element with few samples beside partners with many: what the link wins or loses.

    GOSSAN_TEST_DATA=data python benchmarks/heterotopic.py [--base geostatistical] [--fit 100]
        [--elements Au Cu Zn ...] [--cases dawadimi control meuse] [--seeds 4]

Of a real survey the element is kept at ``--fit`` samples; half of the rest have the other elements
alone ("beside": a partner was measured there), the other half nothing ("between": as a pixel).
Skill = 1 - MSE / MSE of the base model alone from the same samples of the element, in log units;
``taken`` names the partner by its share of the seeds, ``covered`` what the linked 90 % intervals
cover between samples. Below 0: the link lost.
"""

from __future__ import annotations

import argparse
from collections import Counter

import numpy as np
import pandas as pd
from real_surveys import CASES

from gossan.fusion.protocol import Observations
from gossan.fusion.registry import make_model
from gossan.fusion.selection.partnered import Partnered, PartneredSettings


def once(case: str, element: str, base: str, count: int, seed: int) -> dict[str, object]:
    survey = CASES[case][0]()
    order = np.random.default_rng(seed).permutation(len(survey.points))
    few, rest = order[:count], order[count:]
    beside, between = rest[: len(rest) // 2], rest[len(rest) // 2 :]
    known = np.concatenate([few, beside])
    partners = {
        name: Observations(survey.points.subset(known), values[known])
        for name, values in survey.values.items()
        if name != element
    }
    values = survey.values[element]
    own = Observations(survey.points.subset(few), values[few], partners=partners)
    linked = Partnered(PartneredSettings(base=base)).fit(own, survey.features)  # type: ignore[arg-type]
    alone = make_model(base).fit(own, survey.features)
    table = linked.tables_["partners"]
    row: dict[str, object] = {"case": case, "element": element}
    row["partner"] = next(iter(table.loc[table.chosen, "partner"]), "none")
    for name, rows in (("beside", beside), ("between", between)):
        points = survey.points.subset(rows)
        one, two = (model.predict(points, survey.features) for model in (linked, alone))
        off = one.mean - values[rows]
        row[name] = 1 - np.mean(off**2) / np.mean((two.mean - values[rows]) ** 2)
        assert one.standard_error is not None
        row["covered"] = np.mean(np.abs(off) < 1.645 * one.standard_error)
    return row


def taken(names: pd.Series) -> str:
    return ", ".join(f"{name} {count}" for name, count in Counter(names).most_common())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--cases", nargs="+", default=["dawadimi", "control", "meuse"])
    parser.add_argument("--elements", nargs="*")
    parser.add_argument("--base", default="geostatistical")
    parser.add_argument("--fit", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=4)
    chosen = parser.parse_args()
    rows = []
    for case in chosen.cases:
        survey = CASES[case][0]()
        count = min(chosen.fit, len(survey.points) // 3)
        for element in survey.values:
            if not chosen.elements or element in chosen.elements:
                rows += [once(case, element, chosen.base, count, s) for s in range(chosen.seeds)]
    found = pd.DataFrame(rows).groupby(["case", "element"], sort=False)
    table = found[["beside", "between", "covered"]].mean()
    table["worst between"] = found["between"].min()
    table["taken"] = found["partner"].agg(taken)
    print(table.sort_values("between").round(3).to_string())


if __name__ == "__main__":
    main()
