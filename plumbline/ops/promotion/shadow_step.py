"""The challenger as a shadow: it scores what the champion answers, and answers nobody. An edge: service, log."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from plumbline.core.documents import rounded
from plumbline.core.errors import PlumblineError, RefusedError
from plumbline.ops.promotion.promotion_run import PromotionRun
from plumbline.ops.promotion.shadow_evidence import ShadowComparison
from plumbline.ops.serving import places
from plumbline.serve.log import files_read
from plumbline.serve.log.reader import LogReader

ARM = "promotion"
"""The name of the shadow's arm."""


def watch(run: PromotionRun) -> None:
    """Until enough events were compared; RefusedError where a rule says no, PlumblineError where no event comes."""
    _start(run)
    comparison = _comparison(run)
    reader = LogReader(places.log(run.root, run.name))
    last, began = int(run.evidence("shadow")["after"]), time.monotonic()
    quiet = began
    while True:
        state = run.state()
        _refuse_changed(run, state)
        seen = comparison.events
        last = max(last, comparison.add(reader.rows(after=last)))
        failed = _failed(run, state)
        now = time.monotonic()
        quiet = now if comparison.events > seen else quiet
        if reason := next(comparison.problems(run.rules, failed), None):
            _note(run, comparison, failed)
            raise RefusedError(reason)
        if comparison.events >= run.rules.shadow_events and now - began >= run.rules.shadow_seconds:
            break
        if now - quiet >= run.rules.silence:
            _note(run, comparison, failed)
            raise PlumblineError(f"no data: the shadow scored no event for {now - quiet:.0f} s")
        run.wait()
    _note(run, comparison, failed)
    run.change(action="remove", name=ARM)


def _start(run: PromotionRun) -> None:
    """The arm, once; from which row on its scores count is noted before."""
    if "after" not in run.evidence("shadow"):
        extents = files_read.extents(places.log(run.root, run.name))
        counts = run.state()["shadows"].get(ARM, {})
        run.note(
            "shadow",
            after=max((e.last for e in extents), default=0),
            failed_before=counts.get("failed", 0),
        )
    bundle = run.promotion.bundle
    if not any((a.name, a.bundle) == (ARM, bundle) for a in run.routes().shadows):
        _refuse_changed(run, run.state(), started=False)
        run.change(action="add", name=ARM, bundle=bundle, mode="shadow")


def _comparison(run: PromotionRun) -> ShadowComparison:
    own, champion = run.promotion.bundle, run.promotion.before
    scores = run.loaded[own].scores, run.loaded[champion].scores
    return ShadowComparison(own, champion, scores)


def _refuse_changed(run: PromotionRun, state: Mapping[str, Any], *, started: bool = True) -> None:
    """RefusedError where somebody else changed the routes meanwhile."""
    routes = state["routes"]
    there = any(a["name"] == ARM and a["bundle"] == run.promotion.bundle for a in routes["arms"])
    if routes["champions"][0] != run.promotion.before or (started and not there):
        raise RefusedError("the routes were changed by another command")


def _failed(run: PromotionRun, state: Mapping[str, Any]) -> int:
    """Events that the shadow could not score; a service that was started again counts from 0."""
    now = int(state["shadows"].get(ARM, {}).get("failed", 0))
    before = int(run.evidence("shadow").get("failed_before", 0))
    return now - before if now >= before else now


def _note(run: PromotionRun, comparison: ShadowComparison, failed: int) -> None:
    figures = comparison.figures()
    own, champion = figures.alarms
    run.note(
        "shadow", events=figures.events, decided_otherwise=figures.differing, alarms=own,
        champion_alarms=champion, mean_difference=rounded(figures.difference), failed=failed,
    )  # fmt: skip
