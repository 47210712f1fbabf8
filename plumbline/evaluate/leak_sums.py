"""Columns whose weighted sum is the label, with their products, ratios and logarithms as terms. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from plumbline.core.declarations import Array
from plumbline.evaluate import baselines, leak_measures
from plumbline.evaluate.leak_columns import Searched, Suspect

TOGETHER = 0.995
"""R² of what few columns give together: of so many formulas, one that is nearly right is no wonder."""
BASELINE = 0.999
"""R² of a sum of more than `FEW` columns that is suspected."""
FEW = 3
ROWS = 2_000
"""Of each window that formulas are searched on."""
MOST_NAMES = 8
"""Columns that a sentence names."""
MULTIPLIED = 16
"""Columns, the most used ones, whose products and ratios are terms, too."""


@dataclass(frozen=True)
class Terms:
    """Terms of a sum: the columns of each, and how they are computed of any rows' columns."""

    words: str
    columns: tuple[tuple[str, ...], ...]
    compute: Callable[[Mapping[str, Array]], list[Array]]


@dataclass(frozen=True)
class _Side:
    """One window's terms, float64 (n, t), and what they are to give, (n,); rows may hold what is no number."""

    terms: Array
    target: Array

    def explained(self, chosen: Sequence[int], weight: Array) -> float:
        """R² of the chosen terms with these weights; 0 where too few rows have them all."""
        answer = weight[0] + self.terms[:, chosen] @ weight[1:]
        held = np.isfinite(answer) & np.isfinite(self.target)
        if held.mean() < 0.5:
            return 0.0
        return leak_measures.explained(self.target[held], answer[held])


def suspects(searched: Searched, names: Sequence[str]) -> Iterator[Suspect]:
    """The fewest of the columns `names`, most used first, that give the label of a regression in a sum."""
    label = [rows.label for rows in searched.labels]
    logs = [np.log(np.abs(one)) for one in label]
    inverse = [1 / one for one in label]
    for terms, given in (
        (plain(names), label),
        (powers(names), logs),
        (wide(names), label),
        (wide(names), inverse),
    ):
        sides = _sides(searched, terms, given)
        if sides:
            yield from _selected(searched, terms, *sides)


def plain(names: Sequence[str]) -> Terms:
    """The columns as they are."""
    return Terms("a weighted sum", tuple((n,) for n in names), lambda c: [c[n] for n in names])


def powers(names: Sequence[str]) -> Terms:
    """The columns' logarithms: their sum is a product or a ratio."""
    parts = tuple((n,) for n in names)
    return Terms("a product or ratio", parts, lambda c: [np.log(np.abs(c[n])) for n in names])


def wide(names: Sequence[str]) -> Terms:
    """The most used columns, the products of two and the ratios of two."""
    few = names[:MULTIPLIED]
    ratios = [(a, b) for a in few for b in few if a != b]
    products = [(a, b) for place, a in enumerate(few) for b in few[place:]]
    return Terms(
        "a formula",
        (*((n,) for n in few), *ratios, *products),
        lambda c: [
            *(c[n] for n in few),
            *(c[a] / c[b] for a, b in ratios),
            *(c[a] * c[b] for a, b in products),
        ],
    )


def listed(names: Sequence[str]) -> str:
    """Names in a sentence, as code; of many the first."""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(f"`{n}`" for n in names[:MOST_NAMES]) + more


def _sides(searched: Searched, terms: Terms, label: Sequence[Array]) -> list[_Side]:
    """Both windows; none where nothing can be fitted."""
    names = sorted({n for columns in terms.columns for n in columns})
    rows = [baselines.evenly(len(one), ROWS) for one in label]
    columns = [{n: searched.pair(n)[s][rows[s]] for n in names} for s in (0, 1)]
    sides = [
        _Side(np.column_stack(terms.compute(one)), own[r])
        for one, own, r in zip(columns, label, rows, strict=True)
        if names
    ]
    fits = all(np.isfinite(s.target).mean() > 0.5 and len(s.target) > 10 for s in sides)
    return sides if fits else []


def _selected(searched: Searched, terms: Terms, train: _Side, test: _Side) -> Iterator[Suspect]:
    for order in (_by_weight(train), _by_turns(train)):
        for count in _counts(len(order)):
            chosen = order[:count]
            weight = _fit(train, chosen)
            figure = min(side.explained(chosen, weight) for side in (train, test))
            columns = tuple(dict.fromkeys(n for c in chosen for n in terms.columns[c]))
            bound = searched.bound(TOGETHER if len(columns) <= FEW else BASELINE)
            if figure >= bound and not searched.histories.issuperset(columns):
                yield Suspect(
                    columns, f"{terms.words} of {listed(columns)} gives the label", figure
                )
                return


def _counts(most: int) -> list[int]:
    """How many terms are tried: one by one at first, then ever more at a time, and all.

    >>> _counts(12), _counts(3)
    ([1, 2, 3, 4, 5, 6, 7, 8, 10, 12], [1, 2, 3])
    """
    steps = [*range(1, 9), *(8 + 2**k for k in range(1, 12))]
    return [count for count in steps if count < most] + [most] * (most > 0)


def _by_weight(side: _Side) -> list[int]:
    """All terms, the weightiest of one fit first; none where they are too many, or together give nothing."""
    usable = np.flatnonzero(np.isfinite(side.terms).mean(axis=0) > 0.9).tolist()
    if not usable or len(usable) > len(side.target) / 3:
        return []
    weight = _fit(side, usable)
    if side.explained(usable, weight) < TOGETHER:
        return []
    spread = np.nanstd(np.where(np.isfinite(side.terms), side.terms, np.nan)[:, usable], axis=0)
    order = np.argsort(-np.abs(weight[1:]) * spread, kind="stable")
    return [usable[place] for place in order]


def _by_turns(side: _Side) -> list[int]:
    """Few terms, each the one that follows most closely what is left (orthogonal matching pursuit)."""
    good = np.isfinite(side.target)
    left = np.where(good, side.target - side.target[good].mean(), 0.0)
    chosen: list[int] = []
    for _ in range(min(FEW, side.terms.shape[1])):
        chosen.append(_strongest(side.terms, left, chosen))
        weight = _fit(side, chosen)
        rest = side.target - weight[0] - side.terms[:, chosen] @ weight[1:]
        left = np.where(np.isfinite(rest), rest, 0.0)
    return chosen


def _strongest(terms: Array, left: Array, chosen: Sequence[int]) -> int:
    """The term that follows most closely what is left to explain; one with many gaps never."""
    held = np.isfinite(terms)
    size = held.sum(axis=0)
    mean = np.where(held, terms, 0.0).sum(axis=0) / np.maximum(size, 1)
    apart = np.where(held, terms - mean, 0.0)
    spread = np.sqrt((apart**2).sum(axis=0))
    follows = np.abs(left @ apart) / np.where(spread > 0, spread, np.inf)
    follows[size < len(left) / 2] = 0.0
    follows[list(chosen)] = -1.0
    return int(np.argmax(np.nan_to_num(follows)))


def _fit(side: _Side, chosen: Sequence[int]) -> Array:
    """Least squares with an intercept, on the rows where all is a number: float64 (1 + chosen,)."""
    terms = side.terms[:, chosen]
    held = np.isfinite(terms).all(axis=1) & np.isfinite(side.target)
    matrix = np.column_stack([np.ones(held.sum()), terms[held]])
    scale = np.abs(matrix).max(axis=0, initial=0.0)
    scale[~(scale > 0)] = 1.0
    weight: Array = np.linalg.lstsq(matrix / scale, side.target[held], rcond=None)[0]
    return weight / scale
