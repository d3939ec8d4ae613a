"""Which alteration index helps on dawadimi_west: each alone and all together, beside kriging.

    GOSSAN_TEST_DATA=data python benchmarks/alteration_information.py [--element Cu]

Five index rasters, averaged over the 2.25 km that a stream sediment is taken to stand for; spatial
folds of blocks of 10 km.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

from real_surveys import dawadimi

from gossan.evaluate.alteration import alteration_table
from gossan.evaluate.folds import ValidationSettings, make_folds
from gossan.evaluate.validation import ValidationSamples
from gossan.fusion.protocol import Observations

SUPPORT_M, BLOCK_M = 2250.0, 10_000.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--element", default="Cu")
    element = parser.parse_args().element
    survey = dawadimi()
    points = replace(survey.points, support_m=SUPPORT_M)
    observations = Observations(points, survey.values[element])
    folds = make_folds("blocks", observations, ValidationSettings(), BLOCK_M)
    table = alteration_table(ValidationSamples(observations), survey.features, folds)
    columns = ["feature", "n", "r", "coefficient", "t", "stability", "skill", "lower", "upper"]
    print(table[columns].to_string(index=False, float_format="%.3f"))


if __name__ == "__main__":
    main()
