"""Single columns that nearly answer: copies of the label in any shape, nulls that tell, labels of other rows. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from plumbline.core import stored_columns
from plumbline.core.declarations import Array, Columns
from plumbline.core.stored_columns import StoredColumns
from plumbline.core.usecase import UseCase
from plumbline.evaluate import baselines, leak_measures
from plumbline.evaluate.leak_measures import LabelledRows

ROWS = 20_000
"""Of each window, evenly spaced, that are looked at."""
ALONE = 0.97
"""What a column that nearly answers reaches."""
TWO_VALUED = 0.9
"""The same of a column of two values, where 1 is a copy and chance gives little."""
LEAST = 15, 5
"""Rows of train and of test, of a classification those of the rarer class, below which nothing is searched."""
SOME = 0.1
"""Share of the rows that must have a value for these to be looked at by themselves."""
STORED = 200_000
"""Of a window that is too large for memory, evenly spaced, that anything is looked for in."""
MOST = 20_000
"""First rows of test in which persistence is measured."""
TOLERANCE = 0.02
"""How much more a history may reach than the last known labels by themselves."""
RARE = 0.005
"""Share of the rows that a group of them must have, and be left out of, to be looked at."""


@dataclass(frozen=True)
class Suspect:
    """What nearly answers: its columns, a clause about them, and what it reaches on the test window.

    `measure`: what the figure is; empty for R² or average precision, by the problem.
    """

    columns: tuple[str, ...]
    text: str
    figure: float
    measure: str = ""


@dataclass(frozen=True)
class Searched:
    """What is searched: the use case, and columns of the windows by name, (n,) each, in table order.

    `whole`: these are all rows, not some of them. `first`, `last`: of test's, one after the other. `persistence`: what the labels that are known when an
    event happens reach by themselves, where the label goes on as it went.
    """

    usecase: UseCase
    train: Columns
    test: Columns
    valid: Columns
    whole: bool
    first: Columns
    last: Columns
    persistence: float = 0.0

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The columns that an answer is made of: the features, the naive answer, the offset."""
        case = self.usecase
        further = [n for n in (case.naive, case.offset) if n is not None]
        return tuple(dict.fromkeys([*case.features, *further]))

    @cached_property
    def histories(self) -> frozenset[str]:
        """What is made of declared histories and times alone: it holds no label before its delay."""
        case = self.usecase
        honest = {f.name for f in case.aggregates}
        honest |= {c.name for c in case.known if c.type == "timestamp"}
        for row in case.rows:
            if honest.issuperset(row.inputs):
                honest.add(row.name)
        return frozenset(honest)

    def bound(self, plain: float) -> float:
        """A bound on what is suspected, of what persistence leaves to be explained."""
        return 1 - (1 - plain) * (1 - self.persistence)

    @cached_property
    def places(self) -> tuple[Array, Array]:
        """The rows of train and test that are looked at."""
        label = self.usecase.label
        train, test = (baselines.evenly(len(t[label]), ROWS) for t in (self.train, self.test))
        return train, test

    @cached_property
    def labels(self) -> tuple[LabelledRows, LabelledRows]:
        """The labels of those rows."""
        train, test = (self._label(t, p) for t, p in zip(self.tables, self.places, strict=True))
        return train, test

    @cached_property
    def ordered(self) -> Columns:
        """The last rows of all windows, in the order of time, of a plain table of its key; of test, where train is not whole."""
        if not self.whole:
            return self.last
        pooled, by = self.pooled, self.usecase.time or self.usecase.key
        order = np.argsort(pooled[by], kind="stable")[-ROWS:]
        return {name: values[order] for name, values in pooled.items()}

    @cached_property
    def pooled(self) -> Columns:
        """The rows of train, valid and test, the columns that all three hold."""
        parts = self.train, self.valid, self.test
        return {n: np.concatenate([p[n] for p in parts]) for n in self.train}

    @property
    def tables(self) -> tuple[Columns, Columns]:
        """Train and test."""
        return self.train, self.test

    def pair(self, name: str) -> tuple[Array, Array]:
        """A column's values in those rows of train and test, float64."""
        train, test = (
            np.asarray(t[name][p], np.float64)
            for t, p in zip(self.tables, self.places, strict=True)
        )
        return train, test

    def _label(self, table: Columns, rows: Array) -> LabelledRows:
        label = np.asarray(table[self.usecase.label], np.float64)[rows]
        return LabelledRows(label, self.usecase.problem == "classification")


