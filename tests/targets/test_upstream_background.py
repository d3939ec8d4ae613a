"""Background by the rocks upstream against mixtures whose ends are known."""

from __future__ import annotations

import numpy as np

from gossan.targets.upstream_background import background_of_classes, hawkes


def test_pure_catchments_give_the_contents_of_their_classes_and_mixtures_follow() -> None:
    rng = np.random.default_rng(1)
    shares = np.vstack([np.repeat(np.eye(3), 40, axis=0), [[0.5, 0.5, 0.0], [0.2, 0.3, 0.5]]])
    truth = np.array([10.0, 30.0, 80.0])
    content = shares @ truth * np.exp(0.05 * rng.normal(size=len(shares)))
    found = background_of_classes(content, shares, ("a", "b", "c"))
    assert (np.abs(found.expected[-2:] / (shares[-2:] @ truth) - 1) < 0.1).all()
    inside = (found.table["lower90"] < truth * 1.1) & (truth * 0.9 < found.table["upper90"])
    assert inside.all() and (found.table["n"] > 39).all()


def test_intervals_of_a_class_hold_its_mean_as_often_as_they_say() -> None:
    """One class, samples alike: the interval is that of a mean."""
    rng = np.random.default_rng(2)
    hits = []
    for _ in range(400):
        content = rng.normal(50.0, 5.0, 25)
        row = background_of_classes(content, np.ones((25, 1)), ("a",)).table.iloc[0]
        hits.append(row["lower90"] < 50.0 < row["upper90"])
    assert 0.84 < np.mean(hits) < 0.95


def test_a_class_that_few_samples_tell_of_takes_no_part() -> None:
    shares = np.array([[1.0, 0.0]] * 8 + [[0.5, 0.5]] * 2 + [[np.nan, np.nan]])
    content = np.array([20.0] * 8 + [90.0] * 2 + [20.0])
    found = background_of_classes(content, shares, ("a", "rare"))
    assert np.isnan(found.table["mean"][1]) and np.isfinite(found.table["mean"][0])
    assert found.expected[-2] == found.expected[0] and np.isnan(found.expected[-1])


def test_dilution_is_undone() -> None:
    """A source of 1 km2 with 500 in ground of 20, mixed into catchments of growing size."""
    area = np.array([1.0, 4.0, 40.0])
    content = (500.0 * 1.0 + 20.0 * (area - 1.0)) / area
    background = np.full(3, 20.0)
    np.testing.assert_allclose(hawkes(content - background, background, area, 1.0), 500.0)
