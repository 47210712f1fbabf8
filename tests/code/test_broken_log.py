"""A prediction log whose disk is full or broken: it refuses or goes on unlogged, loses nothing, and recovers."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from plumbline.serve.log import day_writer, log_writer, schema
from plumbline.serve.log.prediction_log import PredictionLog
from plumbline.serve.log.reader import LogReader
from plumbline.serve.protocols import LogError
from tests.logged import DAY, NOON, row
from tests.small import SMALL


@contextmanager
def full_disk(size: int = 200_000) -> Iterator[None]:
    """No file may grow beyond `size` bytes: writes fail as they do on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def fill(log: PredictionLog, first: int = 1) -> int:
    """Append rows until the log stays broken; how many."""
    for number in range(first, 5000):
        if log.status.broken and not log.flush(0.1):
            return number - first
        log.append([row(number, answer=bytes(2000))])
        time.sleep(0.0005)
    raise AssertionError("the disk was never full")


def wait_until_whole(log: PredictionLog) -> None:
    assert log.flush(60.0)


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(log_writer, "AGAIN", 0.01)


def test_a_full_disk_refuses_and_loses_nothing(tmp_path):
    log = PredictionLog(tmp_path, SMALL)
    with full_disk():
        count = fill(log)
        with pytest.raises(
            LogError, match=r"not written: (disk I/O error|database or disk is full)"
        ):
            log.ready()
        assert log.find(count, None) is not None  # what was answered is known
    wait_until_whole(log)
    assert log.ready()
    log.append([row(log.next_sequence())])
    log.close()
    assert [one.sequence for one in LogReader(tmp_path).rows()] == list(range(1, count + 2))


def test_goes_on_unlogged_where_configured(tmp_path):
    log = PredictionLog(tmp_path, SMALL, on_full="unlogged")
    with full_disk():
        count = fill(log)
        assert [log.ready(), log.ready()] == [False, False]
        assert log.status.unlogged_requests == 2
    wait_until_whole(log)
    assert log.ready()
    assert log.next_sequence() == count + 1
    log.close()


def test_durable_says_that_the_disk_is_full(tmp_path):
    async def served(log):
        for number in range(1, 2000):
            log.append([row(number, answer=bytes(2000))])
            await log.durable()

    log = PredictionLog(tmp_path, SMALL, durable=True)
    with full_disk():
        with pytest.raises(LogError, match="the prediction log is not written"):
            asyncio.run(served(log))
        last = log.last_sequence
    wait_until_whole(log)
    log.close()
    assert [one.sequence for one in LogReader(tmp_path).rows()][-1] == last


def test_closing_a_broken_log_says_what_it_lacks(tmp_path):
    log = PredictionLog(tmp_path, SMALL)
    with full_disk():
        fill(log)
        with pytest.raises(LogError, match=r"lacks its last \d+ rows"):
            log.close()
    kept = len(list(LogReader(tmp_path).rows()))
    log = PredictionLog(tmp_path, SMALL)
    assert log.next_sequence() == kept + 1
    log.close()


def test_a_transaction_that_failed_after_it_was_written_counts_once(tmp_path, monkeypatch):
    write, failed = day_writer.DayWriter.write, []

    def once(file, batch):
        write(file, batch)
        if not failed:
            failed.append(batch)
            raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(day_writer.DayWriter, "write", once)
    log = PredictionLog(tmp_path, SMALL)
    log.append([row(1), row(2)])
    wait_until_whole(log)
    log.append([row(3)])
    log.close()
    assert [one.sequence for one in LogReader(tmp_path).rows()] == [1, 2, 3]


def test_a_new_day_that_cannot_begin_is_written_once_it_can(tmp_path, monkeypatch):
    writable, failed = schema.writable, []

    def once(path):
        if path.name == "2025-03-11.sqlite" and len(failed) < 3:
            failed.append(path)
            raise sqlite3.OperationalError("unable to open database file")
        return writable(path)

    monkeypatch.setattr(schema, "writable", once)
    log = PredictionLog(tmp_path, SMALL)
    log.append([row(1), row(2, received=NOON + DAY), row(3, received=NOON + DAY)])
    wait_until_whole(log)
    log.close()
    assert [one.sequence for one in LogReader(tmp_path).rows()] == [1, 2, 3]
    assert len(failed) == 3


def test_a_disk_that_hangs_refuses_before_memory_is_full(tmp_path, monkeypatch):
    monkeypatch.setattr("plumbline.serve.log.prediction_log.MOST_WAITING", 10)
    log = PredictionLog(tmp_path, SMALL)
    log.append([row(n) for n in range(1, 12)])
    with pytest.raises(LogError, match="11 rows wait for the disk"):
        log.ready()
    wait_until_whole(log)
    assert log.ready()
    log.close()


def test_a_key_that_cannot_be_looked_up_is_not_answered_as_new(tmp_path, monkeypatch):
    log = PredictionLog(tmp_path, SMALL)
    log.append([row(1)])
    wait_until_whole(log)
    (tmp_path / "2025-03-10.sqlite").rename(tmp_path / "moved")
    with pytest.raises(LogError, match="cannot be read: unable to open database file"):
        log.find(1, None)
    log.close()


def test_without_a_look_up_an_event_is_unlogged_where_configured(tmp_path):
    log = PredictionLog(tmp_path, SMALL, on_full="unlogged")
    log.append([row(1)])
    wait_until_whole(log)
    (tmp_path / "2025-03-10.sqlite").rename(tmp_path / "moved")
    assert log.find(1, None) is None
    assert [log.ready(), log.ready()] == [False, True]
    log.close()


def test_nothing_is_taken_after_the_end(tmp_path):
    log = PredictionLog(tmp_path, SMALL, on_full="unlogged")
    log.close()
    log.close()
    with pytest.raises(LogError, match="closed"):
        log.ready()
    with pytest.raises(LogError, match="closed"):
        log.append([row(1)])