def searched(
    usecase: UseCase,
    train: Columns,
    test: Columns,
    valid: Columns,
    names: Sequence[str],
    *,
    whole: bool,
) -> Searched:
    """What is searched of the windows, the columns `names`; of a window on disk at most `STORED` rows."""
    shown = stored_columns.only(test, names)
    return Searched(
        usecase=usecase,
        train=train,
        test=_some(shown),
        valid=_some(stored_columns.only(valid, names)),
        whole=whole and not any(isinstance(one, StoredColumns) for one in (test, valid)),
        first=stored_columns.first(shown, MOST),
        last=stored_columns.last(shown, ROWS),
    )


def _some(columns: Columns) -> Columns:
    """Evenly spaced rows of a window on disk; another as it is."""
    if not isinstance(columns, StoredColumns):
        return columns
    return columns.take(baselines.evenly(columns.rows, STORED)).loaded()


def enough(train: LabelledRows, test: LabelledRows) -> bool:
    """Whether the rows suffice for chance alone to name nothing."""
    return train.telling >= LEAST[0] and test.telling >= LEAST[1]


def suspects(searched: Searched) -> Iterator[Suspect]:
    """The columns that nearly answer by themselves, each once, by its strongest reason."""
    for name in searched.names:
        found = [
            *_values(searched, name),
            *_fill_values(searched, name),
            *_where_known(searched, name),
        ]
        strongest = max(found, key=lambda one: one.figure, default=None)
        if strongest and not _persists(searched, name, strongest.figure):
            yield strongest


def _persists(searched: Searched, name: str, figure: float) -> bool:
    """Whether a history answers no better than the labels that are known when an event happens."""
    return name in searched.histories and figure <= searched.persistence + TOLERANCE


def _values(searched: Searched, name: str) -> Iterator[Suspect]:
    train, test = searched.labels
    seen, value = searched.pair(name)
    figure = leak_measures.alone(train, test, seen, value)
    if figure >= (TWO_VALUED if _two(seen) and train.classes else ALONE):
        yield Suspect((name,), f"`{name}` alone nearly answers", figure)
    if train.classes:
        return
    figure = leak_measures.made_of(train, test, seen, value)
    if figure >= ALONE:
        text = f"`{name}` is made of the label, rounded or in another shape: it varies with nothing else"
        yield Suspect((name,), text, figure)


def _fill_values(searched: Searched, name: str) -> Iterator[Suspect]:
    """Whether the value is null, or the commonest one: what is filled in where the label is not known yet."""
    seen, value = searched.pair(name)
    train, test = searched.labels
    common = _commonest(seen)
    pairs = {
        f"whether `{name}` is null": (np.isnan(seen), np.isnan(value)),
        f"whether `{name}` is {common:g}": (seen == common, value == common),
    }
    for what, (own, other) in pairs.items():
        if not RARE <= own.mean() <= 1 - RARE:
            continue
        flags = own.astype(np.float64), other.astype(np.float64)
        figure = leak_measures.alone(train, test, *flags)
        if figure >= (TWO_VALUED if train.classes else ALONE):
            yield Suspect((name,), f"{what} nearly answers", figure)


def _where_known(searched: Searched, name: str) -> Iterator[Suspect]:
    """A column of which only some rows hold the label."""
    pair, rows = searched.pair(name), searched.labels
    held = [np.isfinite(values) for values in pair]
    if held[0].all() or min(one.mean() for one in held) < SOME:
        return
    train, test = (
        LabelledRows(one.label[there], one.classes) for one, there in zip(rows, held, strict=True)
    )
    if not enough(train, test):
        return
    seen, value = (values[there] for values, there in zip(pair, held, strict=True))
    figure = leak_measures.alone(train, test, seen, value)
    if figure >= (TWO_VALUED if _two(seen) and train.classes else ALONE):
        yield Suspect((name,), f"`{name}` nearly answers where it is not null", figure)


def _two(values: Array) -> bool:
    return len(np.unique(values[~np.isnan(values)])) <= 2


def _commonest(values: Array) -> float:
    distinct, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    return float(distinct[counts.argmax()]) if len(distinct) else np.nan
