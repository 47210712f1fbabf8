"""Checkpoints: restarted anywhere, the state is the fold of the log; what cannot be used is made again."""

from __future__ import annotations

import logging
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.serve.protocols import LoggedEvent
from plumbline.serve.seed import Seed
from plumbline.serve.state import checkpoint, embedded
from plumbline.serve.state.fold import fold
from plumbline.serve.state.plan import micros
from tests.examples import examples
from tests.small import event
from tests.states import EVENTS, SMALL_HOURS, event_row, outcome_row, rows_of, wanted

NOTHING = Seed(None, None, None, "d", {}, pa.table({}))
NOON = datetime(2025, 3, 20, 12)


class Service:
    """A log in memory, a state with checkpoints in a folder."""

    def __init__(self, folder: Path, log, committed=None) -> None:
        self.log, self.folder = log, folder
        self.state = embedded.reopen_memory(
            SMALL_HOURS, NOTHING, lambda after: log[after:], len(log), folder, 43
        )
        self.checkpoints = embedded.checkpoints(self.state, committed or (lambda: 10**9), folder)

    def add(self, rows) -> None:
        self.log.extend(rows)
        fold(self.state, rows)

    def slice(self) -> None:
        self.checkpoints.slice()
        self.checkpoints._join(None)

    def kill(self) -> None:
        self.checkpoints._file.close()


@pytest.mark.capability("C28", "C30")
@examples(15, nightly=400)
@given(EVENTS, st.randoms(use_true_random=False))
def test_restarted_anywhere_it_is_the_fold_of_the_log(tmp_path_factory, monkeypatch, rows, chance):
    monkeypatch.setattr(checkpoint, "CUMULATIVE_SUMS", 2)
    monkeypatch.setattr(checkpoint, "MOST", 2)
    folder, log, left = tmp_path_factory.mktemp("state"), [], rows_of(rows)
    chance.shuffle(left)
    left = [replace(row, sequence=i) for i, row in enumerate(left, 1)]
    service = Service(folder, log)
    while left:
        size = chance.randint(1, 12)
        service.add(left[:size])
        left = left[size:]
        for _ in range(chance.choice([0, 0, 1, 3, 20])):
            service.slice()
        if chance.random() < 0.5:
            service.kill()
            service = Service(folder, log)
    probe = chance.choice(rows)
    assert service.state.values(probe) == wanted(log, probe)
    service.checkpoints.close()
    again = Service(folder, log)
    assert again.state.values(probe) == wanted(log, probe)
    again.kill()


def days(count: int):
    rows = [event(i, NOON + timedelta(days=i), bad=i % 2) | {"surprise": i} for i in range(count)]
    return rows_of(rows)


def test_a_restart_reads_the_tail_alone(tmp_path: Path):
    service = Service(tmp_path, [])
    service.add(days(20))
    service.checkpoints.close()
    asked = []
    state = embedded.reopen_memory(
        SMALL_HOURS, NOTHING, lambda after: asked.append(after) or [], 40, tmp_path, 43
    )
    assert asked == [40]
    assert (state.watermark, state.newest_time) == (40, micros(NOON + timedelta(days=19)))
    probe = event(99, NOON + timedelta(days=20))
    assert state.values(probe) == wanted(service.log, probe)
    assert state.missing_days(probe) == service.state.missing_days(probe)


def test_it_is_never_ahead_of_the_log(tmp_path: Path):
    on_disk = 3
    service = Service(tmp_path, [], lambda: on_disk)
    service.add(days(3))
    assert service.checkpoints.slice()
    assert service.checkpoints.slice()  # waits for the log, and nothing more is taken
    on_disk = 6
    service.slice()
    service.checkpoints.close()
    assert _about(tmp_path) == {"watermark": 6, "sequence": 6}
    behind = Service(tmp_path, service.log, lambda: 0)
    behind.add([event_row(event(77, NOON) | {"surprise": 0}, 7)])
    behind.checkpoints.close(0.1)
    assert _about(tmp_path)["sequence"] == 6


