"""The newest month of a stored history beside the months before: ordinary variation, and a change."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from plumbline.core.declarations import Column, Entity, Snapshot
from plumbline.core.usecase import UseCase
from plumbline.features import partition_drift, written_partitions
from plumbline.features.partition_drift import HistoryDrift, Partition, PartitionShift
from plumbline.review import changes, metadata_diff
from plumbline.review.definition_sections import DefinitionChanges
from tests import reviews

MONTHS = [date(2025, m, 1) for m in range(1, 10)]


def months(values_of, count=8, days=28):
    return [Partition(first, days, values_of(i)) for i, first in enumerate(MONTHS[:count])]


def drawn(seed, middle=0.0, rows=2_000):
    """Values of one month: its own level, as months have, and an entity's spread."""
    random = np.random.default_rng(seed)
    return np.exp(3 + 0.5 * random.normal(0, 1, rows) + 0.03 * random.normal() + middle)


@pytest.mark.capability("K15")
@pytest.mark.parametrize("middle", [0.35, -0.35])
def test_a_month_of_other_values_is_named(middle):
    last = 7
    found = partition_drift.shift("mean_30d", months(lambda i: drawn(i, middle * (i == last))))
    assert found.drifted
    assert found.psi > partition_drift.TIMES * found.usual
    assert (found.mean > found.mean_before) == (middle > 0)
    assert len(found.quantiles) == len(partition_drift.MIDDLES)


@pytest.mark.capability("K15")
def test_ordinary_months_are_none():
    """60 histories of eight months: none, whatever their own level."""
    found = [
        partition_drift.shift("x", months(lambda i, s=s: drawn(100 * s + i))) for s in range(60)
    ]
    assert [f.name for f in found if f.drifted] == []


def test_a_season_that_was_there_before_is_ordinary():
    found = partition_drift.shift("x", months(lambda i: drawn(i, 0.4 * (i % 3 == 1))))
    assert not found.drifted
    assert found.usual > partition_drift.PSI


def test_nulls_that_come_are_named():
    def values(i):
        return np.where(np.arange(2_000) % 20 < (i == 7), np.nan, drawn(i))

    found = partition_drift.shift("x", months(values))
    assert found.drifted
    line = partition_drift.drifted(
        [HistoryDrift(history="who", partition="2025-08", features=[found])]
    )
    assert line == ["who-2025-08: x: null in 5.0%, 0.0% before"]


@pytest.mark.parametrize(
    "values",
    [
        lambda i: np.zeros(100),
        lambda i: np.full(100, np.nan),
        lambda i: np.zeros(0),
        lambda i: np.array([np.inf, 1.0, np.nan]),
    ],
)
def test_months_without_variation_or_values_are_none(values):
    assert not partition_drift.shift("x", months(values)).drifted


def test_a_month_that_lost_all_values_is_named():
    found = partition_drift.shift("x", months(lambda i: np.full(100, 5.0 if i < 7 else np.nan)))
    assert found.drifted
    assert found.null == 1.0


def test_too_few_months_cannot_tell():
    found = partition_drift.shift("x", months(drawn, count=4))
    assert (found.drifted, found.cannot_tell) == (False, "4 whole months, 5 are needed")


def history(days):
    return Snapshot("sum", "who", "sum", days, "sum, pieces", "pieces")


def test_months_that_fill_up_or_have_few_days_are_not_compared():
    made = months(drawn)
    made[-1] = Partition(made[-1].first, 1, made[-1].values)
    usable = partition_drift.filled(history(30), 0, made)
    assert [m.first.month for m in usable] == [2, 3, 4, 5, 6, 7]
    assert [m.first.month for m in partition_drift.filled(history(90), 0, made)] == [5, 6, 7]
    assert partition_drift.filled(history(30), 0, []) == []


CASE = UseCase(
    name="shop",
    title="A shop",
    owner="tests@example.com",
    problem="regression",
    key="number",
    time="at",
    label="late",
    entities=(Entity("who", "who", "a person"),),
    columns=(
        Column("number", "int", "-", "key"),
        Column("at", "timestamp", "UTC", "when"),
        Column("who", "string", "-", "who"),
        Column("pieces", "int", "-", "how many"),
        Column("late", "float", "-", "label", known=False),
    ),
    snapshots=(history(7),),
    features=("sum",),
)


def test_what_was_written_is_read_back_and_said_in_a_comparison(tmp_path: Path) -> None:
    for i, first in enumerate(MONTHS[:8]):
        day = np.repeat(pd.date_range(first, periods=28), 20)
        values = drawn(i, rows=len(day)) * (3 if i == 7 else 1)
        rows = pd.DataFrame({"day": day.date, "who": "a", "sum": values})
        rows.to_parquet(tmp_path / f"who-{first:%Y-%m}.parquet")
    [found] = written_partitions.drift(CASE, tmp_path)
    assert (found.history, found.partition) == ("who", "2025-08")
    assert found.plain() == next(iter(written_partitions.drift(CASE, tmp_path))).plain()
    head = {"features": {"partitions": [found.plain()], "features": []}}
    [line] = metadata_diff.features({}, head).drifted
    assert line.startswith("who-2025-08: sum: PSI ")
    assert metadata_diff.features({}, {"features": {"partitions": [{"odd": 1}]}}).drifted == []
    features = metadata_diff.features({}, head)
    [usecase] = reviews.comparison().usecases.values()
    defined = DefinitionChanges(changes=[], unread=None)
    texts = list(changes.lines(usecase.model_copy(update={"features": features}), defined))
    assert sum(line in text for text in texts) == 1
    assert list(written_partitions.drift(CASE, tmp_path / "none")) == []


def test_of_a_large_month_values_of_all_its_days_are_compared(monkeypatch) -> None:
    values = np.arange(10_000)
    assert written_partitions._some(values).tolist() == values.tolist()
    monkeypatch.setattr(written_partitions, "ROWS", 500)
    some = written_partitions._some(values)
    assert (len(some), some[0], some[-1], some.dtype) == (500, 0, 9_999, np.float64)
    assert set(np.diff(some)) == {20, 21}


def test_a_line_is_no_longer_than_a_name_may_be() -> None:
    one = PartitionShift(name="x" * 300, drifted=True, psi=1.0, usual=0.1)
    made = HistoryDrift(history="who", partition="2025-08", features=[one])
    head = {"features": {"partitions": [made.plain()]}}
    assert len(metadata_diff.features({}, head).drifted[0]) == metadata_diff.LONGEST_DRIFT
