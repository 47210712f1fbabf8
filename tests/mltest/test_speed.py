"""Monitor 6: training, features, single requests and memory cost what they did, in yardsticks."""

from __future__ import annotations

import pytest

from bench import speed
from plumbline.core import files

pytestmark = pytest.mark.mltest("Monitor 6")
MOST = 2.0
"""Times the committed cost: what another machine's caches may do, and no regression worth the name."""


@pytest.fixture(scope="module")
def found() -> dict[str, float]:
    return speed.measure()


@pytest.mark.parametrize("name", ["training", "batch", "request", "latency", "memory"])
def test_nothing_has_become_dear(found: dict[str, float], name: str) -> None:
    committed = files.read_json(speed.RECORD)
    assert set(found) == set(committed)
    assert found[name] < MOST * committed[name], f"{found[name]:.3g} yardsticks; bench/speed.py"


def test_a_slower_work_costs_more() -> None:
    once = speed.least(lambda: sum(range(100_000)))
    thrice = speed.least(lambda: [sum(range(100_000)) for _ in range(3)])
    assert 2 < thrice / once < 4.5
