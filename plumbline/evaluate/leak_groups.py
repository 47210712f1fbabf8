"""Groups that carry the label: means of it by a column, one entity or one row in train and in test. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from plumbline.core.declarations import Array
from plumbline.evaluate import baselines, leak_measures
from plumbline.evaluate.leak_columns import Searched, Suspect

CONSTANT = 0.99
"""Share of the rows whose value is their group's."""
LEAST = 5
"""Groups, at least; and rows of a group whose mean is compared."""
CLOSE = 1e-3
"""How seldom group means of other rows would be that near."""
WITHIN = 0.99
"""What the label explains of a column within groups, where its own label is left out of a mean."""
SHARED = 0.05
"""Share of the test rows that are about what train rows are about, from which it is named."""
TWINS = 0.8
"""What their labels in train reach on test."""
OFTEN = 10
"""Rows of one id, at most, on average."""
COMPARED = 10_000


@dataclass(frozen=True)
class Grouped:
    """Rows by the values of a column: each row's group code (n,), and the label's count and sum by group."""

    code: Array
    count: Array
    total: Array

    @property
    def mean(self) -> Array:
        return self.total / np.maximum(self.count, 1)


def encodings(searched: Searched, names: tuple[str, ...]) -> Iterator[Suspect]:
    """Of the columns `names`, those that are the mean label by another column, own rows included."""
    label = np.asarray(searched.pooled[searched.usecase.label], np.float64)
    groups = _groups(searched)
    for name in names:
        value = np.asarray(searched.pooled[name], np.float64)
        for by, code in groups.items():
            one = by != name and (
                _mean(searched, name, by, code, value) or _left_out(name, by, code, value, label)
            )
            if one:
                yield one
                break


def _groups(searched: Searched) -> dict[str, Array]:
    """Codes of the known columns that some rows share, by name: entities, texts and whole numbers."""
    case, out = searched.usecase, {}
    entities = set(case.entity_columns)
    for column in case.known:
        if column.name not in searched.pooled or column.name in (case.key, case.time):
            continue
        if column.type not in ("string", "int", "bool") and column.name not in entities:
            continue
        distinct, code = np.unique(searched.pooled[column.name].astype(str), return_inverse=True)
        if LEAST <= len(distinct) <= len(code) / 2:
            out[column.name] = code
    return out


def _grouped(code: Array, label: Array, size: int) -> Grouped:
    return Grouped(code, np.bincount(code, minlength=size), np.bincount(code, label, size))


def _mean(searched: Searched, name: str, by: str, code: Array, value: Array) -> Suspect | None:
    """A value per group that is the mean label of train's or of all rows, smoothed or not, or too near to it."""
    label = np.asarray(searched.pooled[searched.usecase.label], np.float64)
    first = np.full(int(code.max()) + 1, np.nan)
    first[code[::-1]] = value[::-1]
    same = (value == first[code]) | (np.isnan(value) & np.isnan(first[code]))
    if same.mean() < CONSTANT or len(np.unique(first[np.isfinite(first)])) < LEAST:
        return None
    size = len(searched.train[searched.usecase.label])
    windows = {"train's rows": slice(0, size), "all rows": slice(None)}
    for whose, rows in windows.items():
        grouped = _grouped(code[rows], label[rows], len(first))
        figure = _equal(grouped, first, float(np.mean(label[rows])))
        if figure >= WITHIN:
            text = f"`{name}` is the mean label by `{by}` of {whose}, each row's own among them (no folds)"
            return Suspect((name,), text, figure, "share of the rows")
    chance = _chance(code, label, first)
    if chance < CLOSE:
        text = (
            f"`{name}` is nearer to the mean label by `{by}` than a mean of other rows could be: each row's "
            "own label is in it (no folds)"
        )
        return Suspect((name,), text, 1 - chance, "1 - p")
    return None


def _equal(grouped: Grouped, value: Array, overall: float) -> float:
    """Share of the groups whose value is their mean, pulled towards the overall mean by the same weight."""
    held = np.isfinite(value) & (grouped.count > 0)
    if held.sum() < LEAST:
        return 0.0
    count, mean, value = grouped.count[held], grouped.mean[held], value[held]
    pull, away = value - overall, count * (mean - value)
    weight = max(float(pull @ away) / max(float(pull @ pull), 1e-300), 0.0)
    expected = (count * mean + weight * overall) / (count + weight)
    near = np.abs(value - expected) <= 1e-3 * max(float(np.std(value)), 1e-300)
    return float(np.average(near, weights=count))


def _chance(code: Array, label: Array, value: Array) -> float:
    """How seldom means of other rows are as near to these rows' group means as the values are (chi-squared).

    Such means differ from these by this side's variance at least; a mean over these very rows, by less.
    """
    from scipy import stats

    grouped = _grouped(code, label, len(value))
    squares = np.bincount(code, label**2, len(value))
    count, mean = grouped.count, grouped.mean
    variance = (
        np.maximum(squares / np.maximum(count, 1) - mean**2, 0) * count / np.maximum(count - 1, 1)
    )
    held = (count >= LEAST) & (variance > 0) & np.isfinite(value)
    if held.sum() < LEAST:
        return 1.0
    apart = (value - mean)[held] ** 2 * count[held] / variance[held]
    return float(stats.chi2.cdf(apart.sum(), held.sum()))


