"""What is known of events' outcomes, and from when: the stages against plain Python, on drawn outcomes."""

from __future__ import annotations

import random
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.core.usecase import UseCase
from plumbline.data import outcome_counts, outcome_rows, partition
from plumbline.data.visible_days import VisibleDays
from plumbline.features import assemble, batch, grain, ibis_session, known_outcomes
from plumbline.features.splits import SplitWindow
from plumbline.serve.state.fold import fold
from plumbline.serve.state.memory import MemoryState
from plumbline.serve.state.plan import compiled
from tests.code.test_assemble import PARAMS
from tests.code.test_batch import many
from tests.examples import examples
from tests.small import AS_OF, DELAY, SMALL, START, TYPES, arrow, brute, event
from tests.states import event_row, outcome_row

MIDNIGHT = datetime.combine(AS_OF, datetime.min.time())
NEVER = datetime(9000, 1, 1)
Outcome = dict[str, Any]


def outcome(number: int, known_at: datetime, bad: int, loss: int | None = None) -> Outcome:
    return {"number": number, "known_at": known_at, "bad": bad, "loss": loss}


def partitioned(
    folder: Path, events: list[dict[str, Any]], late: Sequence[Outcome], *order: str
) -> tuple[Path, dict[str, Any]]:
    """The files that the data stage writes of these events and outcomes, and its counts."""
    names = ("number", "known_at", "bad", "loss")
    columns = {n: pa.array([o[n] for o in late], TYPES[n]) for n in names}
    with duckdb.connect() as connection:
        connection.register("given_events", arrow(events, late=False))
        connection.execute("CREATE TABLE events AS FROM given_events")
        arrived = pa.array(range(len(late)), pa.int64())
        connection.register("late", pa.table(columns).append_column("arrived", arrived))
        outcome_rows.fill(connection, SMALL, "late", order=order)
        window = VisibleDays(None, AS_OF)
        partition.views(connection, SMALL, window, own=True)
        partition.write(connection, SMALL, folder, own=True)
        return folder, outcome_counts.of(connection, SMALL, window).plain()


