"""Columns that equal the label or that it is made of: a copy, a scale, a sum, a product, a code of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import duckdb
import numpy as np

from plumbline.core import duckdb_session
from plumbline.core.declarations import Array
from plumbline.core.sql import quote
from plumbline.ops.infer.typed_table import TYPED

NEARLY = 0.9999
"""Correlation, or share of the rows, from which a column is the label in other words."""
LEFT = 1e-6
"""Share of the label's variance that a sum which is the label leaves."""
FEWEST = 30
"""Rows that a statement about a column needs."""
FEW = 20
"""Different numbers of a code, at most."""
PAIRED = 40
"""Columns, the most correlated ones, of which pairs are tried."""


@dataclass(frozen=True)
class LeakingColumn:
    """A column that gives the label away, and how."""

    name: str
    reason: str


def find(numbers: Mapping[str, Array], label: str, names: Sequence[str]) -> list[LeakingColumn]:
    """Those of the numeric columns `names` that are the label, scaled, ordered, or parts of it."""
    answer = numbers[label]
    leaks: dict[str, str] = {}
    for name in names:
        reason = _alone(numbers[name], answer)
        if reason:
            leaks[name] = reason
    others = [n for n in names if n not in leaks and _varies(numbers[n])]
    ranked = sorted(others, key=lambda n: -abs(correlation(numbers[n], answer)))[:PAIRED]
    for pair in combinations(ranked, 2):
        reason = _together(numbers, pair, answer)
        if reason:
            leaks |= {name: reason for name in pair if name not in leaks}
    if not leaks:
        leaks = _sum_of_many(numbers, ranked, answer)
    return [LeakingColumn(name, reason) for name, reason in leaks.items()]


def codes(
    connection: duckdb.DuckDBPyConnection, label: str, names: Sequence[str]
) -> list[LeakingColumn]:
    """Those of the text columns whose value settles the label, though each value occurs often."""
    leaking = []
    for name in names:
        groups = (
            f"SELECT count(*) AS n, max(k) AS m, count(*) AS kinds FROM (SELECT {quote(name)} AS v, "
            f"count(*) AS k FROM {TYPED} WHERE {quote(name)} IS NOT NULL AND {quote(label)} IS NOT NULL "
            f"GROUP BY v, {quote(label)}) GROUP BY v"
        )
        total = f"SELECT sum(m), count(*), sum(n) FROM ({groups})"
        settled, values, pairs = duckdb_session.rows(connection, total)[0]
        counted = f"SELECT count(*), count(DISTINCT {quote(label)}) FROM {TYPED} WHERE {quote(name)} IS NOT NULL AND {quote(label)} IS NOT NULL"
        there, kinds = duckdb_session.rows(connection, counted)[0]
        often = there >= max(FEWEST, 10 * (values or 0)) and kinds > 1 and (values or 0) > 1
        if often and settled >= NEARLY * there and pairs:
            reason = f"each of its {values:,} values goes with one value of the label"
            leaking.append(LeakingColumn(name, reason))
    return leaking


def missing(
    connection: duckdb.DuckDBPyConnection, label: str, names: Sequence[str]
) -> list[LeakingColumn]:
    """Those that are missing in one of the two classes, and there in the other."""
    leaks = []
    for name in names:
        query = (
            f"SELECT count(*) AS n, count({quote(name)}) AS there FROM {TYPED} "
            f"WHERE {quote(label)} IS NOT NULL GROUP BY {quote(label)}"
        )
        groups = duckdb_session.rows(connection, query)
        shares = sorted(there / n for n, there in groups)
        enough = len(groups) == 2 and min(n for n, _ in groups) >= 5
        if enough and shares[0] <= 1 - NEARLY and shares[1] >= NEARLY:
            leaks.append(LeakingColumn(name, "it is missing in one class and there in the other"))
    return leaks


def correlation(a: Array, b: Array) -> float:
    """Pearson's, over the rows that have both; 0 where it is not defined."""
    held = np.isfinite(a) & np.isfinite(b)
    a, b = a[held], b[held]
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    a, b = a - a.mean(), b - b.mean()
    return float((a @ b) / np.sqrt((a @ a) * (b @ b)))


