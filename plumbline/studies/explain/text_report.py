"""An explanation as lines of text. Pure: the record in, text out."""

from __future__ import annotations

from collections.abc import Iterator

from plumbline.ops.lineage import render
from plumbline.report.numbers import figure
from plumbline.studies.explain.explanation_document import Explanation, FeatureValue

TOP = 8
"""Contributions that get a line of their own."""


def lines(record: Explanation) -> Iterator[str]:
    """Score and decision, the contributions, similar past events, the lineage."""
    yield from _head(record)
    yield ""
    yield from _sum(record)
    yield ""
    yield from _similar(record)
    yield ""
    yield "lineage:"
    if record.lineage.chain is None:
        yield f"  no lineage: {record.lineage.note}"
    else:
        yield from (f"  {line}" for line in render.tree(record.lineage.chain))


def _head(record: Explanation) -> Iterator[str]:
    when = f", {record.time.replace('T', ' ')}" if record.time else ""
    yield f"{record.usecase}, {record.key_name} {record.key}{when}: row {record.row} of {record.table}"
    decision = ""
    if record.threshold is not None:
        beside, word = ("at or above", "alarm") if record.alarm else ("below", "no alarm")
        decision = f", {beside} the threshold {figure(record.threshold)}: {word}"
    if record.decision is not None:
        each = ", ".join(f"{name} {p:.6g}" for name, p in record.probabilities.items())
        decision = f": {record.decision} is decided on; {each}"
    yield f"score {record.score:.6g}{decision}"
    label = "not known yet" if record.label is None else value(record.label)
    yield f"{record.label_name}: {label}{_recorded(record)}"


def _recorded(record: Explanation) -> str:
    if record.recorded is None:
        return ""
    same = abs(record.recorded - record.score) <= 1e-9 * max(1.0, abs(record.score))
    return (
        "; evaluate recorded the same score"
        if same
        else f"; evaluate recorded {record.recorded:.6g}: of another model, run `dvc repro`"
    )


def _sum(record: Explanation) -> Iterator[str]:
    start = f"{record.base:+.3f} for any event"
    if record.offset.feature:
        start += f", {record.offset.value:+g} from {record.offset.feature}"
    yield f"{record.of} is {record.total:+.3f} in {record.scale}: {start}, and"
    each = record.contributions
    for one in each[:TOP]:
        word = "raises" if one.contribution > 0 else "lowers"
        yield (
            f"  {one.contribution:+7.3f}  {one.feature} = {value(one.value)} {word} it "
            f"({one.description})"
        )
    rest = sum(one.contribution for one in each[TOP:])
    if each[TOP:]:
        yield f"  {rest:+7.3f}  the other {len(each) - TOP} together"


def _similar(record: Explanation) -> Iterator[str]:
    past, name = record.similar, record.label_name
    yield f"nearest of {figure(past.searched)} in train, by the features that counted (0: the same, 1: the farthest possible):"
    for one in past.nearest:
        when = f" {one.time[:10]}" if one.time else ""
        values = ", ".join(f"{n} {value(v)}" for n, v in one.values.items())
        yield f"  {one.apart:.4f}  {record.key_name} {one.key}{when}: {name} {value(one.label)}; {values}"
    mean = f"mean {name}" if record.decision is None else f"share of {name} {record.decision}"
    yield (
        f"{mean} of the {past.counted} nearest: {figure(past.mean_label)}; "
        f"of all: {figure(past.mean_label_of_all)}"
    )


def value(one: FeatureValue) -> str:
    """A value with six significant digits, "null" for none."""
    if one is None:
        return "null"
    return one if isinstance(one, str) else f"{one:.6g}"
