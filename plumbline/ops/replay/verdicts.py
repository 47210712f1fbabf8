"""Whether rows that were scored again are the same to the bit, and why they are not. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from plumbline.core.declarations import Array
from plumbline.core.errors import PlumblineError
from plumbline.ops.replay import rescoring
from plumbline.ops.replay.bundles import ReplayBundle
from plumbline.ops.replay.rescoring import Rescored
from plumbline.ops.replay.served_rows import ServedRows, objects, shown
from plumbline.serve.log import description

REASONS: Mapping[str, str] = {
    "bundle": "their bundle cannot be had",
    "library": "a library here does not score their bundle",
    "definitions": "their features were declared otherwise than their bundle's",
    "version": "another version of a library wrote them, or made their bundle",
    "altered": "they are not as they were logged",
    "histories": "their histories are not the sums of seed and log",
}
"""Why rows are not equal, in the order in which it is looked for."""
Words = Callable[[int], str]
"""What is wrong with the row at a place."""


@dataclass(frozen=True)
class RowVerdicts:
    """Of n rows: `reason`, object (n,), "" where they are equal; `detail`, what was expected and found.

    `rescored` is None where nothing could be scored; `checked`: whether row features were computed again.
    """

    reason: Array
    detail: Array
    rescored: Rescored | None
    checked: bool


def without_bundle(rows: ServedRows, reason: str, problem: str) -> RowVerdicts:
    """All rows differ for one reason."""
    count = len(rows)
    return RowVerdicts(objects([reason] * count), objects([problem] * count), None, False)


def without_event(rows: ServedRows) -> RowVerdicts:
    """Rows whose event is not there."""
    count = len(rows)
    return RowVerdicts(objects(["altered"] * count), objects([*rows.altered]), None, False)


def not_scored(rows: ServedRows, problem: str) -> RowVerdicts:
    """Rows of which the bundle, or a row function, can make nothing: no logged row is so."""
    count = len(rows)
    detail = objects([own or problem for own in rows.altered])
    return RowVerdicts(objects(["altered"] * count), detail, None, False)


def judged(found: ReplayBundle, rows: ServedRows) -> RowVerdicts:
    """Rows of this bundle, scored again; PlumblineError where it can make nothing of one of them."""
    try:
        columns = rescoring.inputs(found.usecase, rows)
        absent = [n for n in rescoring.names(found.usecase) if n not in rows.computed]
        if absent:
            raise PlumblineError(f"rows of {rows.day} were served without {', '.join(absent[:3])}")
    except PlumblineError as error:
        return without_bundle(rows, "definitions", str(error))
    logged = {name: rows.computed[name] for name in rescoring.names(found.usecase)}
    return _judged(found, rows, columns, logged)


def _judged(
    found: ReplayBundle,
    rows: ServedRows,
    columns: Mapping[str, Array],
    logged: Mapping[str, Array],
) -> RowVerdicts:
    detail = objects([*rows.altered])
    if not found.unchecked:
        again = rescoring.recomputed(found.usecase, columns)
        _note(detail, _features(again, logged, len(rows)))
    result = rescoring.score(found, {**columns, **logged})
    for problem in _scores(rows, result):
        _note(detail, problem)
    return RowVerdicts(_reasons(found, rows, detail), detail, result, not found.unchecked)


def _note(detail: Array, problems: Array) -> None:
    """Enter problems of rows that have none yet."""
    empty = detail == ""
    detail[empty] = problems[empty]


def _features(again: Mapping[str, Array], logged: Mapping[str, Array], size: int) -> Array:
    """The first row feature of each row that is another than the logged one."""
    problems = objects([""] * size)
    for name, own in again.items():
        for i in np.flatnonzero(~same(own, logged[name]) & (problems == "")):
            problems[i] = f"{name} is {float(own[i])!r}, logged {float(logged[name][i])!r}"
    return problems


def _scores(rows: ServedRows, result: Rescored) -> Iterator[Array]:
    """Per row what its score, alarm and decision are, where the log has others."""
    count, classes = result.score.shape
    wanted = np.where(result.scored, classes, 0)
    yield _where(
        rows.width != wanted,
        lambda i: f"{wanted[i]} numbers are a score, logged {rows.width[i]}",
        count,
    )
    width = min(classes, rows.score.shape[1])
    for name, own in (("score", result.score), ("raw score", result.raw)):
        held = (rows.score if name == "score" else rows.raw)[:, :width]
        differs = result.scored & ~same(own[:, :width], held).all(axis=1)
        yield _where(differs, _both(name, own, held), count)
    for name in ("alarm", "decision"):
        own_ = getattr(result, name)
        given = objects([None] * count) if own_ is None else np.array(own_, object)
        given[~result.scored] = None
        other = np.array([a is not b and a != b for a, b in zip(given, rows.facts[name], strict=True)], bool)  # fmt: skip
        yield _where(other, _words(name, given, rows.facts[name]), count)


def _both(name: str, own: Array, held: Array) -> Words:
    return lambda i: f"{name} {shown(own[i].tolist())}, logged {shown(held[i].tolist())}"


def _words(name: str, own: Array, held: Array) -> Words:
    return lambda i: f"{name} {own[i]}, logged {held[i]}"


def _where(differs: Array, words: Words, count: int) -> Array:
    problems = objects([""] * count)
    for i in np.flatnonzero(differs).tolist():
        problems[i] = words(i)
    return problems


def same(one: Array, other: Array) -> Array:
    """Equal to the bit; any NaN is as good as another.

    >>> same(np.array([0.0, np.nan, 1.0]), np.array([-0.0, np.nan, 1.0])).tolist()
    [False, True, True]
    """
    own, held = (np.ascontiguousarray(v, np.float64) for v in (one, other))
    equal: Array = own.view(np.int64) == held.view(np.int64)
    return equal | (np.isnan(own) & np.isnan(held))


def _reasons(found: ReplayBundle, rows: ServedRows, detail: Array) -> Array:
    """The reason of each row that has a problem; of one that is equal but by other definitions, that."""
    reason = np.where(detail == "", "", "altered").astype(object)
    if versions := _versions(found, rows):
        scored = (detail != "") & (rows.altered == "")
        reason[scored] = "version"
        detail[scored] += f" ({versions})"
    other = np.array([d != found.definitions for d in rows.facts["definitions"]], bool)
    reason[other] = "definitions"
    for i in np.flatnonzero(other & (detail == "")):
        detail[i] = (
            f"definitions {rows.facts['definitions'][i]}, the bundle's are {found.definitions}"
        )
    return reason


def _versions(found: ReplayBundle, rows: ServedRows) -> str:
    """The libraries that are others here than where the rows were written, or the bundle was made."""
    here = description.libraries() if rows.libraries else {}
    others = [
        f"{n} {v} wrote it, {here.get(n)} is installed"
        for n, v in rows.libraries.items()
        if here.get(n) != v
    ]
    return "; ".join(dict.fromkeys([*found.libraries, *others]))
