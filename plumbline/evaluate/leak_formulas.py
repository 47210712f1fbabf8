"""Columns that give the label together: sums, differences, products, ratios, and baselines that nearly answer. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from plumbline.core.declarations import Array
from plumbline.evaluate import baselines, leak_measures, leak_sums
from plumbline.evaluate.baselines import Linear, Tree
from plumbline.evaluate.leak_columns import Searched, Suspect
from plumbline.evaluate.leak_measures import LabelledRows
from plumbline.evaluate.leak_sums import FEW, TOGETHER, listed

WEIGHTY = 0.1
"""Share of the largest weight of a linear baseline that a column's own must have to be named."""
PAIRED = 40
"""Columns, the most used ones, whose products and ratios are tried."""
TRIED = 200
"""Rows on which a pair's formulas are tried first, and the correlation that they need there."""
PROMISING = 0.8

Operation = Callable[[Array, Array], Array]
PAIRS: Mapping[str, Operation] = {
    "`{}` + `{}`": np.add,
    "`{}` - `{}`": np.subtract,
    "`{}` * `{}`": np.multiply,
    "`{}` / `{}`": np.divide,
    "the larger of `{}` and `{}`": np.maximum,
    "the smaller of `{}` and `{}`": np.minimum,
    "the distance of `{}` and `{}`": lambda a, b: np.abs(a - b),
}


def suspects(
    searched: Searched, names: Sequence[str], linear: Linear, tree: Tree
) -> Iterator[Suspect]:
    """Pairs of the columns `names` (most used first), few of them in a sum, and baselines that give the label.

    One suspect per set of columns; what holds the columns of another is left out.
    """
    found: list[Suspect] = []
    for one in _candidates(searched, names, linear, tree):
        if searched.histories.issuperset(one.columns):
            continue
        if not any(set(other.columns) <= set(one.columns) for other in found):
            found.append(one)
    yield from found


def _candidates(
    searched: Searched, names: Sequence[str], linear: Linear, tree: Tree
) -> Iterator[Suspect]:
    with np.errstate(all="ignore"):
        yield from _pairs(searched, names[:PAIRED])
        if not searched.labels[0].classes:
            yield from leak_sums.suspects(searched, names)
    if searched.labels[0].classes:
        yield from _linear(searched, names, linear)
    yield from _tree(searched, names, tree)


def _pairs(searched: Searched, names: Sequence[str]) -> Iterator[Suspect]:
    tried = _tried(searched.labels[0])
    small = {n: searched.pair(n)[0][tried] for n in names}
    target = leak_measures.ranked(searched.labels[0].target[tried])
    for a, b in combinations(names, 2):
        found = [
            one
            for text, operation in PAIRS.items()
            for first, second in ([(a, b), (b, a)] if operation is np.divide else [(a, b)])
            if _promising(target, operation(small[first], small[second]))
            and (one := _pair(searched, text, operation, first, second))
        ]
        if found:
            yield max(found, key=lambda one: one.figure)


def _tried(train: LabelledRows) -> Array:
    """Rows for the first trial; of a classification half of them are of the rarer class."""
    if not train.classes:
        return baselines.evenly(len(train.label), TRIED)
    sides = [np.flatnonzero(train.target == side) for side in (0.0, 1.0)]
    return np.concatenate([s[baselines.evenly(len(s), TRIED // 2)] for s in sides])


def _promising(target: Array, answer: Array) -> bool:
    """Whether a formula follows the target (ranks) on the rows of the first trial."""
    held = np.isfinite(answer)
    if held.sum() < len(held) / 2:
        return False
    own = target[held]
    return leak_measures.explained(own, leak_measures.ranked(answer[held])) >= PROMISING**2


def _pair(searched: Searched, text: str, operation: Operation, a: str, b: str) -> Suspect | None:
    sides = zip(searched.pair(a), searched.pair(b), searched.labels, strict=True)
    figure = min(_reach(rows, operation(first, second)) for first, second, rows in sides)
    if figure < searched.bound(TOGETHER):
        return None
    return Suspect((a, b), f"{text.format(a, b)} gives the label", figure)


def _reach(rows: LabelledRows, answer: Array) -> float:
    """What an answer reaches where it is a number; 0 where that is seldom."""
    held = np.isfinite(answer)
    if held.mean() < 0.5:
        return 0.0
    return LabelledRows(rows.label[held], rows.classes).reach(answer[held])


def _linear(searched: Searched, names: Sequence[str], linear: Linear) -> Iterator[Suspect]:
    """The logistic baseline where it answers from few columns: label and sum, cut at a threshold."""
    figure = _baseline(searched, linear)
    if figure < searched.bound(TOGETHER):
        return
    weights = dict.fromkeys(linear.features, 0.0)
    places = (
        n for n, width in zip(linear.features, linear.widths, strict=True) for _ in range(width)
    )
    for name, weight in zip(places, np.abs(linear.weight), strict=True):
        weights[name] = max(weights[name], float(weight))
    columns = tuple(n for n, w in weights.items() if w > WEIGHTY * max(weights.values()))
    if len(columns) <= FEW and set(columns) <= set(names):
        yield Suspect(columns, f"the linear baseline answers, from {listed(columns)}", figure)


def _tree(searched: Searched, names: Sequence[str], tree: Tree) -> Iterator[Suspect]:
    """The small tree where it answers, with the columns that it asks for."""
    figure = _baseline(searched, tree)
    used = dict.fromkeys(tree.features[place] for place in tree.feature if place >= 0)
    if figure >= searched.bound(TOGETHER) and set(used) <= set(names) and used:
        columns = tuple(used)
        yield Suspect(columns, f"the small tree answers, from {listed(columns)}", figure)


def _baseline(searched: Searched, model: Linear | Tree) -> float:
    """What a baseline reaches on both windows; of a regression, the R² of the values themselves."""
    figures = []
    for table, rows, label in zip(searched.tables, searched.places, searched.labels, strict=True):
        answer = model.predict({n: table[n][rows] for n in model.features})
        figures.append(
            label.reach(answer) if label.classes else leak_measures.explained(label.label, answer)
        )
    return min(figures)
