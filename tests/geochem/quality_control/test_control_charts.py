"""Control rules and bias against textbook numbers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from gossan.geochem.quality_control.control_charts import RULES, bias, broken_rules


@pytest.mark.parametrize(
    ("z", "rule"),
    [
        ([0.0, 3.2], RULES[0][0]),
        ([2.1, 0.1, 2.3], RULES[1][0]),
        ([-1.2, -1.4, 0.2, -1.1, -1.5], RULES[2][0]),
        ([0.2] * 8, RULES[3][0]),
        ([2.1, 0.1, -2.3], ""),
        ([0.2] * 7, ""),
        ([1.2, 1.1, -1.4, 1.2, 0.1], ""),
    ],
)
def test_each_rule_is_broken_by_its_pattern_alone(z: list[float], rule: str) -> None:
    assert broken_rules(np.array(z))[-1] == rule


def test_a_laboratory_in_control_breaks_the_first_rule_as_rarely_as_chance_has_it() -> None:
    z = np.random.default_rng(3).standard_normal(20_000)
    share = np.mean([rule == RULES[0][0] for rule in broken_rules(z)])
    assert share == pytest.approx(2 * stats.norm.sf(3), rel=0.3)


def test_bias_is_that_of_students_t() -> None:
    values = np.array([101.0, 104.0, 99.0, 106.0, 103.0])
    found = bias(values, 100.0)
    wanted = stats.ttest_1samp(values, 100.0)
    assert found.probability == pytest.approx(wanted.pvalue)
    assert found.percent == pytest.approx(2.6)