def _about(folder: Path):
    with closing(sqlite3.connect(folder / embedded.FILE)) as database:
        return dict(database.execute("SELECT * FROM about WHERE name IN ('watermark', 'sequence')"))


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def _noise(path: Path) -> None:
    path.write_bytes(b"no database" * 1000)


def _flip(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "UPDATE cumulative_sums SET sums = zeroblob(length(sums)) WHERE tile_table = 1"
        )


def _other(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE about SET value = 'x' WHERE name = 'identity'")


def _number(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE about SET value = 19 WHERE name = 'watermark'")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (_cut, "it is damaged"),
        (_noise, "it is damaged: file is not a database"),
        (_flip, "it is damaged: a row of cumulative_sums has another checksum"),
        (_other, "it is of other features or other tiles"),
        (_number, "it is damaged: its numbers have another checksum"),
    ],
)
def test_what_cannot_be_used_is_made_again(tmp_path: Path, caplog, damage, reason):
    service = Service(tmp_path, [])
    service.add(days(10))
    service.checkpoints.close()
    damage(tmp_path / embedded.FILE)
    with caplog.at_level(logging.WARNING, "plumbline"):
        again = Service(tmp_path, service.log)
    assert [reason in r.getMessage() for r in caplog.records] == [True]
    probe = event(99, NOON + timedelta(days=9))
    assert again.state.values(probe) == wanted(service.log, probe)
    again.checkpoints.close()
    caplog.clear()
    assert Service(tmp_path, service.log).state.values(probe) == wanted(service.log, probe)
    assert caplog.records == []


def test_one_that_is_ahead_of_the_log_is_made_again(tmp_path: Path, caplog):
    service = Service(tmp_path, [])
    service.add(days(10))
    service.checkpoints.close()
    again = Service(tmp_path, service.log[:15])  # a power cut took the last rows
    assert ["holds row 20 of a log that ends with row 15" in r.getMessage() for r in caplog.records] == [True]  # fmt: skip
    probe = event(99, NOON + timedelta(days=9))
    assert again.state.values(probe) == wanted(service.log[:15], probe)
    again.kill()


@pytest.mark.capability("C28")
def test_no_flipped_byte_changes_a_value(tmp_path: Path):
    service = Service(tmp_path / "made", [])
    service.add(days(10))
    service.checkpoints.close()
    whole, chance = (tmp_path / "made" / embedded.FILE).read_bytes(), Random(1)
    probe = event(99, NOON + timedelta(days=9))
    right = wanted(service.log, probe)
    for i in range(30):
        folder = tmp_path / str(i)
        folder.mkdir()
        damaged = bytearray(whole)
        damaged[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        (folder / embedded.FILE).write_bytes(damaged)
        again = Service(folder, service.log)
        assert again.state.values(probe) == right
        assert again.state.watermark == 20
        again.kill()


def test_a_full_disk_loses_no_row(tmp_path: Path, caplog, monkeypatch):
    service = Service(tmp_path, [])
    service.add(days(5))
    write, full = service.checkpoints._file.write, threading.Event()

    def failing(part):
        if full.is_set():
            raise sqlite3.OperationalError("database or disk is full")
        write(part)

    monkeypatch.setattr(service.checkpoints._file, "write", failing)
    full.set()
    service.slice()
    service.add([event_row(event(77, NOON) | {"surprise": 0}, 11)])
    service.slice()
    assert ["disk is full" in r.getMessage() for r in caplog.records] == [True]
    full.clear()
    service.checkpoints.close()
    assert _about(tmp_path) == {"watermark": 11, "sequence": 11}
    probe = event(99, NOON + timedelta(days=4))
    assert Service(tmp_path, service.log).state.values(probe) == wanted(service.log, probe)


def test_an_outcome_waits_for_its_event_over_a_restart(tmp_path: Path):
    one = event(1, NOON, bad=1) | {"surprise": None}
    service = Service(tmp_path, [])
    service.add([outcome_row(one, 1)])
    service.checkpoints.close()
    again = Service(tmp_path, service.log)
    again.add([event_row(one, 2)])
    probe = event(2, NOON + timedelta(days=3))
    assert again.state.values(probe) == wanted(again.log, probe)
    assert isinstance(again.log[-1], LoggedEvent)
