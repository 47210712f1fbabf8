"""Labels of other rows in a column: neighbours before their delay, and histories that reach past the event. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from plumbline.core.declarations import Array, Columns
from plumbline.evaluate import baselines, leak_windows
from plumbline.evaluate.leak_columns import ALONE, TWO_VALUED, Searched, Suspect
from plumbline.evaluate.leak_measures import LabelledRows
from plumbline.evaluate.leak_windows import OrderedRows

LEAST = 30
"""Rows that tell a leak from what is honest, at least."""
EQUAL = 0.9
"""Share of those rows on which a column equals a history that cannot be known."""
ROWS = 1_000
SHARE = "share of the rows"
LABEL, COUNT = "the label", "the rows"
LEFT = 0.3
"""Of what a column leaves open by itself, the share that its steps may leave."""
LAST_LABELS = 1, 3, 7, 28
"""Known labels whose mean is tried as an answer."""
PERSISTENT = 0.8
"""What it reaches where the label goes on as it went."""
SUMMED = 5
"""Columns beside the label, at most, whose later values are looked for."""


def suspects(searched: Searched, names: tuple[str, ...]) -> Iterator[Suspect]:
    """The first reason against each of the columns `names` that hold labels of other rows, or later values."""
    table, left = searched.ordered, list(names)
    for sequence in leak_windows.in_order(searched.usecase, table):
        own = {n: np.asarray(table[n], np.float64)[sequence.place] for n in left}
        label = np.asarray(table[searched.usecase.label], np.float64)[sequence.place]
        found = [
            one
            for name, value in own.items()
            if (one := _neighbour(searched, sequence, name, value, label))
            or (one := _step(searched, sequence, name, value, label))
        ]
        named = {one.columns[0] for one in found}
        found += _histories(
            searched, table, sequence, {n: v for n, v in own.items() if n not in named}
        )
        yield from found
        left = [n for n in left if n not in {one.columns[0] for one in found}]


def persistence(searched: Searched) -> float:
    """What the last known labels reach on test: the last one, or the mean of a few, of all or of one entity.

    0 where that is little: then no history can answer by itself, unless it knows more.
    """
    table, best = searched.first, 0.0
    if searched.usecase.time is None:
        return best
    classes = searched.usecase.problem == "classification"
    for sequence in leak_windows.in_order(searched.usecase, table):
        label = np.asarray(table[searched.usecase.label], np.float64)[sequence.place]
        total = np.append(0.0, np.cumsum(label))
        every = np.arange(len(label))
        known = np.minimum(
            sequence.at(every, sequence.time - leak_windows.delay(searched.usecase)), every
        )
        for size in LAST_LABELS:
            held = known - size >= sequence.first
            if held.sum() >= LEAST:
                mean = (total[known] - total[known - size])[held] / size
                rows = LabelledRows(label[held], classes)
                best = max(best, 0.0 if rows.hopeless(mean) else rows.reach(mean))
    return best if best >= PERSISTENT else 0.0


def _unknown(searched: Searched, since: Array) -> Array:
    """Whether a label of an event that much earlier (microseconds; below 0: later) is not known yet."""
    case = searched.usecase
    if case.time is None:
        return np.ones(len(since), bool)
    return (since < leak_windows.delay(case)) | (since < 0)


def _neighbour(
    searched: Searched, sequence: OrderedRows, name: str, own: Array, label: Array
) -> Suspect | None:
    """The label of the row before, where it is not known yet, or of the row after."""
    bound = TWO_VALUED if searched.usecase.problem == "classification" else ALONE
    for shift, words in ((1, "before"), (-1, "after")):
        there = np.arange(len(own)) - shift
        inside = (there >= 0) & (there < len(own))
        there = np.clip(there, 0, len(own) - 1)
        inside &= sequence.group[there] == sequence.group
        inside &= _unknown(searched, sequence.time - sequence.time[there])
        figure = _reach(searched, label[there][inside], own[inside], bound)
        if figure:
            text = f"`{name}` is the label of the row {words}{_whose(sequence)}"
            return Suspect((name,), text, figure)
    return None


def _step(
    searched: Searched, sequence: OrderedRows, name: str, own: Array, label: Array
) -> Suspect | None:
    """A running sum, share or smoothed mean that has the row's own label in it: its steps are the labels.

    They must explain most of what the column leaves open by itself, else it is the column that answers.
    """
    inside = np.diff(sequence.group) == 0
    step, before = np.diff(own), own[:-1]
    number = (np.arange(len(own)) - sequence.first)[1:]
    parts = np.column_stack([np.ones(len(step)), step, before, number * step])[inside]
    own_label, value = label[1:][inside], own[1:][inside]
    held = np.isfinite(parts).all(axis=1) & np.isfinite(own_label)
    if held.sum() < LEAST:
        return None
    weight = np.linalg.lstsq(parts[held], own_label[held], rcond=None)[0]
    answers = step[inside], parts @ weight
    figure = max(_reach(searched, own_label, one, ALONE) for one in answers)
    if not figure or 1 - figure > LEFT * (1 - _reach(searched, own_label, value, 0.0)):
        return None
    text = f"`{name}` has each row's own label in it: its step from row to row{_whose(sequence)}, nearly answers"
    return Suspect((name,), text, figure)


def _reach(searched: Searched, label: Array, answer: Array, bound: float) -> float:
    """How nearly an answer gives labels; 0 where that is below the bound, or the rows are too few."""
    held = np.isfinite(answer) & np.isfinite(label)
    if held.sum() < LEAST:
        return 0.0
    rows = LabelledRows(label[held], searched.usecase.problem == "classification")
    if rows.hopeless(answer[held]):
        return 0.0
    figure = rows.reach(answer[held])
    return figure if figure >= searched.bound(bound) or not bound else 0.0


def _histories(
    searched: Searched, table: Columns, sequence: OrderedRows, own: Mapping[str, Array]
) -> Iterator[Suspect]:
    """Columns that equal a sum or mean over rows that are not known yet, of the label or of another column."""
    looked, named = baselines.evenly(len(sequence.place), ROWS), set[str]()
    windows = leak_windows.windows(searched.usecase, sequence, looked)
    own = {name: value for name, value in own.items() if np.isfinite(value).any()}
    spread = {name: float(np.nanstd(value)) or 1.0 for name, value in own.items()}
    for what, measure in _measures(searched, table).items() if own else ():
        total = np.append(0.0, np.cumsum(measure[sequence.place]))
        for words, window in windows.items():
            known = window.labels if what == LABEL else window.rows
            for how, full, part in leak_windows.sums(total, window, known):
                tells = window.whole & (np.abs(full - part) > 1e-9)
                if tells.sum() < LEAST or (what, how) == (COUNT, "mean"):
                    continue
                for name in own.keys() - named - {what.strip("`")}:
                    same = np.abs(own[name][looked] - full)[tells] <= 1e-3 * spread[name]
                    if same.mean() >= EQUAL:
                        named.add(name)
                        text = f"`{name}` is the {how} of {what} over {words}{_whose(sequence)}"
                        yield Suspect((name,), text, float(same.mean()), SHARE)


def _whose(sequence: OrderedRows) -> str:
    return f", by `{sequence.by}`" if sequence.by else ""


def _measures(searched: Searched, table: Columns) -> dict[str, Array]:
    """What is summed: the label and, where there is a later, rows and a few known numbers."""
    case = searched.usecase
    if case.time is None:
        return {LABEL: np.nan_to_num(np.asarray(table[case.label], np.float64))}
    others = [
        c.name for c in case.known if c.type in ("int", "float", "bool") and c.name != case.key
    ]
    named = {LABEL: case.label, **{f"`{n}`": n for n in others[:SUMMED]}}
    values = {what: np.nan_to_num(np.asarray(table[n], np.float64)) for what, n in named.items()}
    return {**values, COUNT: np.ones(len(table[case.label]))}
