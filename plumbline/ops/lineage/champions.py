"""Which bundle was champion when, and why: values in, values and lines out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

KINDS = ("commit", "release", "rollback")
"""A commit of the branch with another bundle; a model's tag; a rollback. In this order within a second."""
SHORT = 9


@dataclass(frozen=True)
class ChampionEvent:
    """What made a bundle (`md5`) the champion: `when` in ISO 8601; `until`: when another took its place."""

    usecase: str
    when: str
    kind: str
    md5: str
    commit: str
    why: str
    version: str | None = None
    until: str | None = None

    @property
    def time(self) -> datetime:
        """`when` in UTC."""
        return datetime.fromisoformat(self.when).astimezone(UTC)


def timeline(events: Iterable[ChampionEvent]) -> list[ChampionEvent]:
    """By use case and time, each with the moment at which another bundle took over; None: never.

    An event that names the bundle in place, such as the release of a merged commit, stands beside it.
    """
    ordered = sorted(events, key=lambda e: (e.usecase, e.time, KINDS.index(e.kind)))
    return [
        replace(event, until=_until(event, ordered[i + 1 :])) for i, event in enumerate(ordered)
    ]


def table(events: Sequence[ChampionEvent]) -> Iterator[str]:
    """The events in columns, times in UTC; `-` until now."""
    head = ("use case", "from", "until", "bundle", "version", "commit", "why")
    cells = [
        (
            e.usecase, _stamp(e.when), _stamp(e.until) if e.until else "-", e.md5[:SHORT],
            e.version or "-", e.commit[:SHORT], f"{e.kind}: {e.why}",
        )
        for e in events
    ]  # fmt: skip
    widths = [max(len(row[i]) for row in (head, *cells)) for i in range(len(head))]
    for row in (head, *cells):
        yield "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()


def _until(event: ChampionEvent, later: Sequence[ChampionEvent]) -> str | None:
    others = (e.when for e in later if e.usecase == event.usecase and e.md5 != event.md5)
    return next(others, None)


def _stamp(when: str) -> str:
    return datetime.fromisoformat(when).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
