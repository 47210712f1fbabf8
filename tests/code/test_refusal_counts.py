"""Refused events are counted in the log by hour, column and problem: each once, whatever a client thinks of."""

from __future__ import annotations

import json
import sqlite3
from datetime import date, datetime

import pytest

from plumbline.serve.log import day_writer, files_read, log_writer, refusal_counts
from plumbline.serve.log.prediction_log import PredictionLog
from plumbline.serve.log.refusal_counts import HOUR
from plumbline.serve.online.refusals import EventRefused, Problem
from plumbline.serve.requests import refused_events
from plumbline.serve.sealed import refused_counts
from tests import serviced
from tests.logged import DAY, NOON, row
from tests.serviced import answers, body, parcel
from tests.small import SMALL


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return serviced.made(tmp_path_factory.mktemp("service"))


def of(folder, day):
    return [(one.column, one.problem, count) for one, count in files_read.refusals(folder, day)]


def test_each_refused_event_counts_once_by_its_first_fault(base, tmp_path):
    with serviced.serving(base, tmp_path / "s", max_age=9) as service:
        answers(service, parcel(1, 5.0))
        bodies = [
            body(parcel(2, 5.0, height=None)),
            body(parcel(3, 5.0, kind="ball", height="x"), parcel(4, 5.0)),
            body(parcel(6, 5.0, **{f"field_{n}": n for n in range(9)})),
            body(parcel(1, 5.0, height=77)),
            b"no json",
            body(parcel(7, -30.0)),
            body(parcel(8, -31.0)),
        ]
        refused = [service.score(one, "r") for one in bodies]
        assert {one.status for one in refused} == {400, 409, 422}
        log = service.parts.log
    found = of(tmp_path / "s" / "log", date(2025, 3, 6))
    assert sum(count for *_, count in found) == 7
    by_column = {}
    for column, _, count in found:
        by_column[column] = by_column.get(column, 0) + count
    assert by_column == {"height": 2, "": 2, "number": 1, "at": 2}
    assert ("", "no such field", 1) in found
    (late,) = [problem for column, problem, _ in found if column == "at"]
    assert late == "at most 7 days before the service's clock"
    assert log.status.appended == 1


def test_every_event_at_fault_counts():
    faults = [Problem(n // 2, name, "x", "y") for n, name in enumerate("abacbb")]
    found = refused_events.counted(EventRefused(faults), {"a", "b", "c"}, NOON + 7)
    assert found == [(NOON, "a", "y"), (NOON, "a", "y"), (NOON, "b", "y")]


def test_counts_add_up_over_hours_writers_and_restarts(tmp_path):
    for name in ("a", "b", "a"):
        log = PredictionLog(tmp_path, SMALL, writer=name)
        log.refuse([refusal_counts.of(NOON + 5, "x", "a number")] * 3)
        log.refuse([refusal_counts.of(NOON + HOUR, "x", "a number")])
        log.refuse([refusal_counts.of(NOON + DAY, "", "JSON")])
        log.close()
    hours = [(one.hour, count) for one, count in files_read.refusals(tmp_path, date(2025, 3, 10))]
    assert hours == [(NOON, 9), (NOON + HOUR, 3)]
    assert of(tmp_path, date(2025, 3, 11)) == [("", "JSON", 3)]
    first, _ = refused_counts.of_day(tmp_path, date(2025, 3, 10))
    assert first == {
        "hour": datetime(2025, 3, 10, 12),
        "column": "x",
        "problem": "a number",
        "count": 9,
    }


def test_a_broken_file_keeps_them_for_later(tmp_path, monkeypatch):
    def broken(*_):
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(log_writer, "AGAIN", 0.01)
    log = PredictionLog(tmp_path, SMALL)
    with monkeypatch.context() as failing:
        failing.setattr(day_writer.DayWriter, "refuse", broken)
        log.refuse([refusal_counts.of(NOON, "x", "a number")])
        log.append([row(1)])
        assert not log.flush(0.2)
    assert log.flush(60.0)
    log.close()
    assert of(tmp_path, date(2025, 3, 10)) == [("x", "a number", 1)]


def test_a_file_from_before_has_none(tmp_path):
    log = PredictionLog(tmp_path, SMALL)
    log.append([row(1)])
    log.close()
    assert json.dumps(of(tmp_path, date(2025, 3, 10))) == "[]"
