"""XGBoost's settings: their names, and the values that XGBoost takes.

Errors are ValueErrors that start where the key ends (".eta: got ..., expected ..."), so that the
caller can put the file and the section before them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from plumbline.core.errors import ParamsError, suggest


@dataclass(frozen=True)
class Setting:
    """One of XGBoost's settings: a number between `low` and `high`, or one of `words`."""

    integer: bool = False
    low: float = 0.0
    high: float = math.inf
    above: bool = False  # low itself is not allowed
    words: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.words:
            return "one of " + ", ".join(self.words)
        what = "a whole number" if self.integer else "a number"
        if math.isinf(self.high):
            return f"{what} {'above' if self.above else 'of at least'} {self.low:g}"
        return f"{what} in {'(' if self.above else '['}{self.low:g}, {self.high:g}]"

    def allows(self, value: Any) -> bool:
        """Whether `value` is one that XGBoost takes."""
        if self.words:
            return value in self.words
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        if not math.isfinite(value) or (self.integer and value != int(value)):
            return False
        return self.low <= value <= self.high and not (self.above and value == self.low)


SHARE = Setting(high=1.0, above=True)
SETTINGS: Mapping[str, Setting] = {
    "alpha": Setting(),
    "base_score": Setting(low=-math.inf),
    "colsample_bylevel": SHARE,
    "colsample_bynode": SHARE,
    "colsample_bytree": SHARE,
    "eta": SHARE,
    "gamma": Setting(),
    "grow_policy": Setting(words=("depthwise", "lossguide")),
    "huber_slope": Setting(above=True),
    "lambda": Setting(),
    "max_bin": Setting(integer=True, low=2, high=65_535),
    "max_delta_step": Setting(),
    "max_depth": Setting(integer=True, high=64),
    "max_leaves": Setting(integer=True),
    "min_child_weight": Setting(),
    "num_parallel_tree": Setting(integer=True, low=1),
    "objective": Setting(
        words=(
            "binary:logistic",
            "reg:absoluteerror",
            "reg:pseudohubererror",
            "reg:squarederror",
        )
    ),
    "scale_pos_weight": Setting(above=True),
    "subsample": SHARE,
}
"""What may be set, under its one name; threads, seed and metric are the stage's."""

OF_ONE_SCORE = ("base_score", "huber_slope", "objective", "scale_pos_weight")
"""What several classes do not have: their objective is multi:softprob."""

OTHER_NAMES = {
    "learning_rate": "eta",
    "min_split_loss": "gamma",
    "n_estimators": "rounds",
    "reg_alpha": "alpha",
    "reg_lambda": "lambda",
}


def check_classes(where: str, params: Iterable[str]) -> None:
    """ParamsError for what has no meaning where a label has several classes."""
    for name in params:
        if name in OF_ONE_SCORE:
            raise ParamsError(
                f"{where}.{name}: it is of a model with one score, and this has several classes; remove it."
            )


def check(params: Mapping[str, Any]) -> None:
    """ValueError unless each of `params` is a setting with a value that XGBoost takes."""
    for name, value in params.items():
        known = lookup(name)
        if not known.allows(value):
            raise ValueError(f".{name}: got {value!r}, expected {known}")


def lookup(name: str) -> Setting:
    """The setting of that name; ValueError with the nearest names where there is none."""
    if name in OTHER_NAMES:
        raise ValueError(f".{name}: unknown setting; here it is called '{OTHER_NAMES[name]}'")
    if name not in SETTINGS:
        raise ValueError(f".{name}: unknown setting; {suggest(str(name), SETTINGS)}")
    return SETTINGS[name]
