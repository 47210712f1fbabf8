"""Monitor 6: training, features, single requests and memory cost no more work than they did, counted."""

from __future__ import annotations

import pytest

from bench import speed
from plumbline.core import files

pytestmark = pytest.mark.mltest("Monitor 6")
MOST = 1.5
"""Times the committed work: what another Python may call, and no regression worth the name."""


@pytest.fixture(scope="module")
def measured() -> dict[str, float]:
    return speed.measure()


@pytest.mark.capability("E10")
@pytest.mark.parametrize("name", ["training", "batch", "request", "parcel", "reads", "memory"])
def test_nothing_has_become_dear(measured: dict[str, float], name: str) -> None:
    committed = files.read_json(speed.RECORD)
    assert set(measured) == set(committed)
    assert measured[name] < MOST * committed[name], f"{measured[name]:.3g}; see bench/speed.py"


def test_a_request_reads_as_little_of_a_long_history() -> None:
    """By halving: sixteen times the history is four more steps of some seven to ten."""
    assert speed.reads(8_000) < 2 * speed.reads(500)


def test_a_batch_looks_each_category_up_and_calls_nothing_else_for_a_row() -> None:
    few, many = (speed.batch(rows) for rows in (100, 4_100))
    few(), many()
    assert (speed.calls(many) - speed.calls(few)) / 4_000 <= 2


@pytest.mark.parametrize("make", [speed.batch, speed.training])
def test_time_grows_with_the_rows_and_no_faster(make) -> None:
    """Four times the rows: four times the work; with its square sixteen times."""
    assert speed.growth(make, 10_000, 4) < 8


def test_more_work_counts_for_more() -> None:
    once = speed.calls(lambda: [abs(i) for i in range(1_000)])
    thrice = speed.calls(lambda: [abs(i) for _ in range(3) for i in range(1_000)])
    assert 2.9 < thrice / once < 3.1
    count = speed.Counter()
    seen = speed.watched({"a": (1, 2, 3)}, count)
    assert (seen["a"][1], sum(seen["a"]), count.entries) == (2, 6, 4)
