"""Streams: a world's payments with features, scores and true labels, day by day; kept as Parquet.

A world's past is made once, with its model; a scenario makes anew only the days from its shock on.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bench.monitoring import learning
from bench.monitoring.scenarios import Scenario, calendar
from bench.monitoring.worlds import CONTEXT, DELAY, IRRELEVANT, World, ordinal
from plumbline.core import tables
from plumbline.core.declarations import Array
from plumbline.core.files import replacing_folder
from plumbline.features import batch, derived_events, ibis_session
from plumbline.monitor.window import Window
from sources.card_fraud.simulator import simulate
from usecases.card_fraud.model import USECASE

ROWS_OF_TRAINING = 100_000


@dataclass(frozen=True)
class Past:
    """What a detector may know before the first judged window: a model's training rows, the healthy
    days since, labels as known on that day, and how much the model gains by each feature.

    `unlabelled`: the last of these days with the labels that come in later, one day's with each
    judged window."""

    training: Window
    days: tuple[Window, ...]
    unlabelled: tuple[Window, ...]
    gain: Mapping[str, float]
    threshold: float


def payments(world: World, settings: Mapping[str, Any], since: date) -> pa.Table:
    """The feed's rows from `since` on, with the day each was `delivered` and the truth."""
    days = simulate(settings, world.start, world.end, world.seed, truth=True, since=since)
    return pa.concat_tables(
        t.append_column("delivered", pa.array(np.full(t.num_rows, ordinal(since) + i)))
        for i, t in enumerate(days)
    )


def outcomes(true: pa.Table) -> pa.Table:
    """Each payment's label and when it becomes known. `true`: rows before any fault."""
    frame = true.select(["payment_id", "paid_at", "is_fraud"]).to_pandas()
    frame = frame.drop_duplicates("payment_id")
    frame["known_at"] = frame.pop("paid_at") + np.timedelta64(DELAY, "D")
    kept = pa.Table.from_pandas(frame, preserve_index=False)
    return kept.set_column(
        kept.column_names.index("known_at"), "known_at", kept["known_at"].cast(pa.timestamp("us"))
    )


def featured(
    events: pa.Table,
    labels: pa.Table,
    end: date,
    spans: Mapping[str, tuple[date, date]],
    stale: int = 0,
) -> dict[str, pa.Table]:
    """Model tables of the days delivered in each span, by the project's own batch features.

    `stale`: days by which snapshots are too old. Labels are the true ones.
    """
    import ibis

    with ibis_session.connection(threads=1) as backend:
        rows, late = ibis_session.lend(backend, events), ibis_session.lend(backend, labels)
        rows = derived_events.kept(backend, USECASE, rows, late, end)
        made = {}
        for entity in USECASE.entities:
            found = batch.snapshots(USECASE, entity, rows, late, end)
            if stale:
                found = found.mutate(day=found.day + ibis.interval(days=stale))
            made[entity.name] = ibis_session.keep(backend, entity.name, found)
        return {
            name: _table(backend, rows, late, made, ordinal(first), ordinal(last))
            for name, (first, last) in spans.items()
        }


def _table(backend: Any, rows: Any, late: Any, made: Any, first: int, last: int) -> pa.Table:
    inside = rows.filter(rows.delivered >= first, rows.delivered < last)
    joined = batch.join_label(USECASE, batch.fresh(USECASE, inside), late)
    joined = batch.join_snapshots(USECASE, joined, made)
    names = [*tables.order(USECASE), "delivered"]
    joined = joined.select(names).order_by("delivered", USECASE.time, USECASE.key)
    found = backend.con.sql(backend.compile(joined)).to_arrow_table()
    return tables.completed(USECASE, found).append_column("delivered", found["delivered"])


def past(world: World, kind: str = "plain") -> Past:
    """A world's model and healthy days; made at the first call. `kind`: see Scenario.past."""
    folder = prepare(world, kind)
    bundle = learning.load(world.folder / "model")
    first = ordinal(world.valid[1])
    days = windows(read(folder / "history.parquet"), first, world.size.history)
    unknown = len(days) - DELAY
    training = read(world.folder / "plain" / "training.parquet")
    return Past(
        learning.window(training, np.datetime64(world.train[1], "D") - 1),
        tuple(d if i < unknown else hide(d) for i, d in enumerate(days)),
        tuple(days[unknown:]),
        learning.gain(bundle),
        bundle.threshold or 0.5,
    )


def prepare(world: World, kind: str) -> Path:
    """The folder with a world's past of one kind, made where it is not there."""
    folder = world.folder / kind
    if folder.exists():
        return folder
    if kind == "shuffled":
        return _shuffle(world, prepare(world, "plain"), folder)
    if kind == "calendar":
        prepare(world, "plain")  # the model comes from there
        settings = {**world.size.settings, "shocks": calendar(world.start, world.end)}
        since = world.valid[1] - timedelta(days=CONTEXT)
    else:
        settings, since = dict(world.size.settings), world.start
    events = payments(world, settings, since)
    spans = {"history": (world.valid[1], world.shock), "twin": (world.shock, world.end)}
    if kind == "plain":
        spans |= {"train": world.train, "valid": world.valid}
    made = featured(events, outcomes(events), world.end, spans)
    if not (world.folder / "model").exists():
        learning.fit(made["train"], made["valid"], world.folder / "model", world.seed)
    bundle = learning.load(world.folder / "model")
    with replacing_folder(folder) as out:
        for name in ("history", "twin"):
            write(learning.scored(bundle, enriched(made[name], world)), out / f"{name}.parquet")
        if kind == "plain":
            some = _some(made["train"], world.seed)
            write(learning.scored(bundle, enriched(some, world)), out / "training.parquet")
        recent = pc.greater_equal(events["delivered"], ordinal(world.shock) - CONTEXT - DELAY)
        write(events.filter(recent), out / "events.parquet")
    return folder


