"""Shadows: after the answer, bounded, counted, and without a way to disturb the service."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from plumbline.serve.routes.shadow import ShadowJob, ShadowQueue


def queue(most: int = 10) -> tuple[ShadowQueue, list[Callable[[], None]]]:
    waiting: list[Callable[[], None]] = []
    return ShadowQueue(waiting.append, most), waiting


def job(found: list[Any], size: int = 4, of: Callable[[Any], Any] = lambda c: c) -> ShadowJob:
    arm: Any = SimpleNamespace(name="s", loaded=SimpleNamespace(compiled=SimpleNamespace(of=of)))
    inputs: Any = SimpleNamespace(of=lambda _: ["answer"] * size)
    return ShadowJob(arm, inputs, size, lambda scored, _: found.append(scored))


def run(waiting: list[Callable[[], None]]) -> int:
    count = 0
    while waiting:
        waiting.pop(0)()
        count += 1
    return count


def test_nothing_is_scored_before_the_loop_is_idle_and_one_job_at_a_time():
    shadows, waiting = queue()
    found: list[Any] = []
    assert all(shadows.offer(job(found)) for _ in range(2))
    assert (found, len(shadows), len(waiting)) == ([], 8, 1)
    assert run(waiting) == 2
    assert [len(f) for f in found] == [4, 4]
    assert (len(shadows), shadows.scored) == (0, {"s": 8})


def test_what_does_not_fit_is_dropped_and_counted():
    shadows, waiting = queue()
    found: list[Any] = []
    assert [shadows.offer(job(found)) for _ in range(4)] == [True, True, False, False]
    run(waiting)
    assert (len(found), shadows.dropped["s"]) == (2, 8)
    assert shadows.offer(job(found))


def test_a_shadow_that_fails_is_counted_and_the_next_goes_on(caplog):
    shadows, waiting = queue()
    found: list[Any] = []

    def broken(_: Any) -> Any:
        raise ZeroDivisionError("planted")

    for one in (job(found, 2, broken), job(found, 2, broken), job(found, 2)):
        shadows.offer(one)
    run(waiting)
    assert (shadows.failed["s"], shadows.scored["s"], len(found)) == (4, 2, 1)
    assert caplog.text.count("planted") == 1


def test_what_waits_at_the_end_is_done():
    shadows, _ = queue()
    found: list[Any] = []
    shadows.offer(job(found))
    shadows.finish()
    assert (len(found), len(shadows)) == (1, 0)