def _left_out(name: str, by: str, code: Array, value: Array, label: Array) -> Suspect | None:
    """A mean without the row's own label: within each group it falls as that label rises, and nothing else."""
    held = np.isfinite(value) & np.isfinite(label)
    code, value, label = code[held], value[held], label[held]
    size = int(code.max()) + 1 if len(code) else 0
    count = np.bincount(code, minlength=size)
    rows = (count >= LEAST)[code]
    if rows.sum() < LEAST * LEAST:
        return None

    def centred(values: Array) -> Array:
        return values - (np.bincount(code, values, size) / np.maximum(count, 1))[code]

    own, apart = centred(value), centred(label)
    spread = np.bincount(code, apart**2, size)
    slope = np.bincount(code, own * apart, size) / np.where(spread > 0, spread, np.inf)
    rows &= (spread > 0)[code]
    left, whole = (own - slope[code] * apart)[rows], own[rows]
    total = float(whole @ whole)
    if not total > 1e-12 * max(float(value @ value), 1e-300):
        return None
    figure = 1 - float(left @ left) / total
    if figure < WITHIN:
        return None
    text = f"`{name}` varies within one `{by}` with the row's own label alone, as a mean that leaves it out"
    return Suspect((name,), text, figure, "share of its variance")


def shared(searched: Searched) -> Iterator[Suspect]:
    """Of a table that is split by rows: ids, then whole rows, that train and test have in common."""
    if searched.usecase.time is not None:
        return
    entities = set(searched.usecase.entity_columns)
    for by, (seen, value) in _ids(searched).items():
        known = np.isin(value, seen)
        if known.mean() < SHARED or known.sum() < LEAST:
            continue
        figure = _by_twin(searched, seen, value, known)
        if figure >= TWINS or by in entities:
            text = (
                f"{known.mean():.0%} of test's rows have a `{by}` that train has, too, and its labels there "
                "answer: the table is split by rows"
            )
            yield Suspect((by,), text, figure)
    yield from _twins(searched)


def _ids(searched: Searched) -> Mapping[str, tuple[Array, Array]]:
    """Values of train and test of columns that number something: entities, and unused ids of few rows each."""
    case, out = searched.usecase, {}
    entities = set(case.entity_columns)
    for column in case.known:
        name = column.name
        if name == case.key or column.type not in ("string", "int") or name not in searched.train:
            continue
        pair = searched.train[name].astype(str), searched.test[name].astype(str)
        distinct = len(np.unique(np.concatenate(pair)))
        rare = distinct > LEAST * LEAST and len(pair[0]) + len(pair[1]) <= OFTEN * distinct
        if name in entities or (rare and name not in searched.names):
            out[name] = pair
    return out


def _by_twin(searched: Searched, seen: Array, value: Array, known: Array) -> float:
    """What train's mean label of the same value reaches on those rows of test."""
    case = searched.usecase
    train = np.asarray(searched.train[case.label], np.float64)
    test = np.asarray(searched.test[case.label], np.float64)
    distinct, code = np.unique(seen, return_inverse=True)
    mean = np.bincount(code, train) / np.bincount(code)
    place = np.clip(np.searchsorted(distinct, value[known]), 0, len(distinct) - 1)
    rows = leak_measures.LabelledRows(test[known], case.problem == "classification")
    return rows.reach(mean[place])


def _twins(searched: Searched) -> Iterator[Suspect]:
    """Rows of test that a row of train nearly equals in all numbers, and has the label of."""
    train, test = _whitened(searched)
    if train.shape[1] < 2:
        return
    near = 0.02 if train.shape[1] >= 4 else 1e-9
    places = np.array([_nearest(train, row, near) for row in test])
    known = places >= 0
    if known.mean() < SHARED or known.sum() < LEAST:
        return
    own, other = searched.labels
    rows = baselines.evenly(len(own.label), COMPARED), baselines.evenly(len(other.label), 500)
    labels = own.label[rows[0]][places[known]], other.label[rows[1]][known]
    figure = leak_measures.LabelledRows(labels[1], own.classes).reach(labels[0])
    if figure >= TWINS:
        text = (
            f"{known.mean():.0%} of test's rows are nearly equal to a row of train, whose label answers: the "
            "same rows are in both"
        )
        yield Suspect(("rows",), text, figure)


def _nearest(train: Array, row: Array, near: float) -> int:
    """The row of train within that distance in every direction; -1 where there is none."""
    apart = np.abs(train - row).max(axis=1)
    place = int(apart.argmin())
    return place if apart[place] <= near else -1


def _whitened(searched: Searched) -> tuple[Array, Array]:
    """Rows of train and test in independent directions of unit variance, of what varies nearly row by row."""
    names, pairs = [], {}
    own, other = (len(rows.label) for rows in searched.labels)
    rows = baselines.evenly(own, COMPARED), baselines.evenly(other, 500)
    for name in searched.names:
        pairs[name] = pair = tuple(v[r] for v, r in zip(searched.pair(name), rows, strict=True))
        finite = all(np.isfinite(values).all() for values in pair)
        if finite and len(np.unique(pair[1])) > len(pair[1]) / 2 and pair[0].std() > 0:
            names.append(name)
    if len(names) < 2:
        return np.zeros((own, 0)), np.zeros((other, 0))
    train, test = (np.column_stack([pairs[n][side] for n in names]) for side in (0, 1))
    centre, scale = train.mean(axis=0), train.std(axis=0)
    train, test = (train - centre) / scale, (test - centre) / scale
    sizes, directions = np.linalg.eigh(np.atleast_2d(np.cov(train.T)))
    kept = sizes >= 0.05
    turn = directions[:, kept] / np.sqrt(sizes[kept])
    return train @ turn, test @ turn
