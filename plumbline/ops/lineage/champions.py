"""Which bundle was champion when, and why: values in, values and lines out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise

KINDS = ("commit", "release", "rollback")
"""A commit of the branch with another bundle; a model's tag; a rollback. In this order within a second."""
COMMIT = KINDS[0]
SHORT = 9


@dataclass(frozen=True)
class ChampionEvent:
    """What made a bundle (`md5`) the champion: `when` in ISO 8601; `until`: when another took its place.

    `md5` is None where the use case ended: it was removed or renamed.
    """

    usecase: str
    when: str
    kind: str
    md5: str | None
    commit: str
    why: str
    version: str | None = None
    until: str | None = None

    @property
    def time(self) -> datetime:
        """`when` in UTC."""
        return datetime.fromisoformat(self.when).astimezone(UTC)


def timeline(events: Iterable[ChampionEvent]) -> list[ChampionEvent]:
    """By use case in order, each with the moment at which another bundle took over; None: never.

    Commits are in the branch's order, as they come in `events`: clocks may be wrong. Releases and
    rollbacks stand among them where the fewest dates disagree. An event that names the bundle in place,
    such as the release of a merged commit, stands beside it.
    """
    listed = list(events)
    ordered: list[ChampionEvent] = []
    for usecase in sorted({event.usecase for event in listed}):
        ordered += _ordered([event for event in listed if event.usecase == usecase])
    return [
        replace(event, until=_until(event, ordered[i + 1 :])) for i, event in enumerate(ordered)
    ]


def misdated(events: Iterable[ChampionEvent]) -> list[ChampionEvent]:
    """The commits of a timeline that are dated before the one that they follow."""
    commits = [event for event in events if event.kind == COMMIT]
    return [
        new for old, new in pairwise(commits) if old.usecase == new.usecase and new.time < old.time
    ]


def table(events: Sequence[ChampionEvent]) -> Iterator[str]:
    """The events in columns, times in UTC; `-` until now."""
    head = ("use case", "from", "until", "bundle", "version", "commit", "why")
    cells = [
        (
            e.usecase, _stamp(e.when), _stamp(e.until) if e.until else "-", (e.md5 or "-")[:SHORT],
            e.version or "-", e.commit[:SHORT], f"{e.kind}: {e.why}",
        )
        for e in events
    ]  # fmt: skip
    widths = [max(len(row[i]) for row in (head, *cells)) for i in range(len(head))]
    for row in (head, *cells):
        yield "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()


def _ordered(events: Sequence[ChampionEvent]) -> Iterator[ChampionEvent]:
    """One use case's events: its commits as they are, each other one before the commit that it precedes."""
    commits = [event for event in events if event.kind == COMMIT]
    others = [event for event in events if event.kind != COMMIT]
    others.sort(key=lambda e: (e.time, KINDS.index(e.kind)))
    places = [(_place(event, commits), event) for event in others]
    for i, commit in enumerate([*commits, None]):
        yield from (event for place, event in places if place == i)
        if commit:
            yield commit


def _place(event: ChampionEvent, commits: Sequence[ChampionEvent]) -> int:
    """How many of the commits come before an event: where the fewest dates disagree, after its own commit."""
    own = max((i + 1 for i, c in enumerate(commits) if c.commit == event.commit), default=0)
    wrong = [
        sum(c.time > event.time for c in commits[:i])
        + sum(c.time <= event.time for c in commits[i:])
        for i in range(len(commits) + 1)
    ]
    return max(range(own, len(commits) + 1), key=lambda i: (-wrong[i], i))


def _until(event: ChampionEvent, later: Sequence[ChampionEvent]) -> str | None:
    others = (e.when for e in later if e.usecase == event.usecase and e.md5 != event.md5)
    return next(others, None)


def _stamp(when: str) -> str:
    return datetime.fromisoformat(when).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
