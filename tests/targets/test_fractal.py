from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize

from gossan.arrays.distribution import Distribution
from gossan.errors import FitError
from gossan.targets.fractal import break_intervals, fit_fractal


def _pareto(rng: np.random.Generator, number: int, *pieces: tuple[float, float]) -> np.ndarray:
    """Draw values whose share above v falls as v^-exponent; pieces: (from value, exponent)."""
    left = -np.log(1 - rng.random(number))
    x = np.full(number, np.log(pieces[0][0]))
    for (start, exponent), (end, _) in zip(pieces, [*pieces[1:], (np.inf, 0)], strict=True):
        length = np.log(end) - np.log(start)
        x += np.minimum(left / exponent, length)
        left = np.maximum(left - exponent * length, 0) if np.isfinite(length) else 0 * left
    return np.exp(x)


@pytest.mark.parametrize("method", ["likelihood", "least_squares"])
def test_a_known_break_and_its_exponents_are_found(method: str) -> None:
    values = _pareto(np.random.default_rng(2), 4000, (10.0, 0.8), (60.0, 3.0))
    fit = fit_fractal(Distribution.of_samples(values), breaks=1, method=method)  # type: ignore[arg-type]
    assert fit.breaks[0] == pytest.approx(60.0, rel=0.08)
    assert fit.exponents == pytest.approx([0.8, 3.0], rel=0.12)


def test_the_number_of_breaks_comes_out_by_itself() -> None:
    rng = np.random.default_rng(7)
    for pieces in [
        ((1.0, 1.5),),
        ((1.0, 0.5), (20.0, 2.5)),
        ((1.0, 0.4), (8.0, 2.0), (40.0, 0.9)),
    ]:
        values = _pareto(rng, 6000, *pieces)
        fit = fit_fractal(Distribution.of_samples(values))
        assert len(fit.breaks) == len(pieces) - 1
        assert fit.breaks == pytest.approx([start for start, _ in pieces[1:]], rel=0.12)
        assert fit.exponents == pytest.approx([e for _, e in pieces], rel=0.15)


def test_the_interval_covers_the_known_break() -> None:
    covered = 0
    for seed in range(12):
        values = _pareto(np.random.default_rng(seed), 800, (5.0, 0.7), (50.0, 3.0))
        d = Distribution.of_samples(values)
        fit = fit_fractal(d, breaks=1)
        low, high = break_intervals(d, fit, draws=60, seed=seed)[0]
        covered += low * 0.999 <= 50.0 <= high * 1.001
    assert covered >= 9


def test_the_likelihood_is_maximal_at_the_exponents() -> None:
    values = np.sort(_pareto(np.random.default_rng(4), 500, (2.0, 0.9), (9.0, 2.2)))
    fit = fit_fractal(Distribution.of_samples(values), breaks=1)
    x, at = np.log(values), np.log(fit.breaks[0])
    spent = np.array([np.minimum(x, at) - x[0], np.maximum(x - at, 0)]).sum(axis=1)
    events = np.array([(x < at).sum(), (x >= at).sum()])

    def minus(logs: np.ndarray) -> float:
        return float(-(events @ logs) + np.exp(logs) @ spent)

    best = optimize.minimize(minus, np.zeros(2), method="BFGS")
    assert fit.exponents == pytest.approx(np.exp(best.x), rel=1e-3)
    assert fit.bic[0] == pytest.approx(2 * best.fun + 3 * np.log(500), rel=1e-6)


def test_the_break_of_two_populations_lies_between_them() -> None:
    rng = np.random.default_rng(3)
    values = np.concatenate([np.exp(rng.normal(3, 0.3, 1900)), np.exp(rng.normal(6, 0.3, 100))])
    fit = fit_fractal(Distribution.of_samples(values))
    between = fit.breaks[(fit.breaks > np.exp(3.3)) & (fit.breaks < np.exp(6.2))]
    assert len(between) and fit.note == ""


def test_one_log_normal_population_is_called_one() -> None:
    values = np.exp(np.random.default_rng(8).normal(2.0, 0.5, 1500))
    assert "log-normal" in fit_fractal(Distribution.of_samples(values)).note


def test_breaks_scale_with_the_unit_and_weights_do_not_matter() -> None:
    values = _pareto(np.random.default_rng(9), 1500, (1.0, 0.6), (30.0, 2.4))
    one = Distribution.of_samples(values)
    area = Distribution(one.values * 1e4, one.weights * 0.0009, None, one.independent)
    a, b = fit_fractal(one), fit_fractal(area)
    assert b.breaks == pytest.approx(a.breaks * 1e4)
    assert b.exponents == pytest.approx(a.exponents)


def test_the_fitted_line_follows_the_plot() -> None:
    values = _pareto(np.random.default_rng(1), 5000, (1.0, 1.0), (10.0, 3.0))
    points = fit_fractal(Distribution.of_samples(values)).points
    enough = points["above"] > 50
    ratio = np.log(points["fitted"][enough] / points["above"][enough])
    assert np.abs(ratio).max() < 0.25


def test_few_or_equal_values_are_refused() -> None:
    with pytest.raises(FitError):
        fit_fractal(Distribution.of_samples(np.arange(1.0, 12.0)))
    with pytest.raises(FitError):
        fit_fractal(Distribution.of_samples(np.full(100, 3.0)))
    with pytest.raises(FitError):
        fit_fractal(Distribution.of_samples(-np.arange(1.0, 50.0)))
