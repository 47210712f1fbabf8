"""The live check of a service: what it is held against, and where its findings are written. An edge: files.

`live_check.json` in the service's folder is the last window; `live_checks.jsonl` has a line for each change of its findings.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from plumbline.core import documents, files
from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import FeatureSet
from plumbline.ops.serving import places
from plumbline.serve.live_check import recorded
from plumbline.serve.live_check.check import LiveCheck, LiveFinding, LiveState
from plumbline.serve.live_check.window import Baseline
from plumbline.serve.routes import arms
from plumbline.serve.routes.router import Router

NAME, CHANGES = "live_check", "live_checks.jsonl"
STALE = timedelta(hours=1)
"""Age from which a window says nothing of now: the service ended, or has too few events."""
messages = logging.getLogger("plumbline")


def of(project: Path, usecase: FeatureSet, router: Router, writer: str) -> LiveCheck:
    """The check of a use case that is served; `writer`: the process where there are several."""
    folder = places.folder(project, usecase.name)
    judged = partial(_judged, usecase.name, folder, f".{writer}" if writer else "")
    return LiveCheck(usecase, lambda: router.routes.champion, baseline(router), judged)


def current(project: Path, name: str, now: datetime | None = None) -> list[LiveFinding]:
    """The findings of running services of a use case, of the last hour; [] where there are none, or nothing runs."""
    known: dict[str, LiveFinding] = {}
    since = (now or datetime.now(UTC).replace(tzinfo=None)) - STALE
    for path in sorted(places.folder(project, name).glob(f"{NAME}*.json")):
        try:
            state = documents.read(LiveState, path, "remove it: the service writes it again")
        except PlumblineError as error:
            messages.warning("%s", error)
            continue
        if state.at is not None and state.at >= since:
            known |= {one.check: one for one in state.findings}
    return list(known.values())


def baseline(router: Router) -> Callable[[str], Baseline]:
    """Reads what a bundle of the store was recorded with, as the check compares it."""

    def read(md5: str) -> Baseline:
        loaded = router.load(md5)
        usecase = loaded.scorer.usecase
        events, _ = arms.plain_events(usecase, router.arms.store.golden(md5).events)
        threshold = loaded.scorer.bundle.manifest.threshold
        alarms = threshold.alarms if threshold else None
        return Baseline(md5, recorded.distributions(usecase, events, loaded.scores), alarms)

    return read


def _judged(usecase: str, folder: Path, suffix: str, state: LiveState, changed: bool) -> None:
    text = state.model_dump_json()
    with files.replacing(folder / f"{NAME}{suffix}.json") as beside:
        beside.write_text(text + "\n", encoding="utf-8")
    if changed:
        with (folder / CHANGES).open("a", encoding="utf-8") as lines:
            lines.write(text + "\n")
        found = "; ".join(one.evidence for one in state.findings)
        messages.warning("%s: live check: %s", usecase, found or "what was found is over")
