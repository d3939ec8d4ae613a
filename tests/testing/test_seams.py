"""The score of seams: one for what has none, the ratio of steps for what has one."""

from __future__ import annotations

import numpy as np

from gossan.testing import seam_score

EDGES = [40, 80]


def test_noise_has_no_seams_and_a_step_gives_its_ratio() -> None:
    """A step of d between noise of variance s2 has the mean square 2 s2 + d2."""
    values = np.random.default_rng(0).normal(size=(2000, 120))
    assert abs(seam_score(values, EDGES) - 1) < 0.02
    values[:, 40:] += 2.0
    values[:, 80:] += 2.0
    assert abs(seam_score(values, EDGES) - np.sqrt((2 + 4) / 2)) < 0.03


def test_steps_elsewhere_and_at_the_border_of_what_is_known_can_be_left_out() -> None:
    values = np.random.default_rng(1).normal(size=(2000, 120))
    values[:, :20] *= 50
    values[:15, 40] = 90.0
    values[:10, 36:44] = np.nan
    assert seam_score(values, EDGES) < 0.5
    assert abs(seam_score(values, EDGES, beside=10) - 1) < 0.02


def test_an_edge_at_the_border_of_the_map_does_not_count() -> None:
    """The map may be rougher there, and beside such an edge there is little to compare with."""
    values = np.random.default_rng(2).normal(size=(2000, 120))
    values[:, :4] *= 50
    assert seam_score(values, [2, *EDGES]) > 2
    assert abs(seam_score(values, [2, *EDGES], beside=10) - 1) < 0.02


def test_edges_of_which_nothing_is_known_have_no_score() -> None:
    assert np.isnan(seam_score(np.full((5, 120), np.nan), EDGES))
