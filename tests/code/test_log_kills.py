"""kill -9 while rows are logged: nothing that was acknowledged is lost, and the sequence goes on."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import struct
from contextlib import closing
from pathlib import Path

import pytest

from plumbline.serve.log.prediction_log import PredictionLog
from plumbline.serve.log.reader import LogReader
from tests import forked
from tests.logged import DAY, NOON, row
from tests.small import SMALL

RECORD = struct.Struct("<q")
"""The sequence of a row that was acknowledged."""


async def _serve(folder: Path, durable: bool, pipe: int) -> None:
    log = PredictionLog(folder, SMALL, durable=durable)
    while True:
        first = log.next_sequence()
        log.append([row(n, received=NOON + n * DAY // 100) for n in range(first, first + 3)])
        await log.durable()
        for sequence in range(first, first + 3):
            os.write(pipe, RECORD.pack(sequence))
        await asyncio.sleep(0.001)


def killed(folder: Path, durable: bool, after: float) -> list[int]:
    """Rows acknowledged by a process that was killed meanwhile."""
    data, _ = forked.killed(lambda pipe: asyncio.run(_serve(folder, durable, pipe)), after)
    return [n for (n,) in RECORD.iter_unpack(data[: len(data) // RECORD.size * RECORD.size])]


@pytest.mark.parametrize("durable", [False, True])
def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path, durable):
    for turn in range(4):
        acknowledged = killed(tmp_path, durable, 0.01 + 0.02 * turn)
        kept = [one.sequence for one in LogReader(tmp_path).rows()]
        assert kept == list(range(1, len(kept) + 1))
        assert all(sequence <= len(kept) for sequence in acknowledged)
        log = PredictionLog(tmp_path, SMALL)
        assert log.next_sequence() == len(kept) + 1
        log.close()


def test_a_file_that_was_begun_when_its_writer_was_killed(tmp_path):
    """Its journal is hot: a reader that may not write cannot open it."""
    with closing(sqlite3.connect(tmp_path / "begun", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO t VALUES (?)", [("x" * 3000,)] * 100)
        for suffix in ("", "-journal"):
            copy = tmp_path / "log" / f"2025-03-10.sqlite{suffix}"
            copy.parent.mkdir(exist_ok=True)
            shutil.copy(tmp_path / f"begun{suffix}", copy)
    assert list(LogReader(tmp_path / "log").rows()) == []
    log = PredictionLog(tmp_path / "log", SMALL)
    log.append([row(1)])
    log.close()
    assert [one.sequence for one in LogReader(tmp_path / "log").rows()] == [1]
