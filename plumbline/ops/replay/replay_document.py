"""The result of a replay, as `replay --json` writes it."""

from __future__ import annotations

from typing import Literal

from plumbline.core.documents import Document
from plumbline.metrics.interval import Figure, Interval


class DifferingRow(Document):
    """A row that is not equal: `reason` as `verdicts.REASONS` names it, `detail` with what was expected and found."""

    sequence: int
    day: str
    key: int | str
    arm: str
    mode: str
    bundle: str
    reason: str
    detail: str


class ReplayedBundle(Document):
    """The rows of one bundle: how many, from when to when, how many equal, the others by reason.

    `found`: where it was, "" where it cannot be had; `problem`: why. `unchecked`: rows whose features were not computed
    again, because the bundle's functions may not run here, and `note` why not. `libraries`: other versions than made it.
    """

    bundle: str
    arms: list[str]
    rows: int
    live: int
    first_day: str
    last_day: str
    equal: int
    reasons: dict[str, int]
    found: str
    problem: str
    unchecked: int
    note: str
    libraries: list[str]


class RefoldedHistories(Document):
    """Histories added up again from seed and log, held against the logged ones.

    `compared` rows are live ones received since the seed's day; `before_seed` are older, `other_definitions` were served by
    other features. `by_feature`: rows that differ.
    """

    seed: str
    as_of: str | None
    compared: int
    equal: int
    before_seed: int
    other_definitions: int
    by_feature: dict[str, int]


class ChangedDecisions(Document):
    """How many events are decided so now, and were then."""

    logged: str
    other: str
    events: int


class MoneyChanged(Document):
    """What the events cost, priced alike: as they were decided, by the other way, and the paired difference.

    Of `matured` events, whose label has had its delay by `until`, `labelled` have a label; `explored` of these were let
    through at random and count for those like them; `uncounted` are like none that has a label. `clusters`: what is drawn together for the intervals, and how many.
    `verdict`: of the difference; "cannot tell" has its reason in `why`.
    """

    unit: str
    until: str
    matured: int
    labelled: int
    uncounted: int
    explored: int
    changed: int
    changed_labelled: int
    by: Literal["day", "entity", "event"]
    clusters: int
    logged: Interval
    other: Interval
    difference: Interval
    per_event: Interval
    verdict: Literal["cheaper", "dearer", "no difference beyond noise", "the same", "cannot tell"]
    why: str
    as_declared: Figure


class WhatIf(Document):
    """Another way to answer the same live events.

    `changed` events of `events` are decided otherwise; `unanswered` cannot be answered by it, and `note` says why.
    `money`: None where nothing has a price, and `no_money` says why.
    """

    way: str
    events: int
    unanswered: int
    note: str
    changed: int
    score_moved: Figure
    decisions: list[ChangedDecisions]
    money: MoneyChanged | None
    no_money: str


class ReplayReport(Document):
    """What was replayed, by bundle; the first rows that differ. `changed_days`: sealed days that are not as they were sealed."""

    usecase: str
    days: list[str]
    sealed_days: int
    rows: int
    live: int
    equal: int
    differing: int
    changed_days: list[str]
    bundles: list[ReplayedBundle]
    rows_shown: list[DifferingRow]
    histories: RefoldedHistories | None = None
    what_if: WhatIf | None = None
