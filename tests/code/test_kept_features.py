"""What features computed of a month is kept: the bytes of a clean room, and only what is new is computed."""

from __future__ import annotations

import tempfile
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.core.partition_cache import PartitionCache
from plumbline.features import assemble, ibis_session, month_inputs, month_keys, past
from plumbline.features.month_inputs import MonthInputs
from plumbline.features.month_keys import MonthKeys
from plumbline.features.month_spans import MonthSpan
from plumbline.features.past import Past
from tests.code.test_months import CASES, PARAMS, corrected, drawn, files, made
from tests.small import SMALL, Rows, arrow

BEFORE, AFTER = date(2025, 4, 2), date(2025, 4, 6)
OWN = "corrected outcomes in a table of their own"
LATE = datetime(2025, 4, 3, 12)


def lay_out(folder: Path, rows: Rows, late: Rows, as_of: date) -> Path:
    """The valid months of the events and outcomes that are known on a day, each outcome in the file of its event."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    for kind, time, listed in (("events", "at", rows), ("outcomes", "known_at", late)):
        seen = [r for r in listed if r[time].date() < as_of]
        for month in sorted({f"{r['at']:%Y-%m}" for r in seen}):
            part = [r for r in seen if f"{r['at']:%Y-%m}" == month]
            table = arrow(part, late=kind == "outcomes")
            if kind == "outcomes":
                times = pa.array([r["at"] for r in part], pa.timestamp("us"))
                table = table.append_column("at", times)
            pq.write_table(table, folder / f"{kind}-{month}.parquet")
    return folder


def run(
    top: Path, case: str, as_of: date, cache: PartitionCache | None
) -> tuple[dict[str, bytes], object]:
    """The outs and the report of a use case's valid months."""
    usecase, own = CASES[case]
    out = Path(tempfile.mkdtemp(dir=top))
    with ibis_session.connection(threads=1) as backend:
        report = assemble.timed(
            backend, usecase, PARAMS, as_of, top / "valid", *made(out), own=own, cache=cache
        )
    return files(out), report


def kept(top: Path) -> PartitionCache:
    return PartitionCache(top / "kept", "code")


