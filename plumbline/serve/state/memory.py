"""The embedded state: histories in memory, and the events that wait for their outcomes.

What it gives depends on the set of rows folded, not on their order. What no event that is still accepted can reach
is forgotten a little at each event as days pass: there is no midnight job.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from plumbline.serve.protocols import Claim, Draft, Key, LoggedEvent, LoggedOutcome
from plumbline.serve.single_event import RawEvent
from plumbline.serve.state import entries
from plumbline.serve.state.entries import SumIncrement
from plumbline.serve.state.histories import Histories, oldest
from plumbline.serve.state.plan import DAY, HistoryPlan, Moment, micros
from plumbline.serve.state.received_days import ReceivedDays
from plumbline.serve.state.recent import OPEN, Recent

BEFORE_ALL = -1_000_000
"""A day before all others."""


class MemoryState:
    """The fold of the log's rows over a seed, in this process.

    `late_days`: how late an event may be. `remember_days`: how long an event waits for its outcome; None: the label
    delay beside `late_days`. `touched_sums`, `touched_keys`: what rows of the log changed since it was taken for a
    checkpoint, in the order of the first such row, and which that was.
    """

    def __init__(
        self, plan: HistoryPlan, late_days: int = 8, remember_days: int | None = None
    ) -> None:
        self.plan = plan
        self.late_days = late_days
        self.histories = Histories(plan)
        self.days = ReceivedDays()
        if remember_days is None:
            remember_days = plan.usecase.delay_days + late_days
        self.recent = Recent(plan.remembered, remember_days)
        self.newest = BEFORE_ALL
        self.sequence = 0
        self.identity = ""  # of the features and the tiles that it was made from
        self.newest_time = 0  # of the events that were folded, microseconds since 1970; 0: none was
        self.touched_sums: dict[tuple[int, Any], int] = {}
        self.touched_keys: dict[Key, int] = {}
        self._seeded = (BEFORE_ALL, BEFORE_ALL * DAY)
        self._restored: dict[tuple[int, Any], int] | None = None
        self.oldest = [oldest(tile_table, BEFORE_ALL) for tile_table in plan.tile_tables]

    def begin(self, as_of: int, recent_from: int) -> None:
        """Note what the seed holds: all before the day `as_of`, and by key the events from `recent_from` on."""
        self.days.start = as_of
        self._seeded = (recent_from, as_of * DAY)
        self._advance(as_of - 1)

    @property
    def watermark(self) -> int:
        """The last sequence folded; 0 with the seed alone."""
        return self.sequence

    def values(self, event: RawEvent, draft: Draft | None = None) -> list[float]:
        """The event's histories, in the order of `FeatureSet.aggregates`.

        `draft`: the earlier events of its request, which count for it and are not folded yet.
        """
        size = len(self.plan.usecase.aggregates)
        counts, totals = [0] * size, [0] * size
        if size:
            self.histories.read(event, counts, totals)
            if draft is not None:
                draft.read(event, counts, totals)
        return self.plan.values(counts, totals)

    def unknown(self, event: RawEvent, draft: Draft | None = None) -> list[str]:
        """The names of the entities whose id was not seen, as far back as their longest window."""
        seen = self.histories.seen(event)
        also = draft.seen(event) if draft is not None else {}
        return [name for name, known in seen.items() if not (known or also.get(name))]

    def missing_days(self, event: RawEvent) -> int:
        """Whole days before the event's midnight, within its longest window, of which nothing was received."""
        if not self.plan.tile_tables:
            return 0
        day = self._micros(event) // DAY
        return self.days.missing(day - self.plan.longest, day)

    def draft(self) -> Histories:
        """An empty draft for a request of several events: see `values` and `Histories.add_event`."""
        return Histories(self.plan)

    def add_event(self, row: LoggedEvent) -> Claim | None:
        """Fold an event; a shadow's answer, and an event that was folded before, change nothing."""
        at = self._moment(row)
        if row.mode == "live" and self._is_new(row, at.day):
            event = entries.with_derived(self.plan, row.event, row.derived)
            added = entries.of_event(self.plan, event, at)
            outcome = self.recent.outcomes.get(row.key)
            if outcome is not None:
                known = Moment.of(outcome.known_at)
                added += entries.of_outcome(self.plan, event, outcome.values, known)
            self._fold(added, row.sequence)
            if row.key not in self.recent.events:
                settled = outcome.sequence if outcome else OPEN
                self.recent.add(row.key, event, at.day, row.sequence, settled)
                self.touched_keys.setdefault(row.key, row.sequence)
            if self.plan.usecase.time is not None:
                self.newest_time = max(self.newest_time, at.micros)
            self._turn(at.day)
        self.sequence = max(self.sequence, row.sequence)
        return None

    def add_outcome(self, row: LoggedOutcome) -> bool:
        """Fold an outcome; False where its event is not known: it counts once that comes. The first one counts.

        An event waits for its outcome through the days that it is remembered for, and is not known after them.
        """
        self.sequence = max(self.sequence, row.sequence)
        event = self.recent.events.get(row.key)
        if event is not None and event.day < self.newest - self.recent.days:
            return False
        if event is None or (self._restored is not None and event.sequence > row.sequence):
            self.recent.wait(row)
            self.touched_keys.setdefault(row.key, row.sequence)
            return event is not None
        if event.settled == OPEN or (self._restored is not None and event.settled == row.sequence):
            known = self.recent.event(event)
            added = entries.of_outcome(self.plan, known, row.values, Moment.of(row.known_at))
            self._fold(added, row.sequence)
            self.recent.settle(row.key, row.sequence)
            self.touched_keys.setdefault(row.key, row.sequence)
        return True

    def restore(
        self,
        cumulative_sums: dict[tuple[int, Any], int],
        newest: int,
        newest_time: int,
        watermark: int,
    ) -> None:
        """Go on from a checkpoint: which row each restored cumulative sums holds last, newest day and time, the watermark.

        The rows after the watermark are folded next, in the log's order, then `restored` is called.
        """
        self._restored = cumulative_sums
        self.sequence, self.newest_time = watermark, newest_time
        if newest > self.newest:
            self._advance(newest)

    def restored(self) -> None:
        """All rows that a restored cumulative sums may hold were folded."""
        self._restored = None

    def _is_new(self, row: LoggedEvent, day: int) -> bool:
        """Whether neither the seed nor a row before has the event.

        The seed has those that it lists and older ones that had been received before its day.
        """
        held = self.recent.events.get(row.key)
        if held is not None:
            return self._restored is not None and held.sequence == row.sequence
        recent_from, as_of = self._seeded
        return day >= recent_from or row.received >= as_of

    def _fold(self, added: Iterable[SumIncrement], sequence: int) -> None:
        """Raise the cumulative sums by what a row of the log adds, where a window can still reach it."""
        kept = [e for e in added if e.number >= self.oldest[e.tile_table]]
        if self._restored is not None:
            kept = [e for e in kept if self._restored.get((e.tile_table, e.id), 0) < sequence]
        self.histories.add(kept)
        for entry in kept:
            self.touched_sums.setdefault((entry.tile_table, entry.id), sequence)

    def _turn(self, day: int) -> None:
        """Note the day; what is older than the windows goes, a little at a time."""
        self.days.add(day)
        if day > self.newest:
            self._advance(day)
        self.histories.sweep(self.oldest)
        self.recent.forget()

    def _advance(self, day: int) -> None:
        self.newest = day
        first = day - self.late_days
        self.oldest = [oldest(tile_table, first) for tile_table in self.plan.tile_tables]
        self.recent.expire(day - self.recent.days)
        self.days.forget(first - self.plan.longest)

    def _moment(self, row: LoggedEvent) -> Moment:
        return Moment.of(self._micros(row.event) if self.plan.usecase.time else row.received)

    def _micros(self, event: RawEvent) -> int:
        return micros(event[str(self.plan.usecase.time)])
