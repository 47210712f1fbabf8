"""What a log holds, day by day. An edge: SQLite."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from plumbline.core.documents import Document
from plumbline.serve.log import files_read
from plumbline.serve.log.files_read import Extent

ARMS = """
SELECT arm, shadow, bundle, route_version, count(*), coalesce(sum(alarm), 0)
FROM events JOIN routes USING (route) WHERE sequence <= ? GROUP BY 1, 2, 3, 4 ORDER BY min(sequence)
"""
FLAGS = "SELECT flags, count(*) FROM events WHERE NOT shadow AND sequence <= ? GROUP BY 1"
OUTCOMES = "SELECT count(*), coalesce(sum(NOT matched), 0) FROM outcomes WHERE sequence <= ?"


class ArmSummary(Document):
    """What an arm answered, or scored as a shadow, with one bundle under one version of the routes."""

    arm: str
    mode: str
    bundle: str
    route_version: int
    events: int
    alarms: int


class DaySummary(Document):
    """A received UTC day. `events`: answered, without shadows' scores; `flags`: answered events by flag; `sealed`: whether
    all its rows are in sealed days.
    """

    day: date
    first_sequence: int
    last_sequence: int
    events: int
    outcomes: int
    unmatched_outcomes: int
    arms: list[ArmSummary]
    flags: dict[str, int]
    bytes: int
    sealed: bool = False


def summaries(folder: Path, day: date | None = None) -> list[DaySummary]:
    """The days of a log, or one of them. What several processes wrote is added up. LogError where unreadable."""
    by_day: dict[date, list[Extent]] = {}
    for extent in files_read.extents(folder):
        if day in (None, extent.file.date):
            by_day.setdefault(extent.file.date, []).append(extent)
    return [_summary(one, by_day[one]) for one in sorted(by_day)]


def _summary(day: date, extents: list[Extent]) -> DaySummary:
    arms: list[ArmSummary] = []
    flags: Counter[str] = Counter()
    outcomes = unmatched = 0
    for extent in extents:
        connection, last = extent.connect(), (extent.last,)
        try:
            arms += [_arm(*row) for row in connection.execute(ARMS, last)]
            flags += _flags(connection.execute(FLAGS, last))
            received, unknown = connection.execute(OUTCOMES, last).fetchone()
        except sqlite3.Error as error:
            raise files_read.unreadable(extent.file, error) from error
        finally:
            connection.close()
        outcomes, unmatched = outcomes + received, unmatched + unknown
    return DaySummary(
        day=day,
        first_sequence=min(e.first for e in extents),
        last_sequence=max(e.last for e in extents),
        events=sum(one.events for one in arms if one.mode == "live"),
        outcomes=outcomes,
        unmatched_outcomes=unmatched,
        arms=_merged(arms),
        flags=dict(sorted(flags.items())),
        bytes=sum(_size(path) for path in {e.file.path for e in extents}),
    )


def lines(days: Iterable[DaySummary]) -> Iterable[str]:
    """The summaries as lines of a terminal."""
    for one in days:
        late = f" ({one.unmatched_outcomes} of unknown events)" if one.unmatched_outcomes else ""
        yield (
            f"{one.day}  {one.events:,} events, {one.outcomes:,} outcomes{late}, sequence {one.first_sequence} to "
            f"{one.last_sequence}, {one.bytes / 1e6:.1f} MB{', sealed' * one.sealed}"
        )
        for arm in one.arms:
            word = "answered" if arm.mode == "live" else "scored as a shadow"
            yield (
                f"  {arm.arm}, bundle {arm.bundle}, routes {arm.route_version}: {word} {arm.events:,}, "
                f"{arm.alarms:,} alarms"
            )
        if one.flags:
            yield "  flags: " + ", ".join(f"{name} {count:,}" for name, count in one.flags.items())


def _arm(arm: str, shadow: int, bundle: str, version: int, events: int, alarms: int) -> ArmSummary:
    mode = "shadow" if shadow else "live"
    return ArmSummary(
        arm=arm, mode=mode, bundle=bundle, route_version=version, events=events, alarms=alarms
    )


def _merged(arms: Iterable[ArmSummary]) -> list[ArmSummary]:
    """One of each kind: several files, and the journal, hold rows of the same arm."""
    result: dict[tuple[str, str, str, int], ArmSummary] = {}
    for one in arms:
        kind = (one.arm, one.mode, one.bundle, one.route_version)
        held = result.get(kind)
        if held is not None:
            counts = {"events": one.events + held.events, "alarms": one.alarms + held.alarms}
            one = one.model_copy(update=counts)
        result[kind] = one
    return list(result.values())


def _flags(counts: Iterable[tuple[str, int]]) -> Counter[str]:
    result: Counter[str] = Counter()
    for names, count in counts:
        for name in names.split():
            result[name] += count
    return result


def _size(path: Path) -> int:
    beside = (path, path.with_name(f"{path.name}-wal"))
    return sum(one.stat().st_size for one in beside if one.exists())
