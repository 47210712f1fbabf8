"""The events until a day and what is made of them, some months at a time. An edge: scratch files.

A month's histories are sums of the tiles that their windows reach back to, so that a pass over the events holds some
months in memory, and keeps the tiles in scratch files. Integers are summed: the values are those of `batch.snapshots`
over all events at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from plumbline.core import machine
from plumbline.core.declarations import KNOWN_AT, Entity, Fresh, Hourly, Snapshot
from plumbline.core.usecase import FeatureSet
from plumbline.features import batch, ibis_session, kept_files, month_spans, tiles
from plumbline.features import grain as grains
from plumbline.features.grain import DAILY, Grain
from plumbline.features.month_keys import MonthKeys
from plumbline.features.month_spans import DaySpan, MonthSpan

Spec = Snapshot | Hourly | Fresh


@dataclass(frozen=True)
class Past:
    """Events before `as_of` and the outcomes that their histories count, and the months that are worked on together.

    `outcomes` have the time of their event. `scratch`: a folder for what is made on the way; `sums`: the tiles in it, by
    history; `keys`: what a month's values are kept by, where they are.
    """

    backend: Any
    usecase: FeatureSet
    events: Any
    outcomes: Any
    as_of: date
    spans: Sequence[MonthSpan]
    scratch: Path
    sums: dict[str, list[Path]] = field(default_factory=dict)
    keys: MonthKeys | None = None

    def fill(
        self,
        kind: str,
        span: MonthSpan,
        folder: Path,
        compute: Callable[[Path], None],
    ) -> None:
        """Put what `compute` writes of a span into the folder: as it was kept, where months are kept.

        `kind`: the keys of `MonthKeys` that it depends on.
        """
        if self.keys is None:
            compute(folder)
        else:
            kept_files.fill(self.keys, kind, span.months, folder, compute)

    def parts_of(self, span: MonthSpan) -> Sequence[MonthSpan]:
        """What of a span is written into a file of its own: each month where months are kept."""
        return [span] if self.keys is None else [MonthSpan((month,)) for month in span.months]

    def inside(self, days: DaySpan) -> Any:
        """The events of these days."""
        return batch.between(self.usecase, self.events, days.start, days.end)

    def known(self, days: DaySpan) -> Any:
        """The outcomes that became known on these days."""
        return batch.known_between(self.outcomes, days.start, days.end)

    def outcomes_of(self, days: DaySpan) -> Any:
        """The outcomes of the events of these days."""
        return batch.between(self.usecase, self.outcomes, days.start, days.end)

    def concerned(self, known: Any) -> Any:
        """The events among which those are that the outcomes `known` are of."""
        at = known[self.usecase.time]
        ends = (
            known.aggregate(first=at.date().min(), last=at.date().max()).to_pyarrow().to_pylist()[0]
        )
        if ends["first"] is None:
            return self.events.limit(0)
        end = ends["last"] + timedelta(days=1)
        return batch.between(self.usecase, self.events, ends["first"], end)


def summed(usecase: FeatureSet) -> Iterator[tuple[str, Entity, Grain, list[Spec]]]:
    """The name, entity and grain of each stored history, its features, and the entity's fresh features, which are of the
    day, where they count what the others count: settled events, or all."""
    for name, entity, grain in grains.stored(usecase):
        own = grain.specs(usecase, entity)
        fresh = [f for f in usecase.fresh if f.entity == entity.name and grain is DAILY]
        alike = {f.matured for f in fresh} <= {s.matured for s in own}
        yield name, entity, grain, [*own, *(fresh if alike else [])]


def spans(
    usecase: FeatureSet,
    days: Sequence[tuple[date, int]],
    outcomes: Any,
    as_of: date,
) -> tuple[MonthSpan, ...]:
    """The months that are worked on together; `days`: of the events, with their rows."""
    rows = {day: number for day, number in days if day < as_of}
    known = outcomes[KNOWN_AT].date()
    counted = outcomes.group_by(day=known).agg(rows=outcomes.count()).to_pyarrow().to_pylist()
    for day, number in ((one["day"], one["rows"]) for one in counted):
        if day is not None and day < as_of:
            rows[day] = max(number, rows.get(day, 0))
    return month_spans.of(rows, reach(usecase), as_of, machine.memory())


def reach(usecase: FeatureSet) -> timedelta:
    """How far the longest window of the stored histories reaches back."""
    ends = (tiles.reach(g.specs(usecase, e)) * g.length for _, e, g in grains.stored(usecase))
    return max(ends, default=timedelta())


def add(past: Past, span: MonthSpan, kind: str = "tiles") -> None:
    """Sum up the span's days as tiles, in scratch files. `kind`: as `Past.fill` has it."""
    past.fill(kind, span, past.scratch, partial(_add, past, span))
    for name, *_ in summed(past.usecase):
        own = [past.scratch / _tile_file(name, part) for part in past.parts_of(span)]
        past.sums.setdefault(name, []).extend(own)


def _tile_file(name: str, span: MonthSpan) -> str:
    return f"tiles-{name}-{span.days.start}.parquet"


def _add(past: Past, span: MonthSpan, folder: Path) -> None:
    events, late = past.inside(span.days), _settled(past, span)
    for name, entity, grain, specs in summed(past.usecase):
        own = None if late is None else late.mutate(__id=tiles.id_of(entity, late))
        parts = tiles.parts(specs)
        sums = tiles.added(past.usecase, entity, grain, parts, events, own)
        whole = ["n", *tiles.columns(parts), *(["id"] if entity.column is None else [])]
        sums = sums.mutate(**{c: tiles.int64(sums[c]) for c in whole})
        path = past.scratch / "tiles.parquet"
        ibis_session.scratch(past.backend, sums, path)
        months = past.parts_of(span)
        starts = [tiles.number_of(part.days.start, grain) + 1 for part in months]
        paths = [folder / _tile_file(name, part) for part in months]
        ibis_session.split(past.backend, path, "n", starts, paths)


def stored(past: Past, span: MonthSpan, name: str) -> Any:
    """The rows of the span's days of the stored history `name`, from the tiles so far: an expression."""
    entity, grain = grains.named(past.usecase, name)
    specs = next(specs for own, _, _, specs in summed(past.usecase) if own == name)
    first, end = (tiles.number_of(d, grain) for d in (span.days.start, span.days.end))
    last = min(end - 1, tiles.number_of(past.as_of, grain))
    sums = ibis_session.scan(past.backend, past.sums[name])
    return batch.of_sums(past.usecase, entity, grain, sums, tiles.parts(specs), last, first)


def _settled(past: Past, span: MonthSpan) -> Any:
    """The events whose outcome became known on the span's days, in a scratch file; None where none is summed."""
    names = _settled_columns(past.usecase)
    if names is None:
        return None
    known = past.known(span.days)
    rows = tiles.with_outcomes(past.usecase, past.concerned(known), known)
    path = past.scratch / f"settled-{span.days.start}.parquet"
    return ibis_session.scratch(past.backend, rows.select("__at", *names), path)


def _settled_columns(usecase: FeatureSet) -> list[str] | None:
    """What histories of settled events are computed from; None where there are none."""
    specs = [s for *_, listed in summed(usecase) for s in listed if s.matured]
    read = [n for s in specs for n in (s.column, *(w.column for w in s.where)) if n is not None]
    ids = [e.column for e in usecase.entities if e.column is not None]
    return list(dict.fromkeys([*ids, *read])) if specs else None
