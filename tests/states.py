"""Rows of a log and the histories they make, by `single_event`: what every kind of state is compared with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

from hypothesis import strategies as st

from plumbline.core.declarations import Entity, Fresh, Hourly, Snapshot, Where
from plumbline.core.usecase import FeatureSet
from plumbline.serve import single_event
from plumbline.serve.protocols import LoggedEvent, LoggedOutcome
from plumbline.serve.state.plan import micros
from tests.small import SMALL, START, event

SMALL_HOURS = replace(
    SMALL,
    entities=(*SMALL.entities, Entity("all", None, "every event")),
    snapshots=(
        *SMALL.snapshots,
        Snapshot("who_week_ago", "who", "sum", 1, "cents, a week ago", "cents", lag=7),
        Snapshot("all_count_30d", "all", "count", 30, "events in 30 days"),
    ),
    hourly=(
        Hourly("who_hour", "who", "sum", 2, "cents in two hours", "cents"),
        Hourly("all_bad_hour", "all", "rate", 30, "bad share in 30 hours", "bad", True),
        Hourly("place_lag", "place", "mean", 1, "grams a day ago", "grams", lag=24, default=-9.0),
    ),
    fresh=(
        *SMALL.fresh,
        Fresh("all_count_today", "all", "count", "events today"),
        Fresh("who_bad_today", "who", "rate", "bad share today", "bad", matured=True, default=0.5),
        Fresh(
            "all_loss_today", "all", "sum", "lost", "loss", matured=True, where=(Where("ok", 1),)
        ),
    ),
)
"""Every kind of feature: lags, hours, one history of all events, outcomes of the day."""

MINUTES = st.integers(0, 42 * 24 * 60)
MOMENTS = st.one_of(
    MINUTES.map(lambda m: START + timedelta(minutes=m)),
    st.integers(0, 42).map(lambda d: START + timedelta(days=d)),
    st.integers(0, 10**6).map(lambda n: START + timedelta(days=4, microseconds=n % 3)),
)
EVENT = st.fixed_dictionaries(
    {
        "at": MOMENTS,
        "who_id": st.sampled_from(["ann", "bob"]),
        "place_id": st.sampled_from([1, 2, None]),
        "cents": st.one_of(st.integers(-500, 500), st.integers(-(2**63), 2**63 - 1)),
        "grams": st.one_of(st.none(), st.integers(0, 9)),
        "ok": st.booleans(),
        "surprise": st.one_of(st.none(), st.integers(-9, 9)),
        "bad": st.integers(0, 1),
        "loss": st.one_of(st.none(), st.integers(0, 99)),
        "wait": st.one_of(st.none(), st.integers(0, 4 * 24 * 60)),
    }
)


def _event(number: int, drawn: dict[str, Any]) -> dict[str, Any]:
    wait = drawn.pop("wait")
    one = event(number, **drawn)
    return {**one, "known_at": None if wait is None else one["at"] + timedelta(minutes=wait)}


EVENTS = st.lists(EVENT, min_size=1, max_size=40).map(
    lambda drawn: [_event(i, dict(one)) for i, one in enumerate(drawn)]
)


def event_row(one: dict[str, Any], sequence: int, **other: Any) -> LoggedEvent:
    """An event as the log has it; what the state does not read is blank."""
    known = {c.name: one[c.name] for c in SMALL.known}
    row = LoggedEvent(
        sequence, micros(one["at"]), "r", one["number"], b"d", known, (), (), (one["surprise"],), (0.5,), (0.5,),
        None, None, "", 1.0, "champion", "live", 1, "b", "d", 0, (), 0, b"{}",
    )  # fmt: skip
    return replace(row, **other)


def outcome_row(one: dict[str, Any], sequence: int) -> LoggedOutcome:
    known_at = micros(one["known_at"])
    late = {"bad": one["bad"], "loss": one["loss"]}
    return LoggedOutcome(sequence, known_at, "r", one["number"], b"d", known_at, late, True)


def rows_of(events: Sequence[dict[str, Any]]) -> list[LoggedEvent | LoggedOutcome]:
    """The rows of the events and of their outcomes, as they came."""
    moments = [(e["at"], 0, e) for e in events]
    moments += [(e["known_at"], 1, e) for e in events if e["known_at"] is not None]
    ordered = sorted(moments, key=lambda m: m[:2])
    return [(outcome_row if late else event_row)(e, i) for i, (_, late, e) in enumerate(ordered, 1)]


def wanted(
    log: Iterable[LoggedEvent | LoggedOutcome],
    one: dict[str, Any],
    usecase: FeatureSet = SMALL_HOURS,
) -> list[float]:
    """The event's histories by `single_event`, over the rows."""
    rows = list(log)
    events = [{**r.event, "surprise": r.derived[0]} for r in rows if isinstance(r, LoggedEvent)]
    outcomes = [
        {
            "number": r.key,
            "known_at": START + timedelta(microseconds=r.known_at - micros(START)),
            **r.values,
        }
        for r in rows
        if isinstance(r, LoggedOutcome)
    ]
    known = {}
    for entity in usecase.entities:
        id_ = single_event.id_of(entity, one)
        own = [e for e in events if single_event.id_of(entity, e) == id_ and id_ is not None]
        known[entity.name] = single_event.history(usecase, entity, own, outcomes)
    return list(single_event.aggregates(usecase, one, known).values())


def stream(
    seed: int, count: int, late_days: int
) -> Iterator[tuple[dict[str, Any], list[LoggedEvent | LoggedOutcome]]]:
    """Events as a service receives them over weeks, some as late as is taken, each with the rows that follow it.

    Outcomes come at their time, or at the next event where nothing comes for days.
    """
    chance, now, sequence = Random(seed), START, 0
    open_: list[dict[str, Any]] = []
    for number in range(count):
        now += timedelta(minutes=chance.choice([1, 5, 60, 600, 600, 1440]))
        at = now - timedelta(minutes=chance.choice([0, 0, 0, 1, 60, late_days * 1440 - 1]))
        drawn = {
            "at": at, "who_id": chance.choice("ab"), "place_id": chance.choice([1, 2, None]),
            "cents": chance.randint(-500, 500), "grams": chance.choice([None, 3, 7]),
            "ok": chance.random() < 0.5, "surprise": chance.choice([None, -6, 0, 4]),
            "bad": chance.randint(0, 1), "loss": chance.choice([None, 5]),
            "wait": chance.choice([None, chance.randint(0, 1440)]),
        }  # fmt: skip
        one = _event(number, drawn)
        open_ += [one] if one["known_at"] else []
        settled = [o for o in open_ if o["known_at"] <= now]
        open_ = [o for o in open_ if o["known_at"] > now]
        rows: list[LoggedEvent | LoggedOutcome] = [event_row(one, sequence + 1)]
        rows += [outcome_row(o, sequence + 2 + i) for i, o in enumerate(settled)]
        sequence += len(rows)
        yield one, rows
