"""How far head's newest rows are from base's, column by column."""

from __future__ import annotations

import numpy as np

from plumbline.monitor.params import Monitor
from plumbline.review import data_drift
from tests.shop import table, usecase

LIMITS = Monitor()


def test_the_column_that_moved_comes_first() -> None:
    base, head = table(28, seed=1), table(28, seed=2)
    head["size"] = head["size"] + 1.0
    head["spare"] = np.where(np.arange(len(head["spare"])) % 2, head["spare"], np.nan)
    drifts = data_drift.drift_between(usecase(), LIMITS, base, head)
    assert [line.column for line in drifts if line.word == "drift"] == ["size"]
    assert drifts[0].psi > 0.25 > drifts[0].noise
    assert "who" not in [line.column for line in drifts], "an entity's number is no measure"


def test_two_draws_of_one_stream_do_not_drift() -> None:
    drifts = data_drift.drift_between(usecase(), LIMITS, table(28, seed=1), table(28, seed=2))
    assert [line for line in drifts if line.word == "drift"] == []


def test_columns_that_cannot_be_compared_are_left_out() -> None:
    base, head = table(28, seed=1), table(28, seed=2)
    del head["rate"]
    head["size"] = head["size"].astype(str).astype(object)
    plain = {k: v for k, v in base.items() if k != "at"}
    drifts = data_drift.drift_between(usecase(timed=False), LIMITS, plain, head)
    assert {line.column for line in drifts} <= {"colour", "spare"}
