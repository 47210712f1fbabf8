"""Which rows of a log are read over the tiles: those of days that the tiles may lack."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from plumbline.serve.log.prediction_log import PredictionLog
from plumbline.serve.state import log_tail
from tests.logged import DAY, NOON, row
from tests.small import SMALL


def sequences(folder, recent_from, after=0):
    rows = log_tail.rows(folder, recent_from)
    return [one.sequence for one in rows(after)]


def test_days_that_the_tiles_hold_are_not_read(tmp_path):
    log = PredictionLog(tmp_path, SMALL)
    log.append([replace(row(i), received=NOON + i * DAY) for i in range(1, 8)])
    log.close()
    first = date(2025, 3, 10)  # of NOON
    assert sequences(tmp_path, None) == list(range(1, 8))
    assert sequences(tmp_path, first) == list(range(1, 8))
    assert sequences(tmp_path, first.replace(day=16)) == [4, 5, 6, 7]
    assert sequences(tmp_path, first.replace(day=16), after=5) == [6, 7]
    assert sequences(tmp_path, first.replace(day=30)) == []
    assert sequences(tmp_path / "none", first) == []
