"""A check before serving: golden requests, sent to a bundle as serving will send them.

The golden events are those of `plumbline.ops.rollback.golden`: 200, evenly spread over the test window.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from plumbline.core import tables
from plumbline.core.declarations import Array, Columns
from plumbline.core.errors import RefusedError
from plumbline.core.usecase import UseCase
from plumbline.evaluate.baselines import evenly
from plumbline.model import bundle
from plumbline.model.bundle import Bundle
from plumbline.ops.rollback import golden
from plumbline.serve import request_check


def check(usecase: UseCase, model: Path, test: Path, report: Path) -> int:
    """Send the golden requests one by one; returns how many passed.

    Raises RefusedError where an answer is no number or no probability, differs between one request
    and many, or from what the commit recorded; PlumblineError where it cannot be scored.
    """
    scorer = bundle.load(model, usecase.name)
    columns = tables.read(test)
    rows = evenly(len(columns[usecase.key]), golden.MOST)
    events = {name: values[rows] for name, values in columns.items()}
    for i in range(len(rows)):
        request_check.check(usecase, _event(usecase, events, i))
    answers = answered(usecase, scorer, events)
    together = scorer.predict(events)
    _refuse(usecase, scorer, answers, together)
    golden.check(usecase.name, model, test, report)
    return len(rows)


def answered(usecase: UseCase, scorer: Bundle, events: Columns) -> Array:
    """The answers to requests one at a time, raw events with their histories, float64 (n,) or (n, k)."""
    derived = {r.name for r in usecase.rows} | {c.name for c in usecase.categories}
    raw = {n: v for n, v in events.items() if n not in derived - {c.name for c in usecase.known}}
    count = len(events[usecase.key])
    single = [
        scorer.score(usecase, {n: v[i : i + 1] for n, v in raw.items()}) for i in range(count)
    ]
    return np.concatenate(single) if single else np.empty(0)


def _refuse(usecase: UseCase, scorer: Bundle, answers: Array, together: Array) -> None:
    where = f"{usecase.name}: the golden check refuses the bundle"
    odd = ~np.isfinite(answers)
    if scorer.problem != "regression":
        odd |= (answers < 0) | (answers > 1)
    if odd.any():
        at = int(np.argwhere(odd)[0][0])
        raise RefusedError(f"{where}: golden request {at} is answered {answers[at].tolist()!r}")
    differ = np.flatnonzero((answers != together).reshape(len(answers), -1).any(axis=1))
    if len(differ):
        at = int(differ[0])
        raise RefusedError(
            f"{where}: golden request {at} is answered {answers[at].tolist()!r} alone and "
            f"{together[at].tolist()!r} "
            f"among {len(together)}"
        )


def _event(usecase: UseCase, events: Columns, i: int) -> Mapping[str, Any]:
    """One request as plain values; a nullable whole number, a float in the table, is one again."""
    event = {}
    for column in usecase.known:
        value = events[column.name][i]
        plain = value.item() if hasattr(value, "item") else value
        is_integer = column.type == "int" and isinstance(plain, float) and plain.is_integer()
        event[column.name] = int(plain) if is_integer else plain
    return event