def as_arrived(late: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes with the moment from which each counts: no correction before what it corrects."""
    once, last, result = set(), {}, []
    for one in late:
        key = tuple(one.values())
        if key in once:
            continue
        once.add(key)
        before = last.get(one["number"])
        moment = (
            max(one["known_at"], before + timedelta(microseconds=1)) if before else one["known_at"]
        )
        last[one["number"]] = moment
        result.append({**one, "known_at": moment})
    return result


def by_event(late: Sequence[Outcome], before: datetime) -> dict[int, list[Outcome]]:
    """Of each event its outcomes known before, in the order in which they count."""
    known: dict[int, list[Outcome]] = defaultdict(list)
    for one in sorted(late, key=lambda o: o["known_at"]):
        if one["known_at"] < before:
            known[one["number"]].append(one)
    return known


def read(folder: Path, before: date) -> tuple[dict[int, Any], dict[int, Any]]:
    """By the stage features: each event's first outcome, and its label on that day."""
    with ibis_session.connection(threads=1) as backend:
        _, outcomes = ibis_session.read(backend, SMALL, folder)
        known = known_outcomes.of(backend, SMALL, outcomes, AS_OF, True)
        first, labels = (t.to_pyarrow().to_pylist() for t in (known.first, known.labels(before)))
    return (
        {r["number"]: (r["known_at"], r["bad"], r["loss"]) for r in first},
        {r["number"]: (r["bad"], r["loss"]) for r in labels},
    )


MOMENTS = st.integers(0, 200).map(lambda n: START + timedelta(hours=3 * n))
OUTCOMES = st.lists(
    st.builds(
        outcome, st.integers(0, 5), MOMENTS, st.integers(0, 1), st.none() | st.integers(0, 2)
    ),
    min_size=1,
    max_size=14,
)
CUTS = st.sampled_from([AS_OF, date(2025, 3, 5), date(2025, 3, 12)])


@examples(15, 400)
@given(late=OUTCOMES, cut=CUTS, arrival=st.booleans())
def test_the_first_and_the_latest_known_are_those_of_plain_python(
    late: list[Outcome], cut: date, arrival: bool
) -> None:
    events = [event(n, START + timedelta(hours=n)) for n in range(4)]
    if not arrival:  # of two at one moment neither counts; validate sets both aside
        late = list({(o["number"], o["known_at"]): o for o in late}.values())
    counted = as_arrived(late) if arrival else late
    wanted = {n: o for n, o in by_event(counted, MIDNIGHT).items() if n < 4}
    with tempfile.TemporaryDirectory() as name:
        folder, counts = partitioned(Path(name), events, late, *(["arrived"] if arrival else []))
        if not wanted:
            assert not list(folder.glob("outcomes-*"))
            return
        first, labels = read(folder, cut)
    assert first == {n: tuple(o[0].values())[1:] for n, o in wanted.items()}
    cut_at = datetime.combine(cut, datetime.min.time())
    then = {n: o for n, o in by_event(counted, cut_at).items() if n < 4}
    assert labels == {n: (o[-1]["bad"], o[-1]["loss"]) for n, o in then.items()}
    unknown = [o for o in counted if o["number"] > 3 and o["known_at"] < MIDNIGHT]
    assert counts["unknown"] == len({tuple(o.values()) for o in unknown})
    delay = timedelta(days=DELAY)
    assert counts["late"] == sum(
        o[0]["known_at"] > events[n]["at"] + delay for n, o in wanted.items()
    )
    assert counts["waiting"] == 4 - len(wanted)


def test_histories_count_an_event_once_from_its_first_outcome_on(tmp_path: Path) -> None:
    draw = random.Random(3)
    events, late = [], []
    for n in range(250):
        at = START + timedelta(minutes=10 * draw.randrange(24 * 144))
        who, place = f"p{draw.randrange(8)}", draw.randrange(4)
        events.append(event(n, at, who_id=who, place_id=place, cents=draw.randrange(900)))
        for _ in range(draw.choice((0, 1, 1, 2, 3))):
            known_at = at + timedelta(minutes=draw.randrange(12 * 1440))
            late.append(outcome(n, known_at, draw.randrange(2), draw.choice((None, 5, 70))))
    events = [e for e in events if e["at"] < MIDNIGHT]
    folder, _ = partitioned(tmp_path, events, late)
    first = {n: o[0] for n, o in by_event(late, MIDNIGHT).items()}
    none = outcome(-1, NEVER, 0)
    expected = brute([{**e, **first.get(e["number"], none), "number": e["number"]} for e in events])
    assert histories(SMALL, folder) == expected


@pytest.mark.capability("C28")
def test_a_service_counts_what_the_batch_counts(tmp_path: Path) -> None:
    """Corrections, late ones, and ones that say that they were known before what they correct."""
    draw = random.Random(9)
    case = without_derived()
    events = [
        event(
            n, START + timedelta(minutes=7 * draw.randrange(3_000)), who_id=f"p{n % 3}", surprise=0
        )
        for n in range(60)
    ]
    arrivals: list[tuple[datetime, Outcome]] = []
    for one in events:
        for _ in range(draw.choice((0, 1, 2, 3))):
            came = one["at"] + timedelta(minutes=draw.randrange(6 * 1440))
            known_at = came - timedelta(minutes=draw.choice((0, 0, 600)))
            known_at = max(known_at, one["at"])
            arrivals.append(
                (came, outcome(one["number"], known_at, draw.randrange(2), draw.choice((None, 5))))
            )
    arrivals.sort(key=lambda pair: pair[0])
    late = [o for _, o in arrivals]
    state = MemoryState(compiled(case), 43, 60)
    moments = [(e["at"], 0, i, e) for i, e in enumerate(events)]
    moments += [(came, 1, i, o) for i, (came, o) in enumerate(arrivals)]
    rows = [row for *_, row in sorted(moments, key=lambda m: m[:3])]
    fold(state, [(event_row if "at" in r else outcome_row)(r, i) for i, r in enumerate(rows, 1)])
    folder, _ = partitioned(tmp_path, events, late, "arrived")
    names = [f.name for f in case.aggregates]
    batch_values = histories(case, folder)
    assert {
        e["number"]: dict(zip(names, state.values(e), strict=True)) for e in events
    } == batch_values


def without_derived() -> UseCase:
    """The use case without what needs histories of its own to be kept with an event."""
    plain = [
        s for s in SMALL.snapshots if "surprise" not in (s.column, *(w.column for w in s.where))
    ]
    fresh = [f for f in SMALL.fresh if f.column != "surprise"]
    return replace(SMALL, derived=(), snapshots=tuple(plain), fresh=tuple(fresh))


def histories(case: UseCase, folder: Path) -> dict[int, dict[str, float]]:
    """Each event's histories by the stage's expressions, by key."""
    with ibis_session.connection(threads=1) as backend:
        seen, outcomes = ibis_session.read(backend, SMALL, folder)
        known = known_outcomes.of(backend, SMALL, outcomes, AS_OF, True).first
        seen, known = assemble.visible(backend, case, seen, known, AS_OF)
        built = {
            name: ibis_session.keep(
                backend, name, batch.snapshots(case, e, seen, known, AS_OF, kind)
            )
            for name, e, kind in grain.stored(case)
        }
        joined = batch.join_snapshots(case, batch.fresh(case, seen, known), built)
        names = [f.name for f in case.aggregates]
        found = joined.select("number", *names).to_pyarrow().to_pylist()
    return {row.pop("number"): row for row in found}


@pytest.mark.capability("C23")
def test_model_tables_have_the_labels_that_were_known_when_they_are_used(tmp_path: Path) -> None:
    draw = random.Random(4)
    events = [e for e in many(900) if e["at"] < MIDNIGHT]
    late = []
    for one in events:
        for _ in range(draw.choice((1, 1, 2))):
            known_at = one["at"] + timedelta(minutes=draw.randrange(9 * 1440))
            late.append(outcome(one["number"], known_at, draw.randrange(2)))
    folder, _ = partitioned(tmp_path, events, late)
    outs = [tmp_path / name for name in ("snapshots", "tables")]
    for out in outs:
        out.mkdir()
    with ibis_session.connection(threads=1) as backend:
        report = assemble.timed(backend, SMALL, PARAMS, AS_OF, folder, *outs, own=True)
    until = {"train": report.tables["valid"].start, "valid": report.tables["test"].start}
    for name in ("train", "valid", "test", "current"):
        known = by_event(late, datetime.fromisoformat(until.get(name, str(AS_OF))))
        table = pq.read_table(tmp_path / "tables" / f"{name}.parquet").to_pylist()
        assert table
        for row in table:
            own = known.get(row["number"])
            wanted = (own[-1]["bad"], own[0]["known_at"]) if own else (None, None)
            assert (row["bad"], row["known_at"]) == wanted
        assert name == "current" or all(row["bad"] is not None for row in table)


def test_a_window_s_labels_are_those_known_when_it_is_used() -> None:
    days = {"train": (1, 10), "valid": (12, 15), "test": (17, 21), "current": (21, 24)}
    windows = {
        n: SplitWindow(*(date(2025, 3, 1) + timedelta(d) for d in (a, b)))
        for n, (a, b) in days.items()
    }
    known = known_outcomes.KnownOutcomes(SMALL, windows["current"].end, None, None)
    until = {name: known.until(windows, name) for name in windows}
    assert until == {
        "train": windows["valid"].start,
        "valid": windows["test"].start,
        "test": windows["current"].end,
        "current": windows["current"].end,
    }
