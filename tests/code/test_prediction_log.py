"""The prediction log: rows come back as they were, in one gapless order, by one writer, from every day's file."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from plumbline.serve.log import claims, log_writer, rows
from plumbline.serve.log.key_filter import KeyFilter
from plumbline.serve.log.prediction_log import PredictionLog
from plumbline.serve.log.reader import LogReader
from plumbline.serve.protocols import Claim, LogError
from tests.logged import DAY, NOON, micros, outcome, row
from tests.small import SMALL

MIDNIGHT = NOON + DAY // 2


@contextmanager
def opened(folder, **settings) -> Iterator[PredictionLog]:
    log = PredictionLog(folder, SMALL, **settings)
    try:
        yield log
    finally:
        log.close()


def sequences(folder, **bounds) -> list[int]:
    return [one.sequence for one in LogReader(folder).rows(**bounds)]


@pytest.mark.capability("K12", "C11", "C29")
def test_rows_come_back_as_they_were(tmp_path):
    wanted = [
        row(1, alarm=True, decision="review", flags=("late", "unknown"), score=(0.1, 0.9)),
        outcome(2, 1),
        row(3, mode="shadow", arm="challenger", alarm=None, aggregates=(), derived=()),
        row(4, -(2**63)),
        outcome(5, "no such key", matched=False),
    ]
    with opened(tmp_path) as log:
        assert [log.next_sequence() for _ in wanted] == [1, 2, 3, 4, 5]
        log.append(wanted)
    assert list(LogReader(tmp_path).rows()) == wanted
    assert str(next(LogReader(tmp_path).day(date(2025, 3, 10))).aggregates[2]) == "-0.0"


def test_a_nan_keeps_its_bits(tmp_path):
    with opened(tmp_path) as log:
        log.append([row(1, computed=(float("nan"), 1.0))])
    (one,) = LogReader(tmp_path).rows()
    assert np.isnan(one.computed[0])
    assert one.computed[1] == 1.0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"micros": np.int64(3)}, "numpy.int64"),
        ({"key": 2**63}, "64 bits"),
        ({"request_id": "\ud800"}, "surrogates"),
        ({"event": {"at": object()}}, "type object"),
        ({"raw": (np.float32(0.5),)}, "float32"),
    ],
)
def test_a_row_that_cannot_be_written_takes_nothing(tmp_path, values, message):
    bad = replace(row(2), **values)
    with opened(tmp_path) as log:
        with pytest.raises(LogError, match=message):
            log.append([row(1), bad])
        log.append([row(1)])
    assert sequences(tmp_path) == [1]


def test_the_sequence_has_no_gap(tmp_path):
    with opened(tmp_path) as log:
        assert log.ready()
        log.next_sequence()  # of a request that fails
        assert log.ready()
        assert log.next_sequence() == 1
        with pytest.raises(LogError, match="row 2 does not follow on row 0"):
            log.append([row(2)])
        log.append([row(1), row(2)])
        assert log.next_sequence() == 3


def test_the_sequence_goes_on_after_a_restart_over_days(tmp_path):
    for first in (1, 3):
        with opened(tmp_path) as log:
            assert log.next_sequence() == first
            log.append([row(first, received=MIDNIGHT - 1), outcome(first + 1, 1, MIDNIGHT)])
    assert sequences(tmp_path) == [1, 2, 3, 4]
    assert sequences(tmp_path, after=1, until=3) == [2, 3]
    days = [[r.sequence for r in LogReader(tmp_path).day(date(2025, 3, d))] for d in (10, 11, 12)]
    assert days == [[1, 3], [2, 4], []]


def test_a_log_whose_newest_file_is_gone_is_not_numbered_anew(tmp_path):
    with opened(tmp_path) as log:
        log.append([row(1), outcome(2, 1), row(3, received=MIDNIGHT)])
    newest = tmp_path / "2025-03-11.sqlite"
    newest.rename(tmp_path / "moved")
    with pytest.raises(LogError, match="expected a log up to row 3, found 2: its newest files"):
        PredictionLog(tmp_path, SMALL)
    (tmp_path / "moved").rename(newest)
    (tmp_path / "2025-03-10.sqlite").rename(tmp_path / "archived")  # an old day may go
    with opened(tmp_path) as log:
        assert log.next_sequence() == 4
        assert not log.has_outcome(1, b"o" * 16)


def test_a_clock_set_back_at_midnight_stays_in_the_new_day(tmp_path):
    with opened(tmp_path) as log:
        log.append([row(1, received=MIDNIGHT), row(2, received=MIDNIGHT - 1)])
        log.append([row(3, received=MIDNIGHT - DAY)])
    assert LogReader(tmp_path).days() == [date(2025, 3, 10), date(2025, 3, 11)]
    assert sequences(tmp_path) == [1, 2, 3]


def test_finds_what_was_answered(tmp_path):
    at = micros(row(1).event["at"])
    with opened(tmp_path) as log:
        assert log.find(1, at) is None
        log.append([row(1), row(2, mode="shadow"), row(3, "1")])
        found = Claim(row(1).digest, b"answer 1")
        assert log.find(1, at) == found  # in memory
        assert log.flush()
        assert (log.find(1, at), log.find(1, None)) == (found, found)  # by the index
        assert log.find(2, at) is None
        assert log.find("1", at) == Claim(b"d" * 16, b"answer 1")
    with opened(tmp_path) as log:
        assert log.find(1, at) == found
        assert log.find(1, at + 2 * DAY) is None  # its file is of an earlier day
        log.append([row(n, received=NOON + (n - 3) * DAY) for n in range(4, 10)])
        assert log.flush()
        assert all(log.find(n, at) for n in (1, *range(4, 10)))
        assert log.find(2, at) is None


def test_a_filter_forgets_no_key():
    keys = [*range(-500, 500), *map(str, range(500))]
    filtered = KeyFilter(keys)
    assert all(filtered.may_hold(key) for key in keys)
    assert sum(filtered.may_hold(key) for key in range(1000, 3000)) < 20


def test_knows_an_outcome_that_came_before(tmp_path):
    with opened(tmp_path) as log:
        log.append([outcome(1, 7)])
        assert log.has_outcome(7, b"o" * 16)
        assert log.flush()
        assert log.has_outcome(7, b"o" * 16)
        assert not log.has_outcome(7, b"p" * 16)
        assert not log.has_outcome(8, b"o" * 16)


def test_a_new_outcome_reads_no_file_however_many_days_there_are(tmp_path, monkeypatch):
    from plumbline.serve.log import claims

    monkeypatch.setattr(claims, "OPEN", 2)
    with opened(tmp_path) as log:
        log.append([outcome(n, n, received=NOON + n * DAY) for n in range(1, 6)])
        assert log.flush()
    with opened(tmp_path) as log:
        monkeypatch.setattr(claims.CommittedClaims, "_connection", lambda *_: pytest.fail("read"))
        assert not log.has_outcome("another", b"o" * 16)
        log.append([outcome(6, "later", received=NOON + 7 * DAY)])
        assert log.flush()
        monkeypatch.undo()
        assert all(log.has_outcome(n, b"o" * 16) for n in (*range(1, 6), "later"))


def test_one_log_has_one_writer(tmp_path):
    with opened(tmp_path), pytest.raises(LogError, match=r"process \d+ writes this log"):
        PredictionLog(tmp_path, SMALL)
    with opened(tmp_path) as log:
        log.append([row(1)])


def test_processes_that_share_a_sequence_have_files_of_their_own(tmp_path):
    with opened(tmp_path, writer="a") as a, opened(tmp_path, writer="b") as b:
        a.append([row(1), row(4)])
        b.append([row(2), row(3)])
        with pytest.raises(LogError, match="row 4 does not follow on row 4"):
            a.append([row(4)])
        b.append([row(7, received=MIDNIGHT)])
    assert sequences(tmp_path) == [1, 2, 3, 4, 7]


def test_a_reader_sees_what_is_written_meanwhile(tmp_path):
    with opened(tmp_path) as log:
        for first in range(1, 400, 40):
            log.append([row(n, received=NOON + n * DAY // 150) for n in range(first, first + 40)])
            seen = sequences(tmp_path)
            assert seen == list(range(1, len(seen) + 1))
        assert log.flush()
        assert len(sequences(tmp_path)) == 400


def test_looks_up_a_key_and_a_request(tmp_path):
    with opened(tmp_path) as log:
        log.append([row(1), row(2, 1, mode="shadow"), row(3), outcome(4, 1, MIDNIGHT)])
    reader = LogReader(tmp_path)
    assert [one.sequence for one in reader.of_key(1)] == [1, 2, 4]
    assert [one.sequence for one in reader.of_request("request-3")] == [3]
    assert reader.of_request("request") == []


@pytest.mark.parametrize(
    "query",
    [
        claims.QUERY,
        claims.OUTCOME,
        f"{rows.SELECT_EVENTS} WHERE e.key = ?",
        f"{rows.SELECT_OUTCOMES} WHERE o.key = ?",
    ],
)
def test_a_key_is_looked_up_by_an_index(tmp_path, query):
    with opened(tmp_path) as log:
        log.append([row(1), outcome(2, 1)])
    with sqlite3.connect(tmp_path / "2025-03-10.sqlite") as connection:
        values = (1, b"") if query.count("?") == 2 else (1,)
        plan = connection.execute(f"EXPLAIN QUERY PLAN {query}", values).fetchall()
    assert not [step for *_, step in plan if step.startswith("SCAN")]


def test_durable_waits_until_the_rows_are_on_disk(tmp_path):
    async def serve(log):
        log.append([row(1)])
        await log.durable()
        return sequences(tmp_path)

    with opened(tmp_path, durable=True) as log:
        assert asyncio.run(serve(log)) == [1]


def test_an_answer_waits_for_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr(log_writer, "GATHER", 60.0)
    with opened(tmp_path) as log:
        log.append([row(1), outcome(2, 1)])
        asyncio.run(asyncio.wait_for(log.durable(), 5.0))
        assert log.status.waiting == 2
        assert not list(tmp_path.glob("*.sqlite"))
        assert sequences(tmp_path) == [1, 2]


def test_a_row_is_in_its_file_soon(tmp_path):
    with opened(tmp_path) as log:
        log.append([row(1)])
        assert log.flush(60.0)
        assert log.status.waiting == 0


def test_a_file_of_another_kind_is_named(tmp_path):
    (tmp_path / "2025-03-10.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(LogError, match="expected a day of a prediction log"):
        PredictionLog(tmp_path, SMALL)
    (tmp_path / "2025-03-10.sqlite").unlink()
    with opened(tmp_path) as log:  # and the lock was let go of
        log.append([row(1)])


@pytest.mark.parametrize("end", ["close", "next day", "killed before"])
def test_a_day_that_is_over_is_whole_in_its_file_alone(tmp_path, end):
    folder, alone = tmp_path / "log", tmp_path / "alone"
    with opened(folder) as log:
        log.append([row(1), row(2)])
        assert log.flush()
        assert log.find(1, None)
        if end == "killed before":
            shutil.copytree(folder, tmp_path / "left")  # with the journal that a kill leaves
            folder = tmp_path / "left"
            PredictionLog(folder, SMALL).close()
        elif end == "next day":
            log.append([row(3, received=MIDNIGHT)])
            assert log.flush()
        else:
            log.close()
        alone.mkdir()
        shutil.copy(folder / "2025-03-10.sqlite", alone)
    assert sequences(alone) == [1, 2]


def test_a_file_says_what_its_rows_are(tmp_path):
    with opened(tmp_path) as log:
        log.append([row(1)])
    with sqlite3.connect(tmp_path / "2025-03-10.sqlite") as connection:
        ((document,),) = connection.execute("SELECT document FROM descriptions")
    assert '"at":"timestamp"' in document
    assert '"xgboost":"' in document
