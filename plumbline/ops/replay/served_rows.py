"""Served rows as columns: of the log's files or of sealed days, in one form. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from plumbline.core import tables
from plumbline.core.declarations import Array
from plumbline.core.usecase import FeatureSet
from plumbline.serve import scoring
from plumbline.serve.log.description import LogDescription
from plumbline.serve.log.export import TYPES
from plumbline.serve.online import checks
from plumbline.serve.protocols import LoggedEvent

FACTS = (
    "sequence", "received", "request_id", "key", "arm", "mode", "bundle", "definitions", "route_version",
    "alarm", "decision", "action", "propensity", "watermark", "flags", "micros",
)  # fmt: skip
"""What is known of each row beside the event, its features and its scores."""


@dataclass(frozen=True)
class ServedRows:
    """n rows of one day that have the same columns.

    `facts`: object (n,) by name of FACTS. `events`: the known columns as Arrow arrays (n,), null where the event is not
    known. `aggregates`, `computed`: float64 (n,) by name. `raw`, `score`: float64 (n, k), k of one number or one
    per class; NaN beyond a row's `width`, which is 0 of an event that is not scored. `altered`: object (n,), what in
    a row does not agree with itself, "" where it does. `libraries`: the versions that wrote the rows, as far as known.
    """

    day: date
    origin: str
    facts: Mapping[str, Array]
    events: Mapping[str, Any]
    aggregates: Mapping[str, Array]
    computed: Mapping[str, Array]
    raw: Array
    score: Array
    width: Array
    altered: Array
    libraries: Mapping[str, str]

    def __len__(self) -> int:
        return len(self.altered)

    def take(self, places: Array) -> ServedRows:
        """The rows at these places, int (m,)."""
        if len(places) == len(self):
            return self
        return replace(
            self,
            facts=_taken(self.facts, places),
            events={n: v.take(pa.array(places)) for n, v in self.events.items()},
            aggregates=_taken(self.aggregates, places),
            computed=_taken(self.computed, places),
            raw=self.raw[places],
            score=self.score[places],
            width=self.width[places],
            altered=self.altered[places],
        )

    def known(self, usecase: FeatureSet) -> dict[str, Array]:
        """The known columns (n,) with the dtypes of a model table; KeyError where the rows lack one."""
        return {
            c.name: tables.numpy(self.events[c.name].cast(tables.ARROW[c.type]), null=c.null)
            for c in usecase.known
        }


def of_log(day: date, rows: Sequence[LoggedEvent], described: LogDescription) -> ServedRows:
    """Rows of a log's file, with the names that it describes."""
    sizes = {name: len(getattr(described, name)) for name in ("aggregates", "computed")}
    return ServedRows(
        day=day,
        origin="log",
        facts={name: objects([getattr(r, name) for r in rows]) for name in FACTS},
        events={
            n: pa.array([r.event.get(n) for r in rows], TYPES[k])
            for n, k in described.event.items()
        },
        aggregates=_numbers(
            described.aggregates, [_sized(r.aggregates, sizes["aggregates"]) for r in rows]
        ),
        computed=_numbers(
            described.computed, [_sized(r.computed, sizes["computed"]) for r in rows]
        ),
        raw=padded([r.raw for r in rows]),
        score=padded([r.score for r in rows]),
        width=np.array([len(r.score) for r in rows], np.int64),
        altered=objects([_altered(row, described) for row in rows]),
        libraries=described.libraries,
    )


def objects(values: Sequence[Any]) -> Array:
    """Values as they are, object (n,)."""
    out = np.empty(len(values), object)
    out[:] = values
    return out


def padded(rows: Sequence[Sequence[float]]) -> Array:
    """Lists of numbers as float64 (n, k), k at least 1, NaN where a row has fewer."""
    out = np.full((len(rows), max([1, *map(len, rows)])), np.nan)
    for place, row in enumerate(rows):
        out[place, : len(row)] = row
    return out


def _numbers(names: Sequence[str], rows: Sequence[tuple[float, ...]]) -> dict[str, Array]:
    columns = np.array(rows, np.float64).reshape(len(rows), -1).T
    return dict(zip(names, columns, strict=True))


def _sized(values: tuple[float, ...], size: int) -> tuple[float, ...]:
    """As many numbers as there are names; NaN for all where a row has another number of them."""
    return values if len(values) == size else (np.nan,) * size


def _taken(named: Mapping[str, Array], places: Array) -> dict[str, Array]:
    return {name: values[places] for name, values in named.items()}


def _altered(row: LoggedEvent, described: LogDescription) -> str:
    """What does not agree in a row of the log: the event with its digest, the answer with the score."""
    if checks.digest(row.event) != row.digest or row.event.get(described.key) != row.key:
        return "the event is not the one whose digest the row has"
    for name in ("aggregates", "computed"):
        names, values = getattr(described, name), getattr(row, name)
        if len(values) != len(names):
            return f"it has {len(values)} {name}, its file describes {len(names)}"
    if row.mode == "live" and row.answer:
        return _answered(row, described)
    return ""


def _answered(row: LoggedEvent, described: LogDescription) -> str:
    """What in the bytes that were answered is not what the row has."""
    try:
        answer = msgspec.json.decode(row.answer)
    except msgspec.DecodeError:
        return "the answer's bytes are no JSON"
    names = scoring.probability_names(described.classes) or [scoring.SCORE]
    score = tuple(answer.get(name) for name in names)
    if score != (row.score or (None,) * len(names)):
        return f"the answer has the score {shown(score)}, the row {shown(row.score)}"
    if (answer.get("bundle"), answer.get("arm")) != (row.bundle, row.arm):
        return f"the answer is of bundle {answer.get('bundle')}, the row of {row.bundle}"
    if answer.get(scoring.ALARM, row.alarm) != row.alarm:
        return f"the answer has alarm {answer.get(scoring.ALARM)}, the row {row.alarm}"
    if str(answer.get(scoring.DECISION, row.decision)) != str(row.decision):
        return f"the answer has decision {answer.get(scoring.DECISION)}, the row {row.decision}"
    return ""


def shown(score: Sequence[Any]) -> str:
    """Numbers as they are, to the last bit."""
    return ", ".join(map(repr, score)) or "none"
