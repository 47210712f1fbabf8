"""Windows of whole days with gaps, and tables split by key."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.core.declarations import Array, Column, Split
from plumbline.core.errors import ContractError, ParamsError, SpecError
from plumbline.core.usecase import UseCase
from plumbline.features import splits
from plumbline.features.params import Features
from tests.examples import examples
from tests.small import SMALL

FIRST, AS_OF = date(2025, 1, 1), date(2025, 3, 1)
PARAMS = Features(warmup_days=5, valid_days=7, test_days=10, current_days=6)


@pytest.mark.capability("B6")
def test_windows_count_back_from_as_of():
    result = splits.windows(SMALL, PARAMS, FIRST, AS_OF)
    assert {name: (str(w.start), str(w.end), w.days) for name, w in result.items()} == {
        "train": ("2025-01-06", "2025-02-02", 27),
        "valid": ("2025-02-04", "2025-02-11", 7),
        "test": ("2025-02-13", "2025-02-23", 10),
        "current": ("2025-02-23", "2025-03-01", 6),
    }


@examples(50, nightly=1_000)
@given(
    st.integers(0, 6), st.integers(0, 9), st.integers(1, 9), st.integers(1, 9), st.integers(6, 9)
)
def test_labels_of_a_window_are_known_at_the_next_ones_start(delay, warmup, valid, test, current):
    params = Features(warmup_days=warmup, valid_days=valid, test_days=test, current_days=current)
    result = splits.windows(replace(SMALL, label_delay=delay), params, FIRST, AS_OF)
    late = timedelta(days=delay)
    assert result["train"].end + late == result["valid"].start
    assert result["valid"].end + late == result["test"].start
    assert result["test"].end == result["current"].start
    assert result["test"].end + late <= result["current"].end == AS_OF
    assert result["train"].start == FIRST + timedelta(days=warmup)
    assert [result[n].days for n in ("valid", "test", "current")] == [valid, test, current]


def test_too_few_days_say_which():
    with pytest.raises(ParamsError, match="train window would run from 2025-01-06 to 2025-01-05"):
        splits.windows(SMALL, PARAMS, FIRST, date(2025, 2, 1))


def test_one_day_of_training_is_the_least():
    assert splits.windows(SMALL, PARAMS, FIRST, date(2025, 2, 3))["train"].days == 1
    with pytest.raises(ParamsError, match="take 32"):
        splits.windows(SMALL, PARAMS, FIRST, date(2025, 2, 2))


@pytest.mark.parametrize("name", ["valid", "test"])
def test_an_empty_window_is_refused(name):
    params = PARAMS.model_copy(update={f"{name}_days": 0})
    with pytest.raises(ParamsError, match=f"the {name} window would run"):
        splits.windows(SMALL, params, FIRST, AS_OF)


def test_current_shorter_than_the_label_delay_is_refused():
    params = PARAMS.model_copy(update={"current_days": 1})
    with pytest.raises(ParamsError, match=r"current_days: got 1, expected at least .* of 2 days"):
        splits.windows(SMALL, params, FIRST, AS_OF)
    assert splits.windows(SMALL, PARAMS.model_copy(update={"current_days": 2}), FIRST, AS_OF)


def test_keys_split_by_share_and_for_good():
    keys = list(range(20_000))
    result = splits.by_key(Features(valid_share=0.1, test_share=0.2, current_share=0.3), keys)
    shares = {n: float(np.mean(result == n)) for n in splits.NAMES}
    assert shares == pytest.approx(
        {"train": 0.4, "valid": 0.1, "test": 0.2, "current": 0.3}, abs=0.01
    )
    assert splits.by_key(Features(), [442, "a", 7]).tolist() == ["test", "train", "current"]
    assert np.array_equal(
        splits.by_key(Features(), keys[::-1])[::-1], splits.by_key(Features(), keys)
    )


def test_shares_leave_something_to_train_on():
    with pytest.raises(ParamsError, match="= 1, expected less than 1"):
        splits.by_key(Features(valid_share=0.5, test_share=0.25, current_share=0.25), [1])


def plain(**split: Any) -> UseCase:
    """A table without time, split as said."""
    return UseCase(
        name="plain",
        title="",
        owner="",
        problem="classification",
        key="id",
        label="sick",
        columns=(
            Column("id", "int", "-", ""),
            Column("patient", "string", "-", "", null=True),
            Column("part", "string", "-", "", known=False),
            Column("part_known", "string", "-", ""),
            Column("sick", "int", "-", "", known=False),
        ),
        features=("id",),
        split=Split(**split),
    )


PARTS = ["train", "test", "valid", "train"]


def rows(size: int = 4_000) -> dict[str, Array]:
    """Rows of 500 patients, one in fifty of them sick."""
    patient = np.array([f"p{i % 500}" if i % 7 else None for i in range(size)], object)
    sick = np.array([float(i % 500 < 10) for i in range(size)])
    part = np.array(PARTS * (size // 4), object)
    return {"id": np.arange(size), "patient": patient, "sick": sick, "part": part}


def test_a_column_gives_each_rows_table_and_test_stands_for_current():
    own = splits.of_rows(plain(column="part"), Features(), rows(8))
    assert {n: v.nonzero()[0].tolist() for n, v in own.items()} == {
        "train": [0, 3, 4, 7],
        "valid": [2, 6],
        "test": [1, 5],
        "current": [1, 5],
    }
    odd = {**rows(8), "part": np.array([*PARTS, *PARTS[:3], "holdout"], object)}
    with pytest.raises(ContractError, match="'part' is 'holdout' in 1 of 8 rows; expected one of"):
        splits.of_rows(plain(column="part"), Features(), odd)


def test_a_group_stays_together_and_rows_without_one_are_alone():
    table = rows()
    own = splits.of_rows(plain(group="patient"), Features(), table)
    for patient in ("p1", "p2", "p77"):
        assert [bool(v[table["patient"] == patient].any()) for v in own.values()].count(True) == 1
    alone = np.array([one is None for one in table["patient"]])
    assert all(v[alone].any() for v in own.values())
    assert sum(v.sum() for v in own.values()) == 4_000


@pytest.mark.parametrize("group", [None, "patient"])
def test_each_class_has_its_share_in_each_table(group):
    table = rows(500)
    own = splits.of_rows(plain(group=group, stratify=True), Features(), table)
    sick = {n: int(table["sick"][v].sum()) for n, v in own.items()}
    assert sick == {"train": 5, "valid": 2, "test": 2, "current": 1}  # 0.5, 0.15, 0.2, 0.15 of ten
    shuffled = {n: v[::-1] for n, v in table.items()}
    again = splits.of_rows(plain(group=group, stratify=True), Features(), shuffled)
    assert all(np.array_equal(again[n][::-1], own[n]) for n in own)


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ({"column": "part", "group": "patient"}, r"gives every row's table; remove group"),
        ({"column": "part_known"}, r"known=True; expected string and known=False"),
        ({"column": "prat"}, r"no column 'prat'; did you mean 'part'"),
        ({"group": "sick"}, r"group 'sick' has known=False"),
    ],
)
def test_a_split_that_cannot_be_is_refused_at_load(split, message):
    with pytest.raises(SpecError, match=message):
        plain(**split)


def test_a_table_with_time_is_split_by_days():
    with pytest.raises(SpecError, match="a table with a time is split by whole days"):
        replace(SMALL, split=Split(group="who_id"))
    with pytest.raises(SpecError, match="stratify needs classes"):
        replace(plain(), problem="regression", split=Split(stratify=True))