def ranks(values: Array) -> Array:
    """Mean ranks, float64 (n,); NaN stays."""
    out = np.full(len(values), np.nan)
    held = np.flatnonzero(np.isfinite(values))
    _, place, counts = np.unique(values[held], return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    out[held] = (ends - (counts - 1) / 2)[place]
    return out


def _varies(values: Array) -> bool:
    held = values[np.isfinite(values)]
    return len(held) > 1 and float(np.ptp(held)) > 0


def _alone(values: Array, answer: Array) -> str:
    held = np.isfinite(values) & np.isfinite(answer)
    if held.sum() < FEWEST or held.sum() < 0.5 * np.isfinite(answer).sum():
        return ""
    if np.mean(values[held] == answer[held]) >= NEARLY:
        return "it equals the label"
    size = correlation(values, answer)
    if abs(size) >= NEARLY:
        return f"it is the label on another scale (correlation {size:.5f})"
    if len(np.unique(answer[held])) == 2:
        return _separates(values[held], answer[held])
    if abs(correlation(ranks(values), ranks(answer))) >= NEARLY:
        return "it rises and falls with the label alone (rank correlation 1)"
    return ""


def _separates(values: Array, answer: Array) -> str:
    """Whether it is a code of the two classes, or has one value in one of them and others in the other."""
    low, high = np.unique(answer)
    first, second = values[answer == low], values[answer == high]
    if min(len(first), len(second)) < 5 or np.ptp(values) == 0:
        return ""
    coded = len(np.unique(values)) <= FEW and np.all(values == np.rint(values))
    if not coded and np.ptp(first) > 0 and np.ptp(second) > 0:
        return ""  # a measurement that parts the classes is a good feature
    shared = np.isin(first, second).mean() + np.isin(second, first).mean()
    return "no value of it occurs in both classes" if shared <= 1 - NEARLY else ""


def _together(numbers: Mapping[str, Array], pair: Sequence[str], answer: Array) -> str:
    """Whether two columns make the label: as a weighted sum, or a product."""
    a, b = (numbers[n] for n in pair)
    if _left([a, b], answer) < LEFT:
        return f"{pair[0]} and {pair[1]} together make the label (a weighted sum of them equals it)"
    positive = np.nanmin(a) > 0 and np.nanmin(b) > 0 and np.nanmin(answer) > 0
    if positive and _left([np.log(a), np.log(b)], np.log(answer)) < LEFT:
        return f"{pair[0]} and {pair[1]} together make the label (a product or ratio of them equals it)"
    return ""


def _sum_of_many(
    numbers: Mapping[str, Array], names: Sequence[str], answer: Array
) -> dict[str, str]:
    """The smallest set of columns of which the label is a sum, dropped one by one."""
    chosen = list(names)
    if not chosen or _left([numbers[n] for n in chosen], answer) >= LEFT:
        return {}
    for name in reversed(names):
        rest = [n for n in chosen if n != name]
        if rest and _left([numbers[n] for n in rest], answer) < LEFT:
            chosen = rest
    reason = f"the label is a weighted sum of {', '.join(chosen)}"
    return dict.fromkeys(chosen, reason)


def _left(columns: Sequence[Array], answer: Array) -> float:
    """The share of the label's variance that a least-squares fit leaves; 1 where rows are too few."""
    held = np.isfinite(answer) & np.all(np.isfinite(columns), axis=0)
    n = int(held.sum())
    if n < max(FEWEST, 5 * len(columns)) or n < 0.5 * np.isfinite(answer).sum():
        return 1.0
    y = answer[held] - answer[held].mean()
    matrix = np.column_stack([c[held] - c[held].mean() for c in columns])
    scale = np.sqrt((matrix**2).mean(axis=0))
    if not (y @ y) or not np.all(scale > 0):
        return 1.0
    gram, moment = (matrix / scale).T @ (matrix / scale), (matrix / scale).T @ y
    weights = np.linalg.lstsq(gram, moment, rcond=1e-12)[0]
    rest = y - (matrix / scale) @ weights
    return float((rest @ rest) / (y @ y))
