"""The histories of a file's events, from the commit's tiles and the file's own earlier events. Ibis expressions.

The sums are added up and divided by the expressions of the batch (`plumbline.features.tiles` and `batch`), so that
an event has the histories that the stage features would give it, had the file been part of its data. Of outcomes,
those in the file count once their label delay has passed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import ibis
import numpy as np
import pyarrow as pa

from plumbline.core import row_features, tables
from plumbline.core.declarations import KNOWN_AT, Entity, Hourly, Snapshot
from plumbline.core.usecase import FeatureSet
from plumbline.features import batch, ibis_session, tiles
from plumbline.features import grain as grains
from plumbline.features.grain import Grain
from plumbline.features.tiles import IbisTable
from plumbline.serve.seed import Seed, SeedTiles

ROW, NEW = "__row", "__new"
"""Of an event its number in the file (null for one of the seed's), and whether the tiles do not count it yet."""


class Continuation:
    """A file's events after a seed. `kept`: an Ibis table of them with `__row`; `outcomes`: whether it has them, too."""

    def __init__(
        self, backend: Any, usecase: FeatureSet, seed: Seed, kept: IbisTable, *, outcomes: bool
    ) -> None:
        self.backend, self.usecase, self.seed = backend, usecase, seed
        names = [c.name for c in usecase.known]
        recent = ibis_session.lend(backend, seed.recent)
        self.recent = recent
        known = recent.select(__key=recent[usecase.key], __when=recent[usecase.time], __seen=True)
        same = [kept[usecase.key] == known["__key"], kept[usecase.time] == known["__when"]]
        marked = kept.left_join(known, same)
        own = marked.mutate(**{NEW: marked["__seen"].isnull()}).select(ROW, NEW, *names)
        self.own = ibis_session.keep(backend, "own_events", own)
        again = [recent[usecase.key] == self.own[usecase.key]]
        again.append(recent[usecase.time] == self.own[usecase.time])
        self.others = recent.anti_join(self.own, again)
        self.settled_now = self._settled(kept) if outcomes else None
        self.derived = self._with_derived()

    def joined(self) -> IbisTable:
        """The file's events, in no order, with `__row`, the known columns and the histories, float64."""
        return self._joined(self.usecase, self.derived)

    def _joined(self, usecase: FeatureSet, derived: IbisTable | None) -> IbisTable:
        every = self._every(usecase, derived)
        own = every.filter(every[ROW].notnull())
        by_entity = {
            name: self._stored(usecase, name, entity, grain, every, own)
            for name, entity, grain in grains.stored(usecase)
        }
        past = self._all_outcomes()
        fresh = batch.fresh(usecase, every, past, every) if usecase.fresh else every
        return batch.join_snapshots(usecase, fresh.filter(fresh[ROW].notnull()), by_entity)

    def _every(self, usecase: FeatureSet, derived: IbisTable | None) -> IbisTable:
        """The file's events and the seed's other recent ones."""
        names = [*(c.name for c in usecase.known), *usecase.derived]
        own = self.own
        if usecase.derived and derived is not None:
            right = derived.rename({"__number": ROW})
            own = own.left_join(right, own[ROW] == right["__number"]).drop("__number")
        others = self.others.mutate(**{ROW: ibis.null("int64"), NEW: False})
        return ibis.union(own.select(ROW, NEW, *names), others.select(ROW, NEW, *names))

    def _stored(
        self,
        usecase: FeatureSet,
        name: str,
        entity: Entity,
        grain: Grain,
        every: IbisTable,
        own: IbisTable,
    ) -> IbisTable:
        """The stored histories of the ids and days (hours) of the file's events, as `batch.snapshots` has them."""
        specs = grain.specs(usecase, entity)
        parts = tiles.parts(specs)
        at = own[usecase.time]
        wanted = own.select(id=tiles.id_of(entity, own), n=tiles.number(at, grain).cast("int64"))
        wanted = wanted.filter(wanted.id.notnull()).distinct()
        zeros = {c: ibis.literal(0, "int64") for c in tiles.columns(parts)}
        sides = [
            self._seeded(entity, grain, specs),
            *self._added(usecase, entity, grain, parts, every),
            wanted.mutate(**zeros, __wanted=True),
        ]
        order = ["id", "n", *tiles.columns(parts), "__wanted"]
        whole = ibis.union(*(s.select(*order) for s in sides))
        sums = {c: whole[c].sum().cast("int64") for c in tiles.columns(parts)}
        dense = whole.group_by("id", "n").agg(**sums, __wanted=whole["__wanted"].any())
        values = {s.name: tiles.windowed(s, dense, parts) for s in specs}
        rows = dense.mutate(**values)
        rows = rows.filter(rows["__wanted"])
        moment = {grain.column: tiles.begins(rows.n, grain)}
        rows = rows.select(
            rows.id.name(entity.key), **moment, **{s.name: rows[s.name] for s in specs}
        )
        return ibis_session.keep(self.backend, ibis.util.gen_name(f"stored_{name}"), rows)

    def _seeded(
        self, entity: Entity, grain: Grain, specs: Sequence[Snapshot | Hourly]
    ) -> IbisTable:
        """The seed's tiles; n is the first day (hour) that may see them."""
        kept = self.seed.tiles[f"{entity.name}{grain.suffix}"]
        return ibis_session.lend(self.backend, seeded(kept, specs))

    def _added(
        self,
        usecase: FeatureSet,
        entity: Entity,
        grain: Grain,
        parts: dict[tiles.Summand, str],
        every: IbisTable,
    ) -> Iterator[IbisTable]:
        """What the file adds: its events that are new, and the outcomes that became known."""
        plain = {part: name for part, name in parts.items() if not part[0]}
        matured = {part: name for part, name in parts.items() if part[0]}
        zeros = {c: ibis.literal(0, "int64") for c in tiles.columns(parts)}
        if plain:
            new = every.filter(every[NEW])
            sums = tiles.totals(usecase, entity, grain, plain, new, self.own)
            missing = {c: z for c, z in zeros.items() if c not in sums.columns}
            yield sums.mutate(**missing, __wanted=False)
        if matured and self.settled_now is not None:
            sums = tiles.totals(usecase, entity, grain, matured, every, self.settled_now)
            missing = {c: z for c, z in zeros.items() if c not in sums.columns}
            yield sums.mutate(**missing, __wanted=False)

    def _settled(self, kept: IbisTable) -> IbisTable:
        """The file's outcomes that the tiles do not count yet, with when they became known."""
        usecase = self.usecase
        delay = ibis.interval(seconds=int(usecase.delay.total_seconds()))
        late = kept.mutate(**{KNOWN_AT: kept[usecase.time] + delay})
        late = late.select(usecase.key, KNOWN_AT, *(c.name for c in usecase.unknown))
        counted = self.recent.filter(self.recent[KNOWN_AT].notnull())
        rows = late.anti_join(counted, late[usecase.key] == counted[usecase.key])
        return ibis_session.keep(self.backend, "settled_now", rows)

    def _all_outcomes(self) -> IbisTable:
        """Every outcome that is known of the file's and the seed's recent events."""
        names = [self.usecase.key, KNOWN_AT, *(c.name for c in self.usecase.unknown)]
        before = self.recent.filter(self.recent[KNOWN_AT].notnull()).select(*names)
        if self.settled_now is None:
            return before
        return ibis.union(before, self.settled_now.select(*names))

    def _with_derived(self) -> IbisTable | None:
        """The derived event features of the file's events, int64, by `__row`."""
        usecase = self.usecase
        if not usecase.derived:
            return None
        derivation = usecase.derivation
        computed = {r.name for r in derivation.rows}
        read = (i for r in derivation.rows for i in r.inputs if i not in computed)
        names = list(dict.fromkeys([ROW, derivation.key, *read]))
        needed = self._joined(derivation, None).select(names)
        rows = pa.Table.from_batches(self._derived(needed), _derived_schema(usecase))
        return ibis_session.keep(
            self.backend, "derived_events", ibis_session.lend(self.backend, rows)
        )

    def _derived(self, needed: IbisTable) -> Iterator[Any]:
        usecase = self.usecase
        nullable = {c.name for c in usecase.columns if c.null}
        for rows in ibis_session.batches(self.backend, needed, tables.CHUNK):
            plain = pa.Table.from_batches([rows])
            columns = {n: tables.numpy(plain[n], null=n in nullable) for n in plain.column_names}
            whole = columns | row_features.row_features(usecase.derivation, columns)
            values = row_features.derived_features(usecase, whole).values()
            arrays = [pa.array(v, pa.float64(), from_pandas=True).cast(pa.int64()) for v in values]
            yield pa.RecordBatch.from_arrays(
                [plain[ROW].combine_chunks(), *arrays], schema=_derived_schema(usecase)
            )


def seeded(kept: SeedTiles, specs: Sequence[Snapshot | Hourly]) -> Any:
    """An Arrow table of the seed's tiles with the columns of the parts of `specs`, as `tiles.totals` names them."""
    columns: dict[str, Any] = {}
    for (matured, measure), name in tiles.parts(specs).items():
        place = kept.parts.index((matured, measure))
        columns |= {f"{name}_count": kept.counts[place], f"{name}_sum": kept.sums[place]}
    places = np.repeat(np.arange(len(kept.ids)), np.diff(kept.starts))
    flags = np.zeros(len(kept.n), bool)
    return pa.table(
        {"id": kept.ids.take(pa.array(places)), "n": kept.n + 1, **columns, "__wanted": flags}
    )


def _derived_schema(usecase: FeatureSet) -> Any:
    return pa.schema([(ROW, pa.int64()), *((name, pa.int64()) for name in usecase.derived)])
