"""The grammar of the search space: plain data in, checked data out.

A space maps a setting to one distribution, e.g. `eta: {loguniform: [0.02, 0.3]}`; see `parse`.
Errors are ValueErrors that start where the key ends (".eta: got ..., expected ..."), so that the
caller can put the file and the section before them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from plumbline.model.booster_settings import Setting, lookup

Kind = Literal["uniform", "loguniform", "quniform", "int", "choice"]
SIGNIFICANT = 6
"""Digits of a tried value: what stands in the trials table is exactly what was tried."""


FIXED = {
    "max_bin": "all trials share one binned matrix; set it in tune.params",
    "objective": "trials are compared by one metric; set it in tune.params",
}
"""What a space may not hold, and why."""


@dataclass(frozen=True)
class Dimension:
    """One setting's distribution. `step` is set for quniform and int, `choices` for choice."""

    name: str
    kind: Kind
    low: float = 0.0
    high: float = 0.0
    step: float = 0.0
    choices: tuple[Any, ...] = ()

    @property
    def steps(self) -> int:
        """How many steps lie between low and high, for quniform and int."""
        return round((self.high - self.low) / self.step)


def parse(space: Mapping[str, Any]) -> tuple[Dimension, ...]:
    """The space's dimensions, by name.

    A value is one of `{uniform: [low, high]}`, `{loguniform: [low, high]}` (even in the logarithm,
    0 < low), `{quniform: [low, high, step]}` (low, low + step, ..., high), `{int: [low, high]}` and
    `{choice: [a, b, ...]}`. Raises ValueError for anything else, and for values that XGBoost would
    refuse.
    """
    return tuple(_dimension(name, space[name]) for name in sorted(space))


def value(dimension: Dimension, point: float) -> Any:
    """What the search's `point` stands for: a place in choices, a number of steps, or the value.

    >>> value(Dimension("max_depth", "quniform", 3, 10, 1), 2.0)
    5
    """
    if dimension.kind == "choice":
        return dimension.choices[int(point)]
    if dimension.step:
        point = dimension.low + dimension.step * min(max(round(point), 0), dimension.steps)
    clipped = min(max(point, dimension.low), dimension.high)
    short = float(f"{clipped:.{SIGNIFICANT}g}")
    return int(short) if lookup(dimension.name).integer or dimension.kind == "int" else short


def _dimension(name: str, given: Any) -> Dimension:
    setting = lookup(name)
    if name in FIXED:
        raise ValueError(f".{name}: cannot be searched: {FIXED[name]}")
    if not isinstance(given, Mapping) or len(given) != 1:
        raise ValueError(f".{name}: got {given!r}, expected one of {_forms()}")
    ((kind, numbers),) = given.items()
    if kind not in READERS:
        raise ValueError(f".{name}: got '{kind}', expected one of {_forms()}")
    if not isinstance(numbers, list):
        raise ValueError(f".{name}.{kind}: got {numbers!r}, expected a list, as in {FORMS[kind]}")
    dimension = READERS[kind](name, numbers)
    _check_ends(setting, dimension)
    return dimension


def _check_ends(setting: Setting, dimension: Dimension) -> None:
    for end in dimension.choices or (dimension.low, dimension.high):
        if not setting.allows(end):
            raise ValueError(f".{dimension.name}.{dimension.kind}: got {end!r}, expected {setting}")
    between = dimension.kind in ("uniform", "loguniform") or dimension.step % 1
    if setting.integer and between and not dimension.choices:
        raise ValueError(
            f".{dimension.name}.{dimension.kind}: gives fractions, expected {setting}; "
            f"use {FORMS['int']}"
        )


def _choice(name: str, given: list[Any]) -> Dimension:
    if len(given) < 2:
        raise ValueError(f".{name}.choice: got {given!r}, expected two values or more")
    return Dimension(name, "choice", choices=tuple(given))


def _uniform(name: str, given: list[Any]) -> Dimension:
    low, high = _numbers(name, "uniform", given, 2)
    return Dimension(name, "uniform", low, high)


def _loguniform(name: str, given: list[Any]) -> Dimension:
    low, high = _numbers(name, "loguniform", given, 2)
    if low <= 0:
        raise ValueError(f".{name}.loguniform: got a low end of {low:g}, expected a number above 0")
    return Dimension(name, "loguniform", low, high)


def _quniform(name: str, given: list[Any]) -> Dimension:
    low, high, step = _numbers(name, "quniform", given, 3)
    steps = (high - low) / step if step > 0 else 0.5
    if abs(steps - round(steps)) > 1e-6:
        raise ValueError(
            f".{name}.quniform: got a step of {step:g}, expected one that leads "
            f"from {low:g} to {high:g} in whole steps"
        )
    return Dimension(name, "quniform", low, high, step)


def _int(name: str, given: list[Any]) -> Dimension:
    low, high = _numbers(name, "int", given, 2)
    if low % 1 or high % 1:
        raise ValueError(f".{name}.int: got {given!r}, expected whole numbers")
    return Dimension(name, "int", low, high, 1.0)


def _numbers(name: str, kind: Kind, given: list[Any], count: int) -> list[float]:
    numbers = [v for v in given if isinstance(v, (int, float)) and not isinstance(v, bool)]
    good = len(numbers) == len(given) == count and all(map(math.isfinite, numbers))
    if not good:
        raise ValueError(
            f".{name}.{kind}: got {given!r}, expected {count} numbers, as in {FORMS[kind]}"
        )
    if numbers[0] >= numbers[1]:
        raise ValueError(
            f".{name}.{kind}: got {given!r}, expected the low end first, as in {FORMS[kind]}"
        )
    return [float(v) for v in numbers]


FORMS: Mapping[str, str] = {
    "uniform": "{uniform: [0.5, 1.0]}",
    "loguniform": "{loguniform: [0.02, 0.3]}",
    "quniform": "{quniform: [3, 10, 1]}",
    "int": "{int: [3, 10]}",
    "choice": "{choice: [depthwise, lossguide]}",
}
READERS = {
    "uniform": _uniform,
    "loguniform": _loguniform,
    "quniform": _quniform,
    "int": _int,
    "choice": _choice,
}


def _forms() -> str:
    return ", ".join(FORMS.values())
