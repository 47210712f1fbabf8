"""Bad challengers: each is committed to main as if it had been accepted, and promoted while payments come.

What share of the entities each was given and for how long, by the routes' journal; what it answered, by the clients.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.planted_bundles import Workshop
from bench.promotions import Commits
from bench.year.project import CASE, Project
from plumbline.ops.serving import places

SHARE, SECONDS = 5, 60.0
"""What a bad model may be given at most, percent of the entities, and for how long."""
RULES = {"gated": False}
"""Of its promotion: the limits are the shipped ones."""
NO_SHADOW = {**RULES, "shadow_events": 0}
"""So that the canary has to see it."""
BAD = (("inverted", RULES), ("ten times the alarms", RULES), ("inverted", NO_SHADOW))
"""Scores upside down; a threshold that ten times as many events reach."""


@dataclass(frozen=True)
class PlantedEnd:
    """How a bad model ended: where and why, its largest share of the entities, its seconds, its answers."""

    kind: str
    shadow: bool
    status: str
    reason: str
    share: int
    seconds: float

    @property
    def wrong(self) -> bool:
        """Whether it came further than it may."""
        return self.status != "failed" or self.share > SHARE or self.seconds > SECONDS

    @property
    def text(self) -> str:
        """In a line."""
        first = "shadow first" if self.shadow else "no shadow"
        given = f"given at most {self.share} % of the entities, for {self.seconds:.0f} s"
        return f"{self.kind}, {first}: {self.status}: {self.reason}; {given}"


def promoted(
    project: Project, coming: Callable[[], AbstractContextManager[None]]
) -> Iterator[PlantedEnd]:
    """Each of `BAD`, one after the other; `coming`: payments go on within the block."""
    folder = project.root.parent / "bad"
    shop = Workshop.of(project.root, CASE)
    before = project.git("rev-parse", "HEAD")
    for number, (kind, rules) in enumerate(BAD):
        project.git("reset", "-q", "--hard", before)
        project.change({"serve.promote": rules})
        project.commit("Promote by the shipped limits")
        own = folder / str(number)
        own.mkdir(parents=True)
        model = shop.make(kind, own / "model")
        commit = Commits(project.root, CASE, own).commit(kind, model)
        yield _promoted(project, commit, kind, bool(rules.get("shadow_events", 1)), coming)


def _promoted(
    project: Project,
    commit: str,
    kind: str,
    shadow: bool,
    coming: Callable[[], AbstractContextManager[None]],
) -> PlantedEnd:
    out = project.root.parent / "bad.json"
    after = project.call({"do": "routes"})["routes"]["version"]
    with coming():
        project.plumbline("promote", CASE, commit, "--json", str(out), codes=(0, 1))
    whole: dict[str, Any] = project.json(str(out))
    given = list(_given(project, whole["bundle"], after))
    at = [when for when, weight in given if weight]
    ended = [when for when, weight in given if at and when >= at[-1] and not weight]
    seconds = ((ended or [datetime.now(at[0].tzinfo)])[0] - at[0]).total_seconds() if at else 0.0
    share = max((weight for _, weight in given), default=0)
    return PlantedEnd(kind, shadow, whole["status"], whole["reason"], share, seconds)


def _given(project: Project, bundle: str, after: int) -> Iterator[tuple[datetime, int]]:
    """When the bundle was given what share of the entities, by the routes' journal."""
    journal = Path(places.folder(project.root, CASE)) / "journal.jsonl"
    for one in map(json.loads, journal.read_text(encoding="utf-8").splitlines()):
        if one["routes"]["version"] > after:
            weights = [a["weight"] for a in one["routes"]["arms"] if a["bundle"] == bundle]
            yield datetime.fromisoformat(one["when"]), sum(weights)