def stream(world: World, scenario: Scenario) -> list[Window]:
    """The judged windows of a scenario, with true labels; made at the first call."""
    path = made(world, scenario)
    return windows(read(path), ordinal(world.shock), count(world, scenario))


def made(world: World, scenario: Scenario) -> Path:
    """The file of a scenario's judged windows, made where it is not there."""
    folder = prepare(world, scenario.past)
    path = world.folder / "streams" / f"{scenario.name}.parquet"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        rows = scenario.rows(_made(world, scenario, folder), world)
        write(learning.scored(learning.load(world.folder / "model"), rows), path)
    return path


def twin(world: World, scenario: Scenario) -> list[Window]:
    """The same days without what the scenario does."""
    folder = prepare(world, scenario.past)
    return windows(read(folder / "twin.parquet"), ordinal(world.shock), count(world, scenario))


def count(world: World, scenario: Scenario) -> int:
    """How many windows of it are judged."""
    return min(scenario.windows, world.size.windows)


def _made(world: World, scenario: Scenario, folder: Path) -> dict[str, Array]:
    end = world.shock + timedelta(days=count(world, scenario))
    if not scenario.made:
        rows = read(folder / "twin.parquet")
        mine = rows["delivered"] < ordinal(end)
        return {n: v[mine] for n, v in rows.items()}
    known = pq.read_table(folder / "events.parquet")
    before = known.filter(pc.less(known["delivered"], ordinal(world.shock)))
    rows = known.filter(pc.greater_equal(known["delivered"], ordinal(world.shock)))
    if scenario.kinds:
        settings = {**world.size.settings, "shocks": scenario.shocks(world)}
        rows = payments(world, settings, world.shock)
    rows = rows.filter(pc.less(rows["delivered"], ordinal(end)))
    rows = rows if scenario.feed is None else scenario.feed(rows, world)
    events = pa.concat_tables([before, rows])
    labels = outcomes(known if scenario.fault else events)
    spans = {"judged": (world.shock, end)}
    return enriched(featured(events, labels, end, spans, scenario.stale)["judged"], world)


def _shuffle(world: World, source: Path, folder: Path) -> Path:
    """History and twin with their rows dealt anew to the days, so that no day differs but by chance."""
    both = [read(source / f"{name}.parquet") for name in ("history", "twin")]
    rows = {n: np.concatenate([b[n] for b in both]) for n in both[0]}
    count = len(rows["delivered"])
    days = world.size.history + world.size.windows
    place = np.random.default_rng(world.seed).permutation(count)
    day = ordinal(world.valid[1]) + place * days // count
    clock = rows["paid_at"] - rows["paid_at"].astype("datetime64[D]")
    rows |= {"delivered": day, "paid_at": day.astype("datetime64[D]") + clock}
    order = np.argsort(rows["paid_at"], kind="stable")
    dealt = {n: v[order] for n, v in rows.items()}
    judged = dealt["delivered"] >= ordinal(world.shock)
    with replacing_folder(folder) as out:
        for name, mine in (("history", ~judged), ("twin", judged)):
            write({n: v[mine] for n, v in dealt.items()}, out / f"{name}.parquet")
    return folder


def enriched(table: pa.Table, world: World) -> dict[str, Array]:
    """The table's columns with the one that the model does not use; the same for the same rows."""
    columns = {n: tables.numpy(table[n]) for n in table.column_names}
    key = columns["payment_id"].astype(np.uint64) + np.uint64(world.seed)
    place = (key * np.uint64(11_400_714_819_323_198_485) >> np.uint64(11)) * 2.0**-53
    return {**columns, IRRELEVANT.name: np.rint(100 * (1 - place**2)).astype(np.int64)}


def windows(columns: Mapping[str, Array], start: int, count: int) -> list[Window]:
    """One window for each of `count` days of delivery from `start` (days since 1970) on."""
    edges = np.searchsorted(columns["delivered"], np.arange(start, start + count + 1))
    return [
        learning.window({n: v[low:high] for n, v in columns.items()}, np.datetime64(start + i, "D"))
        for i, (low, high) in enumerate(itertools.pairwise(edges))
    ]


def hide(day: Window) -> Window:
    """A window whose labels are not known yet."""
    blank = np.full(day.rows, np.nan)
    columns = {n: v for n, v in day.columns.items() if n != USECASE.label}
    return Window(columns, blank, day.score, day.day, day.last)


def read(path: Path, columns: Sequence[str] | None = None) -> dict[str, Array]:
    """A stream's columns, or those named."""
    return tables.read(path, columns)


def write(columns: Mapping[str, Array] | pa.Table, path: Path) -> None:
    table = columns if isinstance(columns, pa.Table) else pa.table(dict(columns))
    pq.write_table(table, path, compression="zstd", compression_level=1)


def _some(table: pa.Table, seed: int) -> pa.Table:
    if table.num_rows <= ROWS_OF_TRAINING:
        return table
    picked = np.random.default_rng(seed).choice(table.num_rows, ROWS_OF_TRAINING, replace=False)
    return table.take(pa.array(np.sort(picked)))
