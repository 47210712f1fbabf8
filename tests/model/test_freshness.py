"""Features of an age: those of an earlier moment, the event's own left alone; what the model then loses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from plumbline.core.declarations import Array, Columns
from plumbline.core.errors import PlumblineError
from plumbline.studies.freshness import aged_features
from plumbline.studies.freshness.aged_features import EventHistory
from tests import small
from tests.code.test_all_events import GIVEN
from tests.code.test_assemble import build
from tests.code.test_batch import many
from tests.small import SMALL

ROWS = many(600)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Columns]]:
    """The folder of valid events, and the model tables that the stage writes."""
    folder = tmp_path_factory.mktemp("aged")
    return folder / "valid", build(folder, ROWS)[1]


@pytest.fixture(scope="module")
def history(stage: tuple[Path, dict[str, Columns]]) -> Iterator[EventHistory]:
    with aged_features.opened(SMALL, GIVEN, stage[0]) as opened:
        yield opened


def test_of_no_age_they_are_the_stages_own(
    history: EventHistory, stage: tuple[Path, dict[str, Columns]]
) -> None:
    test, own = stage[1]["test"], aged_features.aged(history, timedelta(0))
    assert list(own) == list(test)
    for name, values in test.items():
        assert np.array_equal(own[name], values, equal_nan=values.dtype.kind == "f"), name


@pytest.mark.capability("C22")
@pytest.mark.parametrize(
    "age", [timedelta(minutes=90), timedelta(days=1), timedelta(days=3, hours=5)]
)
def test_an_event_sees_what_one_so_much_earlier_would_have_seen(
    history: EventHistory, age: timedelta
) -> None:
    full = [{**row, **small._derived(ROWS, row)} for row in ROWS]
    by_key = {row["number"]: row for row in full}
    columns = aged_features.aged(history, age)
    for place, key in enumerate(columns["number"].tolist()):
        one = by_key[key]
        expected = small._read(full, {**one, "at": one["at"] - age}, SMALL.aggregates)
        actual = {name: columns[name][place] for name in expected}
        assert actual == expected, key
        assert columns["at"][place] == np.datetime64(one["at"], "us")
        assert columns["per_place"][place] == one["cents"] + actual["place_sum_3d"]


def test_ages_are_those_of_the_newest_earlier_event(history: EventHistory) -> None:
    result = aged_features.ages(history)
    at = {row["number"]: row for row in ROWS}
    for place, key in enumerate(result["number"].tolist()):
        one = at[key]
        before = [
            row["at"] for row in ROWS if row["who_id"] == one["who_id"] and row["at"] < one["at"]
        ]
        hours = (one["at"] - max(before)).total_seconds() / 3600 if before else np.nan
        assert result["who_history_age"][place] == pytest.approx(hours, nan_ok=True)


def test_without_histories_nothing_is_old(tmp_path: Path) -> None:
    bare = {"snapshots": (), "fresh": (), "rows": (), "derived": (), "features": ("cents",)}
    with (
        pytest.raises(PlumblineError, match="no feature is made from histories"),
        aged_features.opened(replace(SMALL, **bare), GIVEN, tmp_path),
    ):
        pass


def test_rows_that_one_age_leaves_out_are_left_out_of_all() -> None:
    parts: list[dict[str, Array]] = [
        {"key": np.array([3, 1, 2]), "x": np.array([30, 10, 20])},
        {"key": np.array([1, 3]), "x": np.array([11, 31])},
    ]
    first, second = aged_features.common(parts, "key")
    assert first["x"].tolist() == [30, 10]
    assert second["x"].tolist() == [31, 11]
