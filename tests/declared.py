"""A use case's declarations as plain lines, so that a change of one stands in a review by itself.

`python -m tests.declared` writes them anew into `tests/code/declared/`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from plumbline.core.declarations import Array, Columns
from plumbline.core.usecase import UseCase
from plumbline.model.manifest import LATER
from usecases.card_fraud import model as card_fraud
from usecases.flights import model as flights

CASES = (card_fraud.USECASE, flights.USECASE)
FOLDER = Path(__file__).parent / "code" / "declared"
SAMPLES = {
    "int": np.array([1_234, 5]),
    "float": np.array([1_234.5, 0.25]),
    "string": np.array(["one", "other"], object),
    "timestamp": np.array(["2025-03-04T05:06:07", "2025-03-09T23:00:00"], "datetime64[us]"),
}
"""Two events' values by a column's type; features are floats."""


def text(case: UseCase) -> str:
    """A line per column, feature, slice and behaviour, and what each behaviour makes of two events."""
    return "\n".join([*_declared(case), *_changed(case)]) + "\n"


def _declared(case: UseCase) -> Iterator[str]:
    for field in dataclasses.fields(case):
        value = getattr(case, field.name)
        if LATER.get(field.name, ...) == value:
            continue
        if isinstance(value, tuple):
            yield from (f"{field.name}: {_said(v)}" for v in value)
        elif isinstance(value, dict):
            yield from (f"{field.name}: {k} = {v}" for k, v in value.items())
        else:
            yield f"{field.name}: {_said(value)}"


def _changed(case: UseCase) -> Iterator[str]:
    event: dict[str, Array] = dict.fromkeys(case.features, SAMPLES["float"])
    event |= {c.name: SAMPLES[c.type] for c in case.columns}
    event |= {s.name: SAMPLES["float"] for s in case.aggregates}
    for behaviour in case.behaviours:
        built: Columns = behaviour.change(event)
        for name in sorted(built):
            yield f"{behaviour.name} makes of {name}: {built[name].tolist()}"


def _said(value: Any) -> str:
    if dataclasses.is_dataclass(value):
        parts = ((f.name, getattr(value, f.name)) for f in dataclasses.fields(value))
        kind = type(value).__name__
        message = ", ".join(
            f"{n}={_said(v)}"
            for n, v in parts
            if v is not None and v not in ((), "") and LATER.get(f"{kind}.{n}", ...) != v
        )
        return f"{type(value).__name__}({message})"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_said, value)) + ")"
    return value.__name__ if callable(value) else repr(value)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for declared_case in CASES:
        (FOLDER / f"{declared_case.name}.txt").write_text(text(declared_case), encoding="utf-8")
