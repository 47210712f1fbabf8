"""Tests that take long come first, shared out evenly: no worker is left with one when the others are done.

pytest-xdist gives each worker a part of the list to begin with, all of one length, and whoever has done
its own takes the last tests of another's.
"""

from __future__ import annotations

import os

import pytest

LONG = (
    *("test_workflows", "test_releases", "test_retrain", "test_faults"),
    *("test_history", "test_runs", "test_rollback", "test_killed_stages"),
    *("test_pipeline", "test_parity", "test_monitor", "test_metric_vs_cost"),
    *("test_new_feature", "test_quality", "test_monitor_bench", "test_compare"),
)
"""Modules, the longest first, of half a minute and more."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0"))
    if workers > 1:
        items[:] = shared_out(items, workers)


def shared_out(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """The items in `workers` parts of one length, each with its share of the long modules in front."""
    whole: dict[str, list[pytest.Item]] = {}
    for item in items:
        whole.setdefault(item.path.stem, []).append(item)
    long = [whole.pop(name) for name in LONG if name in whole]
    rest = [item for own in whole.values() for item in own]
    result = []
    for number in range(workers):
        part = [item for own in long[number::workers] for item in own]
        room = max(0, (len(items) - len(result)) // (workers - number) - len(part))
        result += part + rest[:room]
        rest = rest[room:]
    return result + rest
