"""Means of the label by a column that hold each row's own label: target encoding without folds. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from plumbline.core.declarations import Array
from plumbline.evaluate import leak_measures
from plumbline.evaluate.leak_columns import Searched, Suspect

CONSTANT = 0.99
"""Share of the rows whose value is their group's."""
LEAST = 5
"""Groups, at least; and rows of a group whose mean is compared."""
CLOSE = 1e-3
"""How seldom group means of other rows would be that near."""
WITHIN = 0.99
"""What the label explains of a column within groups, where its own label is left out of a mean."""
LEFT_OUT = 1.01
"""How much a mean of n - 1 rows falls by the label that it leaves out, times n - 1; rounding included."""
MANY, LINEAR = 10, 0.9999
"""Groups, and R² of their values and means, from which the values are the means on another scale."""
MOST_GROUPS = 12
"""Columns that means are taken by: entities, texts, then whole numbers."""


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
        found = (
            _mean(searched, name, f"`{by}`", code, value) or _left_out(name, by, code, value, label)
            for by, code in groups.items()
            if by != name
        )
        one = next(filter(None, found), None) or _by_itself(searched, name, value)
        if one:
            yield one


def _by_itself(searched: Searched, name: str, value: Array) -> Suspect | None:
    """A mean by what the table does not have: rows of one value are its groups."""
    distinct, code = np.unique(value, return_inverse=True)
    if not LEAST <= len(distinct) <= len(value) / 2:
        return None
    return _mean(searched, name, "a column that is not here", code, value)


def _groups(searched: Searched) -> dict[str, Array]:
    """Codes of the known columns that some rows share, by name: entities, texts and whole numbers."""
    case, out = searched.usecase, dict[str, Array]()
    texts, numbers = ([c.name for c in case.known if c.type == kind] for kind in ("string", "int"))
    for name in dict.fromkeys([*case.entity_columns, *texts, *numbers]):
        if name not in searched.pooled or name == case.key or len(out) == MOST_GROUPS:
            continue
        values = searched.pooled[name]
        plain = values.astype(str) if values.dtype == object else values
        distinct, code = np.unique(plain, return_inverse=True)
        if LEAST <= len(distinct) <= len(code) / 2:
            out[name] = code
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
            text = f"`{name}` is the mean label by {by} of {whose}, each row's own among them (no folds)"
            return Suspect((name,), text, figure, "share of the rows")
    chance = _chance(code, label, first)
    if chance < CLOSE:
        text = (
            f"`{name}` follows the mean label by {by} more exactly than a mean of other rows could: each row's "
            "own label is in it (no folds)"
        )
        return Suspect((name,), text, 1 - chance, "1 - p")
    return None


def _equal(grouped: Grouped, value: Array, overall: float) -> float:
    """Share of the groups whose value is their mean, pulled towards the overall mean by the same weight or rescaled."""
    held = np.isfinite(value) & (grouped.count > 0)
    if held.sum() < LEAST:
        return 0.0
    count, mean, value = grouped.count[held], grouped.mean[held], value[held]
    pull, away = value - overall, count * (mean - value)
    weight = max(float(pull @ away) / max(float(pull @ pull), 1e-300), 0.0)
    expected = (count * mean + weight * overall) / (count + weight)
    near = np.abs(value - expected) <= 1e-3 * max(float(np.std(value)), 1e-300)
    if len(value) >= MANY and leak_measures.explained(value, mean) >= LINEAR:
        return 1.0
    return float(np.average(near, weights=count))


def _chance(code: Array, label: Array, value: Array) -> float:
    """How seldom means of other rows are as near to these rows' group means, or as exactly in their order.

    Such means differ from these by this side's variance at least (chi-squared); a mean over these very rows
    by less. Groups that differ by less than their noise are in the same order again one time in two.
    """
    from scipy.special import chdtr, ndtr

    grouped = _grouped(code, label, len(value))
    squares = np.bincount(code, label**2, len(value))
    count, mean = grouped.count, grouped.mean
    spread = np.maximum(squares / np.maximum(count, 1) - mean**2, 0)
    variance = spread / np.maximum(count - 1, 1)
    held = (count >= LEAST) & (variance > 0) & np.isfinite(value)
    if held.sum() < LEAST:
        return 1.0
    value, mean, variance = value[held], mean[held], variance[held]
    near = float(chdtr(held.sum(), ((value - mean) ** 2 / variance).sum()))
    order = np.argsort(value, kind="stable")
    steps, noise = np.diff(mean[order]), np.sqrt(variance[order][1:] + variance[order][:-1])
    if len(np.unique(value)) < len(value) or not (np.all(steps >= 0) or np.all(steps <= 0)):
        return near
    return min(near, float(np.prod(ndtr(np.abs(steps) / noise))))


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
    taken = (spread > 0) & (slope < 0) & (slope * np.maximum(count - 1, 1) >= -LEFT_OUT)
    if (count[taken]).sum() < CONSTANT * count[spread > 0].sum():
        return None
    rows &= taken[code]
    left, whole = (own - slope[code] * apart)[rows], own[rows]
    total = float(whole @ whole)
    if not total > 1e-12 * max(float(value @ value), 1e-300):
        return None
    figure = 1 - float(left @ left) / total
    if figure < WITHIN:
        return None
    text = f"`{name}` varies within one `{by}` with the row's own label alone, as a mean that leaves it out"
    return Suspect((name,), text, figure, "share of its variance")
