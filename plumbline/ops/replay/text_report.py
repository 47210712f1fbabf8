"""A replay as lines of a terminal. Pure: the report in, lines out."""

from __future__ import annotations

from collections.abc import Iterator

from plumbline.metrics.interval import Interval
from plumbline.ops.replay.replay_document import (
    DifferingRow,
    MoneyChanged,
    RefoldedHistories,
    ReplayedBundle,
    ReplayReport,
    WhatIf,
)
from plumbline.ops.replay.verdicts import REASONS
from plumbline.report.numbers import figure

LISTED = 10
"""Rows that a terminal lists."""


def lines(report: ReplayReport) -> Iterator[str]:
    """What was replayed, by bundle; the first rows that differ."""
    live = report.usecase, report.days[0], report.days[-1], report.rows, report.live
    yield "{}, {} to {}: {:,} rows, {:,} of them answers".format(*live)
    yield _verdict(report)
    yield from report.changed_days
    for one in report.bundles:
        yield from _bundle(one)
    for row in report.rows_shown[:LISTED]:
        yield f"  {_row(row)}"
    if report.differing > LISTED and report.rows_shown:
        yield f"  and {report.differing - LISTED:,} more (--json lists 100, --out all)"
    if report.histories:
        yield from _histories(report.histories)
    if report.what_if:
        yield from _what_if(report.what_if)


def _histories(one: RefoldedHistories) -> Iterator[str]:
    yield f"histories added up again from {one.seed} (as of {one.as_of}) and the rows since: {one.equal:,} of {one.compared:,} equal"
    if one.before_seed:
        yield f"  {one.before_seed:,} were received before {one.as_of}, and cannot be added up from these tiles"
    if one.other_definitions:
        yield f"  {one.other_definitions:,} were served by other features than the checkout's"
    yield from (
        f"  {count:,} differ in {name}" for name, count in list(one.by_feature.items())[:LISTED]
    )


def _what_if(one: WhatIf) -> Iterator[str]:
    answered = one.events - one.unanswered
    yield f"what if: {one.way}"
    if one.unanswered:
        yield f"  {one.unanswered:,} of {one.events:,} answers cannot be given this way: {one.note}"
    yield f"  decided otherwise: {one.changed:,} of {answered:,}"
    for pair in one.decisions:
        if pair.logged != pair.other:
            yield f"    {pair.events:,} from {pair.logged} to {pair.other}"
    yield from _money(one.money) if one.money else [f"  no money: {one.no_money}"]


def _money(one: MoneyChanged) -> Iterator[str]:
    yield (
        f"  of {one.matured:,} answers whose label is due by {one.until}, {one.labelled:,} have one"
        + (f", {one.explored:,} of them let through at random" if one.explored else "")
    )
    if one.uncounted:
        yield f"  {one.uncounted:,} are not in these sums: no answer like them has a label"
    if one.why:
        yield f"  cannot tell what that costs: {one.why}"
        return
    level = f"95 % interval, drawn by {one.by} ({one.clusters:,})"
    yield f"  as answered {_sum(one.logged, one.unit)}, this way {_sum(one.other, one.unit)}"
    yield f"  difference {_sum(one.difference, one.unit)}: {one.verdict} ({level})"
    if one.as_declared is not None:
        yield f"  as answered, by the costs of params.yaml: {figure(one.as_declared)} {one.unit}"


def _sum(one: Interval, unit: str) -> str:
    ends = [figure(end) for end in (one.low, one.high) if end is not None]
    value = "unknown" if one.value is None else figure(one.value)
    return f"{value} {unit}" + (f" [{' to '.join(ends)}]" if ends else "")


def _verdict(report: ReplayReport) -> str:
    if not report.differing:
        return f"all {report.equal:,} rows are equal to the bit"
    return f"{report.equal:,} rows are equal to the bit, {report.differing:,} are not"


def _bundle(one: ReplayedBundle) -> Iterator[str]:
    when = one.first_day if one.first_day == one.last_day else f"{one.first_day} to {one.last_day}"
    where = f" from {one.found}" if one.found else ""
    yield f"{one.bundle} ({', '.join(one.arms)}), {when}{where}: {one.equal:,} of {one.rows:,} equal"
    for reason, count in one.reasons.items():
        yield f"  {count:,} not: {REASONS[reason]}"
    if one.problem:
        yield f"  {one.problem}"
    if one.unchecked:
        yield f"  row features of {one.unchecked:,} are not computed again, only scored from: {one.note}"
    if one.libraries:
        yield f"  other versions: {'; '.join(one.libraries)}"


def _row(row: DifferingRow) -> str:
    return f"{row.day} row {row.sequence}, key {row.key}, {row.arm} ({row.mode}): {row.detail}"
