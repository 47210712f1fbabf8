"""Windows of whole days with gaps, and tables split by key."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.core.errors import ParamsError
from plumbline.features import splits
from plumbline.features.params import Features
from tests.examples import examples
from tests.small import SMALL

FIRST, AS_OF = date(2025, 1, 1), date(2025, 3, 1)
PARAMS = Features(warmup_days=5, valid_days=7, test_days=10, current_days=6)


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
