"""kill -9 while rows are logged: what is lost is what came last, nothing that was durable, and the sequence goes on."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import struct
import time
from contextlib import closing
from pathlib import Path

import pytest

from plumbline.serve.log.prediction_log import PredictionLog
from plumbline.serve.log.reader import LogReader
from tests import forked
from tests.logged import DAY, NOON, row
from tests.small import SMALL

RECORD = struct.Struct("<qd")
"""A row's sequence and when it was acknowledged, by the monotonic clock of the machine."""


async def _serve(folder: Path, durable: bool, pipe: int) -> None:
    log = PredictionLog(folder, SMALL, durable=durable)
    while True:
        first = log.next_sequence()
        log.append([row(n, received=NOON + n * DAY // 100) for n in range(first, first + 3)])
        await log.durable()
        for sequence in range(first, first + 3):
            os.write(pipe, RECORD.pack(sequence, time.monotonic()))
        await asyncio.sleep(0.001)


def killed(folder: Path, durable: bool, after: float) -> tuple[list[tuple[int, float]], float]:
    """Rows acknowledged by a process that was killed meanwhile, and when that was."""
    data, at = forked.killed(lambda pipe: asyncio.run(_serve(folder, durable, pipe)), after)
    return list(RECORD.iter_unpack(data[: len(data) // RECORD.size * RECORD.size])), at


@pytest.mark.parametrize("durable", [False, True])
def test_kill_9_loses_the_last_rows_at_most(tmp_path, durable):
    for turn in range(4):
        acknowledged, at = killed(tmp_path, durable, 0.01 + 0.02 * turn)
        kept = [one.sequence for one in LogReader(tmp_path).rows()]
        assert kept == list(range(1, len(kept) + 1))
        lost = [since for sequence, since in acknowledged if sequence > len(kept)]
        assert not (durable and lost)
        assert all(at - since < 1.0 for since in lost)  # 20 ms where nothing else runs
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
