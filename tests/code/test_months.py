"""Month by month as all at once: random events, odd ids, late and corrected outcomes, hourly histories and ages."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from plumbline.core import history_ages
from plumbline.core.declarations import KNOWN_AT
from plumbline.core.usecase import UseCase
from plumbline.features import (
    assemble,
    batch,
    history_age,
    ibis_session,
    known_outcomes,
    model_tables,
    month_spans,
    splits,
    tile_files,
)
from plumbline.features.month_spans import DaySpan
from plumbline.features.params import Features
from tests.code.test_series import SERIES
from tests.small import SMALL, Rows, arrow, event

AS_OF = date(2025, 4, 2)
FIRST = datetime(2025, 1, 3)
PARAMS = Features(
    warmup_days=5,
    valid_days=9,
    test_days=16,
    current_days=14,
    recent_days=3,
    leave_out=(date(2025, 2, 20), date(2025, 3, 25)),
    history_age=True,
)
PEOPLE = ("ann", "", "Zoë", "a b", "NULL", "名前", "'; --", "x" * 200)
FOLDERS = ("snapshots", "tables", "tiles")


def drawn(count: int, seed: int) -> Rows:
    """Events of three months in no order, none in some weeks, with ids of every kind and outcomes of any age."""
    draw = random.Random(seed)
    rows = []
    for i in range(count):
        day = draw.choice((*range(30), *range(44, 60), *range(70, 89)))
        at = FIRST + timedelta(days=day, minutes=15 * draw.randrange(96))
        delay = timedelta(hours=draw.choice((1, 47, 48, 49, 400, 1_000)))
        one = event(
            i,
            at,
            who_id=draw.choice(PEOPLE),
            place_id=draw.choice((None, 0, -1, -(2**62), 2**62, 7)),
            cents=draw.randrange(-900, 900),
            grams=draw.choice((None, *range(9))),
            ok=draw.random() < 0.5,
            bad=draw.randrange(2),
            loss=draw.choice((None, draw.randrange(99))),
        )
        rows.append({**one, "known_at": at + delay})
    return rows


def corrected(rows: Rows) -> Rows:
    """The outcomes, some of them corrected once or twice, some never known."""
    draw = random.Random(1)
    late = []
    for row in rows:
        for _ in range(draw.choice((0, 1, 1, 2, 3))):
            known_at = row["known_at"] + timedelta(minutes=draw.randrange(60 * 24 * 40))
            late.append({**row, "known_at": known_at, "bad": draw.randrange(2)})
    return late


def lay_out(folder: Path, rows: Rows, late: Rows) -> Path:
    folder.mkdir(parents=True)
    for kind, time, listed in (("events", "at", rows), ("outcomes", "known_at", late)):
        for month in sorted({f"{r[time]:%Y-%m}" for r in listed}):
            part = [r for r in listed if f"{r[time]:%Y-%m}" == month]
            pq.write_table(arrow(part, late=kind == "outcomes"), folder / f"{kind}-{month}.parquet")
    return folder


def made(top: Path) -> list[Path]:
    for name in FOLDERS:
        (top / name).mkdir(parents=True)
    return [top / name for name in FOLDERS]


def at_once(usecase: UseCase, valid: Path, top: Path, own: bool) -> None:
    """The same outs over all events at once."""
    snapshots, tables, tiles = made(top)
    with ibis_session.connection(threads=1) as backend:
        events, outcomes = ibis_session.read(backend, usecase, valid)
        first, _ = assemble.span(usecase, events, AS_OF)
        late = known_outcomes.of(backend, usecase, outcomes, AS_OF, own)
        seen = assemble.visible(backend, usecase, events, late.first, AS_OF)
        by_entity = assemble.write_snapshots(backend, usecase, *seen, AS_OF, snapshots)
        windows = splits.windows(usecase, PARAMS, first, AS_OF)

        def join(rows):
            joined = batch.join_snapshots(usecase, rows, by_entity)
            return history_age.with_ages(usecase, joined, *seen)

        ages, labels = history_ages.columns(usecase), late.of_windows(windows)
        rows = {
            name: model_tables.rows_of(usecase, w, *seen, join, ages, labels.get(name))
            for name, w in windows.items()
        }
        further = [*ages, *([KNOWN_AT] if own else [])]
        model_tables.write_pieces(
            backend, usecase, windows, lambda n: [rows[n]], tables, further, PARAMS.leave_out
        )
        tile_files.write(backend, usecase, *seen, (first, AS_OF), PARAMS.recent_days, tiles)


def stage(usecase: UseCase, valid: Path, top: Path, own: bool, threads: int = 1):
    """The outs as the stage makes them."""
    snapshots, tables, tiles = made(top)
    with ibis_session.connection(threads) as backend:
        return assemble.timed(
            backend, usecase, PARAMS, AS_OF, valid, snapshots, tables, tiles, own=own
        )


def files(top: Path) -> dict[str, bytes]:
    return {f"{p.parent.name}/{p.name}": p.read_bytes() for p in sorted(top.glob("*/*"))}


CASES = {
    "daily, derived": (SMALL, False),
    "corrected outcomes in a table of their own": (SMALL, True),
    "hourly, lagged, of all": (SERIES, False),
    "no entity": (
        replace(
            SERIES,
            entities=(SERIES.entity("all"),),
            snapshots=tuple(s for s in SERIES.snapshots if s.entity == "all"),
            hourly=tuple(s for s in SERIES.hourly if s.entity == "all"),
            fresh=tuple(s for s in SERIES.fresh if s.entity == "all"),
            features=("cents", "all_2h"),
        ),
        True,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_bytes_are_those_of_all_events_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    usecase, own = CASES[name]
    rows = drawn(700, seed=list(CASES).index(name))
    valid = lay_out(tmp_path / "valid", rows, corrected(rows) if own else rows)
    at_once(usecase, valid, tmp_path / "once", own)
    whole = stage(usecase, valid, tmp_path / "together", own)
    monkeypatch.setattr(month_spans, "BYTES", 10**12)
    parts = stage(usecase, valid, tmp_path / "apart", own, threads=2)
    expected = files(tmp_path / "once")
    assert len({n for n in expected if n.startswith("snapshots/")}) >= 4
    assert files(tmp_path / "together") == expected
    assert files(tmp_path / "apart") == expected
    assert parts == whole


def test_months_are_put_together_as_far_as_the_memory_goes() -> None:
    days = {date(2025, 1, 31): 10, date(2025, 2, 1): 10, date(2025, 6, 5): 15}
    of = partial(month_spans.of, days, timedelta(days=30), date(2025, 8, 1))
    months = [date(2025, m, 1) for m in (1, 2, 3, 4, 6, 7, 8)]
    assert [s.months for s in of(100 * month_spans.BYTES)] == [tuple(months)]
    alone = [(months[0],), (months[1],), tuple(months[2:4]), (months[4],), tuple(months[5:])]
    assert [s.months for s in of(1)] == alone
    two = of(20 * month_spans.BYTES)
    assert [s.days for s in two] == [
        DaySpan(date(2025, 1, 1), date(2025, 5, 1)),
        DaySpan(date(2025, 6, 1), date(2025, 9, 1)),
    ]