def april(rows: Rows) -> Rows:
    """Some events of April."""
    more = rows[::9]
    days = timedelta(days=1)
    return [
        {**r, "number": 10_000 + i, "at": datetime(2025, 4, 1 + i % 5, 8) + i * timedelta(minutes=7), "known_at": datetime(2025, 4, 1 + i % 5, 8) + (2 + i % 3) * days}
        for i, r in enumerate(more)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def rows() -> Rows:
    drawn_rows = drawn(1_500, seed=3)
    return drawn_rows + april(drawn_rows[:300])


@pytest.fixture
def summed(monkeypatch: pytest.MonkeyPatch) -> list[date]:
    """The months whose tiles are computed."""
    months: list[date] = []
    add = past._add

    def seen(own: Past, span: MonthSpan, folder: Path) -> None:
        months.extend(span.months)
        add(own, span, folder)

    monkeypatch.setattr(past, "_add", seen)
    return months


@pytest.mark.parametrize("case", [OWN, "hourly, lagged, of all"])
def test_one_month_more_is_written_as_a_clean_room_does(
    tmp_path: Path, rows: Rows, case: str, summed: list[date]
) -> None:
    late = corrected(rows) if case == OWN else rows
    lay_out(tmp_path / "valid", rows, late, BEFORE)
    first, more, again = (kept(tmp_path) for _ in range(3))
    run(tmp_path, case, BEFORE, first)
    lay_out(tmp_path / "valid", rows, late, AFTER)
    clean = run(tmp_path, case, AFTER, None)
    summed.clear()
    assert run(tmp_path, case, AFTER, more) == clean
    assert set(summed) == {date(2025, 4, 1)}
    assert not first.hits
    if case == OWN:
        return
    for path in sorted((tmp_path / "kept").rglob("*.parquet"))[::7]:
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert run(tmp_path, case, AFTER, again) == clean
    assert again.misses


def test_a_late_label_of_an_old_month_is_seen(tmp_path: Path, rows: Rows) -> None:
    late = corrected(rows)
    lay_out(tmp_path / "valid", rows, late, AFTER)
    run(tmp_path, OWN, AFTER, kept(tmp_path))
    old = [r for r in rows if r["at"].month == 2]
    turned = [*late, *({**r, "known_at": LATE, "bad": 1 - r["bad"]} for r in old)]
    lay_out(tmp_path / "valid", rows, turned, AFTER)
    cache = kept(tmp_path)
    assert run(tmp_path, OWN, AFTER, cache) == run(tmp_path, OWN, AFTER, None)
    assert cache.hits
    assert cache.misses


def test_months_whose_files_hold_others_are_not_kept(tmp_path: Path, rows: Rows) -> None:
    valid = lay_out(tmp_path / "valid", rows[:50], rows[:50], AFTER)
    with ibis_session.connection(threads=1) as backend:
        assert month_inputs.of(backend.con, SMALL, valid, kept(tmp_path))
        (valid / "events-2025-01.parquet").rename(valid / "events-2024-12.parquet")
        assert month_inputs.of(backend.con, SMALL, valid, kept(tmp_path)) is None
        assert month_inputs.of(backend.con, SMALL, valid, PartitionCache(None)) is None


MONTHS = [date(2025, m, 1) for m in range(1, 7)]
EVENTS = {month: f"events of {month}" for month in MONTHS}
OUTCOMES = {m: {m + timedelta(days=days): [f"known of {m}"] for days in (7, 33)} for m in MONTHS}


def keys(
    events: dict[date, str] | None = None,
    outcomes: dict[date, dict[date, list[str]]] | None = None,
    definitions: str = "one",
    as_of: date = date(2025, 6, 20),
) -> MonthKeys:
    inputs = MonthInputs(events or EVENTS, outcomes or OUTCOMES)
    reach = (timedelta(days=3), timedelta(days=40))
    return month_keys.of(
        PartitionCache(None), inputs, definitions, as_of, MONTHS, reach, derived=True
    )


def moved(other: MonthKeys, kind: str) -> list[int]:
    """The months whose keys are others."""
    own = getattr(keys(), kind)
    return [m.month for m in MONTHS if own[m] != getattr(other, kind)[m]]


def test_a_definition_moves_all_keys() -> None:
    for kind in ("leading", "derived", "tiles", "snapshots", "until"):
        assert moved(keys(definitions="two"), kind) == [1, 2, 3, 4, 5, 6]


def test_an_event_moves_the_months_that_look_back_to_it() -> None:
    other = keys(events={**EVENTS, MONTHS[1]: "others"})
    assert moved(other, "leading") == [2, 3]  # in March its outcomes become known
    assert moved(other, "derived") == [2, 3, 4]  # whose windows reach three days back
    assert moved(other, "tiles") == [2, 3, 4, 5]
    assert moved(other, "snapshots") == [2, 3, 4, 5, 6]
    assert moved(other, "until") == [2, 3, 4, 5, 6]


def test_a_late_outcome_moves_the_month_in_which_it_became_known() -> None:
    late = {**OUTCOMES[MONTHS[0]], date(2025, 5, 9): ["late"]}
    other = keys(outcomes={**OUTCOMES, MONTHS[0]: late})
    assert moved(other, "tiles")[0] == 5
    assert other.inputs.known(MONTHS[0], date(2025, 5, 9)) == keys().inputs.known(
        MONTHS[0], date(2025, 5, 9)
    )
    assert other.inputs.known(MONTHS[0], date(2025, 5, 10)) != keys().inputs.known(
        MONTHS[0], date(2025, 5, 10)
    )


def test_a_later_as_of_moves_its_own_month_alone() -> None:
    other = keys(as_of=date(2025, 7, 1))
    assert {kind: moved(other, kind) for kind in ("derived", "tiles", "snapshots")} == {
        "derived": [6],
        "tiles": [6],
        "snapshots": [6],
    }
