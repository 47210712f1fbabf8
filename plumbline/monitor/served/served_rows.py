"""Rows of sealed predictions as arrays, and those whose event a window has. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pandas as pd

from plumbline.core import tables
from plumbline.core.declarations import Array
from plumbline.core.served_sheet import ServedSheet
from plumbline.monitor.calendar import DAY
from plumbline.monitor.window import ScoredWindow

FLAGS = ("late", "unknown", "defaulted", "stale")
STRUCTS = ("aggregates", "computed")
"""Columns whose fields are features, named as the model tables name them."""
PLAIN = (
    "sequence",
    "received",
    "request_id",
    "key",
    "arm",
    "mode",
    "bundle",
    "definitions",
    "alarm",
    "decision",
    "action",
    "propensity",
    "watermark",
    "micros",
)
COLUMNS = (*PLAIN, "score", "flags", *STRUCTS)


@dataclass(frozen=True)
class ServedRows:
    """n predictions, live ones and shadows, by rising sequence.

    Arrays (n,), `answers` (n, k): a score, or of several classes a probability each. `alarm` float: 0, 1, or NaN
    without alarms. `flags` bool by flag. `features` float by name: NaN where a value is no number; `given` bool by
    name: whether the row was logged with the feature at all, which older definitions may not have.
    """

    sequence: Array
    received: Array
    request_id: Array
    key: Array
    arm: Array
    mode: Array
    bundle: Array
    definitions: Array
    alarm: Array
    decision: Array
    action: Array
    propensity: Array
    watermark: Array
    micros: Array
    answers: Array
    flags: Mapping[str, Array]
    features: Mapping[str, Array]
    given: Mapping[str, Array]

    def __len__(self) -> int:
        return len(self.sequence)

    @property
    def day(self) -> Array:
        """The UTC day of receipt, datetime64[D] (n,)."""
        return self.received.astype("datetime64[D]")

    @property
    def score(self) -> Array:
        """The score, or the likeliest class's probability, float (n,)."""
        return np.max(self.answers, axis=1) if len(self) else np.empty(0)

    def take(self, rows: Array) -> ServedRows:
        """The rows that `rows` (mask or positions) picks."""
        picked = {f.name: _picked(getattr(self, f.name), rows) for f in fields(self)}
        return ServedRows(**picked)

    def live(self) -> ServedRows:
        """What was answered: of several rows of a key the first."""
        rows = np.flatnonzero(self.mode == "live")
        return self.take(rows[~pd.Index(self.key[rows]).duplicated()])


def _picked(value: Any, rows: Array) -> Any:
    if isinstance(value, Mapping):
        return {name: one[rows] for name, one in value.items()}
    return value[rows]


def of_table(table: Any, classes: int = 0) -> ServedRows:
    """From an Arrow table with COLUMNS; `classes`: how many probabilities a score has, 0 for a plain score."""
    plain = {name: tables.numpy(table.column(name)) for name in PLAIN}
    features, given = _structs(table)
    return ServedRows(
        **plain | {"alarm": plain["alarm"].astype(np.float64)},
        answers=_answers(table.column("score"), max(1, classes)),
        flags=_flags(table.column("flags")),
        features=features,
        given=given,
    )


def none(classes: int = 0) -> ServedRows:
    """No rows: nothing was answered."""
    kinds = {"received": "datetime64[us]", "alarm": float, "propensity": float}
    kinds |= dict.fromkeys(("sequence", "watermark", "micros"), int)
    return ServedRows(
        **{name: np.empty(0, kinds.get(name, object)) for name in PLAIN},
        answers=np.empty((0, max(1, classes))),
        flags={flag: np.zeros(0, bool) for flag in FLAGS},
        features={},
        given={},
    )


def _structs(table: Any) -> tuple[dict[str, Array], dict[str, Array]]:
    """Each feature's values, NaN for null, and where it was logged."""
    values, given = {}, {}
    for struct in (name for name in STRUCTS if name in table.column_names):
        column = table.column(struct)
        for field, one in zip(column.type, column.flatten(), strict=True):
            values[field.name] = tables.numpy(one).astype(np.float64)
            given[field.name] = one.is_valid().to_numpy()
    return values, given


def _flags(lists: Any) -> dict[str, Array]:
    """By flag, the rows that have it."""
    import pyarrow.compute as pc

    row = pc.list_parent_indices(lists).to_numpy()
    names = pc.list_flatten(lists).to_numpy(zero_copy_only=False)
    out = {flag: np.zeros(len(lists), bool) for flag in FLAGS}
    for flag, rows in out.items():
        rows[row[names == flag]] = True
    return out


def _answers(scores: Any, width: int) -> Array:
    """Scores (n, width); NaN where a row has another number of them."""
    import pyarrow.compute as pc

    out = np.full((len(scores), width), np.nan)
    row = pc.list_parent_indices(scores).to_numpy()
    flat = pc.list_flatten(scores).to_numpy().astype(np.float64)
    full = np.bincount(row, minlength=len(scores)) == width
    out[full] = flat[full[row]].reshape(-1, width)
    return out


def joined(parts: Sequence[ServedRows]) -> ServedRows:
    """Several parts as one, by rising sequence; at least one. A feature that a part lacks was not logged there."""
    names = list(dict.fromkeys(name for part in parts for name in part.features))
    whole = [_with(part, names) for part in parts]
    merged = {
        f.name: _concatenated([getattr(w, f.name) for w in whole]) for f in fields(ServedRows)
    }
    rows = ServedRows(**merged)
    return rows.take(np.argsort(rows.sequence, kind="stable"))


def _with(part: ServedRows, names: Sequence[str]) -> ServedRows:
    unknown, absent = np.full(len(part), np.nan), np.zeros(len(part), bool)
    return replace(
        part,
        features={name: part.features.get(name, unknown) for name in names},
        given={name: part.given.get(name, absent) for name in names},
    )


def _concatenated(values: Sequence[Any]) -> Any:
    if isinstance(values[0], Mapping):
        return {name: np.concatenate([v[name] for v in values]) for name in values[0]}
    return np.concatenate(values)


@dataclass(frozen=True)
class SealedRows:
    """The predictions of sealed days, and what the data stage says of these days."""

    rows: ServedRows
    sheet: ServedSheet


def first_day(window: ScoredWindow) -> np.datetime64 | None:
    """The window's first day; None without time or rows."""
    if window.day is None or window.last is None or not window.rows:
        return None
    return window.last - (window.days - 1) * DAY


@dataclass(frozen=True)
class MatchedRows:
    """n served rows, and the same n events as the batch has them: its columns, labels and answers."""

    rows: ServedRows
    event: ScoredWindow

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, rows: Array) -> MatchedRows:
        """The rows that `rows` (mask or positions) picks."""
        return MatchedRows(self.rows.take(rows), self.event.take(rows))


def matched(rows: ServedRows, window: ScoredWindow, key: str) -> MatchedRows:
    """The rows whose event is in the window, in their order; `key`: the column that names an event."""
    place = places(rows.key, window.columns[key])
    found = place >= 0
    return MatchedRows(rows.take(found), window.take(place[found]))


def places(keys: Array, among: Array) -> Array:
    """Where each of `keys` (n,) stands first in `among`, int (n,); -1 where it does not."""
    if keys.dtype != among.dtype:
        keys, among = keys.astype(str), among.astype(str)
    first = np.flatnonzero(~pd.Index(among).duplicated())
    found = pd.Index(among[first]).get_indexer(pd.Index(keys))
    if not len(first):
        return found
    return np.where(found >= 0, first[found], -1)
