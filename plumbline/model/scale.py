"""What the trees add up: the label itself, its logarithm, its ratio to an offset, or the log of a count; pure.

| scale | learns | starts from | answers |
|---|---|---|---|
| label | label | offset | margin |
| log | log(1 + label) | log(1 + offset) | exp(margin) - 1 |
| ratio | label / offset | nothing | margin * offset |
| count | label, as Poisson counts | log(offset) | exp(margin) |

Logarithms and exponentials are `portable`'s, so that every processor gives the same bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from plumbline.core.declarations import Array, Columns, Scale
from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import FeatureSet
from plumbline.model import portable


def learned(usecase: FeatureSet, columns: Columns) -> Array:
    """What the trees are fitted to, float32 (n,); PlumblineError where a label has no such value."""
    label = columns[usecase.label]
    if usecase.scale in ("label", "count"):
        return np.asarray(label.astype(np.float32))
    value = label.astype(np.float64)
    if usecase.scale == "log":
        _check(f"label '{usecase.label}'", value > -1, "above -1")
        return np.asarray(portable.log(1 + value).astype(np.float32))
    return np.asarray((value / _offset(usecase.scale, usecase.offset, columns)).astype(np.float32))


def start(scale: Scale, offset: str | None, columns: Columns) -> Array | None:
    """Where the trees start from, float32 (n,); None where that is nothing."""
    if offset is None or scale == "ratio":
        return None
    if scale == "label":
        return np.asarray(columns[offset].astype(np.float32))
    value = _offset(scale, offset, columns)
    return np.asarray(portable.log(value + 1 if scale == "log" else value).astype(np.float32))


def answer(scale: Scale, offset: str | None, columns: Columns, margin: Array) -> Array:
    """The label's unit, float64 (n,), from what the trees add up to, float64 (n,)."""
    if scale == "log":
        return portable.exp(margin) - 1
    if scale == "count":
        return portable.exp(margin)
    return margin * _offset(scale, offset, columns) if scale == "ratio" else margin


def unit(scale: Scale, name: str) -> str:
    """The unit of what the trees add up, where the label's is `name`."""
    return {
        "label": name,
        "log": f"log of 1 + {name}",
        "ratio": "ratio to the offset",
        "count": f"log of {name}",
    }[scale]


def margins(scale: Scale, booster: Any, matrix: Any) -> Array:
    """What the trees add up to on a DMatrix, float64 (n,)."""
    raw = booster.predict(matrix, output_margin=scale == "count")
    return np.asarray(raw, np.float64)


def _offset(scale: Scale, offset: str | None, columns: Columns) -> Array:
    value = columns[str(offset)].astype(np.float64)
    least = "above -1" if scale == "log" else "above 0"
    _check(f"offset '{offset}'", value > (-1 if scale == "log" else 0), least)
    return np.asarray(value)


def _check(what: str, good: Array, expected: str) -> None:
    bad = int(np.count_nonzero(~good))
    if bad:
        raise PlumblineError(
            f"{what}: {bad:,} of {len(good):,} rows are not {expected}, which the declared scale needs; let "
            "the contract bound the column, or declare another scale"
        )
