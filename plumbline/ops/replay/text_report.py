"""A replay as lines of a terminal. Pure: the report in, lines out."""

from __future__ import annotations

from collections.abc import Iterator

from plumbline.ops.replay.replay_document import DifferingRow, ReplayedBundle, ReplayReport
from plumbline.ops.replay.verdicts import REASONS

LISTED = 10
"""Rows that a terminal lists."""


def lines(report: ReplayReport) -> Iterator[str]:
    """What was replayed, by bundle; the first rows that differ."""
    live = report.usecase, report.days[0], report.days[-1], report.rows, report.live
    yield "{}, {} to {}: {:,} rows, {:,} of them answers".format(*live)
    yield _verdict(report)
    for one in report.bundles:
        yield from _bundle(one)
    for row in report.rows_shown[:LISTED]:
        yield f"  {_row(row)}"
    if report.differing > LISTED and report.rows_shown:
        yield f"  and {report.differing - LISTED:,} more (--json lists 100, --out all)"


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
