"""The backtest's one table: the model tables' rows with the same features, their gaps filled, labels known."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from plumbline.config import UseCaseParams
from plumbline.core.errors import PlumblineError
from plumbline.features.splits import SplitWindow
from plumbline.studies.backtest import all_events
from tests.code.test_assemble import PARAMS, build
from tests.code.test_batch import many
from tests.small import AS_OF, DELAY, SMALL

GIVEN = UseCaseParams.model_validate(
    {
        "seed": 7,
        "data": {"source": "csv", "as_of": str(AS_OF)},
        "features": PARAMS.model_dump(),
        **{name: {} for name in ("validate", "tune", "train", "evaluate", "monitor")},
    }
)


def test_it_holds_the_stages_rows_and_those_of_the_gaps(tmp_path: Path):
    rows = many()
    _, tables = build(tmp_path, rows)
    result, known = all_events.read(SMALL, GIVEN, tmp_path / "valid")
    assert known.end == AS_OF - timedelta(days=DELAY)
    inside = [r for r in rows if known.start <= r["at"].date() < known.end]
    assert (
        len(result["number"])
        == len(inside)
        > sum(len(tables[n]["number"]) for n in ("train", "valid"))
    )
    assert (np.diff(result["at"].astype(np.int64)) >= 0).all()
    place = {key: i for i, key in enumerate(result["number"].tolist())}
    for name in ("train", "valid", "test"):
        own = [place[key] for key in tables[name]["number"].tolist()]
        for column in (*SMALL.features, SMALL.label):
            assert np.array_equal(result[column][own], tables[name][column]), (name, column)


def test_between_takes_whole_days():
    at = np.array(["2025-01-01T23:59", "2025-01-02T00:00", "2025-01-02T23:59", "2025-01-03T00:00"])
    columns = {"at": at.astype("datetime64[us]"), "x": np.arange(4)}
    one = all_events.between(SMALL, columns, SplitWindow(date(2025, 1, 2), date(2025, 1, 3)))
    assert one["x"].tolist() == [1, 2]


def test_a_label_is_no_origin_s_before_it_was_known():
    at = np.array(["2025-01-01", "2025-01-01", "2025-01-02"], "datetime64[us]")
    columns = {"at": at, "x": np.arange(3)}
    window, day = SplitWindow(date(2025, 1, 1), date(2025, 1, 3)), date(2025, 1, 5)
    assert all_events.known_by(SMALL, columns, window, day)["x"].tolist() == [0, 1, 2]
    known = np.array(["2025-01-04T23:59:59", "2025-01-05", "2025-01-03"], "datetime64[us]")
    one = all_events.known_by(SMALL, {**columns, "known_at": known}, window, day)
    assert one["x"].tolist() == [0, 2]


def test_a_plain_table_has_no_past(tmp_path: Path):
    plain = replace(
        SMALL,
        time=None,
        snapshots=(),
        fresh=(),
        rows=(),
        derived=(),
        label_delay=0,
        features=("cents",),
    )
    with pytest.raises(PlumblineError, match="a table without time has no past to make models in"):
        all_events.read(plain, GIVEN, tmp_path)
