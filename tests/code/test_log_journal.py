"""The journal of a prediction log: what it has beyond the files is read, replayed at a restart, and forgotten."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import pytest

from plumbline.serve.log import day_summary, journal, journal_format, log_writer
from plumbline.serve.log.prediction_log import PredictionLog
from plumbline.serve.log.reader import LogReader
from plumbline.serve.protocols import LogError
from tests.logged import DAY, NOON, outcome, row
from tests.small import SMALL

AT = 1_741_607_999_999_999
"""Time of the event of a row."""


@pytest.fixture(autouse=True)
def _no_files(monkeypatch):
    monkeypatch.setattr(log_writer, "GATHER", 60.0)


@contextmanager
def opened(folder, **settings) -> Iterator[PredictionLog]:
    log = PredictionLog(folder, SMALL, **settings)
    try:
        yield log
    finally:
        log.close()


def sequences(folder) -> list[int]:
    return [one.sequence for one in LogReader(folder).rows()]


def left(tmp_path, rows, after=()):
    """The folder as a kill leaves it: `rows` in the files of their days, those `after` them in the journal alone."""
    with opened(tmp_path / "log") as log:
        log.append(rows)
        assert log.flush()
        for one in after:
            log.append([one])
        shutil.copytree(tmp_path / "log", tmp_path / "left")
    return tmp_path / "left"


def cut(folder, size: int) -> None:
    """The journal's last rows lose their last bytes, as where a copy was not finished."""
    (newest,) = [one.path for one in journal.segments(folder)][-1:]
    data = newest.read_bytes().rstrip(b"\0")
    newest.write_bytes(data[:-size] + bytes(4096))


def test_rows_that_no_file_has_are_read_at_once(tmp_path):
    with opened(tmp_path) as log:
        log.append([row(1, alarm=True), row(2, mode="shadow")])
        assert log.flush()
        wanted = [row(3), outcome(4, 3), row(5, received=NOON + DAY)]
        log.append(wanted)
        reader = LogReader(tmp_path)
        assert list(reader.rows(after=2)) == wanted
        assert reader.days() == [date(2025, 3, 10), date(2025, 3, 11)]
        assert [one.sequence for one in reader.of_key(3)] == [3, 4]
        assert [one.sequence for one in reader.of_request("request-5")] == [5]
        first, second = day_summary.summaries(tmp_path)
        assert (first.events, first.outcomes, second.events) == (2, 1, 1)
        assert [(arm.mode, arm.events, arm.alarms) for arm in first.arms] == [
            ("live", 2, 1),
            ("shadow", 1, 0),
        ]
    assert sequences(tmp_path) == [1, 2, 3, 4, 5]
    assert journal.segments(tmp_path) == []


def test_a_restart_goes_on_from_the_journal(tmp_path):
    folder = left(tmp_path, [row(1)], [row(2), outcome(3, 2), row(4, received=NOON + DAY)])
    assert sequences(folder) == [1, 2, 3, 4]
    with opened(folder) as log:
        assert log.next_sequence() == 5
        assert log.find(2, AT).answer == b"answer 2"
        assert log.has_outcome(2, b"o" * 16)
        log.append([row(5, received=NOON + DAY)])
        assert sequences(folder) == [1, 2, 3, 4, 5]
    assert sequences(folder) == [1, 2, 3, 4, 5]
    assert journal.segments(folder) == []


@pytest.mark.parametrize("size", [1, 40, 300])
def test_a_torn_record_is_left_out(tmp_path, size):
    folder = left(tmp_path, [row(1)], [row(2), row(3)])
    cut(folder, size)
    assert sequences(folder) == [1, 2]
    with opened(folder) as log:
        log.append([row(3)])
    assert sequences(folder) == [1, 2, 3]


def test_of_a_request_all_rows_are_read_or_none(tmp_path):
    with opened(tmp_path / "log") as log:
        log.append([row(1)])
        log.append([row(2), row(3)])
        shutil.copytree(tmp_path / "log", tmp_path / "left")
    cut(tmp_path / "left", 2)
    assert sequences(tmp_path / "left") == [1]


