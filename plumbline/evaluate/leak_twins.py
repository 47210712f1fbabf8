"""What train and test have in common in a table that is split by rows: ids, and whole rows. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from plumbline.core.declarations import Array
from plumbline.evaluate import baselines, leak_measures
from plumbline.evaluate.leak_columns import Searched, Suspect

SHARED = 0.05
"""Share of the test rows that are about what train rows are about, from which it is named."""
LEAST = 5
"""Such rows, at least."""
IDS = 25
"""Values of an id, at least."""
OFTEN = 10
"""Rows of one id, at most, on average."""
TWINS = 0.8
"""What their labels in train reach on test."""
SURE = 0.95
"""The same where equal values may be chance: of a feature, or of rows of few numbers."""
VARIED = 0.8
"""Share of the test rows that must differ from each other for rows of few numbers to be compared."""
TRAIN, TEST = 10_000, 500
"""Rows that are compared with each other."""
NEAR = 0.02
"""How far equal rows may be apart in each direction, standard deviations."""
DIRECTIONS = 4
"""Directions that rows vary in, at least, for near ones to be no chance; below, they must be equal."""


def suspects(searched: Searched) -> Iterator[Suspect]:
    """Ids that train and test share, then rows that they do; none in a table that is split by time."""
    if searched.usecase.time is not None:
        return
    entities = set(searched.usecase.entity_columns)
    for by, (seen, value) in _ids(searched).items():
        known = np.isin(value, seen)
        if known.mean() < SHARED or known.sum() < LEAST:
            continue
        figure = _by_id(searched, seen, value, known)
        bound = SURE if by in searched.names else TWINS
        if figure >= bound or by in entities:
            answer = ", and its labels there answer" if figure >= bound else ""
            text = (
                f"{known.mean():.0%} of test's rows have a `{by}` that train has, too{answer}: the table is split "
                "by rows"
            )
            yield Suspect((by,), text, figure)
    yield from _rows(searched)


def _ids(searched: Searched) -> Mapping[str, tuple[Array, Array]]:
    """Values of train and test of columns that number something: entities, and ids of few rows each."""
    case, out = searched.usecase, {}
    entities = set(case.entity_columns)
    for column in case.known:
        name = column.name
        if name == case.key or column.type not in ("string", "int") or name not in searched.train:
            continue
        pair = _plain(searched.train[name]), _plain(searched.test[name])
        distinct = len(np.unique(np.concatenate(pair)))
        if name in entities or (distinct > IDS and len(pair[0]) + len(pair[1]) <= OFTEN * distinct):
            out[name] = pair
    return out


def _plain(values: Array) -> Array:
    return values.astype(str) if values.dtype == object else values


def _by_id(searched: Searched, seen: Array, value: Array, known: Array) -> float:
    """What train's mean label of the same id reaches on those rows of test."""
    case = searched.usecase
    train = np.asarray(searched.train[case.label], np.float64)
    test = np.asarray(searched.test[case.label], np.float64)
    distinct, code = np.unique(seen, return_inverse=True)
    mean = np.bincount(code, train) / np.bincount(code)
    place = np.clip(np.searchsorted(distinct, value[known]), 0, len(distinct) - 1)
    rows = leak_measures.LabelledRows(test[known], case.problem == "classification")
    return rows.reach(mean[place])


@dataclass(frozen=True)
class _Compared:
    """Rows of train and of test, (n, f) and (m, f), with their labels."""

    train: Array
    test: Array
    labels: tuple[Array, Array]
    classes: bool

    def suspect(self, places: Array, bound: float) -> Suspect | None:
        """Whether the train rows at these places, -1 for none, answer for the test rows."""
        known = places >= 0
        if known.mean() < SHARED or known.sum() < LEAST:
            return None
        own, other = self.labels[0][places[known]], self.labels[1][known]
        figure = leak_measures.LabelledRows(other, self.classes).reach(own)
        if figure < bound:
            return None
        text = (
            f"{known.mean():.0%} of test's rows are nearly equal to a row of train, whose label answers: the "
            "same rows are in both"
        )
        return Suspect(("rows",), text, figure)


def _rows(searched: Searched) -> Iterator[Suspect]:
    """Rows of test that a row of train equals in all numbers, or nearly, and has the label of."""
    compared = _compared(searched)
    train, test = _whitened(compared)
    one = None
    if train.shape[1] >= DIRECTIONS:
        one = compared.suspect(np.array([_nearest(train, row) for row in test]), TWINS)
    one = one or compared.suspect(_equal(compared), SURE)
    if one:
        yield one


def _compared(searched: Searched) -> _Compared:
    own, other = searched.labels
    rows = baselines.evenly(len(own.label), TRAIN), baselines.evenly(len(other.label), TEST)
    pairs = [searched.pair(name) for name in searched.names]
    train, test = (np.column_stack([p[side][rows[side]] for p in pairs]) for side in (0, 1))
    return _Compared(train, test, (own.label[rows[0]], other.label[rows[1]]), own.classes)


def _equal(compared: _Compared) -> Array:
    """The equal row of train for each row of test; none where rows have few values, and meet by chance."""
    both = np.nan_to_num(np.vstack([compared.train, compared.test]).astype(np.float32), nan=-1e30)
    code = np.unique(both, axis=0, return_inverse=True)[1].ravel()
    train, test = code[: len(compared.train)], code[len(compared.train) :]
    if len(np.unique(test)) < VARIED * len(test):
        return np.full(len(test), -1)
    place = np.full(int(code.max()) + 1, -1)
    place[train] = np.arange(len(train))
    return place[test]


def _nearest(train: Array, row: Array) -> int:
    """The row of train that is near in every direction; -1 where there is none."""
    apart = np.abs(train - row).max(axis=1)
    place = int(apart.argmin())
    return place if apart[place] <= NEAR else -1


def _whitened(compared: _Compared) -> tuple[Array, Array]:
    """Rows in independent directions of unit variance, of the columns that vary nearly row by row."""
    kept = [
        number
        for number, (own, other) in enumerate(zip(compared.train.T, compared.test.T, strict=True))
        if np.isfinite(own).all()
        and np.isfinite(other).all()
        and own.std() > 0
        and len(np.unique(other)) > len(other) / 2
    ]
    if len(kept) < DIRECTIONS:
        return np.zeros((0, 0)), np.zeros((0, 0))
    train, test = compared.train[:, kept], compared.test[:, kept]
    centre, scale = train.mean(axis=0), train.std(axis=0)
    train, test = (train - centre) / scale, (test - centre) / scale
    sizes, directions = np.linalg.eigh(np.cov(train.T))
    wide = sizes >= 0.05
    turn = directions[:, wide] / np.sqrt(sizes[wide])
    return train @ turn, test @ turn
