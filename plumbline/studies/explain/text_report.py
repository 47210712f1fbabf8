"""An explanation as lines for a person. Pure: the record in, text out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from plumbline.ops.lineage import render

TOP = 8
"""Contributions that get a line of their own."""

Record = Mapping[str, Any]


def lines(found: Record) -> Iterator[str]:
    """Score and decision, the sum in words, similar past events, the lineage."""
    yield from _head(found)
    yield ""
    yield from _sum(found)
    yield ""
    yield from _similar(found)
    yield ""
    yield "made from:"
    if found["lineage"]["chain"] is None:
        yield f"  no lineage: {found['lineage']['note']}"
    else:
        yield from (f"  {line}" for line in render.tree(found["lineage"]["chain"]))


def _head(found: Record) -> Iterator[str]:
    when = f", {found['time'].replace('T', ' ')}" if found["time"] else ""
    yield f"{found['usecase']}, {found['key_name']} {found['key']}{when}: row {found['row']} of {found['table']}"
    decision = ""
    if found["threshold"] is not None:
        beside, word = ("at or above", "alarm") if found["alarm"] else ("below", "no alarm")
        decision = f", {beside} the threshold {found['threshold']:.4g}: {word}"
    yield f"score {found['score']:.6g}{decision}"
    label = "not known yet" if found["label"] is None else f"{found['label']:g}"
    yield f"{found['label_name']}: {label}{_recorded(found)}"


def _recorded(found: Record) -> str:
    if found["recorded"] is None:
        return ""
    same = abs(found["recorded"] - found["score"]) <= 1e-9 * max(1.0, abs(found["score"]))
    return (
        "; evaluate recorded the same score"
        if same
        else f"; evaluate recorded {found['recorded']:.6g}: of another model, run `dvc repro`"
    )


def _sum(found: Record) -> Iterator[str]:
    start = f"{found['base']:+.3f} for any event"
    if found["offset"]["feature"]:
        start += f", {found['offset']['value']:+g} from {found['offset']['feature']}"
    yield f"{found['of']} is {found['total']:+.3f} in {found['scale']}: {start}, and"
    each = found["contributions"]
    for one in each[:TOP]:
        word = "raises" if one["contribution"] > 0 else "lowers"
        yield (
            f"  {one['contribution']:+7.3f}  {one['feature']} = {value(one['value'])} {word} it "
            f"({one['description']})"
        )
    rest = sum(one["contribution"] for one in each[TOP:])
    if each[TOP:]:
        yield f"  {rest:+7.3f}  the other {len(each) - TOP} together"


def _similar(found: Record) -> Iterator[str]:
    past, name = found["similar"], found["label_name"]
    yield f"nearest of {past['searched']:,} in train, in what counted (0: the same, 1: as far as can be):"
    for one in past["nearest"]:
        when = f" {one['time'][:10]}" if one["time"] else ""
        told = ", ".join(f"{n} {value(v)}" for n, v in one["values"].items())
        yield f"  {one['apart']:.4f}  {found['key_name']} {one['key']}{when}: {name} {one['label']:g}; {told}"
    yield (
        f"mean {name} of the {past['counted']} nearest: {past['mean_label']:.3g}; "
        f"of all: {past['mean_label_of_all']:.3g}"
    )


def value(one: float | int | str | None) -> str:
    """A value as it is read: six digits of a number, "nothing" for a null."""
    if one is None:
        return "nothing"
    return one if isinstance(one, str) else f"{one:.6g}"