def test_rows_behind_a_gap_are_left_out_and_counted(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(journal, "SEGMENT", 1)
    folder = left(tmp_path, [row(1)], [row(2), row(3), row(4)])
    journal.segments(folder)[2].path.unlink()
    assert sequences(folder) == [1, 2]
    with opened(folder) as log:
        assert log.next_sequence() == 3
    assert "row 3 is not in the journal" in caplog.text
    assert "the 1 rows after it" in caplog.text


def test_a_journal_whose_files_are_gone_is_not_numbered_anew(tmp_path):
    folder = left(tmp_path, [row(1), row(2)], [row(3)])
    (folder / "2025-03-10.sqlite").unlink()
    for one in folder.glob("*-wal"):
        one.unlink()
    data = journal_format.beginning("{}") + journal_format.Recorder().record([(20157, [row(3)])])
    journal.segments(folder)[0].path.write_bytes(data)
    with pytest.raises(LogError, match="expected a log up to row 2, found 0"):
        PredictionLog(folder, SMALL)


def test_a_segment_goes_once_its_rows_are_in_their_files(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "SEGMENT", 8192)
    with opened(tmp_path) as log:
        log.append([row(n, answer=bytes(3000)) for n in range(1, 9)])  # more than a segment
        for number in range(9, 20):
            log.append([row(number, answer=bytes(3000))])
        assert len(journal.segments(tmp_path)) > 3
        assert sequences(tmp_path) == list(range(1, 20))
        assert log.flush()
        assert len(journal.segments(tmp_path)) == 1
    assert sequences(tmp_path) == list(range(1, 20))


@pytest.mark.parametrize("on_full", ["refuse", "unlogged"])
def test_a_journal_without_room_refuses_what_it_could_not_take(tmp_path, monkeypatch, on_full):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    async def answered(log):
        await log.durable()
        return True

    with opened(tmp_path, on_full=on_full) as log:
        monkeypatch.setattr(os, "posix_fallocate", full)
        monkeypatch.setattr(log_writer.DayWriter, "opened", full)
        monkeypatch.setattr(log_writer, "AGAIN", 0.01)
        log.append([row(1)])
        if on_full == "refuse":
            with pytest.raises(LogError, match=r"not written: .*No space left"):
                asyncio.run(answered(log))
            with pytest.raises(LogError, match="No space left"):
                log.ready()
        else:
            assert asyncio.run(answered(log))
            assert not log.ready()
        assert sequences(tmp_path) == []
        monkeypatch.undo()
        assert log.flush()
        assert log.ready()
        assert log.find(1, AT).answer == b"answer 1"
        log.append([row(2)])
        assert asyncio.run(answered(log))
    assert sequences(tmp_path) == [1, 2]


def test_a_disk_that_fails_to_sync_answers_from_the_files(tmp_path, monkeypatch):
    def broken(_):
        raise OSError(errno.EIO, "Input/output error")

    async def answered(log, number):
        log.append([row(number)])
        await log.durable()

    with opened(tmp_path, durable=True) as log:
        asyncio.run(answered(log, 1))
        with monkeypatch.context() as failing:
            failing.setattr(os, "fdatasync", broken)
            with pytest.raises(LogError, match="not written"):
                asyncio.run(answered(log, 2))
            assert log.flush()
        asyncio.run(answered(log, 3))
    assert sequences(tmp_path) == [1, 2, 3]


def test_a_journal_of_another_format_is_named(tmp_path, monkeypatch):
    path = tmp_path / f"journal.{1:019}"
    monkeypatch.setattr(journal_format, "FORMAT", 2)
    path.write_bytes(journal_format.beginning("{}"))
    monkeypatch.undo()
    with pytest.raises(LogError, match=rf"{path.name}: .*expected format 1, found 2"):
        PredictionLog(tmp_path, SMALL)


def test_writers_that_share_a_sequence_have_journals_of_their_own(tmp_path):
    with opened(tmp_path, writer="a") as a, opened(tmp_path, writer="b") as b:
        a.append([row(1), row(4)])
        b.append([row(2), row(3), row(7)])
        assert sequences(tmp_path) == [1, 2, 3, 4, 7]
        assert a.flush()
        assert sequences(tmp_path) == [1, 2, 3, 4, 7]
