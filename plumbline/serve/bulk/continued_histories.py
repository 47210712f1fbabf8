"""The histories of a file's events, from the commit's tiles and the file's own earlier events. Ibis expressions.

The sums are added up and divided by the expressions of the batch (`plumbline.features.tiles` and `batch`), so that
an event has the histories that the stage features would give it, had the file been part of its data. Of outcomes,
those in the file count once their label delay has passed.

Memory is bounded: tiles are added up for some of the ids at a time, events are joined some days at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from plumbline.core import row_features, tables
from plumbline.core.declarations import KNOWN_AT, Entity, Hourly, Snapshot
from plumbline.core.usecase import FeatureSet
from plumbline.features import batch, ibis_session, tiles
from plumbline.features import grain as grains
from plumbline.features.grain import Grain
from plumbline.features.tiles import IbisTable
from plumbline.serve.seed import Seed, SeedTiles

ROW, NEW, SETTLED = "__row", "__new", "__settled"
"""Of an event its number in the file (null for one of the seed's); whether the tiles do not count it yet; whether the
file has an outcome of it that they do not count."""
AT_ONCE = 1_000_000
"""Events whose histories are worked on together."""


class Continuation:
    """A file's events after a seed. `kept`: an Ibis table of them with `__row`; `outcomes`: whether it has them, too;
    `scratch`: a folder for events with their derived features."""

    def __init__(
        self,
        backend: Any,
        usecase: FeatureSet,
        seed: Seed,
        kept: IbisTable,
        *,
        outcomes: bool,
        scratch: Path,
        at_once: int = AT_ONCE,
    ) -> None:
        self.backend, self.usecase, self.seed, self.at_once = backend, usecase, seed, at_once
        self.outcomes = outcomes
        self.recent = ibis_session.lend(backend, seed.recent)
        self.own = self._marked(kept)
        again = [self.recent[n] == self.own[n] for n in (usecase.key, str(usecase.time))]
        self.others = ibis_session.keep(
            backend, "other_events", self.recent.anti_join(self.own, again)
        )
        self.slices = list(slices(self._days(), at_once))
        self.buckets = max(1, -(-sum(n for _, n in self._days()) // at_once))
        if usecase.derived and self.slices:
            self.own = self._with_derived(scratch / "derived.parquet")

    def joined(self) -> Iterator[IbisTable]:
        """The file's events, some days at a time and in no order, with `__row`, the known columns and the
        histories, float64."""
        return self._joined(self.usecase)

    def _joined(self, usecase: FeatureSet) -> Iterator[IbisTable]:
        if not self.slices:
            return
        by_entity = {
            name: self._stored(usecase, name, entity, grain)
            for name, entity, grain in grains.stored(usecase)
        }
        for first, after in self.slices:
            every = batch.between(usecase, self._every(usecase), first, after)
            rows = self._fresh(usecase, every, first, after)
            near = {n: self._between(usecase, n, t, first, after) for n, t in by_entity.items()}
            yield batch.join_snapshots(usecase, rows.filter(rows[ROW].notnull()), near)

    def _marked(self, kept: IbisTable) -> IbisTable:
        """The file's events with the flags, and when each one's outcome becomes known."""
        usecase = self.usecase
        recent = self.recent
        seen = recent.select(
            __key=recent[usecase.key],
            __when=recent[usecase.time],
            __known=recent[KNOWN_AT].notnull(),
        )
        same = [kept[usecase.key] == seen["__key"], kept[usecase.time] == seen["__when"]]
        overlap = kept.inner_join(seen, same).select(__number=kept[ROW], __known=seen["__known"])
        overlap = ibis_session.keep(self.backend, "overlap", overlap)
        rows = kept.left_join(overlap, kept[ROW] == overlap["__number"])
        delay = ibis.interval(seconds=int(usecase.delay.total_seconds()))
        flags = {
            NEW: rows["__number"].isnull(),
            SETTLED: ~rows["__known"].fill_null(False),
            KNOWN_AT: kept[usecase.time] + delay,
        }
        late = [c.name for c in usecase.unknown] if self.outcomes else []
        names = [*(c.name for c in usecase.known), *late]
        return rows.mutate(**flags).select(ROW, *flags, *names)

    def _days(self) -> list[tuple[date, int]]:
        """The days of the file's events, and how many each has."""
        day = self.own[self.usecase.time].date()
        counted = self.own.group_by(day=day).agg(rows=self.own.count()).order_by("day")
        return [(row["day"], row["rows"]) for row in counted.to_pyarrow().to_pylist()]

    def _every(self, usecase: FeatureSet) -> IbisTable:
        """The file's events and the seed's other recent ones."""
        names = [*(c.name for c in usecase.known), *usecase.derived]
        late = [c.name for c in usecase.unknown] if self.outcomes else []
        others = self.others.mutate(**{ROW: ibis.null("int64"), NEW: False, SETTLED: False})
        order = [ROW, NEW, SETTLED, KNOWN_AT, *names, *late]
        return ibis.union(self.own.select(order), others.select(order))

    def _fresh(self, usecase: FeatureSet, every: IbisTable, first: date, after: date) -> IbisTable:
        """`every`, the events of these days, with the fresh features."""
        matured = [f for f in usecase.fresh if f.matured]
        rows = batch.fresh_of_all(usecase, every)
        for entity in usecase.entities:
            specs = [f for f in matured if f.entity == entity.name]
            if specs:
                late = self._settled(usecase, entity, first, after)
                rows = batch.with_history(usecase, entity, specs, rows, late)
        return rows

    def _settled(self, usecase: FeatureSet, entity: Entity, first: date, after: date) -> IbisTable:
        """Every settled event whose outcome became known on these days, with its id (`__id`) and that time (`__at`)."""
        names = [
            *(c.name for c in usecase.known), *usecase.derived, *(c.name for c in usecase.unknown), KNOWN_AT
        ]  # fmt: skip
        before = self.recent.filter(self.recent[KNOWN_AT].notnull()).select(names)
        rows = before
        if self.outcomes:
            rows = ibis.union(before, self.own.filter(self.own[SETTLED]).select(names))
        inside = rows.filter(rows[KNOWN_AT] >= moment(first), rows[KNOWN_AT] < moment(after))
        return inside.mutate(__id=tiles.id_of(entity, inside), __at=inside[KNOWN_AT])

    def _between(
        self, usecase: FeatureSet, name: str, table: IbisTable, first: date, after: date
    ) -> IbisTable:
        since = table[grains.named(usecase, name)[1].column]
        return table.filter(since >= moment(first), since < moment(after))

    def _stored(self, usecase: FeatureSet, name: str, entity: Entity, grain: Grain) -> IbisTable:
        """The stored histories of the ids and days (hours) of the file's events, as `batch.snapshots` has them."""
        specs = grain.specs(usecase, entity)
        parts = tiles.parts(specs)
        sides = [
            ibis_session.lend(self.backend, seeded(self.seed.tiles[name], specs)),
            *self._added(entity, grain, parts),
            self._wanted(entity, grain, parts),
        ]
        order = ["id", "n", *tiles.columns(parts), "__wanted"]
        whole = ibis.union(*(s.select(order) for s in sides))
        kept, sums = None, ibis.util.gen_name("sums")
        if self.buckets > 1:  # each source is added up once, not once for each bucket
            whole = ibis_session.keep(self.backend, sums, whole)
        for some in _buckets(whole, self.buckets if entity.column is not None else 1):
            rows = _windows(some, entity, grain, specs, parts)
            if kept is None:
                kept = ibis_session.keep(self.backend, ibis.util.gen_name("stored"), rows)
            else:
                # Ibis 12's `insert` looks the table up in a way that DuckDB 2 does not have
                self.backend.con.execute(
                    f"INSERT INTO {kept.get_name()} {self.backend.compile(rows)}"
                )
        self.backend.con.execute(f"DROP TABLE IF EXISTS {sums}")
        return kept

    def _wanted(
        self, entity: Entity, grain: Grain, parts: Mapping[tiles.Summand, str]
    ) -> IbisTable:
        """The ids and days (hours) of the file's events, with nothing to add."""
        at = self.own[self.usecase.time]
        number = tiles.number(at, grain).cast("int64")
        wanted = self.own.select(id=tiles.id_of(entity, self.own), n=number)
        zeros = {c: ibis.literal(0, "int64") for c in tiles.columns(parts)}
        return wanted.filter(wanted.id.notnull()).distinct().mutate(**zeros, __wanted=True)

    def _added(
        self, entity: Entity, grain: Grain, parts: Mapping[tiles.Summand, str]
    ) -> Iterator[IbisTable]:
        """What the file adds: its events that are new, and the outcomes that became known."""
        own = self.own.mutate(__id=tiles.id_of(entity, self.own))
        if any(not matured for matured, _ in parts):
            new = own.filter(own[NEW]).mutate(__at=own[self.usecase.time])
            yield tiles.side(new, grain, parts, matured=False).mutate(__wanted=False)
        if self.outcomes and any(matured for matured, _ in parts):
            new = own.filter(own[SETTLED]).mutate(__at=own[KNOWN_AT])
            yield tiles.side(new, grain, parts, matured=True).mutate(__wanted=False)

    def _with_derived(self, path: Path) -> IbisTable:
        """The file's events with their derived features, int64, kept in a Parquet file."""
        usecase = self.usecase
        nullable = {c.name for c in usecase.columns if c.null}
        writer = None
        for part in self._joined(usecase.derivation):
            for rows in ibis_session.batches(self.backend, part, tables.CHUNK):
                whole = pa.Table.from_batches([rows])
                columns = {
                    n: tables.numpy(whole[n], null=n in nullable) for n in whole.column_names
                }
                columns |= row_features.row_features(usecase.derivation, columns)
                for name, values in row_features.derived_features(usecase, columns).items():
                    array = pa.array(values, pa.float64(), from_pandas=True).cast(pa.int64())
                    whole = whole.append_column(name, array)
                events = whole.select([*self.own.columns, *usecase.derived])
                writer = writer or pq.ParquetWriter(path, events.schema)
                writer.write_table(events)
        if writer:
            writer.close()
        return self.backend.read_parquet(path, table_name="derived_events")


def _windows(
    sums: IbisTable,
    entity: Entity,
    grain: Grain,
    specs: Sequence[Snapshot | Hourly],
    parts: Mapping[tiles.Summand, str],
) -> IbisTable:
    """The histories over tiles of several sources, of the ids and days (hours) that are wanted."""
    totals = {c: sums[c].sum().cast("int64") for c in tiles.columns(parts)}
    dense = sums.group_by("id", "n").agg(**totals, __wanted=sums["__wanted"].any())
    rows = dense.mutate(**{s.name: tiles.windowed(s, dense, parts) for s in specs})
    rows = rows.filter(rows["__wanted"])
    since = {grain.column: tiles.begins(rows.n, grain)}
    return rows.select(rows.id.name(entity.key), **since, **{s.name: rows[s.name] for s in specs})


def _buckets(rows: IbisTable, number: int) -> Iterator[IbisTable]:
    """The rows of some of the ids at a time."""
    if number == 1:
        yield rows
        return
    places = (rows.id.hash() % number + number) % number
    for bucket in range(number):
        yield rows.filter(places == bucket)


def slices(days: Sequence[tuple[date, int]], at_once: int) -> Iterator[tuple[date, date]]:
    """Spans of days, each from the first up to, not including, the second, with about so many events.

    >>> days = [(date(2025, 1, 1), 5), (date(2025, 1, 2), 5), (date(2025, 1, 9), 5)]
    >>> [f"{a} {b}" for a, b in slices(days, 10)]
    ['2025-01-01 2025-01-03', '2025-01-09 2025-01-10']
    """
    first, held = None, 0
    last = None
    for day, rows in days:
        if first is not None and last is not None and held + rows > at_once:
            yield first, last + timedelta(days=1)
            first, held = None, 0
        first, last, held = first or day, day, held + rows
    if first is not None and last is not None:
        yield first, last + timedelta(days=1)


def seeded(kept: SeedTiles, specs: Sequence[Snapshot | Hourly]) -> Any:
    """An Arrow table of the seed's tiles with the columns of the parts of `specs`, as `tiles.totals` names them: n is
    the first day (hour) that may see them."""
    columns: dict[str, Any] = {}
    for (matured, measure), name in tiles.parts(specs).items():
        place = kept.parts.index((matured, measure))
        columns |= {f"{name}_count": kept.counts[place], f"{name}_sum": kept.sums[place]}
    places = np.repeat(np.arange(len(kept.ids)), np.diff(kept.starts))
    flags = np.zeros(len(kept.n), bool)
    return pa.table(
        {"id": kept.ids.take(pa.array(places)), "n": kept.n + 1, **columns, "__wanted": flags}
    )


def moment(day: date) -> Any:
    """Midnight at the start of the day."""
    return ibis.literal(f"{day} 00:00:00", "timestamp(6)")
