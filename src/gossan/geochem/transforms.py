"""Transforms to a working scale and back, exactly; ``back_transforms`` says what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
from scipy import optimize, stats

from gossan.arrays.array_type import Array, Floats
from gossan.errors import SettingsError, SurveyError, must
from gossan.geo.samples import Samples
from gossan.geochem.findings import row_words

TransformWord = Literal["identity", "log", "boxcox", "normal-score"]
Tails = Literal["lognormal", "normal", "bounded"]


@runtime_checkable
class Transform(Protocol):
    """Map values to a working scale and back, exactly and monotonely; NaN stays NaN."""

    word: ClassVar[TransformWord]

    def forward(self, values: Floats) -> Floats:
        """Bring values in their unit to the working scale; same shape."""
        ...

    def inverse(self, scores: Floats) -> Floats:
        """Bring the working scale back to the unit; same shape."""
        ...


@dataclass(frozen=True)
class Identity:
    """Leave values as they are.

    >>> Identity().inverse(np.array([2.0])).tolist()
    [2.0]
    """

    word: ClassVar[TransformWord] = "identity"

    def forward(self, values: Floats) -> Floats:
        """Return the values."""
        return values

    def inverse(self, scores: Floats) -> Floats:
        """Return the scores."""
        return scores


@dataclass(frozen=True)
class Log:
    """Take the natural logarithm.

    >>> Log().inverse(Log().forward(np.array([1.0, 20.0]))).round(12).tolist()
    [1.0, 20.0]
    """

    word: ClassVar[TransformWord] = "log"

    def forward(self, values: Floats) -> Floats:
        """Return ln z; refuses values of 0 or less."""
        _check_positive(values, "a log")
        return np.log(values)

    def inverse(self, scores: Floats) -> Floats:
        """Return exp(y)."""
        return np.exp(scores)


@dataclass(frozen=True)
class BoxCox:
    """Take the power transform ``(z^power - 1) / power``, ln z where the power is 0.

    Box & Cox (1964, *J. R. Stat. Soc. B* 26, 211-252), for powers of 0 or more; a score below
    ``-1 / power``, which no positive value has, comes back as 0.

    >>> BoxCox(0.5).forward(np.array([4.0])).tolist(), BoxCox(0.5).inverse(np.array([2.0])).tolist()
    ([2.0], [4.0])
    """

    power: float
    word: ClassVar[TransformWord] = "boxcox"

    def __post_init__(self) -> None:
        if not 0.0 <= self.power <= 3.0:
            raise SettingsError(must("power", "from 0 to 3", self.power, "0 is the logarithm"))

    def forward(self, values: Floats) -> Floats:
        """Return the power transform; refuses values of 0 or less."""
        _check_positive(values, "a Box-Cox transform")
        if self.power < 1e-8:
            return np.log(values)
        return np.expm1(self.power * np.log(values)) / self.power

    def inverse(self, scores: Floats) -> Floats:
        """Return ``(power y + 1)^(1 / power)``."""
        if self.power < 1e-8:
            return np.exp(scores)
        base = np.maximum(self.power * scores, -1.0)
        with np.errstate(divide="ignore"):
            return np.exp(np.log1p(base) / self.power)


@dataclass(frozen=True)
class NormalScore:
    """Return each value the normal quantile of its cumulative frequency.

    Between samples the curve is a line in value and score. Beyond the smallest and the largest
    sample it goes on as stated by ``tails``: "lognormal" (ln z goes on with the slope of that half
    of the samples on their scores), "normal" (z does) or "bounded" (the smallest and largest sample
    are the bounds; scores beyond them come back as these). Goovaerts (1997, *Geostatistics for
    Natural Resources Evaluation*, sec. 7.2.2).

    Parameters
    ----------
    knots
        Different values, rising.
    scores
        Their normal scores, rising.
    slopes
        Slopes of the lower and the upper tail.
    tails
        See above.
    """

    knots: tuple[float, ...] = field(repr=False)
    scores: tuple[float, ...] = field(repr=False)
    slopes: tuple[float, float]
    tails: Tails = "lognormal"
    word: ClassVar[TransformWord] = "normal-score"

    def forward(self, values: Floats) -> Floats:
        """Return the normal scores."""
        z = np.asarray(values)
        knots, scores = np.array(self.knots), np.array(self.scores)
        result = np.where(np.isfinite(z), np.interp(z, knots, scores), np.nan)
        if self.tails == "bounded":
            return result.astype(_float_type(z))
        for end, slope, mask in (
            (0, self.slopes[0], z < knots[0]),
            (-1, self.slopes[1], z > knots[-1]),
        ):
            reach = self._curve(z[mask]) - self._curve(knots[end])
            result[mask] = scores[end] + reach / slope
        return result.astype(_float_type(z))

    def inverse(self, scores: Floats) -> Floats:
        """Return the values."""
        y = np.asarray(scores)
        knots, levels = np.array(self.knots), np.array(self.scores)
        result = np.where(np.isfinite(y), np.interp(y, levels, knots), np.nan)
        if self.tails == "bounded":
            return result.astype(_float_type(y))
        for end, slope, mask in (
            (0, self.slopes[0], y < levels[0]),
            (-1, self.slopes[1], y > levels[-1]),
        ):
            moved = self._curve(knots[end]) + slope * (y[mask] - levels[end])
            result[mask] = np.exp(moved) if self.tails == "lognormal" else moved
        return result.astype(_float_type(y))

    def _curve(self, values: Any) -> Any:
        if self.tails == "normal":
            return values
        _check_positive(np.asarray(values), "lognormal tails")
        return np.log(values)


def _float_type(values: Floats) -> Any:
    return values.dtype if values.dtype.kind == "f" else np.float64


def fit_transform_by_word(
    word: TransformWord,
    values: Floats,
    weights: Floats | None = None,
    tails: Tails = "lognormal",
) -> Transform:
    """Fit a transform to values.

    Parameters
    ----------
    word
        "identity", "log", "boxcox" (power by maximum likelihood, from 0 to 1) or "normal-score".
    values
        (n,) values; NaN are left out.
    weights
        (n,) declustering weights for "normal-score"; default: all alike.
    tails
        Tails of "normal-score".

    Raises
    ------
    SurveyError
        If values are not positive where they must be, or too few or too alike.

    Examples
    --------
    >>> z = np.exp(np.linspace(0.0, 3.0, 50))
    >>> transform = fit_transform_by_word("normal-score", z)
    >>> bool(np.allclose(transform.inverse(transform.forward(z)), z))
    True
    """
    if word == "identity":
        return Identity()
    if word not in ("log", "boxcox", "normal-score"):
        allowed = "identity, log, boxcox or normal-score"
        raise SettingsError(must("transform", allowed, repr(word), "Use one of these words"))
    known = np.isfinite(values)
    if word != "normal-score" or tails == "lognormal":
        _check_positive(values, "a log" if word == "log" else f"transform {word!r}")
    if word == "log":
        return Log()
    if len(np.unique(values[known])) < 3:
        got = f"{len(np.unique(values[known]))} different ones"
        raise SurveyError(must("values", "at least 3 different ones", got, 'Use "identity"'))
    if word == "boxcox":
        return BoxCox(_best_power(values[known]))
    return _fit_normal_score(
        np.asarray(values[known], float), None if weights is None else weights[known], tails
    )


def _best_power(values: Floats) -> float:
    logs = np.log(np.asarray(values, float))
    scaled = np.exp(logs - logs.mean())  # geometric mean 1: the Jacobian then drops out

    def spread(power: float) -> float:
        return float(np.log(np.var(BoxCox(power).forward(scaled))))

    result = optimize.minimize_scalar(spread, bounds=(0.0, 1.0), method="bounded")
    best = min((spread(0.0), 0.0), (spread(1.0), 1.0), (float(result.fun), float(result.x)))
    return best[1]


def _fit_normal_score(values: Floats, weights: Floats | None, tails: Tails) -> NormalScore:
    share = np.full(len(values), 1.0) if weights is None else np.asarray(weights, float)
    knots, place = np.unique(values, return_inverse=True)
    mass = np.bincount(place, weights=share) / share.sum()
    scores = stats.norm.ppf(np.cumsum(mass) - mass / 2)
    if tails == "bounded":
        slopes = (0.0, 0.0)
    else:
        curve = np.log(knots) if tails == "lognormal" else knots
        slopes = (_slope(scores, curve, -1), _slope(scores, curve, 1))
    return NormalScore(tuple(knots.tolist()), tuple(scores.tolist()), slopes, tails)


def _slope(scores: Floats, curve: Floats, side: int) -> float:
    """Return the slope of one half of the samples through its outermost one."""
    end = 0 if side < 0 else -1
    half = (scores <= 0) if side < 0 else (scores >= 0)
    reach, rise = scores[half] - scores[end], curve[half] - curve[end]
    slope = (reach * rise).sum() / max((reach**2).sum(), 1e-300)
    return float(slope) if slope > 0 else float((curve[-1] - curve[0]) / (scores[-1] - scores[0]))


def transform_record(transform: Transform) -> dict[str, Any]:
    """Return a transform as plain data, for a manifest.

    >>> transform_record(BoxCox(0.25))
    {'word': 'boxcox', 'power': 0.25}
    """
    return {"word": transform.word, **asdict(transform)}  # type: ignore[call-overload]


def transform_from_record(record: Mapping[str, Any]) -> Transform:
    """Make a transform from its plain data.

    >>> transform_from_record({"word": "log"})
    Log()
    """
    kinds: dict[str, type[Any]] = {kind.word: kind for kind in (Identity, Log, BoxCox, NormalScore)}
    members = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in record.items()
        if key != "word"
    }
    transform: Transform = kinds[record["word"]](**members)
    return transform


def check_transform(samples: Samples, element: str, word: TransformWord) -> None:
    """Refuse a transform that an element's values do not allow, naming the rows of the file.

    Raises
    ------
    SurveyError
        If "log" or "boxcox" meets values of 0 or less, or no value is there.
    """
    values = samples.values(element)
    survey = f"survey {samples.name!r}: {element}"
    if not np.isfinite(values).any():
        raise SurveyError(must(survey, "measured in some sample", "no value", "Leave it out"))
    with np.errstate(invalid="ignore"):
        bad = values <= 0
    if word in ("identity", "normal-score") or not bad.any():
        return
    frame = samples.frame
    rows = frame["row"] if "row" in frame.columns else np.arange(1, len(frame) + 1)
    where = row_words([int(row) for row in np.asarray(rows)[bad]])
    cure = 'Set zero = "below" or "missing" in the survey, or transform = "normal-score"'
    got = f"{np.nanmin(values):g} and {int(bad.sum())} such values in {where}"
    raise SurveyError(must(survey, f"positive under transform {word!r}", got, cure))


def _check_positive(values: Floats, what: str) -> None:
    with np.errstate(invalid="ignore"):
        bad = np.flatnonzero(np.asarray(values) <= 0)
    if len(bad):
        least = f"{float(np.nanmin(values)):g} ({len(bad)} values of 0 or less)"
        cure = 'Treat them as below the detection limit or missing, or use "normal-score"'
        raise SurveyError(must(f"values under {what}", "positive", least, cure))


def forward_of_map(transform: Transform, contents: Floats) -> Array:
    """Bring contents of a map to the working scale; zeros become the smallest number above zero.

    >>> forward_of_map(Log(), np.array([1.0])).tolist()
    [0.0]
    """
    positive = np.maximum(contents.astype(np.float64), np.finfo(np.float32).tiny)
    return np.asarray(transform.forward(positive), np.float64)
